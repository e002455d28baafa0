//! What commands are told: accepted, dropped, refused, hidden.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::num::NonZeroU64;

use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::{ChunkSize, Encoding, Sample};
use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp, Query};
use keyspan_timeseries_core::rule::{Change, Effect, Grid, Rule};
use keyspan_timeseries_core::series::{
    AddError, Added, Alteration, BeyondRetention, DuplicatePolicy, Ignore, IncrementError, Info,
    Options, Series,
};

fn add(
    series: &mut Series,
    timestamp: u64,
    value: f64,
    policy: DuplicatePolicy,
) -> Result<Added, AddError> {
    series.add(Sample { timestamp, value }, policy, &mut Vec::new())
}

fn put(series: &mut Series, timestamp: u64, value: f64) -> Vec<Effect> {
    let mut effects = Vec::new();
    let added = series.add(Sample { timestamp, value }, DuplicatePolicy::Last, &mut effects);
    assert!(added.is_ok());
    effects
}

fn small(options: Options) -> Series {
    let chunk_size = ChunkSize::MIN;
    Series::new(b"key", Options { chunk_size, encoding: Encoding::Uncompressed, ..options })
}

fn times(series: &Series) -> Vec<u64> {
    let query = Query::default();
    series.snapshot(&query, None).run(&query).unwrap().times().to_vec()
}

fn rule(aggregator: Aggregator, bucket: u64, alignment: u64) -> Rule {
    let grid = Grid::new(NonZeroU64::new(bucket).unwrap(), alignment);
    Rule::new(b"to".as_slice().into(), aggregator, grid)
}

#[test]
fn samples_like_the_last_one_are_dropped() {
    let ignore = Ignore { time_ms_max: 10, value_max: 0.5 };
    let new = || {
        let mut series = small(Options { ignore, ..Options::default() });
        put(&mut series, 100, 1.0);
        series
    };
    let check =
        |time: u64, value: f64, policy: DuplicatePolicy, expected: Result<Added, AddError>| {
            assert_eq!(add(&mut new(), time, value, policy), expected, "{time} {value} {policy:?}");
        };
    check(100, 1.5, DuplicatePolicy::Last, Ok(Added::Ignored(100)));
    check(110, 0.5, DuplicatePolicy::Last, Ok(Added::Ignored(100)));
    check(111, 1.0, DuplicatePolicy::Last, Ok(Added::New));
    check(110, 1.6, DuplicatePolicy::Last, Ok(Added::New));
    check(110, f64::NAN, DuplicatePolicy::Last, Ok(Added::New));
    check(99, 1.0, DuplicatePolicy::Last, Ok(Added::New));
    check(110, 1.0, DuplicatePolicy::First, Ok(Added::New));
    check(100, 1.1, DuplicatePolicy::Block, Err(AddError::Duplicate));
    check(100, 1.0, DuplicatePolicy::First, Ok(Added::Unchanged));
    check(100, 9.0, DuplicatePolicy::Sum, Ok(Added::Updated));
    check(100, f64::NAN, DuplicatePolicy::Max, Err(AddError::Duplicate));
    // What a source says is not dropped.
    let mut series = new();
    series.set_source(Some(b"source"));
    assert_eq!(add(&mut series, 110, 1.0, DuplicatePolicy::Last), Ok(Added::New));
}

