//! Cuckoo filters as RedisBloom keeps them (Fan, Andersen, Kaminsky and Mitzenmacher, "Cuckoo
//! Filter: Practically Better Than Bloom", 2014), with one deviation: a filter that is full gets
//! another table instead of refusing.
//!
//! ```text
//! filter   table 0 | table 1 | ...      table k has buckets * expansion^k buckets
//! table    bucket | bucket | ...        a power of two of them
//! bucket   bucket_size fingerprints     one byte each, 0 = free
//! ```
//! An item is stored as its fingerprint in one of two buckets of one of the tables; which two
//! follows from the item's hash, and the second from the first and the fingerprint, so that a
//! fingerprint can move without its item.
//!
//! Order of search, of eviction, of growth and of compaction are RedisBloom's (2.2 to 8.8, observed):
//! the same commands leave the same bytes.

mod compact;
mod data_type;
mod hash;
mod insert;
mod layout;
mod rdb;
mod table;
mod transfer;

use keyspan_common::data_type::allocated;
use keyspan_common::totals::{Share, Totals};

use crate::{simd::prefetch, zeroed::NoMemory};

use hash::{Family, Probe};
use table::Table;

pub use insert::{Mode, Refused};
pub use layout::{EXPANSION_MAX, Layout};
pub use transfer::{BadChunk, BadHeader, CHUNK_MAX, HEADER_LEN};

/// Sums over all live Cuckoo filters.
pub static TOTALS: Totals = Totals::new();

/// The most tables a filter can have: RedisBloom counts them in 16 bits.
pub const TABLES_MAX: usize = 65_535;

/// Items whose buckets are asked for before the first is looked at.
const BATCH: usize = 16;

/// Tables of which a batch asks for buckets: the newest, which are the largest.
const PREFETCHED_TABLES: usize = 2;

/// A Cuckoo filter that grows.
///
/// * [`Self::contains`], [`Self::count`], [`Self::remove`]: O(tables * bucket size).
/// * [`Self::add`]: that, and O(iterations * bucket size) in a full filter; a new table is taken
///   from the system as zeros.
/// * Memory: one byte a slot and 48 bytes a table.
#[derive(Debug, Clone)]
pub struct Cuckoo {
    /// Oldest first, never empty.
    tables: Vec<Table>,
    layout: Layout,
    family: Family,
    items: u64,
    deletes: u64,
    share: Share,
}

impl PartialEq for Cuckoo {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |filter: &Self| (filter.layout, filter.family, filter.items, filter.deletes);
        numbers(self) == numbers(other) && self.tables == other.tables
    }
}

impl Cuckoo {
    /// A filter with one empty table.
    ///
    /// # Errors
    /// [`NoMemory`] if there is none for the table.
    pub fn new(layout: Layout) -> Result<Self, NoMemory> {
        if !layout.fits(1) {
            return Err(NoMemory);
        }
        let table = Table::zeroed(layout.buckets_of(0).ok_or(NoMemory)?, layout.bucket_size())?;
        Ok(Self::from_parts(vec![table], layout, Family::Wide))
    }

    /// A filter that counts no item yet.
    fn from_parts(tables: Vec<Table>, layout: Layout, family: Family) -> Self {
        let share = Share::of(&TOTALS);
        let mut filter = Self { tables, layout, family, items: 0, deletes: 0, share };
        filter.tell();
        filter
    }

    /// Sets the numbers of items and of deletions, which a foreign producer counted.
    fn with_counts(mut self, items: u64, deletes: u64) -> Self {
        (self.items, self.deletes) = (items, deletes);
        self.tell();
        self
    }

    /// Whether `item` may have been added: never `false` for one that was added and not removed.
    #[inline]
    pub fn contains(&self, item: &[u8]) -> bool {
        self.holds(self.family.probe(item))
    }

    /// [`Self::contains`] for each of `items` in order, several under way at a time.
    pub fn contains_many<'a>(
        &self,
        items: impl IntoIterator<Item = &'a [u8]>,
        mut answer: impl FnMut(bool),
    ) {
        self.in_batches(items, |probe| answer(self.holds(probe)));
    }

    /// How many times `item` may have been added and not removed: at least as often as it was.
    ///
    /// A fingerprint in the one bucket that is both of an item's counts twice, unless the filter
    /// came from RedisBloom 1 or 2.0 (observed).
    pub fn count(&self, item: &[u8]) -> u64 {
        let probe = self.family.probe(item);
        let once = self.family == Family::Narrow;
        self.tables.iter().map(|table| table.count(probe, once)).sum()
    }

    /// Takes one `item` out and says whether there was one. Only for items that were added: any other
    /// may take out another item of the same fingerprint.
    pub fn remove(&mut self, item: &[u8]) -> bool {
        let probe = self.family.probe(item);
        let found = self.tables.iter_mut().rev().any(|table| table.remove(probe));
        if found {
            self.items = self.items.saturating_sub(1);
            self.deletes = self.deletes.saturating_add(1);
            self.compact_if_sparse();
            self.share.set_items(self.items);
        }
        found
    }

    /// How the filter is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Number of tables.
    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    /// Items added and not removed, as the filter counted them or a foreign producer said.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Items removed since the last compaction.
    pub fn deletes(&self) -> u64 {
        self.deletes
    }

    /// The bytes RedisBloom says it would take: what `CF.INFO` replies.
    pub fn size(&self) -> usize {
        // Its structs on a 64-bit machine.
        const FILTER: usize = 40;
        const TABLE: usize = 16;
        let tables = self.tables.iter().map(|table| TABLE + table.slots().len());
        FILTER + tables.sum::<usize>()
    }

    #[inline]
    fn holds(&self, probe: Probe) -> bool {
        self.tables.iter().rev().any(|table| table.contains(probe))
    }

    /// Calls `each` with the probe of each item in order, after the buckets of the batch it is in
    /// were asked for.
    fn in_batches<'a>(
        &self,
        items: impl IntoIterator<Item = &'a [u8]>,
        mut each: impl FnMut(Probe),
    ) {
        let mut items = items.into_iter();
        loop {
            let (probes, filled) = self.batch(&mut items);
            probes.iter().take(filled).for_each(|&probe| each(probe));
            if filled < BATCH {
                return;
            }
        }
    }

    /// The next probes, and how many there are. Their buckets are under way.
    fn batch<'a>(&self, items: &mut impl Iterator<Item = &'a [u8]>) -> ([Probe; BATCH], usize) {
        let mut probes = [Probe::default(); BATCH];
        let mut filled = 0;
        for (place, item) in probes.iter_mut().zip(items) {
            *place = self.family.probe(item);
            for table in self.tables.iter().rev().take(PREFETCHED_TABLES) {
                prefetch(table.slots(), table.offset(place.first));
                prefetch(table.slots(), table.offset(place.second));
            }
            filled += 1;
        }
        (probes, filled)
    }

    /// Bytes on the heap.
    fn heap_bytes(&self) -> usize {
        let blocks = self.tables.iter().map(Table::heap_bytes).sum::<usize>();
        allocated(self.tables.capacity() * size_of::<Table>()) + blocks
    }

    /// Brings the totals of the type up to date.
    fn tell(&mut self) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let (tables, bytes) = (number(self.tables.len()), number(self.heap_bytes()));
        self.share.set(tables, self.items, bytes);
    }
}
