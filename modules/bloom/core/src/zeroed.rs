//! Large blocks of zeros, or none: never an abort for want of memory.
//!
//! # How large a block may be
//! A system that overcommits, as the servers want it to, grants a block of any size: its pages come
//! when they are touched, and then it is too late to refuse. So the allocator is not asked for more
//! than [`LEN_MAX`], on any machine, nor for more than the machine has, if it is known
//! ([`set_memory`]). Whoever makes several blocks for one value asks for their sum first
//! ([`fits`]). What is loaded from bytes that are there needs no such question.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The most bytes of one value that is made or grows: 128 GiB, a filter of 10^11 items. What commands
/// may ask for by their own ranges is less, but for sketches and for rates near 0.
pub const LEN_MAX: u64 = 1 << 37;

/// Bytes of memory the machine has.
static MEMORY: AtomicU64 = AtomicU64::new(u64::MAX);

/// Says how much memory the machine has, in bytes, swap included. Unless it is said, [`LEN_MAX`]
/// alone counts.
pub fn set_memory(bytes: u64) {
    MEMORY.store(bytes, Relaxed);
}

/// Whether blocks of so many bytes in all may be asked for.
pub fn fits(bytes: u64) -> bool {
    bytes <= LEN_MAX.min(MEMORY.load(Relaxed))
}

/// There is no such block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// `len` zeros of `T`, whose pages the system may bring only when they are touched: O(1) for large
/// blocks.
///
/// # Errors
/// [`NoMemory`] if they do not [fit](fits), or the allocator refuses a block of this size.
pub fn zeroed<T: Zero>(len: usize) -> Result<Vec<T>, NoMemory> {
    let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| u64::try_from(bytes).ok());
    bytes.filter(|&bytes| fits(bytes)).ok_or(NoMemory)?;
    // Asked first and given back, because the allocation below aborts instead of failing.
    let mut block = Vec::<T>::new();
    block.try_reserve_exact(len).map_err(|_| NoMemory)?;
    // Seen by nobody, the question could be optimized away.
    drop(std::hint::black_box(block));
    Ok(T::zeros(len))
}

/// A number whose zero is all bits zero, so that [`zeroed`] need not write it.
pub trait Zero: Sized {
    /// `len` zeros.
    fn zeros(len: usize) -> Vec<Self>;
}

macro_rules! zero {
    ($($number:ty)*) => {
        $(impl Zero for $number {
            fn zeros(len: usize) -> Vec<Self> {
                vec![0; len]
            }
        })*
    };
}

zero!(u8 u16 u32 u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_nobody_has_is_refused() {
        assert_eq!(zeroed::<u8>(3), Ok(vec![0; 3]));
        assert_eq!(zeroed::<u8>(usize::MAX / 2), Err(NoMemory));
        assert_eq!(zeroed::<u64>(usize::MAX), Err(NoMemory));
        // Wraps to 8 bytes.
        assert_eq!(zeroed::<u64>((1 << 61) + 1), Err(NoMemory));
    }

    /// Blocks of this test are far larger than those of others, which run at the same time.
    #[test]
    fn no_block_is_larger_than_the_limit_or_the_machine() {
        let check = |memory: u64, bytes: u64, expected: bool| {
            set_memory(memory);
            assert_eq!(fits(bytes), expected, "{bytes} of {memory}");
            let len = usize::try_from(bytes / 8 + u64::from(!expected)).unwrap();
            assert!(expected || zeroed::<u64>(len).is_err(), "{bytes} of {memory}");
        };
        check(u64::MAX, LEN_MAX, true);
        check(u64::MAX, LEN_MAX + 1, false);
        check(1 << 60, 10 << 40, false);
        check(24 << 30, 24 << 30, true);
        check(24 << 30, (24 << 30) + 1, false);
        check(24 << 30, LEN_MAX, false);
        set_memory(u64::MAX);
    }
}
