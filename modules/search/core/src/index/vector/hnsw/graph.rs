//! Who is linked with whom.

use std::ops::Range;

use keyspan_common::data_type::{Mover, Progress};

use super::super::blocks::Blocks;
use super::super::store::Slot;
use super::super::units::Refused;

/// No slot: what free places of a list hold. Lists are filled from the front.
pub(super) const NONE: u32 = u32::MAX;

/// The highest layer a node may reach. With M = 2, the smallest, one node in 2^16 does.
pub(super) const TOP_MAX: usize = 16;

/// Bits of the index of a tower; those above are its height.
const INDEX_BITS: u32 = 27;

/// Links of every node on every layer it is on. They go both ways: whoever is in a list has the
/// list's owner in its own, on the same layer.
///
/// ```text
/// ground: 2M slots for each node                        layer 0
/// tower:  one number for each node: 0, or height and index in `towers[height - 1]`
/// towers[h - 1]: the owner, then M slots for each of the layers 1 to h
/// ```
/// Memory for each node: `8M + 4` bytes, and about `4M / (M - 1)` for towers.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    m: usize,
    ground: Blocks<u32>,
    tower: Blocks<u32>,
    towers: Vec<Blocks<u32>>,
}

impl Graph {
    /// No nodes yet, of `m` links on upper layers and twice as many below.
    pub(super) fn new(m: usize) -> Self {
        let slab = |height: usize| Blocks::new((1 + height * m) * size_of::<u32>(), NONE);
        Self {
            m,
            ground: Blocks::new(2 * m * size_of::<u32>(), NONE),
            tower: Blocks::new(size_of::<u32>(), 0),
            towers: (1..=TOP_MAX).map(slab).collect(),
        }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.ground.len()
    }

    /// The most links of a node on `layer`.
    pub(super) fn room(&self, layer: usize) -> usize {
        if layer == 0 { 2 * self.m } else { self.m }
    }

    /// The highest layer of `slot`.
    pub(super) fn height(&self, slot: Slot) -> usize {
        (self.reference(slot) >> INDEX_BITS) as usize
    }

    fn reference(&self, slot: Slot) -> u32 {
        record(&self.tower, slot).and_then(<[u32]>::first).copied().unwrap_or(0)
    }

    /// The places of `slot` on `layer`, free ones included; none where it is not on the layer.
    #[inline]
    fn list(&self, layer: usize, slot: Slot) -> &[u32] {
        if layer == 0 {
            return record(&self.ground, slot).unwrap_or_default();
        }
        let Some((slab, index)) = self.slab(slot) else { return &[] };
        record(slab, index).and_then(|r| r.get(self.places(layer))).unwrap_or_default()
    }

    fn list_mut(&mut self, layer: usize, slot: Slot) -> &mut [u32] {
        if layer == 0 {
            return record_mut(&mut self.ground, slot).unwrap_or_default();
        }
        let (reference, places) = (self.reference(slot), self.places(layer));
        let Some((slab, index)) = split(reference) else { return &mut [] };
        let record = self.towers.get_mut(slab).and_then(|slab| record_mut(slab, index));
        record.and_then(|r| r.get_mut(places)).unwrap_or_default()
    }

    fn slab(&self, slot: Slot) -> Option<(&Blocks<u32>, u32)> {
        let (slab, index) = split(self.reference(slot))?;
        Some((self.towers.get(slab)?, index))
    }

    /// Where the links of `layer` are in the record of a tower.
    fn places(&self, layer: usize) -> Range<usize> {
        let end = layer.saturating_mul(self.m).saturating_add(1);
        end.saturating_sub(self.m)..end
    }

    /// The neighbours of `slot` on `layer`.
    #[inline]
    pub(super) fn neighbours(&self, layer: usize, slot: Slot) -> &[Slot] {
        let list = self.list(layer, slot);
        let count = list.iter().position(|slot| *slot == NONE).unwrap_or(list.len());
        list.get(..count).unwrap_or_default()
    }

    /// The neighbours on the lowest layer with the free places behind them, to be prefetched.
    #[inline]
    pub(super) fn ground_list(&self, slot: Slot) -> &[Slot] {
        record(&self.ground, slot).unwrap_or_default()
    }

    /// Puts `other` into the list of `slot`; false if it is full.
    pub(super) fn insert(&mut self, layer: usize, slot: Slot, other: Slot) -> bool {
        match self.list_mut(layer, slot).iter_mut().find(|place| **place == NONE) {
            Some(place) => {
                *place = other;
                true
            }
            None => false,
        }
    }

    /// Takes `other` out of the list of `slot`.
    pub(super) fn remove(&mut self, layer: usize, slot: Slot, other: Slot) {
        let list = self.list_mut(layer, slot);
        let count = list.iter().position(|slot| *slot == NONE).unwrap_or(list.len());
        if let Some(list) = list.get_mut(..count)
            && let Some(place) = list.iter().position(|slot| *slot == other)
        {
            list.copy_within(place + 1.., place);
            if let Some(last) = list.last_mut() {
                *last = NONE;
            }
        }
    }

