//! What changes of a series mean for its rules.

use super::Series;
use crate::aggregate::{Accumulator, Aggregator};
use crate::chunk::{Sample, TIMESTAMP_MAX};
use crate::rule::{Bucket, Change, Effect, Grid};

/// What is asked of a rule, copied, as the rules are in the series.
#[derive(Clone, Copy)]
struct Shape {
    rule: usize,
    aggregator: Aggregator,
    grid: Grid,
}

impl Series {
    /// A sample was added behind all others.
    pub(super) fn tell_rules(&mut self, sample: Sample, effects: &mut Vec<Effect>) {
        for rule in 0..self.rules.len() {
            let Some(told) = self.rules.get_mut(rule) else {
                continue;
            };
            let start = told.grid.bucket_of(sample.timestamp).start();
            if told.open.is_some_and(|open| start < open) {
                // Later samples were removed since.
                self.refresh_rule(rule, sample.timestamp, sample.timestamp, effects);
                continue;
            }
            let is_line = told.aggregator() == Aggregator::Twa && !sample.value.is_nan();
            // The line to this number begins in an earlier bucket, which was closed without it.
            let is_late = is_line && told.open.is_some() && told.accumulator.is_empty();
            if let Some(closed) = told.add(sample) {
                effects.push(Effect { rule, change: Change::Close(closed) });
            }
            if is_late {
                self.refresh_rule(rule, sample.timestamp, sample.timestamp, effects);
            }
        }
    }

    /// Samples from `from` to `to` were changed or removed.
    pub(super) fn refresh_rules(&mut self, from: u64, to: u64, effects: &mut Vec<Effect>) {
        for rule in 0..self.rules.len() {
            self.refresh_rule(rule, from, to, effects);
        }
    }

    fn refresh_rule(&mut self, rule: usize, from: u64, to: u64, effects: &mut Vec<Effect>) {
        let Some(told) = self.rules.get(rule) else {
            return;
        };
        let shape = Shape { rule, aggregator: told.aggregator(), grid: told.grid };
        let is_twa = shape.aggregator == Aggregator::Twa;
        let last = self.last().map(|last| shape.grid.bucket_of(last.timestamp).start());
        // A rule that saw nothing yet has seen the last bucket now.
        let open = told.open.or(last).unwrap_or(u64::MAX);
        let (first, end) = (shape.grid.bucket_of(from), shape.grid.bucket_of(to));
        if is_twa && let Some(before) = self.number_before(first.start()) {
            self.update_closed(shape, shape.grid.bucket_of(before.timestamp), open, effects);
        }
        self.refresh_closed(shape, first, end, open, effects);
        let mut is_open_changed = end.start() >= open;
        if is_twa && let Some(behind) = self.number_from(end.end()) {
            let next = shape.grid.bucket_of(behind.timestamp);
            self.update_closed(shape, next, open, effects);
        }
        // An open bucket of a time-weighted mean knows the last sample before it.
        is_open_changed |= is_twa && self.rules.get(rule).is_some_and(|rule| rule.open.is_some());
        if is_open_changed {
            self.refresh_open(shape, open);
        }
    }

    /// Tells what became of the closed buckets from `first` to `end`: only in those two something
    /// may be left.
    fn refresh_closed(
        &self,
        shape: Shape,
        first: Bucket,
        end: Bucket,
        open: u64,
        effects: &mut Vec<Effect>,
    ) {
        if first.start() >= open {
            return;
        }
        let (mut gone_from, mut gone_to) = (first.next().start(), end.previous().start());
        let mut update = |timestamp: u64, value: f64| {
            let change = Change::Update(Sample { timestamp, value });
            effects.push(Effect { rule: shape.rule, change });
        };
        match self.bucket_value(shape.aggregator, first) {
            Some(value) => update(first.start(), value),
            None => gone_from = first.start(),
        }
        if end.start() >= open {
            gone_to = open - 1;
        } else if end == first {
            gone_to = first.start();
        } else {
            match self.bucket_value(shape.aggregator, end) {
                Some(value) => update(end.start(), value),
                None => gone_to = end.start(),
            }
        }
        if gone_from <= gone_to {
            let change = Change::Remove(gone_from, gone_to);
            effects.push(Effect { rule: shape.rule, change });
        }
    }

    /// Tells the value of a closed bucket that is not empty.
    fn update_closed(&self, shape: Shape, bucket: Bucket, open: u64, effects: &mut Vec<Effect>) {
        if bucket.start() >= open {
            return;
        }
        if let Some(value) = self.bucket_value(shape.aggregator, bucket) {
            let change = Change::Update(Sample { timestamp: bucket.start(), value });
            effects.push(Effect { rule: shape.rule, change });
        }
    }

    /// Fills the open bucket again.
    fn refresh_open(&mut self, shape: Shape, open: u64) {
        if open > TIMESTAMP_MAX {
            return;
        }
        let bucket = shape.grid.bucket_of(open);
        let accumulator = self.accumulate(shape.aggregator, bucket, TIMESTAMP_MAX);
        if let Some(rule) = self.rules.get_mut(shape.rule) {
            rule.open = Some(open);
            rule.accumulator = accumulator;
        }
    }

    /// The value of a closed bucket, from the samples that are there.
    fn bucket_value(&self, aggregator: Aggregator, bucket: Bucket) -> Option<f64> {
        let mut accumulator = self.accumulate(aggregator, bucket, bucket.last());
        if let Some(twa) = accumulator.twa_mut()
            && let Some(behind) = self.number_from(bucket.end())
        {
            twa.behind(behind.timestamp, behind.value);
        }
        accumulator.value()
    }

    fn accumulate(&self, aggregator: Aggregator, bucket: Bucket, to: u64) -> Accumulator {
        let mut accumulator = Accumulator::new(aggregator, false);
        if let Some(twa) = accumulator.twa_mut() {
            twa.start(bucket.start(), bucket.end());
            if let Some(before) = self.number_before(bucket.start()) {
                twa.before(before.timestamp, before.value);
            }
        }
        self.scan(bucket.start(), to, |times, values| accumulator.extend(times, values));
        accumulator
    }

    /// The last sample before `time` that is not NaN.
    pub(crate) fn number_before(&self, time: u64) -> Option<Sample> {
        let mut columns = crate::chunk::Columns::default();
        let end = self.slots().partition_point(|slot| slot.first < time);
        self.slots().iter().take(end).rev().find_map(|slot| {
            columns.clear();
            slot.chunk.decode(&mut columns);
            columns.iter().rev().find(|sample| sample.timestamp < time && !sample.value.is_nan())
        })
    }

    /// The first sample from `time` on that is not NaN.
    pub(crate) fn number_from(&self, time: u64) -> Option<Sample> {
        let mut columns = crate::chunk::Columns::default();
        self.slots().iter().skip(self.place_of(time)).find_map(|slot| {
            columns.clear();
            slot.chunk.decode(&mut columns);
            columns.iter().find(|sample| sample.timestamp >= time && !sample.value.is_nan())
        })
    }
}
