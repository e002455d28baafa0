//! Series against the plainest model.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::wildcard_enum_match_arm,
    reason = "a failed test panics, and the model is short"
)]

mod model;

use std::num::NonZeroU64;

use keyspan_common::data_type::{DataType, Mover, Progress};
use keyspan_common::rdb::Memory;
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::{Chunk, ChunkSize, Columns, Encoding, Sample};
use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp, Query, Rows, join, reduce};
use keyspan_timeseries_core::rdb::FILE_VERSION;
use keyspan_timeseries_core::rule::{Effect, Grid, Rule};
use keyspan_timeseries_core::series::{AddError, Added, DuplicatePolicy, Options, Series};
use model::Model;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const ALL: [Aggregator; 15] = [
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

const POLICIES: [DuplicatePolicy; 6] = [
    DuplicatePolicy::Block,
    DuplicatePolicy::First,
    DuplicatePolicy::Last,
    DuplicatePolicy::Min,
    DuplicatePolicy::Max,
    DuplicatePolicy::Sum,
];

/// What is done to a series.
#[derive(Clone, Debug)]
enum Op {
    Add(u64, f64, DuplicatePolicy),
    Remove(u64, u64),
}

/// Doubles of every kind, those that are near each other among them.
fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-20_i32..20).prop_map(|value| f64::from(value) / 4.0),
        2 => -1.0e6..1.0e6_f64,
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => select(vec![0.0, -0.0, f64::NAN, 5e-324, -2.2e-308, f64::MAX, f64::MIN, 1e308]),
    ]
}

/// Values of which sums in whatever order are near each other.
fn tame_value() -> impl Strategy<Value = f64> {
    prop_oneof![6 => (-40_i32..40).prop_map(|value| f64::from(value) / 4.0), 1 => Just(f64::NAN)]
}

fn ops(value: impl Strategy<Value = f64>, len: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        9 => (0..2_000_u64, value, select(POLICIES.to_vec()))
            .prop_map(|(time, value, policy)| Op::Add(time, value, policy)),
        1 => (0..2_000_u64, 0..300_u64).prop_map(|(from, len)| Op::Remove(from, from + len)),
    ];
    // Some of the time in order, as most series are.
    (vec(op, 0..len), any::<bool>()).prop_map(|(mut ops, is_ordered)| {
        if is_ordered {
            ops.sort_by_key(|op| match op {
                Op::Add(time, ..) => *time,
                Op::Remove(_, to) => *to + 1,
            });
        }
        ops
    })
}

fn options(encoding: Encoding, size: u64) -> Options {
    Options { encoding, chunk_size: ChunkSize::new(size).unwrap(), ..Options::default() }
}

fn encodings() -> impl Strategy<Value = Encoding> {
    select(vec![Encoding::Compressed, Encoding::Uncompressed])
}

fn samples_of(series: &Series) -> Vec<(u64, u64)> {
    let mut columns = Columns::default();
    series.chunks().for_each(|chunk| chunk.decode(&mut columns));
    columns.iter().map(|sample| (sample.timestamp, sample.value.to_bits())).collect()
}

fn samples_of_model(model: &Model) -> Vec<(u64, u64)> {
    let bits = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    model.samples.iter().map(|(&time, &value)| (time, bits(value))).collect()
}

/// What must hold of every series at any time.
fn check_whole(series: &Series) {
    let chunks: Vec<&Chunk> = series.chunks().collect();
    let count: u64 = chunks.iter().map(|chunk| u64::from(chunk.count())).sum();
    assert_eq!(count, series.stored_samples());
    assert!(chunks.iter().all(|chunk| chunk.count() > 0));
    assert!(chunks.is_sorted_by(|a, b| a.last().timestamp < b.first_time()));
    let limit = series.chunk_size().bytes() * 2 + 200;
    assert!(chunks.iter().all(|chunk| chunk.size() < limit), "a chunk was not split");
    let copy = series.clone();
    assert!(copy.memory() <= series.memory() + 64 * chunks.len() + 1024);
}

fn play(series: &mut Series, op: &Op, effects: &mut Vec<Effect>) -> Result<Added, AddError> {
    match *op {
        Op::Add(timestamp, value, policy) => {
            series.add(Sample { timestamp, value }, policy, effects)
        }
        Op::Remove(from, to) => {
            series.remove(from, to, effects);
            Ok(Added::Unchanged)
        }
    }
}

fn play_model(model: &mut Model, op: &Op) -> bool {
    match *op {
        Op::Add(timestamp, value, policy) => model.add(Sample { timestamp, value }, policy),
        Op::Remove(from, to) => {
            model.remove(from, to);
            true
        }
    }
}

