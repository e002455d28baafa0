//! Arrays of numbers of one kind, packed without a word for each.
//!
//! The kinds, and which of them an array gets, are those of RedisJSON 8.8's CBOR (observed in its
//! dumps): the first number's narrowest kind, widened by each number that does not fit it. Integers
//! and doubles are not mixed. Doubles are narrowed only where nothing is lost.

use half::{bf16, f16};

use crate::node::Number;

/// How the elements of an array are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Words.
    Generic,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

/// The floating-point type that `FPHA` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatKind {
    /// bfloat16: 8 bits of exponent, 7 of fraction.
    Bf16,
    /// IEEE 754 half precision.
    F16,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
}

impl FloatKind {
    /// The name RedisJSON's errors use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "BF16",
            Self::F16 => "F16",
            Self::F32 => "F32",
            Self::F64 => "F64",
        }
    }

    pub(crate) fn packing(self) -> Packing {
        match self {
            Self::Bf16 => Packing::Bf16,
            Self::F16 => Packing::F16,
            Self::F32 => Packing::F32,
            Self::F64 => Packing::F64,
        }
    }

    /// `number` rounded to this type; `None` where it becomes infinite.
    pub(crate) fn round(self, number: Number) -> Option<f64> {
        let value = double(number);
        let rounded = match self {
            Self::Bf16 => bf16::from_f64(value).to_f64(),
            Self::F16 => f16::from_f64(value).to_f64(),
            Self::F32 => f64::from(single(value)),
            Self::F64 => value,
        };
        rounded.is_finite().then_some(rounded)
    }
}

const ALL: [Packing; 13] = [
    Packing::Generic,
    Packing::I8,
    Packing::U8,
    Packing::I16,
    Packing::U16,
    Packing::I32,
    Packing::U32,
    Packing::I64,
    Packing::U64,
    Packing::F16,
    Packing::Bf16,
    Packing::F32,
    Packing::F64,
];

