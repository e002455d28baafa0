//! Counting what the cache does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a cache has done since it was built, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Reads that were answered from memory.
    pub hits: u64,
    /// Reads that were not.
    pub misses: u64,
    /// Misses that waited for a question which was on its way already.
    pub joins: u64,
    /// Keys that the server said have changed; a flush of everything counts once.
    pub invalidations: u64,
    /// Replies that had to go for others.
    pub evictions: u64,
    /// Replies that are kept, those that may not be served any more included.
    pub entries: u64,
    /// Bytes that are kept, by the formula of [`Bounded`](crate::store::bounded::Bounded).
    pub bytes: u64,
    /// Calls of loaders.
    pub loads: u64,
    /// Connections that have ended.
    pub losses: u64,
    /// For how long the connection is still proven: zero while hits are misses.
    pub proven_for: Duration,
}

impl Stats {
    /// Hits of all reads, between 0 and 1; 0 when there were none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn hit_ratio(&self) -> f64 {
        let reads = self.hits.saturating_add(self.misses);
        if reads == 0 { 0.0 } else { self.hits as f64 / reads as f64 }
    }

    /// The figures by name, with what they are, and whether they only grow.
    fn rows(&self) -> [(&'static str, &'static str, bool, f64); 10] {
        #[expect(clippy::cast_precision_loss, reason = "Prometheus knows only floats")]
        let float = |count: u64| count as f64;
        [
            ("hits_total", "Reads answered from memory.", true, float(self.hits)),
            ("misses_total", "Reads not answered from memory.", true, float(self.misses)),
            ("joins_total", "Misses that joined a question under way.", true, float(self.joins)),
            ("invalidations_total", "Keys said to have changed.", true, float(self.invalidations)),
            ("evictions_total", "Replies that went for others.", true, float(self.evictions)),
            ("loads_total", "Calls of loaders.", true, float(self.loads)),
            ("losses_total", "Connections that have ended.", true, float(self.losses)),
            ("entries", "Replies that are kept.", false, float(self.entries)),
            ("bytes", "Bytes that are kept.", false, float(self.bytes)),
            (
                "proven_seconds",
                "For how long hits are served without news.",
                false,
                self.proven_for.as_secs_f64(),
            ),
        ]
    }

    /// Gives all figures to the recorder of the `metrics` crate that is installed, by the names
    /// that [`Self::prometheus`] has: `*_total` as counters, the others as gauges. That crate cannot
    /// ask for figures, so call this every few seconds, or before they are collected. A hit costs
    /// the same with and without.
    #[cfg(feature = "metrics")]
    pub fn record(&self) {
        for (name, _, grows, value) in self.rows() {
            let name = format!("keyspan_l1_{name}");
            if grows {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "made from a count"
                )]
                metrics::counter!(name).absolute(value as u64);
            } else {
                metrics::gauge!(name).set(value);
            }
        }
    }

    /// All figures in Prometheus' text format, named `keyspan_l1_*`.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        for (name, help, grows, value) in self.rows() {
            let kind = if grows { "counter" } else { "gauge" };
            let name = format!("keyspan_l1_{name}");
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
        }
        text
    }
}

/// As many threads count each for itself, which is 10 ns cheaper than together.
const SEATS: usize = 64;

/// Two cache lines, which processors fetch together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Reads {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// The counters behind [`Stats`].
#[derive(Debug)]
pub(crate) struct Counts {
    /// Each written by the one thread that has the seat.
    seats: [Reads; SEATS],
    /// Written by those that have none.
    standing: Reads,
    joins: AtomicU64,
    invalidations: AtomicU64,
    loads: AtomicU64,
    losses: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        let count = AtomicU64::default;
        let (seats, standing) = (std::array::from_fn(|_| Reads::default()), Reads::default());
        let (joins, invalidations, loads, losses) = (count(), count(), count(), count());
        Self { seats, standing, joins, invalidations, loads, losses }
    }
}

/// The number that only this thread has, while it lives; beyond [`SEATS`] it is of no use.
struct Seat(usize);

/// Numbers given back, and how many were given out. The lock orders what one owner of a number has
/// counted before what the next one will.
static FREE: Mutex<(Vec<usize>, usize)> = Mutex::new((Vec::new(), 0));

impl Seat {
    fn take() -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = free.0.pop() {
            return Self(seat);
        }
        free.1 = free.1.saturating_add(1);
        Self(free.1.saturating_sub(1))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).0.push(self.0);
    }
}

thread_local! {
    static SEAT: Seat = Seat::take();
}

impl Counts {
    /// One more read, a hit or a miss: about 1 ns.
    #[inline]
    pub(crate) fn read(&self, hit: bool) {
        let of = |reads: &Reads, add: fn(&AtomicU64)| {
            add(if hit { &reads.hits } else { &reads.misses });
        };
        // A thread that is about to end has no seat any more.
        let seat = SEAT.try_with(|seat| seat.0).unwrap_or(SEATS);
        match self.seats.get(seat) {
            Some(own) => of(own, |count| {
                let more = count.load(Ordering::Relaxed).wrapping_add(1);
                count.store(more, Ordering::Relaxed);
            }),
            None => of(&self.standing, |count| {
                count.fetch_add(1, Ordering::Relaxed);
            }),
        }
    }

    pub(crate) fn join(&self) {
        self.joins.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn invalidate(&self, keys: u64) {
        if keys > 0 {
            self.invalidations.fetch_add(keys, Ordering::Relaxed);
        }
    }

    pub(crate) fn load(&self) {
        self.loads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lose(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted; the rest is zero.
    pub(crate) fn stats(&self) -> Stats {
        let sum = |count: fn(&Reads) -> &AtomicU64| {
            let all = self.seats.iter().chain([&self.standing]);
            all.map(|reads| count(reads).load(Ordering::Relaxed)).sum()
        };
        Stats {
            hits: sum(|reads| &reads.hits),
            misses: sum(|reads| &reads.misses),
            joins: self.joins.load(Ordering::Relaxed),
            invalidations: self.invalidations.load(Ordering::Relaxed),
            loads: self.loads.load(Ordering::Relaxed),
            losses: self.losses.load(Ordering::Relaxed),
            ..Stats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More threads at once than there are seats, and more one after the other.
    #[test]
    fn reads_of_all_threads_are_counted() {
        let counts = Counts::default();
        for _ in 0..3 {
            let together = std::sync::Barrier::new(SEATS * 2);
            std::thread::scope(|scope| {
                for _ in 0..SEATS * 2 {
                    scope.spawn(|| {
                        together.wait();
                        (0..1000).for_each(|number| counts.read(number % 4 != 0));
                        together.wait();
                    });
                }
            });
        }
        let stats = counts.stats();
        let reads = 3 * SEATS as u64 * 2 * 1000;
        assert_eq!((stats.hits, stats.misses), (reads / 4 * 3, reads / 4));
        assert!((stats.hit_ratio() - 0.75).abs() < 1e-9);
    }

    #[test]
    fn prometheus_text() {
        let stats = Stats { hits: 3, proven_for: Duration::from_millis(1500), ..Stats::default() };
        let text = stats.prometheus();
        assert!(text.contains("# TYPE keyspan_l1_hits_total counter\nkeyspan_l1_hits_total 3\n"));
        assert!(
            text.contains(
                "# TYPE keyspan_l1_proven_seconds gauge\nkeyspan_l1_proven_seconds 1.5\n"
            )
        );
        assert_eq!(text.lines().count(), 30);
    }
}
