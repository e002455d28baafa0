//! A filter in pieces: `CF.SCANDUMP` and `CF.LOADCHUNK`, observed in RedisBloom 2.8 and 8.8.
//!
//! ```text
//! header   u64 items | u64 buckets | u64 deletes | u64 tables | u16 bucket size
//!          u16 iterations | u16 expansion                        little-endian, 38 bytes
//! chunk    bytes of one table, at most 16 MiB
//! ```
//! Position 0 asks for the header, and 1 + n for the chunk that begins with byte n of all tables in
//! a row. A chunk is loaded with the position behind it.
//!
//! `deletes` carries the mark of a 32-bit hash, as in a dump (see [`super::rdb`]).

use std::num::NonZeroU8;

use super::{Cuckoo, Layout, TABLES_MAX, rdb::Deletes, table::Table};
use crate::zeroed::NoMemory;

/// Bytes of a header.
pub const HEADER_LEN: usize = 38;

/// The longest chunk.
pub const CHUNK_MAX: usize = 16 << 20;

/// Why no filter was made of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHeader {
    /// Its length or a number in it is wrong.
    Invalid,
    /// It asks for more memory than there is.
    NoMemory,
}

/// A chunk that is empty or does not lie within one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadChunk;

impl Cuckoo {
    /// All numbers of the filter.
    pub fn header(&self) -> [u8; HEADER_LEN] {
        let tables = u64::try_from(self.tables.len()).unwrap_or(u64::MAX);
        let deletes = Deletes { family: self.family, count: self.deletes }.marked();
        let long = [self.items, self.layout.buckets(), deletes, tables];
        let size = u16::from(self.layout.bucket_size());
        let short = [size, self.layout.iterations(), self.layout.expansion()];
        let bytes = long
            .into_iter()
            .flat_map(u64::to_le_bytes)
            .chain(short.into_iter().flat_map(u16::to_le_bytes));
        let mut header = [0; HEADER_LEN];
        header.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        header
    }

    /// The chunk at `position` (from 1) and the position behind it; `None` behind the last byte.
    pub fn chunk(&self, position: u64) -> Option<(u64, &[u8])> {
        let (index, from) = self.locate(position.checked_sub(1)?)?;
        let rest = self.tables.get(index)?.slots().get(from..)?;
        let chunk = rest.get(..CHUNK_MAX).unwrap_or(rest);
        Some((position.checked_add(u64::try_from(chunk.len()).ok()?)?, chunk))
    }

    /// A filter of zeros with the numbers of `header`. O(tables).
    ///
    /// # Errors
    /// [`BadHeader`].
    pub fn from_header(header: &[u8]) -> Result<Self, BadHeader> {
        let header = Header::parse(header).ok_or(BadHeader::Invalid)?;
        let Deletes { family, count } = Deletes::unmarked(header.deletes);
        let tables = (0..header.tables)
            .map(|index| {
                let buckets = header.layout.buckets_of(index).ok_or(NoMemory)?;
                Table::zeroed(buckets, header.layout.bucket_size())
            })
            .collect::<Result<_, _>>()
            .map_err(|NoMemory| BadHeader::NoMemory)?;
        Ok(Self::from_parts(tables, header.layout, family).with_counts(header.items, count))
    }

    /// Writes `chunk` so that it ends before `position`. O(chunk).
    ///
    /// # Errors
    /// [`BadChunk`], and nothing has changed.
    pub fn load_chunk(&mut self, position: u64, chunk: &[u8]) -> Result<(), BadChunk> {
        let len = u64::try_from(chunk.len()).map_err(|_| BadChunk)?;
        let begin = position.checked_sub(1).and_then(|end| end.checked_sub(len));
        let (index, from) = self.locate(begin.ok_or(BadChunk)?).ok_or(BadChunk)?;
        let to = from.checked_add(chunk.len()).filter(|&to| to > from).ok_or(BadChunk)?;
        let table = self.tables.get_mut(index).ok_or(BadChunk)?;
        table.slots_mut().get_mut(from..to).ok_or(BadChunk)?.copy_from_slice(chunk);
        Ok(())
    }

    /// The table that byte `offset` of all tables in a row is in, and its place there. O(1) where all
    /// are of one size, of which alone there may be many.
    fn locate(&self, offset: u64) -> Option<(usize, usize)> {
        let mut rest = usize::try_from(offset).ok()?;
        if self.layout.expansion() == 1 {
            let len = self.tables.first()?.slots().len();
            let place = (rest.checked_div(len)?, rest.checked_rem(len)?);
            return Some(place).filter(|(index, _)| *index < self.tables.len());
        }
        for (index, table) in self.tables.iter().enumerate() {
            match rest.checked_sub(table.slots().len()) {
                None => return Some((index, rest)),
                Some(behind) => rest = behind,
            }
        }
        None
    }
}

/// The numbers of a header that agree with each other.
struct Header {
    items: u64,
    deletes: u64,
    tables: usize,
    layout: Layout,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (long, short) = bytes.as_chunks::<8>();
        let &[items, buckets, deletes, tables] = long else { return None };
        let (short, []) = short.as_chunks::<2>() else { return None };
        let &[size, iterations, expansion] = short else { return None };
        let size = u8::try_from(u16::from_le_bytes(size)).ok().and_then(NonZeroU8::new)?;
        let iterations = u16::from_le_bytes(iterations);
        let expansion = u16::from_le_bytes(expansion);
        let layout = Layout::exact(u64::from_le_bytes(buckets), size, iterations, expansion)?;
        let tables = usize::try_from(u64::from_le_bytes(tables)).ok()?;
        let (items, deletes) = (u64::from_le_bytes(items), u64::from_le_bytes(deletes));
        let fits = (1..=TABLES_MAX).contains(&tables) && layout.fits(tables);
        fits.then_some(Self { items, deletes, tables, layout })
    }
}
