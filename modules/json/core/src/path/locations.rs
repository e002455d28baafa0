//! The ways from the root to the matches of a path.

use smallvec::SmallVec;

use super::Steps;

/// Ways from the root, one behind the other. A single one of usual length needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    steps: Steps,
    ends: SmallVec<[usize; 2]>,
}

impl Locations {
    /// No way yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many. O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none. O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The way at `position`. O(1).
    #[must_use]
    pub fn at(&self, position: usize) -> Option<&[u32]> {
        let end = *self.ends.get(position)?;
        let start = match position.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.steps.get(start..end)
    }

    /// All of them, in match order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u32]> + ExactSizeIterator {
        (0..self.len()).map(|position| self.at(position).unwrap_or_default())
    }

    /// Adds a way.
    pub fn push(&mut self, way: &[u32]) {
        self.steps.extend_from_slice(way);
        self.ends.push(self.steps.len());
    }

    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.steps.clear();
        self.ends.clear();
    }
}
