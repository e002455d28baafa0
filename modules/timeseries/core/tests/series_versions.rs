//! The two versions that are written: the same series, field for field, but for one number of a rule.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::num::NonZeroU64;

use keyspan_common::data_type::DataType;
use keyspan_common::rdb::{Field, Memory, dump, load_dump, payload::fields};
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::Sample;
use keyspan_timeseries_core::rdb::{DUMP_VERSION, NAN_VERSION, with_rules};
use keyspan_timeseries_core::rule::{Effect, Grid, Rule};
use keyspan_timeseries_core::series::{DuplicatePolicy, Options, Series};

const NAMES: [&str; 15] = [
    "min", "max", "sum", "avg", "count", "first", "last", "range", "std.p", "std.s", "var.p",
    "var.s", "twa", "countnan", "countall",
];

/// What is in the open bucket of the rule.
const BUCKETS: [&[f64]; 4] = [&[], &[f64::NAN], &[f64::NAN, 0.0], &[2.5, -1.0, f64::NAN]];

/// A series with one rule and these samples, the first of which closes a bucket.
fn with_rule(aggregator: &str, values: &[f64]) -> Series {
    let mut series = Series::new(b"key", Options::default());
    let aggregator = Aggregator::parse(aggregator.as_bytes()).unwrap();
    let grid = Grid::new(NonZeroU64::new(100).unwrap(), 7);
    series.add_rule(Rule::new(b"to".as_slice().into(), aggregator, grid));
    if !values.is_empty() {
        add(&mut series, 5, 4.0);
    }
    for (timestamp, &value) in (150..).zip(values) {
        add(&mut series, timestamp, value);
    }
    series
}

fn add(series: &mut Series, timestamp: u64, value: f64) -> Vec<Effect> {
    let mut effects = Vec::new();
    let _ = series.add(Sample { timestamp, value }, DuplicatePolicy::Block, &mut effects).unwrap();
    effects
}

/// NaN is nothing's equal, its text is.
fn told(value: impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn saved(series: &Series, version: u32) -> Vec<Field> {
    Memory::of(series, with_rules(version)).fields().cloned().collect()
}

#[test]
fn version_9_adds_whether_a_sample_counted() {
    // Key, seven numbers, no source, ignore, no labels, one rule; of it key, bucket, alignment,
    // aggregator and start of the open bucket.
    const PLACE: usize = 1 + 7 + 1 + 2 + 1 + 1 + 5;
    for name in NAMES {
        for values in BUCKETS {
            let series = with_rule(name, values);
            let (eight, mut nine) = (saved(&series, DUMP_VERSION), saved(&series, NAN_VERSION));
            let counts = match name {
                "countnan" => values.iter().any(|value| value.is_nan()),
                "countall" => !values.is_empty(),
                _ => values.iter().any(|value| !value.is_nan()),
            };
            let is_empty = nine.remove(PLACE);
            assert_eq!(is_empty, Field::Unsigned(u64::from(counts)), "{name} {values:?}");
            assert_eq!(nine, eight, "{name} {values:?}");
        }
    }
}

#[test]
fn both_versions_load_and_go_on() {
    for name in NAMES {
        for values in BUCKETS {
            let series = with_rule(name, values);
            for version in [DUMP_VERSION, NAN_VERSION] {
                let what = format!("{name} {values:?} {version}");
                let memory = Memory::of(&series, with_rules(version));
                let mut again: Series = memory.load(version).unwrap();
                for version in [DUMP_VERSION, NAN_VERSION] {
                    assert_eq!(saved(&again, version), saved(&series, version), "{what}");
                }
                assert_eq!(told(again.rules()), told(series.rules()), "{what}");
                // A copy would have no rules.
                let mut first = with_rule(name, values);
                for (timestamp, value) in [(160, 3.0), (170, f64::NAN), (300, 1.0), (555, 9.0)] {
                    let effects = add(&mut first, timestamp, value);
                    assert_eq!(told(add(&mut again, timestamp, value)), told(effects), "{what}");
                }
            }
        }
    }
}

/// A log names the version of each of its payloads.
#[test]
fn logs_have_the_version_that_a_series_needs() {
    for name in NAMES {
        let mut series = with_rule(name, &[1.0, f64::NAN]);
        let needed = if name.starts_with("count") && name != "count" { 9 } else { 8 };
        let sum = Aggregator::parse(b"sum").unwrap();
        let grid = Grid::new(NonZeroU64::new(50).unwrap(), 0);
        series.add_rule(Rule::new(b"other".as_slice().into(), sum, grid));
        let mut payloads = Vec::new();
        series.rewrite(&mut |_, words| payloads.push(words[1].to_vec()));
        let payload = dump::parse(&payloads[0]).unwrap();
        assert_eq!(payload.type_id.version(), needed, "{name}");
        assert_eq!(fields(payload.body).unwrap(), saved(&series, needed), "{name}");
        let again: Series = load_dump(&payloads[0]).unwrap();
        assert_eq!(told(again.rules()), told(series.rules()), "{name}");
    }
}

/// A mean keeps a sum for as long as that is a double, and then the mean itself; a payload says which.
#[test]
fn a_mean_says_whether_it_is_a_sum() {
    let check = |values: &[f64], sum: f64, is_mean: bool| {
        let mut series = Series::new(b"key", Options::default());
        let average = Aggregator::parse(b"avg").unwrap();
        let grid = Grid::new(NonZeroU64::new(100).unwrap(), 0);
        series.add_rule(Rule::new(b"to".as_slice().into(), average, grid));
        for (timestamp, &value) in (0..).zip(values) {
            add(&mut series, timestamp, value);
        }
        let count = f64::from(u32::try_from(values.len()).unwrap());
        let expected =
            [Field::Double(sum), Field::Double(count), Field::Unsigned(u64::from(is_mean))];
        let fields = saved(&series, DUMP_VERSION);
        let found = fields.get(18..21).unwrap();
        assert_eq!(found, expected, "{values:?}");
        let mean = series.rules().first().and_then(Rule::latest).unwrap().value;
        assert_eq!(mean, if is_mean { sum } else { sum / count }, "{values:?}");
    };
    const MAX: f64 = f64::MAX;
    check(&[MAX / 2.0, MAX / 2.0], MAX, false);
    check(&[MAX, -MAX], 0.0, false);
    check(&[-MAX / 2.0, MAX, -MAX / 2.0], 0.0, false);
    check(&[MAX * 0.75, MAX * 0.5], MAX * 0.625, true);
    check(&[MAX, MAX], MAX, true);
    check(&[-MAX, -MAX], -MAX, true);
}
