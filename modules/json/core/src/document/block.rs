//! The blocks in an arena: strings, arrays and objects, and how they are read.
//!
//! ```text
//! string      [len u8] bytes                    shorter than 255 bytes
//!             [255] [len u32] bytes             others
//! array       [packing u8] [len u8] [capacity u8] elements                 capacity below 256
//!             [packing u8 | top bit] [len u32] [capacity u32] elements     others
//! object      [shape u8] words                  shaped: the value of each key of the shape
//!             [254] [shape u32] words           the same of the 255th shape on
//!             [255] [len u32] [capacity u32] [index address] (key word, value word)...
//! index       [u32]...                          position + 1 by hash of the key, 0 = free
//! box         8 bytes                           a number that does not fit a word
//! ```
//! Blocks follow each other without padding; the size of each is known from its own content.

use super::arena::Arena;
use super::packed::Packing;
use super::shape::{SHAPE_KEYS_MAX, Shape, probe};
use super::word::{Address, Form, Slot, Word};
use crate::node::Hint;

/// Most elements an array, or members an object, can have; builders refuse more.
pub(crate) const COUNT_MAX: usize = (1 << 28) - 1;

/// The longest string, in bytes.
pub(crate) const TEXT_MAX: usize = u32::MAX as usize - 8;

/// The first byte of a shaped object whose shape number follows in 4 bytes.
const WIDE_SHAPED: u8 = 254;

/// The first byte of a dictionary.
const DICTIONARY: u8 = 255;

/// The index address of a dictionary that has none.
const NO_INDEX: u64 = u64::MAX;

/// Set in the first byte of an array whose length and capacity have 4 bytes each.
const WIDE_ARRAY: u8 = 0x80;

/// Up to so many removed members are taken out of an index one by one: cheaper than hashing all the
/// others.
const INDEX_LEAVERS_MAX: usize = 16;

const SHORT_TEXT_MAX: usize = 254;
const PAIR: usize = 16;
const DICTIONARY_HEADER: usize = 17;

/// Where shapes are found by number: a document, or a store at work on one.
pub(crate) trait Shapes {
    fn shape(&self, number: u32) -> Option<&Shape>;
}

/// Where the text of a string block is, and its length.
pub(crate) fn text_place(arena: &Arena, address: Address) -> Option<(Address, usize)> {
    match *arena.bytes(address, 1)?.first()? {
        u8::MAX => Some((address.plus(5), arena.u32(address.plus(1))? as usize)),
        len => Some((address.plus(1), usize::from(len))),
    }
}

/// The text of a string block; empty if there is none.
pub(crate) fn text(arena: &Arena, address: Address) -> &[u8] {
    let place = text_place(arena, address);
    place.and_then(|(start, len)| arena.bytes(start, len)).unwrap_or_default()
}

/// The bytes a string block of `len` bytes of text takes.
pub(crate) fn text_size(len: usize) -> usize {
    if len <= SHORT_TEXT_MAX { 1 + len } else { 5 + len }
}

/// Stores `text`, given in two pieces, as a string block.
pub(crate) fn store_text(arena: &mut Arena, head: &[u8], tail: &[u8]) -> Address {
    let len = head.len() + tail.len();
    match u8::try_from(len) {
        Ok(short) if len <= SHORT_TEXT_MAX => arena.store_all(&[&[short], head, tail]),
        _ => {
            let long = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
            arena.store_all(&[&[u8::MAX], &long, head, tail])
        }
    }
}

/// An array block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array {
    pub(crate) address: Address,
    pub(crate) len: usize,
    pub(crate) capacity: usize,
    pub(crate) packing: Packing,
}

impl Array {
    pub(crate) fn read(arena: &Arena, address: Address) -> Option<Self> {
        let [first, len, capacity] = *arena.bytes(address, 3)?.first_chunk()?;
        let packing = Packing::from_code(first & !WIDE_ARRAY)?;
        if first & WIDE_ARRAY == 0 {
            return Some(Self { address, len: len.into(), capacity: capacity.into(), packing });
        }
        let len = arena.u32(address.plus(1))? as usize;
        Some(Self { address, len, capacity: arena.u32(address.plus(5))? as usize, packing })
    }

