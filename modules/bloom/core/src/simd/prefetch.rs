//! Asking for memory before it is read, so that the probes of a batch overlap.

/// Asks the processor to bring the line of `bytes[at]` to all its caches, and does nothing more:
/// any place is allowed. A hint: nothing where the instruction set has no such thing.
#[inline]
pub fn prefetch(bytes: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = bytes.as_ptr().wrapping_add(at).cast();
        // SAFETY: a prefetch reads nothing the program can see and never faults, whatever the
        // address; every x86_64 has SSE, which it belongs to.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, at);
}
