//! Measuring one by one: the nearest of some slots, and the last step of every search.

use super::found::{Cancel, Found, Neighbour};
use super::scratch::Scratch;
use super::space::Probe;
use super::store::{BATCH, Slot, Store};
use crate::simd::prefetch;

/// Larger pools are not kept sorted: an insertion moves half of them.
const SORTED: usize = 256;

/// How many of the best by codes are measured again by rows for `k`, at most.
pub(super) fn again(k: usize) -> usize {
    k.saturating_mul(2).min(k.saturating_add(30))
}

/// The `k` documents nearest to `probe` of those at `slots`. O(slots * dimension), once more for
/// each doubling that labels with many vectors ask for.
pub(super) fn nearest(
    store: &Store,
    probe: &Probe,
    k: usize,
    slots: impl Iterator<Item = Slot> + Clone,
    scratch: &mut Scratch,
    cancel: &Cancel,
) -> Found {
    let mut wanted = if store.is_quantized() { again(k) } else { k };
    loop {
        let (count, cancelled) = fill(store, probe, wanted, slots.clone(), scratch, cancel);
        let found = finish(store, probe, k, scratch, cancelled);
        // Many vectors of one label may have pushed others out.
        if cancelled || found.neighbours.len() >= k || scratch.pool.len() >= count {
            return found;
        }
        wanted = wanted.saturating_mul(2);
    }
}

/// Leaves the `wanted` nearest of `slots` in the pool; how many slots there were, and whether it
/// was cancelled.
fn fill(
    store: &Store,
    probe: &Probe,
    wanted: usize,
    mut slots: impl Iterator<Item = Slot>,
    scratch: &mut Scratch,
    cancel: &Cancel,
) -> (usize, bool) {
    let (near, query) = (store.near(), store.near_query(probe));
    let (mut count, is_large) = (0, wanted > SORTED);
    scratch.pool.reset(wanted.min(store.len()));
    loop {
        scratch.slots.clear();
        scratch.slots.extend(slots.by_ref().take(BATCH));
        if scratch.slots.is_empty() || cancel.is_raised() {
            if is_large {
                scratch.pool.sort();
            }
            return (count, !scratch.slots.is_empty());
        }
        count += scratch.slots.len();
        near.distances(query, &scratch.slots, &mut scratch.distances);
        for (slot, distance) in scratch.slots.iter().zip(&scratch.distances) {
            if is_large {
                scratch.pool.push(*distance, *slot);
            } else {
                scratch.pool.insert(*distance, *slot);
            }
        }
    }
}

/// The answer that is in the pool: the best are measured again where codes brought them, or where
/// f32 is too coarse.
pub(super) fn finish(
    store: &Store,
    probe: &Probe,
    k: usize,
    scratch: &Scratch,
    cancelled: bool,
) -> Found {
    let several = store.has_several();
    let count = match (several, store.is_quantized()) {
        (true, _) => scratch.pool.len(),
        (false, true) => again(k),
        (false, false) => k,
    };
    let full = store.full();
    let mut errors = Errors::new(if several { count } else { k });
    let best = || scratch.pool.iter().take(count);
    best().take(4).for_each(|(_, slot)| prefetch(full.row(slot)));
    let mut found = Found { neighbours: Vec::new(), cancelled };
    found.neighbours.reserve(count.min(scratch.pool.len()));
    let mut ahead = best().take(errors.wanted).skip(4);
    for (near, slot) in best() {
        if let Some((_, slot)) = ahead.next() {
            prefetch(full.row(slot));
        }
        let mut distance = f64::from(near);
        if errors.rule_out(distance) {
            break;
        }
        if store.needs_exact() {
            distance = full.exact(probe.row(), slot);
            errors.learn(near, distance);
        }
        found.neighbours.extend(store.label(slot).map(|label| Neighbour { label, distance }));
    }
    found.finish(k, several);
    found
}

/// How far distances by codes are from those by rows, learnt from the best until no other can be
/// among them.
struct Errors {
    /// How many are measured whatever the errors are.
    wanted: usize,
    seen: usize,
    largest: f64,
    /// None of the best is farther.
    farthest: f64,
}

impl Errors {
    /// The fewest that errors are learnt from.
    const LEAST: usize = 8;

    /// Errors of others are less than so many times the largest so far.
    const MARGIN: f64 = 3.0;

    fn new(k: usize) -> Self {
        Self { wanted: k.max(Self::LEAST), seen: 0, largest: 0.0, farthest: f64::NEG_INFINITY }
    }

    fn learn(&mut self, near: f32, exact: f64) {
        if self.seen < self.wanted {
            self.seen += 1;
            self.farthest = self.farthest.max(exact);
        }
        self.largest = self.largest.max((f64::from(near) - exact).abs());
    }

    /// Whether one that is `near` by its code is not among the best, nor any that is farther.
    fn rule_out(&self, near: f64) -> bool {
        self.seen >= self.wanted && near - Self::MARGIN * self.largest > self.farthest
    }
}

/// The documents at `slots` that are at most `radius` from `probe`, by rows.
pub(super) fn within(
    store: &Store,
    probe: &Probe,
    radius: f64,
    slots: impl Iterator<Item = Slot>,
    cancel: &Cancel,
) -> Found {
    let full = store.full();
    let mut found = Found::default();
    for (count, slot) in slots.enumerate() {
        if count % BATCH == 0 && cancel.is_raised() {
            found.cancelled = true;
            break;
        }
        let distance = full.exact(probe.row(), slot);
        if distance <= radius {
            found.neighbours.extend(store.label(slot).map(|label| Neighbour { label, distance }));
        }
    }
    found.finish(usize::MAX, store.has_several());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_errors_rule_out() {
        let check = |k: usize, pairs: &[(f32, f64)], near: f64, expected: bool| {
            let mut errors = Errors::new(k);
            pairs.iter().for_each(|(near, exact)| errors.learn(*near, *exact));
            assert_eq!(errors.rule_out(near), expected, "{k} {pairs:?} {near}");
        };
        // The farthest is 1.5, the largest error 0.5: three times that is still possible.
        let eight = [(1.0, 1.0), (1.0, 1.5)].repeat(4);
        check(8, &eight, 3.0, false);
        check(8, &eight, 3.01, true);
        check(1, &eight, 3.01, true);
        check(1, &eight[..7], 100.0, false);
        check(9, &eight, 100.0, false);
        // Those behind the first `k` are no reason to look farther.
        check(8, &[&eight[..], &[(9.0, 9.0)]].concat(), 3.01, true);
    }
}
