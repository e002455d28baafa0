//! A time series.
//!
//! ```text
//! slots: [ first time | chunk ][ first time | chunk ] ... [ first time | the chunk that grows ]
//! ```
//! A sample later than all others goes to the last chunk; another one goes to the chunk whose time it
//! is, which is then written anew. Chunks are shared with the [`Snapshot`]s that readers hold; a
//! change of a shared one copies it first.
//!
//! An empty series has no chunk; the peer has an empty one, and so have payloads.
//!
//! [`Snapshot`]: crate::range::Snapshot

mod compaction;
mod data_type;
mod info;
mod insert;
mod policy;
mod remove;

use std::sync::Arc;

use keyspan_common::data_type::allocated;
use keyspan_common::totals::{Share, Totals};

pub use info::{ChunkInfo, Info};
pub use insert::{AddError, Added, IncrementError};
pub use policy::{DuplicatePolicy, Ignore};
pub use remove::BeyondRetention;

use crate::{
    chunk::{Chunk, ChunkSize, Columns, Encoding, Sample},
    rule::Rule,
};

/// Sums over all series.
pub static TOTALS: Totals = Totals::new();

/// A name and a value by which series are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name, not empty.
    pub name: Box<[u8]>,
    /// Its value, not empty but in old payloads.
    pub value: Box<[u8]>,
}

/// How a series is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Milliseconds before the last sample that samples are kept; 0 for ever.
    pub retention_ms: u64,
    /// Bytes of its chunks.
    pub chunk_size: ChunkSize,
    /// How samples are stored.
    pub encoding: Encoding,
    /// What to do with duplicates; `None` leaves that to the setting of the day.
    pub duplicate_policy: Option<DuplicatePolicy>,
    /// Which samples to drop.
    pub ignore: Ignore,
    /// In the order of the command, duplicates kept.
    pub labels: Vec<Label>,
}

/// What TS.ALTER changes: what is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alteration {
    /// See [`Options::retention_ms`]. Samples that it hides go when the next chunk begins.
    pub retention_ms: Option<u64>,
    /// For chunks to come.
    pub chunk_size: Option<ChunkSize>,
    /// See [`Options::duplicate_policy`].
    pub duplicate_policy: Option<DuplicatePolicy>,
    /// See [`Options::ignore`].
    pub ignore: Option<Ignore>,
    /// Takes the place of all labels.
    pub labels: Option<Vec<Label>>,
}

/// A chunk and where it starts.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) first: u64,
    pub(crate) chunk: Arc<Chunk>,
}

/// A time series.
///
/// * Adding behind the last sample: O(rules). Elsewhere: O(samples of a chunk), and for each rule
///   O(samples of a bucket).
/// * Memory: some 4 bytes for a sample of a gauge; nothing is reserved for an empty series.
///
/// A clone has the samples, labels and options, but neither rules nor a source, as a COPY of the
/// peer: those belong to the key.
#[derive(Debug)]
pub struct Series {
    name: Box<[u8]>,
    retention_ms: u64,
    chunk_size: ChunkSize,
    encoding: Encoding,
    duplicate_policy: Option<DuplicatePolicy>,
    ignore: Ignore,
    labels: Vec<Label>,
    /// By time; none is empty.
    slots: Vec<Slot>,
    /// Samples in all of them.
    samples: u64,
    /// Bytes on the heap of all of them.
    chunk_bytes: usize,
    source: Option<Box<[u8]>>,
    rules: Vec<Rule>,
    share: Share,
}

/// Bytes on the heap of a chunk that is shared or not.
pub(crate) fn chunk_bytes(chunk: &Chunk) -> usize {
    // Two counters stand before what is shared.
    allocated(size_of::<Chunk>() + 2 * size_of::<usize>()) + chunk.heap_bytes()
}

impl Slot {
    pub(crate) fn new(chunk: Chunk) -> Self {
        Self { first: chunk.first_time(), chunk: Arc::new(chunk) }
    }
}

