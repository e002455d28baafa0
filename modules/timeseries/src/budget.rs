//! How many rows EMPTY may add to one reply.

use keyspan_timeseries_core::range::{EMPTY_ROWS_MAX, Query, Rows, Snapshot, TooManyRows};

/// What the series of one reply may still have where EMPTY adds rows: of all series together as many as
/// of one alone.
pub(crate) struct Budget {
    values: usize,
}

impl Budget {
    pub(crate) const fn new() -> Self {
        Self { values: EMPTY_ROWS_MAX }
    }

    /// The rows of a series; without EMPTY as many as there are.
    ///
    /// # Errors
    /// [`TooManyRows`] if their values are more than are left. Not many more are made to find that out.
    pub(crate) fn run(
        &mut self,
        snapshot: &Snapshot,
        query: &mut Query,
    ) -> Result<Rows, TooManyRows> {
        if !query.aggregation.as_ref().is_some_and(|aggregation| aggregation.with_empty) {
            return snapshot.run(query);
        }
        let width = query.width().max(1);
        let most = u64::try_from(self.values / width).unwrap_or(u64::MAX).saturating_add(1);
        let asked = query.count.replace(query.count.unwrap_or(most).min(most));
        let rows = snapshot.run(query);
        query.count = asked;
        let rows = rows?;
        let values = rows.len().saturating_mul(width);
        self.values = self.values.checked_sub(values).ok_or(TooManyRows)?;
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use keyspan_timeseries_core::aggregate::Aggregator;
    use keyspan_timeseries_core::chunk::Sample;
    use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp};
    use keyspan_timeseries_core::rule::Grid;
    use keyspan_timeseries_core::series::{DuplicatePolicy, Options, Series};

    use super::*;

    /// The rows of three series of ten buckets each, of which two are not empty, until there are too
    /// many.
    fn check(
        values: usize,
        aggregators: &[Aggregator],
        query: Query,
        with_empty: bool,
        expected: &[Option<usize>],
    ) {
        let mut series = Series::new(b"key", Options::default());
        for timestamp in [0, 9] {
            let sample = Sample { timestamp, value: 1.0 };
            series.add(sample, DuplicatePolicy::Block, &mut Vec::new()).unwrap();
        }
        let aggregation = Aggregation {
            aggregators: aggregators.to_vec(),
            grid: Grid::new(NonZeroU64::MIN, 0),
            timestamp: BucketTimestamp::Start,
            with_empty,
        };
        let mut query = Query { aggregation: Some(aggregation), ..query };
        let (mut budget, before) = (Budget { values }, query.clone());
        let rows: Vec<Option<usize>> = (0..3)
            .map(|_| {
                let snapshot = series.snapshot(&query, None);
                budget.run(&snapshot, &mut query).ok().map(|rows| rows.len())
            })
            .collect();
        assert_eq!(rows, expected, "{values} {aggregators:?} {query:?}");
        assert_eq!(query, before, "the query stays as it is");
    }

    #[test]
    fn all_series_share_what_one_may_have() {
        let (one, two) = ([Aggregator::Sum], [Aggregator::Sum, Aggregator::Min]);
        let query = Query::default;
        check(30, &one, query(), true, &[Some(10); 3]);
        check(29, &one, query(), true, &[Some(10), Some(10), None]);
        check(9, &one, query(), true, &[None; 3]);
        check(40, &two, query(), true, &[Some(10), Some(10), None]);
        check(0, &two, query(), false, &[Some(2); 3]);
        let few = || Query { count: Some(4), ..query() };
        check(12, &one, few(), true, &[Some(4); 3]);
        check(11, &one, few(), true, &[Some(4), Some(4), None]);
        let back = || Query { is_reverse: true, ..query() };
        check(29, &one, back(), true, &[Some(10), Some(10), None]);
        check(11, &one, Query { is_reverse: true, ..few() }, true, &[Some(4), Some(4), None]);
    }
}
