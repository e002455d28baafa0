//! What an aggregator keeps of the samples it saw: the fields of a rule's context in payloads.

use keyspan_common::rdb::{Error, Read, Write};

use super::{Aggregator, Twa};

/// A sum, or from where it would be infinite on, a mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Average {
    sum: f64,
    count: f64,
    is_mean: bool,
}

/// What is kept of samples.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Extremes { max: f64, min: f64 },
    Single(f64),
    First { value: f64, is_unset: bool },
    Average(Average),
    Moments { sum: f64, squares: f64, count: u64 },
    Twa(Twa),
}

impl Average {
    /// A run whose sum stays far from the greatest double, and has no NaN, is summed without a look
    /// at each.
    fn extend(&mut self, values: &[f64]) {
        let sum = values.iter().fold(self.sum, |sum, value| sum + value);
        if self.is_mean || sum.is_nan() || sum.abs() > f64::MAX / 2.0 {
            return numbers(values).for_each(|value| self.add(value));
        }
        self.sum = sum;
        self.count += double(values.len());
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let is_same_sign = (self.sum < 0.0) == (value < 0.0);
        let overflows = is_same_sign && self.sum.abs() > f64::MAX - value.abs();
        if !self.is_mean && !overflows {
            self.sum += value;
            return;
        }
        if !self.is_mean {
            self.sum /= self.count - 1.0;
            self.is_mean = true;
        }
        self.sum = self.sum / self.count * (self.count - 1.0) + value / self.count;
    }

    fn value(&self) -> f64 {
        if self.is_mean { self.sum } else { self.sum / self.count }
    }
}

fn numbers(values: &[f64]) -> impl DoubleEndedIterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| !value.is_nan())
}

/// As a double, rounded.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn double(count: usize) -> f64 {
    count as f64
}

/// The first of the greatest numbers; NaN is not greater than any.
fn greatest(start: f64, values: &[f64]) -> f64 {
    extreme(start, values, |most, value| if value > most { value } else { most })
}

/// The first of the least numbers.
fn least(start: f64, values: &[f64]) -> f64 {
    extreme(start, values, |least, value| if value < least { value } else { least })
}

/// Four comparisons beside each other, which do not wait for one another.
#[inline(always)]
fn extreme(start: f64, values: &[f64], pick: impl Fn(f64, f64) -> f64) -> f64 {
    let (groups, rest) = values.as_chunks::<4>();
    let [mut a, mut b, mut c, mut d] = [start; 4];
    for &[w, x, y, z] in groups {
        (a, b, c, d) = (pick(a, w), pick(b, x), pick(c, y), pick(d, z));
    }
    let found = rest.iter().chain(&[a, b, c, d]).fold(start, |found, &value| pick(found, value));
    // Of two zeros the first one counts.
    if found == 0.0 { values.iter().fold(start, |found, &value| pick(found, value)) } else { found }
}

/// Variance of the population, computed as the peer does.
fn variance(sum: f64, squares: f64, count: f64) -> f64 {
    let mean = sum / count;
    (squares - 2.0 * sum * mean + mean * mean * count) / count
}

impl State {
    pub(super) fn new(aggregator: Aggregator, is_reverse: bool) -> Self {
        match aggregator {
            Aggregator::Min | Aggregator::Max | Aggregator::Range => {
                Self::Extremes { max: f64::MIN, min: f64::MAX }
            }
            Aggregator::Sum | Aggregator::Count | Aggregator::CountNan | Aggregator::CountAll => {
                Self::Single(0.0)
            }
            // Latest first, the last is the first one.
            Aggregator::First if is_reverse => Self::Single(0.0),
            Aggregator::Last if !is_reverse => Self::Single(0.0),
            Aggregator::First | Aggregator::Last => Self::First { value: 0.0, is_unset: true },
            Aggregator::Avg => Self::Average(Average::default()),
            Aggregator::StdP | Aggregator::StdS | Aggregator::VarP | Aggregator::VarS => {
                Self::Moments { sum: 0.0, squares: 0.0, count: 0 }
            }
            Aggregator::Twa => Self::Twa(Twa::new(is_reverse)),
        }
    }

    /// Returns whether a sample counted.
    pub(super) fn extend(&mut self, aggregator: Aggregator, times: &[u64], values: &[f64]) -> bool {
        match self {
            Self::Extremes { max, min } => {
                // What is not asked for stays as it is, as the peer leaves it.
                if aggregator != Aggregator::Min {
                    *max = greatest(*max, values);
                }
                if aggregator != Aggregator::Max {
                    *min = least(*min, values);
                }
            }
            Self::Single(sum) if aggregator == Aggregator::Sum => {
                let all = values.iter().fold(*sum, |sum, value| sum + value);
                let counted = || numbers(values).fold(*sum, |sum, value| sum + value);
                *sum = if all.is_nan() { counted() } else { all };
            }
            Self::Single(latest) if matches!(aggregator, Aggregator::Last | Aggregator::First) => {
                *latest = numbers(values).next_back().unwrap_or(*latest);
            }
            Self::Single(counted) => {
                let more = match aggregator {
                    Aggregator::CountAll => values.len(),
                    Aggregator::CountNan => values.len() - numbers(values).count(),
                    Aggregator::Count
                    | Aggregator::Min
                    | Aggregator::Max
                    | Aggregator::Sum
                    | Aggregator::Avg
                    | Aggregator::First
                    | Aggregator::Last
                    | Aggregator::Range
                    | Aggregator::StdP
                    | Aggregator::StdS
                    | Aggregator::VarP
                    | Aggregator::VarS
                    | Aggregator::Twa => numbers(values).count(),
                };
                *counted += double(more);
                return more > 0;
            }
            Self::First { value, is_unset } => {
                if *is_unset && let Some(first) = numbers(values).next() {
                    (*value, *is_unset) = (first, false);
                }
            }
            Self::Average(average) => average.extend(values),
            Self::Moments { sum, squares, count } => {
                let add =
                    |(sum, squares): (f64, f64), value: f64| (sum + value, squares + value * value);
                let all = values.iter().copied().fold((*sum, *squares), add);
                let mut more = values.len();
                (*sum, *squares) = if all.0.is_nan() || all.1.is_nan() {
                    more = numbers(values).count();
                    numbers(values).fold((*sum, *squares), add)
                } else {
                    all
                };
                *count = count.saturating_add(u64::try_from(more).unwrap_or(0));
            }
            Self::Twa(twa) => {
                for (&time, &value) in times.iter().zip(values) {
                    if !value.is_nan() {
                        twa.add(time, value);
                    }
                }
            }
        }
        numbers(values).next().is_some()
    }

