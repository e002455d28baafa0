//! Chunks: runs of samples in time order, each in one block of memory.
//!
//! A series is a list of chunks. All but the last are full, or were split; the last one grows. How
//! many bytes a chunk may take, its *size*, is what the peer reserves at once; here the block grows
//! with what is in it, and is padded to its size only where it is written.

mod code;
pub mod gorilla;
pub mod packed;
pub mod uncompressed;

use keyspan_common::data_type::allocated;

pub use gorilla::Gorilla;
pub use packed::Packed;
pub use uncompressed::Uncompressed;

/// A value at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Milliseconds since 1970, at most [`TIMESTAMP_MAX`].
    pub timestamp: u64,
    /// Any double but an infinity, when it comes from a command; sums may become infinite.
    pub value: f64,
}

/// The last millisecond there is: commands read timestamps as signed numbers.
pub const TIMESTAMP_MAX: u64 = i64::MAX.cast_unsigned();

/// How the samples of a series are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Differences of differences of timestamps, and values that were XORed.
    #[default]
    Compressed,
    /// 16 bytes a sample.
    Uncompressed,
}

/// Bytes of a new chunk: a multiple of 8 from 48 to 1048576.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSize(u32);

impl ChunkSize {
    /// 4096 bytes, the peer's default.
    pub const DEFAULT: Self = Self(4096);
    /// The least one.
    pub const MIN: Self = Self(48);
    /// The greatest one.
    pub const MAX: Self = Self(1 << 20);

    /// A size that a command asks for; `None` outside of the range, or between multiples of 8.
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes < 48 || bytes > 1 << 20 || !bytes.is_multiple_of(8) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^20")]
        Some(Self(bytes as u32))
    }

    /// The size that a payload names, which older producers did not restrict: the nearest one.
    pub(crate) fn nearest(bytes: u64) -> Self {
        Self::new(bytes.clamp(48, 1 << 20).next_multiple_of(8)).unwrap_or(Self::MAX)
    }

    /// Bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

impl Default for ChunkSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The sample does not fit the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Samples beside each other: what chunks are decoded into.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// Strictly ascending in a chunk.
    pub times: Vec<u64>,
    /// As many values.
    pub values: Vec<f64>,
}

impl Columns {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The samples, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Sample> + ExactSizeIterator + '_ {
        let pairs = self.times.iter().zip(&self.values);
        pairs.map(|(&timestamp, &value)| Sample { timestamp, value })
    }

    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
    }

    pub(crate) fn extend(&mut self, more: &Self) {
        self.times.extend_from_slice(&more.times);
        self.values.extend_from_slice(&more.values);
    }

    pub(crate) fn push(&mut self, sample: Sample) {
        self.times.push(sample.timestamp);
        self.values.push(sample.value);
    }

    pub(crate) fn insert(&mut self, place: usize, sample: Sample) {
        let place = place.min(self.len());
        self.times.insert(place, sample.timestamp);
        self.values.insert(place, sample.value);
    }

    /// Keeps the samples that `wanted` is true of.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(Sample) -> bool) {
        let mut kept = 0;
        for index in 0..self.len() {
            let (Some(&timestamp), Some(&value)) = (self.times.get(index), self.values.get(index))
            else {
                break;
            };
            if wanted(Sample { timestamp, value }) {
                self.times.swap(kept, index);
                self.values.swap(kept, index);
                kept += 1;
            }
        }
        self.times.truncate(kept);
        self.values.truncate(kept);
    }

    /// Takes out the samples from `start` to before `end`.
    pub(crate) fn remove(&mut self, start: usize, end: usize) {
        let end = end.min(self.len());
        let start = start.min(end);
        self.times.drain(start..end);
        self.values.drain(start..end);
    }
}

/// A run of samples in one encoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Chunk {
    /// Compressed.
    Gorilla(Gorilla),
    /// Compressed, and smaller in memory than where it is written; rarely the last of a series.
    Packed(Packed),
    /// 16 bytes a sample.
    Uncompressed(Uncompressed),
}

/// The same call on whichever chunk it is.
macro_rules! either {
    ($chunk:expr, $inner:ident => $call:expr) => {
        match $chunk {
            Chunk::Gorilla($inner) => $call,
            Chunk::Packed($inner) => $call,
            Chunk::Uncompressed($inner) => $call,
        }
    };
}

impl Chunk {
    /// An empty chunk of `size` bytes, which takes memory as it fills.
    pub fn new(encoding: Encoding, size: u32) -> Self {
        match encoding {
            Encoding::Compressed => Self::Gorilla(Gorilla::new(size)),
            Encoding::Uncompressed => Self::Uncompressed(Uncompressed::new(size)),
        }
    }