#[test]
fn retention_refuses_hides_and_at_last_forgets() {
    let mut series = small(Options { retention_ms: 50, ..Options::default() });
    // Three samples a chunk.
    (0..6).for_each(|time| drop(put(&mut series, time * 10, 1.0)));
    assert_eq!((times(&series).len(), series.stored_samples()), (6, 6));
    put(&mut series, 75, 1.0);
    assert_eq!((times(&series), series.visible_from()), (vec![30, 40, 50, 75], 25));
    put(&mut series, 85, 1.0);
    assert_eq!((times(&series), series.stored_samples()), (vec![40, 50, 75, 85], 8));
    let info = Info { samples: 4, first_timestamp: 40, last_timestamp: 85, chunks: 3 };
    assert_eq!(series.info(), info);
    assert_eq!(add(&mut series, 34, 1.0, DuplicatePolicy::Last), Err(AddError::BeyondRetention));
    assert_eq!(add(&mut series, 35, 1.0, DuplicatePolicy::Last), Ok(Added::New));
    // What was hidden shows again.
    series.alter(Alteration { retention_ms: Some(0), ..Alteration::default() });
    assert_eq!(times(&series), [0, 10, 20, 30, 35, 40, 50, 75, 85]);
    // When a chunk begins, those that are hidden whole go.
    series.alter(Alteration { retention_ms: Some(50), ..Alteration::default() });
    put(&mut series, 95, 1.0);
    assert_eq!(series.stored_samples(), 10);
    put(&mut series, 105, 1.0);
    assert_eq!((times(&series), series.stored_samples()), (vec![75, 85, 95, 105], 8));
}

#[test]
fn removal_needs_the_samples_of_its_buckets() {
    let mut series = small(Options { retention_ms: 50, ..Options::default() });
    (0..20).for_each(|time| drop(put(&mut series, time * 10, 1.0)));
    assert_eq!(series.check_removal(0), Ok(()));
    series.add_rule(rule(Aggregator::Sum, 30, 0));
    // Visible from 140 on; the bucket of 145 starts at 120, that of 155 at 150.
    assert_eq!(series.check_removal(145), Err(BeyondRetention));
    assert_eq!(series.check_removal(155), Ok(()));
    series.alter(Alteration { retention_ms: Some(0), ..Alteration::default() });
    assert_eq!(series.check_removal(0), Ok(()));
}

#[test]
fn increments_go_on_from_the_last_sample() {
    let mut series = small(Options::default());
    assert_eq!(series.increment_base(5), Ok(0.0));
    put(&mut series, 10, 2.5);
    assert_eq!(series.increment_base(9), Err(IncrementError::Earlier));
    assert_eq!((series.increment_base(10), series.increment_base(11)), (Ok(2.5), Ok(2.5)));
    put(&mut series, 12, f64::NAN);
    assert_eq!(series.increment_base(12), Err(IncrementError::Nan));
}

#[test]
fn an_empty_series_tells_of_an_empty_chunk() {
    let series = Series::new(b"key", Options::default());
    assert_eq!(series.info(), Info { chunks: 1, ..Info::default() });
    let chunks = series.chunk_infos();
    assert_eq!((chunks.len(), chunks[0].start, chunks[0].end), (1, -1, -1));
    assert_eq!((chunks[0].samples, chunks[0].size), (0, 4096));
    assert!(size_of::<Series>() < 400);
}

/// As in the transcript of the peer: a rule sees what comes after it.
#[test]
fn rules_close_buckets_and_show_the_open_one() {
    let mut series = small(Options::default());
    (1..5).for_each(|time| drop(put(&mut series, time * 10, (time as f64) * 1.0)));
    series.add_rule(rule(Aggregator::Avg, 20, 0));
    assert_eq!(series.rules()[0].latest(), None);
    assert_eq!(put(&mut series, 50, 5.0), []);
    let closed =
        |timestamp, value| Effect { rule: 0, change: Change::Close(Sample { timestamp, value }) };
    assert_eq!(put(&mut series, 60, 6.0), [closed(40, 5.0)]);
    assert_eq!(put(&mut series, 70, 7.0), []);
    assert_eq!(series.rules()[0].latest(), Some(Sample { timestamp: 60, value: 6.5 }));
    // A closed bucket that changes is computed from all its samples.
    let updated = Change::Update(Sample { timestamp: 40, value: 5.0 });
    assert_eq!(put(&mut series, 45, 6.0), [Effect { rule: 0, change: updated }]);
    let mut effects = Vec::new();
    assert_eq!(series.remove(20, 69, &mut effects), 6);
    let changes: Vec<Change> = effects.iter().map(|effect| effect.change).collect();
    assert_eq!(changes, [Change::Remove(20, 59)]);
    assert_eq!(series.rules()[0].latest(), Some(Sample { timestamp: 60, value: 7.0 }));
    assert_eq!(series.rule(b"to").map(Rule::aggregator), Some(Aggregator::Avg));
    assert!(series.remove_rule(b"to") && !series.remove_rule(b"to"));
}

