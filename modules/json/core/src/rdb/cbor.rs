//! Encoding 4, of RedisJSON 8.8: one CBOR item (RFC 8949), every length definite.
//!
//! Integers are majors 0 and 1, doubles are in the shortest of half, single and double that loses
//! nothing, and arrays of one kind of number are typed arrays (RFC 8746): a tag and their
//! little-endian bytes. bfloat16 has a tag of RedisJSON's own. All observed in dumps of 8.8.0.

use half::f16;

use crate::Document;
use crate::ValueRef;
use crate::document::store::{Store, with_store};
use crate::document::{DEPTH_MAX, Packing, single, unsigned};
use crate::node::{Kind, Node, Number};

const TAGS: [(u64, Packing); 12] = [
    (64, Packing::U8),
    (69, Packing::U16),
    (70, Packing::U32),
    (71, Packing::U64),
    (72, Packing::I8),
    (77, Packing::I16),
    (78, Packing::I32),
    (79, Packing::I64),
    (84, Packing::F16),
    (85, Packing::F32),
    (86, Packing::F64),
    (65536, Packing::Bf16),
];

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// Appends `value` to `out`.
///
/// Recursion is as deep as the value, which is at most [`DEPTH_MAX`].
pub(super) fn encode(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value.kind() {
        Kind::Null => out.push(0xf6),
        Kind::Bool(true) => out.push(0xf5),
        Kind::Bool(false) => out.push(0xf4),
        Kind::Number(number) => encode_number(number, out),
        Kind::String(text) => encode_text(text, out),
        Kind::Array(len) => encode_array(value, len, out),
        Kind::Object(len) => {
            head(MAP, len as u64, out);
            for (key, member) in value.members() {
                encode_text(key, out);
                encode(member, out);
            }
        }
    }
}

/// Writes a major type with its argument in the fewest bytes.
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    // Big-endian: the wanted number of bytes from the end of the little-endian ones, backwards.
    let bytes = argument.to_le_bytes();
    let (code, len) = match argument {
        0..24 => return out.push(major << 5 | bytes[0]),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | code);
    out.extend(bytes.iter().take(len).rev());
}

fn encode_text(text: &[u8], out: &mut Vec<u8>) {
    head(TEXT, text.len() as u64, out);
    out.extend_from_slice(text);
}

fn encode_number(number: Number, out: &mut Vec<u8>) {
    match number {
        Number::Uint(value) => head(UNSIGNED, value, out),
        Number::Int(value) => match u64::try_from(value) {
            Ok(value) => head(UNSIGNED, value, out),
            Err(_) => head(NEGATIVE, (-1 - value).cast_unsigned(), out),
        },
        Number::Double(value) => encode_double(value, out),
    }
}

fn encode_double(value: f64, out: &mut Vec<u8>) {
    let (half, single) = (f16::from_f64(value), single(value));
    if half.to_f64().to_bits() == value.to_bits() {
        out.push(0xf9);
        out.extend(half.to_le_bytes().iter().rev());
    } else if f64::from(single).to_bits() == value.to_bits() {
        out.push(0xfa);
        out.extend(single.to_le_bytes().iter().rev());
    } else {
        out.push(0xfb);
        out.extend(value.to_le_bytes().iter().rev());
    }
}

fn encode_array(value: ValueRef<'_>, len: usize, out: &mut Vec<u8>) {
    let packing = value.packing();
    if let Some((tag, _)) = TAGS.iter().find(|(_, tagged)| *tagged == packing && len > 0) {
        let bytes = value.packed_bytes();
        head(TAG, *tag, out);
        head(BYTES, bytes.len() as u64, out);
        out.extend_from_slice(bytes);
        return;
    }
    head(ARRAY, len as u64, out);
    value.elements().for_each(|element| encode(element, out));
}

