//! What BF.LOAD takes: a chain in one text.
//!
//! ```text
//! u8 1, u32 expansion, f64 error, f64 tightening, u8 is the seed random, u64 links, link*
//! link  u64 length, block, i64 items, i64 capacity
//! ```
//! Little-endian: the format that the crate `bincode` 1 gives valkey-bloom's structs.

use super::{Chain, LINKS_MAX, Link, Shape, is_ratio, link::Seed};
use crate::bloom::bitmap::copied;

const FORMAT: u8 = 1;

/// The values of a blob, taken off the front.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.0.split_off(..N)?.try_into().ok()
    }

    fn count(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count that is kept in 63 bits.
    fn signed_count(&mut self) -> Option<u64> {
        self.count().filter(|&count| i64::try_from(count).is_ok())
    }

    fn ratio(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes).filter(|&ratio| is_ratio(ratio))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.count()?).ok()?;
        self.0.split_off(..len)
    }

    fn link(&mut self) -> Option<(Link, Seed)> {
        let block = copied(self.bytes()?).ok()?;
        let items = self.signed_count()?;
        Link::stored(block, self.signed_count()?, items)
    }
}

impl Chain {
    /// All of this chain; O(memory).
    pub fn blob(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        out.extend(self.expansion.to_le_bytes());
        out.extend(self.error.to_le_bytes());
        out.extend(self.tightening.to_le_bytes());
        out.push(self.is_seed_random.into());
        out.extend(self.links().to_le_bytes());
        for link in &self.links {
            let block = link.bitmap.block();
            out.extend(u64::try_from(block.len()).unwrap_or(u64::MAX).to_le_bytes());
            out.extend(block);
            out.extend(link.items.to_le_bytes());
            out.extend(link.capacity.to_le_bytes());
        }
        out
    }

    /// The chain of a blob; O(length). `None` unless the whole is sound. Nothing is allocated but
    /// copies of what is there.
    pub fn from_blob(blob: &[u8]) -> Option<Self> {
        let mut words = Words(blob);
        if words.array()? != [FORMAT] {
            return None;
        }
        let expansion = u32::from_le_bytes(words.array()?);
        let (error, tightening) = (words.ratio()?, words.ratio()?);
        let is_seed_random = match words.array()? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let mut links = Vec::new();
        for _ in 0..words.count().filter(|&count| count <= LINKS_MAX)? {
            links.push(words.link()?);
        }
        let shape = Shape { error, capacity: 0, expansion, tightening, seed: None };
        Self::stored(shape, is_seed_random, links).filter(|_| words.0.is_empty())
    }
}
