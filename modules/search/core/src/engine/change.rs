//! What is done to an index.

use std::sync::Arc;

use super::record::Parsed;
use crate::schema::Schema;

/// A change, ready to be made.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Fields are added.
    Alter(Arc<Schema>),
    /// A document comes or changes.
    Put(Box<[u8]>, Box<Parsed>),
    /// A document goes.
    Remove(Box<[u8]>),
    /// A document has another key.
    Rename(Box<[u8]>, Box<[u8]>),
}