/// Equal, or near enough for another order of sums.
fn is_near(a: f64, b: f64, is_exact: bool) -> bool {
    a.to_bits() == b.to_bits()
        || a.is_nan() && b.is_nan()
        || !is_exact && (a == b || (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())))
}

fn assert_rows(rows: &Rows, expected: &[(u64, Vec<f64>)], query: &Query) {
    let is_exact = query.aggregation.is_none();
    let found: Vec<(u64, Vec<f64>)> =
        rows.iter().map(|(time, values)| (time, values.to_vec())).collect();
    let is_same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            let pairs = found.1.iter().zip(&expected.1);
            found.0 == expected.0 && pairs.into_iter().all(|(&a, &b)| is_near(a, b, is_exact))
        });
    assert!(is_same, "{query:?}\nfound    {found:?}\nexpected {expected:?}");
}

fn queries() -> impl Strategy<Value = Query> {
    let aggregation = (
        vec(select(ALL.to_vec()), 1..4),
        (1..400_u64, 0..500_u64),
        select(vec![BucketTimestamp::Start, BucketTimestamp::Middle, BucketTimestamp::End]),
        any::<bool>(),
    );
    let aggregation =
        aggregation.prop_map(|(aggregators, (bucket, align), timestamp, with_empty)| {
            let grid = Grid::new(NonZeroU64::new(bucket).unwrap(), align);
            Aggregation { aggregators, grid, timestamp, with_empty }
        });
    let span = prop_oneof![Just((0, i64::MAX as u64)), (0..2_000_u64, 0..2_000_u64)];
    let times = prop::option::weighted(0.2, vec(0..2_000_u64, 0..200));
    let values = prop::option::weighted(0.2, (-5.0..0.0_f64, 0.0..5.0_f64));
    let count = prop::option::weighted(0.3, 1..20_u64);
    let parts =
        (span, times, values, count, prop::option::weighted(0.7, aggregation), any::<bool>());
    parts.prop_map(|((from, to), times, values, count, aggregation, is_reverse)| {
        let times = times.map(|mut times| {
            times.sort_unstable();
            times.dedup();
            times
        });
        Query { from, to, times, values, count, aggregation, is_reverse }
    })
}