impl Series {
    /// An empty series that will be stored at the key `name`.
    pub fn new(name: &[u8], options: Options) -> Self {
        let mut series = Self {
            name: name.into(),
            retention_ms: options.retention_ms,
            chunk_size: options.chunk_size,
            encoding: options.encoding,
            duplicate_policy: options.duplicate_policy,
            ignore: options.ignore,
            labels: options.labels,
            slots: Vec::new(),
            samples: 0,
            chunk_bytes: 0,
            source: None,
            rules: Vec::new(),
            share: Share::of(&TOTALS),
        };
        series.labels.shrink_to_fit();
        series.account();
        series
    }

    /// Changes what is given. O(labels).
    pub fn alter(&mut self, alteration: Alteration) {
        let Alteration { retention_ms, chunk_size, duplicate_policy, ignore, labels } = alteration;
        self.retention_ms = retention_ms.unwrap_or(self.retention_ms);
        self.chunk_size = chunk_size.unwrap_or(self.chunk_size);
        self.duplicate_policy = duplicate_policy.or(self.duplicate_policy);
        self.ignore = ignore.unwrap_or(self.ignore);
        if let Some(labels) = labels {
            self.labels = labels;
            self.labels.shrink_to_fit();
        }
        self.account();
    }

    /// The key that it says it is stored at. Payloads name it, and they may come to another key:
    /// who finds it there says so ([`Self::rename`]).
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Says at which key it is stored.
    pub fn rename(&mut self, name: &[u8]) {
        self.name = name.into();
        self.account();
    }

    /// See [`Options::retention_ms`].
    pub fn retention_ms(&self) -> u64 {
        self.retention_ms
    }

    /// See [`Options::chunk_size`].
    pub fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// See [`Options::encoding`].
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// See [`Options::duplicate_policy`].
    pub fn duplicate_policy(&self) -> Option<DuplicatePolicy> {
        self.duplicate_policy
    }

    /// See [`Options::ignore`].
    pub fn ignore(&self) -> Ignore {
        self.ignore
    }

    /// See [`Options::labels`].
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The last sample. O(1).
    pub fn last(&self) -> Option<Sample> {
        self.slots.last().map(|slot| slot.chunk.last())
    }

    /// Samples, those beyond retention that still are in memory included. O(1).
    pub fn stored_samples(&self) -> u64 {
        self.samples
    }

    /// The earliest time that retention leaves visible.
    pub fn visible_from(&self) -> u64 {
        match (self.retention_ms, self.last()) {
            (0, _) | (_, None) => 0,
            (retention, Some(last)) => last.timestamp.saturating_sub(retention),
        }
    }

    /// The key whose rule writes this series.
    pub fn source(&self) -> Option<&[u8]> {
        self.source.as_deref()
    }

    /// Says whose rule writes this series.
    pub fn set_source(&mut self, key: Option<&[u8]>) {
        self.source = key.map(Into::into);
        self.account();
    }