    /// A new block with room for `capacity` elements, and no element yet.
    pub(crate) fn allocate(arena: &mut Arena, packing: Packing, capacity: usize) -> Self {
        let capacity = capacity.min(COUNT_MAX);
        let address = arena.allocate(array_header(capacity) + capacity * packing.width());
        match u8::try_from(capacity) {
            Ok(capacity) => arena.put(address, &[packing.code(), 0, capacity]),
            Err(_) => {
                arena.put(address, &[packing.code() | WIDE_ARRAY]);
                arena.put(address.plus(5), &u32::try_from(capacity).unwrap_or(0).to_le_bytes());
            }
        }
        let array = Self { address, len: 0, capacity, packing };
        array.put_len(arena);
        array
    }

    pub(crate) fn set_len(&mut self, arena: &mut Arena, len: usize) {
        self.len = len;
        self.put_len(arena);
    }

    fn put_len(self, arena: &mut Arena) {
        let len = u32::try_from(self.len).unwrap_or(0).to_le_bytes();
        let width = if self.capacity <= usize::from(u8::MAX) { 1 } else { 4 };
        arena.put(self.address.plus(1), len.get(..width).unwrap_or_default());
    }

    pub(crate) fn size(self) -> usize {
        array_header(self.capacity) + self.capacity * self.packing.width()
    }

    pub(crate) fn element(self, index: usize) -> Address {
        self.address.plus(array_header(self.capacity) + index * self.packing.width())
    }

    /// The bytes of all elements.
    pub(crate) fn data(self, arena: &Arena) -> &[u8] {
        arena.bytes(self.element(0), self.len * self.packing.width()).unwrap_or_default()
    }
}

fn array_header(capacity: usize) -> usize {
    if capacity <= usize::from(u8::MAX) { 3 } else { 9 }
}

/// An object block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Object<'a> {
    /// Its values begin at the address.
    Shaped {
        values: Address,
        header: usize,
        shape: &'a Shape,
    },
    Dictionary(Dictionary),
}

/// A dictionary block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dictionary {
    pub(crate) address: Address,
    pub(crate) len: usize,
    pub(crate) capacity: usize,
    pub(crate) index: Option<Address>,
}

impl<'a> Object<'a> {
    pub(crate) fn read(arena: &Arena, shapes: &'a impl Shapes, address: Address) -> Option<Self> {
        let (number, header) = match *arena.bytes(address, 1)?.first()? {
            DICTIONARY => return Dictionary::read(arena, address).map(Self::Dictionary),
            WIDE_SHAPED => (arena.u32(address.plus(1))?, 5),
            number => (number.into(), 1),
        };
        let shape = shapes.shape(number)?;
        Some(Self::Shaped { values: address.plus(header), header, shape })
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Self::Shaped { shape, .. } => shape.len(),
            Self::Dictionary(dictionary) => dictionary.len,
        }
    }

    /// Where the value of member `position` is.
    pub(crate) fn value(self, position: usize) -> Address {
        match self {
            Self::Shaped { values, .. } => values.plus(8 * position),
            Self::Dictionary(dictionary) => dictionary.pair(position).plus(8),
        }
    }

    /// The bytes of all members, and how many each has; its value is in the last 8.
    pub(crate) fn data(self, arena: &Arena) -> (&[u8], usize) {
        let (start, width) = match self {
            Self::Shaped { values, .. } => (values, 8),
            Self::Dictionary(dictionary) => (dictionary.pair(0), PAIR),
        };
        (arena.bytes(start, width * self.len()).unwrap_or_default(), width)
    }

    pub(crate) fn key<'b>(self, arena: &'b Arena, position: usize) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        match self {
            Self::Shaped { shape, .. } => shape.key(position),
            Self::Dictionary(dictionary) => dictionary.key(arena, position),
        }
    }

    pub(crate) fn find(self, arena: &Arena, name: &[u8]) -> Option<usize> {
        match self {
            Self::Shaped { shape, .. } => shape.find(name),
            Self::Dictionary(dictionary) => dictionary.find(arena, name),
        }
    }

    /// As [`Self::find`], remembered in `hint`.
    #[inline]
    pub(crate) fn find_by(self, arena: &Arena, name: &[u8], hint: &mut Hint) -> Option<usize> {
        match self {
            Self::Shaped { shape, .. } => hint.position(shape.id(), || shape.find(name)),
            Self::Dictionary(dictionary) => dictionary.find(arena, name),
        }
    }

    /// The bytes of the block itself.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Shaped { header, shape, .. } => header + 8 * shape.len(),
            Self::Dictionary(dictionary) => dictionary.size(),
        }
    }
}