impl Packing {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        ALL.get(usize::from(code)).copied()
    }

    /// Bytes per element.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::Generic => 8,
        }
    }

    /// Whether a number of this packing keeps its value and its type.
    pub(crate) fn holds(self, number: Number) -> bool {
        match (self, number) {
            (Self::I8, Number::Int(value)) => i8::try_from(value).is_ok(),
            (Self::U8, Number::Int(value)) => u8::try_from(value).is_ok(),
            (Self::I16, Number::Int(value)) => i16::try_from(value).is_ok(),
            (Self::U16, Number::Int(value)) => u16::try_from(value).is_ok(),
            (Self::I32, Number::Int(value)) => i32::try_from(value).is_ok(),
            (Self::U32, Number::Int(value)) => u32::try_from(value).is_ok(),
            (Self::U64, Number::Int(value)) => value >= 0,
            (Self::I64, Number::Int(_)) | (Self::U64, Number::Uint(_)) => true,
            (Self::F16, Number::Double(value)) => same(f16::from_f64(value).to_f64(), value),
            (Self::Bf16, Number::Double(value)) => same(bf16::from_f64(value).to_f64(), value),
            (Self::F32, Number::Double(value)) => same(f64::from(single(value)), value),
            (Self::F64, Number::Double(_)) => true,
            (_, Number::Int(_) | Number::Uint(_) | Number::Double(_)) => false,
        }
    }

    /// The narrowest packing of one number.
    fn of(number: Number) -> Self {
        let candidates: &[Self] = match number {
            Number::Int(_) | Number::Uint(_) => {
                &[Self::I8, Self::U8, Self::I16, Self::U16, Self::I32, Self::U32, Self::I64]
            }
            Number::Double(_) => &[Self::F16, Self::F32, Self::F64],
        };
        candidates.iter().copied().find(|packing| packing.holds(number)).unwrap_or(Self::U64)
    }

    /// The packing of an array of this one after `number` was added.
    pub(crate) fn widened(self, number: Number) -> Option<Self> {
        if self.holds(number) { Some(self) } else { self.joined(Self::of(number)) }
    }

    fn joined(self, other: Self) -> Option<Self> {
        if self.is_float() || other.is_float() {
            return self.joined_float(other);
        }
        let wider = if self.width() >= other.width() { self } else { other };
        match (self.is_signed() == other.is_signed(), wider) {
            (true, wider) => Some(wider),
            (false, wider) if wider.is_signed() && self.width() != other.width() => Some(wider),
            (false, Self::U8 | Self::I8) => Some(Self::I16),
            (false, Self::U16 | Self::I16) => Some(Self::I32),
            (false, Self::U32 | Self::I32) => Some(Self::I64),
            (false, _) => None,
        }
    }

    fn joined_float(self, other: Self) -> Option<Self> {
        match (self.is_float() && other.is_float(), self, other) {
            (false, _, _) => None,
            (true, Self::F64, _) | (true, _, Self::F64) => Some(Self::F64),
            (true, Self::F16, Self::F16) => Some(Self::F16),
            (true, Self::Bf16, Self::Bf16) => Some(Self::Bf16),
            (true, _, _) => Some(Self::F32),
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// The packing of an array of these numbers; `Generic` if they have none in common.
    pub(crate) fn of_all(mut numbers: impl Iterator<Item = Option<Number>>) -> Self {
        let Some(Some(first)) = numbers.next() else { return Self::Generic };
        let mut packing = Self::of(first);
        for number in numbers {
            match number.and_then(|number| packing.widened(number)) {
                Some(wider) => packing = wider,
                None => return Self::Generic,
            }
        }
        packing
    }

    /// Writes `number`, which this packing holds, to `place`, which is of its width.
    pub(crate) fn write(self, number: Number, place: &mut [u8]) {
        let value = match number {
            Number::Int(value) => value.cast_unsigned(),
            Number::Uint(value) => value,
            Number::Double(value) => self.float_bits(value),
        };
        for (to, from) in place.iter_mut().zip(value.to_le_bytes()) {
            *to = from;
        }
    }

    fn float_bits(self, value: f64) -> u64 {
        match self {
            Self::F16 => u64::from(f16::from_f64(value).to_bits()),
            Self::Bf16 => u64::from(bf16::from_f64(value).to_bits()),
            Self::F32 => u64::from(single(value).to_bits()),
            Self::Generic
            | Self::I8
            | Self::U8
            | Self::I16
            | Self::U16
            | Self::I32
            | Self::U32
            | Self::I64
            | Self::U64
            | Self::F64 => value.to_bits(),
        }
    }

    /// Reads the element whose bytes are `place`; `Generic` has none.
    pub(crate) fn read(self, place: &[u8]) -> Option<Number> {
        let signed = |value: i64| Number::Int(value);
        Some(match self {
            Self::Generic => return None,
            Self::I8 => signed(i8::from_le_bytes(*place.first_chunk()?).into()),
            Self::U8 => signed(u8::from_le_bytes(*place.first_chunk()?).into()),
            Self::I16 => signed(i16::from_le_bytes(*place.first_chunk()?).into()),
            Self::U16 => signed(u16::from_le_bytes(*place.first_chunk()?).into()),
            Self::I32 => signed(i32::from_le_bytes(*place.first_chunk()?).into()),
            Self::U32 => signed(u32::from_le_bytes(*place.first_chunk()?).into()),
            Self::I64 => signed(i64::from_le_bytes(*place.first_chunk()?)),
            Self::U64 => unsigned(u64::from_le_bytes(*place.first_chunk()?)),
            Self::F16 => Number::Double(f16::from_le_bytes(*place.first_chunk()?).to_f64()),
            Self::Bf16 => Number::Double(bf16::from_le_bytes(*place.first_chunk()?).to_f64()),
            Self::F32 => Number::Double(f32::from_le_bytes(*place.first_chunk()?).into()),
            Self::F64 => Number::Double(f64::from_le_bytes(*place.first_chunk()?)),
        })
    }
}

/// The number of an unsigned integer.
pub(crate) fn unsigned(value: u64) -> Number {
    i64::try_from(value).map_or(Number::Uint(value), Number::Int)
}

/// The double nearest to a number.
#[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
pub(crate) fn double(number: Number) -> f64 {
    match number {
        Number::Int(value) => value as f64,
        Number::Uint(value) => value as f64,
        Number::Double(value) => value,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest single, or infinity")]
pub(crate) fn single(value: f64) -> f32 {
    value as f32
}

fn same(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[i128], packing: Packing) {
        let number = |value: &i128| match i64::try_from(*value) {
            Ok(value) => Some(Number::Int(value)),
            Err(_) => Some(Number::Uint(u64::try_from(*value).unwrap())),
        };
        assert_eq!(Packing::of_all(numbers.iter().map(number)), packing, "{numbers:?}");
    }

    #[test]
    fn integers() {
        check(&[1], Packing::I8);
        check(&[255], Packing::U8);
        check(&[1, 2, 255], Packing::I16);
        check(&[255, 1], Packing::U8);
        check(&[-32768, 32767, 0], Packing::I16);
        check(&[4_294_967_295, 0], Packing::U32);
        check(&[0, 4_294_967_295], Packing::I64);
        check(&[i128::from(u64::MAX), 0], Packing::U64);
        check(&[i128::from(u64::MAX), -1], Packing::Generic);
        check(&[-1, 40000], Packing::I32);
        check(&[200, 70000, -1], Packing::I32);
    }

    #[test]
    fn doubles() {
        let check = |numbers: &[f64], packing| {
            let number = |value: &f64| Some(Number::Double(*value));
            assert_eq!(Packing::of_all(numbers.iter().map(number)), packing, "{numbers:?}");
        };
        check(&[1.5, -2.0, 0.25], Packing::F16);
        check(&[1.5, f64::from(0.1f32)], Packing::F32);
        check(&[0.1, 1.0], Packing::F64);
        let mixed = [Some(Number::Double(1.0)), Some(Number::Int(1))];
        assert_eq!(Packing::of_all(mixed.into_iter()), Packing::Generic);
    }

    #[test]
    fn elements_come_back() {
        for (packing, number) in [
            (Packing::I8, Number::Int(-128)),
            (Packing::U32, Number::Int(4_000_000_000)),
            (Packing::I64, Number::Int(i64::MIN)),
            (Packing::U64, Number::Uint(u64::MAX)),
            (Packing::F16, Number::Double(-1.5)),
            (Packing::Bf16, Number::Double(1e30f32.into()).rounded()),
            (Packing::F64, Number::Double(0.1)),
        ] {
            let mut place = vec![0; packing.width()];
            packing.write(number, &mut place);
            assert_eq!(packing.read(&place), Some(number));
            assert!(packing.holds(number));
        }
    }

    impl Number {
        fn rounded(self) -> Self {
            Number::Double(FloatKind::Bf16.round(self).unwrap())
        }
    }
}
