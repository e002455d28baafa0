//! FLAT: every vector is measured.

use keyspan_common::data_type::{Mover, Progress};

use super::found::{Allowed, Cancel, Found};
use super::rank;
use super::scratch::Scratch;
use super::space::{self, Probe, Space};
use super::store::{Label, Slot, Store};
use super::units::Refused;

/// Vectors without a graph: exact, and O(vectors * dimension) for a search.
///
/// Insertion and removal are O(dimension). With codes, the best by codes are measured again by
/// rows. Memory for each vector: its row, its code, and about 9 bytes.
#[derive(Clone, Debug)]
pub struct Flat {
    store: Store,
}

impl Flat {
    /// No vectors of `space` yet.
    #[must_use]
    pub fn new(space: Space) -> Self {
        Self { store: Store::new(space) }
    }

    /// The space of the vectors.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.store.space
    }

    /// How many vectors there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// How many documents there are, or fewer where some have several vectors.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.store.labels_at_least()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `label` has a vector.
    #[must_use]
    pub fn contains(&self, label: Label) -> bool {
        self.store.slots(label).next().is_some()
    }

    /// Whether the vectors of `label` are `probes`, in any order, and no others.
    #[must_use]
    pub fn has(&self, label: Label, probes: &[Probe]) -> bool {
        self.store.has(label, probes)
    }

    /// A vector of a label that `takes` takes, and the label: the last that came, unless some were
    /// removed.
    pub fn last_of(&self, mut takes: impl FnMut(Label) -> bool) -> Option<(Label, Probe)> {
        let mut slots = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).rev();
        slots.find_map(|slot| {
            let label = self.store.label(slot).filter(|label| takes(*label))?;
            Some((label, self.store.probe(slot)))
        })
    }

    fn slot_of(&self, label: Label, probe: &Probe) -> Option<Slot> {
        self.store.slots(label).find(|slot| self.store.row(*slot) == probe.row())
    }

    /// Whether `label` has this vector.
    #[must_use]
    pub fn contains_vector(&self, label: Label, probe: &Probe) -> bool {
        self.slot_of(label, probe).is_some()
    }

    /// Takes this vector away from those of `label`.
    pub fn take_vector(&mut self, label: Label, probe: &Probe) {
        if let Some(slot) = self.slot_of(label, probe) {
            self.store.swap_remove(slot);
        }
    }

    /// Adds a vector to those of `label`.
    ///
    /// # Errors
    /// [`Refused::Full`], [`Refused::NoMemory`]; nothing was changed.
    pub fn add(&mut self, label: Label, probe: &Probe) -> Result<(), Refused> {
        self.store.push(label, probe.row(), probe.code()).map(|_| ())
    }

    /// Takes the vector of this digest away from those of `label`.
    pub fn take(&mut self, label: Label, digest: u64) -> Option<Probe> {
        let is_it = |slot: &Slot| space::digest(self.store.row(*slot)) == digest;
        let slot = self.store.slots(label).find(is_it)?;
        let probe = self.store.probe(slot);
        self.store.swap_remove(slot);
        Some(probe)
    }

    /// Takes all vectors of `label` away, and says how many they were.
    pub fn remove(&mut self, label: Label) -> usize {
        let mut count = 0;
        loop {
            let Some(slot) = self.store.slots(label).next() else { return count };
            self.store.swap_remove(slot);
            count += 1;
        }
    }

    /// Gives `label` this vector in place of those it has.
    ///
    /// # Errors
    /// As [`Self::add`]; the old vectors are gone all the same.
    pub fn replace(&mut self, label: Label, probe: &Probe) -> Result<(), Refused> {
        self.remove(label);
        self.add(label, probe)
    }

    /// The `k` documents nearest to `probe` of those that are allowed.
    pub fn search(
        &self,
        probe: &Probe,
        k: usize,
        allowed: &impl Allowed,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Found {
        let slots = self.allowed_slots(allowed);
        rank::nearest(&self.store, probe, k, slots, scratch, cancel)
    }

    /// The `k` documents of `labels`, each named once, nearest to `probe`.
    pub fn search_among(
        &self,
        probe: &Probe,
        k: usize,
        labels: impl Iterator<Item = Label> + Clone,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Found {
        let slots = labels.flat_map(|label| self.store.slots(label));
        rank::nearest(&self.store, probe, k, slots, scratch, cancel)
    }

    /// The allowed documents at most `radius` from `probe`. Always by rows, so always exact.
    pub fn range(
        &self,
        probe: &Probe,
        radius: f64,
        allowed: &impl Allowed,
        cancel: &Cancel,
    ) -> Found {
        rank::within(&self.store, probe, radius, self.allowed_slots(allowed), cancel)
    }

    fn allowed_slots(&self, allowed: &impl Allowed) -> impl Iterator<Item = Slot> + Clone {
        let slots = 0..u32::try_from(self.len()).unwrap_or(u32::MAX);
        slots.filter(|slot| self.store.label(*slot).is_some_and(|label| allowed.allows(label)))
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.memory()
    }

    /// Offers the large blocks to `mover`, from where the last step stopped (0 at first).
    pub fn relocate<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        self.store.relocate(mover, from)
    }
}
