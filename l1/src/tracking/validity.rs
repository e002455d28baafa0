//! What decides whether entries may be served: one connection's word, or a table of a cluster's slots.

use std::sync::atomic::AtomicU64;

use super::freshness::{Freshness, Word};
use crate::clock::Moment;
use crate::entry::Entry;
use crate::id::Key;

/// Whether entries may be served, as one tracking connection knows it.
pub trait Validity: Send + Sync {
    /// Whether the store is this connection's alone, so that it may be emptied when it ends.
    const SOLE: bool;

    /// What an entry of these keys, asked for now, is to carry as its [`Entry::epoch`]; None when it
    /// must not be kept.
    fn stamp(&self, keys: &[Key]) -> Option<u64>;

    /// Whether the entry may be served.
    fn serves(&self, entry: &Entry, now: Moment) -> bool;

    /// Makes every entry of this connection invisible.
    fn renew(&self);

    /// As [`Self::renew`], and none is served until the next connection is proven.
    fn lose(&self);
}

/// Of a server that is alone.
impl<A: Word> Validity for Freshness<A> {
    const SOLE: bool = true;

    fn stamp(&self, _keys: &[Key]) -> Option<u64> {
        Some(self.epoch())
    }

    #[inline]
    fn serves(&self, entry: &Entry, now: Moment) -> bool {
        Self::serves(self, entry, now)
    }

    fn renew(&self) {
        Self::renew(self);
    }

    fn lose(&self) {
        Self::lose(self);
    }
}

/// The usual one.
pub type Sole = Freshness<AtomicU64>;
