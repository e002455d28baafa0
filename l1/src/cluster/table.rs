//! Which node serves which slot, and which entries may be served: one word for each slot, which
//! every hit reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::slot::SLOTS;
use crate::clock::Moment;
use crate::entry::Entry;

/// The number of a node in the table.
pub(crate) type Node = u16;

/// How many nodes there may be; this number is nobody's.
pub(crate) const NOBODY: Node = (1 << 10) - 1;

/// A slot's word, from the highest bit: the slot (14 bits), its node (10), whether what is read from
/// it may be kept (1), and a serial number (39) that is never used again.
///
/// An entry carries the word that its slot had when it was asked for, and is served only while the
/// slot has the same. So whatever happens to a slot or to its node, a new word makes all that was
/// read before invisible at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word(u64);

const SERIAL_BITS: u32 = 39;
const OPEN: u64 = 1 << SERIAL_BITS;
const NODE_SHIFT: u32 = SERIAL_BITS + 1;
const SLOT_SHIFT: u32 = NODE_SHIFT + 10;

impl Word {
    fn new(slot: u16, node: Node, open: bool, serial: u64) -> Self {
        let place = (u64::from(slot) << SLOT_SHIFT) | (u64::from(node) << NODE_SHIFT);
        let open = if open { OPEN } else { 0 };
        Self(place | open | (serial % OPEN))
    }

    fn slot(self) -> usize {
        usize::try_from(self.0 >> SLOT_SHIFT).unwrap_or(0)
    }

    fn node(self) -> Node {
        let node = self.0 >> NODE_SHIFT & u64::from(NOBODY);
        Node::try_from(node).unwrap_or(NOBODY)
    }

    fn open(self) -> bool {
        self.0 & OPEN != 0
    }
}

/// What one node is said to serve.
#[derive(Clone, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) node: Node,
    pub(crate) epoch: u64,
    pub(crate) slots: &'a [(u16, u16)],
    pub(crate) moving: &'a [u16],
}

/// All slots.
#[derive(Debug)]
pub(crate) struct Table {
    words: Box<[AtomicU64]>,
    /// Until when each node is proven.
    until: Box<[AtomicU64]>,
    staleness_max: Duration,
    ledger: Mutex<Ledger>,
}

/// What only those need who change the table.
#[derive(Debug)]
struct Ledger {
    serial: u64,
    /// The configuration epoch with which each slot's node has claimed it.
    epochs: Box<[u64]>,
}

impl Table {
    pub(crate) fn new(staleness_max: Duration) -> Self {
        let word = |slot| AtomicU64::new(Word::new(slot, NOBODY, false, 0).0);
        let words = (0..SLOTS).map(word).collect();
        let until = (0..=NOBODY).map(|_| AtomicU64::new(0)).collect();
        let epochs = vec![0; usize::from(SLOTS)].into();
        Self { words, until, staleness_max, ledger: Mutex::new(Ledger { serial: 0, epochs }) }
    }

    fn word(&self, slot: u16) -> Word {
        let nobody = Word::new(slot, NOBODY, false, 0);
        let word = self.words.get(usize::from(slot));
        word.map_or(nobody, |word| Word(word.load(Ordering::Acquire)))
    }

    /// Whether the entry may be served: its slot is as it was, and its node is proven.
    #[inline]
    pub(crate) fn serves(&self, entry: &Entry, now: Moment) -> bool {
        let word = Word(entry.epoch());
        let same =
            self.words.get(word.slot()).is_some_and(|now| now.load(Ordering::Acquire) == word.0);
        same && word.open() && now < entry.deadline() && now < self.until(word.node())
    }

    /// Until when the node is proven.
    pub(crate) fn until(&self, node: Node) -> Moment {
        let until = self.until.get(usize::from(node));
        until.map_or(Moment::ORIGIN, |until| Moment::from_millis(until.load(Ordering::Acquire)))
    }

    /// What an entry of this slot is to carry that this node is asked for; None when it must not be
    /// kept.
    pub(crate) fn stamp(&self, slot: u16, node: Node) -> Option<u64> {
        let word = self.word(slot);
        (word.node() == node && word.open()).then_some(word.0)
    }

