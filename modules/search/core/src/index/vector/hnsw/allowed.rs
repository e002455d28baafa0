//! Searches that may not answer with every node.

use std::cmp::Reverse;

use super::super::found::{Allowed, Cancel};
use super::super::pool::{entry, parts};
use super::super::scratch::Scratch;
use super::super::store::{Slot, Store};
use super::graph::Graph;
use crate::simd::prefetch;

/// Leaves in the scratch's pool the `ef` allowed nodes nearest to `query` that are reached from
/// `start` through any nodes. Whether it was cancelled.
///
/// The nearest nodes are expanded, allowed or not, until they are farther than the `ef`th that is
/// allowed: about `ef * all / allowed` of them.
pub(super) fn walk_allowed(
    graph: &Graph,
    store: &Store,
    query: &[u8],
    start: Slot,
    ef: usize,
    allowed: &impl Allowed,
    (scratch, cancel): (&mut Scratch, &Cancel),
) -> bool {
    let near = store.near();
    let is_allowed = |slot| store.label(slot).is_some_and(|label| allowed.allows(label));
    let Scratch { visited, pool, frontier, slots, distances } = scratch;
    visited.reset(graph.len());
    visited.visit(start);
    pool.reset(ef);
    frontier.clear();
    let distance = near.distance(query, start);
    frontier.push(Reverse(entry(distance, start)));
    if is_allowed(start) {
        pool.insert(distance, start);
    }
    while let Some(Reverse(nearest)) = frontier.pop() {
        let (distance, slot) = parts(nearest);
        if distance > pool.bound() {
            return false;
        }
        if cancel.is_raised() {
            return true;
        }
        slots.clear();
        slots.extend(graph.neighbours(0, slot).iter().copied().filter(|s| visited.visit(*s)));
        if let Some(Reverse(next)) = frontier.peek() {
            prefetch(graph.ground_list(parts(*next).1));
        }
        near.distances(query, slots, distances);
        for (slot, distance) in slots.iter().zip(&*distances) {
            if *distance < pool.bound() {
                frontier.push(Reverse(entry(*distance, *slot)));
                if is_allowed(*slot) {
                    pool.insert(*distance, *slot);
                }
            }
        }
    }
    false
}

/// Slots at most `reach` from `query`, as far as they hang together with those the pool has:
/// left in the scratch's `slots`. Goes on where a walk ended. Whether it was cancelled.
pub(super) fn flood(
    graph: &Graph,
    store: &Store,
    query: &[u8],
    reach: f32,
    scratch: &mut Scratch,
    cancel: &Cancel,
) -> (Vec<Slot>, bool) {
    let near = store.near();
    let Scratch { visited, pool, slots, distances, .. } = scratch;
    let within = pool.iter().take_while(|(distance, _)| *distance <= reach);
    let mut found: Vec<Slot> = within.map(|(_, slot)| slot).collect();
    // Walked nodes are forgotten: what a full pool let go may be within reach.
    visited.reset(graph.len());
    found.iter().for_each(|slot| {
        visited.visit(*slot);
    });
    let mut next = 0;
    while let Some(slot) = found.get(next).copied() {
        if cancel.is_raised() {
            return (found, true);
        }
        next += 1;
        slots.clear();
        slots.extend(graph.neighbours(0, slot).iter().copied().filter(|s| visited.visit(*s)));
        near.distances(query, slots, distances);
        let pairs = slots.iter().zip(&*distances);
        found.extend(pairs.filter(|(_, distance)| **distance <= reach).map(|(slot, _)| *slot));
    }
    (found, false)
}
