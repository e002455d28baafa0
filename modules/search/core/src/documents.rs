//! The documents of an index: keys and dense numbers, and what results are sorted by.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::index::{DocId, DocSet};

/// A value that results are sorted by.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SortValue {
    /// None: behind all others, whatever the direction.
    #[default]
    Missing,
    /// A number.
    Number(f64),
    /// A text, by bytes.
    Text(Box<[u8]>),
}

impl SortValue {
    /// The order of two values that are not missing; numbers are before texts.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Missing => 2,
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::Missing | Self::Number(_) => 0,
            Self::Text(text) => text.len(),
        }
    }
}

#[derive(Clone, Debug)]
struct Slot {
    key: Box<[u8]>,
    sequence: u64,
    score: f64,
    sortables: Box<[SortValue]>,
}

/// What became of a document that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its number.
    pub id: DocId,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// The documents of an index.
///
/// * A key has one number as long as it is there, also when it changes.
/// * Numbers are dense: those of deleted documents are given again, the last one first.
/// * A sequence number says when a document came or changed; results have that order.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    table: HashTable<DocId>,
    hasher: DefaultHashBuilder,
    slots: Vec<Option<Slot>>,
    free: Vec<DocId>,
    live: DocSet,
    sequence: u64,
    /// Whether a number has ever been given behind a greater one.
    disordered: bool,
}

impl Documents {
    /// No documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document or changes it. `None` if all numbers are taken (4 billion).
    ///
    /// `sortables` are the values of the schema's sortable fields, each at its field's slot.
    pub fn put(&mut self, key: &[u8], score: f64, sortables: Vec<SortValue>) -> Option<Put> {
        self.sequence += 1;
        let found = self.id(key);
        let id = match found {
            Some(id) => id,
            None => self.number(key)?,
        };
        let is_last = id as usize + 1 == self.slots.len();
        self.disordered |= !is_last;
        let slot = self.slots.get_mut(id as usize)?;
        let key = slot.take().map_or_else(|| key.into(), |slot| slot.key);
        let sortables = sortables.into_boxed_slice();
        *slot = Some(Slot { key, sequence: self.sequence, score, sortables });
        Some(Put { id, is_new: found.is_none() })
    }

    /// Gives a number to a key that has none.
    fn number(&mut self, key: &[u8]) -> Option<DocId> {
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                let id = DocId::try_from(self.slots.len()).ok().filter(|id| *id < DocId::MAX)?;
                self.slots.push(None);
                id
            }
        };
        self.live.insert(id);
        self.enter(key, id);
        Some(id)
    }

    fn enter(&mut self, key: &[u8], id: DocId) {
        let Self { table, hasher, slots, .. } = self;
        let hash = |id: &DocId| hasher.hash_one(key_of(slots, *id));
        table.insert_unique(hasher.hash_one(key), id, hash);
    }

    /// Takes a document out. Its number, if it was there.
    pub fn remove(&mut self, key: &[u8]) -> Option<DocId> {
        let id = self.leave(key)?;
        self.live.remove(id);
        *self.slots.get_mut(id as usize)? = None;
        self.free.push(id);
        if self.live.is_empty() {
            self.free.clear();
            self.slots.clear();
            self.disordered = false;
        }
        Some(id)
    }

    fn leave(&mut self, key: &[u8]) -> Option<DocId> {
        let Self { table, hasher, slots, .. } = self;
        let entry = table.find_entry(hasher.hash_one(key), |id| key_of(slots, *id) == key);
        entry.ok().map(|entry| entry.remove().0)
    }

    /// Gives a document another key; a document that had it is taken out. Its number, and that of
    /// the one taken out.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Option<(DocId, Option<DocId>)> {
        if from == to {
            return self.id(from).map(|id| (id, None));
        }
        self.id(from)?;
        let replaced = self.remove(to);
        let id = self.leave(from)?;
        if let Some(slot) = self.slots.get_mut(id as usize)?.as_mut() {
            slot.key = to.into();
        }
        self.enter(to, id);
        Some((id, replaced))
    }

    /// The number of a key.
    #[must_use]
    pub fn id(&self, key: &[u8]) -> Option<DocId> {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |id| key_of(&self.slots, *id) == key).copied()
    }

    fn slot(&self, id: DocId) -> Option<&Slot> {
        self.slots.get(id as usize)?.as_ref()
    }

    /// The key of a document.
    #[must_use]
    pub fn key(&self, id: DocId) -> Option<&[u8]> {
        self.slot(id).map(|slot| &*slot.key)
    }

    /// The score a document was given, or 0.
    #[must_use]
    pub fn score(&self, id: DocId) -> f64 {
        self.slot(id).map_or(0.0, |slot| slot.score)
    }

    /// When the document came or changed last.
    #[must_use]
    pub fn sequence(&self, id: DocId) -> u64 {
        self.slot(id).map_or(0, |slot| slot.sequence)
    }

    /// The value a document is sorted by.
    #[must_use]
    pub fn sortable(&self, id: DocId, slot: u32) -> &SortValue {
        let values = self.slot(id).map(|slot| &*slot.sortables).unwrap_or_default();
        values.get(slot as usize).unwrap_or(&SortValue::Missing)
    }

    /// All documents.
    #[must_use]
    pub const fn all(&self) -> &DocSet {
        &self.live
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.live.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// How often documents came or changed: FT.INFO's `max_doc_id`.
    #[must_use]
    pub const fn last_sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether documents came in the order of their numbers.
    #[must_use]
    pub const fn is_ordered(&self) -> bool {
        !self.disordered
    }

    /// Bytes on the heap, about: the set of live documents does not say exactly. O(documents).
    #[must_use]
    pub fn memory(&self) -> Memory {
        let slots = self.slots.iter().flatten();
        let keys: usize = slots.clone().map(|slot| slot.key.len()).sum();
        let sortables: usize = slots
            .flat_map(|slot| slot.sortables.iter())
            .map(|value| size_of::<SortValue>() + value.memory())
            .sum();
        let rows = self.slots.capacity() * size_of::<Option<Slot>>()
            + self.free.capacity() * size_of::<DocId>()
            + self.live.serialized_size();
        Memory { keys: keys + self.table.allocation_size(), sortables, rows }
    }
}

