//! One table of buckets.

use keyspan_common::data_type::allocated;

use super::hash::Probe;
use crate::zeroed::{NoMemory, zeroed};

/// A power of two of buckets, one byte a slot.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    slots: Vec<u8>,
    /// The number of buckets - 1.
    mask: u64,
    /// Slots of a bucket, at least 1.
    width: usize,
}

impl Table {
    /// `buckets`, a power of two, all free.
    pub(super) fn zeroed(buckets: u64, width: u8) -> Result<Self, NoMemory> {
        let len = buckets.checked_mul(width.into()).and_then(|len| usize::try_from(len).ok());
        let slots = zeroed(len.ok_or(NoMemory)?)?;
        Ok(Self { slots, mask: buckets.wrapping_sub(1), width: width.into() })
    }

    /// With the given slots; `None` unless they are a power of two of buckets.
    pub(super) fn from_slots(slots: Vec<u8>, width: u8) -> Option<Self> {
        let buckets = slots.len().checked_div(width.into())?;
        let fits = buckets.is_power_of_two() && buckets.checked_mul(width.into())? == slots.len();
        let mask = u64::try_from(buckets).ok()?.wrapping_sub(1);
        fits.then_some(Self { slots, mask, width: width.into() })
    }

    pub(super) fn slots(&self) -> &[u8] {
        &self.slots
    }

    /// The block itself, for one of the same length.
    pub(super) fn slots_mut(&mut self) -> &mut Vec<u8> {
        &mut self.slots
    }

    pub(super) fn heap_bytes(&self) -> usize {
        allocated(self.slots.capacity())
    }

    /// Where the bucket of `hash` begins. RedisBloom cuts this to 32 bits, which in tables over 4 GiB
    /// puts several buckets in one place; here each has its own.
    #[inline]
    pub(super) fn offset(&self, hash: u64) -> usize {
        // Less than the number of slots, so both fit.
        usize::try_from(hash & self.mask).unwrap_or(0).wrapping_mul(self.width)
    }

    /// The number of the bucket of `hash`.
    pub(super) fn number(&self, hash: u64) -> Option<usize> {
        usize::try_from(hash & self.mask).ok()
    }

    /// Whether the bucket of `hash` has a free slot.
    pub(super) fn has_free(&self, hash: u64) -> bool {
        self.bucket(hash).contains(&0)
    }

    #[inline]
    fn bucket(&self, hash: u64) -> &[u8] {
        let from = self.offset(hash);
        self.slots.get(from..from.wrapping_add(self.width)).unwrap_or_default()
    }

    #[inline]
    fn bucket_mut(&mut self, hash: u64) -> &mut [u8] {
        let from = self.offset(hash);
        self.slots.get_mut(from..from.wrapping_add(self.width)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn contains(&self, probe: Probe) -> bool {
        let has = |hash| self.bucket(hash).contains(&probe.fingerprint);
        has(probe.first) || has(probe.second)
    }

    /// Occurrences in both buckets; `once`: if they are the same, in it alone.
    pub(super) fn count(&self, probe: Probe, once: bool) -> u64 {
        let is_own = |slot: &u8| u64::from(*slot == probe.fingerprint);
        let within = |hash| self.bucket(hash).iter().map(is_own).sum::<u64>();
        let same = self.offset(probe.first) == self.offset(probe.second);
        within(probe.first) + if once && same { 0 } else { within(probe.second) }
    }

    /// Frees the first slot with the fingerprint.
    pub(super) fn remove(&mut self, probe: Probe) -> bool {
        self.replace(probe.first, probe.fingerprint, 0)
            || self.replace(probe.second, probe.fingerprint, 0)
    }

    /// Puts the fingerprint into the first free slot of its buckets.
    #[inline]
    pub(super) fn put(&mut self, probe: Probe) -> bool {
        self.replace(probe.first, 0, probe.fingerprint)
            || self.replace(probe.second, 0, probe.fingerprint)
    }

    /// Puts a fingerprint into the first free slot of one bucket.
    pub(super) fn put_at(&mut self, hash: u64, fingerprint: u8) -> bool {
        self.replace(hash, 0, fingerprint)
    }

    /// Writes `new` over the first `old` of a bucket.
    #[inline]
    fn replace(&mut self, hash: u64, old: u8, new: u8) -> bool {
        let found = self.bucket_mut(hash).iter_mut().find(|slot| **slot == old);
        found.map(|slot| *slot = new).is_some()
    }

    /// Exchanges slot `place` of a bucket for `fingerprint`.
    pub(super) fn swap(&mut self, hash: u64, place: usize, fingerprint: &mut u8) {
        if let Some(slot) = self.bucket_mut(hash).get_mut(place) {
            std::mem::swap(slot, fingerprint);
        }
    }
}
