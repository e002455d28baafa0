//! What an index of vectors is declared with.

use crate::simd::{Form, Measure};

/// The type of a vector's elements, little-endian in a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `FLOAT32`.
    Float32,
    /// `FLOAT64`.
    Float64,
    /// `FLOAT16`.
    Float16,
    /// `BFLOAT16`.
    Bfloat16,
    /// `INT8`.
    Int8,
    /// `UINT8`.
    Uint8,
}

impl Element {
    /// The form rows of such elements have.
    #[must_use]
    pub const fn form(self) -> Form {
        match self {
            Self::Float32 => Form::F32,
            Self::Float64 => Form::F64,
            Self::Float16 => Form::F16,
            Self::Bfloat16 => Form::Bf16,
            Self::Int8 => Form::I8,
            Self::Uint8 => Form::U8,
        }
    }

    /// Whether elements are floats: only those are checked, normalised and quantized.
    #[must_use]
    pub const fn is_float(self) -> bool {
        !matches!(self, Self::Int8 | Self::Uint8)
    }
}

/// How far two vectors are from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// `L2`: the squared Euclidean distance.
    L2,
    /// `IP`: 1 less the inner product.
    Ip,
    /// `COSINE`: 1 less the cosine.
    Cosine,
}

impl Metric {
    /// What kernels call it.
    #[must_use]
    pub const fn measure(self) -> Measure {
        match self {
            Self::L2 => Measure::L2,
            Self::Ip => Measure::Dot,
            Self::Cosine => Measure::Cosine,
        }
    }
}

/// Elements of a vector: 1 to [`Dimension::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension(u16);

impl Dimension {
    /// The most elements: integer kernels add up to so many terms without overflow.
    pub const MAX: u16 = 32_768;

    /// `elements`, if it is in the range.
    #[must_use]
    pub fn new(elements: u64) -> Option<Self> {
        let elements = u16::try_from(elements).ok()?;
        (1..=Self::MAX).contains(&elements).then_some(Self(elements))
    }

    /// The number.
    #[must_use]
    pub fn elements(self) -> usize {
        usize::from(self.0)
    }
}

/// Whether rows have codes beside them that are searched in their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantization {
    /// Rows are searched themselves.
    #[default]
    None,
    /// A signed byte for each element and a scale for each vector; the best by codes are measured
    /// again by rows. Without effect on integers.
    Sq8,
}

/// Why a vector was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The blob has another size than the dimension asks for.
    Size,
    /// An element is NaN or infinite.
    NotFinite,
    /// A vector of zeros has no direction, so no cosine.
    Zero,
    /// The index has as many vectors as it can number.
    Full,
    /// The allocator has no more.
    NoMemory,
}

impl Refused {
    /// The reason as FT.INFO shows it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Size => "Could not add vector of another size",
            Self::NotFinite => "Could not add vector with elements that are not finite",
            Self::Zero => "Could not add vector of zeros: it has no cosine",
            Self::Full => "Could not add vector: the index is full",
            Self::NoMemory => "Could not add vector: out of memory",
        }
    }
}
