//! The 8-byte word that stands for every value, and the addresses in it.
//!
//! ```text
//! low 3 bits   meaning of the other 61
//! 0            integer, signed
//! 1            string of up to 7 bytes: length in bits 3..6, the bytes in bytes 1..8
//! 2            string block: address
//! 3, 4         double: its bits rotated left by 4, so that the top bits of the exponent are the tag
//!              (true of every double of magnitude 2^-255 to 2^256)
//! 5            object block: address
//! 6            array block: address
//! 7            bits 3..6: null, true, false, 0.0, -0.0, or a boxed i64, u64 or f64 at an address
//! ```

use crate::node::Number;

/// Where a block is: chunk number in the upper 24 of 58 bits, byte offset in the lower 34.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address(u64);

const OFFSET_BITS: u32 = 34;
const OFFSET_MASK: u64 = (1 << OFFSET_BITS) - 1;

impl Address {
    pub(crate) fn new(chunk: usize, offset: usize) -> Self {
        Self((chunk as u64) << OFFSET_BITS | offset as u64 & OFFSET_MASK)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn chunk(self) -> usize {
        usize::try_from(self.0 >> OFFSET_BITS).unwrap_or(usize::MAX)
    }

    pub(crate) fn offset(self) -> usize {
        usize::try_from(self.0 & OFFSET_MASK).unwrap_or(usize::MAX)
    }

    /// The address `bytes` further on in the same chunk.
    pub(crate) fn plus(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes as u64))
    }
}

/// A value, or a reference to its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u64);

/// The bytes of a word where they lie; strings of up to 7 bytes are borrowed from here.
pub(crate) type Slot = [u8; 8];

/// The longest string kept in the word itself, in bytes.
pub(crate) const INLINE_MAX: usize = 7;

const INT: u64 = 0;
const SHORT: u64 = 1;
const STRING: u64 = 2;
const OBJECT: u64 = 5;
const ARRAY: u64 = 6;
const OTHER: u64 = 7;

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    /// A string in the slot, of so many bytes.
    Short(usize),
    String(Address),
    Array(Address),
    Object(Address),
    BoxedInt(Address),
    BoxedUint(Address),
    BoxedDouble(Address),
}

impl Word {
    pub(crate) const NULL: Self = Self(OTHER);
    const TRUE: Self = Self(OTHER | 1 << 3);
    const FALSE: Self = Self(OTHER | 2 << 3);
    const ZERO: Self = Self(OTHER | 3 << 3);
    const MINUS_ZERO: Self = Self(OTHER | 4 << 3);

    pub(crate) fn from_slot(slot: Slot) -> Self {
        Self(u64::from_le_bytes(slot))
    }

    pub(crate) const fn slot(self) -> Slot {
        self.0.to_le_bytes()
    }

