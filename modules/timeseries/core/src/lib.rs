//! Time series, bit for bit as RedisTimeSeries keeps them: chunks of samples, retention, policies for
//! duplicates, aggregation and compaction rules; labels, filters and the index that finds series by
//! them; command lines and their errors. No server: values, their formats, their queries.

pub mod aggregate;
pub mod chunk;
pub mod error;
pub mod filter;
pub mod index;
pub mod label;
pub mod range;
pub mod rdb;
pub mod request;
pub mod rule;
pub mod series;
