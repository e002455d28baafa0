//! One Bloom filter of fixed size in a chain, as RedisBloom makes it.

use crate::{
    bloom::{
        Refusal,
        bitmap::{Bitmap, Hashes, Series, blank},
    },
    hash::{murmur32, murmur64},
};

/// RedisBloom's ln 2 and its square: the digits decide how many bits and probes a filter has.
#[expect(clippy::approx_constant, reason = "the last digit is missing there too")]
const LN_2: f64 = 0.693_147_180_559_945;
const LN_2_SQUARED: f64 = 0.480_453_013_918_201;

/// The most probes a link may ask for. The smallest error a double can say asks for 1075.
const PROBES_MAX: u32 = 2048;

/// Which rules a chain's links follow: RedisBloom's bits of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options(pub(super) u32);

impl Options {
    /// The bits of a link are as many as computed, not the next power of two.
    pub(super) const NO_ROUND: u32 = 1;
    /// The capacity asked for is the logarithm of the bits. Nobody makes such a chain; one that
    /// says so cannot grow.
    pub(super) const ENTRIES_IS_BITS: u32 = 2;
    /// Hashes have 64 bits.
    pub(super) const FORCE_64: u32 = 4;
    /// A full chain refuses items instead of growing.
    pub(super) const NO_SCALING: u32 = 8;

    /// Whether a bit is on.
    pub(super) const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// The two hashes of an item.
    #[inline]
    pub(super) fn hashes(self, item: &[u8]) -> Hashes {
        if self.has(Self::FORCE_64) {
            let first = murmur64(item, 0xc6a4_a793_5bd1_e995);
            return Hashes { first, second: murmur64(item, first) };
        }
        let first = murmur32(item, 0x9747_b28c);
        Hashes { first: first.into(), second: murmur32(item, first).into() }
    }
}

/// What a link is made for, as stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// Items that fit at the promised error.
    pub(super) entries: u64,
    /// The promised rate of false positives.
    pub(super) error: f64,
    /// `-ln(error) / ln(2)^2`.
    pub(super) bits_per_entry: f64,
    /// Positions of an item.
    pub(super) probes: u32,
    /// Bits in the bitmap; a multiple of 8 but in filters of encoding 0.
    pub(super) bits: u64,
    /// If not 0, positions are below 2 to its power, else below `bits`.
    pub(super) log2: u8,
}

/// One filter of a chain.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) plan: Plan,
    /// Items that changed a bit.
    pub(super) items: u64,
    pub(super) bitmap: Bitmap,
}

impl Plan {
    /// What RedisBloom would make for `entries` items and an `error`.
    ///
    /// # Errors
    /// [`Refusal::Size`] if there is no such filter.
    pub(super) fn new(entries: u64, error: f64, options: Options) -> Result<Self, Refusal> {
        let possible = entries > 0 && error > 0.0 && error < 1.0;
        if !possible || options.has(Options::ENTRIES_IS_BITS) {
            return Err(Refusal::Size);
        }
        let bits_per_entry = -error.ln() / LN_2_SQUARED;
        let wanted = real(entries) * bits_per_entry;
        if wanted >= real(1 << 62) {
            return Err(Refusal::Size);
        }
        let probes = probes(bits_per_entry).ok_or(Refusal::Size)?;
        let exact = Self { entries, error, bits_per_entry, probes, bits: 0, log2: 0 };
        Ok(if options.has(Options::NO_ROUND) {
            Self { bits: whole(wanted).max(1).div_ceil(64) * 64, ..exact }
        } else {
            exact.rounded(wanted)
        })
    }

    /// With the next power of two above `wanted` bits, and as many more items.
    fn rounded(self, wanted: f64) -> Self {
        let log2 = whole(wanted).checked_ilog2().map_or(0, |floor| floor + 1);
        let bits = 1 << log2;
        let more = real(whole(real(bits) - wanted)) / self.bits_per_entry;
        let entries = self.entries.saturating_add(whole(more));
        Self { entries, bits: bits.max(8), log2: u8::try_from(log2).unwrap_or(u8::MAX), ..self }
    }

