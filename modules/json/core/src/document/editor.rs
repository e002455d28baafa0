//! How edits change blocks; what may be edited was checked before.

use smallvec::SmallVec;

use super::block::{self, Array, Dictionary, Object, close_up, store_text};
use super::packed::Packing;
use super::shape::{SHAPE_KEYS_MAX, push_key};
use super::store::{Store, number_word, string_word};
use super::word::{Address, INLINE_MAX, Slot, Word};
use super::{Document, ValueRef};
use crate::node::{Kind, Node, Number};

/// Where a word is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Root,
    At(Address),
}

/// A value that can be changed: a word, or an element of the packed array whose word is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Word(Place),
    Packed(Place, usize),
}

/// A document at work: its root, and everything else in a store.
pub(super) struct Editor<'a> {
    pub(super) store: &'a mut Store,
    pub(super) root: &'a mut Slot,
}

impl Editor<'_> {
    fn word(&self, place: Place) -> Word {
        match place {
            Place::Root => Word::from_slot(*self.root),
            Place::At(address) => self.store.arena.word(address),
        }
    }

    fn put(&mut self, place: Place, word: Word) {
        match place {
            Place::Root => *self.root = word.slot(),
            Place::At(address) => self.store.arena.put(address, &word.slot()),
        }
    }

    fn array(&self, place: Place) -> Option<Array> {
        Array::read(&self.store.arena, self.word(place).as_array()?)
    }

    fn object(&self, place: Place) -> Option<Object<'_>> {
        Object::read(&self.store.arena, self.store, self.word(place).as_object()?)
    }

    fn copied(&mut self, value: ValueRef<'_>) -> Option<Word> {
        value.push_to(self.store).ok()?;
        Some(self.store.pop())
    }

    pub(super) fn replace(&mut self, target: Target, value: ValueRef<'_>) -> Option<()> {
        match target {
            Target::Word(place) => {
                let old = self.word(place);
                self.store.free(old);
                let word = self.copied(value)?;
                self.put(place, word);
            }
            Target::Packed(array, index) => {
                if let Kind::Number(number) = value.kind() {
                    return self.set_element(array, index, number);
                }
                let array = self.generic_without(array, index)?;
                let word = self.copied(value)?;
                self.store.arena.put(array.element(index), &word.slot());
            }
        }
        Some(())
    }

    pub(super) fn set_number(&mut self, target: Target, number: Number) -> Option<()> {
        match target {
            Target::Packed(array, index) => self.set_element(array, index, number),
            Target::Word(place) => {
                let old = self.word(place);
                self.store.free(old);
                let word = number_word(&mut self.store.arena, number);
                self.put(place, word);
                Some(())
            }
        }
    }

    /// Sets an element of a packed array, which gets wider or generic if it must.
    fn set_element(&mut self, place: Place, index: usize, number: Number) -> Option<()> {
        let array = self.array(place)?;
        let packing = array.packing.widened(number).unwrap_or(Packing::Generic);
        let array = if packing == Packing::Generic {
            self.generic_without(place, index)?
        } else if packing == array.packing {
            array
        } else {
            self.resized(place, array, packing, array.capacity)?
        };
        let begun = self.store.begin_array();
        self.store.number(number);
        self.store.pop_elements(begun, array, index);
        Some(())
    }

    /// Makes the packed array at `place` generic, with nothing in the place of element `index`.
    fn generic_without(&mut self, place: Place, index: usize) -> Option<Array> {
        let old = self.array(place)?;
        let array = self.resized(place, old, Packing::Generic, old.capacity)?;
        let word = self.store.arena.word(array.element(index));
        self.store.free(word);
        Some(array)
    }

    /// Moves the array at `place` into a new block.
    fn resized(
        &mut self,
        place: Place,
        old: Array,
        packing: Packing,
        capacity: usize,
    ) -> Option<Array> {
        let mut new = Array::allocate(&mut self.store.arena, packing, capacity);
        if packing == old.packing {
            let data = old.data(&self.store.arena).to_vec();
            self.store.arena.put(new.element(0), &data);
        } else {
            self.convert(old, new);
        }
        new.set_len(&mut self.store.arena, old.len);
        self.store.arena.release(old.address, old.size());
        self.put(place, Word::array(new.address));
        Some(new)
    }

    fn convert(&mut self, old: Array, new: Array) {
        let begun = self.store.begin_array();
        for index in 0..old.len {
            let bytes = self.store.arena.bytes(old.element(index), old.packing.width());
            if let Some(number) = bytes.and_then(|bytes| old.packing.read(bytes)) {
                self.store.number(number);
            }
        }
        self.store.pop_elements(begun, new, 0);
    }

    /// The array at `place`, in a packing and of a capacity for `more` values on the stack from
    /// `begun` on.
    fn prepared(&mut self, place: Place, begun: usize, more: usize) -> Option<Array> {
        let array = self.array(place)?;
        let packing = self.packing_with(array, begun);
        let len = array.len + more;
        if packing == array.packing && len <= array.capacity {
            return Some(array);
        }
        let spare = if len <= array.capacity { array.capacity - len } else { len / 8 + 2 };
        self.resized(place, array, packing, len + spare)
    }

    fn packing_with(&self, array: Array, begun: usize) -> Packing {
        let mut new = self.store.numbers(begun);
        if array.len == 0 {
            return Packing::of_all(new);
        }
        if array.packing == Packing::Generic {
            return Packing::Generic;
        }
        let wider = |packing: Packing, number: Option<Number>| packing.widened(number?);
        new.try_fold(array.packing, wider).unwrap_or(Packing::Generic)
    }

    pub(super) fn array_insert(
        &mut self,
        place: Place,
        index: usize,
        values: &[Document],
    ) -> Option<usize> {
        let begun = self.store.begin_array();
        for value in values {
            value.root().push_to(self.store).ok()?;
        }
        let mut array = self.prepared(place, begun, values.len())?;
        let width = array.packing.width();
        let (from, to) = (array.element(index), array.element(index + values.len()));
        self.store.arena.shift(from, to, (array.len - index) * width);
        self.store.pop_elements(begun, array, index);
        array.set_len(&mut self.store.arena, array.len + values.len());
        Some(array.len)
    }

    /// Removes elements `start..end` of an array.
    pub(super) fn cut(&mut self, place: Place, start: usize, end: usize) -> Option<()> {
        let mut array = self.array(place)?;
        if array.packing == Packing::Generic {
            for index in start..end {
                let word = self.store.arena.word(array.element(index));
                self.store.free(word);
            }
        }
        let behind = (array.len - end) * array.packing.width();
        self.store.arena.shift(array.element(end), array.element(start), behind);
        array.set_len(&mut self.store.arena, array.len - (end - start));
        self.shrink_array(place, array)
    }

    /// Removes the elements at `positions`, which ascend, of an array. O(elements behind the first
    /// and size of the removed).
    pub(super) fn remove_elements(&mut self, place: Place, positions: &[u32]) -> Option<()> {
        let mut array = self.array(place)?;
        if array.packing == Packing::Generic {
            for position in positions {
                let word = self.store.arena.word(array.element(*position as usize));
                self.store.free(word);
            }
        }
        let (arena, width) = (&mut self.store.arena, array.packing.width());
        close_up(arena, |index| array.element(index), array.len, width, positions);
        array.set_len(arena, array.len - positions.len());
        self.shrink_array(place, array)
    }

    fn shrink_array(&mut self, place: Place, array: Array) -> Option<()> {
        if array.len < array.capacity / 2 {
            self.resized(place, array, array.packing, array.len)?;
        }
        Some(())
    }

    /// Appends to the string at `place`.
    pub(super) fn append(&mut self, place: Place, text: &[u8]) -> Option<()> {
        let word = self.word(place);
        let slot = word.slot();
        let old = block::string(&self.store.arena, &slot).to_vec();
        self.store.free(word);
        let word = if old.len() + text.len() <= INLINE_MAX {
            Word::short(&[old.as_slice(), text].concat())?
        } else {
            Word::string(store_text(&mut self.store.arena, &old, text))
        };
        self.put(place, word);
        Some(())
    }

    pub(super) fn insert_member(
        &mut self,
        place: Place,
        name: &[u8],
        value: ValueRef<'_>,
    ) -> Option<()> {
        let word = self.copied(value)?;
        match self.object(place)? {
            Object::Dictionary(dictionary) => self.push_member(place, dictionary, name, word),
            Object::Shaped { .. } => {
                let mut list = self.key_list(place)?;
                push_key(&mut list, name);
                let mut values = self.values(place)?;
                values.push((name.to_vec(), word));
                self.reshape(place, &list, &values)
            }
        }
    }

    fn push_member(
        &mut self,
        place: Place,
        dictionary: Dictionary,
        name: &[u8],
        value: Word,
    ) -> Option<()> {
        let mut dictionary = dictionary;
        if dictionary.len == dictionary.capacity {
            let capacity = dictionary.len + dictionary.len / 8 + 2;
            dictionary = self.resized_dictionary(place, dictionary, capacity)?;
        }
        let key = string_word(&mut self.store.arena, name).ok()?;
        dictionary.push(&mut self.store.arena, name, key, value);
        Some(())
    }

    fn resized_dictionary(
        &mut self,
        place: Place,
        old: Dictionary,
        capacity: usize,
    ) -> Option<Dictionary> {
        let mut new = Dictionary::allocate(&mut self.store.arena, capacity);
        for position in 0..old.len {
            let name = old.key(&self.store.arena, position)?.to_vec();
            let key = self.store.arena.word(old.key_place(position));
            let value = self.store.arena.word(old.key_place(position).plus(8));
            new.push(&mut self.store.arena, &name, key, value);
        }
        self.release_dictionary(old);
        self.put(place, Word::object(new.address));
        Some(new)
    }

    fn release_dictionary(&mut self, old: Dictionary) {
        if let Some(index) = old.index {
            self.store.arena.release(index, old.index_size());
        }
        self.store.arena.release(old.address, old.size());
    }

    fn key_list(&self, place: Place) -> Option<Vec<u8>> {
        match self.object(place)? {
            Object::Shaped { shape, .. } => Some(shape.list().to_vec()),
            Object::Dictionary(_) => None,
        }
    }

    /// The members of an object: names and value words.
    fn values(&self, place: Place) -> Option<Vec<(Vec<u8>, Word)>> {
        let object = self.object(place)?;
        let arena = &self.store.arena;
        let member = |position| {
            let name = object.key(arena, position).unwrap_or_default().to_vec();
            (name, arena.word(object.value(position)))
        };
        Some((0..object.len()).map(member).collect())
    }

    /// Makes a shaped object one of these members: shaped again if the key list is a shape or now
    /// becomes one, else a dictionary.
    fn reshape(&mut self, place: Place, list: &[u8], members: &[(Vec<u8>, Word)]) -> Option<()> {
        let address = self.word(place).as_object()?;
        let size = self.object(place)?.size();
        let few = members.len() <= SHAPE_KEYS_MAX;
        let number = if few { self.store.shape_of(list) } else { None };
        self.store.arena.release(address, size);
        let address = match number {
            Some(number) => {
                let words = members.iter().map(|(_, word)| *word);
                block::store_shaped(&mut self.store.arena, number, words)
            }
            None => self.new_dictionary(members)?,
        };
        self.put(place, Word::object(address));
        Some(())
    }

    fn new_dictionary(&mut self, members: &[(Vec<u8>, Word)]) -> Option<Address> {
        let capacity = members.len() + members.len() / 8;
        let mut dictionary = Dictionary::allocate(&mut self.store.arena, capacity);
        for (name, value) in members {
            let key = string_word(&mut self.store.arena, name).ok()?;
            dictionary.push(&mut self.store.arena, name, key, *value);
        }
        Some(dictionary.address)
    }

    /// Removes the members at `positions`, which ascend, of an object.
    pub(super) fn remove_members(&mut self, place: Place, positions: &[u32]) -> Option<()> {
        for position in positions {
            let value = self.store.arena.word(self.object(place)?.value(*position as usize));
            self.store.free(value);
        }
        match self.object(place)? {
            Object::Dictionary(dictionary) => self.remove_pairs(place, dictionary, positions),
            Object::Shaped { .. } => {
                let mut members = self.values(place)?;
                for position in positions.iter().rev() {
                    members.remove(*position as usize);
                }
                let mut list = Vec::new();
                members.iter().for_each(|(name, _)| push_key(&mut list, name));
                self.reshape(place, &list, &members)
            }
        }
    }

    /// Removes members of a dictionary, whose values are free already.
    fn remove_pairs(
        &mut self,
        place: Place,
        mut dictionary: Dictionary,
        positions: &[u32],
    ) -> Option<()> {
        let arena = &self.store.arena;
        let key = |position: &u32| arena.word(dictionary.key_place(*position as usize));
        let keys: SmallVec<[Word; 2]> = positions.iter().map(key).collect();
        dictionary.remove(&mut self.store.arena, positions);
        keys.into_iter().for_each(|key| self.store.free(key));
        if dictionary.is_sparse() {
            self.resized_dictionary(place, dictionary, dictionary.len)?;
        }
        Some(())
    }
}
