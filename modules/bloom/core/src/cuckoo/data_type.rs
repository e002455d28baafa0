//! What the server may ask of a filter, beside loading and saving it.

use keyspan_common::data_type::{DataType, Mover, Progress};

use super::{Cuckoo, table::Table};

impl DataType for Cuckoo {
    /// The header, and the chunks that are not all zeros, which a header makes by itself.
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        emit("CF.LOADCHUNK", &[b"1", &self.header()]);
        let mut position = 1;
        while let Some((behind, chunk)) = self.chunk(position) {
            if chunk.iter().any(|&slot| slot != 0) {
                emit("CF.LOADCHUNK", &[behind.to_string().as_bytes(), chunk]);
            }
            position = behind;
        }
    }

    fn memory(&self) -> usize {
        self.heap_bytes()
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.header());
        self.tables.iter().for_each(|table| sink(table.slots()));
    }

    /// One for a table and one for each MiB: giving back memory that was touched takes time, too.
    fn effort(&self) -> usize {
        self.tables.iter().map(|table| 1 + (table.heap_bytes() >> 20)).sum()
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        if start == 0 {
            self.tables = mover.relocate(std::mem::take(&mut self.tables));
        }
        for (index, slots) in self.tables.iter_mut().map(Table::slots_mut).enumerate().skip(start) {
            if index > start && mover.should_stop() {
                return Progress::Paused(u64::try_from(index).unwrap_or(u64::MAX));
            }
            *slots = mover.relocate(std::mem::take(slots));
        }
        Progress::Done
    }
}
