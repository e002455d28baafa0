//! Questions that were sent and not answered yet.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::id::{Carried, Id, Key};

/// The number of a flight; none is ever used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A question on its way.
#[derive(Debug)]
pub(super) struct Flight<W> {
    pub(super) id: Id,
    pub(super) keys: SmallVec<[Key; 1]>,
    pub(super) waiters: SmallVec<[W; 1]>,
    /// What its reply will carry, as it was when it was asked for; None when it must not be kept.
    pub(super) stamp: Option<u64>,
    /// Whether its reply may be kept, and whether others may still wait for it.
    pub(super) open: bool,
}

/// All questions on their way, by ticket, by name and by key.
#[derive(Debug)]
pub(super) struct Flights<W> {
    flights: HashMap<Ticket, Flight<W>, foldhash::fast::RandomState>,
    open: HashMap<Id, Ticket, Carried>,
    by_key: HashMap<Key, SmallVec<[Ticket; 1]>, foldhash::fast::RandomState>,
    next: u64,
}

impl<W> Flights<W> {
    pub(super) fn new() -> Self {
        Self {
            flights: HashMap::default(),
            open: HashMap::default(),
            by_key: HashMap::default(),
            next: 0,
        }
    }

    /// The open flight of this name, whose reply will be as good as one that is asked for now.
    pub(super) fn joinable(&mut self, id: &Id, stamp: Option<u64>) -> Option<&mut Flight<W>> {
        let ticket = self.open.get(id)?;
        let same = |flight: &&mut Flight<W>| stamp.is_some() && flight.stamp == stamp;
        self.flights.get_mut(ticket).filter(same)
    }

    /// Starts a flight, open.
    pub(super) fn start(&mut self, id: Id, keys: &[Key], stamp: Option<u64>, waiter: W) -> Ticket {
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        self.open.insert(id.clone(), ticket);
        for key in keys {
            self.by_key.entry(Key::clone(key)).or_default().push(ticket);
        }
        let mut waiters = SmallVec::new();
        waiters.push(waiter);
        self.flights.insert(ticket, Flight { id, keys: keys.into(), waiters, stamp, open: true });
        ticket
    }

    /// Takes out the flight: it has landed.
    pub(super) fn land(&mut self, ticket: Ticket) -> Option<Flight<W>> {
        let flight = self.flights.remove(&ticket)?;
        // A later question of the same name may have taken its place.
        if self.open.get(&flight.id) == Some(&ticket) {
            self.open.remove(&flight.id);
        }
        for key in &flight.keys {
            self.forget_ticket(key, ticket);
        }
        Some(flight)
    }

    fn forget_ticket(&mut self, key: &Key, ticket: Ticket) {
        if let Some(tickets) = self.by_key.get_mut(key) {
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.by_key.remove(key);
            }
        }
    }

    /// Closes the flights of this key: what they bring is for those who wait already.
    pub(super) fn close(&mut self, key: &[u8]) {
        for ticket in self.by_key.get(key).into_iter().flatten() {
            if let Some(flight) = self.flights.get_mut(ticket) {
                flight.open = false;
                if self.open.get(&flight.id) == Some(ticket) {
                    self.open.remove(&flight.id);
                }
            }
        }
    }

    /// Closes every flight.
    pub(super) fn close_all(&mut self) {
        self.open.clear();
        self.flights.values_mut().for_each(|flight| flight.open = false);
    }

    /// Takes out all waiters of all flights.
    pub(super) fn crash(&mut self) -> Vec<W> {
        self.open.clear();
        self.by_key.clear();
        self.flights.drain().flat_map(|(_, flight)| flight.waiters).collect()
    }

    /// How many flights there are.
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }
}
