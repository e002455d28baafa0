//! Searches that may not answer with every node.

use std::cmp::Reverse;

use super::super::found::{Allowed, Cancel};
use super::super::pool::{entry, parts};
use super::super::scratch::{Scratch, Visited};
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

/// Leaves in the scratch's pool the `ef` allowed nodes nearest to `query` that are reached from
/// `start` and `seeds` over links of the allowed, or over one other node between two of them.
/// Whether it was cancelled.
///
/// This is the idea of ACORN-1 (Patel et al., "ACORN: Performant and Predicate-Agnostic Search Over
/// Vector Embeddings and Structured Data", 2024): only what is allowed is measured, so the time
/// hardly depends on how much that is. The seeds are for filters that have nothing near the query.
pub(super) fn walk_two_hops(
    graph: &Graph,
    store: &Store,
    query: &[u8],
    ef: usize,
    (start, seeds): (Slot, impl Iterator<Item = Slot>),
    allowed: &impl Allowed,
    (scratch, cancel): (&mut Scratch, &Cancel),
) -> bool {
    let near = store.near();
    let is_allowed = |slot| store.label(slot).is_some_and(|label| allowed.allows(label));
    let Scratch { visited, pool, slots, distances, .. } = scratch;
    visited.reset(graph.len());
    pool.reset(ef);
    slots.clear();
    slots.extend(seeds.filter(|slot| visited.visit(*slot)));
    if visited.visit(start) && is_allowed(start) {
        slots.push(start);
    }
    reach(graph, start, visited, &is_allowed, slots);
    loop {
        near.distances(query, slots, distances);
        for (slot, distance) in slots.iter().zip(&*distances) {
            if *distance < pool.bound() {
                pool.insert(*distance, *slot);
            }
        }
        let Some((_, slot)) = pool.expand() else { return false };
        if cancel.is_raised() {
            return true;
        }
        slots.clear();
        reach(graph, slot, visited, &is_allowed, slots);
    }
}

/// Appends the allowed nodes not seen yet that are linked with `slot`, then those linked with its
/// other neighbours, until they are as many as a list can hold.
fn reach(
    graph: &Graph,
    slot: Slot,
    visited: &mut Visited,
    is_allowed: &impl Fn(Slot) -> bool,
    slots: &mut Vec<Slot>,
) {
    let neighbours = graph.neighbours(0, slot);
    let most = slots.len().saturating_add(graph.room(0));
    for other in neighbours {
        if is_allowed(*other) {
            if visited.visit(*other) {
                slots.push(*other);
            }
        } else {
            prefetch(graph.ground_list(*other));
        }
    }
    for between in neighbours {
        if slots.len() >= most {
            return;
        }
        // Nodes between are walked through once, from wherever that was.
        if !is_allowed(*between) && visited.visit(*between) {
            let behind = graph.neighbours(0, *between).iter().copied();
            slots.extend(behind.filter(|other| is_allowed(*other) && visited.visit(*other)));
        }
    }
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
