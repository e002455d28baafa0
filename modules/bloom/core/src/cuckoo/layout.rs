//! The numbers a filter is made with.

use std::num::NonZeroU8;

use super::table::Table;
use crate::zeroed;

/// The largest factor from one table to the next.
pub const EXPANSION_MAX: u16 = 32_768;

/// The largest number of buckets of the first table: what a 32-bit hash can tell apart. What commands
/// may ask for is less.
const BUCKETS_MAX: u64 = 1 << 32;

/// How a filter is laid out, and how hard it tries before it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    buckets: u64,
    bucket_size: NonZeroU8,
    iterations: u16,
    expansion: u16,
}

impl Layout {
    /// For `capacity` items in buckets of `bucket_size`, evicting up to `iterations` fingerprints
    /// before growing `expansion` times; 0 does not grow. Buckets and expansion are rounded up to
    /// powers of two, as RedisBloom does. `None` if one of them is beyond its limit.
    pub fn new(
        capacity: u64,
        bucket_size: NonZeroU8,
        iterations: u16,
        expansion: u16,
    ) -> Option<Self> {
        let buckets = (capacity / u64::from(bucket_size.get())).checked_next_power_of_two()?;
        let expansion = if expansion == 0 { 0 } else { expansion.checked_next_power_of_two()? };
        Self::exact(buckets, bucket_size, iterations, expansion)
    }

    /// The layout of a filter that exists. `None` unless buckets and expansion are powers of two (the
    /// latter may be 0) within their limits.
    pub(super) fn exact(
        buckets: u64,
        bucket_size: NonZeroU8,
        iterations: u16,
        expansion: u16,
    ) -> Option<Self> {
        let fits = buckets.is_power_of_two()
            && buckets <= BUCKETS_MAX
            && (expansion == 0 || expansion.is_power_of_two());
        fits.then_some(Self { buckets, bucket_size, iterations, expansion })
    }

    /// Buckets of the first table.
    pub fn buckets(self) -> u64 {
        self.buckets
    }

    /// Slots of a bucket, 1 to 255.
    pub fn bucket_size(self) -> u8 {
        self.bucket_size.get()
    }

    /// Fingerprints that may be evicted for one item.
    pub fn iterations(self) -> u16 {
        self.iterations
    }

    /// From one table to the next: 0, or a power of two to [`EXPANSION_MAX`].
    pub fn expansion(self) -> u16 {
        self.expansion
    }

    /// Buckets of table `index`, `None` if the filter cannot have so many.
    pub(super) fn buckets_of(self, index: usize) -> Option<u64> {
        let growth = u64::from(self.expansion).checked_pow(u32::try_from(index).ok()?)?;
        self.buckets.checked_mul(growth).filter(|&buckets| buckets > 0)
    }

    /// Bytes of table `index`, `None` if the filter cannot have so many.
    pub(super) fn bytes_of(self, index: usize) -> Option<usize> {
        let slots = self.buckets_of(index)?.checked_mul(self.bucket_size().into())?;
        usize::try_from(slots).ok()
    }

    /// Whether there can be a filter of so many tables, and memory for it; O(tables).
    pub(super) fn fits(self, tables: usize) -> bool {
        let add = |sum: usize, index| {
            sum.checked_add(self.bytes_of(index)?)?.checked_add(size_of::<Table>())
        };
        let bytes = (0..tables).try_fold(0, add).and_then(|bytes| u64::try_from(bytes).ok());
        bytes.is_some_and(zeroed::fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(capacity: u64, bucket_size: u8, expansion: u16) -> Option<Layout> {
        Layout::new(capacity, NonZeroU8::new(bucket_size)?, 20, expansion)
    }

    #[test]
    fn capacities_round_up_to_buckets() {
        let check = |capacity, bucket_size, expected: Option<u64>| {
            let found = layout(capacity, bucket_size, 1).map(Layout::buckets);
            assert_eq!(found, expected, "{capacity} {bucket_size}");
        };
        check(1000, 2, Some(512));
        check(1000, 4, Some(256));
        check(1024, 2, Some(512));
        check(1027, 2, Some(1024));
        check(4, 2, Some(2));
        check(1, 2, Some(1));
        check(1 << 32, 1, Some(1 << 32));
        check((1 << 32) + 1, 1, None);
        check(u64::MAX, 1, None);
    }

    #[test]
    fn tables_grow_by_the_expansion() {
        let check = |expansion, index, expected: Option<u64>| {
            let found = layout(16, 2, expansion).unwrap().buckets_of(index);
            assert_eq!(found, expected, "{expansion} {index}");
        };
        check(0, 0, Some(8));
        check(0, 1, None);
        check(1, 65_534, Some(8));
        check(3, 2, Some(8 * 16));
        check(32_768, 5, None);
        check(32_768, usize::MAX, None);
        assert_eq!(layout(16, 2, 3).unwrap().expansion(), 4);
        assert_eq!(layout(16, 2, 32_769), None);
        assert_eq!(layout(16, 255, 2).unwrap().bytes_of(60), None);
    }
}
