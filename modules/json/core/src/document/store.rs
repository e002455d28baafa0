//! A document in the making: what parsers, loaders and edits write into.
//!
//! Values are pushed on a stack as they come and become blocks when their container ends, so no
//! memory is allocated per value. One store per thread is kept and used again.

use std::cell::Cell;

use super::Document;
use super::arena::Arena;
use super::block::{
    self, Array, COUNT_MAX, Dictionary, Object, Shapes, TEXT_MAX, store_shaped, store_text,
};
use super::packed::{FloatKind, Packing};
use super::shape::{self, Recent, SHAPE_KEYS_MAX, Shape, keys_of, push_key};
use super::shape_list::ShapeList;
use super::word::{Address, Form, INLINE_MAX, Slot, Word};
use crate::node::Number;

/// A string, array or object is too large to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// A finished value whose container is not finished. Numbers wait for the packing of their array.
#[derive(Clone, Copy, Debug)]
enum Item {
    Word(Word),
    Number(Number),
}

impl Item {
    fn number(self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(number),
            Self::Word(_) => None,
        }
    }
}

/// An object that has begun: where its values and its keys begin on the stacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    items: usize,
    keys: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) arena: Arena,
    shapes: ShapeList,
    recent: Recent,
    items: Vec<Item>,
    keys: Vec<u8>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            arena: Arena::roomy(),
            shapes: ShapeList::default(),
            recent: Recent::default(),
            items: Vec::new(),
            keys: Vec::new(),
        }
    }
}

thread_local! {
    static STORE: Cell<Option<Box<Store>>> = const { Cell::new(None) };
}

/// Runs `work` on an empty store.
pub(crate) fn with_store<R>(work: impl FnOnce(&mut Store) -> R) -> R {
    let kept = STORE.try_with(Cell::take).ok().flatten();
    let mut store = kept.unwrap_or_default();
    let result = work(&mut store);
    store.clear();
    // Without its thread's storage, at the thread's end, the store is simply dropped.
    let _ = STORE.try_with(|cell| cell.set(Some(store)));
    result
}

impl Store {
    fn clear(&mut self) {
        self.arena.clear();
        self.shapes.clear();
        self.items.clear();
        self.items.shrink_to(1 << 16);
        self.keys.clear();
        self.keys.shrink_to(1 << 16);
    }

    /// The one value on the stack as a document of exactly its size.
    pub(crate) fn finish(&mut self) -> Document {
        let root = self.pop();
        let shapes = self.shapes.interned(&mut self.recent);
        Document { arena: self.arena.take_exact(), shapes, root: root.slot() }
    }

    /// Works on `document` in place. `work` gets and returns its root.
    pub(crate) fn edit<R>(
        &mut self,
        document: &mut Document,
        work: impl FnOnce(&mut Self, &mut Slot) -> R,
    ) -> R {
        std::mem::swap(&mut self.arena, &mut document.arena);
        self.shapes.base = document.shapes.take();
        let mut root = document.root;
        let result = work(self, &mut root);
        document.root = root;
        document.shapes = self.shapes.interned(&mut self.recent);
        std::mem::swap(&mut self.arena, &mut document.arena);
        result
    }

    /// Takes the last value off the stack.
    pub(crate) fn pop(&mut self) -> Word {
        let item = self.items.pop().unwrap_or(Item::Word(Word::NULL));
        word_of(&mut self.arena, item)
    }

    pub(crate) fn null(&mut self) {
        self.items.push(Item::Word(Word::NULL));
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.items.push(Item::Word(Word::bool(value)));
    }

    pub(crate) fn number(&mut self, number: Number) {
        self.items.push(Item::Number(number));
    }

    pub(crate) fn string(&mut self, text: &[u8]) -> Result<(), TooLarge> {
        let word = string_word(&mut self.arena, text)?;
        self.items.push(Item::Word(word));
        Ok(())
    }

    /// Begins an array; every value pushed until [`Self::end_array`] is an element.
    pub(crate) fn begin_array(&self) -> usize {
        self.items.len()
    }

