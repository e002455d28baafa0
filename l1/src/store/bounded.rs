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
/// The sum of all of the following does not pass the capacity:
///
/// * each [`Entry::bytes`]: a block of [`BLOCK_BYTES`](crate::entry::BLOCK_BYTES) + name + string (in
///   whole words), and what another reply owns beside it;
/// * the index: 64 bytes for each bucket of seven places, 13 to 26 bytes for each entry;
/// * the queues: 32 to 64 bytes for each entry, and 12 to 24 for those that went lately;
/// * what was taken out and may still be read: 1/64 of the capacity is set aside for it. Only while
///   a caller stays in [`with`](crate::L1::with) for long can it be more.
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

    /// Bytes that there are for entries.
    fn room(&self, edit: &mut Editing<'_>) -> usize {
        let limbo = self.capacity / LIMBO_DIVISOR;
        let overhead = edit.state().overhead().saturating_add(edit.index_bytes());
        self.capacity.saturating_sub(limbo).saturating_sub(overhead)
    }

    fn used(edit: &mut Editing<'_>) -> usize {
        let queues = edit.state();
        let used = queues.bytes().saturating_add(queues.overhead());
        used.saturating_add(edit.index_bytes()).saturating_add(edit.limbo_bytes())
    }

    /// Sends away who has to go until there is room for as many bytes; how many there may be in all.
    fn make_room(&self, edit: &mut Editing<'_>, bytes: usize) -> usize {
        loop {
            let room = self.room(edit);
            let (queues, mut entries) = edit.parts();
            if queues.bytes().saturating_add(bytes) <= room || !queues.evict(room, &mut entries) {
                return room;
            }
            // Only who has the lock counts.
            let evictions = self.evictions.load(Ordering::Relaxed);
            self.evictions.store(evictions.wrapping_add(1), Ordering::Relaxed);
        }
    }

    fn publish(&self, edit: &mut Editing<'_>) {
        let as_u64 = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        edit.settle();
        self.bytes.store(as_u64(Self::used(edit)), Ordering::Relaxed);
        self.count.store(as_u64(edit.count()), Ordering::Relaxed);
    }

    fn take(edit: &mut Editing<'_>, name: Lookup<'_>) -> bool {
        let (queues, mut entries) = edit.parts();
        let Some(entry) = entries.find(name.hash(), |entry| entry.is_named(name)) else {
            return false;
        };
        queues.leave(entry.mark().place());
        entry.remove();
        true
    }
}

impl Store for Bounded {
    #[inline]
    fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        reading(|pin| {
            let is = |entry: &Entry| entry.is_named(lookup);
            let entry = self.table.find(pin, lookup.hash(), is)?;
            entry.mark().want(WANTS_MAX);
            Some(read(&entry))
        })?
    }

    fn insert(&self, entry: Entry) {
        let (name, bytes) = (entry.lookup(), entry.bytes());
        let mut edit = self.table.edit();
        Self::take(&mut edit, name);
        if bytes <= self.capacity / 2 {
            let room = self.make_room(&mut edit, bytes);
            let (queues, mut entries) = edit.parts();
            if bytes <= room && queues.enter(&entry, bytes, room, &mut entries) {
                edit.insert(entry);
            }
            if self.room(&mut edit) != room {
                // Index and queues have grown.
                self.make_room(&mut edit, 0);
            }
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
        let is = |entry: &Entry| entry.is_named(lookup);
        reading(|pin| self.table.find(pin, lookup.hash(), is).is_some()).unwrap_or(false)
    }
}

