//! Who has to go: two queues, and the memory of who went lately.
//!
//! S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", 2023), changed in three
//! ways. The short queue is shorter. The long one takes all who come while there is room: a loop over
//! more than fits then keeps a part of it, where it would push itself out. And who comes back
//! after it went stands in the long queue only if it was asked for more often than the one who would
//! have to go for it, as `TinyLFU` admits (Einziger et al., 2017), so that the memory may be long.
//!
//! What is new stands in the short queue, and has to go from there unless it is wanted meanwhile; so
//! what is wanted once pushes out nothing that is wanted often. What was wanted, or comes back soon
//! after it went, stands in the long queue, which gives everybody who was wanted another round.
//!
//! How often something was asked for ([`Worth`]) is counted when it comes and when its turn to go
//! comes, never by a hit; it is forgotten with it.

use super::table::Contents;
use crate::entry::{Entry, Mark, PLACE_MAX};

/// The entries of the table: a place knows its entry by hash and [`Mark::place`].
type Entries<'e> = Contents<'e, Entry>;

/// No place.
pub(super) const NOWHERE: u32 = u32::MAX;

/// More wants are not counted.
pub(super) const WANTS_MAX: u32 = 2;

/// As many who were wanted are given another round to admit one who comes back.
const ROUNDS_MAX: usize = 50;

/// The long queue has all the room but one part of so many.
const SHORT_DIVISOR: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Short,
    Long,
}

/// The place of an entry in its line. It does not hold the entry: that would be a count to write twice.
#[derive(Clone, Copy, Debug)]
struct Standing {
    hash: u64,
    bytes: usize,
    line: Line,
    worth: Worth,
    before: u32,
    after: u32,
}

/// Bytes that are allocated, so that their sum does not overflow.
const fn allocated<T>(many: &Vec<T>) -> usize {
    many.capacity().wrapping_mul(size_of::<T>())
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
    ages: Ages,
}

impl Queues {
    pub(super) fn new() -> Self {
        let (places, free, ghosts) = (Vec::new(), Vec::new(), Ghosts::new());
        Self { places, free, short: EMPTY, long: EMPTY, ghosts, ages: Ages::default() }
    }

    /// Bytes of what stands in them.
    pub(super) fn bytes(&self) -> usize {
        self.short.bytes.saturating_add(self.long.bytes)
    }

    /// Bytes that the queues themselves take.
    pub(super) fn overhead(&self) -> usize {
        allocated(&self.places)
            .wrapping_add(allocated(&self.free))
            .wrapping_add(allocated(&self.ghosts.sets))
    }

    /// Takes a stand for a new entry of so many bytes, where there is room for as many in all; false
    /// when there are too many.
    pub(super) fn enter(
        &mut self,
        entry: &Entry,
        bytes: usize,
        room: usize,
        entries: &mut Entries<'_>,
    ) -> bool {
        let hash = entry.lookup().hash();
        let fits = self.long.bytes.saturating_add(bytes) <= long_max(room);
        let back = self.ghosts.take(hash);
        let worth = self.ages.more(back.unwrap_or_default(), 1);
        let long =
            fits || back.is_some_and(|back| back.held || self.outdoes_who_goes(worth, entries));
        let line = if long { Line::Long } else { Line::Short };
        let standing = Standing { hash, bytes, line, worth, before: NOWHERE, after: NOWHERE };
        let Some(place) = self.stand(standing) else { return false };
        entry.mark().set_place(place);
        self.link(place);
        true
    }

    /// A place for it; none when there are too many.
    fn stand(&mut self, standing: Standing) -> Option<u32> {
        if let Some(place) = self.free.pop() {
            *self.places.get_mut(place as usize)? = standing;
            return Some(place);
        }
        let place = u32::try_from(self.places.len()).ok().filter(|place| *place <= PLACE_MAX)?;
        self.places.push(standing);
        Some(place)
    }

    /// Whether something of this worth was asked for more often than who goes next from the long
    /// line.
    fn outdoes_who_goes(&mut self, worth: Worth, entries: &mut Entries<'_>) -> bool {
        for _ in 0..ROUNDS_MAX {
            let place = self.long.first;
            let Some(&Standing { hash, worth: theirs, .. }) = self.at(place) else { return true };
            let Some(entry) = entries.find(hash, |entry| entry.mark().place() == place) else {
                return true;
            };
            if entry.mark().wanted() == 0 {
                return outdoes(self.ages.times(worth), self.ages.times(theirs));
            }
            self.another_round(place, entry.mark(), 1);
        }
        false
    }

    fn at(&self, place: u32) -> Option<&Standing> {
        self.places.get(place as usize)
    }

