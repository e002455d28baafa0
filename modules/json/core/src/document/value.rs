//! Reading a document.

use std::slice::ChunksExact;

use super::Document;
use super::block::{self, Array, Object};
use super::packed::Packing;
use super::store::{Store, TooLarge, with_store};
use super::text::Printer;
use super::word::{Address, Form, Slot, Word};
use crate::node::{Hint, Kind, Node, Number, Scan};
use crate::print::{TooLong, number};

static NULL_SLOT: Slot = Word::NULL.slot();

/// A value in a document: two words, cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct ValueRef<'a> {
    document: &'a Document,
    held: Held<'a>,
}

/// Where the value is: in a slot, or a number of a packed array.
#[derive(Clone, Copy, Debug)]
enum Held<'a> {
    Slot(&'a Slot),
    Number(Number),
}

/// A container, its block looked up.
#[derive(Clone, Copy, Debug)]
enum Container<'a> {
    Array(Array),
    Object(Object<'a>),
}

/// The values in a container.
#[derive(Clone, Debug)]
struct Children<'a> {
    document: &'a Document,
    packing: Packing,
    /// An element each, or a member: its value is the last 8 bytes.
    places: ChunksExact<'a, u8>,
}

impl Container<'_> {
    fn len(self) -> usize {
        match self {
            Self::Array(array) => array.len,
            Self::Object(object) => object.len(),
        }
    }
}

/// The arrays and objects in a container, with their positions.
#[derive(Clone, Debug)]
struct Containers<'a> {
    document: &'a Document,
    slots: &'a [Slot],
    /// The slot to look at next.
    next: usize,
    /// Slots per value, of which it is the last, as a power of two.
    shift: u32,
}

impl<'a> Containers<'a> {
    /// The value at `position`, of whatever kind.
    #[inline]
    fn value(&self, position: usize) -> Option<ValueRef<'a>> {
        let slot = self.slots.get((position << self.shift) + self.shift as usize)?;
        Some(ValueRef { document: self.document, held: Held::Slot(slot) })
    }
}

impl<'a> Iterator for Containers<'a> {
    type Item = (usize, ValueRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let slot = self.slots.get(self.next)?;
            let position = self.next >> self.shift;
            self.next += 1 << self.shift;
            if Word::from_slot(*slot).is_container() {
                let held = Held::Slot(slot);
                return Some((position, ValueRef { document: self.document, held }));
            }
        }
    }
}

impl Children<'_> {
    fn none(document: &Document) -> Children<'_> {
        Children { document, packing: Packing::Generic, places: [].chunks_exact(1) }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = ValueRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<ValueRef<'a>> {
        let place = self.places.next()?;
        let held = if self.packing == Packing::Generic {
            Held::Slot(place.last_chunk().unwrap_or(&NULL_SLOT))
        } else {
            self.packing.read(place).map_or(Held::Slot(&NULL_SLOT), Held::Number)
        };
        Some(ValueRef { document: self.document, held })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for Children<'_> {}

impl<'a> ValueRef<'a> {
    pub(crate) fn root(document: &'a Document) -> Self {
        Self { document, held: Held::Slot(&document.root) }
    }

    fn at(self, address: Address) -> Option<Self> {
        let slot = self.document.arena.slot(address)?;
        Some(Self { document: self.document, held: Held::Slot(slot) })
    }

