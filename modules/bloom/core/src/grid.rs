//! Rows of cells of which every item has one in each row: what Count-Min sketch and Top-K count in.
//!
//! ```text
//! cells    depth rows of width cells, row 0 first
//! cell     N bytes, little-endian fields
//! place    row * width + murmur32(item, seed = row) % width
//! ```
//! Cells are kept as the bytes that are saved, so that saving and loading copy nothing.

use std::num::NonZero;

use keyspan_common::{
    data_type::{Mover, allocated},
    rdb::Error,
};

use crate::{hash::murmur32, zeroed::zeroed};

/// Why there is no grid of some dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGrid {
    /// A dimension is 0, there are too many rows, or the bytes of all cells are more than an address
    /// can tell apart.
    Dimensions,
    /// The allocator has no such block.
    Memory,
}

/// The most rows. A sketch errs with a probability of 2 to the power of minus their number, so that
/// nobody needs a hundred; whoever confuses rows and columns may have more, but an item that took
/// seconds would hold up everyone.
const ROWS_MAX: u64 = 1 << 16;

/// An RDB version that every server takes in a RESTORE.
pub(crate) const RESTORED_EVERYWHERE: u16 = 9;

/// What freeing a block of `len` bytes is worth in [`DataType::effort`]: the system takes back
/// page by page what it gave, so that from 4 MiB on it is done on another thread.
///
/// [`DataType::effort`]: keyspan_common::data_type::DataType::effort
pub(crate) const fn freeing_effort(len: usize) -> usize {
    1 + len / (64 << 10)
}

/// `depth` rows of `width` cells of `N` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid<const N: usize> {
    width: NonZero<u64>,
    depth: u64,
    cells: Vec<u8>,
}

impl<const N: usize> Grid<N> {
    /// All zeros.
    pub(crate) fn new(width: u64, depth: u64) -> Result<Self, NoGrid> {
        let len = Self::len_bytes(width, depth).ok_or(NoGrid::Dimensions)?;
        let width = NonZero::new(width).ok_or(NoGrid::Dimensions)?;
        let cells = zeroed(len).map_err(|_| NoGrid::Memory)?;
        Ok(Self { width, depth, cells })
    }

    /// Of cells that were saved; their number must be right.
    pub(crate) fn load(width: u64, depth: u64, cells: &[u8]) -> Result<Self, Error> {
        let width_checked = NonZero::new(width).ok_or(Error::Invalid)?;
        if Self::len_bytes(width, depth) != Some(cells.len()) {
            return Err(Error::Invalid);
        }
        Ok(Self { width: width_checked, depth, cells: cells.to_vec() })
    }

    /// The bytes of all cells, if there are any, of not too many rows, and a block can be as large.
    fn len_bytes(width: u64, depth: u64) -> Option<usize> {
        if depth > ROWS_MAX {
            return None;
        }
        let cells = usize::try_from(width.checked_mul(depth)?).ok()?;
        let len = cells.checked_mul(N).filter(|&len| isize::try_from(len).is_ok())?;
        (len > 0).then_some(len)
    }

    /// Cells in a row.
    pub(crate) const fn width(&self) -> u64 {
        self.width.get()
    }

    /// Rows.
    pub(crate) const fn depth(&self) -> u64 {
        self.depth
    }

    /// All cells, as they are saved.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.cells
    }

    /// Bytes on the heap.
    pub(crate) const fn memory(&self) -> usize {
        allocated(self.cells.capacity())
    }

    /// Gives the cells a better place.
    pub(crate) fn relocate<M: Mover>(&mut self, mover: &mut M) {
        self.cells = mover.relocate(std::mem::take(&mut self.cells));
    }

    /// The cells of `item`, row by row; O(its length) each.
    pub(crate) fn of<'a>(&'a self, item: &'a [u8]) -> impl Iterator<Item = [u8; N]> + 'a {
        let cells = self.cells.as_chunks().0;
        places(self.width, self.depth, item).filter_map(|place| cells.get(place).copied())
    }

    /// The cells of `item` to change, and their places, row by row.
    pub(crate) fn each_of(&mut self, item: &[u8], mut change: impl FnMut(usize, &mut [u8; N])) {
        let cells = self.cells.as_chunks_mut().0;
        for place in places(self.width, self.depth, item) {
            if let Some(cell) = cells.get_mut(place) {
                change(place, cell);
            }
        }
    }

    /// All cells, row by row.
    pub(crate) fn all(&self) -> &[[u8; N]] {
        self.cells.as_chunks().0
    }

    /// All cells to change, row by row.
    pub(crate) fn all_mut(&mut self) -> &mut [[u8; N]] {
        self.cells.as_chunks_mut().0
    }
}

/// Where the cells of `item` are. No sum here wraps: the grid is a block in memory.
fn places(width: NonZero<u64>, depth: u64, item: &[u8]) -> impl Iterator<Item = usize> {
    let narrow = NonZero::<u32>::try_from(width).ok();
    (0..depth).map(move |row| {
        // The reference takes seeds of 32 bits.
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        let hash = murmur32(item, row as u32);
        // A row of more cells than hashes is never wrapped around; 32 bits divide faster.
        let column = narrow.map_or(hash, |width| hash % width);
        #[expect(clippy::cast_possible_truncation, reason = "a place in memory")]
        let place = row.wrapping_mul(width.get()).wrapping_add(u64::from(column)) as usize;
        place
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_multiplied_with_care() {
        let check = |width: u64, depth: u64, expected: Option<NoGrid>| {
            assert_eq!(Grid::<4>::new(width, depth).err(), expected, "{width} x {depth}");
        };
        check(3, 2, None);
        for (width, depth) in [
            (0, 5),
            (5, 0),
            (1 << 62, 8),
            (1 << 62, 4),
            (1 << 61, 1),
            (u64::MAX, 1),
            (1, u64::MAX),
            (1 << 32, 1 << 32),
            (1, (1 << 16) + 1),
        ] {
            check(width, depth, Some(NoGrid::Dimensions));
        }
        check(1 << 60, 1, Some(NoGrid::Memory));
        check(1, 1 << 16, None);
    }

    #[test]
    fn saved_cells_are_as_many_as_the_dimensions_say() {
        let check = |width: u64, depth: u64, len: usize, expected: bool| {
            let loaded = Grid::<8>::load(width, depth, &vec![1; len]);
            assert_eq!(loaded.is_ok(), expected, "{width} x {depth} of {len}");
        };
        check(3, 2, 48, true);
        check(3, 2, 47, false);
        check(3, 2, 49, false);
        check(0, 2, 0, false);
        check(2, 0, 0, false);
        check(1 << 32, 1 << 32, 0, false);
        check(1 << 61, 1, 0, false);
    }

    #[test]
    fn an_item_has_one_cell_in_each_row() {
        let mut grid = Grid::<4>::new(7, 5).unwrap();
        grid.each_of(b"item", |place, cell| {
            let row = u32::try_from(place / 7).unwrap();
            assert_eq!(place % 7, murmur32(b"item", row) as usize % 7);
            *cell = row.to_le_bytes();
        });
        let cells: Vec<u32> = grid.of(b"item").map(u32::from_le_bytes).collect();
        assert_eq!(cells, [0, 1, 2, 3, 4]);
        assert_eq!(grid.all().iter().filter(|cell| **cell != [0; 4]).count(), 4);
    }
}
