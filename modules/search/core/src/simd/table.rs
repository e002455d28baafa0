//! The functions of one level: made by one macro from the sums that the level defines.

/// Distance of two rows of equal length.
pub(super) type One = unsafe fn(&[u8], &[u8]) -> f32;
/// The same without rounding to f32.
pub(super) type Exact = unsafe fn(&[u8], &[u8]) -> f64;
/// Distances of one row to many, into as many numbers.
pub(super) type Many = unsafe fn(&[u8], &[&[u8]], &mut [f32]);

/// A distance in the shapes it is called in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) one: One,
    pub(super) exact: Exact,
    pub(super) many: Many,
}

/// The distances of one form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    pub(super) l2: Entry,
    pub(super) dot: Entry,
    pub(super) cosine: Entry,
}

/// The distances of one level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) f32: Entries,
    pub(super) f64: Entries,
    pub(super) f16: Entries,
    pub(super) bf16: Entries,
    pub(super) i8: Entries,
    pub(super) u8: Entries,
    pub(super) sq8: Entries,
}

/// A distance as f32.
pub(super) trait Narrow {
    /// The nearest f32; infinite beyond its range.
    fn narrow(self) -> f32;
}

impl Narrow for f32 {
    #[inline]
    fn narrow(self) -> f32 {
        self
    }
}

impl Narrow for f64 {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
    fn narrow(self) -> f32 {
        self as f32
    }
}

/// Rows whose bytes are asked for ahead of the one that is measured.
pub(super) const AHEAD: usize = 4;

/// Bytes behind the elements of a row with a tail: one f32, or two.
pub(super) const NORM_TAIL: usize = 4;
/// See [`NORM_TAIL`].
pub(super) const SQ8_TAIL: usize = 8;

/// The f32 at `offset` of `tail`, 0 where there is none.
#[inline]
pub(super) fn scalar(tail: &[u8], offset: usize) -> f32 {
    tail.get(offset..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0.0, |number| f32::from_le_bytes(*number))
}

/// Elements and tail of a row.
#[inline]
pub(super) fn split(row: &[u8], tail: usize) -> (&[u8], &[u8]) {
    row.split_at_checked(row.len().saturating_sub(tail)).unwrap_or((row, &[]))
}

/// `1 - dot / (norm * norm)` for integers whose norms stand behind them.
#[inline]
pub(super) fn cosine(dot: i64, a_tail: &[u8], b_tail: &[u8]) -> f64 {
    1.0 - dot as f64 / (f64::from(scalar(a_tail, 0)) * f64::from(scalar(b_tail, 0)))
}

/// `1 - dot` of two rows of codes with their scales.
#[inline]
pub(super) fn scaled_dot(dot: i64, a_tail: &[u8], b_tail: &[u8]) -> f32 {
    1.0 - scalar(a_tail, 0) * scalar(b_tail, 0) * dot as f32
}

/// `|a|^2 + |b|^2 - 2 a b` of two rows of codes with their scales and squared norms.
#[inline]
pub(super) fn scaled_l2(dot: i64, a_tail: &[u8], b_tail: &[u8]) -> f32 {
    let dot = scalar(a_tail, 0) * scalar(b_tail, 0) * dot as f32;
    (scalar(a_tail, 4) + scalar(b_tail, 4) - 2.0 * dot).max(0.0)
}