    /// Bytes that hold `bits`.
    pub(super) const fn bytes(&self) -> u64 {
        self.bits.div_ceil(8)
    }

    /// The same plan if it can be followed in `bytes` bytes: the checks of RedisBloom, and that
    /// every number is finite. Filters from before RedisBloom 2.2 may have no count of bits, and
    /// from before 1.0 one that fills no byte.
    pub(super) fn checked(mut self, options: Options, bytes: u64) -> Option<Self> {
        let capacity = bytes.checked_mul(8)?;
        if self.bits == 0 && self.log2 > 0 && !options.has(Options::NO_ROUND) {
            self.bits = capacity;
        }
        let part = self.log2 == 0 && options.0 == 0 && self.bytes() == bytes;
        let sound = self.error > 0.0
            && self.error < 1.0
            && probes(self.bits_per_entry) == Some(self.probes)
            && self.bits > 0
            && (self.bits == capacity || part)
            && self.positions()? <= self.bits;
        sound.then_some(self)
    }

    /// Positions are below this.
    fn positions(&self) -> Option<u64> {
        if self.log2 == 0 { Some(self.bits) } else { 1_u64.checked_shl(self.log2.into()) }
    }

    /// How positions follow from the hashes.
    fn series(&self, options: Options) -> Series {
        let wide = self.log2 == 0 || self.log2 > 31 || options.has(Options::FORCE_64);
        if wide { Series::Wide } else { Series::Narrow }
    }
}

impl Link {
    /// An empty filter.
    ///
    /// # Errors
    /// [`Refusal::Memory`].
    pub(super) fn empty(plan: Plan, options: Options) -> Result<Self, Refusal> {
        let block = blank(plan.bytes()).map_err(|_| Refusal::Memory)?;
        Self::new(plan, options, 0, block).ok_or(Refusal::Size)
    }

    /// A filter over given bits, unless they do not fit the plan.
    pub(super) fn new(plan: Plan, options: Options, items: u64, block: Vec<u8>) -> Option<Self> {
        let series = plan.series(options);
        let bitmap = Bitmap::new(block, 0, plan.positions()?, plan.probes, series)?;
        Some(Self { plan, items, bitmap })
    }

    /// Whether the next item belongs in another link.
    pub(super) const fn is_full(&self) -> bool {
        self.items >= self.plan.entries
    }

    /// Sets an item's bits and counts it if that changed one.
    #[inline]
    pub(super) fn insert(&mut self, hashes: Hashes) -> bool {
        let changed = self.bitmap.insert(hashes);
        self.items = self.items.saturating_add(changed.into());
        changed
    }
}

/// Probes of an item in a filter of so many bits for each.
fn probes(bits_per_entry: f64) -> Option<u32> {
    let probes = (LN_2 * bits_per_entry).ceil();
    let known = probes >= 1.0 && probes <= f64::from(PROBES_MAX);
    known.then(|| u32::try_from(whole(probes)).unwrap_or(PROBES_MAX))
}

/// The nearest double, as in the reference.
#[expect(clippy::cast_precision_loss, reason = "sizes are estimates in doubles there as well")]
pub(super) const fn real(count: u64) -> f64 {
    count as f64
}

/// Without the fraction; 0 for what is no count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "truncation is what the reference does"
)]
pub(super) const fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At powers of 1/2 the digits of [`LN_2`] and [`LN_2_SQUARED`] decide: with exact ones there
    /// would be one probe less.
    #[test]
    fn probes_are_those_of_the_reference() {
        for (error, expected) in
            [(0.5, 2), (0.25, 3), (0.0625, 5), (1.0 / 1024.0, 11), (0.01, 7), (0.125_012_5, 3)]
        {
            let plan = Plan::new(1, error, Options(Options::NO_ROUND)).unwrap();
            assert_eq!(plan.probes, expected, "{error}");
        }
    }
}
