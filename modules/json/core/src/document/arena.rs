//! The memory of a document: chunks of bytes in which blocks lie, found by address.
//!
//! No block points to memory outside, so a document is copied by copying its chunks, freed by
//! freeing them (one call per mebibyte, on any thread), and moved by moving them. Every access is
//! checked; an address that is not there reads as nothing.

use std::collections::BTreeMap;

use keyspan_common::data_type::allocated;

use super::word::{Address, Slot, Word};

/// Where a chunk is closed and the next one begun, in bytes. A block larger than that has a chunk
/// of its own.
pub(crate) const CHUNK: usize = 1 << 20;

/// The chunks of a document and what is free in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena {
    first: Vec<u8>,
    rest: Option<Box<Rest>>,
}

/// What most documents do not have.
#[derive(Clone, Debug, Default)]
struct Rest {
    /// Chunks 1, 2, ...
    chunks: Vec<Vec<u8>>,
    free: FreeBlocks,
    /// New chunks are made in full size at once: they are cut to what they hold when the parse ends.
    roomy: bool,
}

/// Free blocks. Most edited documents are small and have a few: a tree would be larger than they are.
#[derive(Clone, Debug, Default)]
struct FreeBlocks {
    /// Size and address, at most [`FEW`], in no order.
    few: Vec<(usize, Address)>,
    /// What is more, by size.
    many: BTreeMap<usize, Vec<Address>>,
    bytes: usize,
}

/// Blocks that are searched one by one.
const FEW: usize = 8;

impl Arena {
    pub(crate) const fn new() -> Self {
        Self { first: Vec::new(), rest: None }
    }

    /// An arena to build a whole document in, before [`Self::take_exact`].
    pub(crate) fn roomy() -> Self {
        let rest = Rest { roomy: true, ..Rest::default() };
        Self { first: Vec::new(), rest: Some(Box::new(rest)) }
    }

    /// `len` bytes at `address`.
    pub(crate) fn bytes(&self, address: Address, len: usize) -> Option<&[u8]> {
        let start = address.offset();
        self.chunk(address.chunk())?.get(start..start.checked_add(len)?)
    }

    fn bytes_mut(&mut self, address: Address, len: usize) -> Option<&mut [u8]> {
        let start = address.offset();
        self.chunk_mut(address.chunk())?.get_mut(start..start.checked_add(len)?)
    }

    /// The word at `address`, where it lies.
    pub(crate) fn slot(&self, address: Address) -> Option<&Slot> {
        self.bytes(address, 8)?.first_chunk()
    }

    pub(crate) fn word(&self, address: Address) -> Word {
        self.slot(address).map_or(Word::NULL, |slot| Word::from_slot(*slot))
    }

