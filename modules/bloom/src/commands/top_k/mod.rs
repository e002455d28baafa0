//! TOPK.*