    pub(crate) fn bool(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// The word of a string of up to 7 bytes; longer ones need a block.
    pub(crate) fn short(text: &[u8]) -> Option<Self> {
        let mut slot = [0; 8];
        slot.get_mut(1..=text.len())?.copy_from_slice(text);
        Some(Self(u64::from_le_bytes(slot) | SHORT | (text.len() as u64) << 3))
    }

    /// The word of a number that fits without a box.
    pub(crate) fn number(number: Number) -> Option<Self> {
        match number {
            Number::Int(value) => {
                let shifted = value.wrapping_shl(3);
                (shifted.wrapping_shr(3) == value).then_some(Self(shifted.cast_unsigned() | INT))
            }
            Number::Uint(_) => None,
            Number::Double(value) => Self::double(value),
        }
    }

    fn double(value: f64) -> Option<Self> {
        let bits = value.to_bits();
        let rotated = bits.rotate_left(4);
        match rotated & 7 {
            3 | 4 => Some(Self(rotated)),
            _ if bits == 0 => Some(Self::ZERO),
            _ if bits == (-0.0f64).to_bits() => Some(Self::MINUS_ZERO),
            _ => None,
        }
    }

    pub(crate) fn string(address: Address) -> Self {
        Self(address.bits() << 3 | STRING)
    }

    pub(crate) fn object(address: Address) -> Self {
        Self(address.bits() << 3 | OBJECT)
    }

    pub(crate) fn array(address: Address) -> Self {
        Self(address.bits() << 3 | ARRAY)
    }

    /// The word of a number's box at `address`.
    pub(crate) fn boxed(number: Number, address: Address) -> Self {
        let kind = match number {
            Number::Int(_) => 5,
            Number::Uint(_) => 6,
            Number::Double(_) => 7,
        };
        Self(address.bits() << 6 | kind << 3 | OTHER)
    }

    pub(crate) fn form(self) -> Form {
        let address = Address::from_bits(self.0 >> 3);
        match self.0 & 7 {
            INT => Form::Int(self.0.cast_signed() >> 3),
            SHORT => Form::Short(usize::from((self.0 >> 3 & 7) as u8)),
            STRING => Form::String(address),
            3 | 4 => Form::Double(f64::from_bits(self.0.rotate_right(4))),
            OBJECT => Form::Object(address),
            ARRAY => Form::Array(address),
            _ => self.other(),
        }
    }

    /// Whether it is an array or an object.
    #[inline]
    pub(crate) fn is_container(self) -> bool {
        matches!(self.0 & 7, OBJECT | ARRAY)
    }

    /// Whether the word is the whole value.
    pub(crate) fn has_no_block(self) -> bool {
        matches!(
            self.form(),
            Form::Null | Form::Bool(_) | Form::Int(_) | Form::Double(_) | Form::Short(_)
        )
    }

    /// The address of an array.
    pub(crate) fn as_array(self) -> Option<Address> {
        if let Form::Array(address) = self.form() { Some(address) } else { None }
    }

    /// The address of an object.
    pub(crate) fn as_object(self) -> Option<Address> {
        if let Form::Object(address) = self.form() { Some(address) } else { None }
    }

    fn other(self) -> Form {
        let address = Address::from_bits(self.0 >> 6);
        match self.0 >> 3 & 7 {
            1 => Form::Bool(true),
            2 => Form::Bool(false),
            3 => Form::Double(0.0),
            4 => Form::Double(-0.0),
            5 => Form::BoxedInt(address),
            6 => Form::BoxedUint(address),
            7 => Form::BoxedDouble(address),
            _ => Form::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: Number) {
        let Some(word) = Word::number(number) else { return };
        let back = match word.form() {
            Form::Int(value) => Number::Int(value),
            Form::Double(value) => Number::Double(value),
            Form::Null
            | Form::Bool(_)
            | Form::Short(_)
            | Form::String(_)
            | Form::Array(_)
            | Form::Object(_)
            | Form::BoxedInt(_)
            | Form::BoxedUint(_)
            | Form::BoxedDouble(_) => panic!("{number:?} became {word:?}"),
        };
        assert_eq!(format!("{back:?}"), format!("{number:?}"));
    }

    #[test]
    fn numbers_come_back() {
        for shift in 0..64 {
            let power = 1i64 << shift;
            for value in [power, power.wrapping_neg(), power.wrapping_sub(1)] {
                check(Number::Int(value));
            }
        }
        for exponent in 0..0x7ffu64 {
            for rest in [0, 1, 0x8_0000_0000_0001, u64::MAX] {
                let bits = exponent << 52 | rest & ((1 << 52) - 1);
                check(Number::Double(f64::from_bits(bits)));
                check(Number::Double(-f64::from_bits(bits)));
            }
        }
        for value in [0.1, -1.5, 1e70, 1e-70, 123_456.75, 0.0, -0.0] {
            assert!(Word::number(Number::Double(value)).is_some(), "{value} is inline");
        }
        assert!(Word::number(Number::Int(1 << 59)).is_some());
        assert!(Word::number(Number::Int(1 << 60)).is_none());
    }

    #[test]
    fn short_strings() {
        let word = Word::short(b"seven 7").unwrap();
        assert_eq!(word.form(), Form::Short(7));
        assert_eq!(&word.slot()[1..], b"seven 7");
        assert_eq!(Word::short(b"").map(Word::form), Some(Form::Short(0)));
        assert_eq!(Word::short(b"12345678"), None);
    }
}
