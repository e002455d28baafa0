//! t-digest: quantiles of a stream in little memory, most exact at its ends (Ted Dunning and Otmar
//! Ertl, "Computing Extremely Accurate Quantiles Using t-Digests", 2019), as t-digest-c, the
//! library in RedisBloom, has its `MergingDigest`.
//!
//! ```text
//! centroids: [ merged, by mean | not merged yet, as they came ]   at most `capacity` together
//! ```
//! Observations are put behind the rest; when they reach the capacity all are sorted and neighbours
//! are merged ([`centroid`]).
//!
//! # Where we deviate
//! The peer merges in place before it reads or saves, so that what a digest becomes depends on when
//! somebody looked, and a replica, on which nobody did, becomes another. Here only adding changes
//! the centroids; reading merges a copy and keeps it until the next change ([`Summary`]).

mod centroid;
mod compression;
mod data_type;
mod rdb;
mod summary;

use std::cell::OnceCell;

use keyspan_common::data_type::allocated;
use keyspan_common::totals::{Share, Totals};

pub use centroid::Centroid;
pub use compression::{Compression, CompressionError};
pub use summary::Summary;

use crate::zeroed::fits;
use centroid::{compress, double};
use rdb::EXACT_WEIGHT_END;

/// Sums over all digests.
pub static TOTALS: Totals = Totals::new();

/// The weights would not fit 63 bits, or the centroids not the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// A digest.
///
/// * Adding: O(log n) on average, n being the capacity.
/// * Reading: O(n log n) after a change, then O(merged centroids).
/// * Memory: 16 bytes for each centroid there is, the copy for readers included; the peer takes 16
///   for each there may be ([`Self::peer_memory`]).
#[derive(Clone, Debug)]
pub struct TDigest {
    compression: Compression,
    /// Greatest double if empty.
    min: f64,
    /// Least double if empty.
    max: f64,
    centroids: Vec<Centroid>,
    /// How many of the centroids are merged.
    merged: usize,
    merged_weight: i64,
    unmerged_weight: i64,
    /// How often centroids were merged since the last reset.
    compressions: u64,
    /// The centroids as they would be merged now, if somebody asked.
    view: OnceCell<Vec<Centroid>>,
    share: Share,
}

/// Whether readers and later additions would find the same; nobody need have read both.
impl PartialEq for TDigest {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |digest: &Self| (digest.min, digest.max, digest.merged, digest.compressions);
        self.compression == other.compression
            && numbers(self) == numbers(other)
            && self.centroids == other.centroids
    }
}

/// What the allocator takes for a list of centroids.
fn block_bytes(centroids: &Vec<Centroid>) -> usize {
    allocated(centroids.capacity().saturating_mul(size_of::<Centroid>()))
}

/// What `TDIGEST.INFO` tells of the centroids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Centroids that are merged.
    pub merged_nodes: usize,
    /// Observations, or centroids of other digests, that are not.
    pub unmerged_nodes: usize,
    /// Observations in the merged.
    pub merged_weight: i64,
    /// Observations in the others.
    pub unmerged_weight: i64,
    /// How often they were merged.
    pub compressions: u64,
}

impl TDigest {
    /// An empty digest. It allocates as it grows.
    pub fn new(compression: Compression) -> Self {
        let mut digest = Self {
            compression,
            min: f64::MAX,
            max: f64::MIN,
            centroids: Vec::new(),
            merged: 0,
            merged_weight: 0,
            unmerged_weight: 0,
            compressions: 0,
            view: OnceCell::new(),
            share: Share::of(&TOTALS),
        };
        digest.account();
        digest
    }

    /// How finely it is kept.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Observations.
    pub fn weight(&self) -> i64 {
        // They fit: every way in checks.
        self.merged_weight.saturating_add(self.unmerged_weight)
    }

    /// The least observation, NaN if there is none.
    pub fn min(&self) -> f64 {
        if self.weight() == 0 { f64::NAN } else { self.min }
    }

    /// The greatest observation, NaN if there is none.
    pub fn max(&self) -> f64 {
        if self.weight() == 0 { f64::NAN } else { self.max }
    }

    /// Forgets every observation, but keeps the compression.
    pub fn reset(&mut self) {
        *self = Self::new(self.compression);
    }

