//! One Bloom filter of fixed size in a chain: the block that the crate `bloomfilter` keeps.
//!
//! ```text
//! u8 1, u64 bytes, u32 probes, 32 bytes of seed, bits
//! ```
//! Little-endian. Bits and hashes are the crate's as well, which the tests compare. It is not
//! used here: it hashes an item anew for each link, divides twice for each probe, and lets nobody
//! ask for memory ahead.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::bloom::{
    Refusal,
    bitmap::{Bitmap, Hashes, Series, blank},
};

/// Bytes before the bits.
pub(super) const HEAD_LEN: usize = 45;

/// The format of the block.
const FORMAT: u8 = 1;

/// The most probes a link may ask for. The smallest error a double can say asks for 1075.
const PROBES_MAX: u32 = 2048;

/// The keys of the two hashes.
pub type Seed = [u8; 32];

/// The two hashes of an item: SipHash-1-3 of its length and its bytes.
#[inline]
pub(super) fn hashes(seed: &Seed, item: &[u8]) -> Hashes {
    let (halves, _) = seed.as_chunks::<16>();
    let hash = |key: Option<&[u8; 16]>| {
        let mut hasher = key.map_or_else(SipHasher13::new, SipHasher13::new_with_key);
        // As `[u8]` is hashed where a `usize` has 64 bits.
        hasher.write(&u64::try_from(item.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.write(item);
        hasher.finish()
    };
    Hashes { first: hash(halves.first()), second: hash(halves.last()) }
}

/// One filter of a chain.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// Items that fit at the promised error; at least 1.
    pub(super) capacity: u64,
    /// Items that changed a bit.
    pub(super) items: u64,
    pub(super) bitmap: Bitmap,
}

/// Bytes of bits for so many items at this error; `None` if there is no such filter.
pub(super) fn bytes(capacity: u64, error: f64) -> Option<u64> {
    let possible = capacity > 0 && (f64::MIN_POSITIVE..1.0).contains(&error);
    let squared = std::f64::consts::LN_2 * std::f64::consts::LN_2;
    let bytes = (real(capacity) * error.ln() / (-8.0 * squared)).ceil();
    (possible && bytes < real(1 << 60)).then(|| whole(bytes).max(1))
}

impl Link {
    /// An empty filter.
    ///
    /// # Errors
    /// [`Refusal::Size`] if there is no such filter, [`Refusal::Memory`] if there is none for it.
    pub(super) fn empty(capacity: u64, error: f64, seed: &Seed) -> Result<Self, Refusal> {
        let bytes = bytes(capacity, error).ok_or(Refusal::Size)?;
        let probes = (real(bytes * 8) / real(capacity) * std::f64::consts::LN_2).round();
        let probes = u32::try_from(whole(probes).max(1)).map_err(|_| Refusal::Size)?;
        let head = u64::try_from(HEAD_LEN).map_err(|_| Refusal::Size)?;
        let mut block = blank(bytes + head).map_err(|_| Refusal::Memory)?;
        write_head(&mut block, bytes, probes, seed);
        Self::new(capacity, 0, block, probes).ok_or(Refusal::Size)
    }

    fn new(capacity: u64, items: u64, block: Vec<u8>, probes: u32) -> Option<Self> {
        let bytes = u64::try_from(block.len().checked_sub(HEAD_LEN)?).ok()?;
        if capacity == 0 || probes > PROBES_MAX {
            return None;
        }
        let bits = bytes.checked_mul(8)?;
        let bitmap = Bitmap::new(block, HEAD_LEN, bits, probes, Series::Prime)?;
        Some(Self { capacity, items, bitmap })
    }

    /// A filter and its seed out of a stored block; `None` if the block is not sound.
    pub(super) fn stored(block: Vec<u8>, capacity: u64, items: u64) -> Option<(Self, Seed)> {
        let ([format], rest) = block.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (probes, rest) = rest.split_first_chunk()?;
        let (seed, bits) = rest.split_first_chunk()?;
        let sound = *format == FORMAT && u64::try_from(bits.len()) == Ok(u64::from_le_bytes(*len));
        let (probes, seed) = (u32::from_le_bytes(*probes), *seed);
        let link = sound.then(|| Self::new(capacity, items, block, probes)).flatten();
        Some((link?, seed))
    }

    /// A filter whose bits were stored alone and the highest bit of a byte first, as valkey-bloom
    /// did before its first release.
    pub(super) fn mirrored(bits: &[u8], probes: u32, seed: &Seed, capacity: u64) -> Option<Self> {
        let len = u64::try_from(bits.len()).ok()?;
        let mut block = blank(len.checked_add(u64::try_from(HEAD_LEN).ok()?)?).ok()?;
        write_head(&mut block, len, probes, seed);
        for (byte, mirrored) in block.iter_mut().skip(HEAD_LEN).zip(bits) {
            *byte = mirrored.reverse_bits();
        }
        Self::new(capacity, capacity, block, probes)
    }

    /// Whether the next item belongs in another link.
    pub(super) const fn is_full(&self) -> bool {
        self.items >= self.capacity
    }

    /// Sets an item's bits and counts it if that changed one.
    #[inline]
    pub(super) fn insert(&mut self, hashes: Hashes) -> bool {
        let changed = self.bitmap.insert(hashes);
        self.items = self.items.saturating_add(changed.into());
        changed
    }
}

/// Writes what stands before the bits.
fn write_head(block: &mut [u8], bytes: u64, probes: u32, seed: &Seed) {
    let (bytes, probes) = (bytes.to_le_bytes(), probes.to_le_bytes());
    let head = [FORMAT].into_iter().chain(bytes).chain(probes).chain(*seed);
    for (byte, value) in block.iter_mut().zip(head) {
        *byte = value;
    }
}

/// The nearest double.
#[expect(clippy::cast_precision_loss, reason = "sizes are estimates in doubles there as well")]
const fn real(count: u64) -> f64 {
    count as f64
}

/// Without the fraction; 0 for what is no count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "truncation is what the reference does"
)]
const fn whole(number: f64) -> u64 {
    number as u64
}
