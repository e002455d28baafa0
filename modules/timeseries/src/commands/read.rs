//! TS.READ.

use keyspan_common::{
    args::Args,
    command::{Access, Arity, Command, Row},
    host::{Host, WrongType},
    reply::Reply,
};
use keyspan_timeseries_core::error::{Error, ReadFault};
use keyspan_timeseries_core::range::{Query, Rows};
use keyspan_timeseries_core::request::read::{Cursor, Read as Request};
use keyspan_timeseries_core::series::Series;

use super::{DONT_CACHE, KEY, group, integer, row, string, word, words};
use crate::answer::Values;

/// `TS.READ key timestamp [BLOCK milliseconds min_count] [MAX_COUNT count]`
#[derive(Debug)]
pub struct Read;

/// From which time is read.
fn from(series: Option<&Series>, cursor: Cursor) -> u64 {
    let last = series.and_then(Series::last).map(|last| last.timestamp);
    match cursor {
        Cursor::At(time) => time,
        Cursor::Last => last.unwrap_or(0),
        Cursor::New => last.map_or(0, |last| last.saturating_add(1)),
    }
}

/// At most `count` samples from `from` on.
fn read(series: Option<&Series>, from: u64, count: Option<u64>) -> Rows {
    let query = Query { from, count, ..Query::default() };
    let rows = series.and_then(|series| series.snapshot(&query, None).run(&query).ok());
    rows.unwrap_or_else(|| Rows::new(1))
}

/// Whether there are so many samples from `from` on.
fn has(series: Option<&Series>, from: u64, count: u64) -> bool {
    // Most waiting ends with the last sample alone.
    series.and_then(Series::last).is_some_and(|last| last.timestamp >= from)
        && (count == 1 || read(series, from, Some(count)).len() as u64 >= count)
}

impl Command for Read {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the samples from a time on, and waits for them if there are too few",
        complexity: "O(N) where N is the number of samples",
        since: "8.10.0",
        arguments: &[
            KEY,
            string("timestamp"),
            group("block", &[integer("milliseconds"), integer("min_count")])
                .token("BLOCK")
                .optional(),
            integer("max_count").token("MAX_COUNT").optional(),
        ],
        tips: DONT_CACHE,
        ..row("ts.read", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let Request { cursor, wait, max_count } = Request::parse(words(&args))?;
        let key = word(&mut args, Self::ROW.name)?;
        if wait.is_some() && !host.can_wait() {
            return Err(Error::Blocking);
        }
        let wrong = |WrongType| Error::Read(ReadFault::WrongType);
        let series = host.read(key).map_err(wrong)?;
        let from = from(series, cursor);
        match wait {
            Some(wait) if !has(series, from, wait.min_count) => host.wait(
                key,
                wait.timeout_ms,
                move |series, reply| {
                    let is_enough = has(series, from, wait.min_count);
                    if is_enough {
                        Values::new(reply).rows(&read(series, from, max_count));
                    }
                    is_enough
                },
                move |series, reply| Values::new(reply).rows(&read(series, from, max_count)),
            ),
            _ => Values::new(reply).rows(&read(series, from, max_count)),
        }
        Ok(())
    }
}