    /// How the samples are stored.
    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Gorilla(_) | Self::Packed(_) => Encoding::Compressed,
            Self::Uncompressed(_) => Encoding::Uncompressed,
        }
    }

    /// Samples.
    pub fn count(&self) -> u32 {
        either!(self, chunk => chunk.count())
    }

    /// Bytes that the samples may take, and do take where the chunk is written.
    pub fn size(&self) -> u32 {
        either!(self, chunk => chunk.size())
    }

    /// The time of the first sample, 0 if there is none.
    pub fn first_time(&self) -> u64 {
        either!(self, chunk => chunk.first_time())
    }

    /// The last sample, zeros if there is none.
    pub fn last(&self) -> Sample {
        either!(self, chunk => chunk.last())
    }

    /// Puts a sample, later than all others, at the end. O(1).
    ///
    /// # Errors
    /// [`Full`]; nothing was changed.
    pub fn append(&mut self, sample: Sample) -> Result<(), Full> {
        match self {
            Self::Gorilla(chunk) => chunk.append(sample),
            Self::Uncompressed(chunk) => chunk.append(sample),
            Self::Packed(packed) => {
                *self = Self::Gorilla(packed.unpacked());
                self.append(sample)
            }
        }
    }

    /// Puts a sample, later than all others, at the end, and makes the chunk larger if it must.
    pub(crate) fn push(&mut self, sample: Sample) {
        match self {
            Self::Gorilla(chunk) => chunk.push(sample),
            Self::Uncompressed(chunk) => chunk.push(sample),
            Self::Packed(packed) => {
                *self = Self::Gorilla(packed.unpacked());
                self.push(sample);
            }
        }
    }

    /// Gives the last sample another value, if that can be done without reading the others. Returns
    /// whether it was done.
    pub(crate) fn replace_last(&mut self, value: f64) -> bool {
        match self {
            Self::Gorilla(chunk) => chunk.replace_last(value),
            Self::Uncompressed(chunk) => chunk.replace_last(value),
            Self::Packed(_) => false,
        }
    }

    /// A chunk of these samples, of `size` bytes, or as much more as they need.
    pub(crate) fn of(encoding: Encoding, size: u32, samples: impl Iterator<Item = Sample>) -> Self {
        let mut chunk = Self::new(encoding, size);
        samples.for_each(|sample| chunk.push(sample));
        chunk
    }

    /// Reads the samples from the beginning on.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        match self {
            Self::Gorilla(chunk) => Cursor::Gorilla(chunk.cursor()),
            Self::Packed(chunk) => Cursor::Packed(chunk.cursor()),
            Self::Uncompressed(chunk) => Cursor::Uncompressed(chunk.samples()),
        }
    }

    /// Appends all samples to `columns`. 2 to 3 ns a sample.
    pub fn decode(&self, columns: &mut Columns) {
        self.cursor().read(columns, usize::MAX);
    }

    /// Makes the chunk as small as it can be: nothing will be added to it soon. O(samples).
    pub(crate) fn seal(&mut self) {
        match self {
            Self::Gorilla(chunk) => match Packed::of(chunk) {
                Some(packed) => *self = Self::Packed(packed),
                None => chunk.trim(),
            },
            Self::Uncompressed(chunk) => chunk.trim(),
            Self::Packed(_) => {}
        }
    }

    /// As [`Self::seal`], where the samples were decoded already.
    pub(crate) fn seal_decoded(&mut self, columns: &Columns) {
        match self {
            Self::Gorilla(chunk) => match Packed::of_columns(chunk, columns) {
                Some(packed) => *self = Self::Packed(packed),
                None => chunk.trim(),
            },
            Self::Uncompressed(_) | Self::Packed(_) => {}
        }
    }

    /// Says that the chunk may take what it takes now and no more, as after a split.
    pub(crate) fn fit(&mut self) {
        match self {
            Self::Gorilla(chunk) => chunk.fit(),
            Self::Uncompressed(chunk) => chunk.fit(),
            Self::Packed(_) => {}
        }
    }

    /// Bytes on the heap, without the chunk itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        either!(self, chunk => allocated(chunk.block_bytes()))
    }
}

/// Where a reader stands in a chunk.
pub(crate) enum Cursor<'a> {
    Gorilla(gorilla::Cursor<'a>),
    Packed(packed::Cursor<'a>),
    Uncompressed(&'a [Sample]),
}

impl Cursor<'_> {
    /// Passes over samples before `time`, as far as they need not be read for that.
    pub(crate) fn skip_to(&mut self, time: u64) {
        match self {
            Self::Gorilla(_) => {}
            Self::Packed(cursor) => cursor.skip_to(time),
            Self::Uncompressed(rest) => {
                let place = rest.partition_point(|sample| sample.timestamp < time);
                *rest = rest.get(place..).unwrap_or_default();
            }
        }
    }

    /// Appends some `most` of the next samples to `columns`. Returns how many: none at the end.
    pub(crate) fn read(&mut self, columns: &mut Columns, most: usize) -> usize {
        match self {
            Self::Gorilla(cursor) => cursor.read(columns, most),
            Self::Packed(cursor) => cursor.read(columns, most),
            Self::Uncompressed(rest) => {
                let (now, later) = rest.split_at(most.min(rest.len()));
                columns.times.extend(now.iter().map(|sample| sample.timestamp));
                columns.values.extend(now.iter().map(|sample| sample.value));
                *rest = later;
                now.len()
            }
        }
    }
}