    /// The value of at least one sample.
    pub(super) fn value(&self, aggregator: Aggregator) -> f64 {
        match self {
            Self::Extremes { max, .. } if aggregator == Aggregator::Max => *max,
            Self::Extremes { min, .. } if aggregator == Aggregator::Min => *min,
            Self::Extremes { max, min } => max - min,
            Self::Single(value) | Self::First { value, .. } => *value,
            Self::Average(average) => average.value(),
            Self::Moments { sum, squares, count } => spread(
                aggregator,
                *sum,
                *squares,
                double(usize::try_from(*count).unwrap_or(usize::MAX)),
            ),
            Self::Twa(twa) => twa.value(),
        }
    }

    pub(super) fn reset(&mut self, aggregator: Aggregator) {
        let is_reverse = match self {
            Self::Twa(twa) => return twa.reset(),
            Self::First { .. } => aggregator == Aggregator::Last,
            Self::Single(_) => aggregator == Aggregator::First,
            Self::Extremes { .. } | Self::Average(_) | Self::Moments { .. } => false,
        };
        *self = Self::new(aggregator, is_reverse);
    }

    /// Whether a sample counted, as far as what is kept of them tells it.
    pub(super) fn is_valid(&self) -> Option<bool> {
        match self {
            Self::Extremes { max, min } => Some(*max > f64::MIN || *min < f64::MAX),
            Self::Single(_) => None,
            Self::First { is_unset, .. } => Some(!is_unset),
            Self::Average(average) => Some(average.count > 0.0),
            Self::Moments { count, .. } => Some(*count > 0),
            Self::Twa(twa) => Some(!twa.is_empty()),
        }
    }

    pub(super) fn load<R: Read>(
        aggregator: Aggregator,
        reader: &mut R,
        version: u32,
    ) -> Result<Self, Error> {
        let mut state = Self::new(aggregator, false);
        match &mut state {
            Self::Extremes { max, min } => {
                (*max, *min) = (reader.double()?, reader.double()?);
                // A byte that says whether the bucket is empty.
                if version < 6 && reader.bytes()?.as_ref().first().is_some_and(|&byte| byte != 0) {
                    (*max, *min) = (f64::MIN, f64::MAX);
                }
            }
            Self::Single(value) => {
                *value = reader.double()?;
                if (3..7).contains(&version) {
                    reader.unsigned()?;
                }
            }
            Self::First { value, is_unset } => {
                *value = reader.double()?;
                *is_unset = version >= 3 && reader.unsigned()? != 0;
            }
            Self::Average(Average { sum, count, is_mean }) => {
                (*sum, *count) = (reader.double()?, reader.double()?);
                *is_mean = version >= 4 && reader.unsigned()? != 0;
            }
            Self::Moments { sum, squares, count } => {
                (*sum, *squares) = (reader.double()?, reader.double()?);
                *count = reader.unsigned()?;
            }
            Self::Twa(twa) => *twa = Twa::load(reader)?,
        }
        Ok(state)
    }

    pub(super) fn save<W: Write>(&self, writer: &mut W) {
        match self {
            Self::Extremes { max, min } => {
                writer.double(*max);
                writer.double(*min);
            }
            Self::Single(value) => writer.double(*value),
            Self::First { value, is_unset } => {
                writer.double(*value);
                writer.unsigned(u64::from(*is_unset));
            }
            Self::Average(Average { sum, count, is_mean }) => {
                writer.double(*sum);
                writer.double(*count);
                writer.unsigned(u64::from(*is_mean));
            }
            Self::Moments { sum, squares, count } => {
                writer.double(*sum);
                writer.double(*squares);
                writer.unsigned(*count);
            }
            Self::Twa(twa) => twa.save(writer),
        }
    }
}

fn spread(aggregator: Aggregator, sum: f64, squares: f64, count: f64) -> f64 {
    let population = variance(sum, squares, count);
    let sample = if count < 2.0 { 0.0 } else { population * count / (count - 1.0) };
    let is_sample = matches!(aggregator, Aggregator::VarS | Aggregator::StdS);
    let variance = if is_sample { sample } else { population };
    let is_variance = matches!(aggregator, Aggregator::VarP | Aggregator::VarS);
    if is_variance { variance } else { variance.sqrt() }
}
