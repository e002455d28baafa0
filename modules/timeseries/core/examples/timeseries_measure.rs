//! What time series cost: nanoseconds to add and to read a sample, bytes of one, microseconds of
//! queries, milliseconds to save and load a million.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measurement for people")]

use std::hint::black_box;
use std::num::NonZeroU64;
use std::time::Instant;

use keyspan_common::data_type::DataType;
use keyspan_common::rdb::{Memory, save_dump};
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::{Columns, Sample};
use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp, Query};
use keyspan_timeseries_core::rule::{Grid, Rule};
use keyspan_timeseries_core::series::{DuplicatePolicy, Options, Series};

const SAMPLES: u64 = 1_000_000;
const START: u64 = 1_700_000_000_000;

/// A small generator, the same numbers in every run (splitmix64).
struct Draw(u64);

impl Draw {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// From 0 to 1.
    fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About a bell, from -1 to 1.
    fn noise(&mut self) -> f64 {
        (self.fraction() + self.fraction() + self.fraction() + self.fraction()) / 2.0 - 1.0
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// The values of a series of this name.
fn values(name: &str) -> Vec<f64> {
    let mut draw = Draw(42);
    let (mut price, mut count) = (101.25, 0.0);
    let value = |index: u64| match name {
        "constant" => 21.5,
        "counter" => {
            count += (draw.bits() % 20) as f64;
            count
        }
        "CPU %" => rounded((40.0 + 25.0 * draw.noise()).clamp(0.0, 100.0), 1),
        "temperature" => {
            let day = (index as f64 / 86_400.0 * std::f64::consts::TAU).sin();
            rounded(18.0 + 6.0 * day + 0.3 * draw.noise(), 2)
        }
        "gauge, integers" => (1000.0 + 100.0 * draw.noise()).round(),
        "price ticks" => {
            price += (draw.bits() % 5) as f64 * 0.25 - 0.5;
            price
        }
        _ => draw.fraction(),
    };
    (0..SAMPLES).map(value).collect()
}

/// Each second, or with some milliseconds of delay.
fn samples(name: &str, is_late: bool) -> Vec<Sample> {
    let mut draw = Draw(7);
    let time = |index: u64| START + index * 1000 + if is_late { draw.bits() % 20 } else { 0 };
    let times: Vec<u64> = (0..SAMPLES).map(time).collect();
    let pairs = times.into_iter().zip(values(name));
    pairs.map(|(timestamp, value)| Sample { timestamp, value }).collect()
}

/// Nanoseconds that this thread ran, where the system tells them, in steps of some milliseconds; else
/// those of the clock.
fn clock(start: &Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = told.and_then(|told| told.split(' ').next()?.parse().ok());
    ran.unwrap_or(start.elapsed().as_nanos() as f64)
}

fn seconds(work: impl FnOnce()) -> f64 {
    let now = Instant::now();
    let start = clock(&now);
    work();
    (clock(&now) - start) / 1e9
}

/// Seconds of one of `count` runs.
fn mean(count: u32, mut work: impl FnMut()) -> f64 {
    work();
    seconds(|| (0..count).for_each(|_| work())) / f64::from(count)
}

fn filled(samples: &[Sample], rules: u64) -> Series {
    let mut series = Series::new(b"series", Options::default());
    for rule in 0..rules {
        let bucket = NonZeroU64::MIN.saturating_add(60_000 * (rule + 1) - 1);
        let name = format!("to{rule}").into_bytes();
        series.add_rule(Rule::new(name.into(), Aggregator::Avg, Grid::new(bucket, 0)));
    }
    let mut effects = Vec::new();
    for &sample in samples {
        let _ = black_box(series.add(sample, DuplicatePolicy::Block, &mut effects));
        effects.clear();
    }
    series
}

fn measure(name: &str, is_late: bool) {
    let samples = samples(name, is_late);
    let count = samples.len() as f64;
    let add = mean(8, || drop(black_box(filled(&samples, 0)))) * 1e9 / count;
    let series = filled(&samples, 0);
    let mut columns = Columns::default();
    let decode = mean(30, || {
        for chunk in series.chunks() {
            columns.times.clear();
            columns.values.clear();
            chunk.decode(&mut columns);
            black_box(&columns);
        }
    });
    let memory = series.memory() as f64 / count;
    let payload = save_dump(&series, 8, 9).unwrap_or_default();
    let save = mean(10, || drop(black_box(Memory::of(&series, 8)))) * 1e3;
    let saved: Vec<Memory> = (0..10).map(|_| Memory::of(&series, 8)).collect();
    let load = seconds(|| {
        saved.into_iter().for_each(|memory| drop(black_box(memory.load::<Series>(8))));
    }) * 1e3
        / 10.0;
    println!(
        "{name:18} {:5} {add:8.1} {:8.2} {memory:8.2} {:8.2} {save:8.1} {load:8.1}",
        if is_late { "late" } else { "" },
        decode * 1e9 / count,
        payload.len() as f64 / count,
    );
}

fn query(len: u64, aggregation: Option<(Aggregator, u64)>) -> Query {
    let aggregation = aggregation.map(|(aggregator, bucket)| Aggregation {
        aggregators: vec![aggregator],
        grid: Grid::new(NonZeroU64::MIN.saturating_add(bucket - 1), 0),
        timestamp: BucketTimestamp::Start,
        with_empty: false,
    });
    let from = START + 400_000_000;
    Query { from, to: from + len * 1000 - 1, aggregation, ..Query::default() }
}

fn ask(name: &str, series: &Series, query: &Query) {
    let mut rows = 0;
    let time = mean(5000, || {
        let found = series.snapshot(query, None).run(query);
        rows = black_box(found.map_or(0, |rows| rows.len()));
    });
    println!("{name:42} {rows:6} rows {:9.2} us", time * 1e6);
}

fn main() {
    println!("1M samples                  ns/add   ns/read B/memory   B/dump  ms/save  ms/load");
    for name in ["constant", "counter", "CPU %", "temperature", "gauge, integers", "price ticks"] {
        measure(name, false);
    }
    measure("random fractions", false);
    measure("CPU %", true);
    measure("random fractions", true);
    let gauge = samples("temperature", false);
    let with_rules = mean(5, || drop(black_box(filled(&gauge, 2)))) * 1e9 / SAMPLES as f64;
    println!("with 2 rules: {with_rules:.1} ns/add");
    let empty = Series::new(b"series", Options::default());
    println!("empty series: {} bytes", empty.memory() + size_of::<Series>());
    let series = filled(&gauge, 0);
    ask("range of 100", &series, &query(100, None));
    ask("range of 1000", &series, &query(1000, None));
    for aggregator in [Aggregator::Avg, Aggregator::Max, Aggregator::StdP, Aggregator::Twa] {
        let query = query(10_000, Some((aggregator, 100_000)));
        ask(&format!("10000 samples, 100 buckets, {}", aggregator.name()), &series, &query);
    }
    let reverse = Query { is_reverse: true, ..query(1000, None) };
    ask("range of 1000, latest first", &series, &reverse);
    let first = Query { count: Some(1), ..query(1000, None) };
    ask("range of 1000, 1 of them", &series, &first);
}