/// Stores a shaped object of these values.
pub(crate) fn store_shaped(
    arena: &mut Arena,
    shape: u32,
    values: impl ExactSizeIterator<Item = Word>,
) -> Address {
    let number = u8::try_from(shape).unwrap_or(WIDE_SHAPED).min(WIDE_SHAPED);
    let header = if number == WIDE_SHAPED { 5 } else { 1 };
    let address = arena.allocate(header + 8 * values.len());
    arena.put(address, &[number]);
    if number == WIDE_SHAPED {
        arena.put(address.plus(1), &shape.to_le_bytes());
    }
    arena.put_words(address.plus(header), values);
    address
}

impl Dictionary {
    fn read(arena: &Arena, address: Address) -> Option<Self> {
        let index = u64::from_le_bytes(*arena.slot(address.plus(9))?);
        Some(Self {
            address,
            len: arena.u32(address.plus(1))? as usize,
            capacity: arena.u32(address.plus(5))? as usize,
            index: (index != NO_INDEX).then(|| Address::from_bits(index)),
        })
    }

    /// A new block with room for `capacity` members, with an index if that is many, and no member
    /// yet.
    pub(crate) fn allocate(arena: &mut Arena, capacity: usize) -> Self {
        let capacity = capacity.min(COUNT_MAX);
        let address = arena.allocate(DICTIONARY_HEADER + PAIR * capacity);
        let index = (capacity > SHAPE_KEYS_MAX).then(|| {
            let index = arena.allocate(4 * slots(capacity));
            clear_index(arena, index, capacity);
            index
        });
        let dictionary = Self { address, len: 0, capacity, index };
        arena.put(address, &[DICTIONARY]);
        arena.put(address.plus(5), &u32::try_from(capacity).unwrap_or(0).to_le_bytes());
        arena.put(address.plus(9), &index.map_or(NO_INDEX, Address::bits).to_le_bytes());
        dictionary.put_len(arena);
        dictionary
    }

    fn put_len(self, arena: &mut Arena) {
        arena.put(self.address.plus(1), &u32::try_from(self.len).unwrap_or(0).to_le_bytes());
    }

    pub(crate) fn size(self) -> usize {
        DICTIONARY_HEADER + PAIR * self.capacity
    }

    /// The bytes of its index block, if it has one.
    pub(crate) fn index_size(self) -> usize {
        4 * slots(self.capacity)
    }

    fn pair(self, position: usize) -> Address {
        self.address.plus(DICTIONARY_HEADER + PAIR * position)
    }

    /// Where the key word of member `position` is.
    pub(crate) fn key_place(self, position: usize) -> Address {
        self.pair(position)
    }

    pub(crate) fn key(self, arena: &Arena, position: usize) -> Option<&[u8]> {
        if position >= self.len {
            return None;
        }
        Some(string(arena, arena.slot(self.pair(position))?))
    }

    /// The position of `name`: O(1) with an index, which dictionaries of many members have.
    pub(crate) fn find(self, arena: &Arena, name: &[u8]) -> Option<usize> {
        let same = |position: &usize| self.key(arena, *position) == Some(name);
        let Some(index) = self.index else { return (0..self.len).find(same) };
        for slot in probe(name, slots(self.capacity)) {
            let position = (arena.u32(index.plus(4 * slot))? as usize).checked_sub(1)?;
            if same(&position) {
                return Some(position);
            }
        }
        None
    }

    /// Appends a member that is not there yet; there must be room.
    pub(crate) fn push(&mut self, arena: &mut Arena, name: &[u8], key: Word, value: Word) {
        arena.put(self.pair(self.len), &key.slot());
        arena.put(self.pair(self.len).plus(8), &value.slot());
        self.len += 1;
        self.put_len(arena);
        if let Some(index) = self.index {
            self.enter(arena, index, name, self.len);
        }
    }

    fn enter(self, arena: &mut Arena, index: Address, name: &[u8], number: usize) {
        if let Some(slot) = self.free_slot(arena, index, name) {
            arena.put(slot, &u32::try_from(number).unwrap_or(0).to_le_bytes());
        }
    }

    /// Where the index has room for `name`.
    fn free_slot(self, arena: &Arena, index: Address, name: &[u8]) -> Option<Address> {
        let mut slots = probe(name, slots(self.capacity)).map(|slot| index.plus(4 * slot));
        slots.find(|slot| arena.u32(*slot) == Some(0))
    }

