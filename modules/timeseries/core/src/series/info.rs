//! What TS.INFO tells.

use super::Series;
use crate::chunk::Chunk;

/// What TS.INFO tells of the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Samples that retention leaves visible.
    pub samples: u64,
    /// Time of the first of them, 0 if there is none.
    pub first_timestamp: u64,
    /// Time of the last one, 0 if there is none.
    pub last_timestamp: u64,
    /// Chunks, an empty one for an empty series.
    pub chunks: u64,
}

/// What TS.INFO DEBUG tells of a chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChunkInfo {
    /// Time of its first sample; -1 if there is none.
    pub start: i64,
    /// Time of its last sample; -1 if there is none.
    pub end: i64,
    /// Its samples.
    pub samples: u64,
    /// Bytes it may take.
    pub size: u64,
    /// `size / samples`, as a float of 4 bytes; 0 for none.
    pub bytes_per_sample: f32,
}

impl ChunkInfo {
    fn of(chunk: &Chunk) -> Self {
        let time = |time: u64| if chunk.count() == 0 { -1 } else { time.cast_signed() };
        let (samples, size) = (chunk.count(), chunk.size());
        Self {
            start: time(chunk.first_time()),
            end: time(chunk.last().timestamp),
            samples: u64::from(samples),
            size: u64::from(size),
            bytes_per_sample: ratio(size, samples),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the reply is as precise")]
fn ratio(size: u32, samples: u32) -> f32 {
    if samples == 0 { 0.0 } else { size as f32 / samples as f32 }
}

impl Series {
    /// What TS.INFO tells of the samples. O(chunks that retention hides, and a chunk).
    pub fn info(&self) -> Info {
        let Some(last) = self.last() else {
            return Info { chunks: 1, ..Info::default() };
        };
        let from = self.visible_from();
        let place = self.place_of(from);
        let counts = self.slots().iter().take(place).map(|slot| u64::from(slot.chunk.count()));
        let mut hidden: u64 = counts.sum();
        let mut first = None;
        for slot in self.slots().iter().skip(place) {
            let start = slot.first;
            if start >= from {
                first = first.or(Some(start));
                break;
            }
            let mut columns = crate::chunk::Columns::default();
            slot.chunk.decode(&mut columns);
            let skipped = columns.times.partition_point(|&time| time < from);
            hidden += u64::try_from(skipped).unwrap_or(0);
            first = columns.times.get(skipped).copied();
            if first.is_some() {
                break;
            }
        }
        Info {
            samples: self.stored_samples().saturating_sub(hidden),
            first_timestamp: first.unwrap_or(0),
            last_timestamp: last.timestamp,
            chunks: u64::try_from(self.slots().len()).unwrap_or(u64::MAX),
        }
    }

    /// What TS.INFO DEBUG tells of the chunks, by time; of an empty one for an empty series.
    pub fn chunk_infos(&self) -> Vec<ChunkInfo> {
        if self.slots().is_empty() {
            let empty = Chunk::new(self.encoding(), self.chunk_size().bytes());
            return vec![ChunkInfo::of(&empty)];
        }
        self.chunks().map(ChunkInfo::of).collect()
    }
}