impl fmt::Debug for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, bytes) = (self.len(), self.bytes());
        f.debug_struct("Bounded").field("len", &len).field("bytes", &bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;
    use crate::clock::Moment;
    use crate::id::Kind;

    fn put(store: &Bounded, key: &[u8], size: usize) {
        let value = Value::BulkString(vec![b'x'; size]);
        store.insert(Entry::new(Lookup::new(Kind::Get, key), 1, Moment::ORIGIN, value));
    }

    fn size(store: &Bounded, key: &[u8]) -> Option<usize> {
        store.with(Lookup::new(Kind::Get, key), |entry| entry.string().unwrap().len())
    }

    #[test]
    fn what_is_put_is_found_until_it_is_removed() {
        let store = Bounded::new(1 << 20);
        put(&store, b"a", 1);
        put(&store, b"b", 2);
        put(&store, b"a", 3);
        assert_eq!((size(&store, b"a"), size(&store, b"b"), store.len()), (Some(3), Some(2), 2));
        assert!(store.remove(Lookup::new(Kind::Get, b"a")));
        assert!(!store.remove(Lookup::new(Kind::Get, b"a")));
        assert_eq!((size(&store, b"a"), store.len(), store.evictions()), (None, 1, 0));
        store.clear();
        assert_eq!((size(&store, b"b"), store.is_empty()), (None, true));
    }

    #[test]
    fn bytes_are_bounded() {
        let store = Bounded::new(1 << 20);
        for number in 0..5000_u32 {
            put(&store, number.to_string().as_bytes(), 1000);
        }
        assert!(store.bytes() > (1 << 20) * 8 / 10, "{} bytes", store.bytes());
        assert_eq!(store.evictions(), 5000 - store.len());
    }

    #[test]
    fn what_was_removed_is_not_counted() {
        let store = Bounded::new(1 << 20);
        for number in 0..500_u32 {
            let key = number.to_string();
            put(&store, key.as_bytes(), 1000);
            assert!(store.remove(Lookup::new(Kind::Get, key.as_bytes())));
        }
        assert_eq!((store.len(), store.evictions()), (0, 0));
        // No more than what waits for readers, and the queues' own.
        assert!(store.bytes() < 1 << 18, "{} bytes", store.bytes());
    }

    #[test]
    fn a_reply_that_is_too_heavy_takes_its_forerunner_along() {
        let store = Bounded::new(1 << 20);
        put(&store, b"k", 10);
        put(&store, b"k", 2 << 20);
        assert_eq!((size(&store, b"k"), store.is_empty()), (None, true));
    }

    /// A reply that is wanted often outlives many that are wanted once, also when the room was
    /// full of others before.
    #[test]
    fn a_scan_does_not_push_out_the_hot() {
        let store = Bounded::new(1 << 20);
        (0..2000_u32).for_each(|old| put(&store, format!("old {old}").as_bytes(), 1000));
        for round in 0..20_u32 {
            for hot in (0..100_u32).chain(0..100) {
                let key = format!("hot {hot}");
                if size(&store, key.as_bytes()).is_none() {
                    put(&store, key.as_bytes(), 1000);
                }
            }
            for cold in 0..1000_u32 {
                put(&store, format!("cold {round} {cold}").as_bytes(), 1000);
            }
        }
        let kept = (0..100).filter(|hot| size(&store, format!("hot {hot}").as_bytes()).is_some());
        assert!(kept.count() >= 95);
    }

    /// Of a loop over more than fits, a part stays.
    #[test]
    fn a_loop_keeps_a_part() {
        let store = Bounded::new(1 << 20);
        let mut hits = 0;
        for step in 0..10_000_u32 {
            let key = (step % 1200).to_string();
            match size(&store, key.as_bytes()) {
                Some(_) => hits += 1,
                None => put(&store, key.as_bytes(), 1000),
            }
        }
        assert!(hits > 10_000 / 2, "{hits} hits");
    }

    #[test]
    fn what_was_invalidated_comes_back_to_where_it_was() {
        let store = Bounded::new(1 << 20);
        put(&store, b"k", 1000);
        (0..2000_u32).for_each(|other| {
            put(&store, other.to_string().as_bytes(), 1000);
            assert_eq!(size(&store, b"k"), Some(1000), "pushed out by {other}");
            if other % 10 == 0 {
                assert!(store.remove(Lookup::new(Kind::Get, b"k")));
                put(&store, b"k", 1000);
            }
        });
    }
}
