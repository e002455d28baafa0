//! Shapes: the ordered key lists that objects of the same structure share, and sets of them.
//!
//! A shaped object holds the number of its shape in the document's [`ShapeSet`] and its values; the
//! keys are here, once per process. Both are interned in tables of weak references, from which the
//! last owner takes them out, on whatever thread it is dropped.
//!
//! A key list becomes a shape only when it is seen a second time, so objects that are all different
//! (keys that are data) cost no table entries; they are dictionaries.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use crate::print::escaped;

/// Objects of more members than this are dictionaries.
pub(crate) const SHAPE_KEYS_MAX: usize = 32;

/// From this number of keys on, [`Shape::find`] uses an index.
const INDEXED_KEYS_MIN: usize = 9;

/// How many key lists of which one object has been seen are remembered.
const SEEN: usize = 4096;

/// Seeded by the process: keys come from users.
static HASHER: LazyLock<hashbrown::DefaultHashBuilder> = LazyLock::new(Default::default);

static TABLES: LazyLock<Mutex<Tables>> = LazyLock::new(Default::default);

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// The hash of a key, or of a key list.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    HASHER.hash_one(bytes)
}

/// Appends `key` to a key list: its length in 4 bytes, then its bytes.
pub(crate) fn push_key(list: &mut Vec<u8>, key: &[u8]) {
    let len = u32::try_from(key.len()).unwrap_or(u32::MAX);
    list.extend_from_slice(&len.to_le_bytes());
    list.extend_from_slice(key);
}

/// The keys of a key list, with the offset of each in it.
pub(crate) fn keys_of(list: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let rest = list.get(offset..)?;
        let len = u32::from_le_bytes(*rest.first_chunk()?) as usize;
        let key = rest.get(4..4 + len)?;
        let at = offset + 4;
        offset = at + len;
        Some((at, key))
    })
}

/// An ordered list of distinct keys.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Unlike that of any other shape of this process, now or later.
    id: u64,
    hash: u64,
    list: Box<[u8]>,
    keys: Box<[Key]>,
    labels: Box<[Label]>,
    /// The bits of the marks of all keys: a name whose bit is not there is none of them.
    marks: u64,
    /// Key numbers + 1 by hash, open addressing; empty when there are few keys.
    index: Box<[u8]>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    /// See [`mark`].
    mark: u32,
    start: u32,
    len: u32,
}

/// A key as it is printed: `{"key":` if it is the first and `,"key":` if not, escaped.
#[derive(Clone, Debug)]
struct Label {
    /// Its first bytes.
    start: [u8; 16],
    len: usize,
    /// All of it if there is more, else empty.
    long: Box<[u8]>,
}

impl Label {
    fn new(key: &[u8], is_first: bool) -> Self {
        let mut text = vec![if is_first { b'{' } else { b',' }];
        escaped(key, &mut text);
        text.push(b':');
        let len = text.len();
        text.resize(len.max(16), 0);
        let start = text.first_chunk().copied().unwrap_or_default();
        let long = if len > 16 { text.into() } else { Box::default() };
        Self { start, len, long }
    }
}

impl Shape {
    fn new(hash: u64, list: &[u8]) -> Self {
        let keys: Box<[Key]> = keys_of(list)
            .map(|(start, key)| Key {
                mark: mark(key),
                start: narrow(start),
                len: narrow(key.len()),
            })
            .collect();
        let labels = keys_of(list).map(|(start, key)| Label::new(key, start == 4)).collect();
        let marks = keys.iter().fold(0, |marks, key| marks | bit(key.mark));
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let mut shape =
            Self { id, hash, list: list.into(), keys, marks, labels, index: Box::default() };
        if shape.len() >= INDEXED_KEYS_MIN {
            shape.index = shape.indexed();
        }
        shape
    }

    fn indexed(&self) -> Box<[u8]> {
        let mut slots = vec![0u8; (self.len() * 2).next_power_of_two()];
        for (number, (_, key)) in (1u8..).zip(keys_of(&self.list)) {
            let free = probe(key, slots.len()).find(|slot| slots.get(*slot) == Some(&0));
            if let Some(slot) = free.and_then(|slot| slots.get_mut(slot)) {
                *slot = number;
            }
        }
        slots.into()
    }

