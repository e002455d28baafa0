//! The items of a Top-K, in a heap with the least count on top.
//!
//! ```text
//! fingerprints, counts, names    one number each for a slot; slot 0 has the least count
//! names                          1 + place of the item in items; 0 for an empty slot
//! items                          the items, in the order in which slots were filled
//! ```
//! Slots are numbers that start as zeros, so that a heap for many items costs what is used of it.

use keyspan_common::data_type::allocated;

use crate::zeroed::{NoMemory, zeroed};

/// The most slots. Each is looked at for an item that is not kept, which takes 10 ms here.
const SLOTS_MAX: u32 = 1 << 24;

/// One slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) fingerprint: u32,
    pub(super) count: u32,
    name: u32,
}

/// What became of an item that was offered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// The item that had to go.
    pub(super) expelled: Option<Box<[u8]>>,
    /// Whether the heap is another one now.
    pub(super) changed: bool,
}

/// A heap of `k` slots. The order of the slots is the reference's, move by move, and part of the
/// value: it decides who goes among equal counts, and the order of the list.
#[derive(Clone, Debug)]
pub(super) struct Heap {
    fingerprints: Vec<u32>,
    counts: Vec<u32>,
    names: Vec<u32>,
    items: Vec<Box<[u8]>>,
    /// What the allocator has given for the items.
    item_bytes: usize,
}

impl Heap {
    /// `k` empty slots.
    ///
    /// # Errors
    /// [`NoMemory`], also for more than [`SLOTS_MAX`].
    pub(super) fn new(k: u32) -> Result<Self, NoMemory> {
        if k > SLOTS_MAX {
            return Err(NoMemory);
        }
        let numbers = || zeroed(usize::try_from(k).map_err(|_| NoMemory)?);
        let (fingerprints, counts, names) = (numbers()?, numbers()?, numbers()?);
        Ok(Self { fingerprints, counts, names, items: Vec::new(), item_bytes: 0 })
    }

    /// How many slots there are.
    pub(super) const fn len(&self) -> usize {
        self.counts.len()
    }

    /// How many of them hold an item.
    pub(super) const fn filled(&self) -> usize {
        self.items.len()
    }

    /// The count on top.
    pub(super) fn least(&self) -> u32 {
        self.counts.first().copied().unwrap_or(0)
    }

    /// The slots from the top, with their items.
    pub(super) fn slots(&self) -> impl Iterator<Item = (Slot, Option<&[u8]>)> {
        (0..self.len()).map_while(|place| self.slot(place)).map(|slot| (slot, self.item(slot)))
    }

    /// Fills the empty slot at `place`, wherever it belongs: the slots of a value that is loaded.
    pub(super) fn fill(&mut self, place: usize, fingerprint: u32, count: u32, item: &[u8]) {
        let name = self.keep(item.into());
        self.put(place, Slot { fingerprint, count, name });
    }

    /// The place of `item`, the last of several.
    pub(super) fn find(&self, fingerprint: u32, item: &[u8]) -> Option<usize> {
        const RUN: usize = 16;
        let mut end = self.len();
        for run in self.fingerprints.rchunks(RUN) {
            let start = end - run.len();
            // Without a way out of the loop 16 are compared at once.
            if run.iter().fold(false, |hit, &other| hit | (other == fingerprint)) {
                let is_item = |place: &usize| {
                    let slot = self.slot(*place).filter(|slot| slot.fingerprint == fingerprint);
                    slot.and_then(|slot| self.item(slot)) == Some(item)
                };
                if let Some(place) = (start..end).rev().find(is_item) {
                    return Some(place);
                }
            }
            end = start;
        }
        None
    }

    /// Counts `item` anew, or lets it in for the item with the least count if its own is as large.
    pub(super) fn offer(&mut self, fingerprint: u32, item: &[u8], count: u32) -> Offer {
        if count < self.least() {
            return Offer::default();
        }
        match self.find(fingerprint, item) {
            Some(place) => Offer { expelled: None, changed: self.recount(place, count) },
            None => Offer { expelled: self.replace_top(fingerprint, item, count), changed: true },
        }
    }

    /// Sets a count and moves the slot down to where it belongs; never up, as in the reference.
    fn recount(&mut self, place: usize, count: u32) -> bool {
        let Some(old) = self.counts.get_mut(place) else { return false };
        let changed = std::mem::replace(old, count) != count;
        self.sift_down(place) || changed
    }

    fn replace_top(&mut self, fingerprint: u32, item: &[u8], count: u32) -> Option<Box<[u8]>> {
        let name = self.names.first().copied().unwrap_or(0);
        let (name, expelled) = match self.item_mut(name) {
            Some(kept) => (name, Some(std::mem::replace(kept, item.into()))),
            None => (self.keep(item.into()), None),
        };
        if let Some(expelled) = &expelled {
            self.item_bytes = self.item_bytes - allocated(expelled.len()) + allocated(item.len());
        }
        self.put(0, Slot { fingerprint, count, name });
        self.sift_down(0);
        expelled
    }

    /// Moves a slot below those with lesser counts; whether it moved.
    fn sift_down(&mut self, start: usize) -> bool {
        let Some(top) = self.slot(start) else { return false };
        let mut place = start;
        while let Some((child, below)) = self.lesser_child(place) {
            // The reference lets a slot pass an equal one in the first step, and only there.
            let stays =
                if place == start { below.count > top.count } else { below.count >= top.count };
            if stays {
                break;
            }
            self.put(place, below);
            place = child;
        }
        self.put(place, top);
        place != start
    }