    /// Ends the array that began at `begun`.
    pub(crate) fn end_array(&mut self, begun: usize) -> Result<(), TooLarge> {
        let items = self.items.get(begun..).unwrap_or_default();
        let packing = Packing::of_all(items.iter().map(|item| item.number()));
        self.end_array_as(begun, packing)
    }

    /// Ends an array whose numbers, if it has nothing else, are rounded to `kind` and packed so.
    pub(crate) fn end_array_rounded(
        &mut self,
        begun: usize,
        kind: FloatKind,
    ) -> Result<(), TooLarge> {
        let items = self.items.get_mut(begun..).unwrap_or_default();
        let all = !items.is_empty() && items.iter().all(|item| item.number().is_some());
        if !all {
            return self.end_array(begun);
        }
        for item in items {
            let rounded = item.number().and_then(|number| kind.round(number));
            *item = Item::Number(Number::Double(rounded.unwrap_or(0.0)));
        }
        self.end_array_as(begun, kind.packing())
    }

    /// Rounds the last value, if it is a double, to `kind`. False if it is a number out of range.
    pub(crate) fn round_last(&mut self, kind: FloatKind) -> bool {
        let Some(Item::Number(number)) = self.items.last_mut() else { return true };
        match (kind.round(*number), *number) {
            (Some(rounded), Number::Double(_)) => *number = Number::Double(rounded),
            (Some(_), Number::Int(_) | Number::Uint(_)) => {}
            (None, _) => return false,
        }
        true
    }

    /// Ends an array of a packing that holds all its elements.
    pub(crate) fn end_array_as(&mut self, begun: usize, packing: Packing) -> Result<(), TooLarge> {
        let len = self.items.len().saturating_sub(begun);
        if len > COUNT_MAX {
            return Err(TooLarge);
        }
        let mut array = Array::allocate(&mut self.arena, packing, len);
        for (index, item) in self.items.drain(begun..).enumerate() {
            put_element(&mut self.arena, array, index, item);
        }
        array.set_len(&mut self.arena, len);
        self.items.push(Item::Word(Word::array(array.address)));
        Ok(())
    }

    /// Begins an object: members are a [`Self::key`] and a value each.
    pub(crate) fn begin_object(&self) -> Begun {
        Begun { items: self.items.len(), keys: self.keys.len() }
    }

    pub(crate) fn key(&mut self, key: &[u8]) -> Result<(), TooLarge> {
        if key.len() > TEXT_MAX {
            return Err(TooLarge);
        }
        push_key(&mut self.keys, key);
        Ok(())
    }

    /// Ends the object that began at `begun`. Of members of one name the last value stays, in the
    /// place of the first.
    pub(crate) fn end_object(&mut self, begun: Begun) -> Result<(), TooLarge> {
        let len = self.items.len().saturating_sub(begun.items);
        if len > COUNT_MAX || self.keys.len() - begun.keys > TEXT_MAX {
            return Err(TooLarge);
        }
        let address = match self.known_shape(begun) {
            Some(shape) => self.store_shaped(begun, shape),
            None => self.store_unshaped(begun)?,
        };
        self.items.truncate(begun.items);
        self.keys.truncate(begun.keys);
        self.items.push(Item::Word(Word::object(address)));
        Ok(())
    }

    fn known_shape(&mut self, begun: Begun) -> Option<u32> {
        let list = self.keys.get(begun.keys..)?;
        if self.items.len() - begun.items > SHAPE_KEYS_MAX {
            return None;
        }
        self.shapes.known(&mut self.recent, shape::hash(list), list)
    }

    fn store_shaped(&mut self, begun: Begun, shape: u32) -> Address {
        let (items, arena) =
            (self.items.get_mut(begun.items..).unwrap_or_default(), &mut self.arena);
        for item in items.iter_mut() {
            *item = Item::Word(word_of(arena, *item));
        }
        let words = items.iter().map(|item| match item {
            Item::Word(word) => *word,
            Item::Number(_) => Word::NULL,
        });
        store_shaped(arena, shape, words)
    }

