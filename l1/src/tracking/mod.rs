//! The state machine of one tracking connection: no sockets, no clock, no threads.
//!
//! The server remembers which keys this connection has read and pushes `invalidate` for each that
//! changes. Replies and pushes come on one socket, in the order in which the server made them. If
//! they are also *applied* in that order, a cached reply can only be as old as the pushes that have
//! not been parsed yet; nothing else is needed. So one reader calls, for each frame of the socket and
//! before it looks at the next one:
//!
//! | frame | call |
//! |---|---|
//! | the reply to a question | [`Tracking::answered`] (kept before anybody hears of it) or [`Tracking::refused`] |
//! | `invalidate` of keys | [`Tracking::invalidate`] for each |
//! | `invalidate` of everything | [`Tracking::flush`] |
//! | the reply to a write of our own | [`Tracking::invalidate`] for each of its keys |
//! | the end of the connection, however it came | [`Tracking::lose`] |
//!
//! Other threads call [`Tracking::ask`] when they miss and [`Tracking::forget`] when they write, at
//! any time; hits take only [`find`], which waits for nobody.
//!
//! # What holds
//!
//! * **No resurrection.** A reply that was parsed before an invalidation of one of its keys is not
//!   served to a read that starts after that invalidation was parsed. Replies are kept by the reader,
//!   in the order of the socket; no other thread keeps one.
//! * **Joining is safe.** A read may wait for a question that was asked earlier, also after an
//!   invalidation: an unanswered question's reply comes later than the push, and is newer. An
//!   answered one cannot be joined, because the reader has taken it out.
//! * **[`Tracking::forget`] is final** for what was asked before: such replies go to those who wait
//!   and are not kept.
//! * **Composite replies** (`SINTER a b`) go when any of their keys changes.
//! * **Loss is total.** After [`Tracking::lose`] or [`Tracking::flush`] no entry from before is
//!   served; one word that every hit reads sees to it, however long it takes to free them.
//! * **Staleness is bounded**: see [`Freshness`].

mod flight;
mod freshness;
mod validity;
mod watch;

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod model;

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use smallvec::SmallVec;

use crate::clock::{Moment, TICK};
use crate::entry::Entry;
use crate::id::{Id, Key, Kind, Lookup};
use crate::store::Store;

use flight::Flights;
pub use flight::Ticket;
pub use freshness::{Freshness, Word};
pub use validity::{Sole, Validity};
use watch::Watch;

/// The entry of this name, if it may be served now.
#[inline]
pub fn find<S: Store, V: Validity>(
    store: &S,
    validity: &V,
    lookup: Lookup<'_>,
    now: Moment,
) -> Option<Entry> {
    with(store, validity, lookup, now, Entry::clone)
}

/// Calls `read` with the entry of this name, if it may be served now; nothing is copied or counted.
#[inline]
pub fn with<S: Store, V: Validity, R>(
    store: &S,
    validity: &V,
    lookup: Lookup<'_>,
    now: Moment,
    read: impl FnOnce(&Entry) -> R,
) -> Option<R> {
    store.with(lookup, |entry| validity.serves(entry, now).then(|| read(entry)))?
}

/// How long replies are kept at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Replies of keys that exist.
    pub present_max: Duration,
    /// Nulls: the key was not there.
    pub null_max: Duration,
}

/// The shortest remaining life of the keys of a reply, as `PTTL` told in the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerTtl {
    /// No key expires, or none is there.
    Forever,
    /// The first key expires this many milliseconds after the question was sent, or later.
    Millis(u64),
}

/// What becomes of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    /// It was asked already; its reply goes to this waiter too.
    Joined,
    /// It must be sent now, and its reply handed in with this ticket. Between this answer and the
    /// sending no other call may come.
    Send(Ticket),
}

/// A question that was answered.
#[derive(Debug)]
pub struct Landed<W> {
    /// Those who wait for it.
    pub waiters: SmallVec<[W; 1]>,
    /// The reply, kept or not.
    pub entry: Entry,
}

/// The state of one tracking connection; see the [module](self) for who calls what.
///
/// `W` is whatever waits for a reply; this only keeps it.
#[derive(Debug)]
pub struct Tracking<S, W, V = Sole> {
    store: Arc<S>,
    validity: Arc<V>,
    lifetimes: Lifetimes,
    flights: Flights<W>,
    watch: Watch,
}