/// `TABLE` of a level whose module has `l2_X` and `dot_X` for each form, as safe functions with the
/// target features `$feature`.
macro_rules! table {
    ($(#[$feature:meta])*) => {
        /// The distances of this level.
        pub(in crate::simd) static TABLE: Table = Table {
            f32: Entries { l2: f32_l2::ENTRY, dot: f32_dot::ENTRY, cosine: f32_dot::ENTRY },
            f64: Entries { l2: f64_l2::ENTRY, dot: f64_dot::ENTRY, cosine: f64_dot::ENTRY },
            f16: Entries { l2: f16_l2::ENTRY, dot: f16_dot::ENTRY, cosine: f16_dot::ENTRY },
            bf16: Entries { l2: bf16_l2::ENTRY, dot: bf16_dot::ENTRY, cosine: bf16_dot::ENTRY },
            i8: Entries { l2: i8_l2::ENTRY, dot: i8_dot::ENTRY, cosine: i8_cosine::ENTRY },
            u8: Entries { l2: u8_l2::ENTRY, dot: u8_dot::ENTRY, cosine: u8_cosine::ENTRY },
            sq8: Entries { l2: sq8_l2::ENTRY, dot: sq8_dot::ENTRY, cosine: sq8_dot::ENTRY },
        };

        crate::simd::table::entry!(f32_l2, f32, |a, b| l2_f32(a, b), $(#[$feature])*);
        crate::simd::table::entry!(f32_dot, f32, |a, b| 1.0 - dot_f32(a, b), $(#[$feature])*);
        crate::simd::table::entry!(f64_l2, f64, |a, b| l2_f64(a, b), $(#[$feature])*);
        crate::simd::table::entry!(f64_dot, f64, |a, b| 1.0 - dot_f64(a, b), $(#[$feature])*);
        crate::simd::table::entry!(f16_l2, f32, |a, b| l2_f16(a, b), $(#[$feature])*);
        crate::simd::table::entry!(f16_dot, f32, |a, b| 1.0 - dot_f16(a, b), $(#[$feature])*);
        crate::simd::table::entry!(bf16_l2, f32, |a, b| l2_bf16(a, b), $(#[$feature])*);
        crate::simd::table::entry!(bf16_dot, f32, |a, b| 1.0 - dot_bf16(a, b), $(#[$feature])*);
        crate::simd::table::entry!(i8_l2, f32, |a, b| l2_i8(a, b) as f32, $(#[$feature])*);
        crate::simd::table::entry!(
            i8_dot, f32, |a, b| (1 - dot_i8(a, b)) as f32, $(#[$feature])*);
        crate::simd::table::entry!(u8_l2, f32, |a, b| l2_u8(a, b) as f32, $(#[$feature])*);
        crate::simd::table::entry!(
            u8_dot, f32, |a, b| (1 - dot_u8(a, b)) as f32, $(#[$feature])*);
        crate::simd::table::entry!(i8_cosine, f64, |a, b| {
            let ((a, a_tail), (b, b_tail)) = (split(a, NORM_TAIL), split(b, NORM_TAIL));
            cosine(dot_i8(a, b), a_tail, b_tail)
        }, $(#[$feature])*);
        crate::simd::table::entry!(u8_cosine, f64, |a, b| {
            let ((a, a_tail), (b, b_tail)) = (split(a, NORM_TAIL), split(b, NORM_TAIL));
            cosine(dot_u8(a, b), a_tail, b_tail)
        }, $(#[$feature])*);
        crate::simd::table::entry!(sq8_l2, f32, |a, b| {
            let ((a, a_tail), (b, b_tail)) = (split(a, SQ8_TAIL), split(b, SQ8_TAIL));
            scaled_l2(dot_i8(a, b), a_tail, b_tail)
        }, $(#[$feature])*);
        crate::simd::table::entry!(sq8_dot, f32, |a, b| {
            let ((a, a_tail), (b, b_tail)) = (split(a, SQ8_TAIL), split(b, SQ8_TAIL));
            scaled_dot(dot_i8(a, b), a_tail, b_tail)
        }, $(#[$feature])*);
    };
}

/// A module `$name` whose `ENTRY` is the distance `$body`, which gives a `$wide`.
macro_rules! entry {
    ($name:ident, $wide:ident, |$a:ident, $b:ident| $body:expr, $(#[$feature:meta])*) => {
        mod $name {
            use super::*;

            pub(super) const ENTRY: Entry = Entry { one, exact, many };

            #[inline]
            $(#[$feature])*
            fn distance($a: &[u8], $b: &[u8]) -> $wide {
                $body
            }

            $(#[$feature])*
            fn one(a: &[u8], b: &[u8]) -> f32 {
                // What is no number (infinity less infinity) is far away.
                distance(a, b).narrow().min(f32::MAX)
            }

            $(#[$feature])*
            fn exact(a: &[u8], b: &[u8]) -> f64 {
                f64::from(distance(a, b)).min(f64::MAX)
            }

            $(#[$feature])*
            fn many(query: &[u8], rows: &[&[u8]], distances: &mut [f32]) {
                for (place, (row, to)) in rows.iter().zip(distances).enumerate() {
                    if let Some(next) = rows.get(place + AHEAD) {
                        prefetch(next);
                    }
                    *to = distance(query, row).narrow().min(f32::MAX);
                }
            }
        }
    };
}

pub(super) use {entry, table};

/// `tail` and zeros.
#[inline]
pub(super) fn filled<const N: usize>(tail: &[u8]) -> [u8; N] {
    let mut whole = [0; N];
    if let Some(front) = whole.get_mut(..tail.len()) {
        front.copy_from_slice(tail);
    }
    whole
}
