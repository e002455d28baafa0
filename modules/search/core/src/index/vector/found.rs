//! What searches are asked with and answer.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

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

/// A flag that another thread raises to end a search early, and a time at which it is raised by
/// itself. Searches look at it every few microseconds.
#[derive(Debug, Default)]
pub struct Cancel {
    is_raised: AtomicBool,
    deadline: Option<(Clock, u64)>,
    /// Looks so far: not every one is at the clock.
    looks: AtomicU32,
}

/// Milliseconds since any fixed time.
pub type Clock = fn() -> u64;

/// One look in so many is at the clock too, which takes as long as measuring a short vector.
const LOOKS: u32 = 16;

impl Cancel {
    /// Not raised.
    #[must_use]
    pub const fn new() -> Self {
        Self { is_raised: AtomicBool::new(false), deadline: None, looks: AtomicU32::new(0) }
    }

    /// Not raised before `clock` says `deadline`.
    #[must_use]
    pub const fn at(clock: Clock, deadline: u64) -> Self {
        Self { deadline: Some((clock, deadline)), ..Self::new() }
    }

    /// Ends searches that look at the flag.
    pub fn raise(&self) {
        self.is_raised.store(true, Relaxed);
    }

    /// Whether it was raised, or the time has come.
    #[inline]
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_raised.load(Relaxed) || self.deadline.is_some() && self.is_due()
    }

    fn is_due(&self) -> bool {
        let Some((clock, deadline)) = self.deadline else { return false };
        let looks = self.looks.load(Relaxed);
        // Two threads may count as one: then the clock is looked at a little later.
        self.looks.store(looks.wrapping_add(1), Relaxed);
        if !looks.is_multiple_of(LOOKS) || clock() < deadline {
            return false;
        }
        self.raise();
        true
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
