//! Adding samples.

use std::sync::Arc;

use super::{DuplicatePolicy, Series, chunk_bytes};
use crate::chunk::{Chunk, Columns, Full, Sample};
use crate::rule::{Change, Effect};

/// Why a sample was not added; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// It is older than retention allows.
    BeyondRetention,
    /// There is one at its time, and the policy refuses it, or one of both is NaN where the policy
    /// cannot have that.
    Duplicate,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    New,
    /// The sample of its time has another value.
    Updated,
    /// The sample of its time has the value that it had: nothing was changed.
    Unchanged,
    /// It was dropped, being too much like the last one ([`super::Ignore`]), whose time is replied:
    /// nothing was changed.
    Ignored(u64),
}

/// Why a value cannot be increased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncrementError {
    /// The time is before the last sample.
    Earlier,
    /// The last sample is NaN.
    Nan,
}

/// How much larger than a new one a chunk may become, in tenths.
const SPLIT_TENTHS: u32 = 12;

impl Series {
    /// Adds a sample; `policy` is the command's, or the series', or that of the settings. What
    /// follows for the destinations of rules is appended to `effects`.
    ///
    /// O(rules) behind the last sample; elsewhere O(samples of a chunk, and of a bucket per rule).
    ///
    /// # Errors
    /// [`AddError`].
    pub fn add(
        &mut self,
        sample: Sample,
        policy: DuplicatePolicy,
        effects: &mut Vec<Effect>,
    ) -> Result<Added, AddError> {
        if let Some(last) = self.last() {
            let age = last.timestamp.saturating_sub(sample.timestamp);
            if self.retention_ms > 0 && age > self.retention_ms {
                return Err(AddError::BeyondRetention);
            }
            if self.is_ignored(sample, last, policy) {
                return Ok(Added::Ignored(last.timestamp));
            }
            if sample.timestamp <= last.timestamp {
                return self.upsert(canonical(sample), policy, effects);
            }
        }
        self.append(canonical(sample), effects);
        Ok(Added::New)
    }

    /// What TS.INCRBY and TS.DECRBY add to.
    ///
    /// # Errors
    /// [`IncrementError`].
    pub fn increment_base(&self, timestamp: u64) -> Result<f64, IncrementError> {
        match self.last() {
            None => Ok(0.0),
            Some(last) if timestamp < last.timestamp => Err(IncrementError::Earlier),
            Some(last) if last.value.is_nan() => Err(IncrementError::Nan),
            Some(last) => Ok(last.value),
        }
    }

    /// Does what the source of this series says. Returns whether something was changed.
    pub fn follow(&mut self, change: Change) -> bool {
        let mut effects = Vec::new();
        match change {
            Change::Close(sample) | Change::Update(sample) => {
                let added = self.add(sample, DuplicatePolicy::Last, &mut effects);
                matches!(added, Ok(Added::New | Added::Updated))
            }
            Change::Remove(from, to) => self.remove(from, to, &mut effects) > 0,
        }
    }

    /// Adds a sample of a payload, later than the others.
    pub(crate) fn append_loaded(&mut self, sample: Sample) {
        self.append(canonical(sample), &mut Vec::new());
    }

    fn is_ignored(&self, sample: Sample, last: Sample, policy: DuplicatePolicy) -> bool {
        policy == DuplicatePolicy::Last
            && self.source.is_none()
            && sample.timestamp >= last.timestamp
            && sample.timestamp - last.timestamp <= self.ignore.time_ms_max
            && (sample.value - last.value).abs() <= self.ignore.value_max
    }

    /// Adds a sample later than all others.
    fn append(&mut self, sample: Sample, effects: &mut Vec<Effect>) {
        let Some(slot) = self.slots.last_mut() else {
            self.begin_chunk(sample);
            return self.tell_rules(sample, effects);
        };
        let before = slot.chunk.heap_bytes();
        let chunk = Arc::make_mut(&mut slot.chunk);
        match chunk.append(sample) {
            Ok(()) => {
                self.samples += 1;
                let grown = chunk.heap_bytes().saturating_sub(before);
                self.count_sample(grown);
            }
            Err(Full) => {
                chunk.seal();
                let now = chunk.heap_bytes();
                self.chunk_bytes = (self.chunk_bytes + now).saturating_sub(before);
                self.begin_chunk(sample);
            }
        }
        self.tell_rules(sample, effects);
    }

    /// Accounts for one more sample and `grown` bytes.
    fn count_sample(&mut self, grown: usize) {
        self.chunk_bytes += grown;
        self.share.grow(1, u64::try_from(grown).unwrap_or(0));
    }

    /// Starts a chunk behind the others, and forgets chunks that retention hides.
    fn begin_chunk(&mut self, sample: Sample) {
        self.forget_hidden();
        let mut chunk = Chunk::new(self.encoding, self.chunk_size.bytes());
        chunk.push(sample);
        self.insert_chunk(self.slots.len(), chunk);
        self.account();
    }

