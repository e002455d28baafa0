//! `TSDB-TYPE`: versions 0 to 9, of RedisTimeSeries since 0.2, are read; 8, which 1.12 and later
//! read, and 9, which 8.6 and later read, are written.
//!
//! ```text
//! b key  u retention  u chunk size (before 2: samples)  [1-] u 1 uncompressed, 2 compressed
//! [2-] u last time  d last value  u samples   [3-] u duplicate policy   [2-] u has source  (b source)
//! [8-] u, d ignore   u labels  (b name  b value)*   u rules  rule*   data
//! rule: b destination  u bucket  [6-] u alignment  u aggregator  [1-] u open bucket  [9-] u is not empty
//!       context
//! data: before 2: u samples (u time  d value)*   else u chunks  chunk*
//! ```
//! A payload of DUMP names neither source nor rules; whole files do ([`FILE_VERSION`]). Version 9
//! differs from 8 in one number of a rule, which is found again where it is missing.
//!
//! What follows from the samples (how many, the last one) is taken from them and not from the fields
//! that say it.

mod chunk;

use std::num::NonZeroU64;

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};

use crate::aggregate::{Accumulator, Aggregator};
use crate::chunk::{Chunk, ChunkSize, Columns, Encoding as ChunkEncoding, Sample, TIMESTAMP_MAX};
use crate::rule::{Grid, Rule};
use crate::series::{DuplicatePolicy, Ignore, Label, Options, Series};

/// The version that payloads are named with: what most peers read.
pub const DUMP_VERSION: u32 = 8;

/// The first version whose readers know rules that count NaN.
pub const NAN_VERSION: u32 = 9;

/// [`Value::save`] with this writes source and rules, too, in the layout of [`DUMP_VERSION`].
pub const FILE_VERSION: u32 = with_rules(DUMP_VERSION);

/// [`Value::save`] with this writes source and rules, too, in the layout of `version`.
pub const fn with_rules(version: u32) -> u32 {
    WITH_RULES | version
}

/// Added to a version, it stands for the same with source and rules.
const WITH_RULES: u32 = 256;

/// The last version there is.
const VERSION_MAX: u32 = 9;

/// Bytes for each sample that chunks were sized by before version 2.
const OLD_SAMPLE_BYTES: u64 = 16;

impl Value for Series {
    const TYPE_NAMES: &'static [&'static str] = &["TSDB-TYPE"];

    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
        let version = encoding.version;
        if version > VERSION_MAX {
            return Err(Error::Version);
        }
        let mut series = load_head(reader, version)?;
        let rules = load_rules(reader, version, series.name())?;
        if version < 2 {
            load_samples(reader, &mut series)?;
        } else {
            load_chunks(reader, &mut series)?;
        }
        series.settle(rules, version);
        Ok(series)
    }

    fn save<W: Write>(&self, writer: &mut W, version: u32) {
        let (has_rules, version) = (version & WITH_RULES != 0, version & !WITH_RULES);
        self.save_head(writer, has_rules);
        let rules = if has_rules { self.rules() } else { &[] };
        writer.unsigned(length(rules.len()));
        rules.iter().for_each(|rule| save_rule(writer, rule, version));
        let chunks = self.slots().len();
        writer.unsigned(length(chunks.max(1)));
        self.chunks().for_each(|chunk| chunk::save(writer, chunk));
        if chunks == 0 {
            chunk::save(writer, &Chunk::new(self.encoding(), self.chunk_size().bytes()));
        }
    }
}

/// A count as it is saved.
fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn load_head<R: Read>(reader: &mut R, version: u32) -> Result<Series, Error> {
    let name = reader.bytes()?;
    let retention_ms = reader.unsigned()?;
    let size = reader.unsigned()?;
    let size = if version < 2 { size.saturating_mul(OLD_SAMPLE_BYTES) } else { size };
    // Nobody writes 0, and none that is larger than any block.
    let size = Some(size).filter(|size| (1..=1 << 32).contains(size)).ok_or(Error::Invalid)?;
    let encoding = load_encoding(reader, version)?;
    if version >= 2 {
        reader.unsigned()?;
        reader.double()?;
        reader.unsigned()?;
    }
    let policy = if version >= 3 { reader.unsigned()? } else { 0 };
    let duplicate_policy = DuplicatePolicy::of_number(policy);
    if policy != 0 && duplicate_policy.is_none() {
        return Err(Error::Invalid);
    }
    let source = load_source(reader, version)?;
    let ignore = if version >= 8 { load_ignore(reader)? } else { Ignore::default() };
    let labels = load_labels(reader)?;
    let chunk_size = ChunkSize::nearest(size);
    let options = Options { retention_ms, chunk_size, encoding, duplicate_policy, ignore, labels };
    let mut series = Series::new(name.as_ref(), options);
    series.set_source(source.as_deref());
    Ok(series)
}

fn load_encoding<R: Read>(reader: &mut R, version: u32) -> Result<ChunkEncoding, Error> {
    if version == 0 {
        return Ok(ChunkEncoding::Uncompressed);
    }
    match reader.unsigned()? & 0b11 {
        0 | 2 => Ok(ChunkEncoding::Compressed),
        1 => Ok(ChunkEncoding::Uncompressed),
        _ => Err(Error::Invalid),
    }
}

fn load_source<R: Read>(reader: &mut R, version: u32) -> Result<Option<Vec<u8>>, Error> {
    match if version >= 2 { reader.unsigned()? } else { 0 } {
        0 => Ok(None),
        1 => Ok(Some(reader.bytes()?.into())),
        _ => Err(Error::Invalid),
    }
}

