//! Going from neighbour to neighbour towards a query.

use super::super::found::Cancel;
use super::super::scratch::Scratch;
use super::super::store::{Near, Slot};
use super::graph::Graph;
use crate::simd::prefetch;

/// The node of `layer` nearest to `query` that greedy steps from `start` reach. O(steps * M).
pub(super) fn descend(
    graph: &Graph,
    near: Near<'_>,
    query: &[u8],
    layer: usize,
    start: Slot,
    distances: &mut Vec<f32>,
) -> Slot {
    let (mut best, mut bound) = (start, near.distance(query, start));
    loop {
        let neighbours = graph.neighbours(layer, best);
        near.distances(query, neighbours, distances);
        let pairs = neighbours.iter().zip(&*distances);
        let Some((slot, distance)) = pairs.min_by(|a, b| a.1.total_cmp(b.1)) else { return best };
        if *distance >= bound {
            return best;
        }
        (best, bound) = (*slot, *distance);
    }
}

/// Leaves in the scratch's pool the `ef` nodes of `layer` nearest to `query` that expanding the
/// best of them, from `start` on, reaches. Whether it was cancelled.
pub(super) fn walk(
    graph: &Graph,
    near: Near<'_>,
    query: &[u8],
    (layer, start): (usize, Slot),
    ef: usize,
    scratch: &mut Scratch,
    cancel: &Cancel,
) -> bool {
    let Scratch { visited, pool, slots, distances, .. } = scratch;
    visited.reset(graph.len());
    visited.visit(start);
    pool.reset(ef);
    pool.insert(near.distance(query, start), start);
    while let Some((_, slot)) = pool.expand() {
        if cancel.is_raised() {
            return true;
        }
        slots.clear();
        slots.extend(graph.neighbours(layer, slot).iter().copied().filter(|s| visited.visit(*s)));
        if let Some(next) = pool.peek().filter(|_| layer == 0) {
            prefetch(graph.ground_list(next));
        }
        near.distances(query, slots, distances);
        let mut bound = pool.bound();
        for (slot, distance) in slots.iter().zip(&*distances) {
            if *distance < bound {
                pool.insert(*distance, *slot);
                bound = pool.bound();
            }
        }
    }
    false
}