    /// Takes the members at `positions`, which ascend, out; the others move up. O(1) for the last
    /// member, else O(n). A few leave the index one by one, without hashing the others; after many
    /// the index is made again, if the dictionary is to stay in this block.
    pub(crate) fn remove(&mut self, arena: &mut Arena, positions: &[u32]) {
        let index = self.index;
        let few = positions.len() <= INDEX_LEAVERS_MAX;
        if let Some(index) = index.filter(|_| few) {
            positions.iter().for_each(|position| self.leave(arena, index, *position as usize));
        }
        close_up(arena, |position| self.pair(position), self.len, PAIR, positions);
        self.len -= positions.len();
        self.put_len(arena);
        let moved = positions.first().is_some_and(|first| self.len > *first as usize);
        match index {
            Some(index) if few && moved => self.renumber(arena, index, positions),
            Some(index) if !few && !self.is_sparse() => self.index_again(arena, index),
            Some(_) | None => {}
        }
    }

    /// Whether it takes so much more room than it needs that it should move.
    pub(crate) fn is_sparse(self) -> bool {
        self.len < self.capacity / 2
    }

    fn index_again(self, arena: &mut Arena, index: Address) {
        clear_index(arena, index, self.capacity);
        for (position, number) in (0..self.len).zip(1u32..) {
            let key = self.key(arena, position);
            if let Some(slot) = key.and_then(|key| self.free_slot(arena, index, key)) {
                arena.put(slot, &number.to_le_bytes());
            }
        }
    }

    /// Takes member `position` out of the index. What it kept from a better slot moves up, so that
    /// no probe meets a gap before its goal.
    fn leave(self, arena: &mut Arena, index: Address, position: usize) {
        let slots = slots(self.capacity);
        let wanted = u32::try_from(position + 1).ok();
        let is_wanted = |slot: &usize| arena.u32(index.plus(4 * slot)) == wanted;
        let probed = self.key(arena, position).map(|key| probe(key, slots));
        let Some(mut gap) = probed.and_then(|mut slots| slots.find(is_wanted)) else { return };
        let behind = gap + 1..gap + slots;
        for slot in behind.map(|slot| slot & (slots - 1)) {
            let Some(number @ 1..) = arena.u32(index.plus(4 * slot)) else { break };
            let key = self.key(arena, number as usize - 1);
            let Some(home) = key.and_then(|key| probe(key, slots).next()) else { break };
            let distance_to = |from: usize| slot.wrapping_sub(from) & (slots - 1);
            if distance_to(home) >= distance_to(gap) {
                arena.put(index.plus(4 * gap), &number.to_le_bytes());
                gap = slot;
            }
        }
        arena.put(index.plus(4 * gap), &[0; 4]);
    }

    /// The members behind each of `removed`, none of which is in the index, have moved up.
    fn renumber(self, arena: &mut Arena, index: Address, removed: &[u32]) {
        for slot in (0..slots(self.capacity)).map(|slot| index.plus(4 * slot)) {
            let Some(old @ 1..) = arena.u32(slot) else { continue };
            let before = removed.partition_point(|position| *position < old - 1);
            if let Ok(before @ 1..) = u32::try_from(before) {
                arena.put(slot, &(old - before).to_le_bytes());
            }
        }
    }
}

/// The slots of the index of a dictionary: twice to four times its capacity.
fn slots(capacity: usize) -> usize {
    (capacity * 3 / 2).next_power_of_two()
}

/// Moves those of `len` items of `width` bytes that are not at `removed`, which ascend, together at
/// the start. O(bytes behind the first removed).
pub(crate) fn close_up(
    arena: &mut Arena,
    item: impl Fn(usize) -> Address,
    len: usize,
    width: usize,
    removed: &[u32],
) {
    let ends = removed.iter().skip(1).map(|position| *position as usize).chain([len]);
    for (gone, (position, end)) in removed.iter().zip(ends).enumerate() {
        let start = *position as usize + 1;
        arena.shift(item(start), item(start - 1 - gone), (end - start) * width);
    }
}

fn clear_index(arena: &mut Arena, index: Address, capacity: usize) {
    for slot in 0..slots(capacity) {
        arena.put(index.plus(4 * slot), &[0; 4]);
    }
}

/// The text of a string word; empty for other words.
pub(crate) fn string<'a>(arena: &'a Arena, slot: &'a Slot) -> &'a [u8] {
    let form = Word::from_slot(*slot).form();
    if let Form::Short(len) = form {
        slot.get(1..=len).unwrap_or_default()
    } else if let Form::String(address) = form {
        text(arena, address)
    } else {
        &[]
    }
}