    fn lesser_child(&self, place: usize) -> Option<(usize, Slot)> {
        let child = 2 * place + 1;
        let first = self.slot(child)?;
        match self.slot(child + 1) {
            Some(second) if second.count < first.count => Some((child + 1, second)),
            Some(_) | None => Some((child, first)),
        }
    }

    fn slot(&self, place: usize) -> Option<Slot> {
        Some(Slot {
            fingerprint: *self.fingerprints.get(place)?,
            count: *self.counts.get(place)?,
            name: *self.names.get(place)?,
        })
    }

    fn put(&mut self, place: usize, slot: Slot) {
        let numbers = [
            (&mut self.fingerprints, slot.fingerprint),
            (&mut self.counts, slot.count),
            (&mut self.names, slot.name),
        ];
        for (list, number) in numbers {
            if let Some(old) = list.get_mut(place) {
                *old = number;
            }
        }
    }

    /// Keeps an item of a slot that was empty; its name. There are no more items than slots.
    fn keep(&mut self, item: Box<[u8]>) -> u32 {
        self.item_bytes += allocated(item.len());
        self.items.push(item);
        u32::try_from(self.items.len()).unwrap_or(0)
    }

    fn item(&self, slot: Slot) -> Option<&[u8]> {
        self.items.get((slot.name as usize).checked_sub(1)?).map(AsRef::as_ref)
    }

    fn item_mut(&mut self, name: u32) -> Option<&mut Box<[u8]>> {
        self.items.get_mut((name as usize).checked_sub(1)?)
    }

    /// Bytes on the heap; O(1).
    pub(super) const fn memory(&self) -> usize {
        allocated(self.fingerprints.capacity() * size_of::<u32>())
            + allocated(self.counts.capacity() * size_of::<u32>())
            + allocated(self.names.capacity() * size_of::<u32>())
            + allocated(self.items.capacity() * size_of::<Box<[u8]>>())
            + self.item_bytes
    }

    /// The blocks of numbers, to be moved.
    pub(super) fn numbers_mut(&mut self) -> [&mut Vec<u32>; 3] {
        [&mut self.fingerprints, &mut self.counts, &mut self.names]
    }

    /// The items, to be moved.
    pub(super) const fn items_mut(&mut self) -> &mut Vec<Box<[u8]>> {
        &mut self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(item: &str) -> u32 {
        u32::try_from(item.len()).unwrap()
    }

    fn offered(k: u32, offers: &[(&str, u32)]) -> (Heap, Vec<Option<String>>) {
        let mut heap = Heap::new(k).unwrap();
        let expelled = offers
            .iter()
            .map(|(item, count)| heap.offer(fingerprint(item), item.as_bytes(), *count).expelled)
            .map(|item| item.map(|item| String::from_utf8(item.into()).unwrap()))
            .collect();
        (heap, expelled)
    }

    fn order(heap: &Heap) -> Vec<(&str, u32)> {
        heap.slots()
            .map(|(slot, item)| {
                (item.map_or("-", |item| str::from_utf8(item).unwrap()), slot.count)
            })
            .collect()
    }

    #[test]
    fn slots_move_as_in_the_reference() {
        // As RedisBloom 2.8.20 and 8.8.0 saved it.
        let (heap, _) = offered(
            4,
            &[("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3), ("b", 2), ("d", 10), ("a", 6)],
        );
        assert_eq!(order(&heap), [("c", 1), ("b", 2), ("d", 10), ("a", 6)]);
        // Past an equal one in the first step, not in the second.
        let (heap, _) = offered(4, &[("a", 1), ("b", 1)]);
        assert_eq!(order(&heap), [("-", 0), ("b", 1), ("-", 0), ("a", 1)]);
        let (heap, expelled) = offered(2, &[("a", 1), ("b", 1), ("c", 1), ("a", 2)]);
        assert_eq!(order(&heap), [("c", 1), ("a", 2)]);
        assert_eq!(expelled, [None, None, Some("a".into()), Some("b".into())]);
    }

    #[test]
    fn an_empty_item_is_an_item() {
        let (heap, expelled) = offered(1, &[("", 1), ("x", 1), ("", 2), ("y", 1)]);
        assert_eq!(expelled, [None, Some(String::new()), Some("x".into()), None]);
        assert_eq!(order(&heap), [("", 2)]);
        assert_eq!(heap.find(0, b""), Some(0));
        assert_eq!(Heap::new(1).unwrap().find(0, b""), None);
    }

    #[test]
    fn slots_have_a_limit() {
        assert!(Heap::new(SLOTS_MAX).is_ok());
        assert_eq!(Heap::new(SLOTS_MAX + 1).err(), Some(NoMemory));
    }

    #[test]
    fn items_are_found_in_long_heaps() {
        let items: Vec<String> = (0..1000).map(|n| format!("item {n}")).collect();
        let offers: Vec<(&str, u32)> = items.iter().map(|item| (item.as_str(), 1)).collect();
        let (heap, _) = offered(1000, &offers);
        for item in &items {
            let place = heap.find(fingerprint(item), item.as_bytes()).unwrap();
            assert_eq!(order(&heap)[place].0, item);
        }
        assert_eq!(heap.find(6, b"item x"), None);
    }
}
