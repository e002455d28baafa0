<<<<<<< HEAD
//! Asking for memory before it is read, so that the probes of a batch overlap.

/// Asks the processor to bring the byte `at`, if there is one, to all its caches. A hint: nothing
/// where the instruction set has no such thing.
#[inline]
pub fn prefetch(bytes: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = bytes.get(at) {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86_64 has SSE, and a prefetch of any address, here one within a slice,
        // reads nothing the program can see and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(byte).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, at);
=======
//! Asking for a cache line before it is read.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "the instruction has no safe name in every supported compiler")
)]

/// Asks for the line of `block[place]`, and does nothing more: any place is allowed.
#[inline]
pub(crate) fn line(block: &[u8], place: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = block.as_ptr().wrapping_add(place).cast();
        // SAFETY: a prefetch reads nothing the program can see and never faults, whatever the
        // address; SSE, which has it, is part of x86_64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // A load whose value nobody waits for does as well.
        std::hint::black_box(block.get(place));
    }
>>>>>>> bloom
}
