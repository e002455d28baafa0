//! Samples, run by run, into rows of buckets.

use std::ops::ControlFlow;

use super::{Aggregation, EMPTY_ROWS_MAX as ROWS_MAX, Rows, Snapshot, TooManyRows};
use crate::aggregate::{Accumulator, Aggregator, between};
use crate::rule::Bucket;

/// A bucket that samples are in, and what is known of its neighbours.
struct Open {
    bucket: Bucket,
    /// The last number before it, as the samples come.
    before: Option<(u64, f64)>,
    /// The first number in it.
    first: Option<(u64, f64)>,
}

/// Makes rows of the samples of one query.
pub(super) struct Buckets<'a> {
    aggregation: &'a Aggregation,
    snapshot: &'a Snapshot,
    is_reverse: bool,
    has_twa: bool,
    accumulators: Vec<Accumulator>,
    open: Option<Open>,
    /// The last number that was seen, or the one beside the range.
    seen: Option<(u64, f64)>,
    /// What EMPTY fills next: buckets from here on.
    gap: Option<Bucket>,
    /// The value of `last`, for empty buckets.
    last: f64,
    /// It, when the open bucket is closed.
    next_last: f64,
    rows: Rows,
    /// Samples that were added together last.
    last_run: usize,
    most: usize,
    is_too_long: bool,
}

impl<'a> Buckets<'a> {
    pub(super) fn new(
        aggregation: &'a Aggregation,
        snapshot: &'a Snapshot,
        is_reverse: bool,
        most: usize,
    ) -> Self {
        let aggregators = &aggregation.aggregators;
        let new = |&aggregator: &Aggregator| Accumulator::new(aggregator, is_reverse);
        let has_twa = aggregators.contains(&Aggregator::Twa);
        let seen = snapshot.beside(is_reverse);
        let (from, to) = snapshot.span();
        let fills_start = has_twa && aggregation.with_empty && seen.is_some() && from <= to;
        Self {
            aggregation,
            snapshot,
            is_reverse,
            has_twa,
            accumulators: aggregators.iter().map(new).collect(),
            open: None,
            seen,
            gap: fills_start.then(|| aggregation.grid.bucket_of(from)),
            last: f64::NAN,
            next_last: f64::NAN,
            rows: Rows::new(aggregators.len()),
            last_run: 0,
            most,
            is_too_long: false,
        }
    }

    /// Adds samples, in the order of the query: all of them at once if a time-weighted mean is asked
    /// for. Says when there are enough rows.
    pub(super) fn push(&mut self, times: &[u64], values: &[f64]) -> ControlFlow<()> {
        let (mut place, mut number) = (0, 0);
        while let Some((rest, worth)) = times.get(place..).zip(values.get(place..))
            && let Some(&time) = rest.first()
        {
            let len = self.run(rest);
            let (now, worth) = (rest.get(..len), worth.get(..len));
            if len > 0 {
                self.add(now.unwrap_or_default(), worth.unwrap_or_default());
                place += len;
                self.last_run = len;
                continue;
            }
            if self.has_twa {
                number = number.max(place);
                number += values.iter().skip(number).take_while(|value| value.is_nan()).count();
            }
            self.close(if self.has_twa { self.number_behind(times, values, number) } else { None });
            if self.rows.len() >= self.most || self.is_too_long {
                return ControlFlow::Break(());
            }
            self.begin(self.aggregation.grid.bucket_of(time));
        }
        ControlFlow::Continue(())
    }

    /// The number at this place, or the one beside the range if only NaN was left in it.
    fn number_behind(&self, times: &[u64], values: &[f64], place: usize) -> Option<(u64, f64)> {
        let number = times.get(place).copied().zip(values.get(place).copied());
        number.or_else(|| self.snapshot.beside(!self.is_reverse))
    }

    /// How many of the next samples are in the open bucket.
    fn run(&self, times: &[u64]) -> usize {
        let Some(open) = &self.open else {
            return 0;
        };
        let (start, last) = (open.bucket.start(), open.bucket.last());
        let is_in = |&time: &u64| (start..=last).contains(&time);
        if times.last().is_some_and(is_in) && times.first().is_some_and(is_in) {
            return times.len();
        }
        // Most buckets have as many as the one before.
        let (inner, outer) = (times.get(self.last_run.wrapping_sub(1)), times.get(self.last_run));
        if inner.is_some_and(is_in) && !outer.is_none_or(is_in) {
            return self.last_run;
        }
        let guess = times.len().min(256);
        let near = times.get(..guess).unwrap_or_default();
        match near.last() {
            Some(time) if is_in(time) => times.partition_point(is_in),
            _ => near.partition_point(is_in),
        }
    }