    /// What it tells other series, in the order of TS.INFO.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule for a destination.
    pub fn rule(&self, destination: &[u8]) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.destination() == destination)
    }

    /// Adds a rule behind the others. Whether it may be added is the caller's to know.
    pub fn add_rule(&mut self, rule: Rule) {
        self.rules.push(rule);
        self.account();
    }

    /// Removes the rule for a destination, if there is one. Returns whether there was.
    pub fn remove_rule(&mut self, destination: &[u8]) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.destination() != destination);
        self.account();
        self.rules.len() < before
    }

    /// Says that a destination is now stored at another key. Returns whether there is a rule for it.
    pub fn rename_destination(&mut self, from: &[u8], to: &[u8]) -> bool {
        let rule = self.rules.iter_mut().find(|rule| rule.destination() == from);
        let found = rule.map(|rule| rule.destination = to.into()).is_some();
        self.account();
        found
    }

    /// Forgets source and rules, as a series that came by RESTORE.
    pub fn detach(&mut self) {
        self.source = None;
        self.rules = Vec::new();
        self.account();
    }

    /// The chunks, by time.
    pub fn chunks(&self) -> impl DoubleEndedIterator<Item = &Chunk> {
        self.slots.iter().map(|slot| &*slot.chunk)
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The place of the chunk whose time `time` is: the last one that starts by then, or the first.
    pub(crate) fn place_of(&self, time: u64) -> usize {
        self.slots.partition_point(|slot| slot.first <= time).saturating_sub(1)
    }

    /// Calls `each` with the samples from `from` to `to`, chunk by chunk.
    pub(crate) fn scan(&self, from: u64, to: u64, mut each: impl FnMut(&[u64], &[f64])) {
        let mut columns = Columns::default();
        for slot in self.slots.iter().skip(self.place_of(from)) {
            if slot.first > to {
                break;
            }
            columns.clear();
            slot.chunk.decode(&mut columns);
            let start = columns.times.partition_point(|&time| time < from);
            let end = columns.times.partition_point(|&time| time <= to);
            let times = columns.times.get(start..end).unwrap_or_default();
            each(times, columns.values.get(start..end).unwrap_or_default());
        }
    }

    /// Puts a changed chunk in the place of one, or takes it out if it is empty.
    pub(crate) fn replace(&mut self, place: usize, chunk: Chunk) {
        let Some(slot) = self.slots.get_mut(place) else {
            return;
        };
        self.chunk_bytes = self.chunk_bytes.saturating_sub(chunk_bytes(&slot.chunk));
        self.samples = self.samples.saturating_sub(u64::from(slot.chunk.count()));
        if chunk.count() == 0 {
            self.slots.remove(place);
            return;
        }
        *slot = Slot::new(chunk);
        self.chunk_bytes += chunk_bytes(&slot.chunk);
        self.samples += u64::from(slot.chunk.count());
    }

    /// Puts a chunk of later samples behind the others.
    pub(crate) fn push_chunk(&mut self, chunk: Chunk) {
        self.insert_chunk(self.slots.len(), chunk);
    }

    /// Says what a series holds that was loaded.
    pub(crate) fn account_loaded(&mut self) {
        self.slots.shrink_to_fit();
        self.account();
    }

    /// Puts a chunk at a place, before those that are there or behind all.
    pub(crate) fn insert_chunk(&mut self, place: usize, chunk: Chunk) {
        self.chunk_bytes += chunk_bytes(&chunk);
        self.samples += u64::from(chunk.count());
        self.slots.insert(place.min(self.slots.len()), Slot::new(chunk));
    }

    /// Says what the series holds now.
    pub(crate) fn account(&mut self) {
        let bytes = u64::try_from(self.heap_bytes()).unwrap_or(u64::MAX);
        self.share.set(1, self.samples, bytes);
    }

    /// Bytes on the heap but for labels, rules and names.
    fn heap_bytes(&self) -> usize {
        let labels = self
            .labels
            .iter()
            .map(|label| allocated(label.name.len()) + allocated(label.value.len()));
        let rules = self.rules.iter().map(|rule| allocated(rule.destination.len()));
        let lists = allocated(self.slots.capacity() * size_of::<Slot>())
            + allocated(self.labels.capacity() * size_of::<Label>())
            + allocated(self.rules.capacity() * size_of::<Rule>());
        let source = self.source.as_deref().map_or(0, |key| allocated(key.len()));
        let names = allocated(self.name.len()) + source + labels.sum::<usize>();
        names + rules.sum::<usize>() + lists + self.chunk_bytes
    }
}

impl Clone for Series {
    fn clone(&self) -> Self {
        let copy = |slot: &Slot| Slot::new(Chunk::clone(&slot.chunk));
        let mut twin = Self {
            name: self.name.clone(),
            retention_ms: self.retention_ms,
            chunk_size: self.chunk_size,
            encoding: self.encoding,
            duplicate_policy: self.duplicate_policy,
            ignore: self.ignore,
            labels: self.labels.clone(),
            slots: self.slots.iter().map(copy).collect(),
            samples: self.samples,
            chunk_bytes: 0,
            source: None,
            rules: Vec::new(),
            share: Share::of(&TOTALS),
        };
        twin.chunk_bytes = twin.chunks().map(chunk_bytes).sum();
        twin.account();
        twin
    }
}
