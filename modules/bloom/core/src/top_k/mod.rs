//! Top-K by HeavyKeeper (Gong et al., 2018), with the cells and the heap of RedisBloom.
//!
//! Every item has a cell in each of `depth` rows. A cell belongs to one item, by its fingerprint,
//! and counts it; other items wear the count down, the less often the larger it is, and the one
//! that brings it to 0 has the cell. The `k` items with the largest counts are kept by name.
//!
//! The reference draws what decays from `rand()`, and its replicas drift apart. Here it follows from
//! the value itself: a number of draws so far, which is saved where the reference leaves room, makes
//! each draw another one.

mod data_type;
mod decay;
mod heap;
mod rdb;

use std::num::NonZero;

pub use crate::grid::NoGrid;
pub use decay::Decay;

use keyspan_common::totals::{Share, Totals};

use crate::{grid::Grid, hash::murmur32, zeroed::NoMemory};
use decay::{Numbers, Outcome};
use heap::Heap;

/// Sums over all values, for INFO.
pub static TOTALS: Totals = Totals::new();

/// The seed of fingerprints.
const FINGERPRINT: u32 = 1919;

/// The most frequent items of a stream.
///
/// * `add`: O(depth + k) for one unit; more units cost O(counts worn down * log units) on top.
/// * `contains`: O(k); `count`: O(depth + k).
/// * Memory: `8 * width * depth + 12 * k + 2048` bytes, and the items.
#[derive(Clone, Debug)]
pub struct TopK {
    grid: Grid<8>,
    decay: Decay,
    heap: Heap,
    /// How often numbers were drawn; wraps.
    draws: u32,
    share: Share,
}

/// What adding an item did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// The item that had to go for it.
    pub expelled: Option<Box<[u8]>>,
    /// Whether the value is another one now.
    pub changed: bool,
}

/// One cell: whose it is, and how often it was seen. Free if the count is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    fingerprint: u32,
    count: u32,
}

impl From<[u8; 8]> for Cell {
    fn from([a, b, c, d, e, f, g, h]: [u8; 8]) -> Self {
        let (fingerprint, count) = ([a, b, c, d], [e, f, g, h]);
        Self { fingerprint: u32::from_le_bytes(fingerprint), count: u32::from_le_bytes(count) }
    }
}

impl From<Cell> for [u8; 8] {
    fn from(cell: Cell) -> Self {
        let ([a, b, c, d], [e, f, g, h]) =
            (cell.fingerprint.to_le_bytes(), cell.count.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }
}

impl TopK {
    /// Room for `k` items over `depth` rows of `width` cells, in memory that is brought as it is
    /// used.
    ///
    /// # Errors
    /// [`NoGrid`]: a dimension is 0, or the cells or the items are too many.
    pub fn new(k: NonZero<u32>, width: u64, depth: u64, decay: Decay) -> Result<Self, NoGrid> {
        let grid = Grid::new(width, depth)?;
        let heap = Heap::new(k.get()).map_err(|NoMemory| NoGrid::Memory)?;
        Ok(Self::of(grid, decay, heap, 0))
    }

    fn of(grid: Grid<8>, decay: Decay, heap: Heap, draws: u32) -> Self {
        let mut top = Self { grid, decay, heap, draws, share: Share::of(&TOTALS) };
        top.account();
        top
    }

    /// How many items are kept.
    pub const fn k(&self) -> usize {
        self.heap.len()
    }

    /// Cells in a row.
    pub const fn width(&self) -> u64 {
        self.grid.width()
    }

    /// Rows.
    pub const fn depth(&self) -> u64 {
        self.grid.depth()
    }

    /// The decay's factor.
    pub const fn decay(&self) -> f64 {
        self.decay.factor()
    }

    /// Counts `item` as seen `units` times. Counts stay at `u32::MAX` once they are there.
    ///
    /// With 0 units an item may still get a cell and a slot that nobody has, as in the reference.
    pub fn add(&mut self, item: &[u8], units: u32) -> Added {
        let Self { grid, decay, heap, draws, .. } = self;
        let fingerprint = murmur32(item, FINGERPRINT);
        let (mut most, draws_before, mut touched) = (0, *draws, false);
        grid.each_of(item, |place, bytes| {
            let cell = Cell::from(*bytes);
            let now = struck(cell, fingerprint, units, |count| {
                decay.strike(count, units, || {
                    *draws = draws.wrapping_add(1);
                    Numbers::of(*draws, place, count, fingerprint)
                })
            });
            touched |= now != cell;
            if now.fingerprint == fingerprint {
                most = most.max(now.count);
            }
            *bytes = now.into();
        });
        let offer = heap.offer(fingerprint, item, most);
        let changed = touched || offer.changed || *draws != draws_before;
        if offer.changed {
            self.account();
        }
        Added { expelled: offer.expelled, changed }
    }

    /// Whether `item` is one of those kept.
    pub fn contains(&self, item: &[u8]) -> bool {
        self.heap.find(murmur32(item, FINGERPRINT), item).is_some()
    }

    /// The count of `item`: the largest in a cell of its own. Of an item that is kept, cells with
    /// less than the least that is kept do not count.
    pub fn count(&self, item: &[u8]) -> u32 {
        let fingerprint = murmur32(item, FINGERPRINT);
        let kept = self.heap.find(fingerprint, item).is_some();
        let least = if kept { self.heap.least() } else { 0 };
        let cells = self.grid.of(item).map(Cell::from);
        let own = cells.filter(|cell| cell.fingerprint == fingerprint && cell.count >= least);
        own.map(|cell| cell.count).max().unwrap_or(0)
    }

    /// The items with their counts, largest first, equal ones in the order of the heap.
    pub fn list(&self) -> Vec<(&[u8], u32)> {
        let counted = self.heap.slots().filter(|(slot, _)| slot.count > 0);
        let mut list: Vec<(&[u8], u32)> =
            counted.filter_map(|(slot, item)| Some((item?, slot.count))).collect();
        list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        list
    }

    /// Says for INFO what the value holds.
    fn account(&mut self) {
        let number = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        self.share.set(1, number(self.heap.filled()), number(self.bytes()));
    }

    /// Bytes on the heap; O(1).
    const fn bytes(&self) -> usize {
        self.grid.memory() + self.decay.memory() + self.heap.memory()
    }
}

/// A cell after `units` of the item with `fingerprint` fell on it; `strike` says what becomes of
/// another item's count.
fn struck(cell: Cell, fingerprint: u32, units: u32, strike: impl FnOnce(u32) -> Outcome) -> Cell {
    if cell.count == 0 {
        return Cell { fingerprint, count: units };
    }
    if cell.fingerprint == fingerprint {
        return Cell { count: cell.count.saturating_add(units), ..cell };
    }
    match strike(cell.count) {
        Outcome::Kept(count) => Cell { count, ..cell },
        Outcome::Taken(count) => Cell { fingerprint, count },
    }
}