    /// Adds observations, all of them finite.
    ///
    /// # Errors
    /// [`Overflow`], and nothing was added.
    pub fn add(&mut self, values: &[f64]) -> Result<(), Overflow> {
        let more = i64::try_from(values.len()).map_err(|_| Overflow)?;
        self.weight().checked_add(more).ok_or(Overflow)?;
        self.check_room(values.len())?;
        for &mean in values {
            self.push(Centroid { mean, weight: 1 })?;
        }
        self.account();
        Ok(())
    }

    /// Adds what `other` holds. The centroids are merged before, those of `other` on the way; also
    /// behind it if one came that is too heavy to be saved as it came, which the peer does when it is
    /// read next.
    ///
    /// # Errors
    /// [`Overflow`]; only a part may have been added.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.compress();
        self.check_room(other.merged_or_single().len())?;
        let pushed = other.merged_or_single().iter().try_for_each(|&centroid| self.push(centroid));
        if self.unmerged().iter().any(|node| node.weight >= EXACT_WEIGHT_END) {
            self.compress();
        }
        self.account();
        pushed
    }

    /// The centroids that are not merged.
    fn unmerged(&self) -> &[Centroid] {
        self.centroids.get(self.merged..).unwrap_or_default()
    }

    /// Puts one centroid behind the rest, first merging them if there is no room.
    fn push(&mut self, centroid: Centroid) -> Result<(), Overflow> {
        if self.centroids.len() >= self.compression.capacity() - 1 {
            self.compress();
        }
        let unmerged = self.unmerged_weight.checked_add(centroid.weight).ok_or(Overflow)?;
        unmerged.checked_add(self.merged_weight).ok_or(Overflow)?;
        self.grow()?;
        self.min = if centroid.mean < self.min { centroid.mean } else { self.min };
        self.max = if centroid.mean > self.max { centroid.mean } else { self.max };
        self.centroids.push(centroid);
        self.unmerged_weight = unmerged;
        self.view.take();
        Ok(())
    }

    /// Refuses more centroids than there is memory for: a digest that was loaded may have any
    /// compression.
    fn check_room(&self, more: usize) -> Result<(), Overflow> {
        let most = self.centroids.len().saturating_add(more).min(self.compression.capacity());
        let bytes = u64::try_from(most.saturating_mul(size_of::<Centroid>()));
        if bytes.is_ok_and(fits) { Ok(()) } else { Err(Overflow) }
    }

    /// Makes room for one more centroid, doubling up to the capacity.
    fn grow(&mut self) -> Result<(), Overflow> {
        let (len, most) = (self.centroids.len(), self.compression.capacity());
        if len >= most {
            return Err(Overflow);
        }
        if len == self.centroids.capacity() {
            let more = (2 * len).clamp(4, most) - len;
            self.centroids.try_reserve_exact(more).map_err(|_| Overflow)?;
        }
        Ok(())
    }

    /// Whether merging would do anything: the scale function is not defined for one observation.
    fn is_compressible(&self) -> bool {
        self.unmerged_weight > 0 && self.weight() > 1
    }

    /// Merges the centroids in place.
    fn compress(&mut self) {
        if !self.is_compressible() {
            return;
        }
        let weight = self.weight();
        compress(&mut self.centroids, double(weight), self.compression.as_double());
        self.merged = self.centroids.len();
        self.merged_weight = weight;
        self.unmerged_weight = 0;
        self.compressions = self.compressions.saturating_add(1);
        self.view.take();
    }

    /// The centroids as they are, or would be, merged; none of a single observation.
    fn compressed(&self) -> &[Centroid] {
        if self.is_compressible() {
            return self.view.get_or_init(|| {
                let mut copy = self.centroids.clone();
                compress(&mut copy, double(self.weight()), self.compression.as_double());
                copy.shrink_to_fit();
                copy
            });
        }
        self.centroids.get(..self.merged).unwrap_or_default()
    }

    /// The centroids merged, or the one observation.
    fn merged_or_single(&self) -> &[Centroid] {
        if self.is_compressible() { self.compressed() } else { &self.centroids }
    }

    /// The digest merged, for questions.
    ///
    /// As in the peer a single observation is not merged: it has no quantiles.
    pub fn summary(&self) -> Summary<'_> {
        let centroids = self.compressed();
        Summary { centroids, weight: self.weight(), min: self.min, max: self.max }
    }

    /// How many centroids and observations there are, as they were last read.
    pub fn counts(&self) -> Counts {
        match self.view.get() {
            Some(view) => Counts {
                merged_nodes: view.len(),
                unmerged_nodes: 0,
                merged_weight: self.weight(),
                unmerged_weight: 0,
                compressions: self.compressions.saturating_add(1),
            },
            None => Counts {
                merged_nodes: self.merged,
                unmerged_nodes: self.centroids.len().saturating_sub(self.merged),
                merged_weight: self.merged_weight,
                unmerged_weight: self.unmerged_weight,
                compressions: self.compressions,
            },
        }
    }

    /// What the peer allocates for a digest of this compression.
    pub fn peer_memory(&self) -> usize {
        80 + 16 * self.compression.capacity()
    }

    /// The rank of `value`: observations below it, and half of those equal to it, rounded down
    /// from the middle; -1 below all, [`Self::weight`] above all, -2 if there are none.
    pub fn rank(&self, value: f64) -> i64 {
        self.rank_or(value, -1, self.weight(), |below| rounded_down(half_down(below)))
    }

    /// The rank from above: observations above `value`, and half of those equal to it; -1 above
    /// all, [`Self::weight`] below all, -2 if there are none.
    pub fn reverse_rank(&self, value: f64) -> i64 {
        let weight = self.weight();
        self.rank_or(value, weight, -1, |below| rounded_down(double(weight) - below.round()))
    }

    fn rank_or(&self, value: f64, low: i64, high: i64, rank: impl Fn(f64) -> i64) -> i64 {
        if self.weight() == 0 {
            -2
        } else if value < self.min {
            low
        } else if value > self.max {
            high
        } else if self.weight() == 1 {
            // The peer rounds a NaN here.
            0
        } else {
            rank(self.summary().cdf(value) * double(self.weight()))
        }
    }

    /// The value at a rank of at least 0; infinity from [`Self::weight`] on, NaN if there are no
    /// observations.
    pub fn value_of_rank(&self, rank: i64) -> f64 {
        if self.weight() == 0 {
            f64::NAN
        } else if rank >= self.weight() {
            f64::INFINITY
        } else if rank == 0 {
            self.min
        } else {
            self.summary().quantile(double(rank) / double(self.weight()))
        }
    }

    /// The value at a rank from above; minus infinity from [`Self::weight`] on, NaN if there are no
    /// observations.
    pub fn value_of_reverse_rank(&self, rank: i64) -> f64 {
        if self.weight() == 0 {
            f64::NAN
        } else if rank >= self.weight() {
            f64::NEG_INFINITY
        } else if rank == 0 {
            self.max
        } else {
            let index = double(self.weight()) - double(rank) - 1.0;
            self.summary().quantile(index / double(self.weight()))
        }
    }

    /// Tells the totals what this digest holds now. The copy for readers is not counted: it comes
    /// and goes behind shared references.
    fn account(&mut self) {
        let bytes = block_bytes(&self.centroids);
        self.share.set(1, self.weight().unsigned_abs(), u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Checks what every operation relies on, for tests and fuzz targets.
    ///
    /// # Errors
    /// What does not hold.
    pub fn validate(&self) -> Result<(), &'static str> {
        let (merged, unmerged) = self.centroids.split_at_checked(self.merged).ok_or("merged")?;
        let sum = |part: &[Centroid]| part.iter().map(|it| i128::from(it.weight)).sum::<i128>();
        let checks = [
            (self.centroids.len() <= self.compression.capacity(), "capacity"),
            (self.centroids.iter().all(|it| it.weight > 0), "weight"),
            (self.centroids.iter().all(|it| (self.min..=self.max).contains(&it.mean)), "range"),
            (self.centroids.is_empty() || self.min.is_finite() && self.max.is_finite(), "finite"),
            (merged.is_sorted_by(|a, b| a.mean <= b.mean), "order"),
            (sum(merged) == i128::from(self.merged_weight), "merged weight"),
            (sum(unmerged) == i128::from(self.unmerged_weight), "unmerged weight"),
            (self.merged_weight.checked_add(self.unmerged_weight).is_some(), "total weight"),
            (unmerged.iter().all(|it| it.weight < EXACT_WEIGHT_END), "unmerged weight of one"),
            (self.weight() != 1 || self.merged == 0, "a single observation is not merged"),
        ];
        checks.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(what))
    }
}

/// The nearest integer, the lower one from the middle. For numbers of at least 0.
fn half_down(number: f64) -> f64 {
    if number.fract() <= 0.5 { number.trunc() } else { number.trunc() + 1.0 }
}

/// An integral double as an integer.
#[expect(clippy::cast_possible_truncation, reason = "what does not fit saturates")]
fn rounded_down(number: f64) -> i64 {
    number as i64
}