fn filled(ops: &[Op], encoding: Encoding, size: u64) -> (Series, Model) {
    let (mut series, mut model) = (Series::new(b"key", options(encoding, size)), Model::default());
    for op in ops {
        let _ = play(&mut series, op, &mut Vec::new());
        play_model(&mut model, op);
    }
    (series, model)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn samples_are_those_of_a_map(
        ops in ops(any_value(), 300),
        encoding in encodings(),
        size in select(vec![48, 64, 128, 4096]),
    ) {
        let (mut series, mut model) = (Series::new(b"key", options(encoding, size)), Model::default());
        for op in &ops {
            let before = samples_of_model(&model);
            let outcome = play(&mut series, op, &mut Vec::new());
            let is_accepted = play_model(&mut model, op);
            prop_assert_eq!(outcome.is_ok(), is_accepted);
            let is_changed = matches!(outcome, Ok(Added::New | Added::Updated));
            let after = samples_of_model(&model);
            if matches!(op, Op::Add(..)) {
                prop_assert_eq!(is_changed, after != before);
            }
            prop_assert_eq!(samples_of(&series), after);
        }
        check_whole(&series);
        for version in [8, 9, FILE_VERSION] {
            let memory = Memory::of(&series, version);
            let again: Series = memory.load(version & 0xff).unwrap();
            prop_assert_eq!(samples_of(&again), samples_of(&series));
            let fields = |series: &Series| -> Vec<_> {
                Memory::of(series, version).fields().cloned().collect()
            };
            prop_assert_eq!(fields(&again), fields(&series));
            prop_assert!(again.memory() <= series.memory());
        }
    }

    #[test]
    fn order_does_not_matter(
        mut points in vec((0..5_000_u64, any_value()), 0..300),
        encoding in encodings(),
    ) {
        points.sort_by_key(|point| point.0);
        points.dedup_by_key(|point| point.0);
        let ordered: Vec<Op> =
            points.iter().map(|&(time, value)| Op::Add(time, value, DuplicatePolicy::Block)).collect();
        let mut shuffled = ordered.clone();
        let len = shuffled.len();
        (0..len).for_each(|index| shuffled.swap(index, (index * 7919 + 13) % len));
        let digest = |ops: &[Op]| {
            let (series, _) = filled(ops, encoding, 96);
            let mut texts = Vec::new();
            series.digest(&mut |text| texts.push(text.to_vec()));
            (samples_of(&series), texts)
        };
        prop_assert_eq!(digest(&ordered), digest(&shuffled));
    }

    #[test]
    fn ranges_are_those_of_the_model(
        ops in ops(tame_value(), 200),
        encoding in encodings(),
        query in queries(),
    ) {
        let (series, model) = filled(&ops, encoding, 64);
        let mut expected = model.query(&query);
        if query.is_reverse {
            expected.reverse();
        }
        expected.truncate(query.count.map_or(usize::MAX, |count| count.try_into().unwrap()));
        let rows = series.snapshot(&query, None).run(&query).unwrap();
        assert_rows(&rows, &expected, &query);
    }

    /// Chunks of decimals, most of which are kept as whole numbers.
    #[test]
    fn decimals_are_those_of_the_model(
        values in vec((-5_000_i32..5_000, 1..40_u64), 300..900),
        scale in select(vec![1.0, 10.0, 100.0, 1e4, 3.0]),
        ops in ops(tame_value(), 12),
        query in queries(),
    ) {
        let mut time = 0;
        let ordered = values.iter().map(|&(value, step)| {
            time += 1 + step % 3;
            Op::Add(time, f64::from(value % 700) / scale, DuplicatePolicy::Last)
        });
        let ordered: Vec<Op> = ordered.collect();
        let (series, _) = filled(&ordered, Encoding::Compressed, 512);
        let is_packed = series.chunks().any(|chunk| matches!(chunk, Chunk::Packed(_)));
        prop_assert!(is_packed || scale == 3.0 || values.len() < 400);
        // What comes later may take all of it away.
        let all: Vec<Op> = ordered.into_iter().chain(ops).collect();
        let (series, model) = filled(&all, Encoding::Compressed, 512);
        prop_assert_eq!(samples_of(&series), samples_of_model(&model));
        check_whole(&series);
        let mut expected = model.query(&query);
        if query.is_reverse {
            expected.reverse();
        }
        expected.truncate(query.count.map_or(usize::MAX, |count| count.try_into().unwrap()));
        assert_rows(&series.snapshot(&query, None).run(&query).unwrap(), &expected, &query);
        let again: Series = Memory::of(&series, 8).load(8).unwrap();
        prop_assert_eq!(samples_of(&again), samples_of(&series));
        // Every chunk is written as the peer packs its samples.
        for chunk in again.chunks() {
            let mut columns = Columns::default();
            chunk.decode(&mut columns);
            let mut other = Chunk::new(Encoding::Compressed, chunk.size());
            prop_assert!(columns.iter().all(|sample| other.append(sample).is_ok()));
        }
    }

    #[test]
    fn compaction_is_computed_from_the_samples(
        ops in ops(tame_value(), 150),
        aggregator in select(ALL.to_vec()),
        (bucket, align) in (1..400_u64, 0..500_u64),
        encoding in encodings(),
    ) {
        let (mut series, mut model) = (Series::new(b"key", options(encoding, 64)), Model::default());
        let grid = Grid::new(NonZeroU64::new(bucket).unwrap(), align);
        series.add_rule(Rule::new(b"to".as_slice().into(), aggregator, grid));
        let mut destination = Series::new(b"to", options(encoding, 48));
        destination.set_source(Some(b"key"));
        let aggregation = Aggregation {
            aggregators: vec![aggregator],
            grid,
            timestamp: BucketTimestamp::Start,
            with_empty: false,
        };
        let mut open = 0;
        for op in &ops {
            let mut effects = Vec::new();
            let _ = play(&mut series, op, &mut effects);
            play_model(&mut model, op);
            for effect in effects {
                prop_assert_eq!(effect.rule, 0);
                destination.follow(effect.change);
            }
            let last = model.samples.keys().next_back();
            open = last.map_or(open, |&last| open.max(grid.bucket_of(last).start()));
            let expected = model.compacted(&aggregation, open);
            let found: Vec<(u64, f64)> = samples_of(&destination)
                .into_iter()
                .map(|(time, bits)| (time, f64::from_bits(bits)))
                .collect();
            let is_same = found.len() == expected.len()
                && found.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && is_near(a.1, b.1, false));
            prop_assert!(is_same, "{:?}\nfound    {:?}\nexpected {:?}", op, found, expected);
            // What LATEST shows is the bucket that is open.
            let latest = model.query(&Query { aggregation: Some(aggregation.clone()), ..Query::default() });
            let latest = latest.into_iter().find(|row| row.0 == open).map(|row| row.1[0]);
            let shown = series.rules()[0].latest();
            prop_assert_eq!(shown.is_some(), latest.is_some());
            if let (Some(shown), Some(latest)) = (shown, latest) {
                prop_assert_eq!(shown.timestamp, open);
                prop_assert!(is_near(shown.value, latest, false), "{} {}", shown.value, latest);
            }
        }
        // A rule that went through a file goes on as it was.
        let again: Series = Memory::of(&series, FILE_VERSION).load(8).unwrap();
        prop_assert_eq!(again.rules()[0].latest(), series.rules()[0].latest());
    }

    #[test]
    fn groups_and_joins_are_those_of_maps(
        all in vec(vec((0..40_u64, tame_value()), 0..20), 0..5),
        reducer in select(ALL.iter().copied().filter(|one| one.can_reduce()).collect::<Vec<_>>()),
        is_reverse in any::<bool>(),
        count in prop::option::of(1..10_u64),
    ) {
        let query = Query { is_reverse, ..Query::default() };
        let rows: Vec<Rows> = all.iter().map(|points| {
            let ops: Vec<Op> =
                points.iter().map(|&(time, value)| Op::Add(time, value, DuplicatePolicy::Last)).collect();
            filled(&ops, Encoding::Compressed, 48).0.snapshot(&query, None).run(&query).unwrap()
        }).collect();
        let mut times: Vec<u64> = rows.iter().flat_map(|rows| rows.times().to_vec()).collect();
        times.sort_unstable();
        times.dedup();
        if is_reverse {
            times.reverse();
        }
        times.truncate(count.map_or(usize::MAX, |count| count.try_into().unwrap()));
        let at = |rows: &Rows, time: u64| {
            rows.iter().find(|row| row.0 == time).map(|row| row.1[0])
        };
        let joined: Vec<(u64, Vec<f64>)> = times.iter().map(|&time| {
            (time, rows.iter().map(|rows| at(rows, time).unwrap_or(f64::NAN)).collect())
        }).collect();
        assert_rows(&join(&rows, is_reverse, count), &joined, &query);
        let reduced: Vec<(u64, Vec<f64>)> = times.iter().map(|&time| {
            let values: Vec<f64> = rows.iter().filter_map(|rows| at(rows, time)).collect();
            let mut one = Model::default();
            one.samples.extend((0..).zip(values));
            let grid = Grid::new(NonZeroU64::new(1 << 40).unwrap(), 0);
            let aggregation = Aggregation {
                aggregators: vec![reducer, Aggregator::CountAll],
                grid,
                timestamp: BucketTimestamp::Start,
                with_empty: false,
            };
            let row = one.query(&Query { aggregation: Some(aggregation), ..Query::default() });
            (time, vec![row[0].1[0]])
        }).collect();
        let aggregated = Query { aggregation: Some(Aggregation {
            aggregators: vec![reducer],
            grid: Grid::new(NonZeroU64::MIN, 0),
            timestamp: BucketTimestamp::Start,
            with_empty: false,
        }), ..query };
        assert_rows(&reduce(&rows, reducer, is_reverse, count), &reduced, &aggregated);
    }
}