    fn container(self) -> Option<Container<'a>> {
        let Held::Slot(slot) = self.held else { return None };
        let document = self.document;
        let word = Word::from_slot(*slot);
        if let Some(address) = word.as_object() {
            return Object::read(&document.arena, document, address).map(Container::Object);
        }
        Array::read(&document.arena, word.as_array()?).map(Container::Array)
    }

    /// The value `steps` below this one: element indexes and member positions. O(steps).
    #[must_use]
    pub fn descend(self, steps: &[u32]) -> Option<Self> {
        steps.iter().try_fold(self, |value, step| value.child(*step as usize))
    }

    fn child(self, position: usize) -> Option<Self> {
        match self.container()? {
            Container::Array(array) => self.element_of(array, position),
            Container::Object(object) if position < object.len() => self.at(object.value(position)),
            Container::Object(_) => None,
        }
    }

    fn element_of(self, array: Array, index: usize) -> Option<Self> {
        if index >= array.len {
            return None;
        }
        let place = array.element(index);
        if array.packing == Packing::Generic {
            return self.at(place);
        }
        let bytes = self.document.arena.bytes(place, array.packing.width())?;
        let number = array.packing.read(bytes)?;
        Some(Self { document: self.document, held: Held::Number(number) })
    }

    /// The elements of an array in order; none for other kinds.
    pub fn elements(self) -> impl ExactSizeIterator<Item = Self> + 'a {
        match self.container() {
            Some(Container::Array(array)) => self.children_of_array(array),
            _ => Children::none(self.document),
        }
    }

    fn all_children(self) -> Children<'a> {
        match self.container() {
            Some(Container::Array(array)) => self.children_of_array(array),
            Some(Container::Object(object)) => self.children_of_object(object),
            None => Children::none(self.document),
        }
    }

    fn children_of_array(self, array: Array) -> Children<'a> {
        let data = array.data(&self.document.arena);
        let places = data.chunks_exact(array.packing.width());
        Children { document: self.document, packing: array.packing, places }
    }

    fn children_of_object(self, object: Object<'a>) -> Children<'a> {
        let (data, width) = object.data(&self.document.arena);
        let places = data.chunks_exact(width);
        Children { document: self.document, packing: Packing::Generic, places }
    }

    #[inline]
    fn containers_in(self, container: Option<Container<'a>>) -> Containers<'a> {
        let arena = &self.document.arena;
        let (data, shift): (&[u8], u32) = match container {
            Some(Container::Array(array)) if array.packing == Packing::Generic => {
                (array.data(arena), 0)
            }
            Some(Container::Object(object @ Object::Shaped { .. })) => (object.data(arena).0, 0),
            Some(Container::Object(object @ Object::Dictionary(_))) => (object.data(arena).0, 1),
            Some(Container::Array(_)) | None => (&[], 0),
        };
        let (slots, _) = data.as_chunks();
        Containers { document: self.document, slots, next: shift as usize, shift }
    }

    /// The members of an object in order; none for other kinds.
    pub fn members(self) -> impl ExactSizeIterator<Item = (&'a [u8], Self)> + 'a {
        let object = self.as_object();
        let null = Self::root(Document::null_ref());
        (0..object.map_or(0, Object::len)).map(move |position| {
            object.and_then(|object| self.member_of(object, position)).unwrap_or((b"", null))
        })
    }

    fn as_object(self) -> Option<Object<'a>> {
        match self.container()? {
            Container::Object(object) => Some(object),
            Container::Array(_) => None,
        }
    }

    fn member_of(self, object: Object<'a>, position: usize) -> Option<(&'a [u8], Self)> {
        let value = self.at(object.value(position))?;
        Some((object.key(&self.document.arena, position)?, value))
    }

    /// Appends its compact JSON text to `out`.
    pub(crate) fn print_to(self, out: &mut Vec<u8>, limit: usize) -> Result<(), TooLong> {
        match self.held {
            Held::Slot(slot) => Printer { document: self.document, limit }.word(slot, out),
            Held::Number(value) => {
                number(value, out);
                Ok(())
            }
        }
    }

    /// How an array is packed; `Generic` for every other value.
    pub(crate) fn packing(self) -> Packing {
        match self.container() {
            Some(Container::Array(array)) => array.packing,
            _ => Packing::Generic,
        }
    }

    /// The elements of a packed array as they are stored.
    pub(crate) fn packed_bytes(self) -> &'a [u8] {
        match self.container() {
            Some(Container::Array(array)) => array.data(&self.document.arena),
            _ => &[],
        }
    }

    /// How deep the value is nested: 0 for scalars, 1 for containers of scalars. O(size).
    ///
    /// Recursion is as deep as the value, which is at most [`super::DEPTH_MAX`].
    #[must_use]
    pub fn depth(self) -> usize {
        if self.packing() != Packing::Generic {
            return 1;
        }
        let deepest =
            |values: &mut dyn Iterator<Item = Self>| 1 + values.map(Self::depth).max().unwrap_or(0);
        match self.kind() {
            Kind::Array(_) => deepest(&mut self.elements()),
            Kind::Object(_) => deepest(&mut self.members().map(|(_, value)| value)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => 0,
        }
    }

    /// A document of this value alone. O(size).
    #[must_use]
    pub fn to_document(self) -> Document {
        with_store(|store| match self.push_to(store) {
            Ok(()) => store.finish(),
            // What is stored was not too large before.
            Err(TooLarge) => Document::null(),
        })
    }

    /// Pushes a copy of this value on the stack of `store`.
    ///
    /// Recursion is as deep as the value, which is at most [`super::DEPTH_MAX`].
    pub(crate) fn push_to(self, store: &mut Store) -> Result<(), TooLarge> {
        match self.kind() {
            Kind::Null => store.null(),
            Kind::Bool(value) => store.bool(value),
            Kind::Number(number) => store.number(number),
            Kind::String(text) => return store.string(text),
            Kind::Array(_) => {
                let begun = store.begin_array();
                for element in self.elements() {
                    element.push_to(store)?;
                }
                let packing = self.packing();
                if packing == Packing::Generic {
                    // Elements may have become numbers of one packing since the array was made.
                    return store.end_array(begun);
                }
                return store.end_array_as(begun, packing);
            }
            Kind::Object(_) => {
                let begun = store.begin_object();
                for (key, value) in self.members() {
                    store.key(key)?;
                    value.push_to(store)?;
                }
                return store.end_object(begun);
            }
        }
        Ok(())
    }

    /// Bytes this value takes in its document: 8 for the word, and its blocks. The keys of shaped
    /// objects are shared and not counted. O(size).
    ///
    /// Recursion is as deep as the value, which is at most [`super::DEPTH_MAX`].
    #[must_use]
    pub fn memory(self) -> usize {
        let Held::Slot(slot) = self.held else { return self.packing().width() };
        8 + match Word::from_slot(*slot).form() {
            Form::String(address) => {
                block::text_size(block::text(&self.document.arena, address).len())
            }
            Form::BoxedInt(_) | Form::BoxedUint(_) | Form::BoxedDouble(_) => 8,
            Form::Array(_) => self.array_memory(),
            Form::Object(_) => self.object_memory(),
            Form::Null | Form::Bool(_) | Form::Int(_) | Form::Double(_) | Form::Short(_) => 0,
        }
    }

    fn array_memory(self) -> usize {
        let Some(Container::Array(array)) = self.container() else { return 0 };
        if array.packing != Packing::Generic {
            return array.size();
        }
        array.size() + self.elements().map(|element| element.memory() - 8).sum::<usize>()
    }

    fn object_memory(self) -> usize {
        let Some(object) = self.as_object() else { return 0 };
        let below: usize = self.members().map(|(_, value)| value.memory() - 8).sum();
        let keys = match object {
            Object::Shaped { .. } => 0,
            Object::Dictionary(dictionary) => {
                let key = |position| match dictionary.key(&self.document.arena, position) {
                    Some(key) if key.len() > super::word::INLINE_MAX => block::text_size(key.len()),
                    _ => 0,
                };
                let index = dictionary.index.map_or(0, |_| dictionary.index_size());
                index + (0..dictionary.len).map(key).sum::<usize>()
            }
        };
        object.size() + keys + below
    }
}

impl<'a> Node<'a> for ValueRef<'a> {
    fn kind(self) -> Kind<'a> {
        let slot = match self.held {
            Held::Slot(slot) => slot,
            Held::Number(number) => return Kind::Number(number),
        };
        let arena = &self.document.arena;
        let boxed = |address| arena.slot(address).map_or(0, |slot| u64::from_le_bytes(*slot));
        match Word::from_slot(*slot).form() {
            Form::Null => Kind::Null,
            Form::Bool(value) => Kind::Bool(value),
            Form::Int(value) => Kind::Number(Number::Int(value)),
            Form::Double(value) => Kind::Number(Number::Double(value)),
            Form::Short(len) => Kind::String(slot.get(1..=len).unwrap_or_default()),
            Form::String(address) => Kind::String(block::text(arena, address)),
            Form::BoxedInt(address) => Kind::Number(Number::Int(boxed(address).cast_signed())),
            Form::BoxedUint(address) => Kind::Number(Number::Uint(boxed(address))),
            Form::BoxedDouble(address) => {
                Kind::Number(Number::Double(f64::from_bits(boxed(address))))
            }
            Form::Array(address) => {
                Array::read(arena, address).map_or(Kind::Null, |array| Kind::Array(array.len))
            }
            Form::Object(address) => Object::read(arena, self.document, address)
                .map_or(Kind::Null, |object| Kind::Object(object.len())),
        }
    }

    fn element(self, index: usize) -> Option<Self> {
        match self.container()? {
            Container::Array(array) => self.element_of(array, index),
            Container::Object(_) => None,
        }
    }

    fn member(self, position: usize) -> Option<(&'a [u8], Self)> {
        self.member_of(self.as_object()?, position)
    }

    fn find(self, name: &[u8]) -> Option<(usize, Self)> {
        let object = self.as_object()?;
        let position = object.find(&self.document.arena, name)?;
        Some((position, self.at(object.value(position))?))
    }

    fn children(self) -> impl ExactSizeIterator<Item = Self> {
        self.all_children()
    }

    fn containers(self) -> (usize, impl Iterator<Item = (usize, Self)>) {
        let container = self.container();
        (container.map_or(0, Container::len), self.containers_in(container))
    }

    #[inline]
    fn scan(
        self,
        name: &[u8],
        hint: &mut Hint,
    ) -> Scan<Self, impl Iterator<Item = (usize, Self)> + use<'a>> {
        let container = self.container();
        let containers = self.containers_in(container);
        let found = match container {
            Some(Container::Object(object)) => {
                let position = object.find_by(&self.document.arena, name, hint);
                position.and_then(|position| Some((position, containers.value(position)?)))
            }
            _ => None,
        };
        Scan { found, len: container.map_or(0, Container::len), containers }
    }
}

