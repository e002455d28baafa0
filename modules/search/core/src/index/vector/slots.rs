//! Where the vectors of a label are.
//!
//! ```text
//! pages   [ page | - | page ]     64 labels each; a page is there if one of its labels is
//! page    [ slot or none | .. ]   the first slot of each label
//! more    label: slots            the others of labels with several vectors
//! ```
//! Labels are dense numbers, so finding one is two loads; they are sparse where few of many
//! documents have a vector, or are new.

use hashbrown::HashMap;

use super::store::{Label, Slot};

/// Labels of a page.
const PAGE: usize = 64;

/// No slot.
const NONE: Slot = Slot::MAX;

/// Who has no document: never on a page, as that would be the last of 67 million.
pub(super) const LOST: Label = Label::MAX;

#[derive(Clone, Debug)]
struct Page {
    slots: [Slot; PAGE],
    /// Labels that have a slot here.
    used: usize,
}

/// Slots by label: about 4.5 bytes a label where they are dense, 270 where they are alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    pages: Vec<Option<Box<Page>>>,
    more: HashMap<Label, Vec<Slot>>,
    /// Slots in `more`.
    several: usize,
}

/// Page and place of a label.
#[inline]
const fn split(label: Label) -> (usize, usize) {
    (label as usize / PAGE, label as usize % PAGE)
}

impl Slots {
    /// How many slots are not the first of their label.
    pub(super) const fn several(&self) -> usize {
        self.several
    }

    #[inline]
    fn first(&self, label: Label) -> Option<Slot> {
        let (page, place) = split(label);
        let slot = *self.pages.get(page)?.as_ref()?.slots.get(place)?;
        (slot != NONE).then_some(slot)
    }

    fn first_mut(&mut self, label: Label) -> Option<&mut Slot> {
        let (page, place) = split(label);
        self.pages.get_mut(page)?.as_mut()?.slots.get_mut(place)
    }

    /// The slots of `label`, in no order.
    #[inline]
    pub(super) fn of(&self, label: Label) -> impl Iterator<Item = Slot> + Clone {
        let more = if self.several == 0 { None } else { self.more.get(&label) };
        self.first(label).into_iter().chain(more.into_iter().flatten().copied())
    }

    /// Makes room for a slot of `label`. False if there is no memory.
    #[must_use]
    pub(super) fn reserve(&mut self, label: Label) -> bool {
        if label == LOST || self.first(label).is_some() {
            return self.more.try_reserve(1).is_ok();
        }
        let pages = split(label).0 + 1;
        if pages > self.pages.len() {
            if self.pages.try_reserve(pages - self.pages.len()).is_err() {
                return false;
            }
            self.pages.resize(pages, None);
        }
        true
    }

    /// Gives `label` a slot; room was made for it.
    pub(super) fn add(&mut self, label: Label, slot: Slot) {
        let (page, place) = split(label);
        let is_further = label == LOST || self.first(label).is_some();
        if let (false, Some(page)) = (is_further, self.pages.get_mut(page)) {
            let page = page.get_or_insert_with(|| Box::new(Page { slots: [NONE; PAGE], used: 0 }));
            if let Some(first) = page.slots.get_mut(place) {
                *first = slot;
                page.used += 1;
            }
            return;
        }
        self.more.entry(label).or_default().push(slot);
        self.several += 1;
    }

    /// Takes a slot of `label` away.
    pub(super) fn remove(&mut self, label: Label, slot: Slot) {
        if self.first(label) != Some(slot) {
            self.take_more(label, |other| other == slot);
            return;
        }
        if let Some(next) = self.take_more(label, |_| true) {
            if let Some(first) = self.first_mut(label) {
                *first = next;
            }
            return;
        }
        let (at, place) = split(label);
        let Some(Some(page)) = self.pages.get_mut(at) else { return };
        if let Some(first) = page.slots.get_mut(place) {
            *first = NONE;
        }
        page.used -= 1;
        if page.used == 0 {
            self.free(at);
        }
    }

    /// Frees an empty page, and the end of the list if there are only free ones.
    fn free(&mut self, at: usize) {
        if let Some(page) = self.pages.get_mut(at) {
            *page = None;
        }
        while let Some(None) = self.pages.last() {
            self.pages.pop();
        }
        if self.pages.len() < self.pages.capacity() / 4 {
            self.pages.shrink_to(self.pages.len() * 2);
        }
    }

    /// Takes one of the further slots of `label`.
    fn take_more(&mut self, label: Label, is_it: impl Fn(Slot) -> bool) -> Option<Slot> {
        if self.several == 0 {
            return None;
        }
        let slots = self.more.get_mut(&label)?;
        let place = slots.iter().position(|slot| is_it(*slot))?;
        let slot = slots.swap_remove(place);
        if slots.is_empty() {
            self.more.remove(&label);
            if self.more.is_empty() {
                self.more = HashMap::new();
            }
        }
        self.several -= 1;
        Some(slot)
    }

    /// A vector of `label` has moved.
    pub(super) fn rename(&mut self, label: Label, from: Slot, to: Slot) {
        if let Some(first) = self.first_mut(label)
            && *first == from
        {
            *first = to;
            return;
        }
        let more = self.more.get_mut(&label).into_iter().flatten();
        if let Some(slot) = more.into_iter().find(|slot| **slot == from) {
            *slot = to;
        }
    }

    /// Bytes on the heap. O(labels / 64).
    pub(super) fn memory(&self) -> usize {
        let pages = self.pages.iter().flatten().count() * size_of::<Page>();
        let more: usize =
            self.more.values().map(|slots| slots.capacity() * size_of::<Slot>()).sum();
        pages
            + self.pages.capacity() * size_of::<Option<Box<Page>>>()
            + self.more.allocation_size()
            + more
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_to_sets(steps in prop::collection::vec((0..3_u8, 0..200_u32, 0..50_u32), 0..300)) {
            let (mut slots, mut model) = (Slots::default(), BTreeSet::new());
            for (step, label, slot) in steps {
                let label = if label > 190 { LOST } else { label };
                match step {
                    0 => {
                        model.remove(&(label, slot));
                        slots.remove(label, slot);
                    }
                    1 if model.contains(&(label, slot)) => {
                        model.remove(&(label, slot));
                        model.insert((label, slot + 1000));
                        slots.rename(label, slot, slot + 1000);
                    }
                    _ => if model.insert((label, slot)) {
                        assert!(slots.reserve(label));
                        slots.add(label, slot);
                    },
                }
                let mut found: Vec<Slot> = slots.of(label).collect();
                found.sort_unstable();
                let of: Vec<Slot> = model.iter().filter(|one| one.0 == label).map(|one| one.1).collect();
                assert_eq!(found, of);
            }
            let labels: BTreeSet<Label> = model.iter().map(|one| one.0).filter(|one| *one != LOST).collect();
            assert_eq!(slots.several(), model.len() - labels.len());
            model.into_iter().for_each(|(label, slot)| slots.remove(label, slot));
            assert!(slots.pages.is_empty() && slots.several() == 0 && slots.memory() < 100);
        }
    }
}
