//! The searches of a graph.

use super::super::found::{Allowed, Cancel, Found};
use super::super::rank;
use super::super::scratch::Scratch;
use super::super::space::Probe;
use super::super::store::{Label, Slot};
use super::allowed::{flood, walk_allowed, walk_two_hops};
use super::{Hnsw, walk};

impl Hnsw {
    /// The node of the lowest layer where a search begins.
    fn start(&self, query: &[u8], scratch: &mut Scratch) -> Option<Slot> {
        let (entry, near) = (self.entry?, self.store.near());
        Some((1..=self.graph.height(entry)).rev().fold(entry, |start, layer| {
            walk::descend(&self.graph, near, query, layer, start, &mut scratch.distances)
        }))
    }

    /// The `k` documents nearest to `probe`, or nearly: with `ef` of the best kept in view, or `k`
    /// if that is more. About O(ef * M * dimension).
    pub fn search(
        &self,
        probe: &Probe,
        k: usize,
        ef: usize,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Found {
        let query = self.store.near_query(probe);
        let Some(start) = self.start(query, scratch) else { return Found::default() };
        self.widening(probe, k, ef, scratch, cancel, |ef, scratch, cancel| {
            walk::walk(&self.graph, self.store.near(), query, (0, start), ef, scratch, cancel)
        })
    }

    /// As [`Self::search`], of the documents that are allowed; the fewer they are, the longer it
    /// takes: about `all / allowed` times as long. Then [`Self::search_among`] is for them.
    pub fn search_allowed(
        &self,
        probe: &Probe,
        k: usize,
        ef: usize,
        allowed: &impl Allowed,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Found {
        let query = self.store.near_query(probe);
        let Some(start) = self.start(query, scratch) else { return Found::default() };
        self.widening(probe, k, ef, scratch, cancel, |ef, scratch, cancel| {
            let working = (scratch, cancel);
            walk_allowed(&self.graph, &self.store, query, start, ef, allowed, working)
        })
    }

    /// As [`Self::search_allowed`], but only what is allowed is measured: about as fast as
    /// [`Self::search`], whatever the share that is allowed. `seeds` are some of the allowed
    /// documents, to begin with: a few dozen, from all over.
    pub fn search_two_hops(
        &self,
        probe: &Probe,
        (k, ef): (usize, usize),
        allowed: &impl Allowed,
        seeds: impl Iterator<Item = Label> + Clone,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Found {
        let query = self.store.near_query(probe);
        let Some(start) = self.start(query, scratch) else { return Found::default() };
        let seeds = seeds.filter_map(|label| self.store.slots(label).next());
        self.widening(probe, k, ef, scratch, cancel, |ef, scratch, cancel| {
            let (starts, working) = ((start, seeds.clone()), (scratch, cancel));
            walk_two_hops(&self.graph, &self.store, query, ef, starts, allowed, working)
        })
    }

    /// What `walk` left in the pool, with more in view if labels with many vectors have pushed
    /// others out.
    fn widening(
        &self,
        probe: &Probe,
        k: usize,
        ef: usize,
        scratch: &mut Scratch,
        cancel: &Cancel,
        mut walk: impl FnMut(usize, &mut Scratch, &Cancel) -> bool,
    ) -> Found {
        if k == 0 {
            return Found::default();
        }
        let mut ef = ef.max(k).min(self.len());
        loop {
            let cancelled = walk(ef, scratch, cancel);
            let found = rank::finish(&self.store, probe, k, scratch, cancelled);
            let enough = found.neighbours.len() >= k || !scratch.pool.is_full();
            if cancelled || enough || ef >= self.len() || !self.store.has_several() {
                return found;
            }
            ef = ef.saturating_mul(2).min(self.len());
        }
    }

    /// The `k` documents of `labels`, each named once, nearest to `probe`: measured one by one, so
    /// all are found. O(labels * dimension).
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

    /// The `k` allowed documents nearest to `probe`, every vector measured: exact.
    /// O(vectors * dimension).
    pub fn search_all(
        &self,
        probe: &Probe,
        k: usize,
        allowed: &impl Allowed,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Found {
        let slots = 0..u32::try_from(self.len()).unwrap_or(u32::MAX);
        let allows = |label| allowed.allows(label);
        let slots = slots.filter(|slot| self.store.label(*slot).is_some_and(allows));
        rank::nearest(&self.store, probe, k, slots, scratch, cancel)
    }

    /// Those of the documents `labels`, each named once, at most `radius` from `probe`: exact.
    /// O(labels * dimension).
    pub fn range_among(
        &self,
        probe: &Probe,
        radius: f64,
        labels: impl Iterator<Item = Label>,
        cancel: &Cancel,
    ) -> Found {
        let slots = labels.flat_map(|label| self.store.slots(label));
        rank::within(&self.store, probe, radius, slots, cancel)
    }

    /// The documents at most `radius` from `probe`, or nearly all: `ef` of the nearest are walked
    /// to, then everything at most `radius + |radius| * epsilon` away that hangs together with
    /// them. About O((ef + found) * M * dimension).
    pub fn range(
        &self,
        probe: &Probe,
        (radius, epsilon): (f64, f64),
        ef: usize,
        scratch: &mut Scratch,
        cancel: &Cancel,
    ) -> Found {
        let query = self.store.near_query(probe);
        let Some(start) = self.start(query, scratch) else { return Found::default() };
        let ef = ef.clamp(1, self.len().max(1));
        let near = self.store.near();
        if walk::walk(&self.graph, near, query, (0, start), ef, scratch, cancel) {
            return Found { neighbours: Vec::new(), cancelled: true };
        }
        let reach = narrow(radius + radius.abs() * epsilon);
        let (slots, cut) = flood(&self.graph, &self.store, query, reach, scratch, cancel);
        let mut found = rank::within(&self.store, probe, radius, slots.into_iter(), cancel);
        found.cancelled |= cut;
        found
    }
}

/// The reach as rows are measured in, not below it.
#[expect(clippy::cast_possible_truncation, reason = "rounded up")]
fn narrow(reach: f64) -> f32 {
    (reach as f32).next_up()
}