/// The document of these bytes; `None` if they are not one item of the kinds above.
pub(super) fn decoded(bytes: &[u8]) -> Option<Document> {
    with_store(|store| {
        let mut source = Source(bytes);
        source.push(store, 0)?;
        source.0.is_empty().then(|| store.finish())
    })
}

/// What has not been read yet.
struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// A big-endian integer of up to 8 bytes.
    fn integer(&mut self, len: u64) -> Option<u64> {
        let bytes = self.take(len)?;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A major type, the code of its argument, and the argument.
    fn head(&mut self) -> Option<(u8, u8, u64)> {
        let first = *self.take(1)?.first()?;
        let code = first & 31;
        let argument = match code {
            0..24 => u64::from(code),
            24..28 => self.integer(1 << (code - 24))?,
            _ => return None,
        };
        Some((first >> 5, code, argument))
    }

    fn text(&mut self, len: u64) -> Option<&'a [u8]> {
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).ok().map(str::as_bytes)
    }

    fn push(&mut self, store: &mut Store, depth: usize) -> Option<()> {
        let (major, code, argument) = self.head()?;
        match major {
            UNSIGNED => store.number(unsigned(argument)),
            NEGATIVE => store.number(negative(argument)),
            TEXT => store.string(self.text(argument)?).ok()?,
            ARRAY if depth < DEPTH_MAX => self.push_array(store, argument, depth + 1)?,
            MAP if depth < DEPTH_MAX => self.push_map(store, argument, depth + 1)?,
            TAG if depth < DEPTH_MAX => self.push_typed(store, argument)?,
            SIMPLE => push_simple(store, code, argument)?,
            _ => return None,
        }
        Some(())
    }

    fn push_array(&mut self, store: &mut Store, len: u64, depth: usize) -> Option<()> {
        let begun = store.begin_array();
        for _ in 0..len {
            self.push(store, depth)?;
        }
        store.end_array(begun).ok()
    }

    fn push_map(&mut self, store: &mut Store, len: u64, depth: usize) -> Option<()> {
        let begun = store.begin_object();
        for _ in 0..len {
            let (TEXT, _, key_len) = self.head()? else { return None };
            store.key(self.text(key_len)?).ok()?;
            self.push(store, depth)?;
        }
        store.end_object(begun).ok()
    }

    fn push_typed(&mut self, store: &mut Store, tag: u64) -> Option<()> {
        let (_, packing) = TAGS.iter().find(|(known, _)| *known == tag)?;
        let (BYTES, _, len) = self.head()? else { return None };
        let bytes = self.take(len)?;
        let begun = store.begin_array();
        let elements = bytes.chunks_exact(packing.width());
        if !elements.remainder().is_empty() {
            return None;
        }
        for element in elements {
            let number = packing.read(element)?;
            if matches!(number, Number::Double(value) if !value.is_finite()) {
                return None;
            }
            store.number(number);
        }
        if bytes.is_empty() {
            store.end_array(begun).ok()
        } else {
            store.end_array_as(begun, *packing).ok()
        }
    }
}

/// `-1 - argument`, as a double where it is below i64.
fn negative(argument: u64) -> Number {
    match i64::try_from(argument) {
        Ok(value) => Number::Int(-1 - value),
        Err(_) => Number::Double(-1.0 - crate::document::double(Number::Uint(argument))),
    }
}

fn push_simple(store: &mut Store, code: u8, argument: u64) -> Option<()> {
    match (code, argument) {
        (20, _) => store.bool(false),
        (21, _) => store.bool(true),
        (22, _) => store.null(),
        (25, bits) => push_double(store, f16::from_bits(u16::try_from(bits).ok()?).to_f64())?,
        (26, bits) => push_double(store, f32::from_bits(u32::try_from(bits).ok()?).into())?,
        (27, bits) => push_double(store, f64::from_bits(bits))?,
        _ => return None,
    }
    Some(())
}

fn push_double(store: &mut Store, value: f64) -> Option<()> {
    store.number(Number::Double(value));
    value.is_finite().then_some(())
}
