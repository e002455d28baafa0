//! Compaction rules: what a series tells another one, bucket by bucket.
//!
//! A rule belongs to its source. Its *open* bucket is the last one that got a sample; its value is
//! known when a sample of a later bucket comes, and then goes to the destination. Buckets before it
//! are *closed*: when one changes, it is computed again from the samples of the source. So what a
//! destination gets follows from the commands on its source alone, on a replica too.

use std::num::NonZeroU64;

use crate::aggregate::{Accumulator, Aggregator};
use crate::chunk::{Sample, TIMESTAMP_MAX};

/// Where buckets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Milliseconds of a bucket.
    pub bucket: NonZeroU64,
    /// A time at which one starts, though it may be outside of the series.
    pub alignment: u64,
}

/// A bucket of a [`Grid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its first millisecond, which may be before 1970.
    start: i128,
    /// Its milliseconds.
    len: u64,
}

impl Grid {
    /// Buckets of so many milliseconds from 1970 on.
    pub fn new(bucket: NonZeroU64, alignment: u64) -> Self {
        Self { bucket, alignment }
    }

    /// The bucket that `time` is in.
    pub fn bucket_of(&self, time: u64) -> Bucket {
        let bucket = i128::from(self.bucket.get());
        let offset = (i128::from(time) - i128::from(self.alignment)).rem_euclid(bucket);
        Bucket { start: i128::from(time) - offset, len: self.bucket.get() }
    }
}

/// A time as a series can have it.
fn clamped(time: i128) -> u64 {
    u64::try_from(time.clamp(0, i128::from(u64::MAX))).unwrap_or(u64::MAX)
}

impl Bucket {
    /// Its first millisecond, 0 for a bucket that starts before 1970.
    pub fn start(&self) -> u64 {
        clamped(self.start)
    }

    /// The first millisecond behind it.
    pub fn end(&self) -> u64 {
        clamped(self.start + i128::from(self.len))
    }

    /// Its last millisecond that a sample can have.
    pub fn last(&self) -> u64 {
        clamped(self.start + i128::from(self.len) - 1).min(TIMESTAMP_MAX)
    }

    /// The millisecond in its middle.
    pub fn middle(&self) -> u64 {
        clamped(self.start + i128::from(self.len / 2))
    }

    /// The one behind it.
    pub(crate) fn next(&self) -> Self {
        Self { start: self.start + i128::from(self.len), len: self.len }
    }

    /// How many there are from this one to before a later one of the same grid.
    pub(crate) fn count_to(&self, later: &Self) -> u64 {
        let count = (later.start - self.start) / i128::from(self.len.max(1));
        u64::try_from(count.max(0)).unwrap_or(u64::MAX)
    }

    /// The one before it.
    pub(crate) fn previous(&self) -> Self {
        Self { start: self.start - i128::from(self.len), len: self.len }
    }
}

/// What a source tells the destination of one of its rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The place of the rule in [`Series::rules`](crate::series::Series::rules).
    pub rule: usize,
    /// What to do with the destination
    /// ([`Series::follow`](crate::series::Series::follow)).
    pub change: Change,
}

/// A change of a destination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A bucket was closed. The peer sends the event `ts.add:dest` then, and for no other change.
    Close(Sample),
    /// A closed bucket has another value.
    Update(Sample),
    /// Nothing is left of the closed buckets that start from the first to the second time.
    Remove(u64, u64),
}

/// A compaction rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(crate) destination: Box<[u8]>,
    pub(crate) grid: Grid,
    /// Where the open bucket starts (0 if that is before 1970); none before the first sample.
    pub(crate) open: Option<u64>,
    /// What is in it.
    pub(crate) accumulator: Accumulator,
}

impl Rule {
    /// A rule that saw no sample. Samples that are there before it is made do not count, but where
    /// a bucket of theirs changes later.
    pub fn new(destination: Box<[u8]>, aggregator: Aggregator, grid: Grid) -> Self {
        Self { destination, grid, open: None, accumulator: Accumulator::new(aggregator, false) }
    }

    /// The key of the destination.
    pub fn destination(&self) -> &[u8] {
        &self.destination
    }

    /// How a bucket is made one value.
    pub fn aggregator(&self) -> Aggregator {
        self.accumulator.aggregator()
    }

    /// Where buckets are.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// What LATEST shows of the destination: the open bucket, as it would be closed now. `None` if
    /// nothing is in it.
    pub fn latest(&self) -> Option<Sample> {
        let (timestamp, value) = (self.open?, self.accumulator.value()?);
        Some(Sample { timestamp, value })
    }

    /// Adds a sample later than all others. Returns the bucket that it closes, if that has a value.
    pub(crate) fn add(&mut self, sample: Sample) -> Option<Sample> {
        let bucket = self.grid.bucket_of(sample.timestamp);
        let mut closed = None;
        match self.open {
            Some(open) if bucket.start() > open => {
                closed = self.close(open, sample);
                self.start(bucket);
            }
            Some(_) => {}
            None => {
                self.start(bucket);
            }
        }
        self.accumulator.add(sample);
        closed
    }

    /// The open bucket's value, now that `next` is known, and an empty one that knows what was last.
    fn close(&mut self, open: u64, next: Sample) -> Option<Sample> {
        let mut seen = None;
        if let Some(twa) = self.accumulator.twa_mut() {
            if !next.value.is_nan() {
                twa.behind(next.timestamp, next.value);
            }
            seen = twa.seen();
        }
        let value = self.accumulator.value();
        self.accumulator.reset();
        if let (Some(twa), Some((time, value))) = (self.accumulator.twa_mut(), seen) {
            twa.before(time, value);
        }
        value.map(|value| Sample { timestamp: open, value })
    }

    /// Makes `bucket` the open one; what it knows of the time before stays.
    pub(crate) fn start(&mut self, bucket: Bucket) {
        self.open = Some(bucket.start());
        if let Some(twa) = self.accumulator.twa_mut() {
            twa.start(bucket.start(), bucket.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_aligned_and_stay_in_time() {
        let check = |time: u64, len: u64, alignment: u64, expected: [u64; 4]| {
            let grid = Grid::new(NonZeroU64::new(len).unwrap(), alignment);
            let bucket = grid.bucket_of(time);
            let found = [bucket.start(), bucket.last(), bucket.end(), bucket.middle()];
            assert_eq!(found, expected, "{time} {len} {alignment}");
        };
        check(25, 20, 0, [20, 39, 40, 30]);
        check(25, 20, 5, [25, 44, 45, 35]);
        check(3, 20, 5, [0, 4, 5, 0]);
        check(3, 20, 1_000_005, [0, 4, 5, 0]);
        check(TIMESTAMP_MAX, 1 << 63, 0, [0, TIMESTAMP_MAX, 1 << 63, 1 << 62]);
        check(7, u64::MAX, 8, [0, 7, 8, 0]);
    }
}
