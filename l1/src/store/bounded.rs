//! The store: a table that is read without locks, and queues that say who has to go.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Store;
use super::current::{READERS, reading};
use super::queues::{Queues, WANTS_MAX};
use super::table::{Edit, Table};
use crate::entry::Entry;
use crate::id::Lookup;

/// Entries to a number of bytes. A hit takes no lock, waits for nobody and writes nothing that
/// another thread writes, but for the first two wants of an entry.
///
/// # Memory
///
/// The sum of all of the following never passes the capacity:
///
/// * each [`Entry::bytes`]: a block of [`BLOCK_BYTES`](crate::entry::BLOCK_BYTES) + name + string (in
///   whole words), and what another reply owns beside it;
/// * the index: 64 bytes for each bucket of seven places, 15 to 26 bytes for each entry;
/// * the queues: 32 to 64 bytes for each entry, and 11 to 22 for those that went lately;
/// * what was taken out, until those who were reading at that time have ended: about 1/64 of the
///   capacity at most, but for readers that take long.
///
/// Blocks are counted as asked for; what the allocator rounds up is not in it. Replies that are
/// still held by callers are not counted once they are taken out.
pub struct Bounded {
    table: Table<Entry, Queues>,
    capacity: usize,
    evictions: AtomicU64,
    bytes: AtomicU64,
    count: AtomicU64,
}

/// What waits to be freed takes one part of so many.
const LIMBO_DIVISOR: usize = 64;

type Editing<'a> = Edit<'a, Entry, Queues>;

impl Bounded {
    /// An empty store that keeps this many bytes.
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        let capacity = usize::try_from(capacity_bytes).unwrap_or(usize::MAX);
        let table = Table::new(&READERS, capacity / LIMBO_DIVISOR, Queues::new());
        let count = AtomicU64::default;
        Self { table, capacity, evictions: count(), bytes: count(), count: count() }
    }

    /// Bytes that are kept now, by the formula above.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Entries that are kept now, those that may not be served any more included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries that had to go for others, since the start.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    fn used(edit: &mut Editing<'_>) -> usize {
        edit.state().bytes().saturating_add(Self::overhead(edit))
    }

    fn overhead(edit: &mut Editing<'_>) -> usize {
        let queues = edit.state().overhead();
        queues.saturating_add(edit.overhead())
    }

    /// Sends away who has to go until there is room for as many bytes; how many there may be in all.
    fn make_room(&self, edit: &mut Editing<'_>, bytes: usize) -> usize {
        loop {
            let room = self.capacity.saturating_sub(Self::overhead(edit));
            if edit.state().bytes().saturating_add(bytes) <= room {
                return room;
            }
            let Some(gone) = edit.state().evict(room) else { return room };
            edit.remove(gone.lookup().hash(), |entry| entry.is(&gone));
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn publish(&self, edit: &mut Editing<'_>) {
        let as_u64 = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.bytes.store(as_u64(Self::used(edit)), Ordering::Relaxed);
        self.count.store(as_u64(edit.count()), Ordering::Relaxed);
    }

    fn take(edit: &mut Editing<'_>, name: Lookup<'_>) -> bool {
        let is = |entry: &Entry| entry.lookup() == name;
        let Some(place) = edit.find(name.hash(), is).map(|entry| entry.mark().place()) else {
            return false;
        };
        edit.state().leave(place);
        edit.remove(name.hash(), is)
    }
}

impl Store for Bounded {
    #[inline]
    fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        reading(|pin| {
            let is = |entry: &Entry| entry.lookup() == lookup;
            let entry = self.table.find(pin, lookup.hash(), is)?;
            entry.mark().want(WANTS_MAX);
            Some(read(&entry))
        })?
    }

    fn insert(&self, entry: Entry) {
        let mut edit = self.table.edit();
        let name = entry.lookup();
        Self::take(&mut edit, name);
        if entry.bytes() <= self.capacity / 2 {
            let room = self.make_room(&mut edit, entry.bytes());
            if edit.state().enter(&entry, room) {
                edit.insert(entry);
            }
            // Index and queues may have grown.
            self.make_room(&mut edit, 0);
        }
        self.publish(&mut edit);
    }

    fn remove(&self, lookup: Lookup<'_>) -> bool {
        let mut edit = self.table.edit();
        let removed = Self::take(&mut edit, lookup);
        if removed {
            self.publish(&mut edit);
        }
        removed
    }

    fn clear(&self) {
        let mut edit = self.table.edit();
        edit.state().clear();
        edit.clear();
        self.publish(&mut edit);
    }

    fn contains(&self, lookup: Lookup<'_>) -> bool {
        let is = |entry: &Entry| entry.lookup() == lookup;
        reading(|pin| self.table.find(pin, lookup.hash(), is).is_some()).unwrap_or(false)
    }
}

impl fmt::Debug for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, bytes) = (self.len(), self.bytes());
        f.debug_struct("Bounded").field("len", &len).field("bytes", &bytes).finish()
    }
}
