//! What a module's value must be able to do for the server beyond being saved and loaded.
//!
//! `keyspan-server` makes every callback of the type from this one trait: rdb_load, rdb_save and
//! copy from [`rdb::Value`] and `Clone`, free from `Drop`, the others from the methods below.

use crate::rdb;

/// Gives blocks of memory a better place, one at a time.
pub trait Mover {
    /// The same elements, in another block if the server has a better place for it.
    fn relocate<T>(&mut self, block: Vec<T>) -> Vec<T>;

    /// Whether the time of this step is up. Asked every few blocks.
    fn should_stop(&mut self) -> bool;
}

/// How far a step of defragmentation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every block was offered.
    Done,
    /// The next step starts here; the meaning of the number is the type's own, 0 is the beginning.
    Paused(u64),
}

/// A value the server stores at a key.
///
/// `Send`, because a large one is freed on another thread.
pub trait DataType: rdb::Value + Clone + Send + 'static {
    /// Whether the type has a record of its own beside the keys, which [`Self::save_aux`] writes.
    const SAVES_AUX: bool = false;

    /// The layout in whole files, where it is not the one of DUMP: so that a replica, or a server
    /// that starts again, goes on exactly where the value stood. The file still names the encoding
    /// of DUMP, `dump_version`, and a load must tell the two apart by the fields.
    fn snapshot_version(dump_version: u32) -> u32 {
        dump_version
    }

    /// Writes the record that stands before or behind the keys. Servers that know how (from 7.2 on)
    /// leave out a record without a field.
    fn save_aux<W: rdb::Write>(_writer: &mut W, _before_keys: bool) {}

    /// Reads a record of this type to its end, this module's own or an older producer's.
    ///
    /// # Errors
    /// [`rdb::Error::Version`] where no record is known; the server then refuses the file.
    fn load_aux<R: rdb::Read>(
        _reader: &mut R,
        _version: u32,
        _before_keys: bool,
    ) -> Result<(), rdb::Error> {
        Err(rdb::Error::Version)
    }

    /// Calls `emit` with each command, and its arguments behind the key, that together make this
    /// value again. The host puts the key first.
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]]));

    /// Bytes on the heap, as the allocator counts them ([`allocated`]), without `size_of::<Self>()`.
    fn memory(&self) -> usize;

    /// Feeds `sink` with texts that are equal, in order, for equal values.
    fn digest(&self, sink: &mut dyn FnMut(&[u8]));

    /// How many blocks freeing takes, roughly. Over 64, UNLINK and ASYNC free on another thread.
    fn effort(&self) -> usize;

    /// Offers the value's blocks to `mover`, from where the last step stopped (0 at first). The
    /// value may have changed in between. Stops soon after [`Mover::should_stop`] says so.
    fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress;
}

/// What jemalloc, the servers' allocator, takes for a block of `size` bytes: the size class that they
/// fall into, 0 for none. From 5.3.1 on it takes less for a large block: whole pages.
pub const fn allocated(size: usize) -> usize {
    match size {
        0 => 0,
        1..=8 => 8,
        9..=128 => size.next_multiple_of(16),
        _ => size.next_multiple_of(1 << ((size - 1).ilog2() - 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes() {
        for (size, class) in
            [(0, 0), (1, 8), (9, 16), (128, 128), (129, 160), (256, 256), (257, 320), (5000, 5120)]
        {
            assert_eq!(allocated(size), class, "{size}");
        }
    }
}
