//! Adding: a free slot, else evictions in the newest table, else one more table.

use super::{
    Cuckoo, TABLES_MAX,
    hash::{Probe, other},
    table::Table,
};
use crate::zeroed::{NoMemory, fits};

/// What becomes of an item that the filter seems to hold already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Added once more.
    Always,
    /// Left as it is.
    IfAbsent,
}

/// Why an item was not added. The filter is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No slot was found and no table may be added.
    Full,
    /// No slot was found and there is no memory for a table.
    NoMemory,
}

/// What the evictions of one call may cost, in nanoseconds or so; from then on a full table counts as
/// full at once. With the default of 20 iterations that takes hundreds of thousands of items that find no
/// slot, with the largest number about a hundred.
const EFFORT_MAX: u64 = 1 << 27;

impl Cuckoo {
    /// Adds `item` and says whether anything changed: always, unless by [`Mode::IfAbsent`]. The filter
    /// grows to at most `tables_max` tables.
    ///
    /// # Errors
    /// [`Refused`], and nothing has changed.
    pub fn add(&mut self, item: &[u8], mode: Mode, tables_max: usize) -> Result<bool, Refused> {
        let probe = self.family.probe(item);
        let added = self.insert(probe, mode, tables_max, &mut { EFFORT_MAX });
        self.share.set_items(self.items);
        added
    }

    /// [`Self::add`] for each of `items` in order, several under way at a time.
    pub fn add_many<'a>(
        &mut self,
        items: impl IntoIterator<Item = &'a [u8]>,
        mode: Mode,
        tables_max: usize,
        mut answer: impl FnMut(Result<bool, Refused>),
    ) {
        let mut items = items.into_iter();
        let mut effort = EFFORT_MAX;
        loop {
            let (probes, filled) = self.batch(&mut items);
            for &probe in probes.iter().take(filled) {
                answer(self.insert(probe, mode, tables_max, &mut effort));
            }
            if filled < probes.len() {
                break;
            }
        }
        self.share.set_items(self.items);
    }

    fn insert(
        &mut self,
        probe: Probe,
        mode: Mode,
        tables_max: usize,
        effort: &mut u64,
    ) -> Result<bool, Refused> {
        if mode == Mode::IfAbsent && self.holds(probe) {
            return Ok(false);
        }
        if !self.place(probe, effort) {
            self.grow(tables_max)?;
            // A table just made has a free slot for anything.
            self.place(probe, effort);
        }
        self.items = self.items.saturating_add(1);
        Ok(true)
    }

    /// Puts a fingerprint into a free slot of the newest table that has one, or evicts.
    #[inline]
    fn place(&mut self, probe: Probe, effort: &mut u64) -> bool {
        self.tables.iter_mut().rev().any(|table| table.put(probe)) || self.evict(probe, effort)
    }

    #[cold]
    fn evict(&mut self, probe: Probe, effort: &mut u64) -> bool {
        let (iterations, size) = (self.layout.iterations(), self.layout.bucket_size());
        // A bucket out of the cache, and its slots.
        let cost = 16 + u64::from(size);
        if *effort < u64::from(iterations) * cost {
            return false;
        }
        self.tables.last_mut().is_some_and(|table| {
            let found = Eviction::new(table, probe, size).run(iterations);
            *effort -= u64::from(found.unwrap_or(iterations)) * cost;
            found.is_some()
        })
    }

    #[cold]
    fn grow(&mut self, tables_max: usize) -> Result<(), Refused> {
        let count = self.tables.len();
        if self.layout.expansion() == 0 || count >= tables_max.min(TABLES_MAX) {
            return Err(Refused::Full);
        }
        let buckets = self.layout.buckets_of(count).ok_or(NoMemory)?;
        let bytes = self.layout.bytes_of(count).ok_or(NoMemory)?;
        let bytes = bytes.saturating_add(size_of::<Table>()).saturating_add(self.heap_bytes());
        u64::try_from(bytes).ok().filter(|&bytes| fits(bytes)).ok_or(NoMemory)?;
        self.tables.try_reserve_exact(1).map_err(|_| NoMemory)?;
        self.tables.push(Table::zeroed(buckets, self.layout.bucket_size())?);
        self.tell();
        Ok(())
    }
}

impl From<NoMemory> for Refused {
    fn from(NoMemory: NoMemory) -> Self {
        Self::NoMemory
    }
}

/// A walk through a full table that exchanges the fingerprint in hand for one in the table, until one
/// finds a free slot in its other bucket.
struct Eviction<'a> {
    table: &'a mut Table,
    fingerprint: u8,
    bucket: u64,
    /// The slot of the next exchange, one further in each bucket.
    victim: u8,
    bucket_size: u8,
}

impl<'a> Eviction<'a> {
    fn new(table: &'a mut Table, probe: Probe, bucket_size: u8) -> Self {
        let Probe { fingerprint, first: bucket, .. } = probe;
        Self { table, fingerprint, bucket, victim: 0, bucket_size }
    }

    /// How many exchanges, of at most `iterations`, were made before a slot was found. If none was, the
    /// table is as it was.
    fn run(mut self, iterations: u16) -> Option<u16> {
        let found = (0..iterations).find(|_| self.step());
        if found.is_none() {
            (0..iterations).for_each(|_| self.step_back());
        }
        found
    }

    fn step(&mut self) -> bool {
        self.exchange();
        self.bucket = other(self.fingerprint, self.bucket);
        let done = self.table.put_at(self.bucket, self.fingerprint);
        self.victim = if self.victim.wrapping_add(1) < self.bucket_size {
            self.victim.wrapping_add(1)
        } else {
            0
        };
        done
    }

    /// The exact reverse: the other bucket of the other bucket is the first.
    fn step_back(&mut self) {
        let before = self.victim.checked_sub(1);
        self.victim = before.unwrap_or(self.bucket_size.saturating_sub(1));
        self.bucket = other(self.fingerprint, self.bucket);
        self.exchange();
    }

    fn exchange(&mut self) {
        self.table.swap(self.bucket, self.victim.into(), &mut self.fingerprint);
    }
}
