//! Distance kernels: the only unsafe code of this crate.
//!
//! A row is a vector in one of the [`Form`]s, as bytes; a [`Kernel`] measures two rows of one form,
//! or one row against many. Which instructions it uses is decided once, when the kernel is made
//! ([`Level::best`]); every level computes the same function:
//!
//! * integer sums (`I8`, `U8`, `Sq8`) are equal on all levels, bit for bit;
//! * float sums are added in another order on each, so they differ by at most
//!   `dim * epsilon * sum(|terms|)`, epsilon being that of f32 (of f64 for `F64`).
//!
//! Kernels never read beyond the slices they are given and need no alignment.

#![expect(
    unsafe_code,
    reason = "vector instructions and prefetches; each block says why it is sound"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod kernel;
mod line;
mod portable;
mod prefetch;
mod table;

pub use kernel::{Form, Kernel, Level, Measure};
pub use line::{LINE, Line, bytes, bytes_mut};
pub use prefetch::prefetch;

#[cfg(test)]
mod tests;
