//! TS.ADD and TS.MADD.

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::{Host, WrongType},
    reply::Reply,
    wire::Wire,
};
use keyspan_timeseries_core::chunk::Sample;
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::request::{options, options::Given, value};
use keyspan_timeseries_core::series::{Added, DuplicatePolicy, Series};

use super::{
    CHUNK_SIZE, DUPLICATE_POLICY, ENCODING, IGNORE, KEY, LABELS, POLICIES, RETENTION, TIMESTAMP,
    VALUE, create, row, word, words,
};
use crate::{compaction, settings};

/// `TS.ADD key timestamp value [options]`
#[derive(Debug)]
pub struct Add;

/// A sample that is there, and how it came to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) added: Added,
    /// The policy that decided, if neither the command nor the series named it.
    pub(super) borrowed: Option<DuplicatePolicy>,
}

/// Adds a sample to the series at `key`, and tells destinations. Neither event nor replication.
pub(super) fn place<H: Host<Series>>(
    host: &mut H,
    key: Arg<'_>,
    sample: Sample,
    policy: Option<DuplicatePolicy>,
) -> Result<Placed, Error> {
    let series = host.write(key)?.ok_or(Error::NotSeries)?;
    let (named, mut borrowed) = (policy.or(series.duplicate_policy()), None);
    let policy = named.unwrap_or_else(|| *borrowed.insert(settings::duplicate_policy()));
    let mut effects = Vec::new();
    let added = series.add(sample, policy, &mut effects)?;
    if !effects.is_empty() {
        compaction::tell(host, key, &effects);
    }
    Ok(Placed { added, borrowed })
}

impl Placed {
    /// The time that is replied.
    pub(super) fn reply(self, sample: Sample) -> i64 {
        let time = match self.added {
            Added::Ignored(last) => last,
            Added::New | Added::Updated | Added::Unchanged => sample.timestamp,
        };
        time.cast_signed()
    }

    /// Whether the series is another one now.
    pub(super) fn is_change(self) -> bool {
        matches!(self.added, Added::New | Added::Updated)
    }
}

/// Hands on the sample with all that its effect depends on.
fn replicate_sample<H: Host<Series>>(
    host: &mut H,
    key: &[u8],
    sample: Sample,
    word: &[u8],
    policy: Option<DuplicatePolicy>,
) {
    let time = sample.timestamp.to_string();
    let mut line: Vec<&[u8]> = vec![key, time.as_bytes(), word];
    if let Some(policy) = policy {
        line.extend([&b"ON_DUPLICATE"[..], policy.name().as_bytes()]);
    }
    host.replicate_as("TS.ADD", &line);
}

impl Command for Add {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds a sample to a time series, which is created with the options if it is not there",
        complexity: "O(M) where M is the number of compaction rules; a sample that is not the last takes O(N) of the samples of its chunk",
        arguments: &[
            KEY,
            TIMESTAMP,
            VALUE,
            RETENTION,
            ENCODING,
            CHUNK_SIZE,
            DUPLICATE_POLICY,
            Argument::new("policy_ovr", ArgumentKind::OneOf)
                .token("ON_DUPLICATE")
                .optional()
                .parts(POLICIES),
            IGNORE,
            LABELS,
        ],
        ..row("ts.add", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let words = words(&args);
        let key = word(&mut args, Self::ROW.name)?;
        let time = word(&mut args, Self::ROW.name)?.bytes;
        let text = word(&mut args, Self::ROW.name)?.bytes;
        let value = value::value(text)?;
        let given_time = value::timestamp(time)?;
        let timestamp = given_time.unwrap_or_else(|| host.now_ms());
        let sample = Sample { timestamp, value };
        let is_there = match host.read(key) {
            Ok(series) => series.is_some(),
            Err(WrongType) => return Err(Error::NotSeries),
        };
        let has_options = !args.is_empty();
        let policy = if is_there && has_options {
            options::duplicate_policy(words, "ON_DUPLICATE")?
        } else {
            None
        };
        if !is_there {
            let given = if has_options { Given::parse(words)? } else { Given::default() };
            create::make_for_sample(host, key, given);
        }
        let placed = place(host, key, sample, policy)?;
        if placed.is_change() {
            if is_there && given_time.is_some() && placed.borrowed.is_none() {
                host.replicate();
            } else {
                replicate_sample(host, key.bytes, sample, text, policy.or(placed.borrowed));
            }
            host.changed(key, "ts.add");
            host.wake(key);
        }
        reply.integer(placed.reply(sample));
        Ok(())
    }
}

/// `TS.MADD key timestamp value [key timestamp value ...]`
#[derive(Debug)]
pub struct MAdd;

/// One sample of MADD: what it became, and the sample.
fn add_one<H: Host<Series>>(
    host: &mut H,
    key: Arg<'_>,
    time: &[u8],
    text: &[u8],
) -> Result<(Placed, Sample), Error> {
    if !matches!(host.read(key), Ok(Some(_))) {
        return Err(Error::NotSeries);
    }
    let value = value::value(text)?;
    let timestamp = value::timestamp(time)?.unwrap_or_else(|| host.now_ms());
    let sample = Sample { timestamp, value };
    Ok((place(host, key, sample, None)?, sample))
}

impl Command for MAdd {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds samples to time series that are there",
        complexity: "O(N * M) where N is the number of samples and M the number of compaction rules",
        keys: Keys::Range { first: 1, last: -1, step: 3 },
        arguments: &[Argument::new("ktv", ArgumentKind::Block)
            .parts(&[KEY, TIMESTAMP, VALUE])
            .multiple()],
        ..row("ts.madd", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        if !args.len().is_multiple_of(3) {
            return Err(Error::Arity(Self::ROW.name));
        }
        reply.array(args.len() / 3);
        while !args.is_empty() {
            let key = word(&mut args, Self::ROW.name)?;
            let time = word(&mut args, Self::ROW.name)?.bytes;
            let text = word(&mut args, Self::ROW.name)?.bytes;
            match add_one(host, key, time, text) {
                Ok((placed, sample)) => {
                    if placed.is_change() {
                        replicate_sample(host, key.bytes, sample, text, placed.borrowed);
                        host.changed(key, "ts.add");
                        host.wake(key);
                    }
                    reply.integer(placed.reply(sample));
                }
                Err(error) => reply.error(&error.wire()),
            }
        }
        Ok(())
    }
}
