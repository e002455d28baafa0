//! An in-process cache in front of Valkey and Redis that is never stale by accident.

mod address;
mod async_handle;
mod builder;
pub mod clock;
mod core;
mod decode;
pub mod entry;
mod error;
mod handle;
pub mod id;
mod key;
mod link;
mod load;
mod payload;
mod reads;
mod reply;
mod request;
mod settings;
mod shape;
mod socket;
mod stats;
pub mod store;
pub mod tracking;

pub use async_handle::AsyncL1;
pub use builder::Builder;
pub use error::Error;
pub use handle::L1;
pub use key::{CacheKey, KeyHandle};
pub use payload::Payload;
pub use redis::{FromRedisValue, Value};
pub use reply::Reply;
pub use settings::Mode;
pub use stats::Stats;
