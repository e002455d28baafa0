//! What all values of one type hold together, for INFO. Kept as values change, so that INFO reads
//! three numbers however many keys there are.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Sums over the live values of one type.
#[derive(Debug)]
pub struct Totals {
    parts: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
}

/// What one value adds to the [`Totals`] of its type; taken away again on drop.
///
/// A clone adds the same once more.
#[derive(Debug)]
pub struct Share {
    totals: &'static Totals,
    parts: u64,
    items: u64,
    bytes: u64,
}

impl Totals {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { parts: AtomicU64::new(0), items: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// The parts that values are made of: 1 for each that has none.
    pub fn parts(&self) -> u64 {
        self.parts.load(Relaxed)
    }

    /// Items counted in all values.
    pub fn items(&self) -> u64 {
        self.items.load(Relaxed)
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self::new()
    }
}

/// Moves a sum from what a value had to what it has.
fn shift(sum: &AtomicU64, kept: &mut u64, now: u64) {
    if *kept != now {
        // Wraps for a loss, as the sum did for the gain.
        sum.fetch_add(now.wrapping_sub(*kept), Relaxed);
        *kept = now;
    }
}

impl Share {
    /// The share of a value that holds nothing yet.
    pub const fn of(totals: &'static Totals) -> Self {
        Self { totals, parts: 0, items: 0, bytes: 0 }
    }

    /// Says what the value holds now.
    pub fn set(&mut self, parts: u64, items: u64, bytes: u64) {
        shift(&self.totals.parts, &mut self.parts, parts);
        shift(&self.totals.bytes, &mut self.bytes, bytes);
        self.set_items(items);
    }

    /// Says how many items the value holds now.
    pub fn set_items(&mut self, items: u64) {
        shift(&self.totals.items, &mut self.items, items);
    }

    /// Says that the value holds so many items and bytes more.
    pub fn grow(&mut self, items: u64, bytes: u64) {
        self.set_items(self.items.wrapping_add(items));
        let now = self.bytes.wrapping_add(bytes);
        shift(&self.totals.bytes, &mut self.bytes, now);
    }
}

impl Clone for Share {
    fn clone(&self) -> Self {
        let mut twin = Self::of(self.totals);
        twin.set(self.parts, self.items, self.bytes);
        twin
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_what_lives() {
        static TOTALS: Totals = Totals::new();
        let sums = || (TOTALS.parts(), TOTALS.items(), TOTALS.bytes());
        let mut one = Share::of(&TOTALS);
        one.set(1, 10, 100);
        let mut two = one.clone();
        assert_eq!(sums(), (2, 20, 200));
        two.set_items(3);
        assert_eq!(sums(), (2, 13, 200));
        drop(one);
        assert_eq!(sums(), (1, 3, 100));
        two.set(2, 4, 50);
        two.grow(1, 10);
        assert_eq!(sums(), (2, 5, 60));
        drop(two);
        assert_eq!(sums(), (0, 0, 0));
    }
}
