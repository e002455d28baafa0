//! The bits of one link of a chain, and where an item's are.

use keyspan_common::data_type::allocated;

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

impl Hashes {
    /// The sums of which the series are made, each one addition from the last.
    #[inline]
    fn sums(self, count: u32) -> impl Iterator<Item = u64> {
        let mut sum = self.first;
        (0..count).map(move |_| {
            let this = sum;
            sum = sum.wrapping_add(self.second);
            this
        })
    }

    /// [`Series::Prime`].
    #[inline]
    fn primes(self, count: u32) -> impl Iterator<Item = u64> {
        let hash = move |(index, sum): (u32, u64)| match index {
            0 => self.first,
            1 => self.second,
            _ => sum.checked_sub(PRIME).unwrap_or(sum),
        };
        (0..).zip(self.sums(count)).map(hash)
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
        allocated(self.block.capacity())
    }

    /// Positions an item has.
    pub(super) const fn probes(&self) -> u32 {
        self.probes
    }

    #[inline]
    fn place(&self, hash: u64) -> Place {
        let position = self.bits.remainder(hash);
        (self.start.wrapping_add((position >> 3) as usize), 1 << (position & 7))
    }

    /// Whether `test` holds for the first `probes` places of an item. The series is chosen once, not
    /// for each place.
    #[inline]
    fn all(&self, hashes: Hashes, probes: u32, mut test: impl FnMut(Place) -> bool) -> bool {
        match self.series {
            Series::Wide => hashes.sums(probes).all(|hash| test(self.place(hash))),
            Series::Narrow => {
                let low = |sum: u64| sum & u64::from(u32::MAX);
                hashes.sums(probes).map(low).all(|hash| test(self.place(hash)))
            }
            Series::Prime => hashes.primes(probes).all(|hash| test(self.place(hash))),
        }
    }

    #[inline]
    fn is_set(&self, (byte, mask): Place) -> bool {
        self.block.get(byte).is_some_and(|byte| byte & mask != 0)
    }

    /// Whether all bits of an item are set; O(probes).
    #[inline]
    pub(super) fn contains(&self, hashes: Hashes) -> bool {
        self.all(hashes, self.probes, |place| self.is_set(place))
    }

    /// Sets all bits of an item; whether one was not set. O(probes).
    #[inline]
    pub(super) fn insert(&mut self, hashes: Hashes) -> bool {
        // Places to write are found without the block borrowed.
        let mut block = std::mem::take(&mut self.block);
        let mut changed = false;
        self.all(hashes, self.probes, |(byte, mask)| {
            if let Some(byte) = block.get_mut(byte) {
                changed |= *byte & mask == 0;
                *byte |= mask;
            }
            true
        });
        self.block = block;
        changed
    }

    /// Asks for the lines of an item's first `probes` positions.
    #[inline]
    pub(super) fn prefetch(&self, hashes: Hashes, probes: u32) {
        self.all(hashes, self.probes.min(probes), |(byte, _)| {
            prefetch(&self.block, byte);
            true
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    /// No item is known whose hashes come near the prime.
    #[test]
    fn hashes_of_the_third_series_stay_below_its_prime() {
        let check = |first, second, expected: [u64; 4]| {
            let hashes = Hashes { first, second };
            assert_eq!(hashes.primes(4).collect::<Vec<_>>(), expected, "{first} {second}");
        };
        check(7, 5, [7, 5, 17, 22]);
        check(u64::MAX, 0, [u64::MAX, 0, 58, 58]);
        check(PRIME - 2, 1, [PRIME - 2, 1, 0, 1]);
    }
}