/// Equal kinds and contents; objects in any order; integers and doubles differ (1 is not 1.0).
///
/// Recursion is as deep as the values, which is at most [`super::DEPTH_MAX`].
impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::Array(len), Kind::Array(other_len)) => {
                len == other_len && self.elements().zip(other.elements()).all(|(a, b)| a == b)
            }
            (Kind::Object(len), Kind::Object(other_len)) => {
                let same = |(key, value): (&[u8], ValueRef<'_>)| {
                    other.find(key).is_some_and(|(_, other)| value == other)
                };
                len == other_len && self.members().all(same)
            }
            (kind, other) => kind == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::node::{Hint, Kind, Node};
    use crate::{Document, ValueRef};

    /// Children, containers and scans against element, member and find, in all that is in `value`.
    fn check<'a>(value: ValueRef<'a>, hint: &mut Hint) {
        let child = |at| value.element(at).or_else(|| value.member(at).map(|(_, value)| value));
        let expected: Vec<ValueRef<'_>> = (0..).map_while(child).collect();
        let children: Vec<ValueRef<'_>> = value.children().collect();
        assert_eq!(children, expected);
        let (len, containers) = value.containers();
        let is_container = |(_, child): &(usize, ValueRef<'a>)| {
            matches!(child.kind(), Kind::Array(_) | Kind::Object(_))
        };
        let expected: Vec<_> = expected.into_iter().enumerate().filter(is_container).collect();
        assert_eq!((len, containers.collect::<Vec<_>>()), (children.len(), expected));
        let scan = value.scan(b"b", hint);
        assert_eq!((scan.found, scan.len), (value.find(b"b"), len));
        assert_eq!(scan.containers.collect::<Vec<_>>(), value.containers().1.collect::<Vec<_>>());
        children.into_iter().for_each(|child| check(child, hint));
    }

    #[test]
    fn children_are_elements_and_members() {
        let nested =
            r#"{"a":[1,[2],{"b":[]},"x"],"c":{},"d":[1,2],"e":[0.5],"f":{"g":{"h":null}}}"#;
        // More shapes than a hint has room for, with the member and without, each met twice.
        let shape = |at: usize| format!(r#"{{"k{at}":[],"{}":{at}}}"#, ["b", "x", "bb"][at % 3]);
        let many: Vec<String> = (0..20).chain(0..20).map(shape).collect();
        let text = format!("[{nested},{}]", many.join(","));
        // The first is made of dictionaries, the third of shapes.
        let documents: Vec<_> = (0..3).map(|_| Document::parse(text.as_bytes()).unwrap()).collect();
        documents.iter().for_each(|document| check(document.root(), &mut Hint::default()));
    }
}
