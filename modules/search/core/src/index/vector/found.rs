//! What searches are asked with and answer.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::store::Label;

/// A document that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The document.
    pub label: Label,
    /// The distance of its nearest vector, by the metric of the index.
    pub distance: f64,
}

/// The answer of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The nearest first; equal distances by label.
    pub neighbours: Vec<Neighbour>,
    /// Whether the search was cancelled before it was done.
    pub cancelled: bool,
}

/// The documents a search may answer with.
pub trait Allowed {
    /// Whether `label` is among them.
    fn allows(&self, label: Label) -> bool;
}

impl<F: Fn(Label) -> bool> Allowed for F {
    fn allows(&self, label: Label) -> bool {
        self(label)
    }
}

/// A flag that another thread raises to end a search early. Searches look at it every few
/// microseconds.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Not raised.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Ends searches that look at the flag.
    pub fn raise(&self) {
        self.0.store(true, Relaxed);
    }

    /// Whether it was raised.
    #[inline]
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl Found {
    /// Sorts, keeps the nearest of each label where labels may come twice, and the first `k`.
    pub(super) fn finish(&mut self, k: usize, several: bool) {
        self.neighbours
            .sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(a.label.cmp(&b.label)));
        if several {
            let mut seen = hashbrown::HashSet::new();
            self.neighbours.retain(|neighbour| seen.insert(neighbour.label));
        }
        self.neighbours.truncate(k);
    }
}
