//! Vector indexes: how vectors are declared, stored and measured.

mod blocks;
mod found;
mod pool;
mod rows;
mod space;
mod sq8;
mod store;
mod units;

pub use found::{Allowed, Cancel, Found, Neighbour};
pub use space::{Probe, Space};
pub use store::Label;
pub use units::{Dimension, Element, Metric, Quantization, Refused};
