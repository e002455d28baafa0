//! Indexes: one for each kind of field.

mod collect;
pub mod fields;
mod forward;
pub mod geo;
mod geohash;
pub mod numeric;
mod sorted;
pub mod tag;
pub mod value;
pub mod vector;
mod wildcard;

pub use fields::{FieldIndex, Fields};
pub use value::{Place, Reject, Value};

/// The dense number of a document. Numbers of deleted documents are given again.
pub type DocId = u32;

/// A set of documents.
pub type DocSet = roaring::RoaringBitmap;
