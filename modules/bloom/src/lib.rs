//! BF.*, CF.*, CMS.*, TOPK.* and TDIGEST.* for Valkey and Redis: translation only. Structures and
//! their formats are `keyspan-bloom-core`'s, the module API is `keyspan-server`'s.

pub mod commands;
pub mod memory;
#[cfg(feature = "module")]
mod module;
pub mod settings;