    /// Who serves the slot.
    pub(crate) fn node(&self, slot: u16) -> Option<Node> {
        Some(self.word(slot).node()).filter(|node| *node != NOBODY)
    }

    /// Whether the node serves any slot. O(slots)
    pub(crate) fn holds(&self, node: Node) -> bool {
        (0..SLOTS).any(|slot| self.word(slot).node() == node)
    }

    /// The node has answered what was sent then, and its slots have been applied as it told them.
    pub(crate) fn prove(&self, node: Node, sent: Moment) {
        if let Some(until) = self.until.get(usize::from(node)) {
            until.fetch_max(sent.after(self.staleness_max).as_millis(), Ordering::AcqRel);
        }
    }

    /// The connection of the node has ended.
    pub(crate) fn lose(&self, node: Node) {
        if let Some(until) = self.until.get(usize::from(node)) {
            until.store(0, Ordering::Release);
        }
        self.renew(node);
    }

    /// Makes all entries of the node invisible. O(slots)
    pub(crate) fn renew(&self, node: Node) {
        let mut ledger = self.ledger();
        for slot in 0..SLOTS {
            let word = self.word(slot);
            if word.node() == node {
                self.put(&mut ledger, slot, node, word.open());
            }
        }
    }

    /// The slot is being moved away: what is cached of it is invisible, and nothing is kept until its
    /// node says that it is all there.
    pub(crate) fn shut(&self, slot: u16) {
        let mut ledger = self.ledger();
        let word = self.word(slot);
        if word.open() {
            self.put(&mut ledger, slot, word.node(), false);
        }
    }

    /// A node that was asked says that the slot is another's.
    pub(crate) fn moved(&self, slot: u16, from: Option<Node>, to: Node) {
        let mut ledger = self.ledger();
        // Who hears it late may find that it has moved on.
        if self.node(slot) == from && from != Some(to) {
            self.put(&mut ledger, slot, to, true);
        }
    }

