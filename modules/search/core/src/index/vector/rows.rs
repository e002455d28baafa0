//! Rows of bytes, one behind the other in blocks of cache lines.

use keyspan_common::data_type::{Mover, Progress};

use super::blocks::Blocks;
use super::units::Refused;
use crate::simd::{Line, bytes, bytes_mut};

/// Numbered rows of one length. A row that is a whole number of cache lines begins with one; others
/// begin at any multiple of 4 bytes. Memory: rows, and what blocks take besides.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    blocks: Blocks<Line>,
    row_bytes: usize,
}

impl Rows {
    /// No rows of `row_bytes` bytes yet.
    pub(super) fn new(row_bytes: usize) -> Self {
        Self { blocks: Blocks::new(row_bytes.next_multiple_of(4), Line::ZERO), row_bytes }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Row `id`, empty where there is none.
    #[inline]
    pub(super) fn row(&self, id: u32) -> &[u8] {
        let Some((block, place)) = self.blocks.block(id) else { return &[] };
        let start = place.wrapping_mul(self.blocks.stride());
        bytes(block).get(start..start.wrapping_add(self.row_bytes)).unwrap_or_default()
    }

    fn row_mut(&mut self, id: u32) -> &mut [u8] {
        let (stride, len) = (self.blocks.stride(), self.row_bytes);
        let Some((block, place)) = self.blocks.block_mut(id) else { return &mut [] };
        let start = place.wrapping_mul(stride);
        bytes_mut(block).get_mut(start..start.wrapping_add(len)).unwrap_or_default()
    }

    /// Appends a row; one of another length is cut or filled with what is there.
    ///
    /// # Errors
    /// [`Refused::NoMemory`], [`Refused::Full`] beyond 2^32 rows.
    pub(super) fn push(&mut self, row: &[u8]) -> Result<(), Refused> {
        let id = u32::try_from(self.len()).map_err(|_| Refused::Full)?;
        self.blocks.push()?;
        self.write(id, row);
        Ok(())
    }

    /// Writes row `id` anew.
    pub(super) fn write(&mut self, id: u32, row: &[u8]) {
        for (to, from) in self.row_mut(id).iter_mut().zip(row) {
            *to = *from;
        }
    }

    fn copy(&mut self, from: u32, to: u32) {
        let (stride, len) = (self.blocks.stride(), self.row_bytes);
        let row = |place: usize| {
            let start = place.wrapping_mul(stride);
            start..start.wrapping_add(len)
        };
        let Some([(source, from_place), (target, to_place)]) = self.blocks.two_mut(from, to) else {
            // In one block.
            let copy = self.row(from).to_vec();
            return self.write(to, &copy);
        };
        let source = bytes(source).get(row(from_place));
        if let (Some(source), Some(target)) = (source, bytes_mut(target).get_mut(row(to_place))) {
            target.copy_from_slice(source);
        }
    }

    /// Takes row `id` away; the last row takes its place.
    pub(super) fn swap_remove(&mut self, id: u32) {
        let Some(last) = self.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()) else {
            return;
        };
        if id < last {
            self.copy(last, id);
        }
        self.blocks.pop();
    }

    /// Takes the last row away.
    pub(super) fn pop(&mut self) {
        self.blocks.pop();
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.blocks.memory()
    }

    /// As `relocate` of [`Blocks`].
    pub(super) fn relocate<M: Mover>(&mut self, mover: &mut M, from: usize) -> Progress {
        self.blocks.relocate(mover, from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> u32 {
        u32::try_from(n).unwrap()
    }

    #[test]
    fn rows_come_go_and_give_memory_back() {
        for (row_bytes, count) in [(1, 300), (7, 20_000), (64, 9_000), (300, 5_000), (40_000, 150)]
        {
            let mut rows = Rows::new(row_bytes);
            let content = |n: usize| vec![u8::try_from(n % 251).unwrap(); row_bytes];
            let mut model: Vec<Vec<u8>> = Vec::new();
            for n in 0..count {
                rows.push(&content(n)).unwrap();
                model.push(content(n));
            }
            let full = rows.memory();
            let raw = row_bytes.next_multiple_of(4) * count;
            assert!(
                full >= raw && full <= raw + (1 << 18).max(row_bytes * 64) + 4096,
                "{full} {raw}"
            );
            for n in 0..count - 3 {
                let place = n * 7919 % model.len();
                rows.swap_remove(id(place));
                model.swap_remove(place);
                if n % 97 == 0 {
                    assert!((0..model.len()).all(|n| rows.row(id(n)) == model[n]));
                }
            }
            assert_eq!(rows.row(id(model.len())), &[] as &[u8]);
            assert!(
                rows.memory() <= row_bytes.next_multiple_of(64) * 16 + 4096,
                "{}",
                rows.memory()
            );
            (0..3).for_each(|_| rows.swap_remove(0));
            assert_eq!((rows.len(), rows.row(0).len()), (0, 0));
        }
    }
}