    pub(crate) fn u32(&self, address: Address) -> Option<u32> {
        self.bytes(address, 4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// Overwrites what is at `address`; nothing happens when the block is not there.
    pub(crate) fn put(&mut self, address: Address, bytes: &[u8]) {
        if let Some(place) = self.bytes_mut(address, bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Moves `len` bytes within one chunk; the places may overlap.
    pub(crate) fn shift(&mut self, from: Address, to: Address, len: usize) {
        if self.bytes(from, len).is_none() || self.bytes(to, len).is_none() {
            return;
        }
        let start = from.offset();
        if let Some(chunk) = self.chunk_mut(from.chunk()) {
            chunk.copy_within(start..start + len, to.offset());
        }
    }

    /// A block of `size` bytes with unspecified content: a free one, else new at the end.
    pub(crate) fn allocate(&mut self, size: usize) -> Address {
        if let Some(address) = self.rest.as_mut().and_then(|rest| rest.free.take(size)) {
            return address;
        }
        let full = |len: usize| len > 0 && len + size > CHUNK;
        let mut number = self.rest.as_ref().map_or(0, |rest| rest.chunks.len());
        if full(self.chunk(number).map_or(0, Vec::len)) {
            self.rest.get_or_insert_default().begin_chunk();
            number += 1;
        }
        let Some(chunk) = self.chunk_mut(number) else { return Address::new(0, 0) };
        let address = Address::new(number, chunk.len());
        grow(chunk, size);
        address
    }

    /// A new block that holds `bytes`.
    pub(crate) fn store(&mut self, bytes: &[u8]) -> Address {
        self.store_all(&[bytes])
    }

    /// A new block that holds `parts` one after the other.
    #[inline]
    pub(crate) fn store_all(&mut self, parts: &[&[u8]]) -> Address {
        let size = parts.iter().map(|part| part.len()).sum();
        if self.rest.as_ref().is_none_or(|rest| rest.free.bytes == 0 && rest.chunks.is_empty())
            && self.first.len() + size <= self.first.capacity().min(CHUNK)
        {
            let address = Address::new(0, self.first.len());
            for part in parts {
                self.first.extend_from_slice(part);
            }
            return address;
        }
        let address = self.allocate(size);
        let mut place = address;
        for part in parts {
            self.put(place, part);
            place = place.plus(part.len());
        }
        address
    }

    /// Overwrites the block at `address` with words; nothing happens when it is not there.
    pub(crate) fn put_words(
        &mut self,
        address: Address,
        words: impl ExactSizeIterator<Item = Word>,
    ) {
        let places = self.bytes_mut(address, 8 * words.len()).unwrap_or_default();
        for (place, word) in places.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.slot();
        }
    }

    /// Gives back the block of `size` bytes at `address`.
    pub(crate) fn release(&mut self, address: Address, size: usize) {
        let last = self.rest.as_ref().map_or(0, |rest| rest.chunks.len());
        let number = address.chunk();
        let Some(chunk) = self.chunk_mut(number) else { return };
        if number == last && chunk.len() == address.offset() + size {
            chunk.truncate(address.offset());
            if let Some(rest) = self.rest.as_mut()
                && rest.chunks.last().is_some_and(Vec::is_empty)
            {
                rest.chunks.pop();
            }
        } else if size > 0 {
            self.rest.get_or_insert_default().free.give(address, size);
        }
    }

    /// Bytes in blocks, free ones included.
    pub(crate) fn used(&self) -> usize {
        self.chunks().map(Vec::len).sum()
    }

    /// Bytes in free blocks.
    pub(crate) fn free_bytes(&self) -> usize {
        self.rest.as_ref().map_or(0, |rest| rest.free.bytes)
    }

    /// The free blocks, for the check of invariants.
    pub(crate) fn free_blocks(&self) -> impl Iterator<Item = (Address, usize)> + '_ {
        self.rest.iter().flat_map(|rest| rest.free.iter())
    }

    /// Bytes the allocator holds for the chunks and what belongs to them.
    pub(crate) fn memory(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.memory());
        allocated(self.first.capacity()) + rest
    }

    pub(crate) fn chunks(&self) -> impl Iterator<Item = &Vec<u8>> {
        let rest = self.rest.iter().flat_map(|rest| &rest.chunks);
        std::iter::once(&self.first).chain(rest)
    }

    pub(crate) fn chunks_mut(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        let rest = self.rest.iter_mut().flat_map(|rest| &mut rest.chunks);
        std::iter::once(&mut self.first).chain(rest)
    }

    /// The content moved out with nothing to spare; what is left is empty and keeps its memory
    /// for the next use.
    pub(crate) fn take_exact(&mut self) -> Self {
        let first = self.first.as_slice().to_vec();
        self.first.clear();
        self.first.shrink_to(CHUNK);
        Self { first, rest: self.rest.as_mut().and_then(|rest| rest.take_exact()) }
    }

    pub(crate) fn clear(&mut self) {
        self.first.clear();
        self.first.shrink_to(CHUNK);
        if let Some(rest) = &mut self.rest {
            **rest = Rest { roomy: rest.roomy, ..Rest::default() };
        }
    }

    fn chunk(&self, number: usize) -> Option<&Vec<u8>> {
        match number.checked_sub(1) {
            None => Some(&self.first),
            Some(index) => self.rest.as_ref()?.chunks.get(index),
        }
    }

    fn chunk_mut(&mut self, number: usize) -> Option<&mut Vec<u8>> {
        match number.checked_sub(1) {
            None => Some(&mut self.first),
            Some(index) => self.rest.as_mut()?.chunks.get_mut(index),
        }
    }
}

impl Rest {
    fn begin_chunk(&mut self) {
        self.chunks.push(Vec::with_capacity(if self.roomy { CHUNK } else { 0 }));
    }

