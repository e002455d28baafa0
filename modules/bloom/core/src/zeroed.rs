//! Large blocks of zeros, or none: never an abort for want of memory.

/// The allocator has no such block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// `len` zeros of `T`, whose pages the system may bring only when they are touched: O(1) for large
/// blocks.
///
/// # Errors
/// [`NoMemory`] if the allocator refuses a block of this size.
pub fn zeroed<T: Zero>(len: usize) -> Result<Vec<T>, NoMemory> {
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

zero!(u8 u32 u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_nobody_has_is_refused() {
        assert_eq!(zeroed::<u8>(3), Ok(vec![0; 3]));
        assert_eq!(zeroed::<u8>(usize::MAX / 2), Err(NoMemory));
        assert_eq!(zeroed::<u64>(usize::MAX), Err(NoMemory));
    }
}
