//! What all series hold together, for INFO. Kept as series change, so that INFO reads three numbers
//! however many keys there are.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Sums over all live series.
pub static TOTALS: Totals = Totals::new();

/// Sums over live series.
#[derive(Debug)]
pub struct Totals {
    series: AtomicU64,
    samples: AtomicU64,
    bytes: AtomicU64,
}

/// What one series adds to the [`Totals`]; taken away again on drop.
///
/// A clone adds the same once more.
#[derive(Debug)]
pub struct Share {
    totals: &'static Totals,
    samples: u64,
    bytes: u64,
}

impl Totals {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { series: AtomicU64::new(0), samples: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Series there are.
    pub fn series(&self) -> u64 {
        self.series.load(Relaxed)
    }

    /// Samples in all of them.
    pub fn samples(&self) -> u64 {
        self.samples.load(Relaxed)
    }

    /// Bytes on the heap, as [`memory`](keyspan_common::data_type::DataType::memory) counts them.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self::new()
    }
}

/// Moves a sum from what a series had to what it has.
fn shift(sum: &AtomicU64, kept: &mut u64, now: u64) {
    if *kept != now {
        // Wraps for a loss, as the sum did for the gain.
        sum.fetch_add(now.wrapping_sub(*kept), Relaxed);
        *kept = now;
    }
}

impl Share {
    /// The share of a series that holds nothing yet.
    pub fn of(totals: &'static Totals) -> Self {
        totals.series.fetch_add(1, Relaxed);
        Self { totals, samples: 0, bytes: 0 }
    }

    /// Says what the series holds now.
    pub fn set(&mut self, samples: u64, bytes: u64) {
        shift(&self.totals.samples, &mut self.samples, samples);
        shift(&self.totals.bytes, &mut self.bytes, bytes);
    }

    /// Says that the series holds so many samples and bytes more.
    pub fn grow(&mut self, samples: u64, bytes: u64) {
        self.totals.samples.fetch_add(samples, Relaxed);
        self.samples = self.samples.wrapping_add(samples);
        let now = self.bytes.wrapping_add(bytes);
        shift(&self.totals.bytes, &mut self.bytes, now);
    }
}

impl Clone for Share {
    fn clone(&self) -> Self {
        let mut twin = Self::of(self.totals);
        twin.set(self.samples, self.bytes);
        twin
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0, 0);
        self.totals.series.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_what_lives() {
        static TOTALS: Totals = Totals::new();
        let sums = || (TOTALS.series(), TOTALS.samples(), TOTALS.bytes());
        let mut one = Share::of(&TOTALS);
        one.set(10, 100);
        let mut two = one.clone();
        assert_eq!(sums(), (2, 20, 200));
        drop(one);
        assert_eq!(sums(), (1, 10, 100));
        two.set(4, 50);
        two.grow(1, 10);
        assert_eq!(sums(), (1, 5, 60));
        drop(two);
        assert_eq!(sums(), (0, 0, 0));
    }
}
