//! The plainest series: a sorted map, and everything computed from it anew.

use std::collections::BTreeMap;

use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::Sample;
use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp, Query};
use keyspan_timeseries_core::series::DuplicatePolicy;

/// Time and value.
pub(crate) type Point = (u64, f64);

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) samples: BTreeMap<u64, f64>,
}

impl Model {
    /// Whether the sample was accepted.
    pub(crate) fn add(&mut self, sample: Sample, policy: DuplicatePolicy) -> bool {
        let Sample { timestamp, value } = sample;
        let is_last = self.samples.keys().next_back() == Some(&timestamp);
        let value = match self.samples.get(&timestamp) {
            None => Some(value),
            // Ignored by IGNORE 0 0, also a zero of the other sign.
            Some(&old) if is_last && policy == DuplicatePolicy::Last && old == value => Some(old),
            Some(&old) => policy.merge(old, value),
        };
        value.map(|value| self.samples.insert(timestamp, value)).is_some()
    }

    pub(crate) fn remove(&mut self, from: u64, to: u64) -> u64 {
        let before = self.samples.len();
        self.samples.retain(|&time, _| time < from || time > to);
        (before - self.samples.len()).try_into().unwrap()
    }

    fn points(&self) -> Vec<Point> {
        self.samples.iter().map(|(&time, &value)| (time, value)).collect()
    }

    /// The rows of a query, ascending whatever it says, and not cut to its count.
    pub(crate) fn query(&self, query: &Query) -> Vec<(u64, Vec<f64>)> {
        if query.from > query.to {
            return Vec::new();
        }
        let all = self.points();
        let is_wanted = |&&(time, value): &&Point| {
            (query.from..=query.to).contains(&time)
                && query.times.as_ref().is_none_or(|times| times.contains(&time))
                && query.values.is_none_or(|(min, max)| min <= value && value <= max)
        };
        let points: Vec<Point> = all.iter().filter(is_wanted).copied().collect();
        let Some(aggregation) = &query.aggregation else {
            return points.into_iter().map(|(time, value)| (time, vec![value])).collect();
        };
        let beside = Beside {
            before: numbers(&all).into_iter().rfind(|&(time, _)| time < query.from),
            behind: numbers(&all).into_iter().find(|&(time, _)| time > query.to),
        };
        buckets(&points, &beside, aggregation, query)
    }

    /// What the closed buckets before `open` are worth.
    pub(crate) fn compacted(&self, aggregation: &Aggregation, open: u64) -> Vec<(u64, f64)> {
        let rows =
            self.query(&Query { aggregation: Some(aggregation.clone()), ..Query::default() });
        let closed = rows.into_iter().filter(|row| row.0 < open);
        closed.map(|(time, values)| (time, values[0])).collect()
    }
}

/// The numbers beside a range.
struct Beside {
    before: Option<Point>,
    behind: Option<Point>,
}

fn numbers(points: &[Point]) -> Vec<Point> {
    points.iter().filter(|point| !point.1.is_nan()).copied().collect()
}

fn start_of(time: u64, aggregation: &Aggregation) -> i128 {
    let (bucket, align) = (aggregation.grid.bucket.get(), aggregation.grid.alignment);
    let offset = (i128::from(time) - i128::from(align)).rem_euclid(i128::from(bucket));
    i128::from(time) - offset
}

fn stamp(start: i128, aggregation: &Aggregation) -> u64 {
    let bucket = i128::from(aggregation.grid.bucket.get());
    let time = match aggregation.timestamp {
        BucketTimestamp::Start => start,
        BucketTimestamp::Middle => start + bucket / 2,
        BucketTimestamp::End => start + bucket,
    };
    u64::try_from(time.max(0)).unwrap()
}

fn buckets(
    points: &[Point],
    beside: &Beside,
    aggregation: &Aggregation,
    query: &Query,
) -> Vec<(u64, Vec<f64>)> {
    let mut starts: Vec<i128> =
        points.iter().map(|&(time, _)| start_of(time, aggregation)).collect();
    starts.dedup();
    let bucket = i128::from(aggregation.grid.bucket.get());
    let worth = |start: i128| -> Option<Vec<f64>> {
        let inside: Vec<Point> = points
            .iter()
            .filter(|&&(time, _)| start_of(time, aggregation) == start)
            .copied()
            .collect();
        let values: Vec<Option<f64>> = aggregation
            .aggregators
            .iter()
            .map(|&one| value(one, &inside, start, bucket, points, beside))
            .collect();
        let empty = |one: &Aggregator| of_nothing(*one, start, bucket, points, beside);
        values.iter().any(Option::is_some).then(|| {
            let pairs = values.iter().zip(&aggregation.aggregators);
            pairs
                .map(|(value, one)| value.unwrap_or_else(|| plain_empty(*one, empty(one))))
                .collect()
        })
    };
    let mut filled: Vec<(i128, Vec<f64>)> =
        starts.iter().filter_map(|&start| Some((start, worth(start)?))).collect();
    if aggregation.with_empty {
        filled = with_empty(filled, points, beside, aggregation, query);
    }
    filled.into_iter().map(|(start, values)| (stamp(start, aggregation), values)).collect()
}

/// In a bucket where another aggregator has a value, one without has what it has of nothing at all.
fn plain_empty(aggregator: Aggregator, value: f64) -> f64 {
    match aggregator {
        Aggregator::Last | Aggregator::Twa => f64::NAN,
        _ => value,
    }
}

