//! What a digest answers.

use super::centroid::{Centroid, double};

/// A compressed digest: centroids by ascending mean, no two of which may be merged.
///
/// Answers as t-digest-c's `MergingDigest` does: a centroid of weight 1 is an observation and stands
/// where it is, the others are taken to lie half below and half above their mean, and one
/// observation lies at the least and one at the greatest value. O(centroids) each.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a> {
    pub(super) centroids: &'a [Centroid],
    pub(super) weight: i64,
    pub(super) min: f64,
    pub(super) max: f64,
}

/// Where a run of ascending quantiles has come to.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    /// Observations up to the middle of the first centroid left.
    before: f64,
    /// The centroids from there on.
    left: &'a [Centroid],
}

impl<'a> Summary<'a> {
    /// The centroids.
    pub fn centroids(&self) -> &'a [Centroid] {
        self.centroids
    }

    /// The values at `quantiles`, each from 0 to 1; NaN where there are not two observations.
    ///
    /// As long as the quantiles ascend each goes on where the last one ended.
    pub fn quantiles(self, quantiles: &[f64]) -> impl Iterator<Item = f64> {
        let mut previous = f64::INFINITY;
        let mut cursor = self.start();
        quantiles.iter().map(move |&quantile| {
            if quantile < previous {
                cursor = self.start();
            }
            previous = quantile;
            self.value_at(quantile, &mut cursor)
        })
    }

    /// The value at one quantile.
    pub fn quantile(self, quantile: f64) -> f64 {
        self.value_at(quantile, &mut self.start())
    }

    fn start(&self) -> Cursor<'a> {
        let first = self.centroids.first().map_or(0.0, |first| double(first.weight));
        Cursor { before: first / 2.0, left: self.centroids }
    }

    fn value_at(&self, quantile: f64, cursor: &mut Cursor<'_>) -> f64 {
        let index = quantile * double(self.weight);
        match self.centroids {
            [] => f64::NAN,
            [only] => only.mean,
            [first, .., last] => self
                .value_at_end(index, *first, *last)
                .or_else(|| cursor.value_at(index))
                .unwrap_or_else(|| self.value_behind(index, *last)),
        }
    }

    /// The value, if it is one of the ends or between an end and the middle of its centroid.
    fn value_at_end(&self, index: f64, first: Centroid, last: Centroid) -> Option<f64> {
        let behind = double(self.weight) - index;
        let (half_first, half_last) = (double(first.weight) / 2.0, double(last.weight) / 2.0);
        if index < 1.0 {
            Some(self.min)
        } else if first.weight > 1 && index < half_first {
            Some(self.min + (index - 1.0) / (half_first - 1.0) * (first.mean - self.min))
        } else if index > double(self.weight) - 1.0 {
            Some(self.max)
        } else {
            // At a weight of 2 the peer divides by zero, and only where the greatest value is meant.
            (last.weight > 2 && behind <= half_last)
                .then(|| self.max - (behind - 1.0) / (half_last - 1.0) * (self.max - last.mean))
        }
    }

    /// The value behind the middle of the last centroid: the greatest, but for rounding.
    fn value_behind(&self, index: f64, last: Centroid) -> f64 {
        let half = double(last.weight) / 2.0;
        let near = index - double(self.weight) - half;
        weighted_average(last.mean, near, self.max, half - near)
    }

    /// The share of observations up to `value`, of those equal to it only half; NaN where there are
    /// not two observations.
    pub fn cdf(self, value: f64) -> f64 {
        let total = double(self.weight);
        match self.centroids {
            [] => f64::NAN,
            _ if value < self.min => 0.0,
            _ if value > self.max => 1.0,
            [_] => 0.5,
            [first, ..] if value < first.mean => self.outside(value, self.min, *first) / total,
            [.., last] if value > last.mean => 1.0 - self.outside(value, self.max, *last) / total,
            _ => self.up_to(value).map_or(1.0 - 0.5 / total, |weight| weight / total),
        }
    }

    /// Observations beyond a value that lies between an end and the centroid next to it.
    fn outside(&self, value: f64, end: f64, centroid: Centroid) -> f64 {
        if value == end {
            return 0.5;
        }
        let place = (value - end) / (centroid.mean - end);
        1.0 + place * (double(centroid.weight) / 2.0 - 1.0)
    }

    /// Observations up to a value that lies between the means of the first and the last centroid;
    /// `None` if it is the last mean alone.
    fn up_to(&self, value: f64) -> Option<f64> {
        let mut before = 0.0;
        for (place, pair) in self.centroids.windows(2).enumerate() {
            let &[near, far] = pair else { continue };
            if near.mean == value {
                let equal = self.centroids.iter().skip(place).take_while(|it| it.mean == value);
                let weight: f64 = equal.map(|centroid| double(centroid.weight)).sum();
                return Some(before + weight / 2.0);
            }
            if near.mean <= value && value < far.mean {
                return Some(between(before, value, near, far));
            }
            before += double(near.weight);
        }
        None
    }

    /// The mean of what lies between two quantiles, `low` below `high`; NaN where there are not two
    /// observations. Centroids at a cut count for the part inside.
    pub fn trimmed_mean(self, low: f64, high: f64) -> f64 {
        if let [only] = self.centroids {
            return only.mean;
        }
        let (low, high) =
            ((double(self.weight) * low).floor(), (double(self.weight) * high).ceil());
        let (mut done, mut sum, mut count) = (0.0, 0.0, 0.0);
        for centroid in self.centroids {
            let weight = double(centroid.weight);
            let above = weight - (low - done).max(0.0).min(weight);
            let inside = (high - done).max(0.0).min(above);
            done += weight;
            sum += centroid.mean * inside;
            count += inside;
            if done >= high {
                break;
            }
        }
        sum / count
    }
}

