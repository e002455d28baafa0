//! AVX-512: 64 bytes at a time, with or without the integer dot products of VNNI.

use std::arch::x86_64::*;

use super::prefetch;
use super::table::{
    AHEAD, Entries, Entry, NORM_TAIL, Narrow, SQ8_TAIL, Table, cosine, filled, scaled_dot,
    scaled_l2, split,
};

super::table::table!(#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]);

/// As `fold` of AVX2.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn fold<const N: usize, V: Copy>(
    a: &[u8],
    b: &[u8],
    zero: V,
    step: impl Fn(V, &[u8; N], &[u8; N]) -> V,
    add: impl Fn(V, V) -> V,
) -> V {
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<N>(), b.as_chunks::<N>());
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let [mut s0, mut s1, mut s2, mut s3] = [zero; 4];
    for ([a0, a1, a2, a3], [b0, b1, b2, b3]) in a.iter().zip(b) {
        s0 = step(s0, a0, b0);
        s1 = step(s1, a1, b1);
        s2 = step(s2, a2, b2);
        s3 = step(s3, a3, b3);
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        s0 = step(s0, a, b);
    }
    if !a_tail.is_empty() {
        s1 = step(s1, &filled(a_tail), &filled(b_tail));
    }
    add(add(s0, s1), add(s2, s3))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are read, `bytes` has as many, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn load_half(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are read, `bytes` has as many, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn from_f32(bytes: &[u8; 64]) -> __m512 {
    _mm512_castsi512_ps(load(bytes))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn from_f16(bytes: &[u8; 32]) -> __m512 {
    _mm512_cvtph_ps(load_half(bytes))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn from_bf16(bytes: &[u8; 32]) -> __m512 {
    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(load_half(bytes))))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn from_i8(bytes: &[u8; 32]) -> __m512i {
    _mm512_cvtepi8_epi16(load_half(bytes))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn from_u8(bytes: &[u8; 32]) -> __m512i {
    _mm512_cvtepu8_epi16(load_half(bytes))
}

/// `l2` and `dot` of a form that `read` makes sixteen f32 of.
macro_rules! floats {
    ($l2:ident, $dot:ident, $bytes:literal, $read:ident) => {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
        fn $l2(a: &[u8], b: &[u8]) -> f32 {
            let step = |sum, a: &[u8; $bytes], b: &[u8; $bytes]| {
                let gap = _mm512_sub_ps($read(a), $read(b));
                _mm512_fmadd_ps(gap, gap, sum)
            };
            _mm512_reduce_add_ps(fold(a, b, _mm512_setzero_ps(), step, |x, y| _mm512_add_ps(x, y)))
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
        fn $dot(a: &[u8], b: &[u8]) -> f32 {
            let step =
                |sum, a: &[u8; $bytes], b: &[u8; $bytes]| _mm512_fmadd_ps($read(a), $read(b), sum);
            _mm512_reduce_add_ps(fold(a, b, _mm512_setzero_ps(), step, |x, y| _mm512_add_ps(x, y)))
        }
    };
}

floats!(l2_f32, dot_f32, 64, from_f32);
floats!(l2_f16, dot_f16, 32, from_f16);
floats!(l2_bf16, dot_bf16, 32, from_bf16);

/// As `integers` of AVX2, with twice the width.
macro_rules! integers {
    ($l2:ident, $dot:ident, $read:ident) => {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
        fn $l2(a: &[u8], b: &[u8]) -> i64 {
            let step = |sum, a: &[u8; 32], b: &[u8; 32]| {
                let gap = _mm512_sub_epi16($read(a), $read(b));
                _mm512_add_epi32(sum, _mm512_madd_epi16(gap, gap))
            };
            i64::from(_mm512_reduce_add_epi32(fold(a, b, _mm512_setzero_si512(), step, |x, y| {
                _mm512_add_epi32(x, y)
            })))
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
        fn $dot(a: &[u8], b: &[u8]) -> i64 {
            let step = |sum, a: &[u8; 32], b: &[u8; 32]| {
                _mm512_add_epi32(sum, _mm512_madd_epi16($read(a), $read(b)))
            };
            i64::from(_mm512_reduce_add_epi32(fold(a, b, _mm512_setzero_si512(), step, |x, y| {
                _mm512_add_epi32(x, y)
            })))
        }
    };
}

integers!(l2_i8, dot_i8, from_i8);
integers!(l2_u8, dot_u8, from_u8);

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn l2_f64(a: &[u8], b: &[u8]) -> f64 {
    let step = |sum, a: &[u8; 64], b: &[u8; 64]| {
        let gap = _mm512_sub_pd(_mm512_castsi512_pd(load(a)), _mm512_castsi512_pd(load(b)));
        _mm512_fmadd_pd(gap, gap, sum)
    };
    _mm512_reduce_add_pd(fold(a, b, _mm512_setzero_pd(), step, |x, y| _mm512_add_pd(x, y)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c")]
fn dot_f64(a: &[u8], b: &[u8]) -> f64 {
    let step = |sum, a: &[u8; 64], b: &[u8; 64]| {
        _mm512_fmadd_pd(_mm512_castsi512_pd(load(a)), _mm512_castsi512_pd(load(b)), sum)
    };
    _mm512_reduce_add_pd(fold(a, b, _mm512_setzero_pd(), step, |x, y| _mm512_add_pd(x, y)))
}

/// The same level where the processor multiplies bytes (VNNI): other integer sums.
pub(super) mod vnni {
    use super::*;

    crate::simd::table::table!(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,avx512vnni")]
    );

    /// `sum(a * b)` over bytes: VNNI multiplies unsigned by signed ones. With the sign bit of one
    /// side flipped it is moved by 128, so `128 * sum` of the other side is taken away again.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,avx512vnni")]
    fn dot_i8(a: &[u8], b: &[u8]) -> i64 {
        let flip = _mm512_set1_epi8(i8::MIN);
        let step = |(dot, sum), a: &[u8; 64], b: &[u8; 64]| {
            let b = load(b);
            let moved = _mm512_xor_si512(load(a), flip);
            (_mm512_dpbusd_epi32(dot, moved, b), _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), b))
        };
        let (dot, sum) = pair(a, b, step);
        dot - 128 * sum
    }

    /// As [`dot_i8`]: here the signed side is the one that is moved, by -128.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,avx512vnni")]
    fn dot_u8(a: &[u8], b: &[u8]) -> i64 {
        let flip = _mm512_set1_epi8(i8::MIN);
        let step = |(dot, sum), a: &[u8; 64], b: &[u8; 64]| {
            let a = load(a);
            let moved = _mm512_xor_si512(load(b), flip);
            (_mm512_dpbusd_epi32(dot, a, moved), _mm512_dpbusd_epi32(sum, a, _mm512_set1_epi8(1)))
        };
        let (dot, sum) = pair(a, b, step);
        dot + 128 * sum
    }

    /// Two sums at once. Zeros behind the end of both sides add nothing to either: the side that
    /// is not moved is 0 there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,avx512vnni")]
    fn pair(
        a: &[u8],
        b: &[u8],
        step: impl Fn((__m512i, __m512i), &[u8; 64], &[u8; 64]) -> (__m512i, __m512i),
    ) -> (i64, i64) {
        let zero = (_mm512_setzero_si512(), _mm512_setzero_si512());
        let add = |x: (__m512i, __m512i), y: (__m512i, __m512i)| {
            (_mm512_add_epi32(x.0, y.0), _mm512_add_epi32(x.1, y.1))
        };
        let (dot, sum) = fold(a, b, zero, step, add);
        (i64::from(_mm512_reduce_add_epi32(dot)), i64::from(_mm512_reduce_add_epi32(sum)))
    }
}
