//! What is asked of every series, whatever it was made of.

use std::num::NonZeroU64;

use keyspan_common::{data_type::DataType, rdb::load_dump};
use keyspan_timeseries_core::{
    aggregate::Aggregator,
    chunk::{Columns, TIMESTAMP_MAX},
    range::{Aggregation, BucketTimestamp, Query, Rows},
    rule::Grid,
    series::Series,
};

use crate::value::{assert_sound, digest};

/// The version that is written, and the one whose readers count NaN.
const VERSIONS: [u32; 2] = [8, 9];

pub(super) const AGGREGATORS: [Aggregator; 15] = [
    Aggregator::Min,
    Aggregator::Max,
    Aggregator::Sum,
    Aggregator::Avg,
    Aggregator::Count,
    Aggregator::First,
    Aggregator::Last,
    Aggregator::Range,
    Aggregator::StdP,
    Aggregator::StdS,
    Aggregator::VarP,
    Aggregator::VarS,
    Aggregator::Twa,
    Aggregator::CountNan,
    Aggregator::CountAll,
];

/// All samples, by time.
pub(super) fn samples(series: &Series) -> Columns {
    let mut columns = Columns::default();
    series.chunks().for_each(|chunk| chunk.decode(&mut columns));
    columns
}

/// Panics unless the series is in order, sound, and comes back from what it is rewritten to.
pub(super) fn assert_stored(series: &Series) {
    let columns = samples(series);
    assert!(columns.times.is_sorted_by(|left, right| left < right), "times are not in order");
    assert!(columns.times.last().is_none_or(|last| *last <= TIMESTAMP_MAX), "beyond all time");
    assert_eq!(columns.times.len(), columns.values.len());
    assert_eq!(
        u64::try_from(columns.len()),
        Ok(series.stored_samples()),
        "samples are counted wrong"
    );
    assert!(series.chunks().all(|chunk| chunk.count() > 0), "an empty chunk");
    let last = series.last().map(|last| (last.timestamp, last.value.to_bits()));
    let decoded = columns.iter().next_back().map(|last| (last.timestamp, last.value.to_bits()));
    assert_eq!(last, decoded, "the last sample");
    VERSIONS.into_iter().for_each(|version| assert_sound(series, version));
    series.rewrite(&mut |command, words| {
        let (b"RESTORE", [b"0", payload]) = (command.as_bytes(), words) else {
            panic!("no RESTORE")
        };
        let restored: Series = load_dump(payload).expect("what was rewritten loads");
        assert!(digest(&restored) == digest(series), "a rewritten series differs");
        assert_eq!(restored.name(), series.name());
        assert_eq!(restored.source(), series.source());
        assert_eq!(restored.rules().len(), series.rules().len());
    });
}

/// The rows of a query.
pub(super) fn ask(series: &Series, query: &Query) -> Option<Rows> {
    series.snapshot(query, None).run(query).ok()
}

/// Buckets of so many milliseconds, of all these aggregators.
pub(super) fn buckets(length: u64, alignment: u64, aggregators: &[Aggregator]) -> Aggregation {
    Aggregation {
        aggregators: aggregators.to_vec(),
        grid: Grid::new(NonZeroU64::new(length).expect("a length"), alignment),
        timestamp: BucketTimestamp::Start,
        with_empty: false,
    }
}