    /// Who was wanted goes to the end of the long line, and pays with so many wants.
    fn another_round(&mut self, place: u32, mark: &Mark, wants: u32) {
        self.unlink(place);
        if let Some(standing) = self.places.get_mut(place as usize) {
            standing.line = Line::Long;
            standing.worth = self.ages.more(standing.worth, wants);
            mark.set_wanted(mark.wanted().saturating_sub(wants));
        }
        self.link(place);
    }

    /// Whoever has the place leaves it, because it is not what it was; what takes its stead comes
    /// back to the same line.
    pub(super) fn leave(&mut self, place: u32) {
        if let Some(Standing { hash, worth, line: Line::Long, .. }) = self.take(place) {
            self.remember(hash, Worth { held: true, ..worth });
        }
    }

    /// Frees the place.
    fn take(&mut self, place: u32) -> Option<Standing> {
        let standing = *self.at(place)?;
        self.unlink(place);
        self.free.push(place);
        Some(standing)
    }

    fn remember(&mut self, hash: u64, worth: Worth) {
        let entries = self.places.len().saturating_sub(self.free.len());
        self.ages.set_entries(entries);
        self.ghosts.add(hash, worth, entries);
    }

    /// Everybody leaves.
    pub(super) fn clear(&mut self) {
        let ghosts = std::mem::replace(&mut self.ghosts, Ghosts::new());
        *self = Self { ghosts, ages: self.ages, ..Self::new() };
    }

    /// Who has to go now leaves queues and table, where there is room for as many bytes; false when
    /// nobody is there.
    pub(super) fn evict(&mut self, room: usize, entries: &mut Entries<'_>) -> bool {
        loop {
            let short = self.short.first != NOWHERE && self.long.bytes <= long_max(room);
            let place = if short { self.short.first } else { self.long.first };
            let Some(&Standing { hash, .. }) = self.at(place) else { return false };
            let Some(entry) = entries.find(hash, |entry| entry.mark().place() == place) else {
                // Nobody's: cannot be, and is not waited for.
                self.take(place);
                continue;
            };
            let wanted = entry.mark().wanted();
            if wanted == 0 {
                entry.remove();
                self.forget(place);
                return true;
            }
            self.another_round(place, entry.mark(), if short { wanted } else { 1 });
        }
    }

