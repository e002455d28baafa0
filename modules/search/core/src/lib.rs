//! Secondary indexes over documents: schemas, queries, plans, and the indexes themselves. No server.

pub mod code;
pub mod documents;
pub mod engine;
pub mod expression;
pub mod index;
pub mod plan;
pub mod print;
pub mod query;
pub mod request;
pub mod schema;
pub mod simd;
mod sync;
pub mod words;
