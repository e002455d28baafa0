//! The chunks of a range, shared with the series they are of.

use std::ops::ControlFlow;

use super::{Query, Rows, TooManyRows, buckets::Buckets};
use crate::chunk::{Columns, Sample};
use crate::series::{Series, Slot};

/// Samples that are decoded at once, at most: they stay in the nearest cache.
const BATCH: usize = 1024;

/// A range of a series as it was. Making one: O(chunks of the range), without decoding any, but for
/// two where a time-weighted mean needs the samples beside the range.
#[derive(Clone, Debug)]
pub struct Snapshot {
    slots: Vec<Slot>,
    /// The first millisecond that is asked for and visible.
    from: u64,
    to: u64,
    /// The open bucket of the source, behind all samples.
    latest: Option<Sample>,
    /// The nearest numbers beside the range, where a time-weighted mean asks for them.
    before: Option<Sample>,
    behind: Option<Sample>,
}

impl Series {
    /// What `query` needs of this series. `latest` is what LATEST adds, the open bucket of the
    /// source ([`Rule::latest`](crate::rule::Rule::latest)), if it is later than all samples.
    pub fn snapshot(&self, query: &Query, latest: Option<Sample>) -> Snapshot {
        let (from, to) = (query.from.max(self.visible_from()), query.to);
        let end = self.slots().partition_point(|slot| slot.first <= to);
        let start = self.place_of(from).min(end);
        let slots = self.slots().get(start..end).unwrap_or_default();
        let is_seen = |slot: &&Slot| slot.chunk.last().timestamp >= from;
        let slots = slots.iter().filter(is_seen).cloned().collect();
        let is_later = |latest: &Sample| {
            self.last().is_none_or(|last| latest.timestamp > last.timestamp)
                && (from..=to).contains(&latest.timestamp)
        };
        let is_visible = |before: &Sample| before.timestamp >= self.visible_from();
        let has_twa = query.has_twa() && from <= to;
        Snapshot {
            slots,
            from,
            to,
            latest: latest.filter(is_later),
            before: has_twa.then(|| self.number_before(from)).flatten().filter(is_visible),
            behind: has_twa.then(|| self.number_from(to.saturating_add(1))).flatten(),
        }
    }
}

impl Snapshot {
    /// How many samples there are at most, without decoding: how long [`Self::run`] will take.
    pub fn samples_max(&self) -> u64 {
        self.slots.iter().map(|slot| u64::from(slot.chunk.count())).sum()
    }

    /// The rows of `query`, which the snapshot was taken for. O(samples of the chunks), or until
    /// there are enough rows.
    ///
    /// # Errors
    /// [`TooManyRows`].
    pub fn run(&self, query: &Query) -> Result<Rows, TooManyRows> {
        let Some(aggregation) = &query.aggregation else {
            return Ok(self.samples(query));
        };
        // What an empty bucket is worth may depend on the one before it.
        let is_reverse = query.is_reverse && !aggregation.with_empty;
        let is_turned = query.is_reverse && aggregation.with_empty;
        let most = if is_turned { usize::MAX } else { query.rows_max() };
        let mut buckets = Buckets::new(aggregation, self, is_reverse, most);
        // A time-weighted mean asks for the next number, however far it is.
        let mut all = query.has_twa().then(Columns::default);
        let each = |columns: &Columns| match &mut all {
            Some(all) => {
                all.extend(columns);
                ControlFlow::Continue(())
            }
            None => buckets.push(&columns.times, &columns.values),
        };
        let _ = if is_reverse { self.backward(query, each) } else { self.forward(query, each) };
        if let Some(all) = all {
            let _ = buckets.push(&all.times, &all.values);
        }
        let mut rows = buckets.finish()?;
        if is_turned {
            rows.reverse();
            rows.truncate(query.rows_max());
        }
        Ok(rows)
    }

    /// The samples themselves.
    fn samples(&self, query: &Query) -> Rows {
        let most = query.rows_max();
        let mut rows = Rows::new(1);
        let put = |columns: &Columns| {
            let count = columns.len().min(most - rows.len());
            let times = columns.times.get(..count).unwrap_or_default();
            rows.extend(times, columns.values.get(..count).unwrap_or_default());
            if rows.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let _ = if query.is_reverse { self.backward(query, put) } else { self.forward(query, put) };
        rows
    }

    /// Calls `each` with batches of samples that pass the filters, earliest first.
    fn forward(
        &self,
        query: &Query,
        mut each: impl FnMut(&Columns) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let asked = query.aggregation.as_ref().map_or(query.rows_max(), |_| BATCH);
        let batch = asked.clamp(64, BATCH);
        let mut columns = Columns::default();
        for slot in &self.slots {
            if !query.wants_some(slot.first, slot.chunk.last().timestamp) {
                continue;
            }
            let mut cursor = slot.chunk.cursor();
            cursor.skip_to(self.from);
            loop {
                columns.clear();
                if cursor.read(&mut columns, batch) == 0 {
                    break;
                }
                let is_last = columns.times.last().is_some_and(|&time| time > self.to);
                self.cut(&mut columns);
                query.filter(&mut columns);
                if !columns.is_empty() {
                    each(&columns)?;
                }
                if is_last {
                    break;
                }
            }
        }
        self.latest_of(query, &mut columns);
        if columns.is_empty() { ControlFlow::Continue(()) } else { each(&columns) }
    }

    /// Calls `each` with batches of samples that pass the filters, latest first.
    fn backward(
        &self,
        query: &Query,
        mut each: impl FnMut(&Columns) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut columns = Columns::default();
        self.latest_of(query, &mut columns);
        if !columns.is_empty() {
            each(&columns)?;
        }
        for slot in self.slots.iter().rev() {
            if !query.wants_some(slot.first, slot.chunk.last().timestamp) {
                continue;
            }
            columns.clear();
            slot.chunk.decode(&mut columns);
            self.cut(&mut columns);
            query.filter(&mut columns);
            columns.times.reverse();
            columns.values.reverse();
            if !columns.is_empty() {
                each(&columns)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The sample that LATEST adds, in place of what is in `columns`.
    fn latest_of(&self, query: &Query, columns: &mut Columns) {
        columns.clear();
        if let Some(latest) = self.latest {
            columns.push(latest);
            query.filter(columns);
        }
    }

    /// Takes out what lies outside of the range.
    fn cut(&self, columns: &mut Columns) {
        let is_after = columns.times.last().is_some_and(|&time| time > self.to);
        if is_after {
            let end = columns.times.partition_point(|&time| time <= self.to);
            columns.remove(end, usize::MAX);
        }
        if columns.times.first().is_some_and(|&time| time < self.from) {
            let start = columns.times.partition_point(|&time| time < self.from);
            columns.remove(0, start);
        }
    }

    /// The range.
    pub(super) fn span(&self) -> (u64, u64) {
        (self.from, self.to)
    }

    /// The nearest number before the range, or behind it.
    pub(super) fn beside(&self, is_behind: bool) -> Option<(u64, f64)> {
        let beside = if is_behind { self.behind } else { self.before };
        beside.map(|sample| (sample.timestamp, sample.value))
    }
}
