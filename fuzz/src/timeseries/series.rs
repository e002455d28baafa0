//! A series with a rule of every aggregator, beside a sorted map. Input: a byte for the kind of series,
//! and steps of four bytes: what to do, a time in two, a value.

use std::collections::BTreeMap;

use keyspan_timeseries_core::{
    aggregate::Aggregator,
    chunk::{ChunkSize, Encoding, Sample, TIMESTAMP_MAX},
    range::Query,
    rule::Rule,
    series::{AddError, DuplicatePolicy, Options, Series},
};

use super::values::{AGGREGATORS, ask, assert_stored, buckets, samples};

/// Steps behind these teach nothing new.
const STEPS_MAX: usize = 400;
const VALUES: [f64; 16] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    5e-324,
    -1e-320,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::NAN,
    1e308,
    123_456_789.0,
    2.5,
    -7.75,
    1e15,
];
const POLICIES: [DuplicatePolicy; 6] = [
    DuplicatePolicy::Block,
    DuplicatePolicy::First,
    DuplicatePolicy::Last,
    DuplicatePolicy::Max,
    DuplicatePolicy::Min,
    DuplicatePolicy::Sum,
];
const LENGTHS: [u64; 4] = [1, 10, 100, 1_000];
const ALIGNMENTS: [u64; 3] = [0, 7, 1 << 40];

/// A series, what its rules made, and the model of it.
struct Run {
    series: Series,
    made: Vec<Series>,
    model: BTreeMap<u64, f64>,
    /// Where the open bucket of each rule starts.
    open: Vec<Option<u64>>,
    /// Whether all values were such that the order of additions matters little.
    is_tame: bool,
}

/// Runs the steps.
pub fn check(input: &[u8]) {
    let [kind, steps @ ..] = input else { return };
    let mut run = Run::new(*kind);
    for (place, step) in steps.as_chunks().0.iter().take(STEPS_MAX).enumerate() {
        run.step(*step);
        if place % 50 == 49 {
            run.compare();
        }
    }
    run.compare();
}

impl Run {
    fn new(kind: u8) -> Self {
        let size = [48, 64, 128, 4_096][usize::from(kind % 4)];
        let options = Options {
            chunk_size: ChunkSize::new(size).expect("a size"),
            encoding: if kind & 4 == 0 { Encoding::Compressed } else { Encoding::Uncompressed },
            ..Options::default()
        };
        let mut series = Series::new(b"source", options.clone());
        for (place, aggregator) in AGGREGATORS.into_iter().enumerate() {
            let shape = usize::from(kind >> 3) + place;
            let grid = buckets(LENGTHS[shape % 4], ALIGNMENTS[shape % 3], &[aggregator]).grid;
            series.add_rule(Rule::new([b'a' + place as u8].into(), aggregator, grid));
        }
        let made = AGGREGATORS.map(|_| Series::new(b"made", options.clone())).into();
        Self { series, made, model: BTreeMap::new(), open: vec![None; 15], is_tame: true }
    }

    fn step(&mut self, [action, low, high, value]: [u8; 4]) {
        let near = u64::from(u16::from_le_bytes([low, high]));
        let last = self.series.last().map_or(0, |last| last.timestamp);
        match action % 16 {
            0..=7 => self.add(last.saturating_add(near % 64), action, value),
            8..=11 => self.add(last.saturating_sub(near % 256), action, value),
            12 => self.add(near << (value % 48), action, value),
            13 => self.remove(last.saturating_sub(near % 64), last),
            14 => self.remove(near, near.saturating_add(u64::from(value))),
            _ => self.remove(near << (value % 48), TIMESTAMP_MAX >> (value % 32)),
        }
    }

