//! CMS.*
