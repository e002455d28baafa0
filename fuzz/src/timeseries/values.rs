//! What is asked of every series, whatever it was made of.

use std::num::NonZeroU64;

use keyspan_common::{data_type::DataType, rdb::load_dump};
use keyspan_timeseries_core::{
    aggregate::Aggregator,
    chunk::{Columns, Sample, TIMESTAMP_MAX},
    range::{Aggregation, BucketTimestamp, Query, Rows},
    rule::Grid,
    series::{DuplicatePolicy, Series},
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

fn bits(rows: &Rows) -> Vec<(u64, Vec<u64>)> {
    rows.iter()
        .map(|(time, row)| (time, row.iter().map(|value| value.to_bits()).collect()))
        .collect()
}

/// Asks everything of a series: forwards and backwards the same, and no more than COUNT rows.
pub(super) fn assert_answers(series: &Series) {
    let times = samples(series).times;
    let (first, last) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    let middle = first + (last - first) / 2;
    for (from, to) in [(0, TIMESTAMP_MAX), (middle, TIMESTAMP_MAX), (first, middle), (last, first)]
    {
        let query = Query { from, to, ..Query::default() };
        let reverse = Query { is_reverse: true, ..query.clone() };
        let [forth, mut back] =
            [&query, &reverse].map(|query| bits(&ask(series, query).expect("no buckets")));
        back.reverse();
        assert_eq!(forth, back, "from {from} to {to}");
        for length in [1, 10, (last - first) / 3 + 1, TIMESTAMP_MAX, u64::MAX] {
            for alignment in [0, middle, u64::MAX] {
                assert_buckets(series, &query, &buckets(length, alignment, &AGGREGATORS));
            }
        }
    }
}

fn assert_buckets(series: &Series, query: &Query, aggregation: &Aggregation) {
    let query = Query { aggregation: Some(aggregation.clone()), ..query.clone() };
    let reverse = Query { is_reverse: true, ..query.clone() };
    let [forth, back] =
        [&query, &reverse].map(|query| ask(series, query).expect("no empty buckets"));
    assert!(forth.times().iter().eq(back.times().iter().rev()), "buckets back and forth");
    for timestamp in [BucketTimestamp::Start, BucketTimestamp::Middle, BucketTimestamp::End] {
        let aggregation = Aggregation { timestamp, with_empty: true, ..aggregation.clone() };
        let few = Query { count: Some(20), aggregation: Some(aggregation), ..query.clone() };
        if let Some(rows) = ask(series, &few) {
            assert!(rows.len() <= 20);
        }
    }
}

/// Adds and removes samples at the ends and in the middle.
pub(super) fn assert_changes(series: &Series) {
    let mut changed = series.clone();
    let times = samples(series).times;
    let (first, last) = (times.first().copied().unwrap_or(5), times.last().copied().unwrap_or(5));
    let moments = [
        0,
        first.saturating_sub(1),
        first,
        first + (last - first) / 2,
        last,
        last.saturating_add(1).min(TIMESTAMP_MAX),
    ];
    let mut effects = Vec::new();
    for timestamp in moments {
        for (value, policy) in [
            (1.5, DuplicatePolicy::Last),
            (f64::NAN, DuplicatePolicy::Sum),
            (-0.0, DuplicatePolicy::Min),
        ] {
            let before = digest(&changed);
            let refused = changed.add(Sample { timestamp, value }, policy, &mut effects).is_err();
            assert!(!refused || digest(&changed) == before, "a refused sample changed something");
        }
    }
    assert_stored(&changed);
    for (from, to) in [(first, first), (first + (last - first) / 2, last), (0, TIMESTAMP_MAX)] {
        changed.remove(from, to, &mut effects);
        assert_stored(&changed);
    }
    assert_eq!(changed.stored_samples(), 0, "something is left of nothing");
}