    fn add(&mut self, timestamp: u64, action: u8, value: u8) {
        let timestamp = timestamp.min(TIMESTAMP_MAX);
        let policy = POLICIES[usize::from(action / 16) % 6];
        let value =
            if value < 240 { f64::from(value) / 4.0 } else { VALUES[usize::from(value % 16)] };
        self.is_tame &= value.abs() < 1e12;
        let was_last = self.model.last_key_value().is_none_or(|(last, _)| *last < timestamp);
        let mut effects = Vec::new();
        let added = self.series.add(Sample { timestamp, value }, policy, &mut effects);
        let is_last = self.model.last_key_value().is_some_and(|(last, _)| *last == timestamp);
        let merged = match self.model.get(&timestamp) {
            None => Some(value),
            // Under LAST what equals the last sample is dropped, also the other zero.
            Some(old) if is_last && policy == DuplicatePolicy::Last && *old == value => Some(*old),
            Some(old) => merged(policy, *old, value),
        };
        assert_eq!(
            added == Err(AddError::Duplicate),
            merged.is_none(),
            "{timestamp} {value} {policy:?}"
        );
        let Some(merged) = merged else { return assert!(effects.is_empty()) };
        self.model.insert(timestamp, merged);
        for (rule, open) in self.series.rules().iter().zip(&mut self.open) {
            let start = rule.grid().bucket_of(timestamp).start();
            if was_last {
                *open = Some(open.map_or(start, |open| open.max(start)));
            }
        }
        self.follow(effects);
    }

    fn remove(&mut self, from: u64, to: u64) {
        let mut effects = Vec::new();
        let before = self.model.len();
        self.model.retain(|time, _| !(from..=to).contains(time));
        let removed = self.series.remove(from, to, &mut effects);
        assert_eq!(
            u64::try_from(before - self.model.len()),
            Ok(removed),
            "removed from {from} to {to}"
        );
        self.follow(effects);
    }

    fn follow(&mut self, effects: Vec<keyspan_timeseries_core::rule::Effect>) {
        for effect in effects {
            self.made[effect.rule].follow(effect.change);
        }
    }

    fn compare(&self) {
        assert_stored(&self.series);
        let bits = |(time, value): (u64, f64)| (time, value.to_bits());
        let held = samples(&self.series);
        let held = held.iter().map(|sample| bits((sample.timestamp, sample.value)));
        let model = self
            .model
            .iter()
            .map(|(time, value)| bits((*time, if value.is_nan() { f64::NAN } else { *value })));
        assert!(held.eq(model), "the series is not the model");
        for ((rule, made), open) in self.series.rules().iter().zip(&self.made).zip(&self.open) {
            self.compare_rule(rule, made, open.unwrap_or(0));
        }
    }

    /// What a rule made must be what a query finds now, but for the open bucket.
    fn compare_rule(&self, rule: &Rule, made: &Series, open: u64) {
        let aggregator = rule.aggregator();
        let aggregation = Some(keyspan_timeseries_core::range::Aggregation {
            grid: rule.grid(),
            ..buckets(1, 0, &[aggregator])
        });
        let query = Query { aggregation, ..Query::default() };
        let found = ask(&self.series, &query).expect("no empty buckets");
        let found = found.iter().map(|(time, row)| (time, row[0])).filter(|(time, _)| *time < open);
        let found: Vec<(u64, f64)> = found.collect();
        let held = samples(made);
        let held: Vec<(u64, f64)> = held.iter().map(|one| (one.timestamp, one.value)).collect();
        let is_same = |(left, right): (&(u64, f64), &(u64, f64))| {
            left.0 == right.0 && self.is_near(aggregator, left.1, right.1)
        };
        let fits = found.len() == held.len() && found.iter().zip(&held).all(is_same);
        assert!(fits, "{aggregator:?}, open {open}:\n found {found:?}\n held  {held:?}");
    }

    fn is_near(&self, aggregator: Aggregator, left: f64, right: f64) -> bool {
        if aggregator != Aggregator::Twa {
            // Of zeros of both signs the one that was seen first or last may be the least.
            return left == right || (left.is_nan() && right.is_nan());
        }
        // The same area in other pieces.
        !self.is_tame || (left - right).abs() <= 1e-6 * left.abs().max(1.0)
    }
}

/// What a policy makes of two values; None if it refuses the new one.
fn merged(policy: DuplicatePolicy, old: f64, new: f64) -> Option<f64> {
    let are_numbers = !old.is_nan() && !new.is_nan();
    match policy {
        DuplicatePolicy::Block => None,
        DuplicatePolicy::First => Some(old),
        DuplicatePolicy::Last => Some(new),
        DuplicatePolicy::Max => are_numbers.then(|| if old > new { old } else { new }),
        DuplicatePolicy::Min => are_numbers.then(|| if old < new { old } else { new }),
        DuplicatePolicy::Sum => are_numbers.then_some(old + new),
    }
}
