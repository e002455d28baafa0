//! JSON documents, paths and their formats: no server.

pub mod arith;
pub mod document;
pub mod node;
pub mod parse;
pub mod path;
pub mod print;

pub use document::{Document, FloatKind, ValueRef};
pub use parse::ParseError;
