//! Where entries are kept: a bounded map that forgets what is least wanted.

pub mod quick;

use std::sync::Arc;

use crate::entry::Entry;
use crate::id::{Id, Lookup};

/// A bounded map of entries, read by many threads while one or more change it.
///
/// A store may forget any entry at any time (that is eviction) and must do so to keep to its
/// capacity. It may not bring one back: after [`Store::remove`] or [`Store::clear`] returns, no
/// [`Store::find`] that starts then gives an entry from before.
pub trait Store: Send + Sync {
    /// The entry of this name. A hit tells the store that the entry is wanted.
    fn find(&self, lookup: Lookup<'_>) -> Option<Arc<Entry>>;

    /// Keeps the entry, in place of the one of the same name. One that is larger than the store
    /// will bear is not kept, and neither is the one that it replaces.
    fn insert(&self, id: Id, entry: Arc<Entry>);

    /// Forgets the entry; whether there was one.
    fn remove(&self, lookup: Lookup<'_>) -> bool;

    /// Forgets everything.
    fn clear(&self);

    /// Whether there is such an entry; does not count as wanting it.
    fn contains(&self, lookup: Lookup<'_>) -> bool;
}

#[cfg(test)]
pub(crate) mod plain;