    /// Takes out the chunks that end before what retention leaves visible.
    fn forget_hidden(&mut self) {
        let from = self.visible_from();
        let hidden = self.slots.partition_point(|slot| slot.chunk.last().timestamp < from);
        for slot in self.slots.drain(..hidden) {
            self.samples = self.samples.saturating_sub(u64::from(slot.chunk.count()));
            self.chunk_bytes = self.chunk_bytes.saturating_sub(chunk_bytes(&slot.chunk));
        }
    }

    /// Adds a sample that is not later than all others, or merges it with that of its time.
    fn upsert(
        &mut self,
        sample: Sample,
        policy: DuplicatePolicy,
        effects: &mut Vec<Effect>,
    ) -> Result<Added, AddError> {
        let place = self.place_of(sample.timestamp);
        let mut columns = Columns::default();
        let last = self.last().filter(|last| last.timestamp == sample.timestamp);
        let old = last.map(|last| last.value).or_else(|| {
            self.slots.get(place)?.chunk.decode(&mut columns);
            let index = columns.times.binary_search(&sample.timestamp).ok()?;
            columns.values.get(index).copied()
        });
        let value = match old {
            None => sample.value,
            Some(old) => policy.merge(old, sample.value).ok_or(AddError::Duplicate)?,
        };
        if old.is_some_and(|old| old.to_bits() == value.to_bits()) {
            return Ok(Added::Unchanged);
        }
        if last.is_none() || !self.replace_last(value) {
            self.rewrite(place, Sample { value, ..sample }, columns);
        }
        self.account();
        self.refresh_rules(sample.timestamp, sample.timestamp, effects);
        Ok(if old.is_some() { Added::Updated } else { Added::New })
    }

    /// Gives the last sample another value, if its chunk can do that without being written anew.
    fn replace_last(&mut self, value: f64) -> bool {
        let size_max = self.chunk_size_max();
        let Some(slot) = self.slots.last_mut() else {
            return false;
        };
        let before = slot.chunk.heap_bytes();
        let is_replaced =
            slot.chunk.size() <= size_max && Arc::make_mut(&mut slot.chunk).replace_last(value);
        self.chunk_bytes = (self.chunk_bytes + slot.chunk.heap_bytes()).saturating_sub(before);
        is_replaced
    }

    /// From which size on a chunk is split before it is written anew.
    fn chunk_size_max(&self) -> u32 {
        self.chunk_size.bytes() * SPLIT_TENTHS / 10
    }

    /// Writes the chunk at `place` anew, with a sample more or another value of one. `columns` are its
    /// samples, if they were decoded.
    fn rewrite(&mut self, mut place: usize, sample: Sample, mut columns: Columns) {
        let Some(slot) = self.slots.get(place) else {
            return;
        };
        let mut size = slot.chunk.size();
        if columns.is_empty() {
            slot.chunk.decode(&mut columns);
        }
        // One sample may have the size of many that were removed.
        if size > self.chunk_size_max() && columns.len() > 1 {
            if self.split(place, &columns) <= sample.timestamp {
                place += 1;
            }
            columns.clear();
            if let Some(slot) = self.slots.get(place) {
                size = slot.chunk.size();
                slot.chunk.decode(&mut columns);
            }
        }
        match columns.times.binary_search(&sample.timestamp) {
            Ok(index) => {
                columns.values.iter_mut().skip(index).take(1).for_each(|old| *old = sample.value);
            }
            Err(index) => columns.insert(index, sample),
        }
        let mut chunk = Chunk::of(self.encoding_at(place), size, columns.iter());
        if place + 1 < self.slots.len() {
            chunk.seal();
        }
        self.replace(place, chunk);
    }

    fn encoding_at(&self, place: usize) -> crate::chunk::Encoding {
        self.slots.get(place).map_or(self.encoding, |slot| slot.chunk.encoding())
    }

    /// Makes two chunks of the one at `place`, of `columns`. Returns where the second one starts.
    fn split(&mut self, place: usize, columns: &Columns) -> u64 {
        let count = columns.len();
        let encoding = self.encoding_at(place);
        let size = self.slots.get(place).map_or(0, |slot| slot.chunk.size());
        // Whole words: the peer's loader refuses others, though it may write them.
        let half = (size / 2).next_multiple_of(8);
        let middle = count - count / 2;
        let part = |from: usize, len: usize| {
            let mut chunk = Chunk::of(encoding, half, columns.iter().skip(from).take(len));
            chunk.fit();
            chunk.seal();
            chunk
        };
        let (first, second) = (part(0, middle), part(middle, count - middle));
        let later = second.first_time();
        self.replace(place, first);
        self.insert_chunk(place + 1, second);
        later
    }
}

/// The sample, its NaN being the one that is stored.
fn canonical(sample: Sample) -> Sample {
    let value = if sample.value.is_nan() { f64::NAN } else { sample.value };
    Sample { value, ..sample }
}
