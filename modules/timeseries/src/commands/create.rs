//! TS.CREATE and TS.ALTER, and series that a sample makes.

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Arity, Command, Row},
    host::Host,
    reply::Reply,
};
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::request::options::Given;
use keyspan_timeseries_core::rule::Rule;
use keyspan_timeseries_core::series::{Label, Options, Series};

use super::{
    CHUNK_SIZE, DUPLICATE_POLICY, ENCODING, IGNORE, KEY, LABELS, RETENTION, existing_mut, row,
    word, words,
};
use crate::policy::Compaction;
use crate::{compaction, registry, settings};

/// `TS.CREATE key [options]`
#[derive(Debug)]
pub struct Create;

impl Command for Create {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates a time series",
        fast: true,
        arguments: &[KEY, RETENTION, ENCODING, CHUNK_SIZE, DUPLICATE_POLICY, IGNORE, LABELS],
        ..row("ts.create", Arity::AtLeast(2), Access::Grow)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let given = Given::parse(words(&args))?;
        let key = word(&mut args, Self::ROW.name)?;
        match host.read(key) {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return Err(Error::Exists),
        }
        make(host, key, given.over(settings::options()));
        host.changed(key, "ts.create");
        host.wake(key);
        reply.ok();
        Ok(())
    }
}

/// Stores a new series, and has replicas do so with every option told: their settings may differ.
fn make<H: Host<Series>>(host: &mut H, key: Arg<'_>, options: Options) {
    replicate_creation(host, key.bytes, &options);
    compaction::store(host, key, Series::new(key.bytes, options));
}

fn replicate_creation<H: Host<Series>>(host: &mut H, key: &[u8], options: &Options) {
    let retention = options.retention_ms.to_string();
    let chunk_size = options.chunk_size.bytes().to_string();
    let time = options.ignore.time_ms_max.to_string();
    let value = options.ignore.value_max.to_string();
    let mut line: Vec<&[u8]> = vec![
        key,
        b"RETENTION",
        retention.as_bytes(),
        b"ENCODING",
        settings::encoding_name(options.encoding).as_bytes(),
        b"CHUNK_SIZE",
        chunk_size.as_bytes(),
        b"IGNORE",
        time.as_bytes(),
        value.as_bytes(),
    ];
    if let Some(policy) = options.duplicate_policy {
        line.extend([&b"DUPLICATE_POLICY"[..], policy.name().as_bytes()]);
    }
    if !options.labels.is_empty() {
        line.push(b"LABELS");
        line.extend(options.labels.iter().flat_map(|label| [&*label.name, &*label.value]));
    }
    host.replicate_as("TS.CREATE", &line);
}

/// Makes the series at `key` that a sample is for, with the rules of the settings. No event tells of
/// it, but that of the sample.
pub(super) fn make_for_sample<H: Host<Series>>(host: &mut H, key: Arg<'_>, given: Given) {
    let options = given.over(settings::options());
    let labels = options.labels.clone();
    make(host, key, options);
    for compaction in &*settings::compactions() {
        make_destination(host, key, &labels, compaction);
    }
}

/// Makes a destination and its rule, unless there is a key of that name.
fn make_destination<H: Host<Series>>(
    host: &mut H,
    key: Arg<'_>,
    labels: &[Label],
    compaction: &Compaction,
) {
    let name = compaction.destination(key.bytes);
    let destination = Arg::named(&name);
    if !matches!(host.read(destination), Ok(None)) {
        return;
    }
    let (aggregator, grid) = (compaction.aggregator, compaction.grid);
    let (bucket, alignment) = (grid.bucket.to_string(), grid.alignment.to_string());
    let label = |name: &str, value: &str| Label {
        name: name.as_bytes().into(),
        value: value.as_bytes().into(),
    };
    let mut labels = labels.to_vec();
    labels.push(label("aggregation", aggregator.upper_name()));
    labels.push(label("time_bucket", &bucket));
    let options = Options { retention_ms: compaction.retention_ms, labels, ..settings::options() };
    make(host, destination, options);
    let words = [
        key.bytes,
        &name,
        b"AGGREGATION",
        aggregator.name().as_bytes(),
        bucket.as_bytes(),
        alignment.as_bytes(),
    ];
    host.replicate_as("TS.CREATERULE", &words);
    if let Ok(Some(series)) = host.write(destination) {
        series.set_source(Some(key.bytes));
    }
    if let Ok(Some(series)) = host.write(key) {
        series.add_rule(Rule::new(name.as_slice().into(), aggregator, grid));
    }
    host.touched(destination);
}

/// `TS.ALTER key [options]`
#[derive(Debug)]
pub struct Alter;

impl Command for Alter {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Changes options of a time series; LABELS replaces all labels",
        complexity: "O(N) where N is the number of labels",
        arguments: &[KEY, RETENTION, CHUNK_SIZE, DUPLICATE_POLICY, IGNORE, LABELS],
        ..row("ts.alter", Arity::AtLeast(2), Access::Grow)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let given = Given::parse(words(&args))?;
        let key = word(&mut args, Self::ROW.name)?;
        let (database, labels) = (host.database(), given.labels.clone());
        let says_nothing = given == Given::default();
        existing_mut(host, key)?.alter(given.alteration());
        if let Some(labels) = labels {
            registry::put(database, key.bytes, &labels);
        }
        if !says_nothing {
            host.changed(key, "ts.alter");
            host.replicate();
        }
        reply.ok();
        Ok(())
    }
}
