//! The best so far, sorted.

use super::store::Slot;

/// Distances and slots, the nearest first, up to a capacity; each is expanded once.
///
/// An entry is one number, so that it is compared and moved as one:
/// ```text
/// [ distance, order-preserving: 32 ][ slot: 31 ][ expanded: 1 ]
/// ```
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    entries: Vec<u64>,
    capacity: usize,
    /// Entries before this one are expanded.
    next: usize,
}

/// The bits of `distance` as an unsigned number of the same order.
#[inline]
pub(super) fn ordered(distance: f32) -> u32 {
    let bits = distance.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The inverse of [`ordered`].
#[inline]
pub(super) fn distance_of(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 0 { !ordered } else { ordered & !(1 << 31) })
}

/// Distance and slot as one number, ordered by distance, then by slot.
#[inline]
pub(super) fn entry(distance: f32, slot: Slot) -> u64 {
    u64::from(ordered(distance)) << 32 | u64::from(slot) << 1
}

/// What [`entry`] was made of.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves of the number")]
pub(super) fn parts(entry: u64) -> (f32, Slot) {
    (distance_of((entry >> 32) as u32), entry as u32 >> 1)
}

impl Pool {
    /// Empties the pool.
    pub(super) fn reset(&mut self, capacity: usize) {
        self.entries.clear();
        self.capacity = capacity.max(1);
        self.next = 0;
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are as many as may be.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }

    /// The distance beyond which nothing is taken any more.
    #[inline]
    pub(super) fn bound(&self) -> f32 {
        match self.entries.last() {
            Some(last) if self.is_full() => parts(*last).0,
            _ => f32::INFINITY,
        }
    }

    /// Takes `slot` in if it is among the best.
    #[inline]
    pub(super) fn insert(&mut self, distance: f32, slot: Slot) {
        let new = entry(distance, slot);
        if self.is_full() {
            if self.entries.last().is_none_or(|last| *last < new) {
                return;
            }
            self.entries.pop();
        }
        let place = self.entries.partition_point(|old| *old < new);
        self.entries.insert(place, new);
        self.next = self.next.min(place);
    }

    /// As [`Self::insert`] for pools too large to be kept sorted: they are cut when twice as large.
    /// Nothing else may be asked before [`Self::sort`].
    #[inline]
    pub(super) fn push(&mut self, distance: f32, slot: Slot) {
        self.entries.push(entry(distance, slot));
        if self.entries.len() >= self.capacity.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.entries.len() > self.capacity {
            self.entries.select_nth_unstable(self.capacity - 1);
            self.entries.truncate(self.capacity);
        }
    }

    /// Ends a row of [`Self::push`].
    pub(super) fn sort(&mut self) {
        self.cut();
        self.entries.sort_unstable();
    }

    /// The nearest that was not expanded yet, expanded now.
    #[inline]
    pub(super) fn expand(&mut self) -> Option<(f32, Slot)> {
        let ahead = self.entries.get_mut(self.next..)?;
        let (place, entry) = ahead.iter_mut().enumerate().find(|(_, entry)| **entry & 1 == 0)?;
        let found = parts(*entry);
        *entry |= 1;
        self.next = self.next.saturating_add(place).saturating_add(1);
        Some(found)
    }

    /// What [`Self::expand`] would give.
    #[inline]
    pub(super) fn peek(&self) -> Option<Slot> {
        let ahead = self.entries.get(self.next..)?;
        ahead.iter().find(|entry| **entry & 1 == 0).map(|entry| parts(*entry).1)
    }

    /// All, the nearest first.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (f32, Slot)> {
        self.entries.iter().map(|entry| parts(*entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        let numbers = [f32::NEG_INFINITY, -2.5, -1e-30, -0.0, 0.0, 1e-30, 7.0, f32::MAX];
        assert!(numbers.is_sorted_by_key(|x| ordered(*x)));
        for x in numbers {
            assert_eq!(parts(entry(x, 77)), (x, 77));
        }
    }

    #[test]
    fn large_pools_are_cut_and_sorted() {
        for (capacity, count) in [(1, 10), (3, 3), (3, 5), (5, 100), (7, 0)] {
            let (mut large, mut small) = (Pool::default(), Pool::default());
            large.reset(capacity);
            small.reset(capacity);
            for slot in 0..count {
                let distance = (slot * 7919 % 31) as f32;
                large.push(distance, slot);
                small.insert(distance, slot);
            }
            large.sort();
            assert!(large.iter().eq(small.iter()), "{capacity} {count}");
        }
    }

    #[test]
    fn keeps_the_best_and_expands_each_once() {
        let mut pool = Pool::default();
        pool.reset(3);
        for (distance, slot) in [(5.0, 1), (3.0, 2), (4.0, 3)] {
            pool.insert(distance, slot);
        }
        assert_eq!((pool.bound(), pool.expand()), (5.0, Some((3.0, 2))));
        pool.insert(6.0, 4);
        pool.insert(1.0, 5);
        assert_eq!((pool.bound(), pool.peek()), (4.0, Some(5)));
        let expanded: Vec<u32> = std::iter::from_fn(|| pool.expand()).map(|x| x.1).collect();
        assert_eq!(expanded, [5, 3]);
        assert_eq!(pool.iter().map(|x| x.1).collect::<Vec<_>>(), [5, 2, 3]);
    }
}
