//! Pairs of a key and a document in the order of the keys.
//!
//! ```text
//! buckets   [k k k k] [k k k] [k k k k]      up to 512 pairs each, keys and documents apart
//! ```
//! A pair is found by binary search for its bucket and then inside it; a full bucket is split, two
//! small neighbours are joined. 12 bytes a pair (8-byte keys) when full, 24 at worst.

use std::ops::Bound;

use super::DocId;

/// Pairs in a full bucket.
const FULL: usize = 512;

/// Pairs in order.
#[derive(Clone, Debug)]
pub(super) struct Sorted<K> {
    buckets: Vec<Bucket<K>>,
    len: usize,
}

/// Some pairs; never empty.
#[derive(Clone, Debug)]
struct Bucket<K> {
    keys: Vec<K>,
    documents: Vec<DocId>,
}

/// A run of keys.
pub(super) type Run<K> = (Bound<K>, Bound<K>);

impl<K> Default for Sorted<K> {
    fn default() -> Self {
        Self { buckets: Vec::new(), len: 0 }
    }
}

impl<K: Copy + Ord> Bucket<K> {
    fn pair(&self, at: usize) -> Option<(K, DocId)> {
        Some((*self.keys.get(at)?, *self.documents.get(at)?))
    }

    fn last(&self) -> Option<(K, DocId)> {
        self.pair(self.keys.len().checked_sub(1)?)
    }

    /// How many pairs are before `pair`.
    fn rank(&self, pair: (K, DocId)) -> usize {
        let below = self.keys.partition_point(|key| *key < pair.0);
        let equal = self.keys.get(below..).unwrap_or_default();
        let equal = equal.partition_point(|key| *key == pair.0);
        let documents = self.documents.get(below..below + equal).unwrap_or_default();
        below + documents.partition_point(|document| *document < pair.1)
    }

    fn split(&mut self) -> Self {
        let half = self.keys.len() / 2;
        let upper =
            Self { keys: self.keys.split_off(half), documents: self.documents.split_off(half) };
        self.keys.shrink_to_fit();
        self.documents.shrink_to_fit();
        upper
    }

    /// The places of the keys in `run`.
    fn places(&self, run: &Run<K>) -> std::ops::Range<usize> {
        let start = self.keys.partition_point(|key| is_below(*key, &run.0));
        let end = self.keys.partition_point(|key| !is_above(*key, &run.1));
        start..end.max(start)
    }
}

fn is_below<K: Ord>(key: K, start: &Bound<K>) -> bool {
    match start {
        Bound::Included(start) => key < *start,
        Bound::Excluded(start) => key <= *start,
        Bound::Unbounded => false,
    }
}

fn is_above<K: Ord>(key: K, end: &Bound<K>) -> bool {
    match end {
        Bound::Included(end) => key > *end,
        Bound::Excluded(end) => key >= *end,
        Bound::Unbounded => false,
    }
}

impl<K: Copy + Ord> Sorted<K> {
    /// How many pairs there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The bucket `pair` is in, or would be.
    fn bucket(&self, pair: (K, DocId)) -> usize {
        let before = self.buckets.partition_point(|bucket| bucket.last() < Some(pair));
        before.min(self.buckets.len().saturating_sub(1))
    }

    /// Adds a pair. False if it is there. O(log len + 512 + len / 512).
    pub(super) fn insert(&mut self, key: K, document: DocId) -> bool {
        let pair = (key, document);
        let at = self.bucket(pair);
        let Some(bucket) = self.buckets.get_mut(at) else {
            self.buckets.push(Bucket { keys: vec![key], documents: vec![document] });
            self.len = 1;
            return true;
        };
        let rank = bucket.rank(pair);
        if bucket.pair(rank) == Some(pair) {
            return false;
        }
        bucket.keys.insert(rank, key);
        bucket.documents.insert(rank, document);
        if bucket.keys.len() > FULL {
            let upper = bucket.split();
            self.buckets.insert(at + 1, upper);
        }
        self.len += 1;
        true
    }

    /// Takes a pair out. False if it is not there. O(log len + 512 + len / 512).
    pub(super) fn remove(&mut self, key: K, document: DocId) -> bool {
        let pair = (key, document);
        let at = self.bucket(pair);
        let Some(bucket) = self.buckets.get_mut(at) else { return false };
        let rank = bucket.rank(pair);
        if bucket.pair(rank) != Some(pair) {
            return false;
        }
        bucket.keys.remove(rank);
        bucket.documents.remove(rank);
        self.len -= 1;
        if bucket.keys.is_empty() {
            self.buckets.remove(at);
        } else if bucket.keys.len() < FULL / 4 {
            self.join(at);
        }
        true
    }

