//! TS.* for Valkey and Redis: translation only. Series, queries and labels are
//! `keyspan-timeseries-core`'s, the module API is `keyspan-server`'s.
//!
//! ```text
//! registry    which series carry which labels, database by database
//! follow      what happens to keys -> the registry, and the rules that name them
//! budget      how many rows EMPTY may add
//! compaction  what a series tells the destinations of its rules
//! policy      rules that series get which a sample makes
//! commands    TS.*
//! ```

#![cfg_attr(not(feature = "module"), expect(dead_code, reason = "called by the server alone"))]

mod answer;
mod budget;
pub mod commands;
mod compaction;
mod follow;
#[cfg(feature = "module")]
mod module;
pub mod policy;
mod registry;
pub mod settings;
