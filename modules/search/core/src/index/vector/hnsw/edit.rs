//! Linking a node and taking one out.

use super::super::pool::{entry, parts};
use super::super::store::{Near, Slot};
use super::graph::Graph;
use super::select::{diverse, is_diverse};

/// Buffers of an edit, to be used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    entries: Vec<u64>,
    chosen: Vec<Slot>,
    distances: Vec<f32>,
}

/// Links `slot` with `other` on `layer`, both ways. Where a list is full, its owner chooses anew
/// among all; whoever is not chosen loses the link in both directions, but for nodes that would
/// be left without any. O(M^2 * dimension) then.
pub(super) fn connect(
    graph: &mut Graph,
    near: Near<'_>,
    layer: usize,
    slot: Slot,
    other: Slot,
    buffers: &mut Buffers,
) {
    if slot == other || graph.neighbours(layer, slot).contains(&other) {
        return;
    }
    for (owner, new) in [(slot, other), (other, slot)] {
        if graph.neighbours(layer, owner).len() >= graph.room(layer)
            && !make_room(graph, near, layer, owner, new, buffers)
        {
            return;
        }
    }
    if graph.insert(layer, slot, other) && !graph.insert(layer, other, slot) {
        graph.remove(layer, slot, other);
    }
}

/// Drops neighbours of the full list of `owner` that `new` and the others make superfluous; false
/// if `new` itself is.
fn make_room(
    graph: &mut Graph,
    near: Near<'_>,
    layer: usize,
    owner: Slot,
    new: Slot,
    buffers: &mut Buffers,
) -> bool {
    let Buffers { entries, chosen, distances } = buffers;
    let neighbours = graph.neighbours(layer, owner).to_vec();
    near.distances(near.row(owner), &neighbours, distances);
    entries.clear();
    entries.extend(neighbours.iter().zip(&*distances).map(|(slot, d)| entry(*d, *slot)));
    entries.push(entry(near.between(owner, new), new));
    entries.sort_unstable();
    diverse(near, entries.iter().map(|e| parts(*e)), graph.room(layer), chosen);
    let lonely = graph.neighbours(layer, new).is_empty();
    if !lonely && !chosen.contains(&new) {
        return false;
    }
    let mut dropped = false;
    for (_, slot) in entries.iter().map(|e| parts(*e)) {
        let keeps = slot == new || chosen.contains(&slot);
        if !keeps && graph.neighbours(layer, slot).len() > 1 {
            disconnect(graph, layer, owner, slot);
            dropped = true;
        }
    }
    dropped || lonely && drop_farthest(graph, layer, owner, new, entries)
}

/// Makes room for a node that would be left without a link.
fn drop_farthest(graph: &mut Graph, layer: usize, owner: Slot, new: Slot, entries: &[u64]) -> bool {
    let mut farthest = entries.iter().rev().map(|e| parts(*e).1).filter(|slot| *slot != new);
    match farthest.find(|slot| graph.neighbours(layer, *slot).len() > 1) {
        Some(slot) => {
            disconnect(graph, layer, owner, slot);
            true
        }
        None => false,
    }
}

fn disconnect(graph: &mut Graph, layer: usize, a: Slot, b: Slot) {
    graph.remove(layer, a, b);
    graph.remove(layer, b, a);
}

/// Takes all links of `slot` on `layer` away, and links those it was linked with to one another
/// instead: each with those of the others that none of its neighbours is nearer to. Who is left
/// without a link is in `lonely`. O(M^3 * dimension) at most, usually O(M^2 * dimension).
pub(super) fn isolate(
    graph: &mut Graph,
    near: Near<'_>,
    layer: usize,
    slot: Slot,
    buffers: &mut Buffers,
    lonely: &mut Vec<Slot>,
) {
    let former = graph.neighbours(layer, slot).to_vec();
    for neighbour in &former {
        disconnect(graph, layer, slot, *neighbour);
    }
    for owner in &former {
        repair(graph, near, layer, *owner, &former, buffers);
    }
    lonely.extend(former.iter().filter(|slot| graph.neighbours(layer, **slot).is_empty()));
}

/// Links `owner` with those of `others` that are diverse to the neighbours it has.
fn repair(
    graph: &mut Graph,
    near: Near<'_>,
    layer: usize,
    owner: Slot,
    others: &[Slot],
    buffers: &mut Buffers,
) {
    near.distances(near.row(owner), others, &mut buffers.distances);
    let pairs = others.iter().zip(&buffers.distances);
    let mut entries: Vec<u64> = pairs.map(|(slot, d)| entry(*d, *slot)).collect();
    entries.sort_unstable();
    for (distance, slot) in entries.iter().map(|e| parts(*e)) {
        let list = graph.neighbours(layer, owner);
        if list.len() >= graph.room(layer) {
            return;
        }
        if slot != owner && !list.contains(&slot) && is_diverse(near, distance, slot, list) {
            connect(graph, near, layer, owner, slot, buffers);
        }
    }
}
