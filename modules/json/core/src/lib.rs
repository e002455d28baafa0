//! JSON documents, paths and their formats: no server.

pub mod arith;
mod bson;
mod data_type;
pub mod document;
pub mod node;
pub mod parse;
pub mod path;
pub mod print;
mod rdb;

pub use document::{Document, FloatKind, ValueRef};
pub use parse::ParseError;
