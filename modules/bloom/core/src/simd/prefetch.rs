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
}
