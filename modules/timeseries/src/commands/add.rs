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
use keyspan_timeseries_core::request::{options, options::Given, value, words::Words};
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
///
/// # Errors
/// [`Error::Missing`] if there is no series.
pub(super) fn place<H: Host<Series>>(
    host: &mut H,
    key: Arg<'_>,
    sample: Sample,
    policy: Option<DuplicatePolicy>,
) -> Result<Placed, Error> {
    let series = host.write(key).map_err(|WrongType| Error::NotSeries)?;
    let series = series.ok_or(Error::Missing)?;
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
        let policy = if args.is_empty() { None } else { policy(host, key, words)? };
        let (placed, is_new) = match place(host, key, sample, policy) {
            Err(Error::Missing) => {
                create::make_for_sample(host, key, Given::parse(words)?);
                (place(host, key, sample, policy)?, true)
            }
            placed => (placed?, false),
        };
        if placed.is_change() {
            if !is_new && given_time.is_some() && placed.borrowed.is_none() {
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

/// ON_DUPLICATE, which is only looked at if there is a series.
fn policy<H: Host<Series>>(
    host: &mut H,
    key: Arg<'_>,
    words: Words<'_>,
) -> Result<Option<DuplicatePolicy>, Error> {
    match host.read(key) {
        Ok(Some(_)) => options::duplicate_policy(words, "ON_DUPLICATE"),
        Ok(None) => Ok(None),
        Err(WrongType) => Err(Error::NotSeries),
    }
}

/// `TS.MADD key timestamp value [key timestamp value ...]`
#[derive(Debug)]
pub struct MAdd;

/// One sample of MADD, as its words say it.
#[derive(Clone, Copy)]
struct Told<'a> {
    key: Arg<'a>,
    time: &'a [u8],
    text: &'a [u8],
}

/// What became of the samples of MADD that changed something, for replicas.
struct Changes<'a> {
    made: Vec<(Told<'a>, Sample, Option<DuplicatePolicy>)>,
    /// Whether the command line says all that there is to say.
    is_plain: bool,
}

impl<'a> Changes<'a> {
    fn add<H: Host<Series>>(&mut self, host: &mut H, told: Told<'a>) -> Result<i64, Error> {
        let outcome = self.try_add(host, told);
        self.is_plain &= outcome.is_ok();
        outcome
    }

    fn try_add<H: Host<Series>>(&mut self, host: &mut H, told: Told<'a>) -> Result<i64, Error> {
        let value = value::value(told.text)?;
        let given = value::timestamp(told.time)?;
        let sample = Sample { timestamp: given.unwrap_or_else(|| host.now_ms()), value };
        let placed = place(host, told.key, sample, None)
            .map_err(|error| if error == Error::Missing { Error::NotSeries } else { error })?;
        self.is_plain &= given.is_some() && placed.borrowed.is_none();
        if placed.is_change() {
            self.made.push((told, sample, placed.borrowed));
            host.changed(told.key, "ts.add");
            host.wake(told.key);
        }
        Ok(placed.reply(sample))
    }

    fn replicate<H: Host<Series>>(self, host: &mut H) {
        if self.is_plain && !self.made.is_empty() {
            return host.replicate();
        }
        for (told, sample, policy) in self.made {
            replicate_sample(host, told.key.bytes, sample, told.text, policy);
        }
    }
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
        let mut changes = Changes { made: Vec::new(), is_plain: true };
        while !args.is_empty() {
            let key = word(&mut args, Self::ROW.name)?;
            let time = word(&mut args, Self::ROW.name)?.bytes;
            let text = word(&mut args, Self::ROW.name)?.bytes;
            match changes.add(host, Told { key, time, text }) {
                Ok(time) => reply.integer(time),
                Err(error) => reply.error(&error.wire()),
            }
        }
        changes.replicate(host);
        Ok(())
    }
}
