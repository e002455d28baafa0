//! How finely a digest is kept.

use crate::zeroed;

/// The `COMPRESSION` of a digest: it keeps about half as many centroids once it is compressed, and
/// up to [`Self::capacity`] before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Compression(u32);

/// Why a number is no compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionError {
    /// Zero or less.
    NotPositive,
    /// The capacity would not fit the peer's C `int`.
    TooLarge,
}

impl Compression {
    /// What `TDIGEST.CREATE` takes when nothing is said.
    pub const DEFAULT: Self = Self(100);

    /// The greatest whose capacity fits the peer's C `int`.
    pub const MAX: Self = Self(357_913_939);

    /// # Errors
    /// [`CompressionError`].
    pub fn new(number: i64) -> Result<Self, CompressionError> {
        if number <= 0 {
            return Err(CompressionError::NotPositive);
        }
        let fits = u32::try_from(number).ok().map(Self).filter(|&it| it <= Self::MAX);
        fits.ok_or(CompressionError::TooLarge)
    }

    /// The compression a double stands for, if it is a whole number in range.
    pub fn from_double(number: f64) -> Option<Self> {
        let in_range = (1.0..=f64::from(Self::MAX.0)).contains(&number) && number.fract() == 0.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number in the range of u32"
        )]
        in_range.then_some(Self(number as u32))
    }

    /// As a double.
    pub fn as_double(self) -> f64 {
        f64::from(self.0)
    }

    /// As an integer.
    pub fn as_integer(self) -> i64 {
        i64::from(self.0)
    }

    /// Whether there is memory for a digest in the peer, which takes all of it at once: what a digest
    /// takes here never exceeds that.
    pub fn fits_memory(self) -> bool {
        u64::try_from(self.capacity()).is_ok_and(|capacity| zeroed::fits(16 * capacity))
    }

    /// Centroids that fit, merged or not: six times the compression and ten more.
    pub fn capacity(self) -> usize {
        // No overflow: below 2^31 by `MAX`.
        6 * self.0 as usize + 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_with_a_capacity_are_compressions() {
        let check = |number, expected| {
            assert_eq!(Compression::new(number).map(Compression::capacity), expected, "{number}");
        };
        check(1, Ok(16));
        check(100, Ok(610));
        check(357_913_939, Ok(2_147_483_644));
        check(0, Err(CompressionError::NotPositive));
        check(i64::MIN, Err(CompressionError::NotPositive));
        check(357_913_940, Err(CompressionError::TooLarge));
        check((1 << 32) + 1, Err(CompressionError::TooLarge));
        check(i64::MAX, Err(CompressionError::TooLarge));
    }

    #[test]
    fn doubles_that_are_none_are_refused() {
        assert_eq!(Compression::from_double(100.0), Some(Compression::DEFAULT));
        for none in [0.0, -1.0, 0.5, 100.5, 4e9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Compression::from_double(none), None, "{none}");
        }
    }
}
