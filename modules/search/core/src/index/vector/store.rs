//! The vectors of an index, by slot and by label.

use keyspan_common::data_type::{Mover, Progress};

use super::blocks::Blocks;
use super::rows::Rows;
use super::slots::Slots;
use super::space::{Probe, Space};
use super::units::{Element, Quantization, Refused};
use crate::simd::{Kernel, prefetch};

/// The number an index knows a document by. A document may have several vectors.
pub type Label = u32;

/// The place of a vector: slots are dense, from 0 to the number of vectors.
pub(super) type Slot = u32;

/// The most vectors of an index: slots leave a bit free for pools, and one number for "none".
pub(super) const SLOTS_MAX: u32 = (1 << 31) - 2;

/// Rows gathered for one call of a kernel.
pub(super) const BATCH: usize = 32;

/// Rows (and their codes) by slot, labels by slot, and slots by label.
///
/// Memory for each vector: its row, its code if quantized, 4 bytes of label, and about 5 to find it by label.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) space: Space,
    rows: Rows,
    codes: Option<Rows>,
    labels: Blocks<u32>,
    slots: Slots,
}

/// The vectors a search walks over, and what they are measured with: codes, or else rows.
#[derive(Clone, Copy)]
pub(super) struct Near<'a> {
    rows: &'a Rows,
    kernel: &'a Kernel,
}

impl Store {
    pub(super) fn new(space: Space) -> Self {
        let rows = Rows::new(space.kernel().row_bytes());
        let codes = space.code_kernel().map(|kernel| Rows::new(kernel.row_bytes()));
        let labels = Blocks::new(size_of::<u32>(), 0);
        Self { space, rows, codes, labels, slots: Slots::default() }
    }

    /// How many vectors there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many labels there are, or fewer where some have several vectors.
    pub(super) fn labels_at_least(&self) -> usize {
        self.len().saturating_sub(self.slots.several())
    }

    /// Whether a label may have several vectors.
    pub(super) fn has_several(&self) -> bool {
        self.slots.several() > 0
    }

    /// The label of `slot`.
    #[inline]
    pub(super) fn label(&self, slot: Slot) -> Option<Label> {
        label(&self.labels, slot)
    }

    /// The slots of `label`, in no order.
    #[inline]
    pub(super) fn slots(&self, label: Label) -> impl Iterator<Item = Slot> + Clone {
        self.slots.of(label)
    }

    /// Row `slot`.
    #[inline]
    pub(super) fn row(&self, slot: Slot) -> &[u8] {
        self.rows.row(slot)
    }

    /// Whether the vectors of `label` are `probes`, in any order, and no others.
    pub(super) fn has(&self, label: Label, probes: &[Probe]) -> bool {
        let slots = self.slots(label);
        slots.clone().count() == probes.len()
            && slots.clone().all(|slot| probes.iter().any(|probe| probe.row() == self.row(slot)))
            && probes.iter().all(|probe| slots.clone().any(|slot| probe.row() == self.row(slot)))
    }

    /// The vector at `slot` as it came.
    pub(super) fn probe(&self, slot: Slot) -> Probe {
        let code = self.codes.as_ref().map_or(&[][..], |codes| codes.row(slot));
        Probe::of(self.row(slot), code)
    }