    /// Gives `slot` this list, cut to the room there is.
    pub(super) fn set(&mut self, layer: usize, slot: Slot, neighbours: impl Iterator<Item = Slot>) {
        let list = self.list_mut(layer, slot);
        list.fill(NONE);
        for (place, neighbour) in list.iter_mut().zip(neighbours) {
            *place = neighbour;
        }
    }

    /// Appends a node without links, on the layers 0 to `height`.
    ///
    /// # Errors
    /// [`Refused::NoMemory`]; nothing was changed.
    pub(super) fn push(&mut self, height: usize) -> Result<(), Refused> {
        let slot = u32::try_from(self.len()).map_err(|_| Refused::Full)?;
        self.ground.push()?;
        if let Err(refused) = self.tower.push() {
            self.ground.pop();
            return Err(refused);
        }
        match self.push_tower(slot, height.min(TOP_MAX)) {
            Ok(()) => Ok(()),
            Err(refused) => {
                self.ground.pop();
                self.tower.pop();
                Err(refused)
            }
        }
    }

    fn push_tower(&mut self, slot: Slot, height: usize) -> Result<(), Refused> {
        let Some(slab) = height.checked_sub(1).and_then(|slab| self.towers.get_mut(slab)) else {
            return Ok(());
        };
        let index = u32::try_from(slab.len()).map_err(|_| Refused::Full)?;
        if index >> INDEX_BITS != 0 {
            return Err(Refused::Full);
        }
        slab.push()?;
        set_first(slab, index, slot);
        let height = u32::try_from(height).unwrap_or(0);
        set_first(&mut self.tower, slot, height << INDEX_BITS | index);
        Ok(())
    }

    /// Takes a node away that has no links any more; the last node moves to its slot.
    pub(super) fn swap_remove(&mut self, slot: Slot) {
        let Some(last) = self.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()) else {
            return;
        };
        self.remove_tower(slot);
        if slot != last {
            self.rename(last, slot);
        }
        self.ground.pop();
        self.tower.pop();
    }

    fn remove_tower(&mut self, slot: Slot) {
        let Some((slab, index)) = split(self.reference(slot)) else { return };
        let Some(slab) = self.towers.get_mut(slab) else { return };
        let Some(last) = slab.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()) else {
            return;
        };
        let moved = record(slab, last).unwrap_or_default().to_vec();
        if let (true, Some(to)) = (index != last, record_mut(slab, index)) {
            to.copy_from_slice(&moved);
        }
        slab.pop();
        let reference = self.reference(slot);
        if let Some(owner) = moved.first().filter(|_| index != last) {
            set_first(&mut self.tower, *owner, reference);
        }
        set_first(&mut self.tower, slot, 0);
    }

    /// Moves the node `from` to the slot `to`, in its own lists and in those of its neighbours.
    fn rename(&mut self, from: Slot, to: Slot) {
        for layer in 0..=self.height(from) {
            for neighbour in self.neighbours(layer, from).to_vec() {
                let list = self.list_mut(layer, neighbour);
                if let Some(place) = list.iter_mut().find(|place| **place == from) {
                    *place = to;
                }
            }
        }
        let list = self.list(0, from).to_vec();
        self.list_mut(0, to).copy_from_slice(&list);
        let reference = self.reference(from);
        set_first(&mut self.tower, to, reference);
        if let Some((slab, index)) = split(reference)
            && let Some(slab) = self.towers.get_mut(slab)
        {
            set_first(slab, index, to);
        }
    }

    /// A node of the highest layer there is.
    pub(super) fn highest(&self) -> Option<Slot> {
        let slab = self.towers.iter().rev().find(|slab| slab.len() > 0);
        match slab {
            Some(slab) => record(slab, 0).and_then(<[u32]>::first).copied(),
            None => (self.len() > 0).then_some(0),
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.ground.memory()
            + self.tower.memory()
            + self.towers.iter().map(Blocks::memory).sum::<usize>()
            + self.towers.capacity() * size_of::<Blocks<u32>>()
    }

    /// Offers the lists of the lowest layer to `mover`.
    pub(super) fn relocate<M: Mover>(&mut self, mover: &mut M, from: usize) -> Progress {
        self.ground.relocate(mover, from)
    }
}

/// Slab and index of a tower, if there is one.
#[inline]
fn split(reference: u32) -> Option<(usize, u32)> {
    let slab = (reference >> INDEX_BITS).checked_sub(1)?;
    Some((slab as usize, reference & ((1 << INDEX_BITS) - 1)))
}

#[inline]
fn record(blocks: &Blocks<u32>, id: u32) -> Option<&[u32]> {
    let units = blocks.stride() / size_of::<u32>();
    let (block, place) = blocks.block(id)?;
    let start = place.wrapping_mul(units);
    block.get(start..start.wrapping_add(units))
}

#[inline]
fn record_mut(blocks: &mut Blocks<u32>, id: u32) -> Option<&mut [u32]> {
    let units = blocks.stride() / size_of::<u32>();
    let (block, place) = blocks.block_mut(id)?;
    let start = place.wrapping_mul(units);
    block.get_mut(start..start.wrapping_add(units))
}

fn set_first(blocks: &mut Blocks<u32>, id: u32, value: u32) {
    if let Some(first) = record_mut(blocks, id).and_then(<[u32]>::first_mut) {
        *first = value;
    }
}