/// Bytes on the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Of keys and the table that finds them.
    pub keys: usize,
    /// Of values results are sorted by.
    pub sortables: usize,
    /// Of all else that is kept of a document.
    pub rows: usize,
}

impl Memory {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.keys + self.sortables + self.rows
    }
}

fn key_of(slots: &[Option<Slot>], id: DocId) -> &[u8] {
    slots.get(id as usize).and_then(Option::as_ref).map(|slot| &*slot.key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn put(documents: &mut Documents, key: &str) -> Put {
        documents.put(key.as_bytes(), 1.0, vec![]).unwrap()
    }

    #[test]
    fn numbers_are_given_again() {
        let mut documents = Documents::new();
        assert_eq!(put(&mut documents, "a"), Put { id: 0, is_new: true });
        assert_eq!(put(&mut documents, "b"), Put { id: 1, is_new: true });
        assert!(documents.is_ordered());
        assert_eq!(put(&mut documents, "a"), Put { id: 0, is_new: false });
        assert!(!documents.is_ordered() && documents.sequence(0) > documents.sequence(1));
        assert_eq!((documents.remove(b"a"), documents.remove(b"a")), (Some(0), None));
        assert_eq!(put(&mut documents, "c"), Put { id: 0, is_new: true });
        assert_eq!((documents.key(0), documents.id(b"c")), (Some(&b"c"[..]), Some(0)));
        assert_eq!(documents.rename(b"c", b"b"), Some((0, Some(1))));
        assert_eq!((documents.len(), documents.id(b"b"), documents.id(b"c")), (1, Some(0), None));
        assert_eq!(documents.rename(b"x", b"b"), None);
        assert_eq!(documents.remove(b"b"), Some(0));
        assert_eq!(put(&mut documents, "d").id, 0);
        assert!(documents.is_ordered() && documents.memory().all() > 0);
    }

    #[test]
    fn values_have_an_order() {
        let text = |text: &str| SortValue::Text(text.as_bytes().into());
        assert_eq!(SortValue::Number(-1.0).order(&SortValue::Number(2.0)), Ordering::Less);
        assert_eq!(text("b").order(&text("a")), Ordering::Greater);
        assert_eq!(SortValue::Number(1.0).order(&text("a")), Ordering::Less);
        let mut documents = Documents::new();
        documents.put(b"k", 0.5, vec![text("x")]).unwrap();
        assert_eq!((documents.sortable(0, 0), documents.score(0)), (&text("x"), 0.5));
        assert_eq!(documents.sortable(0, 9), &SortValue::Missing);
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..4_u8, 0..30_u8, 0..30_u8), 0..300)) {
            let (mut documents, mut model) = (Documents::new(), BTreeMap::new());
            for (step, key, other) in steps {
                let (key, other) = ([key], [other]);
                match step {
                    0 => {
                        assert_eq!(documents.remove(&key), model.remove(&key));
                    }
                    1 if model.contains_key(&key) && key != other => {
                        let id = model.remove(&key).unwrap();
                        let replaced = model.insert(other, id);
                        assert_eq!(documents.rename(&key, &other), Some((id, replaced)));
                    }
                    _ => {
                        let put = documents.put(&key, 1.0, vec![]).unwrap();
                        assert_eq!(put.is_new, model.insert(key, put.id).is_none());
                    }
                }
                for (key, id) in &model {
                    assert_eq!(documents.id(key), Some(*id));
                    assert_eq!(documents.key(*id), Some(&key[..]));
                }
                let live: DocSet = model.values().copied().collect();
                assert_eq!(documents.all(), &live);
                assert!(live.max().is_none_or(|max| u64::from(max) < 30));
            }
        }
    }
}
