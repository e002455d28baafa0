//! Weighted sums of sketches.

use super::CountMin;
use crate::{
    grid::{Grid, NoGrid},
    zeroed::{NoMemory, zeroed},
};

/// Why there is no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMerge {
    /// A sketch has another width or depth.
    Dimensions,
    /// The allocator has no room for the sums.
    Memory,
    /// A counter of the sum is negative or beyond 32 bits, or the total is negative or beyond 63
    /// bits, or on the way there something was beyond 63 bits.
    Overflow,
}

/// A weighted sum of sketches in the making.
///
/// Memory: `8 * width * depth` bytes.
#[derive(Debug)]
pub struct Merge {
    width: u64,
    depth: u64,
    /// Signed, in two's complement.
    cells: Vec<u64>,
    total: i64,
}

impl Merge {
    /// The sum of no sketches, of the dimensions of `like`.
    ///
    /// # Errors
    /// [`NoMerge::Memory`].
    pub fn new(like: &CountMin) -> Result<Self, NoMerge> {
        let cells = zeroed(like.grid.all().len()).map_err(|NoMemory| NoMerge::Memory)?;
        Ok(Self { width: like.width(), depth: like.depth(), cells, total: 0 })
    }

    /// Adds `weight` times every counter of `sketch`, and its total.
    ///
    /// # Errors
    /// [`NoMerge::Dimensions`], [`NoMerge::Overflow`]: the sum is then of no use.
    pub fn add(&mut self, sketch: &CountMin, weight: i64) -> Result<(), NoMerge> {
        if (self.width, self.depth) != (sketch.width(), sketch.depth()) {
            return Err(NoMerge::Dimensions);
        }
        for (sum, cell) in self.cells.iter_mut().zip(sketch.grid.all()) {
            let count = i64::from(u32::from_le_bytes(*cell));
            // Memory that was never used stays so.
            if count == 0 {
                continue;
            }
            *sum = weighted(sum.cast_signed(), count, weight)?.cast_unsigned();
        }
        // A product that fits may be of a total that does not.
        let product = i128::from(sketch.total).checked_mul(i128::from(weight));
        let product = product.and_then(|product| i64::try_from(product).ok());
        let total = product.and_then(|product| self.total.checked_add(product));
        self.total = total.ok_or(NoMerge::Overflow)?;
        Ok(())
    }

    /// The sketch of the sums.
    ///
    /// # Errors
    /// [`NoMerge::Overflow`], [`NoMerge::Memory`].
    pub fn finish(self) -> Result<CountMin, NoMerge> {
        let total = u64::try_from(self.total).map_err(|_| NoMerge::Overflow)?;
        let mut grid = Grid::new(self.width, self.depth).map_err(|error| match error {
            NoGrid::Dimensions => NoMerge::Dimensions,
            NoGrid::Memory => NoMerge::Memory,
        })?;
        for (cell, sum) in grid.all_mut().iter_mut().zip(&self.cells) {
            if *sum == 0 {
                continue;
            }
            // Negative ones are the greatest unsigned ones.
            *cell = u32::try_from(*sum).map_err(|_| NoMerge::Overflow)?.to_le_bytes();
        }
        Ok(CountMin::of(grid, total))
    }
}

fn weighted(sum: i64, count: i64, weight: i64) -> Result<i64, NoMerge> {
    let product = count.checked_mul(weight);
    product.and_then(|product| sum.checked_add(product)).ok_or(NoMerge::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sketch of one counter.
    fn single(count: u64) -> CountMin {
        let mut sketch = CountMin::new(1, 1).unwrap();
        sketch.increase(b"", count);
        sketch
    }

    fn check(terms: &[(u64, i64)], expected: Option<(u32, u64)>) {
        let mut merge = Merge::new(&single(0)).unwrap();
        let added =
            terms.iter().try_for_each(|(count, weight)| merge.add(&single(*count), *weight));
        let sum = added.and_then(|()| merge.finish());
        let expected = expected.ok_or(NoMerge::Overflow);
        assert_eq!(sum.map(|sum| (sum.count(b""), sum.total())), expected, "{terms:?}");
    }

    #[test]
    fn sums_are_exact_or_refused() {
        const MAX: u64 = u32::MAX as u64;
        check(&[], Some((0, 0)));
        check(&[(3, 2), (4, 1)], Some((10, 10)));
        check(&[(3, 2), (4, -1)], Some((2, 2)));
        check(&[(3, 1), (4, -1)], None);
        check(&[(3, 0)], Some((0, 0)));
        check(&[(MAX, 1)], Some((u32::MAX, MAX)));
        check(&[(MAX, 1), (1, 1)], None);
        check(&[(MAX, 2), (MAX, -1)], Some((u32::MAX, MAX)));
        // Beyond 63 bits on the way, though not in the end.
        check(&[(MAX, i64::MAX), (MAX, i64::MIN), (MAX, 1)], None);
        check(&[(1, i64::MAX), (1, 1)], None);
        // The counter holds, the total does not.
        check(&[(1 << 63, 1)], None);
        check(&[(1 << 63, 0)], Some((0, 0)));
        check(&[(1 << 62, 1)], Some((u32::MAX, 1 << 62)));
    }

    #[test]
    fn dimensions_must_be_equal() {
        let mut merge = Merge::new(&CountMin::new(6, 2).unwrap()).unwrap();
        for (width, depth) in [(2, 6), (3, 4), (6, 1), (7, 2)] {
            let other = CountMin::new(width, depth).unwrap();
            assert_eq!(merge.add(&other, 1), Err(NoMerge::Dimensions), "{width} x {depth}");
        }
    }
}
