//! The mean over time of what straight lines between samples draw.
//!
//! A bucket knows the last sample before it, if there is one, and at its end the first one behind it:
//! the lines to them count from the bucket's border on. Without one, the bucket's own first or last
//! sample is the border. Latest first, before and behind change places, and so do the borders.

use keyspan_common::rdb::{Error, Read, Write};

/// A bucket of a time-weighted mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Twa {
    /// Area under the lines, in value times milliseconds.
    area: f64,
    /// The last sample that was seen.
    time: u64,
    value: f64,
    /// The bucket's borders, as the samples come.
    start: u64,
    end: u64,
    /// From where to where there are lines.
    first: u64,
    last: u64,
    /// Whether no sample was seen before the bucket.
    is_first: bool,
    /// Samples in the bucket.
    count: u64,
    is_reverse: bool,
}

/// The value at `at` of the line through two samples.
pub(crate) fn between(from: (u64, f64), to: (u64, f64), at: u64) -> f64 {
    let part = double(at.abs_diff(from.0)) / double(to.0.abs_diff(from.0));
    from.1 + (to.1 - from.1) * part
}

/// A border, or the end of the line that does not reach it: a range may begin within a bucket.
fn within(border: u64, from: u64, to: u64) -> u64 {
    border.clamp(from.min(to), from.max(to))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds: below 2^53 for 285,000 years")]
fn double(time: u64) -> f64 {
    time as f64
}

impl Twa {
    pub(super) fn new(is_reverse: bool) -> Self {
        Self { is_first: true, is_reverse, ..Self::default() }
    }

    /// The bucket goes from `start` to `end`, whichever is earlier.
    pub fn start(&mut self, start: u64, end: u64) {
        let (low, high) = (start.min(end), start.max(end));
        (self.start, self.end) = if self.is_reverse { (high, low) } else { (low, high) };
    }

    /// The last sample before the bucket.
    pub fn before(&mut self, time: u64, value: f64) {
        self.is_first = false;
        (self.time, self.value, self.last) = (time, value, time);
    }

    /// The last sample that was seen, in the bucket or before.
    pub fn seen(&self) -> Option<(u64, f64)> {
        (!self.is_first || self.count > 0).then_some((self.time, self.value))
    }

    pub(super) fn add(&mut self, time: u64, value: f64) {
        self.count = self.count.saturating_add(1);
        if self.count > 1 {
            self.line(self.time, self.value, time, value);
        } else if self.is_first {
            self.first = time;
        } else {
            self.first = within(self.start, self.time, time);
            let border = between((self.time, self.value), (time, value), self.first);
            self.line(self.first, border, time, value);
        }
        (self.time, self.value, self.last) = (time, value, time);
    }

    /// The first sample behind the bucket.
    pub fn behind(&mut self, time: u64, value: f64) {
        if self.count == 0 {
            return;
        }
        self.last = within(self.end, self.time, time);
        let border = between((self.time, self.value), (time, value), self.last);
        self.line(self.time, self.value, self.last, border);
    }

    fn line(&mut self, from: u64, start: f64, to: u64, end: f64) {
        self.area += (start + end) * double(to.abs_diff(from)) / 2.0;
    }

    pub(super) fn value(&self) -> f64 {
        let span = self.last.abs_diff(self.first);
        if span == 0 { self.value } else { self.area / double(span) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// An empty bucket, with nothing before it.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.is_reverse);
    }

    pub(super) fn load<R: Read>(reader: &mut R) -> Result<Self, Error> {
        Ok(Self {
            area: reader.double()?,
            time: reader.unsigned()?,
            value: reader.double()?,
            start: reader.unsigned()?,
            end: reader.unsigned()?,
            first: reader.unsigned()?,
            last: reader.unsigned()?,
            is_first: reader.unsigned()? != 0,
            count: reader.unsigned()?,
            is_reverse: reader.unsigned()? != 0,
        })
    }

    pub(super) fn save<W: Write>(&self, writer: &mut W) {
        writer.double(self.area);
        writer.unsigned(self.time);
        writer.double(self.value);
        for number in [self.start, self.end, self.first, self.last] {
            writer.unsigned(number);
        }
        writer.unsigned(u64::from(self.is_first));
        writer.unsigned(self.count);
        writer.unsigned(u64::from(self.is_reverse));
    }
}
