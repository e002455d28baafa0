//! The store of this version: `quick_cache` (clock of the S3-FIFO kind), hashed once by the name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use super::Store;
use crate::entry::{ARC_HEADER, Entry};
use crate::id::{Carried, Id, Lookup};

/// Entries to a number of bytes. A hit takes the read lock of a shard and one count of the entry.
///
/// # Memory
///
/// An entry weighs [`Entry::bytes`] (its block and what the reply owns), its name
/// (`name length + 16`) and [`SLOT_BYTES`] for its place in the table. The sum over all entries never
/// passes 13/14 of the capacity; the rest is for the hashes of entries that were evicted lately, by
/// which the table knows what comes again. Blocks are counted as asked for; what the allocator rounds
/// up is not in it. A reply heavier than `1 / shards` of the capacity is not kept.
#[derive(Debug)]
pub struct Quick {
    cache: Cache<Id, Arc<Entry>, Bytes, Carried, Evictions>,
    evictions: Evictions,
}

/// What the table takes for one entry: name, pointer, links of a queue and a place in a hash index,
/// in tables that grow by doubling.
pub const SLOT_BYTES: usize = 128;

/// Below this a shard would refuse replies of ordinary size.
const SHARD_BYTES_MIN: u64 = 4 << 20;

/// Of what size entries are assumed to be, when the table is told how many to expect.
const ENTRY_BYTES_GUESS: u64 = 512;

/// For every two entries expected, the table keeps the hash of one that was evicted, in 72 bytes:
/// `72 / (2 * 512)` of the capacity.
const GHOSTS_DIVISOR: u64 = 14;

impl Quick {
    /// An empty store that keeps this many bytes.
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        let entries = usize::try_from(capacity_bytes / ENTRY_BYTES_GUESS).unwrap_or(usize::MAX);
        let shards = (capacity_bytes / SHARD_BYTES_MIN).clamp(1, shards_max());
        let weight = capacity_bytes.saturating_sub(capacity_bytes / GHOSTS_DIVISOR);
        let mut options = OptionsBuilder::new();
        options.shards(usize::try_from(shards).unwrap_or(1)).weight_capacity(weight);
        options.estimated_items_capacity(entries.max(1));
        let evictions = Evictions::default();
        let cache = match options.build() {
            Ok(options) => {
                Cache::with_options(options, Bytes, Carried::default(), evictions.clone())
            }
            Err(_) => Cache::with(entries, weight, Bytes, Carried::default(), evictions.clone()),
        };
        Self { cache, evictions }
    }

    /// Bytes that are kept now, by the formula above.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    /// Entries that are kept now, those that may not be served any more included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries that had to go for others, since the start.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions.0.load(Ordering::Relaxed)
    }
}

/// As many threads as run at once seldom meet in four times as many shards.
fn shards_max() -> u64 {
    let threads = std::thread::available_parallelism().map_or(4, usize::from);
    u64::try_from(threads).unwrap_or(4).saturating_mul(4)
}

impl Store for Quick {
    #[inline]
    fn find(&self, lookup: Lookup<'_>) -> Option<Arc<Entry>> {
        self.cache.get(&lookup)
    }

    fn insert(&self, id: Id, entry: Arc<Entry>) {
        let mut request = Request { inserting: Some(id.clone()), gone: Vec::new() };
        self.cache.insert_with_lifecycle(id, entry, &mut request);
    }

    fn remove(&self, lookup: Lookup<'_>) -> bool {
        self.cache.remove(&lookup).is_some()
    }

    fn clear(&self) {
        self.cache.clear();
    }

    fn contains(&self, lookup: Lookup<'_>) -> bool {
        self.cache.contains_key(&lookup)
    }
}

#[derive(Clone, Copy, Debug)]
struct Bytes;

impl Weighter<Id, Arc<Entry>> for Bytes {
    fn weight(&self, id: &Id, entry: &Arc<Entry>) -> u64 {
        let name = id.bytes().len().saturating_add(ARC_HEADER);
        let bytes = entry.bytes().saturating_add(name).saturating_add(SLOT_BYTES);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

#[derive(Clone, Debug, Default)]
struct Evictions(Arc<AtomicU64>);

/// What one insertion leads to.
#[derive(Default)]
struct Request {
    inserting: Option<Id>,
    /// What had to go; freed only after the lock of the shard is given back.
    gone: Vec<(Id, Arc<Entry>)>,
}

impl Lifecycle<Id, Arc<Entry>> for Evictions {
    type RequestState = Request;

    /// Called for what is replaced, too.
    fn on_evict(&self, request: &mut Request, id: Id, entry: Arc<Entry>) {
        if request.inserting.as_ref() != Some(&id) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        request.gone.push((id, entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::id::Kind;
    use redis::Value;

    fn put(store: &Quick, key: &[u8], size: usize) {
        let value = Value::BulkString(vec![b'x'; size]);
        let entry = Entry::new(1, Moment::ORIGIN, value);
        store.insert(Id::new(Kind::Get, key.into()), Arc::new(entry));
    }

    fn size(store: &Quick, key: &[u8]) -> Option<usize> {
        let entry = store.find(Lookup::new(Kind::Get, key))?;
        let Value::BulkString(bytes) = entry.value() else { panic!("another's value") };
        Some(bytes.len())
    }

    #[test]
    fn what_is_put_is_found_until_it_is_removed() {
        let store = Quick::new(1 << 20);
        put(&store, b"a", 1);
        put(&store, b"b", 2);
        put(&store, b"a", 3);
        assert_eq!((size(&store, b"a"), size(&store, b"b"), store.len()), (Some(3), Some(2), 2));
        assert!(store.remove(Lookup::new(Kind::Get, b"a")));
        assert!(!store.remove(Lookup::new(Kind::Get, b"a")));
        assert_eq!((size(&store, b"a"), store.len(), store.evictions()), (None, 1, 0));
        store.clear();
        assert_eq!((size(&store, b"b"), store.bytes(), store.is_empty()), (None, 0, true));
    }

    #[test]
    fn bytes_are_exact_and_bounded() {
        let store = Quick::new(1 << 20);
        put(&store, b"four", 1000);
        let block = size_of::<Entry>() + ARC_HEADER;
        let expected = block + 1000 + 4 + ARC_HEADER + SLOT_BYTES;
        assert_eq!(store.bytes(), expected as u64);
        for number in 0..5000_u32 {
            put(&store, number.to_string().as_bytes(), 1000);
            assert!(store.bytes() <= 1 << 20);
        }
        assert!(store.bytes() > (1 << 20) * 8 / 10, "{} bytes", store.bytes());
        assert_eq!(store.evictions(), 5001 - store.len() as u64);
    }

    #[test]
    fn a_reply_that_is_too_heavy_takes_its_forerunner_along() {
        let store = Quick::new(1 << 20);
        put(&store, b"k", 10);
        put(&store, b"k", 2 << 20);
        assert_eq!((size(&store, b"k"), store.bytes()), (None, 0));
    }

    /// A reply that is wanted often outlives many that are wanted once.
    #[test]
    fn a_scan_does_not_push_out_the_hot() {
        let store = Quick::new(1 << 20);
        for round in 0..20_u32 {
            for hot in 0..100_u32 {
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
}
