//! Printing a document's words as compact JSON text.

use super::Document;
use super::block::{self, Array, Dictionary, Object};
use super::shape::Shape;
use super::word::{Address, Form, Slot, Word};
use crate::node::Number;
use crate::print::{TooLong, escaped, number, put_start, word_needs_escape};

/// Appends words of one document to a text.
pub(super) struct Printer<'a, 'o> {
    pub(super) document: &'a Document,
    pub(super) out: &'o mut Vec<u8>,
    /// The text may become as long.
    pub(super) limit: usize,
}

impl Printer<'_, '_> {
    /// Recursion is as deep as the value, which is at most [`super::DEPTH_MAX`].
    pub(super) fn word(&mut self, slot: &Slot) -> Result<(), TooLong> {
        if self.out.len() > self.limit {
            return Err(TooLong);
        }
        let word = Word::from_slot(*slot);
        match word.form() {
            Form::Int(value) => number(Number::Int(value), self.out),
            Form::Double(value) => number(Number::Double(value), self.out),
            Form::Short(len) => short(slot, len, self.out),
            Form::String(address) => escaped(block::text(&self.document.arena, address), self.out),
            Form::Array(address) => return self.array(address),
            Form::Object(address) => return self.object(address),
            Form::Null => self.out.extend_from_slice(b"null"),
            Form::Bool(true) => self.out.extend_from_slice(b"true"),
            Form::Bool(false) => self.out.extend_from_slice(b"false"),
            Form::BoxedInt(address) => {
                number(Number::Int(self.boxed(address).cast_signed()), self.out);
            }
            Form::BoxedUint(address) => number(Number::Uint(self.boxed(address)), self.out),
            Form::BoxedDouble(address) => {
                number(Number::Double(f64::from_bits(self.boxed(address))), self.out);
            }
        }
        Ok(())
    }

    fn boxed(&self, address: Address) -> u64 {
        self.document.arena.slot(address).map_or(0, |slot| u64::from_le_bytes(*slot))
    }

    fn array(&mut self, address: Address) -> Result<(), TooLong> {
        let arena = &self.document.arena;
        let Some(array) = Array::read(arena, address).filter(|array| array.len > 0) else {
            self.out.extend_from_slice(b"[]");
            return Ok(());
        };
        let mut separator = b'[';
        for place in array.data(arena).chunks_exact(array.packing.width()) {
            self.out.push(separator);
            separator = b',';
            match array.packing.read(place) {
                Some(value) => self.packed(value)?,
                None => self.value(place)?,
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn packed(&mut self, value: Number) -> Result<(), TooLong> {
        number(value, self.out);
        if self.out.len() > self.limit { Err(TooLong) } else { Ok(()) }
    }

    /// A word where it lies, or behind other bytes.
    fn value(&mut self, place: &[u8]) -> Result<(), TooLong> {
        place.last_chunk().map_or(Ok(()), |slot| self.word(slot))
    }

    fn object(&mut self, address: Address) -> Result<(), TooLong> {
        let document = self.document;
        let object = Object::read(&document.arena, document, address);
        let Some(object) = object.filter(|object| object.len() > 0) else {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        };
        let (data, _) = object.data(&document.arena);
        match object {
            Object::Shaped { shape, .. } => self.shaped(shape, data)?,
            Object::Dictionary(dictionary) => self.dictionary(dictionary, data)?,
        }
        self.out.push(b'}');
        Ok(())
    }

    fn shaped(&mut self, shape: &Shape, data: &[u8]) -> Result<(), TooLong> {
        for ((label, len), place) in shape.labels().zip(data.chunks_exact(8)) {
            put_start(label, len, self.out);
            self.value(place)?;
        }
        Ok(())
    }

    fn dictionary(&mut self, dictionary: Dictionary, data: &[u8]) -> Result<(), TooLong> {
        let arena = &self.document.arena;
        let mut separator = b'{';
        for (position, place) in data.chunks_exact(16).enumerate() {
            self.out.push(separator);
            separator = b',';
            escaped(dictionary.key(arena, position).unwrap_or_default(), self.out);
            self.out.push(b':');
            self.value(place)?;
        }
        Ok(())
    }
}

/// Appends the string of `len` bytes in a slot.
fn short(slot: &Slot, len: usize, out: &mut Vec<u8>) {
    const BLANKS: u64 = 0x2020_2020_2020_2020;
    let text = u64::from_le_bytes(*slot) >> 8;
    // Behind the text are zeros, which would have to be escaped.
    if word_needs_escape(text | BLANKS << (8 * len)) {
        return escaped(slot.get(1..=len).unwrap_or_default(), out);
    }
    let quoted = text << 8 | u64::from(b'"');
    let end = out.len() + 1 + len;
    out.extend_from_slice(&quoted.to_le_bytes());
    out.truncate(end);
    out.push(b'"');
}