fn load_ignore<R: Read>(reader: &mut R) -> Result<Ignore, Error> {
    let (time_ms_max, value_max) = (reader.unsigned()?, reader.double()?);
    if value_max.is_nan() || value_max < 0.0 {
        return Err(Error::Invalid);
    }
    Ok(Ignore { time_ms_max, value_max })
}

/// Grows as they come.
fn load_labels<R: Read>(reader: &mut R) -> Result<Vec<Label>, Error> {
    let mut labels = Vec::new();
    for _ in 0..reader.unsigned()? {
        let (name, value) = (reader.bytes()?.into(), reader.bytes()?.into());
        labels.push(Label { name: name.into_boxed_slice(), value: value.into_boxed_slice() });
    }
    Ok(labels)
}

/// A rule, and whether it says itself that a sample counted.
struct Loaded {
    rule: Rule,
    has_valid: bool,
}

fn load_rules<R: Read>(reader: &mut R, version: u32, name: &[u8]) -> Result<Vec<Loaded>, Error> {
    let mut rules = Vec::new();
    for _ in 0..reader.unsigned()? {
        let destination: Vec<u8> = reader.bytes()?.into();
        if destination == name {
            return Err(Error::Invalid);
        }
        let bucket = NonZeroU64::new(reader.unsigned()?).ok_or(Error::Invalid)?;
        let alignment = if version >= 6 { reader.unsigned()? } else { 0 };
        let aggregator = Aggregator::of_number(reader.unsigned()?).ok_or(Error::Invalid)?;
        let open = if version >= 1 { reader.unsigned()? } else { u64::MAX };
        let has_valid = version >= 9;
        let is_valid = has_valid && reader.unsigned()? != 0;
        let accumulator = Accumulator::load(aggregator, reader, version, is_valid)?;
        let open = Some(open).filter(|&open| open <= TIMESTAMP_MAX);
        let (destination, grid) = (destination.into_boxed_slice(), Grid::new(bucket, alignment));
        let rule = Rule { destination, grid, open, accumulator };
        rules.push(Loaded { rule, has_valid });
    }
    Ok(rules)
}

fn save_rule<W: Write>(writer: &mut W, rule: &Rule, version: u32) {
    writer.bytes(&rule.destination);
    writer.unsigned(rule.grid.bucket.get());
    writer.unsigned(rule.grid.alignment);
    writer.unsigned(rule.aggregator().number());
    writer.unsigned(rule.open.unwrap_or(u64::MAX));
    if version >= 9 {
        writer.unsigned(u64::from(!rule.accumulator.is_empty()));
    }
    rule.accumulator.save(writer);
}

/// The samples of versions 0 and 1, which did not save chunks. Of several at one time, the last one
/// counts.
fn load_samples<R: Read>(reader: &mut R, series: &mut Series) -> Result<(), Error> {
    let mut waiting: Option<Sample> = None;
    for _ in 0..reader.unsigned()? {
        let sample = Sample { timestamp: reader.unsigned()?, value: reader.double()? };
        let before = waiting.replace(sample);
        let is_ordered = before.is_none_or(|before| before.timestamp <= sample.timestamp);
        if sample.timestamp > TIMESTAMP_MAX || !is_ordered {
            return Err(Error::Invalid);
        }
        if let Some(before) = before.filter(|before| before.timestamp < sample.timestamp) {
            series.append_loaded(before);
        }
    }
    waiting.into_iter().for_each(|sample| series.append_loaded(sample));
    Ok(())
}

fn load_chunks<R: Read>(reader: &mut R, series: &mut Series) -> Result<(), Error> {
    let mut buffer = Columns::default();
    let chunks = reader.unsigned()?;
    for rest in (0..chunks).rev() {
        let mut chunk = chunk::load(reader, series.encoding(), &mut buffer)?;
        let is_later = series.last().is_none_or(|last| last.timestamp < chunk.first_time());
        if chunk.count() == 0 {
            continue;
        }
        if !is_later || chunk.last().timestamp > TIMESTAMP_MAX {
            return Err(Error::Invalid);
        }
        if rest > 0 {
            chunk.seal_decoded(&buffer);
        }
        series.push_chunk(chunk);
    }
    Ok(())
}

impl Series {
    fn save_head<W: Write>(&self, writer: &mut W, has_source: bool) {
        writer.bytes(self.name());
        writer.unsigned(self.retention_ms());
        writer.unsigned(u64::from(self.chunk_size().bytes()));
        writer.unsigned(if self.encoding() == ChunkEncoding::Uncompressed { 1 } else { 2 });
        let last = self.last().unwrap_or_default();
        writer.unsigned(last.timestamp);
        writer.double(last.value);
        writer.unsigned(self.stored_samples());
        writer.unsigned(DuplicatePolicy::number(self.duplicate_policy()));
        let source = self.source().filter(|_| has_source);
        writer.unsigned(u64::from(source.is_some()));
        source.into_iter().for_each(|key| writer.bytes(key));
        writer.unsigned(self.ignore().time_ms_max);
        writer.double(self.ignore().value_max);
        writer.unsigned(length(self.labels().len()));
        for label in self.labels() {
            writer.bytes(&label.name);
            writer.bytes(&label.value);
        }
    }

    /// Gives the rules what their version left out, and the series the rules.
    fn settle(&mut self, rules: Vec<Loaded>, version: u32) {
        for Loaded { mut rule, has_valid } in rules {
            if version == 0 {
                rule.open = self.last().map(|last| rule.grid.bucket_of(last.timestamp).start());
            }
            if !has_valid {
                let from = rule.open.unwrap_or(u64::MAX);
                let mut counted = Accumulator::new(rule.aggregator(), false);
                self.scan(from, TIMESTAMP_MAX, |times, values| counted.extend(times, values));
                rule.accumulator.validate(!counted.is_empty());
            }
            self.add_rule(rule);
        }
        self.account_loaded();
    }
}
