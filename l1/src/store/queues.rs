//! Who has to go: two queues, and the memory of who went lately.
//!
//! S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", 2023), but that the short
//! queue is shorter, and that the long one takes all who come while there is room: a loop over
//! more than fits then keeps a part of it, where it would push itself out.
//!
//! What is new stands in the short queue, and has to go from there unless it is wanted meanwhile; so
//! what is wanted once pushes out nothing that is wanted often. What was wanted, or comes back soon
//! after it went, stands in the long queue, which gives everybody who was wanted another round.

use crate::entry::Entry;

/// No place.
pub(super) const NOWHERE: u32 = u32::MAX;

/// More wants are not counted.
pub(super) const WANTS_MAX: u8 = 2;

/// The long queue has all the room but one part of so many.
const SHORT_DIVISOR: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Short,
    Long,
}

#[derive(Debug)]
struct Standing {
    entry: Option<Entry>,
    bytes: usize,
    line: Line,
    before: u32,
    after: u32,
}

/// The two ends of a queue: `first` goes first.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u32,
    last: u32,
    bytes: usize,
}

const EMPTY: Ends = Ends { first: NOWHERE, last: NOWHERE, bytes: 0 };

/// The queues of all entries of a store.
#[derive(Debug)]
pub(super) struct Queues {
    places: Vec<Standing>,
    free: Vec<u32>,
    short: Ends,
    long: Ends,
    ghosts: Ghosts,
}

impl Queues {
    pub(super) fn new() -> Self {
        let (places, free) = (Vec::new(), Vec::new());
        Self { places, free, short: EMPTY, long: EMPTY, ghosts: Ghosts::new() }
    }

    /// Bytes of what stands in them.
    pub(super) fn bytes(&self) -> usize {
        self.short.bytes.saturating_add(self.long.bytes)
    }

    /// Bytes that the queues themselves take.
    pub(super) fn overhead(&self) -> usize {
        let places = self.places.capacity().saturating_mul(size_of::<Standing>());
        let free = self.free.capacity().saturating_mul(size_of::<u32>());
        places.saturating_add(free).saturating_add(self.ghosts.overhead())
    }

    /// Takes a stand for a new entry, where there is room for as many bytes in all; false when there
    /// are too many.
    pub(super) fn enter(&mut self, entry: &Entry, room: usize) -> bool {
        let back = self.ghosts.take(entry.lookup().hash());
        let fits = self.long.bytes.saturating_add(entry.bytes()) <= long_max(room);
        let line = if back || fits { Line::Long } else { Line::Short };
        let (entry, bytes) = (entry.clone(), entry.bytes());
        let standing =
            Standing { entry: Some(entry), bytes, line, before: NOWHERE, after: NOWHERE };
        let place = match self.free.pop() {
            Some(place) => place,
            None => match u32::try_from(self.places.len()) {
                Ok(place) if place != NOWHERE => place,
                _ => return false,
            },
        };
        match self.places.get_mut(place as usize) {
            Some(free) => *free = standing,
            None => self.places.push(standing),
        }
        self.link(place);
        true
    }

    /// Whoever has the place leaves it, because it is not what it was; what takes its stead comes
    /// back to the same line.
    pub(super) fn leave(&mut self, place: u32) {
        let long =
            self.places.get(place as usize).is_some_and(|standing| standing.line == Line::Long);
        let gone = self.take(place);
        if let (Some(gone), true) = (gone, long) {
            self.remember(&gone);
        }
    }

    fn take(&mut self, place: u32) -> Option<Entry> {
        let entry = self.places.get_mut(place as usize)?.entry.take()?;
        self.unlink(place);
        self.free.push(place);
        Some(entry)
    }

    fn remember(&mut self, gone: &Entry) {
        let entries = self.places.len().saturating_sub(self.free.len());
        self.ghosts.add(gone.lookup().hash(), entries);
    }

    /// Everybody leaves.
    pub(super) fn clear(&mut self) {
        *self = Self { ghosts: std::mem::replace(&mut self.ghosts, Ghosts::new()), ..Self::new() };
    }