#[test]
fn the_latest_bucket_is_behind_all_samples() {
    let mut series = small(Options::default());
    (1..4).for_each(|time| drop(put(&mut series, time * 10, 1.0)));
    let check = |latest: u64, query: &Query, expected: &[u64]| {
        let latest = Some(Sample { timestamp: latest, value: 9.0 });
        let rows = series.snapshot(query, latest).run(query).unwrap();
        assert_eq!(rows.times(), expected, "{latest:?} {query:?}");
    };
    let all = Query::default();
    check(40, &all, &[10, 20, 30, 40]);
    check(30, &all, &[10, 20, 30]);
    check(40, &Query { is_reverse: true, count: Some(2), ..Query::default() }, &[40, 30]);
    check(40, &Query { to: 39, ..Query::default() }, &[10, 20, 30]);
    check(40, &Query { values: Some((0.0, 2.0)), ..Query::default() }, &[10, 20, 30]);
    check(40, &Query { times: Some(vec![20, 40]), ..Query::default() }, &[20, 40]);
    let aggregation = Aggregation {
        aggregators: vec![Aggregator::Sum],
        grid: Grid::new(NonZeroU64::new(20).unwrap(), 0),
        timestamp: BucketTimestamp::Start,
        with_empty: false,
    };
    let query = Query { aggregation: Some(aggregation), ..Query::default() };
    check(40, &query, &[0, 20, 40]);
    check(40, &Query { is_reverse: true, ..query }, &[40, 20, 0]);
}

#[test]
fn splits_keep_the_peers_sizes() {
    let mut series =
        Series::new(b"key", Options { chunk_size: ChunkSize::MIN, ..Options::default() });
    // From the last to the first, so that all go to the first chunk.
    for time in (0..60_u64).rev() {
        put(&mut series, time * 1000 + time * time % 17, (time as f64).cbrt());
    }
    let infos = series.chunk_infos();
    assert!(infos.len() > 3);
    assert!(infos.iter().all(|info| info.size % 8 == 0 && info.size <= 96), "{infos:?}");
    assert_eq!(infos.iter().map(|info| info.samples).sum::<u64>(), 60);
    assert_eq!(infos[0].start, 0);
    let ratio = infos[0].size as f32 / infos[0].samples as f32;
    assert_eq!(infos[0].bytes_per_sample, ratio);
}

/// The value of one bucket of these samples, as a query of this direction finds it.
fn bucket_of(values: &[f64], aggregator: Aggregator, is_reverse: bool) -> f64 {
    let mut series = small(Options::default());
    for (timestamp, &value) in (0..).zip(values) {
        put(&mut series, timestamp, value);
    }
    let aggregation = Aggregation {
        aggregators: vec![aggregator],
        grid: Grid::new(NonZeroU64::new(1000).unwrap(), 0),
        timestamp: BucketTimestamp::Start,
        with_empty: false,
    };
    let query = Query { aggregation: Some(aggregation), is_reverse, ..Query::default() };
    series.snapshot(&query, None).run(&query).unwrap().values().first().copied().unwrap()
}

/// What a rule closes the first bucket with, and has in it after its last sample came anew.
fn closed_of(values: &[f64], aggregator: Aggregator) -> [f64; 2] {
    let mut series = small(Options::default());
    series.add_rule(rule(aggregator, 100, 0));
    for (timestamp, &value) in (0..).zip(values) {
        put(&mut series, timestamp, value);
    }
    let told = |effects: Vec<Effect>| {
        let value = |effect: &Effect| match effect.change {
            Change::Close(sample) | Change::Update(sample) => Some(sample.value),
            Change::Remove(..) => None,
        };
        effects.first().and_then(value).unwrap()
    };
    [told(put(&mut series, 100, 5.0)), told(put(&mut series, 50, f64::NAN))]
}

