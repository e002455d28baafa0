//! Places and the documents that have them.

use std::ops::Bound;

use super::collect::collect;
use super::forward::Forward;
use super::geohash::{cell, centre, cover, distance};
use super::sorted::Sorted;
use super::{DocId, DocSet, Place};
use crate::query::Circle;

/// The index of a `GEO` field: cells in order, and those of each document.
///
/// A place is kept as Redis keeps it, as a cell of less than a metre; distances are those to the
/// centres of the cells.
#[derive(Clone, Debug, Default)]
pub struct Geo {
    sorted: Sorted<u64>,
    forward: Forward<u64>,
}

impl Geo {
    /// Gives `document` these places instead of those it has; what is not on the map is left out.
    pub fn put(&mut self, document: DocId, places: &[Place]) {
        self.remove(document);
        for cell in places.iter().filter_map(|place| cell(*place)) {
            self.sorted.insert(cell, document);
        }
        self.forward.put(document, places.iter().filter_map(|place| cell(*place)).collect());
    }

    /// Takes `document` out.
    pub fn remove(&mut self, document: DocId) {
        for cell in self.forward.take(document) {
            self.sorted.remove(cell, document);
        }
    }

    /// How many places are in a few rectangles around the circle.
    #[must_use]
    pub fn estimate(&self, circle: &Circle) -> u64 {
        cover(middle(circle), metres(circle))
            .into_iter()
            .map(|(from, to)| self.sorted.count(&(Bound::Included(from), Bound::Included(to))))
            .sum()
    }

    /// The documents with a place in the circle.
    #[must_use]
    pub fn documents(&self, circle: &Circle) -> DocSet {
        let (middle, metres) = (middle(circle), metres(circle));
        let mut set = DocSet::new();
        for (from, to) in cover(middle, metres) {
            let run = (Bound::Included(from), Bound::Included(to));
            let count = self.sorted.count(&run);
            let near = self
                .sorted
                .run(run)
                .filter(|(cell, _)| distance(middle, centre(*cell)) <= metres)
                .map(|(_, document)| document);
            set |= collect(near, count, self.forward.end());
        }
        set
    }

    /// Whether `document` has a place in the circle.
    #[must_use]
    pub fn matches(&self, document: DocId, circle: &Circle) -> bool {
        let (middle, metres) = (middle(circle), metres(circle));
        self.forward.of(document).iter().any(|cell| distance(middle, centre(*cell)) <= metres)
    }

    /// How many places there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes on the heap. O(documents).
    #[must_use]
    pub fn memory(&self) -> usize {
        self.sorted.memory() + self.forward.memory()
    }
}

const fn middle(circle: &Circle) -> Place {
    Place { longitude: circle.longitude, latitude: circle.latitude }
}

fn metres(circle: &Circle) -> f64 {
    circle.radius * circle.unit.metres()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Unit;

    fn check(index: &Geo, radius: f64, unit: Unit, expected: &[DocId]) {
        let circle =
            Circle { field: Box::default(), longitude: 15.0, latitude: 37.0, radius, unit };
        let found = index.documents(&circle);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{circle:?}");
        let matching: Vec<DocId> =
            (0..5).filter(|document| index.matches(*document, &circle)).collect();
        assert_eq!(matching, expected, "{circle:?}");
        assert!(index.estimate(&circle) >= found.len());
    }

    #[test]
    fn documents_are_found_by_their_places() {
        let place = |longitude, latitude| Place { longitude, latitude };
        let mut index = Geo::default();
        index.put(1, &[place(13.361_389, 38.115_556)]);
        index.put(2, &[place(0.0, 0.0), place(15.087_269, 37.502_669)]);
        index.put(3, &[place(-165.0, -37.0)]);
        check(&index, 200.0, Unit::Kilometres, &[1, 2]);
        check(&index, 100.0, Unit::Miles, &[2]);
        check(&index, 1.0, Unit::Metres, &[]);
        check(&index, 1e9, Unit::Metres, &[1, 2, 3]);
        check(&index, f64::INFINITY, Unit::Feet, &[1, 2, 3]);
        index.put(2, &[]);
        index.remove(1);
        check(&index, 200.0, Unit::Kilometres, &[]);
        assert!(index.len() == 1 && index.memory() > 0);
    }
}
