//! Forms of rows, levels of instructions, and the kernel that is chosen from both.

use super::prefetch;
use super::table::{Entry, NORM_TAIL, SQ8_TAIL, Table};

/// How the elements of a row are stored, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 4-byte floats.
    F32,
    /// 8-byte floats.
    F64,
    /// IEEE half precision floats.
    F16,
    /// The upper halves of 4-byte floats.
    Bf16,
    /// Signed bytes; for [`Measure::Cosine`] followed by the norm as f32.
    I8,
    /// Unsigned bytes; for [`Measure::Cosine`] followed by the norm as f32.
    U8,
    /// Signed bytes, then as f32 the scale they stand for and the squared norm of what they stand
    /// for: the element is `scale * byte`.
    Sq8,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The squared Euclidean distance.
    L2,
    /// 1 less the inner product.
    Dot,
    /// 1 less the cosine. Rows of floats and [`Form::Sq8`] must be normalised already: for them
    /// this is [`Measure::Dot`].
    Cosine,
}

/// The instructions a kernel uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// None that is not everywhere.
    Portable,
    /// AVX2, FMA and F16C (x86-64-v3).
    Avx2,
    /// AVX-512 F, BW, VL and DQ (x86-64-v4).
    Avx512,
    /// The same with VNNI.
    Vnni,
}

impl Level {
    /// All levels, the plainest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Vnni];

    /// The best level of this processor.
    #[must_use]
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|level| level.is_here()).unwrap_or(Self::Portable)
    }

    /// Whether this processor has the level.
    #[must_use]
    pub fn is_here(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => has_avx2(),
            Self::Avx512 => has_avx512(),
            Self::Vnni => has_vnni(),
        }
    }

    /// The functions of this level, or those of the plainest where it is not here.
    fn table(self) -> &'static Table {
        #[cfg(target_arch = "x86_64")]
        if self.is_here() {
            return match self {
                Self::Portable => &super::portable::TABLE,
                Self::Avx2 => &super::avx2::TABLE,
                Self::Avx512 => &super::avx512::TABLE,
                Self::Vnni => &super::avx512::vnni::TABLE,
            };
        }
        &super::portable::TABLE
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
}

#[cfg(target_arch = "x86_64")]
fn has_vnni() -> bool {
    has_avx512() && is_x86_feature_detected!("avx512vnni")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_vnni() -> bool {
    false
}

impl Form {
    /// Bytes of an element.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::I8 | Self::U8 | Self::Sq8 => 1,
        }
    }

    /// Bytes behind the elements.
    #[must_use]
    pub const fn tail(self, measure: Measure) -> usize {
        match (self, measure) {
            (Self::Sq8, _) => SQ8_TAIL,
            (Self::I8 | Self::U8, Measure::Cosine) => NORM_TAIL,
            _ => 0,
        }
    }
}

/// The distance between rows of one form and dimension.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    entry: Entry,
    row_bytes: usize,
}

impl Kernel {
    /// The kernel for rows of `dim` elements, at most 32,768 where they are integers (sums of more
    /// would overflow). A level that is not here gives the portable kernel.
    #[must_use]
    pub fn new(level: Level, form: Form, measure: Measure, dim: usize) -> Self {
        let table = level.table();
        let entries = match form {
            Form::F32 => table.f32,
            Form::F64 => table.f64,
            Form::F16 => table.f16,
            Form::Bf16 => table.bf16,
            Form::I8 => table.i8,
            Form::U8 => table.u8,
            Form::Sq8 => table.sq8,
        };
        let entry = match measure {
            Measure::L2 => entries.l2,
            Measure::Dot => entries.dot,
            Measure::Cosine => entries.cosine,
        };
        let row_bytes = dim.saturating_mul(form.width()).saturating_add(form.tail(measure));
        Self { entry, row_bytes }
    }

    /// Bytes of a row: elements and tail.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// The distance of `a` and `b`: never NaN, at most `f32::MAX`, which is also the distance of
    /// what is no row (another length).
    #[must_use]
    pub fn distance(&self, a: &[u8], b: &[u8]) -> f32 {
        if a.len() != self.row_bytes || b.len() != self.row_bytes {
            return f32::MAX;
        }
        // SAFETY: the entry is of a level this processor has; the function itself is safe.
        unsafe { (self.entry.one)(a, b) }
    }

    /// As [`Self::distance`], for [`Form::F64`] without rounding to f32.
    #[must_use]
    pub fn exact_distance(&self, a: &[u8], b: &[u8]) -> f64 {
        if a.len() != self.row_bytes || b.len() != self.row_bytes {
            return f64::MAX;
        }
        // SAFETY: as in `distance`.
        unsafe { (self.entry.exact)(a, b) }
    }

    /// The distances of `query` to each of `rows`, into the first of `distances`. Rows are
    /// prefetched; it is of use to have asked for the first two already.
    pub fn distances(&self, query: &[u8], rows: &[&[u8]], distances: &mut [f32]) {
        let all =
            query.len() == self.row_bytes && rows.iter().all(|row| row.len() == self.row_bytes);
        if !all {
            distances.fill(f32::MAX);
            return;
        }
        rows.iter().take(1).for_each(|row| prefetch(row));
        // SAFETY: as in `distance`.
        unsafe { (self.entry.many)(query, rows, distances) }
    }
}
