//! Centroids, how they are sorted and how neighbours are merged.

use std::cmp::Ordering;
use std::f64::consts::PI;
use std::mem::{swap, take};

/// Comparisons that sorting may take for each centroid and each doubling of their number, before it
/// leaves the peer's way. Reached only by long runs of equal means in digests of compression over
/// 1000, where that way takes quadratic time.
const PATIENCE: usize = 256;

/// One or more observations that lie close together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centroid {
    /// Their mean.
    pub mean: f64,
    /// How many they are.
    pub weight: i64,
}

/// The number as the double nearest to it.
pub(super) fn double(weight: i64) -> f64 {
    weight as f64
}

/// Sorts by mean, and merges neighbours as far as the scale function of `compression` lets them:
/// a centroid at quantile `q` may hold `compression`-th parts of `q (1 - q)`. `total` is the sum of
/// the weights, over 1. O(n log n).
pub(super) fn compress(centroids: &mut Vec<Centroid>, total: f64, compression: f64) {
    sort(centroids);
    let normalizer = compression / (2.0 * PI * total * total.ln());
    let mut before = 0.0;
    centroids.dedup_by(|next, current| {
        let proposed = double(current.weight) + double(next.weight);
        let size = proposed * normalizer;
        let from = before / total;
        let to = (before + proposed) / total;
        let fits = size <= from * (1.0 - from) && size <= to * (1.0 - to);
        if fits {
            current.absorb(*next);
        } else {
            before += double(current.weight);
        }
        fits
    });
}

impl Centroid {
    /// Takes the observations of `other` in. The sum of the weights fits, as that of the whole
    /// digest does.
    fn absorb(&mut self, other: Self) {
        self.weight = self.weight.saturating_add(other.weight);
        let shift = (other.mean - self.mean) * double(other.weight) / double(self.weight);
        self.mean = if shift.is_finite() {
            self.mean + shift
        } else {
            // The peer's means become infinite here, or NaN.
            let share = double(other.weight) / double(self.weight);
            self.mean * (1.0 - share) + other.mean * share
        };
    }
}

/// Sorts by mean with the quicksort of t-digest-c, so that equal means come to stand in its order:
/// which of them merge depends on it. Pivot in the middle, Lomuto's partition.
pub(super) fn sort(centroids: &mut [Centroid]) {
    let doublings = centroids.len().checked_ilog2().unwrap_or(0) as usize + 1;
    let mut budget = centroids.len().saturating_mul(doublings).saturating_mul(PATIENCE);
    sort_within(centroids, &mut budget);
}

/// Quicksort of at most `budget` comparisons, and as deep as the logarithm of the length: the
/// longer part is sorted in the loop.
fn sort_within(mut part: &mut [Centroid], budget: &mut usize) {
    while part.len() > 2 {
        let Some(rest) = budget.checked_sub(part.len()) else {
            return part.sort_unstable_by(order);
        };
        *budget = rest;
        let (left, right) = partition(take(&mut part));
        let (shorter, longer) =
            if left.len() < right.len() { (left, right) } else { (right, left) };
        sort_within(shorter, budget);
        part = longer;
    }
    if let [first, second] = part
        && first.mean > second.mean
    {
        swap(first, second);
    }
}

/// An order in which only equal centroids are equal, so that every build sorts alike.
fn order(a: &Centroid, b: &Centroid) -> Ordering {
    a.mean.total_cmp(&b.mean).then(a.weight.cmp(&b.weight))
}

/// Those below the pivot and those not below it, the pivot between them left out.
fn partition(part: &mut [Centroid]) -> (&mut [Centroid], &mut [Centroid]) {
    let last = part.len().saturating_sub(1);
    part.swap(last / 2, last);
    let pivot = part.last().map_or(f64::NAN, |pivot| pivot.mean);
    let mut below = 0;
    for place in 0..last {
        if part.get(place).is_some_and(|centroid| centroid.mean < pivot) {
            part.swap(below, place);
            below += 1;
        }
    }
    part.swap(below, last);
    let (left, right) = part.split_at_mut(below);
    (left, right.get_mut(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centroids(pairs: &[(f64, i64)]) -> Vec<Centroid> {
        pairs.iter().map(|&(mean, weight)| Centroid { mean, weight }).collect()
    }

    fn weights(centroids: &[Centroid]) -> Vec<i64> {
        centroids.iter().map(|centroid| centroid.weight).collect()
    }

    #[test]
    fn equal_means_stand_as_the_quicksort_of_the_peer_leaves_them() {
        let check = |pairs: &[(f64, i64)], expected: &[i64]| {
            let mut sorted = centroids(pairs);
            sort(&mut sorted);
            assert_eq!(weights(&sorted), expected, "{pairs:?}");
        };
        check(&[], &[]);
        check(&[(2.0, 1)], &[1]);
        check(&[(2.0, 1), (1.0, 2)], &[2, 1]);
        check(&[(1.0, 1), (1.0, 2)], &[1, 2]);
        // The pivot goes to the end and comes back to the front.
        check(&[(1.0, 1), (1.0, 2), (1.0, 3)], &[2, 3, 1]);
        check(&[(0.0, 1), (0.0, 2), (0.0, 3), (0.0, 4)], &[2, 3, 1, 4]);
        check(&[(3.0, 1), (1.0, 2), (2.0, 3), (1.0, 4), (2.0, 5)], &[2, 4, 3, 5, 1]);
    }

    #[test]
    fn long_runs_of_equal_means_are_sorted_in_another_way() {
        let check = |patience: usize, tail_is_by_weight: bool| {
            let mut run: Vec<_> = (0..1000).map(|weight| Centroid { mean: 0.0, weight }).collect();
            sort_within(&mut run, &mut (patience * 1000));
            let tail = weights(&run[500..]);
            assert_eq!(tail.is_sorted(), tail_is_by_weight, "{patience}");
        };
        check(100, true);
        check(PATIENCE * 10, false);
    }

    #[test]
    fn extreme_means_stay_finite() {
        let mut pairs = vec![(f64::MIN, 1); 50];
        pairs.extend([(f64::MAX, 1); 50]);
        let mut merged = centroids(&pairs);
        compress(&mut merged, 100.0, 1.0);
        assert!(merged.len() < 20 && merged.iter().all(|centroid| centroid.mean.is_finite()));
        assert_eq!(merged.iter().map(|centroid| centroid.weight).sum::<i64>(), 100);
    }
}