    /// Joins the bucket at `at` with the next if both are small.
    fn join(&mut self, at: usize) {
        let lens = self.buckets.get(at).zip(self.buckets.get(at + 1));
        if lens.is_none_or(|(one, other)| one.keys.len() + other.keys.len() > FULL / 2) {
            return;
        }
        let upper = self.buckets.remove(at + 1);
        if let Some(bucket) = self.buckets.get_mut(at) {
            bucket.keys.extend(upper.keys);
            bucket.documents.extend(upper.documents);
        }
    }

    /// The buckets that may hold keys of `run`.
    fn buckets(&self, run: &Run<K>) -> &[Bucket<K>] {
        let start = self
            .buckets
            .partition_point(|bucket| bucket.keys.last().is_some_and(|key| is_below(*key, &run.0)));
        let end = self.buckets.partition_point(|bucket| {
            bucket.keys.first().is_some_and(|key| !is_above(*key, &run.1))
        });
        self.buckets.get(start..end.max(start)).unwrap_or_default()
    }

    /// How many pairs have keys in `run`. O(log len + buckets in between).
    pub(super) fn count(&self, run: &Run<K>) -> u64 {
        let buckets = self.buckets(run);
        let inner = buckets.len().saturating_sub(1);
        let full = buckets.iter().take(inner).skip(1).map(|bucket| bucket.keys.len());
        let first = buckets.first().map_or(0, |bucket| bucket.places(run).len());
        let last = buckets.last().filter(|_| inner > 0);
        let last = last.map_or(0, |bucket| bucket.places(run).len());
        (full.sum::<usize>() + first + last) as u64
    }

    /// The pairs with keys in `run`, in order.
    pub(super) fn run(&self, run: Run<K>) -> impl Iterator<Item = (K, DocId)> {
        self.buckets(&run).iter().flat_map(move |bucket| {
            let places = bucket.places(&run);
            let keys = bucket.keys.get(places.clone()).unwrap_or_default();
            let documents = bucket.documents.get(places).unwrap_or_default();
            keys.iter().copied().zip(documents.iter().copied())
        })
    }

    /// Bytes on the heap, as allocated. O(buckets).
    pub(super) fn memory(&self) -> usize {
        let pairs = self.buckets.iter().map(|bucket| {
            bucket.keys.capacity() * size_of::<K>()
                + bucket.documents.capacity() * size_of::<DocId>()
        });
        self.buckets.capacity() * size_of::<Bucket<K>>() + pairs.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn validate<K: Copy + Ord + std::fmt::Debug>(sorted: &Sorted<K>) {
        let pairs: Vec<_> = sorted.run((Bound::Unbounded, Bound::Unbounded)).collect();
        assert!(pairs.is_sorted() && pairs.len() == sorted.len());
        assert!(sorted.buckets.iter().all(|bucket| (1..=FULL).contains(&bucket.keys.len())));
    }

    fn bound(kind: u8, key: u16) -> Bound<u16> {
        match kind % 3 {
            0 => Bound::Included(key),
            1 => Bound::Excluded(key),
            _ => Bound::Unbounded,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_a_sorted_set(
            steps in prop::collection::vec((0..2000_u16, 0..3_u32, 0..3_u8), 1..6000),
            runs in prop::collection::vec((any::<u8>(), 0..2000_u16, any::<u8>(), 0..2000_u16), 8),
        ) {
            let (mut sorted, mut model) = (Sorted::default(), BTreeSet::new());
            for (key, document, step) in steps {
                if step == 0 {
                    assert_eq!(sorted.remove(key, document), model.remove(&(key, document)));
                } else {
                    assert_eq!(sorted.insert(key, document), model.insert((key, document)));
                }
            }
            validate(&sorted);
            for (one, low, other, high) in runs {
                let run = (bound(one, low), bound(other, high));
                let expected: Vec<_> = model.iter().copied()
                    .filter(|(key, _)| !is_below(*key, &run.0) && !is_above(*key, &run.1))
                    .collect();
                assert_eq!(sorted.count(&run), expected.len() as u64);
                assert_eq!(sorted.run(run).collect::<Vec<_>>(), expected);
            }
            let pairs: Vec<_> = model.into_iter().collect();
            for (key, document) in pairs {
                assert!(sorted.remove(key, document));
            }
            assert!(sorted.buckets.is_empty() && sorted.len() == 0);
        }
    }
}
