//! Time as the cache reads it: coarse, monotonic, cheap enough for every hit.

use std::time::Duration;

/// How far [`Moment::now`] may lag behind the true time: one tick of a kernel at 100 Hz.
pub const TICK: Duration = Duration::from_millis(10);

/// A moment of the monotonic clock, in milliseconds since an origin that is the process's own.
///
/// It does not advance while the machine is suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// Before every moment that [`Self::now`] gives.
    pub const ORIGIN: Self = Self(0);

    /// The time of the last kernel tick: at most [`TICK`] ago. About 5 ns on Linux.
    #[must_use]
    #[inline]
    pub fn now() -> Self {
        // Without the update of a word that all threads share. The clock may start at 0, which stands for "never" in `Freshness`.
        Self(coarsetime::Instant::now_without_cache_update().as_ticks_millis().saturating_add(1))
    }

    /// The moment of this many milliseconds since the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This much later, whole milliseconds counting; the last moment there is, when it overflows.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long after `earlier` this is; zero when it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds of the coarse clock.
trait Millis {
    fn as_ticks_millis(&self) -> u64;
}

impl Millis for coarsetime::Instant {
    #[inline]
    fn as_ticks_millis(&self) -> u64 {
        self.duration_since(Self::from_ticks(0)).as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_true_time() {
        let (coarse, exact) = (Moment::now(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(60));
        let (coarse, exact) = (Moment::now().since(coarse), exact.elapsed());
        assert!(coarse + TICK >= exact, "{coarse:?} of {exact:?}");
        assert!(coarse <= exact + TICK, "{coarse:?} of {exact:?}");
    }

    #[test]
    fn the_ends_of_time() {
        let last = Moment::from_millis(u64::MAX);
        assert_eq!(last.after(Duration::MAX), last);
        assert_eq!(Moment::ORIGIN.since(last), Duration::ZERO);
        assert!(Moment::now() > Moment::ORIGIN);
    }
}
