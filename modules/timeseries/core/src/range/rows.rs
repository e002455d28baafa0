//! What queries find, and how the rows of several series are put together.

use crate::aggregate::{Accumulator, Aggregator};
use crate::chunk::Sample;

/// Times with a value, or one for each aggregator, or for each series.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    width: usize,
    times: Vec<u64>,
    values: Vec<f64>,
}

impl Rows {
    /// No row yet, of `width` values each.
    pub fn new(width: usize) -> Self {
        Self { width, times: Vec::new(), values: Vec::new() }
    }

    /// Values in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Times and values, in the order of the query.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[f64])> {
        self.times.iter().copied().zip(self.values.chunks_exact(self.width.max(1)))
    }

    /// The times alone.
    pub fn times(&self) -> &[u64] {
        &self.times
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Rows of one value each.
    pub(super) fn extend(&mut self, times: &[u64], values: &[f64]) {
        self.times.extend_from_slice(times);
        self.values.extend_from_slice(values);
    }

    pub(super) fn push(&mut self, time: u64, values: impl IntoIterator<Item = f64>) {
        self.times.push(time);
        self.values.extend(values);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.times.truncate(len);
        self.values.truncate(len.saturating_mul(self.width));
    }

    /// Last row first.
    pub(super) fn reverse(&mut self) {
        self.times.reverse();
        self.values.reverse();
        if self.width > 1 {
            self.values.chunks_exact_mut(self.width).for_each(<[f64]>::reverse);
        }
    }

    fn row(&self, index: usize) -> Option<(u64, &[f64])> {
        let start = index.checked_mul(self.width)?;
        let values = self.values.get(start..start.checked_add(self.width)?)?;
        Some((*self.times.get(index)?, values))
    }
}

/// Readers of several lists of rows, at the same time.
struct Merge<'a> {
    series: &'a [Rows],
    places: Vec<usize>,
    /// What each reader stands at, by time; the earliest first, or latest.
    queue: std::collections::BinaryHeap<(u64, std::cmp::Reverse<usize>)>,
    is_reverse: bool,
}

impl<'a> Merge<'a> {
    fn new(series: &'a [Rows], is_reverse: bool) -> Self {
        let places = vec![0; series.len()];
        let mut merge = Self { series, places, queue: Default::default(), is_reverse };
        (0..series.len()).for_each(|index| merge.wait(index));
        merge
    }

    /// A greater key comes first.
    fn key(&self, time: u64) -> u64 {
        if self.is_reverse { time } else { !time }
    }

    fn wait(&mut self, index: usize) {
        let place = self.places.get(index).copied().unwrap_or(usize::MAX);
        let time = self.series.get(index).and_then(|rows| rows.times.get(place));
        if let Some(&time) = time {
            self.queue.push((self.key(time), std::cmp::Reverse(index)));
        }
    }

    /// The next time, and each series that has a row of it, in order.
    fn next(&mut self, mut each: impl FnMut(usize, &'a [f64])) -> Option<u64> {
        let &(key, _) = self.queue.peek()?;
        while let Some(&(same, std::cmp::Reverse(index))) = self.queue.peek()
            && same == key
        {
            self.queue.pop();
            let Some(place) = self.places.get_mut(index) else {
                continue;
            };
            let row = self.series.get(index).and_then(|rows| rows.row(*place));
            *place += 1;
            if let Some((_, values)) = row {
                each(index, values);
            }
            self.wait(index);
        }
        Some(self.key(key))
    }
}

/// GROUPBY: one row for each time at which a series has one, whose value is what `reducer` makes of
/// the series' first values. O(rows log series).
///
/// All series are in the order of `is_reverse`; so is the result, of at most `count` rows.
pub fn reduce(series: &[Rows], reducer: Aggregator, is_reverse: bool, count: Option<u64>) -> Rows {
    let most = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut rows = Rows::new(1);
    let mut merge = Merge::new(series, is_reverse);
    let mut accumulator = Accumulator::new(reducer, false);
    while rows.len() < most {
        accumulator.reset();
        let add = |_, values: &[f64]| {
            let value = values.first().copied().unwrap_or(f64::NAN);
            accumulator.add(Sample { timestamp: 0, value });
        };
        let Some(time) = merge.next(add) else {
            break;
        };
        rows.push(time, [accumulator.value().unwrap_or(reducer.of_nothing())]);
    }
    rows
}

/// TS.NRANGE: one row for each time at which a series has one, with the values of all series, NaN
/// where one has none. O(rows (log series + width)).
///
/// All series are in the order of `is_reverse`; so is the result, of at most `count` rows.
pub fn join(series: &[Rows], is_reverse: bool, count: Option<u64>) -> Rows {
    let most = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut ends = Vec::with_capacity(series.len());
    let mut width: usize = 0;
    for one in series {
        ends.push(width);
        width = width.saturating_add(one.width);
    }
    let mut rows = Rows::new(width);
    let mut merge = Merge::new(series, is_reverse);
    let mut row = vec![f64::NAN; width];
    while rows.len() < most {
        row.fill(f64::NAN);
        let put = |index: usize, values: &[f64]| {
            let start = ends.get(index).copied().unwrap_or(usize::MAX);
            row.iter_mut().skip(start).zip(values).for_each(|(place, &value)| *place = value);
        };
        let Some(time) = merge.next(put) else {
            break;
        };
        rows.push(time, row.iter().copied());
    }
    rows
}
