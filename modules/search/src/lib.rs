//! FT.* for Valkey and Redis: translation only. Indexes, queries and plans are
//! `keyspan-search-core`'s, the module API is `keyspan-server`'s.
//!
//! ```text
//! registry    which indexes there are, by name and alias
//! follow      what happens to keys -> documents that come and go
//! scan        keys that were there before an index was, in slices of the main thread
//! work        vectors moved into graphs, on other threads
//! persist     definitions and graphs beside the keys of RDB files
//! commands    FT.*
//! ```

#![cfg_attr(not(feature = "module"), expect(dead_code, reason = "called by the server alone"))]

mod answer;
pub mod commands;
mod document;
pub mod error;
mod expanded;
mod follow;
mod lists;
#[cfg(feature = "module")]
mod module;
#[cfg(feature = "module")]
mod persist;
mod registry;
mod scan;
pub mod settings;
mod work;