    /// What is walked over.
    #[inline]
    pub(super) fn near(&self) -> Near<'_> {
        match (&self.codes, self.space.code_kernel()) {
            (Some(rows), Some(kernel)) => Near { rows, kernel },
            _ => self.full(),
        }
    }

    /// The rows themselves.
    #[inline]
    pub(super) fn full(&self) -> Near<'_> {
        Near { rows: &self.rows, kernel: self.space.kernel() }
    }

    /// Whether what is walked over is only near to the truth.
    pub(super) fn is_quantized(&self) -> bool {
        self.space.quantization() == Quantization::Sq8
    }

    /// Whether the distances of [`Self::near`] are not those to answer with.
    pub(super) fn needs_exact(&self) -> bool {
        self.is_quantized() || self.space.element() == Element::Float64
    }

    /// The form of `probe` that [`Self::near`] is measured with.
    #[inline]
    pub(super) fn near_query<'a>(&self, probe: &'a Probe) -> &'a [u8] {
        if self.is_quantized() { probe.code() } else { probe.row() }
    }

    /// Appends a vector and gives its slot.
    ///
    /// # Errors
    /// [`Refused::Full`], [`Refused::NoMemory`]; nothing was changed.
    pub(super) fn push(&mut self, label: Label, row: &[u8], code: &[u8]) -> Result<Slot, Refused> {
        let slot = u32::try_from(self.len()).map_err(|_| Refused::Full)?;
        if slot > SLOTS_MAX {
            return Err(Refused::Full);
        }
        if !self.slots.reserve(label) {
            return Err(Refused::NoMemory);
        }
        self.labels.push()?;
        if let Err(refused) = self.push_rows(row, code) {
            self.labels.pop();
            return Err(refused);
        }
        set_label(&mut self.labels, slot, label);
        self.slots.add(label, slot);
        Ok(slot)
    }

    fn push_rows(&mut self, row: &[u8], code: &[u8]) -> Result<(), Refused> {
        self.rows.push(row)?;
        if let Some(codes) = &mut self.codes
            && let Err(refused) = codes.push(code)
        {
            self.rows.pop();
            return Err(refused);
        }
        Ok(())
    }

    /// Takes `slot` away; the last slot's vector moves to it.
    pub(super) fn swap_remove(&mut self, slot: Slot) {
        let Some(last) = self.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()) else {
            return;
        };
        let (Some(label), Some(last_label)) = (self.label(slot), self.label(last)) else { return };
        self.slots.remove(label, slot);
        if slot != last {
            self.slots.rename(last_label, last, slot);
        }
        set_label(&mut self.labels, slot, last_label);
        self.labels.pop();
        self.rows.swap_remove(slot);
        if let Some(codes) = &mut self.codes {
            codes.swap_remove(slot);
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.rows.memory()
            + self.codes.as_ref().map_or(0, Rows::memory)
            + self.labels.memory()
            + self.slots.memory()
    }

    /// Bytes on the heap of rows and codes.
    pub(super) fn rows_memory(&self) -> usize {
        self.rows.memory() + self.codes.as_ref().map_or(0, Rows::memory)
    }

    /// Offers the large blocks to `mover`: rows, then codes, from the `from`th on.
    pub(super) fn relocate<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        const CODES: u64 = 1 << 32;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        if from < CODES
            && let Progress::Paused(at) = self.rows.relocate(mover, place(from))
        {
            return Progress::Paused(at);
        }
        let Some(codes) = &mut self.codes else { return Progress::Done };
        match codes.relocate(mover, place(from.saturating_sub(CODES))) {
            Progress::Paused(at) => Progress::Paused(CODES + at),
            Progress::Done => Progress::Done,
        }
    }
}

impl Near<'_> {
    /// Row `slot`.
    #[inline]
    pub(super) fn row(&self, slot: Slot) -> &[u8] {
        self.rows.row(slot)
    }

    /// The distance of a row to `slot`.
    #[inline]
    pub(super) fn distance(&self, query: &[u8], slot: Slot) -> f32 {
        self.kernel.distance(query, self.rows.row(slot))
    }

    /// The distance of two slots.
    #[inline]
    pub(super) fn between(&self, a: Slot, b: Slot) -> f32 {
        self.kernel.distance(self.rows.row(a), self.rows.row(b))
    }

    /// The distance to `slot` without rounding.
    pub(super) fn exact(&self, query: &[u8], slot: Slot) -> f64 {
        self.kernel.exact_distance(query, self.rows.row(slot))
    }

    /// The distances of `query` to each of `slots`, in `distances`.
    #[inline]
    pub(super) fn distances(&self, query: &[u8], slots: &[Slot], distances: &mut Vec<f32>) {
        distances.clear();
        distances.resize(slots.len(), f32::MAX);
        for (slots, distances) in slots.chunks(BATCH).zip(distances.chunks_mut(BATCH)) {
            let mut rows: [&[u8]; BATCH] = [&[]; BATCH];
            for (row, slot) in rows.iter_mut().zip(slots) {
                *row = self.rows.row(*slot);
                prefetch(row.get(..2048).unwrap_or(row));
            }
            let rows = rows.get(..slots.len()).unwrap_or_default();
            self.kernel.distances(query, rows, distances);
        }
    }
}

fn label(labels: &Blocks<u32>, slot: Slot) -> Option<Label> {
    let (block, place) = labels.block(slot)?;
    block.get(place).copied()
}

fn set_label(labels: &mut Blocks<u32>, slot: Slot, label: Label) {
    if let Some((block, place)) = labels.block_mut(slot)
        && let Some(to) = block.get_mut(place)
    {
        *to = label;
    }
}
