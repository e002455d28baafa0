//! Changing a document in place.
//!
//! Every edit names its target by steps from the root and takes new values as references into other
//! documents, from which they are copied. When the target is missing, is of another kind, or would
//! become nested too deeply, nothing changes and the result says so.

use std::ops::Range;

use super::block::{self, Array, COUNT_MAX, Dictionary, Object, TEXT_MAX, store_text};
use super::packed::Packing;
use super::shape::{SHAPE_KEYS_MAX, push_key};
use super::store::{Store, number_word, string_word, with_store};
use super::word::{Address, Form, INLINE_MAX, Slot, Word};
use super::{Document, NESTING_MAX, ValueRef};
use crate::node::{Kind, Node, Number};

/// Where a word is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Root,
    At(Address),
}

/// A value that can be changed: a word, or an element of the packed array whose word is there.
#[derive(Clone, Copy, Debug)]
enum Target {
    Word(Place),
    Packed(Place, usize),
}

impl Document {
    /// Puts a copy of `value` in the place of the target. False if there is no target or the value
    /// is nested too deeply for it.
    pub fn replace(&mut self, steps: &[u32], value: ValueRef<'_>) -> bool {
        if !fits(steps.len(), value) {
            return false;
        }
        let Some(target) = self.target(steps) else { return false };
        let done = self.edited(|editor| editor.replace(target, value)).is_some();
        self.settle();
        done
    }

    /// Adds a member behind the others. False if the target is no object or has one of this name.
    pub fn insert_member(&mut self, steps: &[u32], name: &[u8], value: ValueRef<'_>) -> bool {
        if !fits(steps.len() + 1, value) {
            return false;
        }
        let Some(Kind::Object(len)) = self.at(steps).map(Node::kind) else { return false };
        let taken = self.at(steps).and_then(|object| object.find(name)).is_some();
        let Some(Target::Word(place)) = self.target(steps) else { return false };
        if taken || len >= COUNT_MAX || name.len() > TEXT_MAX {
            return false;
        }
        self.edited(|editor| editor.insert_member(place, name, value)).is_some()
    }

    /// Removes the target from its object or array; the order of the others stays. False if there
    /// is no target or it is the root. O(members or elements behind it).
    pub fn remove(&mut self, steps: &[u32]) -> bool {
        let Some((last, parents)) = steps.split_last() else { return false };
        let position = *last as usize;
        let Some(kind) = self.at(parents).map(Node::kind) else { return false };
        let Some(Target::Word(place)) = self.target(parents) else { return false };
        let done = match kind {
            Kind::Array(len) if position < len => {
                self.edited(|editor| editor.cut(place, position, position + 1)).is_some()
            }
            Kind::Object(len) if position < len => {
                self.edited(|editor| editor.remove_member(place, position)).is_some()
            }
            _ => false,
        };
        self.settle();
        done
    }

    /// Inserts copies of `values` before element `index` of an array, at most its length. The new
    /// length, or `None` if the target is no array, the index is too high, a value is nested too
    /// deeply or the array would be too long.
    pub fn array_insert(
        &mut self,
        steps: &[u32],
        index: usize,
        values: &[Document],
    ) -> Option<usize> {
        let Kind::Array(len) = self.at(steps)?.kind() else { return None };
        let Target::Word(place) = self.target(steps)? else { return None };
        let fits = values.iter().all(|value| fits(steps.len() + 1, value.root()));
        if index > len || !fits || len + values.len() > COUNT_MAX {
            return None;
        }
        self.edited(|editor| editor.array_insert(place, index, values))
    }

    /// Keeps the elements in `range` of an array and removes the others. The new length, or `None`
    /// if the target is no array.
    pub fn array_keep(&mut self, steps: &[u32], range: Range<usize>) -> Option<usize> {
        let Kind::Array(len) = self.at(steps)?.kind() else { return None };
        let Target::Word(place) = self.target(steps)? else { return None };
        let end = range.end.min(len);
        let start = range.start.min(end);
        self.edited(|editor| {
            editor.cut(place, end, len)?;
            editor.cut(place, 0, start)
        })?;
        self.settle();
        Some(end - start)
    }

    /// Sets a number. False if the target is no number.
    pub fn set_number(&mut self, steps: &[u32], number: Number) -> bool {
        let Some(Kind::Number(_)) = self.at(steps).map(Node::kind) else { return false };
        let Some(target) = self.target(steps) else { return false };
        self.edited(|editor| editor.set_number(target, number)).is_some()
    }

    /// Sets a boolean. False if the target is no boolean.
    pub fn set_bool(&mut self, steps: &[u32], value: bool) -> bool {
        let Some(Kind::Bool(_)) = self.at(steps).map(Node::kind) else { return false };
        let Some(Target::Word(place)) = self.target(steps) else { return false };
        self.edited(|editor| editor.put(place, Word::bool(value)));
        true
    }

    /// Appends to a string. The new length in bytes, or `None` if the target is no string or would
    /// be too long. `text` must be UTF-8.
    pub fn string_append(&mut self, steps: &[u32], text: &[u8]) -> Option<usize> {
        let Kind::String(old) = self.at(steps)?.kind() else { return None };
        let Target::Word(place) = self.target(steps)? else { return None };
        let len = old.len() + text.len();
        if len > TEXT_MAX {
            return None;
        }
        self.edited(|editor| editor.append(place, text))?;
        self.settle();
        Some(len)
    }

