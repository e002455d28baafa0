//! TS.INCRBY and TS.DECRBY.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number::parse_f64,
    reply::Reply,
};
use keyspan_timeseries_core::chunk::Sample;
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::request::{options::Given, value, words::Words};
use keyspan_timeseries_core::series::{DuplicatePolicy, Series};

use super::{
    CHUNK_SIZE, DUPLICATE_POLICY, ENCODING, IGNORE, KEY, LABELS, RETENTION, add, create, row, word,
    words,
};

/// `TS.INCRBY key addend [TIMESTAMP timestamp] [options]`
#[derive(Debug)]
pub struct IncrBy;

/// `TS.DECRBY key subtrahend [TIMESTAMP timestamp] [options]`
#[derive(Debug)]
pub struct DecrBy;

const TIMESTAMP: Argument =
    Argument::new("timestamp", ArgumentKind::String).token("TIMESTAMP").optional();

/// The time that the command names; `None` for the present.
fn time(words: Words<'_>) -> Result<Option<u64>, Error> {
    let words = words.behind_key();
    let place = words.find("TIMESTAMP").and_then(|place| words.get(place + 1));
    let Some(word) = place else { return Ok(None) };
    // What is before all samples is before the last one.
    value::timestamp(word).map_err(|error| {
        let is_negative = error == Error::TimestampNegative;
        if is_negative { Error::IncrementOld } else { Error::IncrementTimestamp }
    })
}

/// Adds `sign` times the word's number to the last value.
fn increase<H: Host<Series>>(
    host: &mut H,
    mut args: Args<'_>,
    reply: &mut dyn Reply,
    (name, event, sign): (&'static str, &'static str, f64),
) -> Result<(), Error> {
    let words = words(&args);
    let key = word(&mut args, name)?;
    let base = host.read(key)?.map(|series| series.last().is_some());
    let given = if base.is_none() { Given::parse(words)? } else { Given::default() };
    let text = word(&mut args, name)?.bytes;
    let delta = parse_f64(text).filter(|delta| !delta.is_nan()).ok_or(Error::Increment)?;
    let timestamp = time(words)?.unwrap_or_else(|| host.now_ms());
    let before = match host.read(key)? {
        Some(series) => series.increment_base(timestamp)?,
        None => 0.0,
    };
    let value = sign.mul_add(delta, before);
    if value.is_infinite() {
        return Err(Error::Value);
    }
    if base.is_none() {
        create::make_for_sample(host, key, given);
    }
    let sample = Sample { timestamp, value };
    let placed = add::place(host, key, sample, Some(DuplicatePolicy::Last))?;
    if placed.is_change() {
        let time = timestamp.to_string();
        host.replicate_as(name, &[key.bytes, text, b"TIMESTAMP", time.as_bytes()]);
        host.changed(key, event);
        host.wake(key);
    }
    reply.integer(placed.reply(sample));
    Ok(())
}

impl Command for IncrBy {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds a sample that is so much more than the last one; creates the time series with the options if it is not there",
        complexity: "O(M) where M is the number of compaction rules",
        arguments: &[
            KEY,
            Argument::new("addend", ArgumentKind::Double),
            TIMESTAMP,
            RETENTION,
            ENCODING,
            CHUNK_SIZE,
            DUPLICATE_POLICY,
            IGNORE,
            LABELS,
        ],
        ..row("ts.incrby", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        increase(host, args, reply, (Self::ROW.name, "ts.incrby", 1.0))
    }
}

impl Command for DecrBy {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds a sample that is so much less than the last one; creates the time series with the options if it is not there",
        complexity: "O(M) where M is the number of compaction rules",
        arguments: &[
            KEY,
            Argument::new("subtrahend", ArgumentKind::Double),
            TIMESTAMP,
            RETENTION,
            ENCODING,
            CHUNK_SIZE,
            DUPLICATE_POLICY,
            IGNORE,
            LABELS,
        ],
        ..row("ts.decrby", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        increase(host, args, reply, (Self::ROW.name, "ts.decrby", -1.0))
    }
}