    /// An object of no known shape: it gets a new one or becomes a dictionary.
    fn store_unshaped(&mut self, begun: Begun) -> Result<Address, TooLarge> {
        let len = self.items.len() - begun.items;
        if len > SHAPE_KEYS_MAX {
            return self.store_dictionary(begun, len);
        }
        if self.drop_repeated(begun)
            && let Some(shape) = self.known_shape(begun)
        {
            return Ok(self.store_shaped(begun, shape));
        }
        match self.new_shape(begun) {
            Some(shape) => Ok(self.store_shaped(begun, shape)),
            None => self.store_dictionary(begun, self.items.len() - begun.items),
        }
    }

    fn new_shape(&mut self, begun: Begun) -> Option<u32> {
        let list = self.keys.get(begun.keys..)?;
        let shape = shape::sighted(shape::hash(list), list)?;
        Some(self.shapes.number_of(shape))
    }

    /// Resolves repeated keys among few members; tells whether there were any.
    fn drop_repeated(&mut self, begun: Begun) -> bool {
        let Some(list) = self.keys.get(begun.keys..) else { return false };
        let keys: Vec<&[u8]> = keys_of(list).map(|(_, key)| key).collect();
        let first = |key: &[u8]| keys.iter().position(|other| *other == key);
        let firsts: Vec<usize> = keys.iter().filter_map(|key| first(key)).collect();
        if firsts.iter().enumerate().all(|(position, first)| position == *first) {
            return false;
        }
        let mut kept = Vec::new();
        let is_first = |position: &usize| firsts.get(*position) == Some(position);
        for position in (0..keys.len()).filter(is_first) {
            push_key(&mut kept, keys.get(position).copied().unwrap_or_default());
        }
        self.keys.truncate(begun.keys);
        self.keys.extend_from_slice(&kept);
        self.keep_last(begun, &firsts);
        true
    }

    /// Moves each value to the place of its key's first member and drops the value there.
    fn keep_last(&mut self, begun: Begun, firsts: &[usize]) {
        let mut values: Vec<Item> = Vec::new();
        let mut places: Vec<usize> = vec![0; firsts.len()];
        for (position, first) in firsts.iter().enumerate() {
            let Some(item) = self.items.get(begun.items + position).copied() else { continue };
            if position == *first {
                if let Some(place) = places.get_mut(position) {
                    *place = values.len();
                }
                values.push(item);
            } else if let Some(value) = places.get(*first).and_then(|place| values.get_mut(*place))
            {
                let old = std::mem::replace(value, item);
                self.drop_item(old);
            }
        }
        self.items.truncate(begun.items);
        self.items.append(&mut values);
    }

    fn drop_item(&mut self, item: Item) {
        if let Item::Word(word) = item {
            self.free(word);
        }
    }

    fn store_dictionary(&mut self, begun: Begun, len: usize) -> Result<Address, TooLarge> {
        let mut dictionary = Dictionary::allocate(&mut self.arena, len);
        let keys = self.keys.split_off(begun.keys);
        for (position, (_, key)) in keys_of(&keys).enumerate() {
            let item = self.items.get(begun.items + position).copied();
            let value = item.map_or(Word::NULL, |item| word_of(&mut self.arena, item));
            self.enter(&mut dictionary, key, value)?;
        }
        self.keys.extend_from_slice(&keys);
        Ok(dictionary.address)
    }

    /// Sets member `key` of a dictionary that has room for one more.
    fn enter(
        &mut self,
        dictionary: &mut Dictionary,
        key: &[u8],
        value: Word,
    ) -> Result<(), TooLarge> {
        if dictionary.index.is_some()
            && let Some(position) = dictionary.find(&self.arena, key)
        {
            let place = Object::Dictionary(*dictionary).value(position);
            let old = self.arena.word(place);
            self.free(old);
            self.arena.put(place, &value.slot());
            return Ok(());
        }
        let word = string_word(&mut self.arena, key)?;
        dictionary.push(&mut self.arena, key, word, value);
        Ok(())
    }

