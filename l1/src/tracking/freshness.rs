//! What a hit must check, in two words that one connection writes and every reader reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Moment;
use crate::entry::Entry;

/// An atomic word; a trait so that the model checker can put its own in.
pub trait Word: Send + Sync {
    /// A word that holds this.
    fn holding(value: u64) -> Self;
    /// What it holds; acquires what was written before it was stored.
    fn read(&self) -> u64;
    /// Releases what was written before.
    fn write(&self, value: u64);
}

impl Word for AtomicU64 {
    fn holding(value: u64) -> Self {
        Self::new(value)
    }

    #[inline]
    fn read(&self) -> u64 {
        self.load(Ordering::Acquire)
    }

    fn write(&self, value: u64) {
        self.store(value, Ordering::Release);
    }
}

/// Whether entries of a connection may be served: its epoch, and until when it is proven to have
/// told of every change.
///
/// The epoch grows whenever all entries from before must go: the connection was lost, or the server
/// flushed. The proof is a reply: what was asked at `sent` is answered after every invalidation that
/// the server had queued until `sent`, and those were parsed before the reply. So what the cache
/// holds then is no older than `sent`, and it is served until `sent + staleness_max`.
#[derive(Debug)]
pub struct Freshness<A = AtomicU64> {
    epoch: A,
    until: A,
    staleness_max: Duration,
}

impl<A: Word> Freshness<A> {
    /// Of a connection that is not there yet: serves nothing.
    #[must_use]
    pub fn new(staleness_max: Duration) -> Self {
        Self { epoch: A::holding(1), until: A::holding(0), staleness_max }
    }

    /// Whether the entry may be served: three compares, two loads.
    #[must_use]
    #[inline]
    pub fn serves(&self, entry: &Entry, now: Moment) -> bool {
        entry.epoch() == self.epoch.read()
            && now < entry.deadline()
            && now.as_millis() < self.until.read()
    }

    /// The epoch that entries made now belong to.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.read()
    }

    /// Until when the connection is proven; [`Moment::ORIGIN`] when it is lost.
    #[must_use]
    pub fn until(&self) -> Moment {
        Moment::from_millis(self.until.read())
    }

    /// A reply came to what was sent then. Only the connection's one reader may call this.
    pub fn prove(&self, sent: Moment) {
        let until = sent.after(self.staleness_max);
        if until > self.until() {
            self.until.write(until.as_millis());
        }
    }

    /// Makes every entry so far invisible.
    pub fn renew(&self) {
        self.epoch.write(self.epoch.read().wrapping_add(1));
    }

    /// The connection is gone: every entry so far is invisible, and none is served until
    /// [`Self::prove`].
    pub fn lose(&self) {
        self.until.write(0);
        self.renew();
    }
}
