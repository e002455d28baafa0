//! TS.RANGE and TS.REVRANGE.

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    reply::Reply,
};
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::range::{Query, Snapshot};
use keyspan_timeseries_core::request::range::Range as Request;
use keyspan_timeseries_core::series::Series;

use super::{KEY, existing, group, integer, row, string, token, word, words};
use crate::{answer::Values, budget::Budget, compaction};

/// `TS.RANGE key fromTimestamp toTimestamp [options]`
#[derive(Debug)]
pub struct Range;

/// `TS.REVRANGE key fromTimestamp toTimestamp [options]`
#[derive(Debug)]
pub struct RevRange;

pub(super) const FROM: Argument = string("fromTimestamp");
pub(super) const TO: Argument = string("toTimestamp");
pub(super) const LATEST: Argument = token("latest", "LATEST").optional();
pub(super) const BY_TS: Argument = integer("timestamp").token("FILTER_BY_TS").optional().multiple();
pub(super) const BY_VALUE: Argument = group(
    "filterByValue",
    &[Argument::new("min", ArgumentKind::Double), Argument::new("max", ArgumentKind::Double)],
)
.token("FILTER_BY_VALUE")
.optional();
pub(super) const COUNT: Argument = integer("count").token("COUNT").optional();
pub(super) const ALIGN: Argument = string("align").token("ALIGN").optional();
pub(super) const BUCKET_TIMESTAMP: Argument = string("bt").token("BUCKETTIMESTAMP").optional();
pub(super) const EMPTY: Argument = token("empty", "EMPTY").optional();
pub(super) const AGGREGATION: Argument = group(
    "aggregation",
    &[
        ALIGN,
        string("aggregator").token("AGGREGATION"),
        integer("bucketDuration"),
        BUCKET_TIMESTAMP,
        EMPTY,
    ],
)
.optional();
const ARGUMENTS: &[Argument] = &[KEY, FROM, TO, LATEST, BY_TS, BY_VALUE, COUNT, AGGREGATION];

/// Samples that are read on the main thread; handing more to another one costs less than they do.
pub(super) const INLINE_MAX: u64 = 20_000;

/// What a query asks of the series at `key`.
pub(super) fn snapshot<H: Host<Series>>(
    host: &mut H,
    key: Arg<'_>,
    query: &Query,
    latest: bool,
) -> Result<Snapshot, Error> {
    let series = existing(host, key)?;
    if !latest || series.source().is_none() {
        return Ok(series.snapshot(query, None));
    }
    let latest = compaction::latest_of(host, key);
    Ok(existing(host, key)?.snapshot(query, latest))
}

fn range<H: Host<Series>>(
    host: &mut H,
    mut args: Args<'_>,
    reply: &mut dyn Reply,
    (name, is_reverse): (&'static str, bool),
) -> Result<(), Error> {
    let words = words(&args);
    let key = word(&mut args, name)?;
    let request = Request::parse(words.behind_key(), 1);
    // What is wrong with the key is told first.
    let request = request.or_else(|error| existing(host, key).and(Err(error)));
    let Request { mut query, latest } = request?;
    query.is_reverse = is_reverse;
    let snapshot = snapshot(host, key, &query, latest)?;
    let rows = Budget::new().run(&snapshot, &mut query)?;
    Values::new(reply).rows(&rows);
    Ok(())
}

impl Command for Range {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the samples between two times, or buckets of them",
        complexity: "O(N) where N is the number of samples of the chunks between",
        arguments: ARGUMENTS,
        ..row("ts.range", Arity::AtLeast(4), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        range(host, args, reply, (Self::ROW.name, false))
    }
}

impl Command for RevRange {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the samples between two times, or buckets of them, the last one first",
        complexity: "O(N) where N is the number of samples of the chunks between",
        since: "1.4.0",
        arguments: ARGUMENTS,
        ..row("ts.revrange", Arity::AtLeast(4), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        range(host, args, reply, (Self::ROW.name, true))
    }
}