    /// Applies what a node says of itself, `own`, and what it says of others: of two who claim a slot
    /// the one with the greater epoch has it. What a node does not claim itself, it has not.
    pub(crate) fn apply(&self, own: &Claim<'_>, others: &[Claim<'_>]) {
        let mut ledger = self.ledger();
        let mut owned = vec![false; usize::from(SLOTS)];
        for slot in slots(own.slots) {
            owned.get_mut(usize::from(slot)).into_iter().for_each(|owned| *owned = true);
        }
        for (slot, owned) in (0..SLOTS).zip(owned) {
            if !owned && self.word(slot).node() == own.node {
                self.put(&mut ledger, slot, NOBODY, false);
            }
        }
        for claim in [own].into_iter().chain(others) {
            for slot in slots(claim.slots) {
                self.claim(&mut ledger, slot, claim);
            }
        }
        for slot in slots(own.slots) {
            let (word, open) = (self.word(slot), !own.moving.contains(&slot));
            if word.node() == own.node && word.open() != open {
                self.put(&mut ledger, slot, own.node, open);
            }
        }
    }

    fn claim(&self, ledger: &mut Ledger, slot: u16, claim: &Claim<'_>) {
        let node = self.word(slot).node();
        let Some(epoch) = ledger.epochs.get_mut(usize::from(slot)) else { return };
        if node == claim.node {
            *epoch = claim.epoch.max(*epoch);
        } else if node == NOBODY || claim.epoch > *epoch {
            *epoch = claim.epoch;
            self.put(ledger, slot, claim.node, true);
        }
    }

    /// Gives the slot a new word.
    fn put(&self, ledger: &mut Ledger, slot: u16, node: Node, open: bool) {
        ledger.serial = ledger.serial.wrapping_add(1);
        if let Some(word) = self.words.get(usize::from(slot)) {
            word.store(Word::new(slot, node, open, ledger.serial).0, Ordering::Release);
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn slots(ranges: &[(u16, u16)]) -> impl Iterator<Item = u16> {
    ranges.iter().flat_map(|&(first, last)| first..=last.min(SLOTS.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::Value;

    const NOW: Moment = Moment::from_millis(1000);
    const LATER: Moment = Moment::from_millis(9000);

    /// Nodes 0 and 1 have half of the slots each, both proven.
    fn halves() -> Table {
        let table = Table::new(Duration::from_secs(2));
        tell(&table, 0, 1, &[(0, 99)], &[]);
        tell(&table, 1, 2, &[(100, 199)], &[]);
        table.prove(0, NOW);
        table.prove(1, NOW);
        table
    }

    fn tell(table: &Table, node: Node, epoch: u64, slots: &[(u16, u16)], moving: &[u16]) {
        table.apply(&Claim { node, epoch, slots, moving }, &[]);
    }

    /// An entry that was asked of this node.
    fn entry(table: &Table, slot: u16, node: Node) -> Entry {
        let name = crate::id::Lookup::new(crate::id::Kind::Get, b"k");
        Entry::new(name, table.stamp(slot, node).unwrap(), LATER, Value::Nil)
    }

    #[test]
    fn an_entry_is_served_while_its_slot_is_as_it_was() {
        let table = halves();
        let (mine, other) = (entry(&table, 5, 0), entry(&table, 105, 1));
        let check = |first: bool, second: bool| {
            assert_eq!((table.serves(&mine, NOW), table.serves(&other, NOW)), (first, second));
        };
        check(true, true);
        assert!(!table.serves(&mine, NOW.after(Duration::from_secs(2))), "past its proof");
        tell(&table, 0, 1, &[(0, 99)], &[]);
        check(true, true);
        table.renew(1);
        check(true, false);
        table.lose(0);
        check(false, false);
        assert!(!table.serves(&entry(&table, 5, 0), NOW), "not proven again");
    }

    #[test]
    fn what_has_left_and_come_back_is_not_served() {
        let table = halves();
        let old = entry(&table, 5, 0);
        table.moved(5, Some(0), 1);
        assert_eq!((table.node(5), table.stamp(5, 0)), (Some(1), None));
        assert!(!table.serves(&old, NOW));
        table.moved(5, Some(0), 7);
        assert_eq!(table.node(5), Some(1), "who hears it late");
        table.moved(5, Some(1), 0);
        assert!(!table.serves(&old, NOW), "what was read before it left");
        assert!(table.serves(&entry(&table, 5, 0), NOW));
    }

    #[test]
    fn the_greater_epoch_has_it() {
        let table = halves();
        let old = entry(&table, 5, 0);
        tell(&table, 1, 1, &[(5, 5), (100, 199)], &[]);
        assert_eq!(table.node(5), Some(0));
        assert!(table.serves(&old, NOW));
        tell(&table, 1, 3, &[(5, 5), (100, 199)], &[]);
        assert_eq!(table.node(5), Some(1));
        assert!(!table.serves(&old, NOW));
        tell(&table, 0, 1, &[(0, 99)], &[]);
        assert_eq!(table.node(5), Some(1), "the old owner does not know yet");
        // Of what a node does not claim itself, others may be told.
        let own = Claim { node: 1, epoch: 3, slots: &[(100, 199)], moving: &[] };
        let third = Claim { node: 2, epoch: 0, slots: &[(5, 5)], moving: &[] };
        table.apply(&own, &[third]);
        assert_eq!(table.node(5), Some(2));
        tell(&table, 2, 0, &[], &[]);
        assert_eq!((table.node(5), table.holds(2)), (None, false));
    }

    #[test]
    fn nothing_is_kept_of_a_slot_that_moves() {
        let table = halves();
        let old = entry(&table, 5, 0);
        tell(&table, 0, 1, &[(0, 99)], &[5]);
        assert_eq!((table.stamp(5, 0), table.node(5)), (None, Some(0)));
        tell(&table, 0, 1, &[(0, 99)], &[]);
        assert!(!table.serves(&old, NOW) && table.stamp(5, 0).is_some());
        let old = entry(&table, 5, 0);
        table.shut(5);
        assert_eq!((table.stamp(5, 0), table.serves(&old, NOW)), (None, false));
    }
}
