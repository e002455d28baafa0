//! Count-Min sketch (Cormode and Muthukrishnan, 2005), bit for bit as RedisBloom keeps it.
//!
//! Every item has a counter of 32 bits in each of `depth` rows, shared with the items that fall on
//! it. The least of them is its count: never too small, and with probability `1 - 2^-depth` too
//! large by at most `2 * total / width`.

mod data_type;
mod merge;
mod rdb;

pub use crate::grid::NoGrid;
pub use merge::{Merge, NoMerge};

use keyspan_common::totals::{Share, Totals};

use crate::grid::Grid;

/// Sums over all sketches, for INFO.
pub static TOTALS: Totals = Totals::new();

/// A Count-Min sketch.
///
/// * `increase`, `count`: O(depth), no allocation.
/// * Memory: `4 * width * depth` bytes plus this struct.
#[derive(Clone, Debug)]
pub struct CountMin {
    grid: Grid<4>,
    total: u64,
    share: Share,
}

impl CountMin {
    /// An empty sketch of `depth` rows of `width` counters, in memory that is brought as it is used.
    ///
    /// # Errors
    /// [`NoGrid`]: a dimension is 0, or the counters are too many.
    pub fn new(width: u64, depth: u64) -> Result<Self, NoGrid> {
        Ok(Self::of(Grid::new(width, depth)?, 0))
    }

    fn of(grid: Grid<4>, total: u64) -> Self {
        let mut share = Share::of(&TOTALS);
        share.set(1, total, u64::try_from(grid.memory()).unwrap_or(u64::MAX));
        Self { grid, total, share }
    }

    /// Counters in a row.
    pub const fn width(&self) -> u64 {
        self.grid.width()
    }

    /// Rows.
    pub const fn depth(&self) -> u64 {
        self.grid.depth()
    }

    /// The sum of all that was ever added, also beyond what a counter holds; wraps at 2^64.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Adds `by` to the counters of `item`, each of which stays at `u32::MAX` once it is there, and
    /// returns the least. Changes nothing if `by` is 0.
    pub fn increase(&mut self, item: &[u8], by: u64) -> u32 {
        let step = u32::try_from(by).unwrap_or(u32::MAX);
        let mut least = u32::MAX;
        self.grid.each_of(item, |_, cell| {
            let count = u32::from_le_bytes(*cell).saturating_add(step);
            *cell = count.to_le_bytes();
            least = least.min(count);
        });
        self.total = self.total.wrapping_add(by);
        self.share.set_items(self.total);
        least
    }

    /// The count of `item`: the least of its counters.
    pub fn count(&self, item: &[u8]) -> u32 {
        self.grid.of(item).map(u32::from_le_bytes).min().unwrap_or(0)
    }
}

/// Equal dimensions, counters and totals.
impl PartialEq for CountMin {
    fn eq(&self, other: &Self) -> bool {
        self.total == other.total && self.grid == other.grid
    }
}

impl Eq for CountMin {}

/// The width and the depth of a sketch whose counts are too large by at most `error` times the
/// total, but with `probability`: `ceil(2 / error)` and `ceil(log(probability) / log(1 / 2))`, the
/// logarithms in 32-bit floats as in the reference.
///
/// Both arguments lie between 0 and 1; what does not fit is cut, and then too large for a sketch.
pub fn dimensions(error: f64, probability: f64) -> (u64, u64) {
    #[expect(clippy::cast_possible_truncation, reason = "as in the reference")]
    let depth = ((probability as f32).log10() / 0.5_f32.log10()).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut as said")]
    let dimensions = ((2.0 / error).ceil() as u64, depth as u64);
    dimensions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_those_of_the_reference() {
        let check = |error: f64, probability: f64, expected: (u64, u64)| {
            assert_eq!(dimensions(error, probability), expected, "{error} {probability}");
        };
        check(0.001, 0.01, (2000, 7));
        check(0.002, 0.01, (1000, 7));
        check(0.5, 0.5, (4, 1));
        check(0.3, 0.25, (7, 2));
        // Exact in doubles, a little more than 3 in floats or not: 0.125 is exact in both.
        check(0.1, 0.125, (20, 3));
        check(0.9999, 1.0 - 1e-9, (3, 0));
        check(1e-23, 0.5, (u64::MAX, 1));
        check(0.5, 1e-50, (4, u64::MAX));
    }

    #[test]
    fn counters_stay_at_their_greatest() {
        let mut sketch = CountMin::new(1000, 5).unwrap();
        let mut check = |by: u64, expected: u32, total: u64| {
            assert_eq!(sketch.increase(b"a", by), expected, "{by}");
            assert_eq!((sketch.count(b"a"), sketch.total()), (expected, total), "{by}");
        };
        check(10, 10, 10);
        check(u64::from(u32::MAX), u32::MAX, 4_294_967_305);
        check(0, u32::MAX, 4_294_967_305);
        check(4_294_967_290, u32::MAX, 8_589_934_595);
        check(u64::MAX, u32::MAX, 8_589_934_594);
        assert_eq!(sketch.count(b"b"), 0);
    }

    #[test]
    fn sums_of_all_sketches_follow() {
        let before = (TOTALS.parts(), TOTALS.bytes());
        let one = CountMin::new(1 << 20, 4).unwrap();
        let two = one.clone();
        // Other tests make small ones meanwhile.
        assert!(TOTALS.parts() >= before.0 && TOTALS.bytes() >= 2 << 24);
        drop((one, two));
        assert!(TOTALS.bytes() < 2 << 24);
    }
}
