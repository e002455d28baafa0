//! Whether a graph is one.

use super::super::store::Slot;
use super::Hnsw;

impl Hnsw {
    /// Whether the graph keeps its rules: as many nodes as vectors, links to other nodes of the
    /// same layer, none twice, each in both directions, and an entry of the highest layer.
    /// O(vectors * M^2).
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let height = |slot| self.graph.height(slot);
        let highest = (0..count).map(height).max();
        self.graph.len() == self.store.len()
            && self.entry.map(height) == highest
            && self.entry.is_none_or(|entry| entry < count)
            && (0..count).all(|slot| (0..=height(slot)).all(|layer| self.is_linked(layer, slot)))
    }

    /// Links of a node on the lowest layer, on average. O(vectors * M).
    #[must_use]
    pub fn mean_links(&self) -> f64 {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let links: usize = (0..count).map(|slot| self.graph.neighbours(0, slot).len()).sum();
        links as f64 / f64::from(count.max(1))
    }

    fn is_linked(&self, layer: usize, slot: Slot) -> bool {
        let list = self.graph.neighbours(layer, slot);
        list.iter().enumerate().all(|(place, other)| {
            *other != slot
                && !list.iter().take(place).any(|earlier| earlier == other)
                && self.graph.neighbours(layer, *other).contains(&slot)
        })
    }
}
