//! An in-process cache in front of Valkey and Redis that is never stale by accident.

pub mod clock;
pub mod entry;
pub mod id;
pub mod store;
pub mod tracking;
