//! Printing a document's words as compact JSON text.

use super::Document;
use super::block::{self, Array, Dictionary, Object};
use super::shape::Shape;
use super::word::{Address, Form, Slot, Word};
use crate::node::Number;
use crate::print::{TooLong, escaped, number, word_needs_escape};

/// Appends words of one document to a text.
#[derive(Clone, Copy)]
pub(super) struct Printer<'a> {
    pub(super) document: &'a Document,
    /// The text may become as long.
    pub(super) limit: usize,
}

impl Printer<'_> {
    /// Recursion is as deep as the value, which is at most [`super::DEPTH_MAX`].
    #[inline]
    pub(super) fn word(&self, slot: &Slot, out: &mut Vec<u8>) -> Result<(), TooLong> {
        if out.len() > self.limit {
            return Err(TooLong);
        }
        match Word::from_slot(*slot).form() {
            Form::Int(value) => number(Number::Int(value), out),
            Form::Double(value) => number(Number::Double(value), out),
            Form::Short(len) => short(slot, len, out),
            Form::String(address) => escaped(block::text(&self.document.arena, address), out),
            Form::Array(address) => return self.array(address, out),
            Form::Object(address) => return self.object(address, out),
            Form::Null => out.extend_from_slice(b"null"),
            Form::Bool(true) => out.extend_from_slice(b"true"),
            Form::Bool(false) => out.extend_from_slice(b"false"),
            Form::BoxedInt(address) => {
                number(Number::Int(self.boxed(address).cast_signed()), out);
            }
            Form::BoxedUint(address) => number(Number::Uint(self.boxed(address)), out),
            Form::BoxedDouble(address) => {
                number(Number::Double(f64::from_bits(self.boxed(address))), out);
            }
        }
        Ok(())
    }

    fn boxed(&self, address: Address) -> u64 {
        self.document.arena.slot(address).map_or(0, |slot| u64::from_le_bytes(*slot))
    }

    fn array(&self, address: Address, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let arena = &self.document.arena;
        let Some(array) = Array::read(arena, address).filter(|array| array.len > 0) else {
            out.extend_from_slice(b"[]");
            return Ok(());
        };
        let mut separator = b'[';
        for place in array.data(arena).chunks_exact(array.packing.width()) {
            out.push(separator);
            separator = b',';
            match array.packing.read(place) {
                Some(value) => self.packed(value, out)?,
                None => self.value(place, out)?,
            }
        }
        out.push(b']');
        Ok(())
    }

    fn packed(&self, value: Number, out: &mut Vec<u8>) -> Result<(), TooLong> {
        number(value, out);
        if out.len() > self.limit { Err(TooLong) } else { Ok(()) }
    }

    /// A word where it lies, or behind other bytes.
    fn value(&self, place: &[u8], out: &mut Vec<u8>) -> Result<(), TooLong> {
        place.last_chunk().map_or(Ok(()), |slot| self.word(slot, out))
    }

    fn object(&self, address: Address, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let document = self.document;
        let object = Object::read(&document.arena, document, address);
        let Some(object) = object.filter(|object| object.len() > 0) else {
            out.extend_from_slice(b"{}");
            return Ok(());
        };
        let (data, _) = object.data(&document.arena);
        match object {
            Object::Shaped { shape, .. } => self.shaped(shape, data, out)?,
            Object::Dictionary(dictionary) => self.dictionary(dictionary, data, out)?,
        }
        out.push(b'}');
        Ok(())
    }

    fn shaped(&self, shape: &Shape, data: &[u8], out: &mut Vec<u8>) -> Result<(), TooLong> {
        let (slots, _) = data.as_chunks();
        shape.print(slots, out, |slot, out| self.word(slot, out))
    }

    fn dictionary(
        &self,
        dictionary: Dictionary,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        let arena = &self.document.arena;
        let mut separator = b'{';
        for (position, place) in data.chunks_exact(16).enumerate() {
            out.push(separator);
            separator = b',';
            escaped(dictionary.key(arena, position).unwrap_or_default(), out);
            out.push(b':');
            self.value(place, out)?;
        }
        Ok(())
    }
}

/// Appends the string of `len` bytes in a slot.
#[inline]
fn short(slot: &Slot, len: usize, out: &mut Vec<u8>) {
    const BLANKS: u64 = 0x2020_2020_2020_2020;
    const QUOTE: u64 = 0x22;
    let text = u64::from_le_bytes(*slot) >> 8;
    // Behind the text are zeros, which would have to be escaped.
    if word_needs_escape(text | BLANKS << (8 * len)) {
        return escaped(slot.get(1..=len).unwrap_or_default(), out);
    }
    let quoted = text << 8 | QUOTE;
    let end = out.len() + len + 2;
    // Of seven bytes, the quote behind them is the ninth and this one the first again.
    let closed = quoted | (QUOTE << (8 * len)).rotate_left(8);
    let [a, b, c, d, e, f, g, h] = closed.to_le_bytes();
    out.extend_from_slice(&[a, b, c, d, e, f, g, h, b'"']);
    out.truncate(end);
}
