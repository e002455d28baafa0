//! What the server may ask of a series, beside loading and saving it.

use std::mem::take;
use std::sync::Arc;

use keyspan_common::{
    data_type::{DataType, Mover, Progress},
    rdb::{Encoding, Error, Read, Value, Write, dump::save_dump},
};

use super::{DuplicatePolicy, Series};
use crate::aggregate::Aggregator;
use crate::chunk::{Chunk, Columns};
use crate::rdb::{DUMP_VERSION, NAN_VERSION, with_rules};

/// An RDB version that every server takes in a RESTORE.
const RESTORED_EVERYWHERE: u16 = 9;

/// A series that is written with source and rules under a version of DUMP.
struct Whole<'a>(&'a Series);

impl Value for Whole<'_> {
    const TYPE_NAMES: &'static [&'static str] = Series::TYPE_NAMES;

    fn load<R: Read>(_reader: &mut R, _encoding: Encoding) -> Result<Self, Error> {
        Err(Error::Version)
    }

    fn save<W: Write>(&self, writer: &mut W, version: u32) {
        self.0.save(writer, with_rules(version));
    }
}

impl DataType for Series {
    fn snapshot_version(dump_version: u32) -> u32 {
        with_rules(dump_version)
    }

    /// With source and rules: who restores it from a log keeps them, who restores what a client sent
    /// forgets them ([`Series::detach`]).
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        let version = if self.counts_nan() { NAN_VERSION } else { DUMP_VERSION };
        if let Ok(payload) = save_dump(&Whole(self), version, RESTORED_EVERYWHERE) {
            emit("RESTORE", &[b"0", &payload]);
        }
    }

    fn memory(&self) -> usize {
        self.heap_bytes()
    }

    /// Options, labels and samples. Not what belongs to the key: its name, source and rules; nor
    /// where chunks begin.
    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.retention_ms.to_le_bytes());
        sink(&self.chunk_size.bytes().to_le_bytes());
        sink(&[u8::from(self.encoding == crate::chunk::Encoding::Uncompressed)]);
        sink(&DuplicatePolicy::number(self.duplicate_policy).to_le_bytes());
        sink(&self.ignore.time_ms_max.to_le_bytes());
        sink(&self.ignore.value_max.to_bits().to_le_bytes());
        for label in &self.labels {
            sink(&label.name);
            sink(&label.value);
        }
        let mut columns = Columns::default();
        for chunk in self.chunks() {
            columns.clear();
            chunk.decode(&mut columns);
            for sample in columns.iter() {
                sink(&sample.timestamp.to_le_bytes());
                sink(&sample.value.to_bits().to_le_bytes());
            }
        }
    }

    /// Two blocks for a chunk and for a label.
    fn effort(&self) -> usize {
        2 * (self.slots.len() + self.labels.len()) + self.rules.len() + 1
    }

    /// A block that a reader shares stays where it is.
    fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        if start == 0 {
            self.relocate_labels(mover);
            self.slots = mover.relocate(take(&mut self.slots));
        }
        for (place, slot) in self.slots.iter_mut().enumerate().skip(start) {
            if place > start && mover.should_stop() {
                return Progress::Paused(u64::try_from(place).unwrap_or(u64::MAX));
            }
            match Arc::get_mut(&mut slot.chunk) {
                Some(Chunk::Gorilla(chunk)) => {
                    let words = chunk.words_mut();
                    *words = mover.relocate(take(words));
                }
                Some(Chunk::Packed(chunk)) => {
                    let words = chunk.words_mut();
                    *words = mover.relocate(take(words));
                }
                Some(Chunk::Uncompressed(chunk)) => {
                    let samples = chunk.samples_mut();
                    *samples = mover.relocate(take(samples));
                }
                None => {}
            }
        }
        Progress::Done
    }
}

impl Series {
    /// Whether a rule counts NaN, which no version before [`NAN_VERSION`] knows.
    fn counts_nan(&self) -> bool {
        let mut aggregators = self.rules.iter().map(|rule| rule.aggregator());
        aggregators.any(|one| matches!(one, Aggregator::CountNan | Aggregator::CountAll))
    }

    fn relocate_labels<M: Mover>(&mut self, mover: &mut M) {
        self.labels = mover.relocate(take(&mut self.labels));
        self.rules = mover.relocate(take(&mut self.rules));
        let labels = self.labels.iter_mut().flat_map(|label| [&mut label.name, &mut label.value]);
        let rules = self.rules.iter_mut().map(|rule| &mut rule.destination);
        let texts = labels.chain(rules).chain([&mut self.name]).chain(&mut self.source);
        for text in texts {
            *text = mover.relocate(take(text).into_vec()).into_boxed_slice();
        }
    }
}
