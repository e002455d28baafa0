//! Removing samples.

use super::Series;
use crate::chunk::{Chunk, Columns};
use crate::rule::Effect;

/// The series has rules, and retention hides samples that their buckets would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeyondRetention;

impl Series {
    /// Whether samples from `from` on may be removed: not if there are rules whose buckets begin
    /// before what retention leaves visible, as they could not be computed again.
    ///
    /// # Errors
    /// [`BeyondRetention`].
    pub fn check_removal(&self, from: u64) -> Result<(), BeyondRetention> {
        let is_hidden = |time: u64| time < self.visible_from();
        let starts = self.rules.iter().map(|rule| rule.grid.bucket_of(from).start());
        let is_any_hidden = starts.into_iter().any(is_hidden);
        if self.retention_ms > 0 && is_any_hidden { Err(BeyondRetention) } else { Ok(()) }
    }

    /// Removes the samples from `from` to `to`, and returns how many. What follows for the
    /// destinations of rules is appended to `effects`.
    ///
    /// O(chunks), and two of them are written anew.
    pub fn remove(&mut self, from: u64, to: u64, effects: &mut Vec<Effect>) -> u64 {
        if from > to || self.slots.is_empty() {
            return 0;
        }
        let before = self.samples;
        let start = self.place_of(from);
        let end = self.slots.partition_point(|slot| slot.first <= to);
        if end <= start {
            return 0;
        }
        // The later one first, as it moves if the earlier one goes.
        let last = end - 1;
        if last > start {
            self.remove_in(last, from, to);
        }
        if last > start + 1 {
            self.remove_chunks(start + 1, last);
        }
        self.remove_in(start, from, to);
        self.slots.shrink_to(self.slots.len() * 2);
        self.account();
        let removed = before - self.samples;
        if removed > 0 {
            self.refresh_rules(from, to, effects);
        }
        removed
    }

    fn remove_chunks(&mut self, start: usize, end: usize) {
        for slot in self.slots.drain(start..end) {
            self.samples = self.samples.saturating_sub(u64::from(slot.chunk.count()));
            self.chunk_bytes = self.chunk_bytes.saturating_sub(super::chunk_bytes(&slot.chunk));
        }
    }

    /// Removes samples of one chunk.
    fn remove_in(&mut self, place: usize, from: u64, to: u64) {
        let Some(slot) = self.slots.get(place) else {
            return;
        };
        let (encoding, size) = (slot.chunk.encoding(), slot.chunk.size());
        let mut columns = Columns::default();
        slot.chunk.decode(&mut columns);
        let start = columns.times.partition_point(|&time| time < from);
        let end = columns.times.partition_point(|&time| time <= to);
        if start < end {
            columns.remove(start, end);
            let mut chunk = Chunk::of(encoding, size, columns.iter());
            chunk.seal();
            self.replace(place, chunk);
        }
    }
}