    fn begin(&mut self, bucket: Bucket) {
        let (start, end) = (bucket.start(), bucket.end());
        // One beside the range may be in the bucket: it then does not count, as in the peer.
        let before = self.seen.filter(|seen| !(start..end).contains(&seen.0));
        for accumulator in &mut self.accumulators {
            accumulator.reset();
            if let Some(twa) = accumulator.twa_mut() {
                twa.start(start, end);
                if let Some((time, value)) = before {
                    twa.before(time, value);
                }
            }
        }
        self.open = Some(Open { bucket, before: self.seen, first: None });
    }

    fn add(&mut self, times: &[u64], values: &[f64]) {
        for accumulator in &mut self.accumulators {
            accumulator.extend(times, values);
        }
        if self.has_twa {
            if let Some(open) = &mut self.open {
                open.first = open.first.or_else(|| first_number(times, values));
            }
            let numbers = times.iter().zip(values).rev().find(|(_, value)| !value.is_nan());
            self.seen = numbers.map(|(&time, &value)| (time, value)).or(self.seen);
        }
        if self.aggregation.with_empty {
            let number = values.iter().rev().find(|value| !value.is_nan());
            self.next_last = number.copied().unwrap_or(self.next_last);
        }
    }

    /// Makes a row of the open bucket; `next` is the first number behind it.
    fn close(&mut self, next: Option<(u64, f64)>) {
        let Some(open) = self.open.take() else {
            return;
        };
        if self.accumulators.iter().all(Accumulator::is_empty) {
            return;
        }
        if let Some(first) = open.first.or(next) {
            self.fill_to(&open.bucket, open.before.map(|before| (before, first)));
        } else {
            self.fill_to(&open.bucket, None);
        }
        if self.rows.len() >= self.most {
            return;
        }
        let (start, end) = (open.bucket.start(), open.bucket.end());
        let behind = next.filter(|next| !(start..end).contains(&next.0));
        for twa in self.accumulators.iter_mut().filter_map(Accumulator::twa_mut) {
            if let Some((time, value)) = behind {
                twa.behind(time, value);
            }
        }
        let worth = |one: &Accumulator| one.value().unwrap_or(one.aggregator().of_nothing());
        let time = self.aggregation.timestamp.of(&open.bucket);
        self.rows.push(time, self.accumulators.iter().map(worth));
        self.last = self.next_last;
        self.gap = self.aggregation.with_empty.then(|| open.bucket.next());
    }

    /// Fills the gap before `bucket`, if gaps are to be filled. `line` goes through the numbers at
    /// both sides.
    fn fill_to(&mut self, bucket: &Bucket, line: Option<((u64, f64), (u64, f64))>) {
        let Some(mut empty) = self.gap.take() else {
            return;
        };
        let end = bucket.start();
        let room = u64::try_from(self.most - self.rows.len()).unwrap_or(u64::MAX);
        let rows = empty.count_to(bucket).min(room);
        if self.rows.len().saturating_add(usize::try_from(rows).unwrap_or(usize::MAX)) > ROWS_MAX {
            self.is_too_long = true;
            return;
        }
        while empty.start() < end && self.rows.len() < self.most {
            let last = self.last;
            let twa = line.map(|(from, to)| mean(&empty, from, to));
            let worth = |one: &Accumulator| {
                let aggregator = one.aggregator();
                let is_last = aggregator == Aggregator::Last;
                let is_twa = aggregator == Aggregator::Twa;
                let neighbours = if is_twa { twa } else { Some(last).filter(|_| is_last) };
                neighbours.unwrap_or(aggregator.of_nothing())
            };
            let time = self.aggregation.timestamp.of(&empty);
            self.rows.push(time, self.accumulators.iter().map(worth));
            empty = empty.next();
        }
    }

    /// The rows, when there is no further sample.
    pub(super) fn finish(mut self) -> Result<Rows, TooManyRows> {
        let beside = self.snapshot.beside(!self.is_reverse);
        self.close(beside);
        if self.has_twa
            && let (Some(seen), Some(behind)) = (self.seen, beside)
        {
            let (_, to) = self.snapshot.span();
            let end = self.aggregation.grid.bucket_of(to).next();
            self.fill_to(&end, Some((seen, behind)));
        }
        if self.is_too_long { Err(TooManyRows) } else { Ok(self.rows) }
    }
}

/// The mean of a line over a bucket, or the part of it where the line is.
fn mean(bucket: &Bucket, from: (u64, f64), to: (u64, f64)) -> f64 {
    let at = |time: u64| between(from, to, time.clamp(from.0, to.0.max(from.0)));
    f64::midpoint(at(bucket.start()), at(bucket.end()))
}

fn first_number(times: &[u64], values: &[f64]) -> Option<(u64, f64)> {
    let mut numbers = times.iter().zip(values).filter(|(_, value)| !value.is_nan());
    numbers.next().map(|(&time, &value)| (time, value))
}
