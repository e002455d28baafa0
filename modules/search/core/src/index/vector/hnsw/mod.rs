//! HNSW: a graph of vectors in layers, searched from neighbour to neighbour.
//!
//! The algorithm is that of Malkov and Yashunin (2016). Two things differ:
//!
//! * Links always go both ways. A node that is removed therefore knows everyone who has to be
//!   repaired, and slots can be moved: the last node takes the place of the removed one, so memory
//!   follows the number of vectors and there are no dead nodes to walk over.
//! * A search keeps one sorted list of the best, expanded or not, instead of two heaps.

mod allowed;
mod edit;
mod graph;
mod rdb;
mod search;
mod select;
mod validate;
mod walk;

use keyspan_common::data_type::{Mover, Progress};

use super::found::Cancel;
use super::scratch::Scratch;
use super::space::{Probe, Space};
use super::store::{Label, Slot, Store};
use super::units::Refused;
use edit::Buffers;
use graph::{Graph, TOP_MAX};

/// How a graph is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    m: u16,
    ef_construction: u32,
}

impl Params {
    /// The most links `M` may ask for: twice as many on the lowest layer.
    pub const M_MAX: u64 = 512;
    /// The most nodes an insertion may keep in view.
    pub const EF_MAX: u64 = 1_000_000;

    /// `M` from 2 to [`Self::M_MAX`], `EF_CONSTRUCTION` from 1 to [`Self::EF_MAX`].
    #[must_use]
    pub fn new(m: u64, ef_construction: u64) -> Option<Self> {
        let valid = (2..=Self::M_MAX).contains(&m) && (1..=Self::EF_MAX).contains(&ef_construction);
        let m = u16::try_from(m).ok()?;
        let ef_construction = u32::try_from(ef_construction).ok()?;
        valid.then_some(Self { m, ef_construction })
    }

    /// Links of a node on the upper layers, half of those on the lowest.
    #[must_use]
    pub fn m(self) -> usize {
        usize::from(self.m)
    }

    /// Nodes an insertion keeps in view.
    #[must_use]
    pub fn ef_construction(self) -> usize {
        self.ef_construction as usize
    }
}

/// Vectors in a graph: approximate, and about O(log vectors) for a search.
///
/// * `add`, `remove`: about O(ef_construction * M * dimension).
/// * Memory for each vector: its row, its code, `8M` bytes of links and about 20 bytes more.
/// * Searches take `&self`, so any number of threads may search at once, each with its own
///   [`Scratch`].
#[derive(Clone, Debug)]
pub struct Hnsw {
    store: Store,
    graph: Graph,
    params: Params,
    /// Where searches begin: a node of the highest layer.
    entry: Option<Slot>,
    /// State of the generator that heights are drawn from.
    draws: u64,
    buffers: Buffers,
}

/// Where a vector will be linked: made by [`Hnsw::place`] without changing the index.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Neighbours on each layer, from 0 on.
    layers: Vec<Vec<Slot>>,
}

impl Hnsw {
    /// No vectors of `space` yet.
    #[must_use]
    pub fn new(space: Space, params: Params) -> Self {
        Self {
            store: Store::new(space),
            graph: Graph::new(params.m()),
            params,
            entry: None,
            draws: 100,
            buffers: Buffers::default(),
        }
    }

