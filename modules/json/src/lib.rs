//! JSON.* for Valkey and Redis: translation only. Values and paths are `keyspan-json-core`'s, the
//! module API is `keyspan-server`'s.

mod access;
mod answer;
pub mod commands;
pub mod error;
mod expand;
mod length;
#[cfg(feature = "module")]
mod module;
pub mod settings;
#[cfg(feature = "module")]
mod shared;