    /// Makes an object `{}`, an array `[]`, a number 0. False if it is so already, or of another
    /// kind.
    pub fn clear(&mut self, steps: &[u32]) -> bool {
        let empty = match self.at(steps).map(Node::kind) {
            Some(Kind::Object(1..)) => Self::built(|store| {
                let begun = store.begin_object();
                store.end_object(begun).is_ok()
            }),
            Some(Kind::Array(1..)) => Self::built(|store| {
                let begun = store.begin_array();
                store.end_array(begun).is_ok()
            }),
            Some(Kind::Number(number)) if number != Number::Int(0) => {
                return self.set_number(steps, Number::Int(0));
            }
            _ => return false,
        };
        empty.is_some_and(|empty| self.replace(steps, empty.root()))
    }

    fn built(push: impl FnOnce(&mut Store) -> bool) -> Option<Self> {
        with_store(|store| push(store).then(|| store.finish()))
    }

    /// Where the value that `steps` lead to is.
    fn target(&self, steps: &[u32]) -> Option<Target> {
        let mut place = Place::Root;
        let mut steps = steps.iter().map(|step| *step as usize);
        while let Some(step) = steps.next() {
            let at = match self.word_at(place).form() {
                Form::Object(address) => {
                    let object = Object::read(&self.arena, self, address)?;
                    (step < object.len()).then(|| object.value(step))?
                }
                Form::Array(address) => {
                    let array = Array::read(&self.arena, address)?;
                    if step >= array.len {
                        return None;
                    }
                    if array.packing != Packing::Generic {
                        return steps.next().is_none().then_some(Target::Packed(place, step));
                    }
                    array.element(step)
                }
                _ => return None,
            };
            place = Place::At(at);
        }
        Some(Target::Word(place))
    }

    fn word_at(&self, place: Place) -> Word {
        match place {
            Place::Root => Word::from_slot(self.root),
            Place::At(address) => self.arena.word(address),
        }
    }

    fn edited<R>(&mut self, work: impl FnOnce(&mut Editor<'_>) -> R) -> R {
        with_store(|store| store.edit(self, |store, root| work(&mut Editor { store, root })))
    }
}

/// Whether `value` can stand below `steps` containers.
fn fits(steps: usize, value: ValueRef<'_>) -> bool {
    let room = NESTING_MAX.saturating_sub(steps);
    value.depth() <= room
}

/// A document at work: its root, and everything else in a store.
struct Editor<'a> {
    store: &'a mut Store,
    root: &'a mut Slot,
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
        match self.word(place).form() {
            Form::Array(address) => Array::read(&self.store.arena, address),
            _ => None,
        }
    }

    fn object(&self, place: Place) -> Option<Object<'_>> {
        match self.word(place).form() {
            Form::Object(address) => Object::read(&self.store.arena, self.store, address),
            _ => None,
        }
    }

    fn copied(&mut self, value: ValueRef<'_>) -> Option<Word> {
        value.push_to(self.store).ok()?;
        Some(self.store.pop())
    }

    fn replace(&mut self, target: Target, value: ValueRef<'_>) -> Option<()> {
        match target {
            Target::Word(place) => {
                let old = self.word(place);
                self.store.free(old);
                let word = self.copied(value)?;
                self.put(place, word);
            }
            Target::Packed(array, index) => match value.kind() {
                Kind::Number(number) => self.set_element(array, index, number)?,
                _ => {
                    let array = self.generic_without(array, index)?;
                    let word = self.copied(value)?;
                    self.store.arena.put(array.element(index), &word.slot());
                }
            },
        }
        Some(())
    }

    fn set_number(&mut self, target: Target, number: Number) -> Option<()> {
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
        let array = match packing {
            Packing::Generic => self.generic_without(place, index)?,
            packing if packing == array.packing => array,
            packing => self.resized(place, array, packing, array.capacity)?,
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

    fn array_insert(&mut self, place: Place, index: usize, values: &[Document]) -> Option<usize> {
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
    fn cut(&mut self, place: Place, start: usize, end: usize) -> Option<()> {
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
        if array.len < array.capacity / 2 {
            self.resized(place, array, array.packing, array.len)?;
        }
        Some(())
    }

    /// Appends to the string at `place`.
    fn append(&mut self, place: Place, text: &[u8]) -> Option<()> {
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

    fn insert_member(&mut self, place: Place, name: &[u8], value: ValueRef<'_>) -> Option<()> {
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
        let Form::Object(address) = self.word(place).form() else { return None };
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

    fn remove_member(&mut self, place: Place, position: usize) -> Option<()> {
        let value = self.store.arena.word(self.object(place)?.value(position));
        self.store.free(value);
        match self.object(place)? {
            Object::Dictionary(mut dictionary) => {
                let key = self.store.arena.word(dictionary.key_place(position));
                dictionary.remove(&mut self.store.arena, position);
                self.store.free(key);
                self.shrink(place, dictionary)
            }
            Object::Shaped { .. } => {
                let mut members = self.values(place)?;
                members.remove(position);
                let mut list = Vec::new();
                members.iter().for_each(|(name, _)| push_key(&mut list, name));
                self.reshape(place, &list, &members)
            }
        }
    }

    fn shrink(&mut self, place: Place, dictionary: Dictionary) -> Option<()> {
        if dictionary.len < dictionary.capacity / 2 {
            self.resized_dictionary(place, dictionary, dictionary.len)?;
        }
        Some(())
    }
}