impl Cursor<'_> {
    /// Goes on to the two centroids around `index`; `None` behind the last two.
    fn value_at(&mut self, index: f64) -> Option<f64> {
        while let [near, rest @ ..] = self.left
            && let [far, ..] = rest
        {
            let step = (double(near.weight) + double(far.weight)) / 2.0;
            if self.before + step > index {
                let (behind, ahead) = (index - self.before, self.before + step - index);
                return Some(interpolate(*near, behind, *far, ahead));
            }
            self.before += step;
            self.left = rest;
        }
        None
    }
}

/// The value `behind` observations after the middle of one centroid and `ahead` before the next.
fn interpolate(near: Centroid, behind: f64, far: Centroid, ahead: f64) -> f64 {
    let unit = |centroid: Centroid| if centroid.weight == 1 { 0.5 } else { 0.0 };
    if near.weight == 1 && behind < 0.5 {
        near.mean
    } else if far.weight == 1 && ahead <= 0.5 {
        far.mean
    } else {
        weighted_average(near.mean, ahead - unit(far), far.mean, behind - unit(near))
    }
}

/// Observations up to a value between two centroids, `before` of them before the first. What weighs
/// 1 lies at its mean and takes no part in the interpolation.
fn between(before: f64, value: f64, near: Centroid, far: Centroid) -> f64 {
    let (near_weight, far_weight) = (double(near.weight), double(far.weight));
    let (near_single, far_single) = match (near.weight, far.weight) {
        (1, 1) => return before + 1.0,
        (1, _) => (0.5, 0.0),
        (_, 1) => (0.0, 0.5),
        _ => (0.0, 0.0),
    };
    let spread = (near_weight + far_weight) / 2.0 - near_single - far_single;
    let place = value - near.mean;
    before + near_weight / 2.0 + near_single + spread * place / (far.mean - near.mean)
}

/// The average of two values, never outside of them.
fn weighted_average(a: f64, a_weight: f64, b: f64, b_weight: f64) -> f64 {
    let average = (a * a_weight + b * b_weight) / (a_weight + b_weight);
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let capped = if average < high { average } else { high };
    if low > capped { low } else { capped }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that `value` is the quantile `index / 8`, and the other way round.
    fn check(pairs: &[(f64, i64)], index: f64, value: f64) {
        let centroids: Vec<_> =
            pairs.iter().map(|&(mean, weight)| Centroid { mean, weight }).collect();
        let summary = Summary { centroids: &centroids, weight: 8, min: 0.0, max: 20.0 };
        assert_eq!(summary.quantile(index / 8.0), value, "quantile of {pairs:?}");
        assert_eq!(summary.cdf(value), index / 8.0, "share of {pairs:?}");
    }

    #[test]
    fn what_weighs_one_takes_no_part_in_interpolation() {
        let pairs = [(0.0, 1), (10.0, 6), (20.0, 1)];
        check(&pairs, 2.5, 5.0);
        check(&pairs, 4.0, 10.0);
        check(&pairs, 5.5, 15.0);
        check(&[(0.0, 1), (4.0, 3), (16.0, 3), (20.0, 1)], 4.0, 10.0);
    }

    #[test]
    fn one_observation_lies_at_either_end() {
        let pairs = [(8.0, 4), (12.0, 4)];
        check(&pairs, 1.5, 4.0);
        check(&pairs, 4.0, 10.0);
        check(&pairs, 6.5, 16.0);
    }

    #[test]
    fn ends_of_two_observations_divide_by_nothing() {
        let centroids = [(1.0, 2), (10.0, 4), (18.0, 2)];
        let centroids = centroids.map(|(mean, weight)| Centroid { mean, weight });
        let summary = Summary { centroids: &centroids, weight: 8, min: 0.0, max: 20.0 };
        let indexes = [0.0, 0.5, 1.0, 7.0, 7.5, 8.0].map(|index| index / 8.0);
        let values: Vec<f64> = summary.quantiles(&indexes).collect();
        assert_eq!(values, [0.0, 0.0, 1.0, 20.0, 20.0, 20.0]);
    }
}
