//! The nearest of some vectors.

use std::cell::RefCell;

use super::cost::{Choice, Strategy, choose, two_hops_effort};
use super::nearest::{Nearest, Neighbour, Search, Way};
use super::options::{Policy, VectorOptions};
use crate::index::DocSet;
use crate::index::vector::{Cancel, Scratch};
use crate::schema::Vector;

/// A search for the nearest.
pub(super) struct Filtered<'a> {
    pub(super) index: &'a dyn Nearest,
    pub(super) vector: &'a Vector,
    pub(super) blob: &'a [u8],
    /// How many are wanted; not more than there are.
    pub(super) k: usize,
    pub(super) options: VectorOptions,
    pub(super) scratch: &'a RefCell<Scratch>,
    pub(super) cancel: &'a Cancel,
}

impl Filtered<'_> {
    /// The nearest and how they were found. As many as are wanted, if so many of the allowed
    /// documents have a vector.
    pub(super) fn run(&self, allowed: Option<&DocSet>) -> (Vec<Neighbour>, Choice) {
        let mut choice = self.choice(allowed);
        let found = match (choice.strategy, allowed) {
            (Strategy::Scan, _) => return (self.search(self.k, allowed, Way::Scan), choice),
            (Strategy::Batches, Some(allowed)) => self.batches(allowed),
            (Strategy::TwoHops, Some(allowed)) => self.two_hops(allowed),
            (
                Strategy::AllLinks | Strategy::Unfiltered | Strategy::Batches | Strategy::TwoHops,
                _,
            ) => self.search(self.k, allowed, Way::AllLinks),
        };
        let most = allowed.map_or(self.index.documents(), DocSet::len);
        if found.len() as u64 >= most.min(self.k as u64) || self.cancel.is_raised() {
            return (found, choice);
        }
        // A walk may miss some, above all where the filter and the query have little in common.
        choice.fell_back = true;
        (self.search(self.k, allowed, Way::Scan), choice)
    }

    /// How it would be done.
    pub(super) fn choice(&self, allowed: Option<&DocSet>) -> Choice {
        let total = self.index.len() as u64;
        let effort = self.effort();
        let forced = match (allowed, self.options.policy) {
            (None, _) => Some(Strategy::Unfiltered),
            (_, Some(Policy::AdHoc)) => Some(Strategy::Scan),
            (_, Some(Policy::Batches)) => Some(Strategy::Batches),
            (_, None) => None,
        };
        let counts = (total, allowed.map_or(total, DocSet::len));
        choose(&self.index.costs(), counts, (self.k as u64, effort), forced)
    }

    fn effort(&self) -> u64 {
        self.options.effort.unwrap_or(self.vector.effort())
    }

    fn search(&self, k: usize, allowed: Option<&DocSet>, way: Way) -> Vec<Neighbour> {
        self.search_with(self.effort(), k, allowed, way)
    }

    fn search_with(
        &self,
        effort: u64,
        k: usize,
        allowed: Option<&DocSet>,
        way: Way,
    ) -> Vec<Neighbour> {
        if k == 0 {
            return Vec::new();
        }
        let Self { scratch, cancel, .. } = *self;
        let how = Search { allowed, effort, epsilon: None, way, scratch, cancel };
        self.index.search(self.blob, k, &how)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    fn two_hops(&self, allowed: &DocSet) -> Vec<Neighbour> {
        let factor = two_hops_effort(allowed.len(), self.index.len() as u64);
        let effort = (self.effort().max(self.k as u64) as f64 * factor) as u64;
        self.search_with(effort, self.k, Some(allowed), Way::TwoHops)
    }

    /// Searches for more and more, until enough of them are allowed.
    fn batches(&self, allowed: &DocSet) -> Vec<Neighbour> {
        let total = self.index.len();
        let mut size = self.first_batch(allowed).max(self.k).min(total);
        loop {
            let mut found = self.search(size, None, Way::AllLinks);
            found.retain(|neighbour| allowed.contains(neighbour.document));
            found.truncate(self.k);
            // Half of all by links is dearer than comparing what is allowed.
            if found.len() >= self.k || size >= total / 2 || self.cancel.is_raised() {
                return found;
            }
            size = size.saturating_mul(2);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and what is too great is cut"
    )]
    fn first_batch(&self, allowed: &DocSet) -> usize {
        let share = allowed.len() as f64 / self.index.len().max(1) as f64;
        let expected = (1.3 * self.k as f64 / share.max(1e-9)) as usize;
        self.options.batch_size.map_or(expected, |size| usize::try_from(size).unwrap_or(usize::MAX))
    }
}
