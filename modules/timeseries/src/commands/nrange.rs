//! TS.NRANGE and TS.NREVRANGE.

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
    wire::Wire,
};
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::range::{Query, Rows, Snapshot, join};
use keyspan_timeseries_core::request::range::{Lists, Range};
use keyspan_timeseries_core::request::words::Words;
use keyspan_timeseries_core::series::Series;

use super::range::{AGGREGATION, BY_TS, BY_VALUE, COUNT, FROM, INLINE_MAX, LATEST, TO, snapshot};
use super::{KEY, integer, row, word, words};
use crate::{answer::Values, budget::Budget, settings};

/// `TS.NRANGE numkeys key [key ...] fromTimestamp toTimestamp [options]`
#[derive(Debug)]
pub struct NRange;

/// `TS.NREVRANGE numkeys key [key ...] fromTimestamp toTimestamp [options]`
#[derive(Debug)]
pub struct NRevRange;

const ARGUMENTS: &[Argument] =
    &[integer("numkeys"), KEY.multiple(), FROM, TO, LATEST, BY_TS, BY_VALUE, COUNT, AGGREGATION];

/// What is asked of each key, and how many rows are told.
struct Task {
    parts: Vec<(Snapshot, Query)>,
    is_reverse: bool,
    count: Option<u64>,
}

impl Task {
    fn samples_max(&self) -> u64 {
        self.parts.iter().map(|(snapshot, _)| snapshot.samples_max()).sum()
    }

    fn run(self) -> Result<Rows, Error> {
        let mut budget = Budget::new();
        let run = |(snapshot, mut query): (Snapshot, Query)| budget.run(&snapshot, &mut query);
        let series: Vec<Rows> = self.parts.into_iter().map(run).collect::<Result<_, _>>()?;
        Ok(join(&series, self.is_reverse, self.count))
    }
}

/// The keys, and the words behind them with one before for a name.
fn keys<'a>(args: &mut Args<'a>, name: &'static str) -> Result<(Vec<Arg<'a>>, Words<'a>), Error> {
    let all = words(args);
    let numkeys = keyspan_common::number::parse_i64(word(args, name)?.bytes);
    let numkeys = numkeys.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
    let numkeys = numkeys.ok_or(Error::Numkeys)?;
    // The two ends stand behind the keys.
    if numkeys > args.len().saturating_sub(2) {
        return Err(Error::Arity(name));
    }
    let mut keys = Vec::with_capacity(numkeys);
    for _ in 0..numkeys {
        keys.push(word(args, name)?);
    }
    Ok((keys, Words(all.part(1 + numkeys, all.len()))))
}

fn task<H: Host<Series>>(
    host: &mut H,
    mut args: Args<'_>,
    (name, is_reverse): (&'static str, bool),
) -> Result<Task, Error> {
    let (keys, rest) = keys(&mut args, name)?;
    let (range, lists) = Range::parse_lists(rest, 1, Lists::Each(keys.len()))?;
    // Rows are counted when they are put together.
    let Range { query, latest } = range;
    let count = query.count;
    let query = Query { is_reverse, count: None, ..query };
    let mut lists = lists.into_iter();
    let mut parts = Vec::with_capacity(keys.len());
    for key in keys {
        let mut query = query.clone();
        if let Some(aggregation) = &mut query.aggregation {
            aggregation.aggregators = lists.next().unwrap_or_default();
        }
        parts.push((snapshot(host, key, &query, latest)?, query));
    }
    Ok(Task { parts, is_reverse, count })
}

fn answer(rows: Result<Rows, Error>, reply: &mut dyn Reply) {
    match rows {
        Ok(rows) => Values::new(reply).nested_rows(&rows),
        Err(error) => reply.error(&error.wire()),
    }
}

fn n_range<H: Host<Series>>(
    host: &mut H,
    args: Args<'_>,
    reply: &mut dyn Reply,
    which: (&'static str, bool),
) -> Result<(), Error> {
    let task = task(host, args, which)?;
    if task.samples_max() <= INLINE_MAX {
        Values::new(reply).nested_rows(&task.run()?);
    } else {
        settings::apply_threads();
        host.spawn(reply, move || task.run(), answer);
    }
    Ok(())
}

impl Command for NRange {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the samples between two times of several time series, or buckets of them, side by side",
        complexity: "O(N * M) where N is the number of keys and M that of samples of the chunks between",
        since: "8.10.0",
        keys: Keys::Counted { count: 1 },
        arguments: ARGUMENTS,
        ..row("ts.nrange", Arity::AtLeast(5), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        n_range(host, args, reply, (Self::ROW.name, false))
    }
}

impl Command for NRevRange {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the samples between two times of several time series, or buckets of them, side by side, the last ones first",
        complexity: "O(N * M) where N is the number of keys and M that of samples of the chunks between",
        since: "8.10.0",
        keys: Keys::Counted { count: 1 },
        arguments: ARGUMENTS,
        ..row("ts.nrevrange", Arity::AtLeast(5), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        n_range(host, args, reply, (Self::ROW.name, true))
    }
}