/// Neither zero is less than the other: the comparison keeps the one that it saw first, wherever the
/// other ones stand.
#[test]
fn of_two_zeros_the_first_one_counts() {
    for first in [0.0, -0.0] {
        for len in 2..12 {
            for place in 1..len {
                let mut values = vec![first; len];
                values[place..].fill(-first);
                for aggregator in [Aggregator::Min, Aggregator::Max] {
                    let check = |found: f64, expected: f64, what: &str| {
                        let bits = (found.to_bits(), expected.to_bits());
                        assert_eq!(bits.0, bits.1, "{aggregator:?} {what} of {values:?}");
                    };
                    check(bucket_of(&values, aggregator, false), first, "forward");
                    check(bucket_of(&values, aggregator, true), -first, "backward");
                    let [closed, anew] = closed_of(&values, aggregator);
                    check(closed, first, "a rule");
                    check(anew, first, "a rule anew");
                }
            }
        }
    }
}

/// A duplicate policy keeps the old value only where that is less, or greater.
#[test]
fn of_two_equal_values_the_new_one_is_kept() {
    for (old, new) in [(0.0, -0.0), (-0.0, 0.0)] {
        for policy in [DuplicatePolicy::Min, DuplicatePolicy::Max] {
            assert_eq!(policy.merge(old, new).map(f64::to_bits), Some(f64::to_bits(new)));
        }
        // Under LAST a sample is dropped that is as far from the last one as IGNORE allows: not at all.
        let mut series = small(Options::default());
        put(&mut series, 5, old);
        assert_eq!(add(&mut series, 5, new, DuplicatePolicy::Last), Ok(Added::Ignored(5)));
        assert_eq!(series.last().unwrap().value.to_bits(), old.to_bits());
    }
}

/// A line leads on to a sample behind the range: the last bucket of the range lies on it too.
#[test]
fn lines_fill_the_range_to_its_last_bucket() {
    let mut series = small(Options::default());
    put(&mut series, 0, 0.0);
    put(&mut series, 100, 100.0);
    let rows = |from: u64, to: u64| {
        let aggregation = Aggregation {
            aggregators: vec![Aggregator::Twa],
            grid: Grid::new(NonZeroU64::new(10).unwrap(), 0),
            timestamp: BucketTimestamp::Start,
            with_empty: true,
        };
        let query = Query { from, to, aggregation: Some(aggregation), ..Query::default() };
        let rows = series.snapshot(&query, None).run(&query).unwrap();
        rows.times().iter().copied().zip(rows.values().iter().copied()).collect::<Vec<_>>()
    };
    let line = |starts: std::ops::Range<u64>| -> Vec<(u64, f64)> {
        let value = |start: u32| (u64::from(start), f64::from(start) + 5.0);
        starts.map(|place| value(u32::try_from(place).unwrap() * 10)).collect()
    };
    assert_eq!(rows(0, 50), line(0..6));
    assert_eq!(rows(0, 59), line(0..6));
    assert_eq!(rows(0, 60), line(0..7));
    assert_eq!(rows(20, 45), line(2..5));
}

#[test]
fn both_ends_of_a_filter_pass() {
    let mut series = small(Options::default());
    for value in [1.0, 2.0, 3.0, 4.0, f64::NAN] {
        let time = series.last().map_or(0, |last| last.timestamp + 1);
        put(&mut series, time, value);
    }
    let check = |min: f64, max: f64, expected: &[u64]| {
        let query = Query { values: Some((min, max)), ..Query::default() };
        let rows = series.snapshot(&query, None).run(&query).unwrap();
        assert_eq!(rows.times(), expected, "{min} to {max}");
    };
    check(2.0, 3.0, &[1, 2]);
    check(2.5, 2.5, &[]);
    check(2.0, 2.0, &[1]);
    check(f64::NEG_INFINITY, f64::INFINITY, &[0, 1, 2, 3]);
    check(3.0, 2.0, &[]);
}