/// Moves every block, and asks for a pause after each.
struct EveryBlock;

impl Mover for EveryBlock {
    fn relocate<T>(&mut self, block: Vec<T>) -> Vec<T> {
        let mut moved = Vec::with_capacity(block.capacity());
        moved.extend(block);
        moved
    }

    fn should_stop(&mut self) -> bool {
        true
    }
}

#[test]
fn defragmentation_moves_what_nobody_shares_and_changes_nothing() {
    let ops: Vec<Op> = (0..500)
        .map(|time| Op::Add(time * 7, (time as f64).sin(), DuplicatePolicy::Last))
        .collect();
    let (mut series, _) = filled(&ops, Encoding::Compressed, 128);
    let snapshot = series.snapshot(&Query::default(), None);
    let (before, memory) = (samples_of(&series), series.memory());
    let mut from = 0;
    while let Progress::Paused(next) = series.defrag(&mut EveryBlock, from) {
        assert!(next > from, "no progress");
        from = next;
    }
    assert_eq!((samples_of(&series), series.memory()), (before.clone(), memory));
    // What is read is what was there when it was asked for.
    let (first, last) = (before[0].0, before[before.len() - 1].0);
    series.remove(first, last, &mut Vec::new());
    assert_eq!(snapshot.run(&Query::default()).unwrap().len(), before.len());
    assert_eq!(series.stored_samples(), 0);
}