    fn take_exact(&mut self) -> Option<Box<Self>> {
        if self.chunks.is_empty() && self.free.bytes == 0 {
            return None;
        }
        let fresh = Self { roomy: self.roomy, ..Self::default() };
        let mut taken = std::mem::replace(self, fresh);
        taken.roomy = false;
        taken.chunks.shrink_to_fit();
        if let Some(last) = taken.chunks.last_mut() {
            last.shrink_to_fit();
        }
        Some(Box::new(taken))
    }

    fn memory(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| allocated(chunk.capacity())).sum();
        allocated(size_of::<Self>())
            + allocated(self.chunks.capacity() * size_of::<Vec<u8>>())
            + chunks
            + self.free.memory()
    }
}

impl FreeBlocks {
    /// The smallest free block of at least `size` bytes; what it has too much stays free.
    fn take(&mut self, size: usize) -> Option<Address> {
        let (found, address) = self.best_of_few(size).or_else(|| self.best_of_many(size))?;
        self.bytes -= found;
        if found > size {
            self.give(address.plus(size), found - size);
        }
        Some(address)
    }

    fn best_of_few(&mut self, size: usize) -> Option<(usize, Address)> {
        let fits = self.few.iter().enumerate().filter(|(_, (free, _))| *free >= size);
        let (index, _) = fits.min_by_key(|(_, (free, _))| *free)?;
        Some(self.few.swap_remove(index))
    }

    fn best_of_many(&mut self, size: usize) -> Option<(usize, Address)> {
        let (&found, list) = self.many.range_mut(size..).next()?;
        let address = list.pop()?;
        if list.is_empty() {
            self.many.remove(&found);
        }
        Some((found, address))
    }

    fn give(&mut self, address: Address, size: usize) {
        if self.few.len() < FEW {
            self.few.push((size, address));
        } else {
            self.many.entry(size).or_default().push(address);
        }
        self.bytes += size;
    }

    fn iter(&self) -> impl Iterator<Item = (Address, usize)> + '_ {
        let many = self.many.iter();
        let many = many.flat_map(|(size, list)| list.iter().map(move |address| (*address, *size)));
        self.few.iter().map(|(size, address)| (*address, *size)).chain(many)
    }

    fn memory(&self) -> usize {
        let lists: usize = self.many.values().map(|list| allocated(8 * list.capacity())).sum();
        // A tree node has room for 11 entries of 32 bytes and is at least half full.
        let tree = self.many.len().div_ceil(7) * allocated(11 * 32 + 16);
        allocated(16 * self.few.capacity()) + lists + tree
    }
}

/// Makes `chunk` longer by `size`, with some bytes to spare: an eighth, so that a document that
/// grows member by member is not copied each time, and does not waste much either. A small one
/// takes what the allocator would give it anyway.
fn grow(chunk: &mut Vec<u8>, size: usize) {
    let len = chunk.len() + size;
    if len > chunk.capacity() {
        let spare = if len < 1024 { 0 } else { len / 8 };
        let wanted = allocated(len + spare).min(CHUNK.max(len));
        chunk.reserve_exact(wanted - chunk.len());
    }
    chunk.resize(len, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_blocks_come_back() {
        let mut arena = Arena::default();
        let first = arena.store(b"0123456789");
        let second = arena.store(b"abc");
        arena.release(first, 10);
        assert_eq!(arena.free_bytes(), 10);
        assert_eq!(arena.allocate(4), first);
        assert_eq!(arena.free_bytes(), 6);
        assert_eq!(arena.bytes(second, 3), Some(&b"abc"[..]));
        arena.release(second, 3);
        assert_eq!(arena.used(), 10, "a block at the end is cut off");
    }

    #[test]
    fn chunks_close_at_their_size() {
        let mut arena = Arena::default();
        for _ in 0..3 {
            arena.allocate(CHUNK / 2 + 1);
        }
        assert_eq!(arena.chunks().count(), 3);
        let large = arena.allocate(3 * CHUNK);
        assert_eq!((large.chunk(), large.offset()), (3, 0));
        assert_eq!(arena.allocate(1).chunk(), 4);
    }
}