fn with_empty(
    filled: Vec<(i128, Vec<f64>)>,
    points: &[Point],
    beside: &Beside,
    aggregation: &Aggregation,
    query: &Query,
) -> Vec<(i128, Vec<f64>)> {
    let has_twa = aggregation.aggregators.contains(&Aggregator::Twa);
    let bucket = i128::from(aggregation.grid.bucket.get());
    let is_inside = |is_start: bool| {
        has_twa && if is_start { beside.before.is_some() } else { beside.behind.is_some() }
    };
    let mut first = filled.first().map(|row| row.0);
    let mut last = filled.last().map(|row| row.0);
    if is_inside(true) && (first.is_some() || is_inside(false)) {
        first = Some(start_of(query.from, aggregation));
        last = last.or(first);
    }
    if is_inside(false) && last.is_some() {
        last = Some(start_of(query.to, aggregation));
    }
    let (Some(first), Some(last)) = (first, last) else {
        return filled;
    };
    let rows: BTreeMap<i128, Vec<f64>> = filled.into_iter().collect();
    let mut all = Vec::new();
    let mut start = first;
    while start <= last {
        let empty = || {
            let aggregators = aggregation.aggregators.iter();
            aggregators.map(|&one| of_nothing(one, start, bucket, points, beside)).collect()
        };
        all.push((start, rows.get(&start).cloned().unwrap_or_else(empty)));
        start += bucket;
    }
    all
}

fn line(from: Point, to: Point, at: i128) -> f64 {
    let at = at.max(0) as f64;
    from.1 + (to.1 - from.1) * ((at - from.0 as f64) / (to.0 as f64 - from.0 as f64))
}

/// An empty bucket's value under EMPTY.
fn of_nothing(
    one: Aggregator,
    start: i128,
    bucket: i128,
    points: &[Point],
    beside: &Beside,
) -> f64 {
    let numbers = numbers(points);
    let before = numbers.iter().rfind(|point| i128::from(point.0) < start).copied();
    match one {
        Aggregator::Sum | Aggregator::Count | Aggregator::CountNan | Aggregator::CountAll => 0.0,
        Aggregator::Last => before.map_or(f64::NAN, |point| point.1),
        Aggregator::Twa => {
            let behind = numbers.iter().find(|point| i128::from(point.0) >= start + bucket);
            let before = before.or(beside.before);
            match (before, behind.copied().or(beside.behind)) {
                (Some(from), Some(to)) => {
                    let within = |at: i128| at.clamp(from.0.into(), to.0.into());
                    (line(from, to, within(start)) + line(from, to, within(start + bucket))) / 2.0
                }
                _ => f64::NAN,
            }
        }
        _ => f64::NAN,
    }
}

/// What a bucket is worth; `None` if nothing counted.
fn value(
    one: Aggregator,
    inside: &[Point],
    start: i128,
    bucket: i128,
    points: &[Point],
    beside: &Beside,
) -> Option<f64> {
    let values: Vec<f64> = numbers(inside).iter().map(|point| point.1).collect();
    let count = values.len() as f64;
    match one {
        Aggregator::CountAll => return (!inside.is_empty()).then_some(inside.len() as f64),
        Aggregator::CountNan => {
            let nan = inside.len() - values.len();
            return (nan > 0).then_some(nan as f64);
        }
        _ if values.is_empty() => return None,
        _ => {}
    }
    let sum: f64 = values.iter().sum();
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let squares = || values.iter().map(|value| (value - sum / count).powi(2)).sum::<f64>();
    let sample = |squares: f64| if count < 2.0 { 0.0 } else { squares / (count - 1.0) };
    Some(match one {
        Aggregator::Min => min,
        Aggregator::Max => max,
        Aggregator::Range => max - min,
        Aggregator::Sum => sum,
        Aggregator::Avg => sum / count,
        Aggregator::Count => count,
        Aggregator::First => values[0],
        Aggregator::Last => values[values.len() - 1],
        Aggregator::VarP => squares() / count,
        Aggregator::VarS => sample(squares()),
        Aggregator::StdP => (squares() / count).sqrt(),
        Aggregator::StdS => sample(squares()).sqrt(),
        Aggregator::Twa => twa(&numbers(inside), start, bucket, points, beside),
        Aggregator::CountNan | Aggregator::CountAll => unreachable!(),
    })
}

fn twa(inside: &[Point], start: i128, bucket: i128, points: &[Point], beside: &Beside) -> f64 {
    let all = numbers(points);
    let (first, last) = (inside[0], inside[inside.len() - 1]);
    // What lies beside the range but in the bucket does not count.
    let is_outside = |point: &Point| !(start..start + bucket).contains(&i128::from(point.0));
    let before =
        all.iter().rfind(|point| point.0 < first.0).copied().or(beside.before.filter(is_outside));
    let behind =
        all.iter().find(|point| point.0 > last.0).copied().or(beside.behind.filter(is_outside));
    let mut corners: Vec<(f64, f64)> = Vec::new();
    if let Some(before) = before {
        let at = start.max(before.0.into());
        corners.push((at as f64, line(before, first, at)));
    }
    corners.extend(inside.iter().map(|point| (point.0 as f64, point.1)));
    if let Some(behind) = behind {
        let at = (start + bucket).min(behind.0.into());
        corners.push((at as f64, line(last, behind, at)));
    }
    let span = corners[corners.len() - 1].0 - corners[0].0;
    let area = |pair: &[(f64, f64)]| (pair[0].1 + pair[1].1) * (pair[1].0 - pair[0].0) / 2.0;
    if span == 0.0 { last.1 } else { corners.windows(2).map(area).sum::<f64>() / span }
}
