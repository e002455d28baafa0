//! Numbers and the documents that have them.

use std::cmp::Ordering;
use std::ops::Bound;

use super::collect::collect;
use super::forward::Forward;
use super::sorted::{Run, Sorted};
use super::{DocId, DocSet};
use crate::query::Range;

/// A double with an order: no NaN, one zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(f64);

impl Number {
    fn new(number: f64) -> Option<Self> {
        // -0 plus 0 is 0.
        (!number.is_nan()).then_some(Self(number + 0.0))
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The index of a `NUMERIC` field: numbers in order, and those of each document.
#[derive(Clone, Debug, Default)]
pub struct Numeric {
    sorted: Sorted<Number>,
    forward: Forward<Number>,
}

impl Numeric {
    /// Gives `document` these numbers instead of those it has; NaN is left out.
    pub fn put(&mut self, document: DocId, numbers: &[f64]) {
        self.remove(document);
        for number in numbers.iter().filter_map(|number| Number::new(*number)) {
            self.sorted.insert(number, document);
        }
        let numbers = numbers.iter().filter_map(|number| Number::new(*number)).collect();
        self.forward.put(document, numbers);
    }

    /// Takes `document` out.
    pub fn remove(&mut self, document: DocId) {
        for number in self.forward.take(document) {
            self.sorted.remove(number, document);
        }
    }

    /// How many numbers are in `range`; of a document with several, each counts.
    #[must_use]
    pub fn estimate(&self, range: &Range) -> u64 {
        run(range).map_or(0, |run| self.sorted.count(&run))
    }

    /// The documents with a number in `range`.
    #[must_use]
    pub fn documents(&self, range: &Range) -> DocSet {
        let Some(run) = run(range) else { return DocSet::new() };
        let count = self.sorted.count(&run);
        collect(self.sorted.run(run).map(|(_, document)| document), count, self.forward.end())
    }

    /// Whether `document` has a number in `range`.
    #[must_use]
    pub fn matches(&self, document: DocId, range: &Range) -> bool {
        self.forward.of(document).iter().any(|number| range.contains(number.0))
    }

    /// The first of the numbers of `document`.
    #[must_use]
    pub fn first(&self, document: DocId) -> Option<f64> {
        self.forward.of(document).first().map(|number| number.0)
    }

    /// How many numbers there are.
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

/// The keys of a range; `None` if no number can be in it.
fn run(range: &Range) -> Option<Run<Number>> {
    let end = |number, is_out| {
        let number = Number::new(number)?;
        Some(if is_out { Bound::Excluded(number) } else { Bound::Included(number) })
    };
    let run = (end(range.min, range.above_min)?, end(range.max, range.below_max)?);
    (range.min <= range.max).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: f64, max: f64, above_min: bool, below_max: bool) -> Range {
        Range { field: Box::default(), min, max, above_min, below_max }
    }

    fn check(index: &Numeric, range: &Range, expected: &[DocId]) {
        assert_eq!(index.documents(range).iter().collect::<Vec<_>>(), expected, "{range:?}");
        let matching: Vec<DocId> =
            (0..10).filter(|document| index.matches(*document, range)).collect();
        assert_eq!(matching, expected, "{range:?}");
    }

    #[test]
    fn documents_are_found_by_their_numbers() {
        let mut index = Numeric::default();
        index.put(1, &[1.0]);
        index.put(2, &[2.5, 7.0]);
        index.put(3, &[-0.0]);
        index.put(4, &[f64::INFINITY]);
        index.put(5, &[f64::NAN]);
        let inf = f64::INFINITY;
        check(&index, &range(1.0, 3.0, false, false), &[1, 2]);
        check(&index, &range(1.0, 3.0, true, false), &[2]);
        check(&index, &range(0.0, 0.0, false, false), &[3]);
        check(&index, &range(-inf, inf, false, false), &[1, 2, 3, 4]);
        check(&index, &range(-inf, inf, false, true), &[1, 2, 3]);
        check(&index, &range(3.0, 1.0, false, false), &[]);
        check(&index, &range(1.0, 1.0, true, true), &[]);
        assert_eq!((index.len(), index.estimate(&range(2.0, 8.0, false, false))), (5, 2));
        index.put(2, &[1.0]);
        index.remove(1);
        index.remove(9);
        check(&index, &range(-inf, inf, false, false), &[2, 3, 4]);
        assert!(index.len() == 3 && index.memory() > 0);
    }
}
