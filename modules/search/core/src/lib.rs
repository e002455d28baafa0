//! Secondary indexes over documents: schemas, queries, plans, and the indexes themselves. No server.

pub mod index;
pub mod query;
pub mod schema;
pub mod simd;
