//! `TopK-TYPE` in RDB files and DUMP payloads, version 0.
//!
//! ```text
//! value    u k | u width | u depth | d decay | b cells | b heap | k x b item
//! cell     u32 fingerprint | u32 count
//! heap     k x (u32 fingerprint | u32 item length | 8 bytes | u32 count | 4 bytes)
//! item     the item and a NUL; an empty slot has the NUL alone
//! ```
//! All little-endian. The reference leaves an address of its process in the 8 bytes, and nothing in
//! the last 4; it reads neither. Here zeros, but that the last 4 bytes of the first slot hold the
//! number of draws: 0 as long as nothing had to be drawn. A slot keeps these bytes when the reference
//! moves it, so the number is the sum over all slots.
//!
//! The reference saves items up to their first NUL, here they are whole. An empty slot has neither
//! fingerprint nor count, an empty item has a fingerprint.

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};

use super::{Decay, TopK, heap::Heap};
use crate::{grid::Grid, zeroed::NoMemory};

/// Bytes of a slot.
const SLOT: usize = 24;

/// The numbers of one slot as they are saved.
struct Record {
    fingerprint: u32,
    item_len: u32,
    count: u32,
    draws: u32,
}

impl Value for TopK {
    const TYPE_NAMES: &'static [&'static str] = &["TopK-TYPE"];

    fn load<R: Read>(reader: &mut R, Encoding { version, .. }: Encoding) -> Result<Self, Error> {
        if version != 0 {
            return Err(Error::Version);
        }
        let k = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let (width, depth) = (reader.unsigned()?, reader.unsigned()?);
        let decay = Decay::new(reader.double()?).ok_or(Error::Invalid)?;
        let grid = Grid::load(width, depth, reader.bytes()?.as_ref())?;
        let (heap, draws) = load_heap(reader, k)?;
        Ok(Self::of(grid, decay, heap, draws))
    }

    fn save<W: Write>(&self, writer: &mut W, _version: u32) {
        writer.unsigned(u64::try_from(self.k()).unwrap_or(0));
        writer.unsigned(self.width());
        writer.unsigned(self.depth());
        writer.double(self.decay());
        writer.bytes(self.grid.bytes());
        writer.bytes(&records(&self.heap, self.draws));
        let mut saved = Vec::new();
        for (_, item) in self.heap.slots() {
            saved.clear();
            saved.extend_from_slice(item.unwrap_or_default());
            saved.push(0);
            writer.bytes(&saved);
        }
    }
}

/// Reads the heap's slots and items. Nothing is allocated for `k` before its slots are there.
fn load_heap<R: Read>(reader: &mut R, k: u32) -> Result<(Heap, u32), Error> {
    let slots = reader.bytes()?;
    let (records, rest) = slots.as_ref().as_chunks::<SLOT>();
    if k == 0 || u32::try_from(records.len()) != Ok(k) || !rest.is_empty() {
        return Err(Error::Invalid);
    }
    let mut heap = Heap::new(k).map_err(|NoMemory| Error::Invalid)?;
    let mut draws = 0_u32;
    for (place, record) in records.iter().map(Record::from).enumerate() {
        let item = reader.bytes()?;
        let item = item.as_ref().strip_suffix(&[0]).unwrap_or(item.as_ref());
        draws = draws.wrapping_add(record.draws);
        if !item.is_empty() || record.fingerprint != 0 || record.count != 0 {
            heap.fill(place, record.fingerprint, record.count, item);
        }
    }
    Ok((heap, draws))
}

fn records(heap: &Heap, draws: u32) -> Vec<u8> {
    // A block of zeros of which only what is used is touched.
    let mut saved = vec![0; SLOT.saturating_mul(heap.len())];
    let mut draws = Some(draws);
    for (bytes, (slot, item)) in saved.as_chunks_mut::<SLOT>().0.iter_mut().zip(heap.slots()) {
        let draws = draws.take().unwrap_or(0);
        if item.is_some() || draws != 0 {
            let item_len = u32::try_from(item.unwrap_or_default().len()).unwrap_or(u32::MAX);
            let (fingerprint, count) = (slot.fingerprint, slot.count);
            *bytes = Record { fingerprint, item_len, count, draws }.into();
        }
    }
    saved
}

impl From<&[u8; SLOT]> for Record {
    fn from(bytes: &[u8; SLOT]) -> Self {
        let mut words = bytes.as_chunks().0.iter().copied().map(u32::from_le_bytes);
        let mut word = || words.next().unwrap_or(0);
        let (fingerprint, item_len) = (word(), word());
        let (_address, _) = (word(), word());
        Self { fingerprint, item_len, count: word(), draws: word() }
    }
}

impl From<Record> for [u8; SLOT] {
    fn from(record: Record) -> Self {
        let Record { fingerprint, item_len, count, draws } = record;
        let mut bytes = [0; SLOT];
        let words = [fingerprint, item_len, 0, 0, count, draws];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }
}