    /// Unlike that of any other shape of this process, now or later.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The number of keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The list this shape was made from, see [`push_key`].
    pub(crate) fn list(&self) -> &[u8] {
        &self.list
    }

    pub(crate) fn key(&self, position: usize) -> Option<&[u8]> {
        let key = self.keys.get(position)?;
        self.list.get(key.start as usize..(key.start + key.len) as usize)
    }

    /// Appends each key as it is printed and, by `value`, what belongs to it.
    #[inline]
    pub(crate) fn print<V, E>(
        &self,
        values: &[V],
        out: &mut Vec<u8>,
        mut value: impl FnMut(&V, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (label, place) in self.labels.iter().zip(values) {
            if label.long.is_empty() {
                let end = out.len() + label.len;
                out.extend_from_slice(&label.start);
                out.truncate(end);
            } else {
                out.extend_from_slice(&label.long);
            }
            value(place, out)?;
        }
        Ok(())
    }

    /// The position of `name`. O(1).
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        if self.index.is_empty() {
            return self.find_among_few(name);
        }
        for slot in probe(name, self.index.len()) {
            let position = usize::from(*self.index.get(slot)?).checked_sub(1)?;
            if self.key(position) == Some(name) {
                return Some(position);
            }
        }
        None
    }

    fn find_among_few(&self, name: &[u8]) -> Option<usize> {
        let mark = mark(name);
        if self.marks & bit(mark) == 0 {
            return None;
        }
        let same = |key: &Key| {
            key.mark == mark
                && self.list.get(key.start as usize..(key.start + key.len) as usize) == Some(name)
        };
        self.keys.iter().position(same)
    }
}

/// Names of different marks differ: the length and the bytes at both ends.
fn mark(name: &[u8]) -> u32 {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return 0 };
    narrow(name.len()) << 16 ^ u32::from(*first) << 8 ^ u32::from(*last)
}

fn bit(mark: u32) -> u64 {
    1 << (mark.wrapping_mul(0x9e37_79b9) >> 26)
}

impl Drop for Shape {
    fn drop(&mut self) {
        remove_dead(&mut tables().shapes, self.hash);
    }
}

/// The shapes of a document, by number.
#[derive(Debug)]
pub(crate) struct ShapeSet {
    hash: u64,
    shapes: Box<[Arc<Shape>]>,
}

impl ShapeSet {
    pub(crate) fn shapes(&self) -> &[Arc<Shape>] {
        &self.shapes
    }

    fn is_of(&self, shapes: &[Arc<Shape>]) -> bool {
        self.shapes.len() == shapes.len()
            && self.shapes.iter().zip(shapes).all(|(mine, other)| Arc::ptr_eq(mine, other))
    }
}

impl Drop for ShapeSet {
    fn drop(&mut self) {
        remove_dead(&mut tables().sets, self.hash);
    }
}

/// What this thread met lately, so that most objects and documents need no lock.
#[derive(Debug)]
pub(crate) struct Recent {
    shapes: Box<[(u64, Weak<Shape>)]>,
    sets: Box<[(u64, Weak<ShapeSet>)]>,
}

const RECENT: usize = 128;

impl Default for Recent {
    fn default() -> Self {
        Self {
            shapes: vec![(0, Weak::new()); RECENT].into(),
            sets: vec![(0, Weak::new()); RECENT].into(),
        }
    }
}

impl Recent {
    /// The shape of a key list, if it is one already.
    pub(crate) fn shape(&mut self, hash: u64, list: &[u8]) -> Option<Arc<Shape>> {
        let (known, weak) = self.shapes.get_mut(slot_of(hash, RECENT))?;
        let found = (*known == hash).then(|| weak.upgrade()).flatten();
        let shape = match found {
            Some(shape) => shape,
            None => {
                let shape = existing_shape(hash)?;
                (*known, *weak) = (hash, Arc::downgrade(&shape));
                shape
            }
        };
        (*shape.list == *list).then_some(shape)
    }

