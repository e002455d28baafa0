//! Plain Rust, for any processor: what the other levels are compared with.

use half::{bf16, f16};

use super::prefetch;
use super::table::{
    AHEAD, Entries, Entry, NORM_TAIL, Narrow, SQ8_TAIL, Table, cosine, scaled_dot, scaled_l2, split,
};

super::table::table!();

/// Sums kept side by side, so that the compiler can use what vectors every processor has.
const LANES: usize = 8;

/// The sum of `term` over the elements of `W` bytes.
#[inline]
fn sum<const W: usize, T: Copy + Default + std::ops::AddAssign>(
    a: &[u8],
    b: &[u8],
    term: impl Fn([u8; W], [u8; W]) -> T,
) -> T {
    let (a, b) = (a.as_chunks::<W>().0, b.as_chunks::<W>().0);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [T::default(); LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(*a, *b);
        }
    }
    let mut total = T::default();
    for (a, b) in a_rest.iter().zip(b_rest) {
        total += term(*a, *b);
    }
    for sum in sums {
        total += sum;
    }
    total
}

/// `l2` and `dot` of a form whose elements `read` makes numbers of.
macro_rules! sums {
    ($l2:ident, $dot:ident, $width:literal, $total:ty, $read:expr) => {
        #[inline]
        fn $l2(a: &[u8], b: &[u8]) -> $total {
            sum::<$width, $total>(a, b, |a, b| {
                let gap = $read(a) - $read(b);
                (gap * gap).into()
            })
        }

        #[inline]
        fn $dot(a: &[u8], b: &[u8]) -> $total {
            sum::<$width, $total>(a, b, |a, b| ($read(a) * $read(b)).into())
        }
    };
}

sums!(l2_f32, dot_f32, 4, f32, f32::from_le_bytes);
sums!(l2_f64, dot_f64, 8, f64, f64::from_le_bytes);
sums!(l2_f16, dot_f16, 2, f32, |x| f16::from_le_bytes(x).to_f32());
sums!(l2_bf16, dot_bf16, 2, f32, |x| bf16::from_le_bytes(x).to_f32());
sums!(l2_i8, dot_i8, 1, i64, |[x]: [u8; 1]| i32::from(x.cast_signed()));
sums!(l2_u8, dot_u8, 1, i64, |[x]: [u8; 1]| i32::from(x));
