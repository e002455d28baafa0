//! JSON documents, paths and their formats: no server.

pub mod node;
pub mod path;