impl<S: Store, W, V: Validity> Tracking<S, W, V> {
    /// The state of a connection that has asked nothing yet.
    #[must_use]
    pub fn new(store: Arc<S>, validity: Arc<V>, lifetimes: Lifetimes) -> Self {
        Self { store, validity, lifetimes, flights: Flights::new(), watch: Watch::default() }
    }

    /// Somebody misses this reply, which depends on these keys. O(keys).
    pub fn ask(&mut self, id: Id, keys: &[Key], waiter: W) -> Ask {
        let stamp = self.validity.stamp(keys);
        if let Some(flight) = self.flights.joinable(&id, stamp) {
            flight.waiters.push(waiter);
            return Ask::Joined;
        }
        Ask::Send(self.flights.start(id, keys, stamp, waiter))
    }

    /// The reply to a question that was sent at `sent`. It is kept, unless its keys were forgotten
    /// meanwhile or it has no life left. None for a ticket that is not on its way.
    pub fn answered(
        &mut self,
        ticket: Ticket,
        value: Value,
        ttl: ServerTtl,
        sent: Moment,
    ) -> Option<Landed<W>> {
        let flight = self.flights.land(ticket)?;
        let deadline = self.deadline(&value, ttl, sent);
        let name = flight.id.lookup();
        let entry = Entry::new(name, flight.stamp.unwrap_or(0), deadline, value);
        if flight.open && flight.stamp.is_some() && deadline > sent {
            self.keep(&flight.id, &flight.keys, entry.clone());
        }
        Some(Landed { waiters: flight.waiters, entry })
    }

    /// The question was answered with what must not be kept (an error). Who waited for it.
    pub fn refused(&mut self, ticket: Ticket) -> SmallVec<[W; 1]> {
        self.flights.land(ticket).map(|flight| flight.waiters).unwrap_or_default()
    }

    /// Whoever loads what the server lacks found that there is no such thing: keeps that for
    /// `lifetime`, if the server's null of this key is still cached, so that the write that ends
    /// the absence is sure to be heard of. Whether it was kept.
    pub fn absent(&mut self, key: &Key, now: Moment, lifetime: Duration) -> bool {
        let get = Lookup::new(Kind::Get, key);
        let Some(null) = find(&*self.store, &*self.validity, get, now) else { return false };
        if !null.is_null() {
            return false;
        }
        let absent = Lookup::new(Kind::Absent, key);
        self.store.insert(Entry::new(absent, null.epoch(), now.after(lifetime), Value::Nil));
        true
    }

    /// The server says that the key has changed.
    pub fn invalidate(&mut self, key: &[u8]) {
        for kind in [Kind::Get, Kind::Absent] {
            self.store.remove(Lookup::new(kind, key));
        }
        for id in self.watch.take(key) {
            self.store.remove(id.lookup());
        }
    }

    /// A write of our own is about to change the key: what is cached goes, and what is on its way
    /// will not be kept.
    pub fn forget(&mut self, key: &[u8]) {
        self.flights.close(key);
        self.invalidate(key);
    }

    /// The server says that everything has changed.
    pub fn flush(&mut self) {
        self.flights.close_all();
        self.validity.renew();
        self.clear();
    }

    /// The connection has ended. Who waited for replies; none will come.
    #[must_use]
    pub fn lose(&mut self) -> Vec<W> {
        self.validity.lose();
        self.clear();
        self.flights.crash()
    }

    /// How many questions are on their way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.flights.len()
    }

    /// What is left in a store that others use too is invisible, and goes as others come.
    fn clear(&mut self) {
        self.watch.clear();
        if V::SOLE {
            self.store.clear();
        }
    }

    fn keep(&mut self, id: &Id, keys: &[Key], entry: Entry) {
        if id.kind() == Kind::Command {
            self.watch.add(keys, id);
        }
        self.store.insert(entry);
        let store = &self.store;
        self.watch.sweep(|lookup| store.contains(lookup));
    }

    /// The server counts a key's life from when it ran the command, which is after `sent`; the
    /// clock of hits may lag by a [`TICK`].
    fn deadline(&self, value: &Value, ttl: ServerTtl, sent: Moment) -> Moment {
        let null = matches!(value, Value::Nil);
        let ours = if null { self.lifetimes.null_max } else { self.lifetimes.present_max };
        let theirs = match ttl {
            ServerTtl::Forever => Duration::MAX,
            ServerTtl::Millis(millis) => Duration::from_millis(millis).saturating_sub(TICK),
        };
        sent.after(ours.min(theirs))
    }
}
