//! Whether a graph is one.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::super::store::Slot;
use super::Hnsw;

impl Hnsw {
    /// Whether the graph keeps its rules: as many nodes as vectors, links to other nodes of the
    /// same layer, none twice, each in both directions, and an entry of the highest layer.
    /// O(vectors * M^2), in the order of memory.
    ///
    /// Directions are counted against each other by a sum of hashes that each run draws anew: what
    /// is wrong is taken for right once in 2^64 times.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let height = |slot| self.graph.height(slot);
        let highest = (0..count).map(height).max();
        let has_form = self.graph.len() == self.store.len()
            && self.entry.map(height) == highest
            && self.entry.is_none_or(|entry| entry < count);
        let key = RandomState::new().build_hasher().finish();
        let mut sum = 0;
        has_form
            && (0..count).all(|slot| {
                (0..=height(slot)).all(|layer| {
                    let list = self.graph.neighbours(layer, slot);
                    sum = balance(sum, key, (layer, slot), list);
                    is_list(slot, list, count)
                })
            })
            && sum == 0
    }

    /// Links of a node on the lowest layer, on average. O(vectors * M).
    #[must_use]
    pub fn mean_links(&self) -> f64 {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let links: usize = (0..count).map(|slot| self.graph.neighbours(0, slot).len()).sum();
        links as f64 / f64::from(count.max(1))
    }
}

/// Whether a node may have this list: others, none twice.
fn is_list(slot: Slot, list: &[Slot], count: u32) -> bool {
    let mut others = list.iter().enumerate();
    others.all(|(place, other)| {
        *other != slot && *other < count && !list.iter().take(place).any(|earlier| earlier == other)
    })
}

/// Adds the links of a node to `sum`: those to greater slots count for, the others against, so that
/// two directions are nothing.
fn balance(sum: u64, key: u64, (layer, slot): (usize, Slot), list: &[Slot]) -> u64 {
    list.iter().fold(sum, |sum, other| {
        let (low, high) = (slot.min(*other), slot.max(*other));
        // The finalizer of SplitMix64, twice, as the slots fill the word.
        let x = mix((u64::from(low) << 32 | u64::from(high)) ^ key);
        let x = mix(x ^ layer as u64);
        if slot < *other { sum.wrapping_add(x) } else { sum.wrapping_sub(x) }
    })
}

const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
