//! Which neighbours a node keeps.

use super::super::store::{Near, Slot};

/// Of `candidates` (the nearest first, with their distances to the node) those that are nearer to
/// the node than to any chosen before them, at most `most`. O(candidates * most * dimension).
///
/// This is SELECT-NEIGHBORS-HEURISTIC of Malkov and Yashunin ("Efficient and robust approximate
/// nearest neighbor search using HNSW graphs", 2016), without its extensions: links go in all
/// directions instead of all into one cluster.
pub(super) fn diverse(
    near: Near<'_>,
    candidates: impl Iterator<Item = (f32, Slot)>,
    most: usize,
    chosen: &mut Vec<Slot>,
) {
    chosen.clear();
    for (distance, slot) in candidates {
        if chosen.len() >= most {
            return;
        }
        if is_diverse(near, distance, slot, chosen) {
            chosen.push(slot);
        }
    }
}

/// Whether no one of `chosen` is nearer to `slot` than `distance`, or is the same vector: of equal
/// ones one is enough, or they would be linked with one another alone.
pub(super) fn is_diverse(near: Near<'_>, distance: f32, slot: Slot, chosen: &[Slot]) -> bool {
    let row = near.row(slot);
    chosen.iter().all(|other| {
        let between = near.distance(row, *other);
        between > distance || between == distance && near.row(*other) != row
    })
}
