//! Samples of a range of time, filtered and aggregated.
//!
//! A [`Query`] is asked of a [`Snapshot`], which shares the chunks of a series and so may be asked on
//! any thread while the series goes on. Chunks are decoded in batches, which go through the filters
//! into [`Rows`], or into buckets, run by run.

mod buckets;
mod rows;
mod snapshot;

pub use rows::{Rows, join, reduce};
pub use snapshot::Snapshot;

use crate::aggregate::Aggregator;
use crate::chunk::{Columns, TIMESTAMP_MAX};
use crate::rule::{Bucket, Grid};

/// The most rows of a reply to which EMPTY adds some. It is asked before they are made.
pub const EMPTY_ROWS_MAX: usize = 1 << 25;

/// EMPTY asks for more than [`EMPTY_ROWS_MAX`] rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRows;

/// Which time a bucket is replied with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BucketTimestamp {
    /// Its first millisecond.
    #[default]
    Start,
    /// The one in its middle.
    Middle,
    /// The first one behind it.
    End,
}

impl BucketTimestamp {
    fn of(self, bucket: &Bucket) -> u64 {
        match self {
            Self::Start => bucket.start(),
            Self::Middle => bucket.middle(),
            Self::End => bucket.end(),
        }
    }
}

/// How samples are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregation {
    /// What a bucket is worth: one value of a row for each.
    pub aggregators: Vec<Aggregator>,
    /// Where buckets are.
    pub grid: Grid,
    /// Which time they are replied with.
    pub timestamp: BucketTimestamp,
    /// Whether buckets without a sample are replied, too (EMPTY), if some come before and behind.
    pub with_empty: bool,
}

/// What TS.RANGE asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The first millisecond.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// FILTER_BY_TS: only samples at these times, ascending.
    pub times: Option<Vec<u64>>,
    /// FILTER_BY_VALUE: only samples from the first to the second value.
    pub values: Option<(f64, f64)>,
    /// At most so many rows.
    pub count: Option<u64>,
    /// AGGREGATION.
    pub aggregation: Option<Aggregation>,
    /// Latest first.
    pub is_reverse: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            from: 0,
            to: TIMESTAMP_MAX,
            times: None,
            values: None,
            count: None,
            aggregation: None,
            is_reverse: false,
        }
    }
}

impl Query {
    /// Values in a row.
    pub fn width(&self) -> usize {
        self.aggregation.as_ref().map_or(1, |aggregation| aggregation.aggregators.len())
    }

    fn rows_max(&self) -> usize {
        self.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn has_twa(&self) -> bool {
        let aggregators = self.aggregation.iter().flat_map(|aggregation| &aggregation.aggregators);
        aggregators.into_iter().any(|&aggregator| aggregator == Aggregator::Twa)
    }

    /// Whether a sample from `from` to `to` may pass the filter by time.
    fn wants_some(&self, from: u64, to: u64) -> bool {
        self.times.as_ref().is_none_or(|times| {
            let place = times.partition_point(|&time| time < from);
            times.get(place).is_some_and(|&time| time <= to)
        })
    }

    /// Takes out of `columns`, ascending, what the filters do not let pass.
    fn filter(&self, columns: &mut Columns) {
        if let Some(times) = &self.times {
            let first = columns.times.first().copied().unwrap_or(0);
            let mut wanted = times.iter().skip(times.partition_point(|&time| time < first));
            let mut next = wanted.next();
            columns.retain(|sample| {
                while next.is_some_and(|&time| time < sample.timestamp) {
                    next = wanted.next();
                }
                next == Some(&sample.timestamp)
            });
        }
        if let Some((min, max)) = self.values {
            columns.retain(|sample| min <= sample.value && sample.value <= max);
        }
    }
}
