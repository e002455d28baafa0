//! What a bucket of samples is worth.
//!
//! Samples are added in runs of columns, so that the kind is looked at once a run and not once a
//! sample. NaN counts for `countNaN` and `countAll` alone; a bucket in which nothing counted has no
//! value.

mod state;
mod twa;

use keyspan_common::rdb::{Error, Read, Write};

pub use twa::Twa;
pub(crate) use twa::between;

use crate::chunk::Sample;
use state::State;

/// How samples are made one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregator {
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The sum.
    Sum,
    /// The mean.
    Avg,
    /// How many.
    Count,
    /// The earliest.
    First,
    /// The latest.
    Last,
    /// The greatest minus the least.
    Range,
    /// Standard deviation of the population.
    StdP,
    /// Standard deviation of a sample of it.
    StdS,
    /// Variance of the population.
    VarP,
    /// Variance of a sample of it.
    VarS,
    /// Mean over time, straight lines being drawn between samples.
    Twa,
    /// How many NaN.
    CountNan,
    /// How many, NaN included.
    CountAll,
}

/// Every aggregator with its name, in the order of their numbers in payloads, from 1 on.
const NAMES: [(Aggregator, &str, &str); 15] = [
    (Aggregator::Min, "min", "MIN"),
    (Aggregator::Max, "max", "MAX"),
    (Aggregator::Sum, "sum", "SUM"),
    (Aggregator::Avg, "avg", "AVG"),
    (Aggregator::Count, "count", "COUNT"),
    (Aggregator::First, "first", "FIRST"),
    (Aggregator::Last, "last", "LAST"),
    (Aggregator::Range, "range", "RANGE"),
    (Aggregator::StdP, "std.p", "STD.P"),
    (Aggregator::StdS, "std.s", "STD.S"),
    (Aggregator::VarP, "var.p", "VAR.P"),
    (Aggregator::VarS, "var.s", "VAR.S"),
    (Aggregator::Twa, "twa", "TWA"),
    (Aggregator::CountNan, "countnan", "COUNTNAN"),
    (Aggregator::CountAll, "countall", "COUNTALL"),
];

impl Aggregator {
    /// The aggregator of a name, in whatever case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let mut names = NAMES.iter();
        names.find(|row| row.1.as_bytes().eq_ignore_ascii_case(name)).map(|row| row.0)
    }

    fn row(self) -> Option<&'static (Self, &'static str, &'static str)> {
        NAMES.iter().find(|row| row.0 == self)
    }

    /// Its name as TS.MRANGE replies it: lower case.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// Its name as TS.INFO replies it, and as keys of automatic rules have it: upper case.
    pub fn upper_name(self) -> &'static str {
        self.row().map_or("", |row| row.2)
    }

    /// Its number in payloads.
    pub(crate) fn number(self) -> u64 {
        let place = NAMES.iter().position(|row| row.0 == self).unwrap_or(0);
        u64::try_from(place).unwrap_or(0) + 1
    }

    pub(crate) fn of_number(number: u64) -> Option<Self> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        NAMES.get(place).map(|row| row.0)
    }

    /// Whether a reducer of GROUPBY may be this one: what asks for no time.
    pub fn can_reduce(self) -> bool {
        !matches!(self, Self::First | Self::Last | Self::Twa)
    }

    /// What an empty bucket is worth where EMPTY asks for it, unless it depends on its neighbours.
    pub(crate) fn of_nothing(self) -> f64 {
        match self {
            Self::Sum | Self::Count | Self::CountNan | Self::CountAll => 0.0,
            Self::Min
            | Self::Max
            | Self::Avg
            | Self::First
            | Self::Last
            | Self::Range
            | Self::StdP
            | Self::StdS
            | Self::VarP
            | Self::VarS
            | Self::Twa => f64::NAN,
        }
    }
}

/// A bucket of samples that is being aggregated.
#[derive(Clone, Debug, PartialEq)]
pub struct Accumulator {
    aggregator: Aggregator,
    /// Whether a sample counted.
    is_valid: bool,
    state: State,
}

impl Accumulator {
    /// An empty bucket. `is_reverse` if samples will come latest first.
    pub fn new(aggregator: Aggregator, is_reverse: bool) -> Self {
        Self { aggregator, is_valid: false, state: State::new(aggregator, is_reverse) }
    }

    /// How the samples are made one value.
    pub fn aggregator(&self) -> Aggregator {
        self.aggregator
    }

    /// Whether no sample counted.
    pub fn is_empty(&self) -> bool {
        !self.is_valid
    }

    /// Adds a run of samples behind those that were added, in the order of the query.
    pub fn extend(&mut self, times: &[u64], values: &[f64]) {
        self.is_valid |= self.state.extend(self.aggregator, times, values);
    }

    /// Adds one sample.
    pub fn add(&mut self, sample: Sample) {
        self.extend(&[sample.timestamp], &[sample.value]);
    }

    /// The value; `None` if no sample counted.
    pub fn value(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.state.value(self.aggregator))
    }

    /// What only a time-weighted mean has.
    pub(crate) fn twa_mut(&mut self) -> Option<&mut Twa> {
        match &mut self.state {
            State::Twa(twa) => Some(twa),
            State::Extremes { .. }
            | State::Single(_)
            | State::First { .. }
            | State::Average(_)
            | State::Moments { .. } => None,
        }
    }

    /// Empties the bucket. A time-weighted mean begins where the last bucket ended
    /// ([`Twa::start`]).
    pub fn reset(&mut self) {
        self.is_valid = false;
        self.state.reset(self.aggregator);
    }

    /// Reads what a rule has of its open bucket.
    pub(crate) fn load<R: Read>(
        aggregator: Aggregator,
        reader: &mut R,
        version: u32,
        is_valid: bool,
    ) -> Result<Self, Error> {
        let state = State::load(aggregator, reader, version)?;
        Ok(Self { aggregator, is_valid, state })
    }

    /// Finds out whether a sample counted: if what is kept of them does not tell, `is_valid`.
    pub(crate) fn validate(&mut self, is_valid: bool) {
        self.is_valid = self.state.is_valid().unwrap_or(is_valid);
    }

    /// Writes it as version 8 and 9 have it.
    pub(crate) fn save<W: Write>(&self, writer: &mut W) {
        self.state.save(writer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_peers() {
        for (number, (aggregator, name, upper)) in (1..).zip(NAMES) {
            assert_eq!(Aggregator::parse(upper.as_bytes()), Some(aggregator));
            assert_eq!(Aggregator::parse(name.as_bytes()), Some(aggregator));
            assert_eq!((aggregator.name(), aggregator.upper_name()), (name, upper));
            assert_eq!(aggregator.number(), number);
            assert_eq!(Aggregator::of_number(number), Some(aggregator));
        }
        assert_eq!(Aggregator::parse(b"bad"), None);
        assert_eq!((Aggregator::of_number(0), Aggregator::of_number(16)), (None, None));
    }
}
