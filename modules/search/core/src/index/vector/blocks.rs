//! Records of one size, numbered from 0, in blocks that never move as more come.

use keyspan_common::data_type::{Mover, Progress};

use super::units::Refused;

/// Bytes a block aims at: few enough that the last, partly used one does not matter, enough that
/// there are few.
const BLOCK_BYTES: usize = 1 << 18;

/// The fewest and the most records of a block, as powers of two. With 64 at least, a block is a
/// whole number of cache lines whatever the record.
const SHIFTS: std::ops::RangeInclusive<u32> = 6..=13;

/// Records of the first block at first: it grows by doubling until it is as long as the others.
const FIRST: usize = 4;

/// Numbered records of `stride` bytes, in units of `T`.
///
/// * `push`: O(stride), and a block when the last one is full; `pop`: O(1), and gives a block back.
/// * Memory: records, the unused end of the last block (at most 256 KiB or 64 records), and 24 bytes
///   for each block.
#[derive(Clone, Debug)]
pub(super) struct Blocks<T> {
    blocks: Vec<Vec<T>>,
    blank: T,
    stride: usize,
    shift: u32,
    len: usize,
}

impl<T: Copy> Blocks<T> {
    /// No records yet; units of new ones will be `blank`.
    pub(super) fn new(stride: usize, blank: T) -> Self {
        let fitting = (BLOCK_BYTES / stride.max(1)).max(1).ilog2();
        let shift = fitting.clamp(*SHIFTS.start(), *SHIFTS.end());
        Self { blocks: Vec::new(), blank, stride, shift, len: 0 }
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of a record.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// The block of record `id`, and the place of the record in it.
    #[inline]
    pub(super) fn block(&self, id: u32) -> Option<(&[T], usize)> {
        // The last unit may reach beyond the last record.
        if id as usize >= self.len {
            return None;
        }
        let block = self.blocks.get((id >> self.shift) as usize)?;
        Some((block, (id & self.mask()) as usize))
    }

    /// As [`Self::block`], to be written.
    #[inline]
    pub(super) fn block_mut(&mut self, id: u32) -> Option<(&mut [T], usize)> {
        let mask = self.mask();
        let block = self.blocks.get_mut((id >> self.shift) as usize)?;
        Some((block, (id & mask) as usize))
    }

    /// The blocks of two records and their places, if they are not in the same block.
    pub(super) fn two_mut(&mut self, one: u32, other: u32) -> Option<[(&mut [T], usize); 2]> {
        let (shift, mask) = (self.shift, self.mask());
        let blocks = [one, other].map(|id| (id >> shift) as usize);
        let [first, second] = self.blocks.get_disjoint_mut(blocks).ok()?;
        let place = |id: u32| (id & mask) as usize;
        Some([(first, place(one)), (second, place(other))])
    }

    #[inline]
    fn mask(&self) -> u32 {
        (1 << self.shift) - 1
    }

    /// Units that hold `records` records.
    fn units(&self, records: usize) -> usize {
        records.saturating_mul(self.stride).div_ceil(size_of::<T>().max(1))
    }

    /// Appends a blank record.
    ///
    /// # Errors
    /// [`Refused::NoMemory`]; nothing was changed.
    pub(super) fn push(&mut self) -> Result<(), Refused> {
        let place = self.len & self.mask() as usize;
        let index = self.len >> self.shift;
        if index == self.blocks.len() {
            self.blocks.try_reserve(1).map_err(|_| Refused::NoMemory)?;
            let records = if index == 0 { FIRST } else { 1 << self.shift };
            let mut block = Vec::new();
            block.try_reserve_exact(self.units(records)).map_err(|_| Refused::NoMemory)?;
            self.blocks.push(block);
        }
        let (end, blank) = (self.units(place.saturating_add(1)), self.blank);
        let room = self.units((place * 2).clamp(FIRST, 1 << self.shift));
        let Some(block) = self.blocks.get_mut(index) else { return Err(Refused::NoMemory) };
        if block.capacity() < end {
            let more = room.max(end).saturating_sub(block.len());
            block.try_reserve_exact(more).map_err(|_| Refused::NoMemory)?;
        }
        block.resize(end, blank);
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    /// Takes the last record away.
    pub(super) fn pop(&mut self) {
        let Some(len) = self.len.checked_sub(1) else { return };
        self.len = len;
        let place = len & self.mask() as usize;
        let end = self.units(place);
        if let Some(block) = self.blocks.last_mut() {
            block.truncate(end);
        }
        if place == 0 {
            self.blocks.pop();
        } else if self.blocks.len() == 1 {
            self.shrink_first(place);
        }
    }

    /// Halves the first block when a quarter of it is in use.
    fn shrink_first(&mut self, records: usize) {
        let wanted = self.units((records * 2).max(FIRST));
        if let Some(block) = self.blocks.first_mut()
            && block.capacity() / 2 >= wanted
        {
            block.shrink_to(wanted);
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        let units: usize = self.blocks.iter().map(Vec::capacity).sum();
        units * size_of::<T>() + self.blocks.capacity() * size_of::<Vec<T>>()
    }

    /// Offers the blocks to `mover`, from the `from`th on.
    pub(super) fn relocate<M: Mover>(&mut self, mover: &mut M, from: usize) -> Progress {
        for (place, block) in self.blocks.iter_mut().enumerate().skip(from) {
            *block = mover.relocate(std::mem::take(block));
            if mover.should_stop() {
                return Progress::Paused(place as u64 + 1);
            }
        }
        Progress::Done
    }
}
