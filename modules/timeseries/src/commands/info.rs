//! TS.INFO.

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Arity, Command, Row},
    data_type::DataType,
    host::Host,
    reply::Reply,
};
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::request::multi::Told;
use keyspan_timeseries_core::rule::Rule;
use keyspan_timeseries_core::series::{ChunkInfo, Series};

use super::{DONT_CACHE, KEY, existing, row, token, word};
use crate::{answer, compaction, settings};

/// `TS.INFO key [DEBUG]`
#[derive(Debug)]
pub struct Info;

/// What is told of a key beside its series: only rules and a source that both sides know.
struct Links {
    source: Option<Box<[u8]>>,
    /// Destinations that the other side agrees with.
    agreed: Vec<Box<[u8]>>,
}

fn links<H: Host<Series>>(host: &mut H, key: Arg<'_>) -> Result<Links, Error> {
    let rules = existing(host, key)?.rules().iter().map(|rule| Box::from(rule.destination()));
    let mut agreed: Vec<Box<[u8]>> = rules.collect();
    agreed.retain(|destination| compaction::is_agreed(host, key.bytes, destination));
    Ok(Links { source: compaction::source_of(host, key), agreed })
}

fn number(reply: &mut dyn Reply, name: &'static str, number: u64) {
    reply.simple(name);
    reply.integer(number.cast_signed());
}

fn rules(reply: &mut dyn Reply, series: &Series, agreed: &[Box<[u8]>]) {
    let is_agreed = |rule: &&Rule| agreed.iter().any(|key| **key == *rule.destination());
    let rules: Vec<&Rule> = series.rules().iter().filter(is_agreed).collect();
    let is_resp3 = reply.is_resp3();
    if is_resp3 {
        reply.map(rules.len());
    } else {
        reply.array(rules.len());
    }
    for rule in rules {
        if !is_resp3 {
            reply.array(4);
        }
        reply.bulk(rule.destination());
        if is_resp3 {
            reply.array(3);
        }
        reply.integer(rule.grid().bucket.get().cast_signed());
        reply.simple(rule.aggregator().upper_name());
        reply.integer(rule.grid().alignment.cast_signed());
    }
}

fn chunk(reply: &mut dyn Reply, chunk: &ChunkInfo) {
    reply.map(5);
    for (name, time) in [("startTimestamp", chunk.start), ("endTimestamp", chunk.end)] {
        reply.simple(name);
        reply.integer(time);
    }
    number(reply, "samples", chunk.samples);
    number(reply, "size", chunk.size);
    reply.simple("bytesPerSample");
    reply.double(chunk.bytes_per_sample.into());
}

fn write(reply: &mut dyn Reply, series: &Series, links: &Links) {
    let info = series.info();
    let memory = (size_of::<Series>() + series.memory()) as u64;
    number(reply, "totalSamples", info.samples);
    number(reply, "memoryUsage", memory);
    number(reply, "firstTimestamp", info.first_timestamp);
    number(reply, "lastTimestamp", info.last_timestamp);
    number(reply, "retentionTime", series.retention_ms());
    number(reply, "chunkCount", info.chunks);
    number(reply, "chunkSize", series.chunk_size().bytes().into());
    reply.simple("chunkType");
    reply.simple(settings::encoding_name(series.encoding()));
    reply.simple("duplicatePolicy");
    match series.duplicate_policy() {
        Some(policy) => reply.simple(policy.name()),
        None => reply.null(),
    }
    reply.simple("labels");
    answer::labels(reply, series.labels(), &Told::All);
    reply.simple("sourceKey");
    match &links.source {
        Some(source) => reply.bulk(source),
        None => reply.null(),
    }
    reply.simple("rules");
    rules(reply, series, &links.agreed);
    number(reply, "ignoreMaxTimeDiff", series.ignore().time_ms_max);
    reply.simple("ignoreMaxValDiff");
    reply.double(series.ignore().value_max);
}

/// Fields that [`write`] writes.
const FIELDS: usize = 14;

impl Command for Info {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells options and sizes of a time series; with DEBUG those of its chunks too",
        fast: true,
        arguments: &[KEY, token("debug", "DEBUG").optional()],
        tips: DONT_CACHE,
        ..row("ts.info", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        if args.len() > 1 {
            return Err(Error::Arity(Self::ROW.name));
        }
        let is_debug = args.take_keyword("DEBUG");
        let links = links(host, key)?;
        let series = existing(host, key)?;
        reply.map(FIELDS + 2 * usize::from(is_debug));
        write(reply, series, &links);
        if is_debug {
            reply.simple("keySelfName");
            reply.bulk(key.bytes);
            reply.simple("Chunks");
            let chunks = series.chunk_infos();
            reply.array(chunks.len());
            chunks.iter().for_each(|info| chunk(reply, info));
        }
        Ok(())
    }
}
