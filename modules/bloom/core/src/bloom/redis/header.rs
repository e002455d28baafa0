//! What BF.SCANDUMP gives and BF.LOADCHUNK takes.
//!
//! ```text
//! header  u64 items, u32 links, u32 options, u32 growth, link*
//! link    u64 bytes, u64 bits, u64 items, f64 error, f64 bits per entry, u32 probes,
//!         u64 entries, u8 log2
//! ```
//! Packed, little-endian. Until RedisBloom 2.2 there was no growth, and entries had 32 bits. The
//! header's cursor is 1; behind that cursors count the bytes of all links, the one after a chunk
//! standing with it.

use crate::zeroed::fits;

use super::{
    Chain, LINKS_MAX, Options,
    link::{Link, Plan},
};

/// The longest chunk, in bytes.
pub const CHUNK_LEN_MAX: u64 = 16 << 20;

const HEAD_LEN: usize = 20;
const LINK_LEN: usize = 53;
/// The same before RedisBloom 2.2.
const OLD_HEAD_LEN: usize = 16;
const OLD_LINK_LEN: usize = 49;

/// Why a chunk cannot be put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadChunk {
    /// No link is there.
    Offset,
    /// It is longer than what is left of its link.
    Length,
}

/// The numbers of a header, taken off the front.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }
}

impl Chain {
    /// What this chain is, without its bits; O(links).
    pub fn header(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_LEN + LINK_LEN * self.links.len());
        out.extend(self.items.to_le_bytes());
        // A chain has as many links as a u32 counts: each takes more than a byte.
        out.extend(u32::try_from(self.links.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(self.options.0.to_le_bytes());
        out.extend(self.growth.to_le_bytes());
        for Link { plan, items, bitmap } in &self.links {
            out.extend(bitmap.len().to_le_bytes());
            out.extend(plan.bits.to_le_bytes());
            out.extend(items.to_le_bytes());
            out.extend(plan.error.to_le_bytes());
            out.extend(plan.bits_per_entry.to_le_bytes());
            out.extend(plan.probes.to_le_bytes());
            out.extend(plan.entries.to_le_bytes());
            out.push(plan.log2);
        }
        out
    }

    /// The chain of a header, its bits still unset; O(links). `None` unless the whole is sound, and
    /// before a bitmap is allocated: lengths, sizes, that the links hold as many items as the chain
    /// says, and that there is memory for all.
    pub fn from_header(header: &[u8]) -> Option<Self> {
        let (items, options, growth, plans) = parse(header)?;
        let sum = plans.iter().try_fold(0_u64, |sum, (_, items)| sum.checked_add(*items))?;
        let bytes = plans.iter().fold(0, |sum: u64, (plan, _)| sum.saturating_add(plan.bytes()));
        let links = u64::try_from(plans.len()).ok()?;
        if sum != items || !(1..=LINKS_MAX).contains(&links) || !fits(bytes) {
            return None;
        }
        let mut links = Vec::with_capacity(plans.len());
        for (plan, items) in plans {
            links.push(Link { items, ..Link::empty(plan, options).ok()? });
        }
        Some(Self::of(links, items, options, growth))
    }

    /// Whether [`Self::from_header`] takes this chain's header: not if a payload had counts that
    /// contradict each other.
    pub(in crate::bloom) fn is_restorable(&self) -> bool {
        let sum = self.links.iter().try_fold(0_u64, |sum, link| sum.checked_add(link.items));
        sum == Some(self.items)
    }

    /// Where a cursor stands: the link and the byte in it.
    fn place(&self, cursor: i64) -> Option<(usize, u64)> {
        let mut offset = u64::try_from(cursor.checked_sub(1)?).ok()?;
        for (index, link) in self.links.iter().enumerate() {
            match offset.checked_sub(link.bitmap.len()) {
                Some(beyond) => offset = beyond,
                None => return Some((index, offset)),
            }
        }
        None
    }

    /// The bytes from a cursor on, at most [`CHUNK_LEN_MAX`] and of one link, and the next cursor;
    /// `None` where nothing is left. O(links).
    pub fn chunk(&self, cursor: i64) -> Option<(i64, &[u8])> {
        let (index, offset) = self.place(cursor)?;
        let rest = self.links.get(index)?.bitmap.bytes().get(usize::try_from(offset).ok()?..)?;
        let chunk = rest.chunks(usize::try_from(CHUNK_LEN_MAX).ok()?).next()?;
        Some((cursor.checked_add(i64::try_from(chunk.len()).ok()?)?, chunk))
    }

    /// Puts a chunk in its place, given the cursor that came with it; O(links + chunk).
    ///
    /// # Errors
    /// [`BadChunk`], and nothing was changed.
    pub fn load_chunk(&mut self, cursor: i64, chunk: &[u8]) -> Result<(), BadChunk> {
        let start = i64::try_from(chunk.len()).ok().and_then(|len| cursor.checked_sub(len));
        let (index, offset) = start.and_then(|at| self.place(at)).ok_or(BadChunk::Offset)?;
        let offset = usize::try_from(offset).map_err(|_| BadChunk::Offset)?;
        let link = self.links.get_mut(index).ok_or(BadChunk::Offset)?;
        let rest = link.bitmap.bytes_mut().get_mut(offset..).unwrap_or_default();
        rest.get_mut(..chunk.len()).ok_or(BadChunk::Length)?.copy_from_slice(chunk);
        Ok(())
    }
}

/// Items, options, growth, and each link's plan and items.
type Parsed = (u64, Options, u32, Vec<(Plan, u64)>);

fn parse(header: &[u8]) -> Option<Parsed> {
    let mut words = Words(header);
    let (items, count) = (words.u64()?, usize::try_from(words.u32()?).ok()?);
    let has_len = |head, link: usize| {
        link.checked_mul(count).and_then(|links| links.checked_add(head)) == Some(header.len())
    };
    let is_old = has_len(OLD_HEAD_LEN, OLD_LINK_LEN);
    if !is_old && !has_len(HEAD_LEN, LINK_LEN) {
        return None;
    }
    let options = Options(words.u32()?);
    let growth = if is_old { 2 } else { words.u32()? };
    let links = std::iter::repeat_with(|| parse_link(&mut words, options, is_old)).take(count);
    Some((items, options, growth, links.collect::<Option<_>>()?))
}

fn parse_link(words: &mut Words<'_>, options: Options, is_old: bool) -> Option<(Plan, u64)> {
    let (bytes, bits, items) = (words.u64()?, words.u64()?, words.u64()?);
    let (error, bits_per_entry) = (words.f64()?, words.f64()?);
    let probes = words.u32()?;
    let entries = if is_old { words.u32()?.into() } else { words.u64()? };
    let [log2] = words.array()?;
    let plan = Plan { entries, error, bits_per_entry, probes, bits, log2 };
    Some((plan.checked(options, bytes)?, items))
}