    /// The one set of these shapes.
    pub(crate) fn set(&mut self, shapes: &[Arc<Shape>]) -> Arc<ShapeSet> {
        let mix = |mixed: u64, shape: &Arc<Shape>| {
            (mixed.rotate_left(5) ^ shape.id).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        let hash = shapes.iter().fold(shapes.len() as u64, mix);
        let Some((known, weak)) = self.sets.get_mut(slot_of(hash, RECENT)) else {
            return shared_set(hash, shapes);
        };
        let found = (*known == hash).then(|| weak.upgrade()).flatten();
        match found {
            Some(set) if set.is_of(shapes) => set,
            _ => {
                let set = shared_set(hash, shapes);
                (*known, *weak) = (hash, Arc::downgrade(&set));
                set
            }
        }
    }
}

#[derive(Debug)]
struct Tables {
    shapes: HashMap<u64, Weak<Shape>>,
    sets: HashMap<u64, Weak<ShapeSet>>,
    seen: Box<[u64]>,
}

impl Default for Tables {
    fn default() -> Self {
        Self { shapes: HashMap::new(), sets: HashMap::new(), seen: vec![0; SEEN].into() }
    }
}

/// Nothing may be dropped under this lock that holds a shape: its drop locks again.
fn tables() -> MutexGuard<'static, Tables> {
    TABLES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn existing_shape(hash: u64) -> Option<Arc<Shape>> {
    tables().shapes.get(&hash)?.upgrade()
}

/// Makes a shape of a key list (its keys distinct, and no shape yet) at its second sighting.
pub(crate) fn sighted(hash: u64, list: &[u8]) -> Option<Arc<Shape>> {
    if list.is_empty() || again(hash) { made_shape(hash, list) } else { None }
}

fn again(hash: u64) -> bool {
    let mut tables = tables();
    let Some(seen) = tables.seen.get_mut(slot_of(hash, SEEN)) else { return false };
    let again = *seen == hash;
    *seen = if again { 0 } else { hash };
    again
}

fn made_shape(hash: u64, list: &[u8]) -> Option<Arc<Shape>> {
    let shape = Arc::new(Shape::new(hash, list));
    let other = {
        let mut tables = tables();
        let other = tables.shapes.get(&hash).and_then(Weak::upgrade);
        if other.is_none() {
            tables.shapes.insert(hash, Arc::downgrade(&shape));
        }
        other
    };
    // Another thread was faster, or two key lists have one hash: then the second stays without.
    match other {
        None => Some(shape),
        Some(other) => (*other.list == *list).then_some(other),
    }
}

fn shared_set(hash: u64, shapes: &[Arc<Shape>]) -> Arc<ShapeSet> {
    let fresh = Arc::new(ShapeSet { hash, shapes: shapes.into() });
    let other = {
        let mut tables = tables();
        let other = tables.sets.get(&hash).and_then(Weak::upgrade);
        if other.is_none() {
            tables.sets.insert(hash, Arc::downgrade(&fresh));
        }
        other
    };
    match other {
        Some(other) if other.is_of(shapes) => other,
        _ => fresh,
    }
}

fn remove_dead<T>(table: &mut HashMap<u64, Weak<T>>, hash: u64) {
    if table.get(&hash).is_some_and(|weak| weak.strong_count() == 0) {
        table.remove(&hash);
    }
    if table.capacity() > 64 && table.len() < table.capacity() / 8 {
        table.shrink_to_fit();
    }
}

/// How many shapes and shape sets the process holds.
pub fn table_sizes() -> (usize, usize) {
    let tables = tables();
    (tables.shapes.len(), tables.sets.len())
}

/// The slots to look at for a key, in order, each once; `slots` is a power of two.
pub(crate) fn probe(key: &[u8], slots: usize) -> impl Iterator<Item = usize> + use<> {
    let start = slot_of(hash(key), slots);
    (0..slots).map(move |step| (start + step) & (slots - 1))
}

fn slot_of(hash: u64, slots: usize) -> usize {
    (hash >> 20) as usize & slots.wrapping_sub(1)
}

/// Key lists are shorter than 4 GiB: see the limits of the builder.
fn narrow(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
