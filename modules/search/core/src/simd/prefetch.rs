//! Asking for memory before it is needed.

use super::LINE;

/// Asks the processor to bring `items` into its caches: no effect but on time.
#[inline]
pub fn prefetch<T>(items: &[T]) {
    let (start, len) = (items.as_ptr().cast::<i8>(), size_of_val(items));
    #[cfg(target_arch = "x86_64")]
    for offset in (0..len).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch never faults and changes nothing; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, len, LINE);
}
