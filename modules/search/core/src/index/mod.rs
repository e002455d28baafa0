//! Indexes: one for each kind of field.

pub mod vector;
