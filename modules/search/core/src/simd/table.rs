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

/// Rows of codes that are measured at once.
pub(super) const GROUP: usize = 4;

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
pub(super) fn scaled_dot(dot: i32, a_tail: &[u8], b_tail: &[u8]) -> f32 {
    1.0 - scalar(a_tail, 0) * scalar(b_tail, 0) * dot as f32
}

/// `|a|^2 + |b|^2 - 2 a b` of two rows of codes with their scales and squared norms.
#[inline]
pub(super) fn scaled_l2(dot: i32, a_tail: &[u8], b_tail: &[u8]) -> f32 {
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
        crate::simd::table::coded!(sq8_l2, scaled_l2, $(#[$feature])*);
        crate::simd::table::coded!(sq8_dot, scaled_dot, $(#[$feature])*);
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

/// A module `$name` whose `ENTRY` is the distance of codes that `$scaled` makes of a product. The
/// level says what of one side can be made beforehand (`code`), and multiplies it with one row
/// (`dot_code`) or with [`GROUP`] (`dot_codes`).
macro_rules! coded {
    ($name:ident, $scaled:ident, $(#[$feature:meta])*) => {
        mod $name {
            use super::*;

            pub(super) const ENTRY: Entry = Entry { one, exact, many };

            $(#[$feature])*
            fn one(a: &[u8], b: &[u8]) -> f32 {
                let ((a, a_tail), (b, b_tail)) = (split(a, SQ8_TAIL), split(b, SQ8_TAIL));
                $scaled(dot_code(&code(a), b), a_tail, b_tail).min(f32::MAX)
            }

            $(#[$feature])*
            fn exact(a: &[u8], b: &[u8]) -> f64 {
                f64::from(one(a, b))
            }

            $(#[$feature])*
            fn many(query: &[u8], rows: &[&[u8]], distances: &mut [f32]) {
                let (query, tail) = split(query, SQ8_TAIL);
                let query = code(query);
                let (groups, rest) = rows.as_chunks::<GROUP>();
                let (to_groups, to_rest) = distances.as_chunks_mut::<GROUP>();
                for (place, (rows, to)) in groups.iter().zip(to_groups).enumerate() {
                    for next in groups.get(place + 1).map_or(rest, |next| next) {
                        prefetch(next);
                    }
                    let [a, b, c, d] = rows;
                    let (a, a_tail) = split(a, SQ8_TAIL);
                    let (b, b_tail) = split(b, SQ8_TAIL);
                    let (c, c_tail) = split(c, SQ8_TAIL);
                    let (d, d_tail) = split(d, SQ8_TAIL);
                    let [a, b, c, d] = dot_codes(&query, [a, b, c, d]);
                    *to = [
                        $scaled(a, tail, a_tail).min(f32::MAX),
                        $scaled(b, tail, b_tail).min(f32::MAX),
                        $scaled(c, tail, c_tail).min(f32::MAX),
                        $scaled(d, tail, d_tail).min(f32::MAX),
                    ];
                }
                for (row, to) in rest.iter().zip(to_rest) {
                    let (row, row_tail) = split(row, SQ8_TAIL);
                    *to = $scaled(dot_code(&query, row), tail, row_tail).min(f32::MAX);
                }
            }
        }
    };
}

/// `code`, `dot_code` and `dot_codes` of a level that has nothing better for codes than for bytes.
macro_rules! codes_as_bytes {
    ($(#[$feature:meta])*) => {
        #[inline]
        fn code(a: &[u8]) -> &[u8] {
            a
        }

        #[inline]
        $(#[$feature])*
        fn dot_code(a: &[u8], b: &[u8]) -> i32 {
            narrow_dot(dot_i8(a, b))
        }

        #[inline]
        $(#[$feature])*
        fn dot_codes(a: &[u8], rows: [&[u8]; GROUP]) -> [i32; GROUP] {
            let [b, c, d, e] = rows;
            [dot_code(a, b), dot_code(a, c), dot_code(a, d), dot_code(a, e)]
        }
    };
}

pub(super) use {coded, codes_as_bytes, entry, table};

/// The product of two codes: of 32,768 elements, 127 each at most, it is below 2^31.
#[inline]
pub(super) fn narrow_dot(dot: i64) -> i32 {
    i32::try_from(dot).unwrap_or(i32::MAX)
}

/// `tail` and zeros.
#[inline]
pub(super) fn filled<const N: usize>(tail: &[u8]) -> [u8; N] {
    let mut whole = [0; N];
    if let Some(front) = whole.get_mut(..tail.len()) {
        front.copy_from_slice(tail);
    }
    whole
}
