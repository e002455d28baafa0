//! Vector indexes: how vectors are declared, stored and measured.

mod blocks;
mod flat;
mod found;
mod hnsw;
mod pool;
mod rank;
mod rows;
mod scratch;
mod slots;
mod space;
mod sq8;
mod store;
mod units;

pub use flat::Flat;
pub use found::{Allowed, Cancel, Clock, Found, Neighbour};
pub use hnsw::{Hnsw, Params, Placement};
pub use scratch::Scratch;
pub use space::{Probe, Space};
pub use store::Label;
pub use units::{Dimension, Element, Metric, Quantization, Refused};
