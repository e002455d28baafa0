//! The bits of one link of a chain, and where an item's are.

use crate::{
    simd::prefetch,
    zeroed::{NoMemory, zeroed},
};

use super::divisor::Divisor;

/// The two hashes of an item from which all its positions follow (Kirsch and Mitzenmacher, "Less
/// Hashing, Same Performance", 2006).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hashes {
    pub(super) first: u64,
    pub(super) second: u64,
}

/// How the i-th hash of an item is made of its [`Hashes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// `first + i * second` in 64 bits: RedisBloom.
    Wide,
    /// The same in 32 bits: RedisBloom's oldest filters, where the bits are a power of two.
    Narrow,
    /// `first`, `second`, then `first + i * second` modulo the largest prime of 64 bits:
    /// valkey-bloom, as the crate `bloomfilter` does it.
    Prime,
}

/// The largest prime below 2^64.
const PRIME: u64 = 0xffff_ffff_ffff_ffc5;

impl Series {
    #[inline]
    fn hash(self, hashes: Hashes, index: u32) -> u64 {
        let Hashes { first, second } = hashes;
        let sum = || first.wrapping_add(u64::from(index).wrapping_mul(second));
        match self {
            Self::Wide => sum(),
            Self::Narrow => sum() & u64::from(u32::MAX),
            Self::Prime => match index {
                0 => first,
                1 => second,
                _ => sum().checked_sub(PRIME).unwrap_or_else(sum),
            },
        }
    }
}

/// A block of bits and the rule that finds an item's. Bit `x` is bit `x & 7`, from the lowest, of
/// byte `x >> 3`, behind a head of `start` bytes that is not its business.
#[derive(Clone, Debug)]
pub(super) struct Bitmap {
    block: Vec<u8>,
    start: usize,
    bits: Divisor,
    probes: u32,
    series: Series,
}

/// One bit: its byte in the block, and its mask.
type Place = (usize, u8);

impl Bitmap {
    /// Over a block. `None` unless there are 1 to `8 * (block.len() - start)` `bits`, and a probe.
    pub(super) fn new(
        block: Vec<u8>,
        start: usize,
        bits: u64,
        probes: u32,
        series: Series,
    ) -> Option<Self> {
        let bytes = u64::try_from(block.len().checked_sub(start)?).ok()?;
        let fits = bits <= bytes.checked_mul(8)? && probes > 0;
        Some(Self { block, start, bits: Divisor::new(bits)?, probes, series }).filter(|_| fits)
    }

    /// The bytes that hold bits.
    pub(super) fn bytes(&self) -> &[u8] {
        self.block.get(self.start..).unwrap_or_default()
    }

    /// The bytes that hold bits, to write.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.block.get_mut(self.start..).unwrap_or_default()
    }

    /// The whole block, its head included.
    pub(super) fn block(&self) -> &[u8] {
        &self.block
    }

    /// The whole block, for whom gives it a better place.
    pub(super) const fn block_mut(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    /// Bytes that hold bits.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.bytes().len()).unwrap_or(u64::MAX)
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.block.capacity()
    }

    /// Positions an item has.
    pub(super) const fn probes(&self) -> u32 {
        self.probes
    }

    #[inline]
    fn place(&self, hashes: Hashes, index: u32) -> Place {
        let position = self.bits.remainder(self.series.hash(hashes, index));
        (self.start.wrapping_add((position >> 3) as usize), 1 << (position & 7))
    }

    /// Whether all bits of an item are set; O(probes).
    #[inline]
    pub(super) fn contains(&self, hashes: Hashes) -> bool {
        (0..self.probes).all(|index| {
            let (byte, mask) = self.place(hashes, index);
            self.block.get(byte).is_some_and(|byte| byte & mask != 0)
        })
    }

    /// Sets all bits of an item; whether one was not set. O(probes).
    #[inline]
    pub(super) fn insert(&mut self, hashes: Hashes) -> bool {
        let mut changed = false;
        for index in 0..self.probes {
            let (byte, mask) = self.place(hashes, index);
            if let Some(byte) = self.block.get_mut(byte) {
                changed |= *byte & mask == 0;
                *byte |= mask;
            }
        }
        changed
    }

    /// Asks for the lines of an item's first `probes` positions.
    #[inline]
    pub(super) fn prefetch(&self, hashes: Hashes, probes: u32) {
        for index in 0..self.probes.min(probes) {
            prefetch(&self.block, self.place(hashes, index).0);
        }
    }
}

/// A block of zeros of `len` bytes.
///
/// # Errors
/// [`NoMemory`].
pub(super) fn blank(len: u64) -> Result<Vec<u8>, NoMemory> {
    zeroed(usize::try_from(len).map_err(|_| NoMemory)?)
}

/// A block with these bytes.
///
/// # Errors
/// [`NoMemory`].
pub(super) fn copied(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut block = Vec::new();
    block.try_reserve_exact(bytes.len()).map_err(|_| NoMemory)?;
    block.extend_from_slice(bytes);
    Ok(block)
}