    /// Frees the blocks of a value and of all in it.
    ///
    /// Recursion is as deep as the value, which is at most [`super::DEPTH_MAX`].
    pub(crate) fn free(&mut self, word: Word) {
        match word.form() {
            Form::String(address) => {
                let len = block::text(&self.arena, address).len();
                self.arena.release(address, block::text_size(len));
            }
            Form::BoxedInt(address) | Form::BoxedUint(address) | Form::BoxedDouble(address) => {
                self.arena.release(address, 8);
            }
            Form::Array(address) => self.free_array(address),
            Form::Object(address) => self.free_object(address),
            Form::Null | Form::Bool(_) | Form::Int(_) | Form::Double(_) | Form::Short(_) => {}
        }
    }

    fn free_array(&mut self, address: Address) {
        let Some(array) = Array::read(&self.arena, address) else { return };
        if array.packing == Packing::Generic {
            for index in 0..array.len {
                self.free(self.arena.word(array.element(index)));
            }
        }
        self.arena.release(address, array.size());
    }

    fn free_object(&mut self, address: Address) {
        let Some(object) = Object::read(&self.arena, &self.shapes, address) else { return };
        let (len, size) = (object.len(), object.size());
        let dictionary = match object {
            Object::Dictionary(dictionary) => Some(dictionary),
            Object::Shaped { .. } => None,
        };
        let first = object.value(0);
        let step = if dictionary.is_some() { 16 } else { 8 };
        for position in 0..len {
            self.free(self.arena.word(first.plus(step * position)));
        }
        if let Some(dictionary) = dictionary {
            for position in 0..len {
                self.free(self.arena.word(dictionary.key_place(position)));
            }
            if let Some(index) = dictionary.index {
                self.arena.release(index, dictionary.index_size());
            }
        }
        self.arena.release(address, size);
    }

    /// Numbers of the stack from `begun` on; `None` for other values.
    pub(crate) fn numbers(&self, begun: usize) -> impl Iterator<Item = Option<Number>> + '_ {
        self.items.get(begun..).unwrap_or_default().iter().map(|item| item.number())
    }

    /// Takes the values from `begun` on off the stack and writes them as elements of `array`, from
    /// element `first` on. The array holds them.
    pub(crate) fn pop_elements(&mut self, begun: usize, array: Array, first: usize) {
        for (index, item) in self.items.drain(begun..).enumerate() {
            put_element(&mut self.arena, array, first + index, item);
        }
    }

    /// The number of the shape that these keys have, or now get.
    pub(crate) fn shape_of(&mut self, list: &[u8]) -> Option<u32> {
        let hash = shape::hash(list);
        if let Some(number) = self.shapes.known(&mut self.recent, hash, list) {
            return Some(number);
        }
        shape::sighted(hash, list).map(|shape| self.shapes.number_of(shape))
    }
}

impl Shapes for Store {
    fn shape(&self, number: u32) -> Option<&Shape> {
        self.shapes.shape(number)
    }
}

fn put_element(arena: &mut Arena, array: Array, index: usize, item: Item) {
    let place = array.element(index);
    match (array.packing, item) {
        (Packing::Generic, item) => {
            let word = word_of(arena, item);
            arena.put(place, &word.slot());
        }
        (packing, Item::Number(number)) => {
            let mut bytes = [0; 8];
            packing.write(number, &mut bytes);
            arena.put(place, bytes.get(..packing.width()).unwrap_or_default());
        }
        (_, Item::Word(_)) => {}
    }
}

fn word_of(arena: &mut Arena, item: Item) -> Word {
    match item {
        Item::Word(word) => word,
        Item::Number(number) => number_word(arena, number),
    }
}

/// The word of a number, boxed if it must be.
pub(crate) fn number_word(arena: &mut Arena, number: Number) -> Word {
    Word::number(number).unwrap_or_else(|| {
        let bits = match number {
            Number::Int(value) => value.cast_unsigned(),
            Number::Uint(value) => value,
            Number::Double(value) => value.to_bits(),
        };
        Word::boxed(number, arena.store(&bits.to_le_bytes()))
    })
}

/// The word of a string, in a block if it must be.
pub(crate) fn string_word(arena: &mut Arena, text: &[u8]) -> Result<Word, TooLarge> {
    match text.len() {
        0..=INLINE_MAX => Word::short(text).ok_or(TooLarge),
        len if len > TEXT_MAX => Err(TooLarge),
        _ => Ok(Word::string(store_text(arena, text, b""))),
    }
}
