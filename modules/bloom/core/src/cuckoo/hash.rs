//! From an item to a fingerprint and two buckets.

use crate::hash::{murmur32, murmur64};

/// What the bits of a fingerprint are spread with.
const SPREAD: u64 = 0x5bd1_e995;

/// The hash of a filter, which it keeps for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// 32 bits: filters made by RedisBloom before 2.2.
    Narrow,
    /// 64 bits: all others.
    Wide,
}

/// Where an item can be. The two hashes are reduced to buckets table by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Probe {
    /// Never 0, which is a free slot.
    pub(super) fingerprint: u8,
    pub(super) first: u64,
    pub(super) second: u64,
}

impl Family {
    #[inline]
    pub(super) fn probe(self, item: &[u8]) -> Probe {
        match self {
            Self::Narrow => Self::narrow(item),
            Self::Wide => Self::wide(item),
        }
    }

    #[inline]
    fn wide(item: &[u8]) -> Probe {
        let hash = murmur64(item, 0);
        // At most 255.
        let fingerprint = u8::try_from(hash % 255 + 1).unwrap_or(u8::MAX);
        Probe::new(fingerprint, hash)
    }

    fn narrow(item: &[u8]) -> Probe {
        let hash = murmur32(item, 0);
        let [.., top] = hash.to_le_bytes();
        Probe::new(if top == 0 { 7 } else { top }, hash.into())
    }
}

impl Probe {
    /// The probe of a fingerprint in bucket `bucket`, or with that hash.
    #[inline]
    pub(super) fn new(fingerprint: u8, bucket: u64) -> Self {
        Self { fingerprint, first: bucket, second: other(fingerprint, bucket) }
    }
}

/// The other bucket of a fingerprint: its own inverse, in tables of 2^n buckets. A narrow hash is cut
/// to 32 bits here, which no table of a filter with narrow hashes reaches.
#[inline]
pub(super) fn other(fingerprint: u8, bucket: u64) -> u64 {
    bucket ^ (u64::from(fingerprint) * SPREAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_never_zero() {
        let items = || (0..100_000_u32).map(u32::to_le_bytes);
        let narrow = |item: &[u8]| (murmur32(item, 0), Family::Narrow.probe(item));
        let zero = items().map(|item| narrow(&item)).find(|(hash, _)| hash >> 24 == 0);
        assert_eq!(zero.map(|(_, probe)| probe.fingerprint), Some(7));
        let plain = items().map(|item| narrow(&item)).find(|(hash, _)| hash >> 24 == 9);
        assert_eq!(plain.map(|(_, probe)| probe.fingerprint), Some(9));
        let wide = |item: &[u8]| (murmur64(item, 0), Family::Wide.probe(item));
        for rest in [0, 254] {
            let found = items().map(|item| wide(&item)).find(|(hash, _)| hash % 255 == rest);
            let (hash, probe) = found.unwrap();
            assert_eq!((u64::from(probe.fingerprint), probe.first), (rest + 1, hash));
            assert_eq!(other(probe.fingerprint, probe.second), probe.first);
        }
    }
}