    /// The space of the vectors.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.store.space
    }

    /// How the graph is built.
    #[must_use]
    pub fn params(&self) -> Params {
        self.params
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

    /// Adds a vector to those of `label`.
    ///
    /// # Errors
    /// [`Refused::Full`], [`Refused::NoMemory`]; nothing was changed.
    pub fn add(
        &mut self,
        label: Label,
        probe: &Probe,
        scratch: &mut Scratch,
    ) -> Result<(), Refused> {
        let placement = self.place(probe, scratch);
        self.add_at(label, probe, &placement)
    }

    /// Where a vector would be linked: the slow part of an insertion, which changes nothing, so
    /// that others may search meanwhile. Holds until the next change but [`Self::add_at`].
    #[must_use]
    pub fn place(&self, probe: &Probe, scratch: &mut Scratch) -> Placement {
        let height = self.height();
        let mut layers = vec![Vec::new(); height + 1];
        let Some(mut start) = self.entry else { return Placement { layers } };
        let (near, query) = (self.store.near(), self.store.near_query(probe));
        let top = self.graph.height(start);
        for layer in (0..=top).rev() {
            let Some(chosen) = layers.get_mut(layer) else {
                let distances = &mut scratch.distances;
                start = walk::descend(&self.graph, near, query, layer, start, distances);
                continue;
            };
            let (graph, ef) = (&self.graph, self.params.ef_construction());
            walk::walk(graph, near, query, (layer, start), ef, scratch, &Cancel::new());
            start = scratch.pool.iter().next().map_or(start, |best| best.1);
            select::diverse(near, scratch.pool.iter(), self.params.m(), chosen);
        }
        Placement { layers }
    }

    /// Adds a vector where `placement` says. After a removal since, the place may be bad, but
    /// nothing breaks.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_at(
        &mut self,
        label: Label,
        probe: &Probe,
        placement: &Placement,
    ) -> Result<(), Refused> {
        let height = placement.layers.len().saturating_sub(1);
        let slot = self.store.push(label, probe.row(), probe.code())?;
        if let Err(refused) = self.graph.push(height) {
            self.store.swap_remove(slot);
            return Err(refused);
        }
        self.draw();
        for (layer, chosen) in placement.layers.iter().enumerate() {
            for other in chosen {
                self.connect(layer, slot, *other);
            }
        }
        if self.entry.is_none_or(|entry| self.graph.height(entry) < height) {
            self.entry = Some(slot);
        }
        Ok(())
    }

    fn connect(&mut self, layer: usize, slot: Slot, other: Slot) {
        if self.graph.height(other) >= layer {
            let near = self.store.near();
            edit::connect(&mut self.graph, near, layer, slot, other, &mut self.buffers);
        }
    }

    /// The height of the next node: geometric, each layer has one in M of the layer below.
    fn height(&self) -> usize {
        // The finalizer of SplitMix64.
        let x = (self.draws ^ (self.draws >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let uniform = ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
        let mut height = 0;
        let mut bound = 1.0 / self.params.m() as f64;
        while uniform < bound && height < TOP_MAX {
            height += 1;
            bound /= self.params.m() as f64;
        }
        height
    }

    fn draw(&mut self) {
        self.draws = self.draws.wrapping_add(0x9E37_79B9_7F4A_7C15);
    }

    /// Takes one of the vectors of `label` away, and repairs the graph around it. False if there is
    /// none. O(M^3 * dimension) at most.
    pub fn remove_one(&mut self, label: Label, scratch: &mut Scratch) -> bool {
        let slot = self.store.slots(label).next();
        slot.inspect(|slot| self.remove_slot(*slot, scratch)).is_some()
    }

    /// Takes all vectors of `label` away, repairs the graph around them, and says how many they
    /// were.
    pub fn remove(&mut self, label: Label, scratch: &mut Scratch) -> usize {
        let mut count = 0;
        while self.remove_one(label, scratch) {
            count += 1;
        }
        count
    }

    /// Gives `label` this vector in place of those it has.
    ///
    /// # Errors
    /// As [`Self::add`]; the old vectors are gone all the same.
    pub fn replace(
        &mut self,
        label: Label,
        probe: &Probe,
        scratch: &mut Scratch,
    ) -> Result<(), Refused> {
        self.remove(label, scratch);
        self.add(label, probe, scratch)
    }

    fn remove_slot(&mut self, slot: Slot, scratch: &mut Scratch) {
        let mut lonely = Vec::new();
        for layer in (0..=self.graph.height(slot)).rev() {
            let near = self.store.near();
            let (graph, buffers) = (&mut self.graph, &mut self.buffers);
            edit::isolate(graph, near, layer, slot, buffers, &mut lonely);
            for other in lonely.drain(..) {
                // Nobody leads to `slot` any more, so the search cannot find it.
                self.relink(layer, other, slot, scratch);
            }
        }
        let last = u32::try_from(self.len().saturating_sub(1)).unwrap_or(slot);
        self.store.swap_remove(slot);
        self.graph.swap_remove(slot);
        self.entry = match self.entry {
            Some(entry) if entry == slot => self.graph.highest(),
            Some(entry) if entry == last => Some(slot),
            entry => entry,
        };
    }

    /// Links a node anew that has no neighbours left on `layer`.
    fn relink(&mut self, layer: usize, slot: Slot, removed: Slot, scratch: &mut Scratch) {
        let start = self.entry.filter(|entry| *entry != removed && *entry != slot);
        let Some(start) = start else { return };
        let near = self.store.near();
        if self.graph.height(start) < layer {
            return;
        }
        let (query, ef) = (near.row(slot), self.params.ef_construction());
        walk::walk(&self.graph, near, query, (layer, start), ef, scratch, &Cancel::new());
        let mut chosen = Vec::new();
        let others = scratch.pool.iter().filter(|(_, other)| *other != slot && *other != removed);
        select::diverse(near, others, self.params.m(), &mut chosen);
        for other in chosen {
            self.connect(layer, slot, other);
        }
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.memory() + self.graph.memory()
    }

    /// Bytes on the heap that are not rows or codes: links, labels, tables.
    #[must_use]
    pub fn overhead(&self) -> usize {
        self.memory().saturating_sub(self.store.rows_memory())
    }

    /// Offers the large blocks to `mover`: rows, codes, then links, from where the last step
    /// stopped (0 at first).
    pub fn relocate<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        const LINKS: u64 = 1 << 40;
        if from < LINKS
            && let Progress::Paused(at) = self.store.relocate(mover, from)
        {
            return Progress::Paused(at);
        }
        let from = usize::try_from(from.saturating_sub(LINKS)).unwrap_or(usize::MAX);
        match self.graph.relocate(mover, from) {
            Progress::Paused(at) => Progress::Paused(LINKS + at),
            Progress::Done => Progress::Done,
        }
    }
}
