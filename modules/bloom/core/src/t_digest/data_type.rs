//! What the server may ask of a digest, beside loading and saving it.

use std::mem::take;

use keyspan_common::data_type::{DataType, Mover, Progress};
use keyspan_common::rdb::dump::save_dump;

use super::{TDigest, block_bytes};

/// An RDB version that every server takes in a RESTORE.
const RESTORED_EVERYWHERE: u16 = 9;

impl DataType for TDigest {
    fn snapshot_version(_dump_version: u32) -> u32 {
        1
    }

    /// With nothing merged, so that it goes on as this one does.
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        if let Ok(payload) = save_dump(self, 1, RESTORED_EVERYWHERE) {
            emit("RESTORE", &[b"0", &payload]);
        }
    }

    fn memory(&self) -> usize {
        block_bytes(&self.centroids) + self.view.get().map_or(0, block_bytes)
    }

    /// The centroids merged: who reads one of two equal digests does not change it.
    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.compression.as_integer().to_le_bytes());
        sink(&self.min().to_bits().to_le_bytes());
        sink(&self.max().to_bits().to_le_bytes());
        for centroid in self.merged_or_single() {
            sink(&centroid.mean.to_bits().to_le_bytes());
            sink(&centroid.weight.to_le_bytes());
        }
    }

    fn effort(&self) -> usize {
        2
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, _from: u64) -> Progress {
        self.centroids = mover.relocate(take(&mut self.centroids));
        if let Some(view) = self.view.take() {
            self.view = mover.relocate(view).into();
        }
        Progress::Done
    }
}
