//! Where entries are kept: a bounded map that forgets what is least wanted.

pub mod bounded;
mod current;
mod queues;
mod readers;
mod sync;
mod table;

use crate::entry::Entry;
use crate::id::Lookup;

/// A bounded map of entries, read by many threads while one or more change it.
///
/// A store may forget any entry at any time (that is eviction) and must do so to keep to its
/// capacity. It may not bring one back: after [`Store::remove`] or [`Store::clear`] returns, no
/// [`Store::with`] that starts then is given an entry from before.
pub trait Store: Send + Sync {
    /// Calls `read` with the entry of this name. A hit tells the store that the entry is wanted.
    fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R>;

    /// The entry of this name, as with [`Self::with`].
    #[inline]
    fn find(&self, lookup: Lookup<'_>) -> Option<Entry> {
        self.with(lookup, Entry::clone)
    }

    /// Keeps the entry, in place of the one of the same name. One that is larger than the store
    /// will bear is not kept, and neither is the one that it replaces.
    fn insert(&self, entry: Entry);

    /// Forgets the entry; whether there was one.
    fn remove(&self, lookup: Lookup<'_>) -> bool;

    /// Forgets everything.
    fn clear(&self);

    /// Whether there is such an entry; does not count as wanting it.
    fn contains(&self, lookup: Lookup<'_>) -> bool;
}

#[cfg(test)]
mod loomed;
#[cfg(test)]
pub(crate) mod plain;
#[cfg(test)]
mod tests;