    /// Who has to go now, where there is room for as many bytes; it has left. None when nobody is
    /// there.
    pub(super) fn evict(&mut self, room: usize) -> Option<Entry> {
        loop {
            let short = self.short.first != NOWHERE && self.long.bytes <= long_max(room);
            let place = if short { self.short.first } else { self.long.first };
            let standing = self.places.get_mut(place as usize)?;
            let mark = standing.entry.as_ref()?.mark();
            let wanted = mark.wanted();
            if wanted == 0 {
                let gone = self.take(place)?;
                // Not of the long line: a loop over more than fits would push out ahead of itself
                // what it asks for next.
                if short {
                    self.remember(&gone);
                }
                return Some(gone);
            }
            mark.set_wanted(if short { 0 } else { wanted.saturating_sub(1) });
            self.unlink(place);
            if let Some(standing) = self.places.get_mut(place as usize) {
                standing.line = Line::Long;
            }
            self.link(place);
        }
    }

    fn ends(&mut self, line: Line) -> &mut Ends {
        match line {
            Line::Short => &mut self.short,
            Line::Long => &mut self.long,
        }
    }

    /// Puts the place at the end of its line.
    fn link(&mut self, place: u32) {
        let Some(standing) = self.places.get_mut(place as usize) else { return };
        if let Some(entry) = &standing.entry {
            entry.mark().set_place(place);
        }
        let (line, bytes) = (standing.line, standing.bytes);
        let ends = self.ends(line);
        ends.bytes = ends.bytes.saturating_add(bytes);
        let last = std::mem::replace(&mut ends.last, place);
        if last == NOWHERE {
            ends.first = place;
        }
        self.join(last, place);
        self.join(place, NOWHERE);
    }

    fn unlink(&mut self, place: u32) {
        let Some(standing) = self.places.get(place as usize) else { return };
        let Standing { line, bytes, before, after, .. } = *standing;
        let ends = self.ends(line);
        ends.bytes = ends.bytes.saturating_sub(bytes);
        if before == NOWHERE {
            ends.first = after;
        }
        if after == NOWHERE {
            ends.last = before;
        }
        self.join(before, after);
    }

    fn join(&mut self, before: u32, after: u32) {
        if let Some(standing) = self.places.get_mut(before as usize) {
            standing.after = after;
        }
        if let Some(standing) = self.places.get_mut(after as usize) {
            standing.before = before;
        }
    }
}

/// Bytes of the long queue, of so many in all.
fn long_max(room: usize) -> usize {
    room.saturating_sub(room / SHORT_DIVISOR)
}

/// Who went lately: as many as there are entries, by parts of their hashes.
///
/// A table of four for each place, of which the oldest makes room; 8 bytes for each.
#[derive(Debug)]
struct Ghosts {
    sets: Vec<[Ghost; 4]>,
    now: u32,
    most: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ghost {
    print: u32,
    since: u32,
}

impl Ghosts {
    fn new() -> Self {
        Self { sets: Vec::new(), now: 0, most: 0 }
    }

    fn overhead(&self) -> usize {
        self.sets.capacity().saturating_mul(size_of::<[Ghost; 4]>())
    }

    /// Where a hash would be, and by what it is known there.
    fn set(&mut self, hash: u64) -> Option<(&mut [Ghost; 4], u32)> {
        let mask = self.sets.len().checked_sub(1)?;
        let [high, low] = [hash >> 32, hash & 0xffff_ffff];
        let at = usize::try_from(high).unwrap_or(usize::MAX) & mask;
        Some((self.sets.get_mut(at)?, u32::try_from(low).unwrap_or(0).max(1)))
    }

    /// Remembers it, when there are so many entries.
    fn add(&mut self, hash: u64, entries: usize) {
        let most = entries.max(16);
        let sets = (most / 3).next_power_of_two();
        if sets > self.sets.len() {
            self.sets = vec![[Ghost::default(); 4]; sets];
        }
        self.most = u32::try_from(most).unwrap_or(u32::MAX);
        self.now = self.now.wrapping_add(1);
        let now = self.now;
        let Some((set, print)) = self.set(hash) else { return };
        let age =
            |ghost: &Ghost| if ghost.print == 0 { u32::MAX } else { now.wrapping_sub(ghost.since) };
        if let Some(oldest) = set.iter_mut().max_by_key(|ghost| age(ghost)) {
            *oldest = Ghost { print, since: now };
        }
    }

    /// Whether it went lately; forgets it.
    fn take(&mut self, hash: u64) -> bool {
        let (now, most) = (self.now, self.most);
        let Some((set, print)) = self.set(hash) else { return false };
        let Some(ghost) = set.iter_mut().find(|ghost| ghost.print == print) else { return false };
        let lately = now.wrapping_sub(ghost.since) < most;
        *ghost = Ghost::default();
        lately
    }
}