    /// Whoever has the place has gone.
    fn forget(&mut self, place: u32) {
        // Not of the long line: a loop over more than fits would push out ahead of itself what it asks
        // for next.
        if let Some(Standing { hash, worth, line: Line::Short, .. }) = self.take(place) {
            self.remember(hash, worth);
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
        let Some(standing) = self.places.get(place as usize) else { return };
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

/// Whether who comes back is worth so much more than who would have to go that it is not the turn of
/// the other one soon: once more is no sign.
fn outdoes(times: u8, theirs: u8) -> bool {
    times > theirs.saturating_add(u8::from(theirs > 0))
}

/// Bytes of the long queue, of so many in all.
fn long_max(room: usize) -> usize {
    room.saturating_sub(room / SHORT_DIVISOR)
}

/// How often something was asked for, to [`TIMES_MAX`]; halved with every age.
#[derive(Clone, Copy, Debug, Default)]
struct Worth {
    times: u8,
    age: u8,
    /// It went because it had changed; whatever comes in its stead has its place.
    held: bool,
}

/// More times are not told apart.
const TIMES_MAX: u8 = 15;

/// Asked for so often in the mean, and an age has passed.
const AGE_TIMES: usize = 3;

/// The ages by which worth is halved, so that it tells of the recent past.
#[derive(Clone, Copy, Debug, Default)]
struct Ages {
    /// The number of the age; it starts again after 255.
    age: u8,
    times: usize,
    entries: usize,
}

impl Ages {
    fn set_entries(&mut self, entries: usize) {
        self.entries = entries;
    }

    /// What is left of the worth now.
    fn times(self, worth: Worth) -> u8 {
        worth.times >> self.age.wrapping_sub(worth.age).min(7)
    }

    /// The worth of what was asked for so often more.
    fn more(&mut self, worth: Worth, times: u32) -> Worth {
        self.times = self.times.saturating_add(times as usize);
        if self.times > self.entries.saturating_mul(AGE_TIMES) {
            (self.age, self.times) = (self.age.wrapping_add(1), 0);
        }
        let times = u32::from(self.times(worth)).saturating_add(times);
        let times = u8::try_from(times).map_or(TIMES_MAX, |times| times.min(TIMES_MAX));
        Worth { times, age: self.age, held: false }
    }
}

/// Who went lately: half as many more as there are entries, by parts of their hashes.
///
/// Sets of four, the youngest first, of which the oldest makes room; 8 bytes for each.
#[derive(Clone, Debug)]
struct Ghosts {
    sets: Vec<[Ghost; 4]>,
    now: u32,
    most: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ghost {
    /// 0 is nobody.
    print: u16,
    /// Times (the low four bits), and whether its place is held (the top one).
    times: u8,
    age: u8,
    since: u32,
}

const _: () = assert!(size_of::<Ghost>() == 8, "as the formula of the memory says");

impl Ghost {
    const HELD: u8 = 0x80;

    fn new(print: u16, since: u32, worth: Worth) -> Self {
        let held = if worth.held { Self::HELD } else { 0 };
        Self { print, times: worth.times | held, age: worth.age, since }
    }

    fn worth(self) -> Worth {
        let (times, held) = (self.times & !Self::HELD, self.times & Self::HELD != 0);
        Worth { times, age: self.age, held }
    }
}

impl Ghosts {
    fn new() -> Self {
        Self { sets: Vec::new(), now: 0, most: 0 }
    }

    /// Where a hash would be, and by what it is known there.
    fn set(&mut self, hash: u64) -> Option<(&mut [Ghost; 4], u16)> {
        let mask = self.sets.len().checked_sub(1)?;
        let [high, low] = [hash >> 32, hash & 0xffff];
        let at = usize::try_from(high).unwrap_or(usize::MAX) & mask;
        Some((self.sets.get_mut(at)?, u16::try_from(low).unwrap_or(0).max(1)))
    }

    /// Remembers it, when there are so many entries.
    fn add(&mut self, hash: u64, worth: Worth, entries: usize) {
        let most = entries.saturating_add(entries / 2).max(16);
        let sets = (most / 4).next_power_of_two();
        if sets > self.sets.len() {
            self.sets = vec![[Ghost::default(); 4]; sets];
        }
        self.most = u32::try_from(most).unwrap_or(u32::MAX);
        self.now = self.now.wrapping_add(1);
        let now = self.now;
        let Some((set, print)) = self.set(hash) else { return };
        let [first, second, third, _] = *set;
        *set = [Ghost::new(print, now, worth), first, second, third];
    }

    /// What it was worth, if it went lately; forgets it.
    fn take(&mut self, hash: u64) -> Option<Worth> {
        let (now, most) = (self.now, self.most);
        let (set, print) = self.set(hash)?;
        let at = set.iter().position(|ghost| ghost.print == print)?;
        let older = set.get_mut(at..)?;
        let ghost = std::mem::take(older.first_mut()?);
        older.rotate_left(1);
        let lately = now.wrapping_sub(ghost.since) < most;
        lately.then(|| ghost.worth())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_must_be_worth_more() {
        for (times, theirs, expected) in [
            (0, 0, false),
            (1, 0, true),
            (1, 1, false),
            (2, 1, false),
            (3, 1, true),
            (15, 15, false),
        ] {
            assert_eq!(outdoes(times, theirs), expected, "{times} against {theirs}");
        }
    }

    #[test]
    fn worth_is_halved_with_every_age() {
        let mut ages = Ages { entries: 10, ..Ages::default() };
        let worth = ages.more(Worth::default(), 99);
        assert_eq!((worth.times, worth.age), (TIMES_MAX, 1));
        for expected in [15, 7, 3, 1, 0, 0] {
            assert_eq!(ages.times(worth), expected);
            for _ in 0..10 {
                ages.more(Worth::default(), 3);
            }
            ages.more(Worth::default(), 1);
        }
    }

    #[test]
    fn who_went_is_known_for_as_long_as_the_cache_and_a_half() {
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut ghosts = Ghosts::new();
        let worth = Worth { times: 9, age: 200, held: true };
        (0..1000).for_each(|number| ghosts.add(hash(number), worth, 100));
        let back = (0..1000).filter(|&number| {
            let back = ghosts.take(hash(number));
            assert!(back.is_none_or(|back| (back.times, back.age, back.held) == (9, 200, true)));
            back.is_some()
        });
        let back: Vec<u64> = back.collect();
        assert!(back.iter().all(|&number| number >= 850), "{back:?}");
        assert!(back.len() > 100, "{back:?}");
        assert!(ghosts.take(hash(back[0])).is_none(), "known twice");
    }

    /// Of one set of four: who is known again makes room, and then the oldest.
    #[test]
    fn who_is_known_again_makes_room_for_another() {
        let mut ghosts = Ghosts::new();
        (1..=4).for_each(|hash| ghosts.add(hash, Worth::default(), 100));
        assert!(ghosts.take(2).is_some());
        ghosts.add(5, Worth::default(), 100);
        let mut after = ghosts.clone();
        after.add(6, Worth::default(), 100);
        for (mut ghosts, expected) in [(ghosts, [1, 3, 4, 5]), (after, [3, 4, 5, 6])] {
            let known: Vec<u64> = (1..=6).filter(|&hash| ghosts.take(hash).is_some()).collect();
            assert_eq!(known, expected);
        }
    }
}
