//! AVX2, FMA and F16C: 32 bytes at a time.

use std::arch::x86_64::*;

use super::prefetch;
use super::table::{
    AHEAD, Entries, Entry, NORM_TAIL, Narrow, SQ8_TAIL, Table, cosine, filled, scaled_dot,
    scaled_l2, split,
};

super::table::table!(#[target_feature(enable = "avx2,fma,f16c")]);

/// Folds pieces of `N` bytes of `a` and `b` into four sums, which `add` makes one. What is left at
/// the end is filled up with zeros, which are no distance and no product.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
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
#[target_feature(enable = "avx2,fma,f16c")]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are read, `bytes` has as many, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn load_half(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: 16 bytes are read, `bytes` has as many, and the load asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn from_f32(bytes: &[u8; 32]) -> __m256 {
    _mm256_castsi256_ps(load(bytes))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn from_f16(bytes: &[u8; 16]) -> __m256 {
    _mm256_cvtph_ps(load_half(bytes))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn from_bf16(bytes: &[u8; 16]) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(load_half(bytes))))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn from_i8(bytes: &[u8; 16]) -> __m256i {
    _mm256_cvtepi8_epi16(load_half(bytes))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn from_u8(bytes: &[u8; 16]) -> __m256i {
    _mm256_cvtepu8_epi16(load_half(bytes))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn total(v: __m256) -> f32 {
    let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
    let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn total_f64(v: __m256d) -> f64 {
    let v = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
    _mm_cvtsd_f64(_mm_add_sd(v, _mm_unpackhi_pd(v, v)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn total_i32(v: __m256i) -> i64 {
    let v = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
    let v = _mm_add_epi32(v, _mm_shuffle_epi32::<0b01_00_11_10>(v));
    i64::from(_mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32::<0b10_11_00_01>(v))))
}

/// `l2` and `dot` of a form that `read` makes eight f32 of.
macro_rules! floats {
    ($l2:ident, $dot:ident, $bytes:literal, $read:ident) => {
        #[inline]
        #[target_feature(enable = "avx2,fma,f16c")]
        fn $l2(a: &[u8], b: &[u8]) -> f32 {
            let step = |sum, a: &[u8; $bytes], b: &[u8; $bytes]| {
                let gap = _mm256_sub_ps($read(a), $read(b));
                _mm256_fmadd_ps(gap, gap, sum)
            };
            total(fold(a, b, _mm256_setzero_ps(), step, |x, y| _mm256_add_ps(x, y)))
        }

        #[inline]
        #[target_feature(enable = "avx2,fma,f16c")]
        fn $dot(a: &[u8], b: &[u8]) -> f32 {
            let step =
                |sum, a: &[u8; $bytes], b: &[u8; $bytes]| _mm256_fmadd_ps($read(a), $read(b), sum);
            total(fold(a, b, _mm256_setzero_ps(), step, |x, y| _mm256_add_ps(x, y)))
        }
    };
}

floats!(l2_f32, dot_f32, 32, from_f32);
floats!(l2_f16, dot_f16, 16, from_f16);
floats!(l2_bf16, dot_bf16, 16, from_bf16);

/// `l2` and `dot` of a form that `read` makes sixteen i16 of, in i32 sums: 32,768 dimensions of the
/// largest term, 255 squared, stay below 2^31.
macro_rules! integers {
    ($l2:ident, $dot:ident, $read:ident) => {
        #[inline]
        #[target_feature(enable = "avx2,fma,f16c")]
        fn $l2(a: &[u8], b: &[u8]) -> i64 {
            let step = |sum, a: &[u8; 16], b: &[u8; 16]| {
                let gap = _mm256_sub_epi16($read(a), $read(b));
                _mm256_add_epi32(sum, _mm256_madd_epi16(gap, gap))
            };
            total_i32(fold(a, b, _mm256_setzero_si256(), step, |x, y| _mm256_add_epi32(x, y)))
        }

        #[inline]
        #[target_feature(enable = "avx2,fma,f16c")]
        fn $dot(a: &[u8], b: &[u8]) -> i64 {
            let step = |sum, a: &[u8; 16], b: &[u8; 16]| {
                _mm256_add_epi32(sum, _mm256_madd_epi16($read(a), $read(b)))
            };
            total_i32(fold(a, b, _mm256_setzero_si256(), step, |x, y| _mm256_add_epi32(x, y)))
        }
    };
}

integers!(l2_i8, dot_i8, from_i8);
integers!(l2_u8, dot_u8, from_u8);

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn l2_f64(a: &[u8], b: &[u8]) -> f64 {
    let step = |sum, a: &[u8; 32], b: &[u8; 32]| {
        let gap = _mm256_sub_pd(_mm256_castsi256_pd(load(a)), _mm256_castsi256_pd(load(b)));
        _mm256_fmadd_pd(gap, gap, sum)
    };
    total_f64(fold(a, b, _mm256_setzero_pd(), step, |x, y| _mm256_add_pd(x, y)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn dot_f64(a: &[u8], b: &[u8]) -> f64 {
    let step = |sum, a: &[u8; 32], b: &[u8; 32]| {
        _mm256_fmadd_pd(_mm256_castsi256_pd(load(a)), _mm256_castsi256_pd(load(b)), sum)
    };
    total_f64(fold(a, b, _mm256_setzero_pd(), step, |x, y| _mm256_add_pd(x, y)))
}
