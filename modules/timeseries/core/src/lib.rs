//! Time series, bit for bit as RedisTimeSeries keeps them: chunks of samples, retention, policies for
//! duplicates, aggregation and compaction rules. No server: values, their formats, their queries.

pub mod aggregate;
pub mod chunk;
pub mod range;
pub mod rdb;
pub mod rule;
pub mod series;
pub mod totals;
