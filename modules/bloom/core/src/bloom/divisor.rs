//! Remainders by a divisor that stays, without the division: it takes 20 to 40 cycles, a probe
//! needs one, and an item needs many.

/// A number other than 0 to take remainders by.
///
/// With `m = floor((2^64 - 1) / d)` the quotient `floor(x * m / 2^64)` is the true one or one less,
/// because `x / d - x * m / 2^64 = x / 2^64 * (2^64 / d - m)`, and neither factor exceeds 1. So one
/// subtraction of `d` at most is missing: the remainder is exact for every `x` and `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Divisor {
    divisor: u64,
    reciprocal: u64,
}

impl Divisor {
    /// `None` for 0.
    pub(super) const fn new(divisor: u64) -> Option<Self> {
        match u64::MAX.checked_div(divisor) {
            Some(reciprocal) => Some(Self { divisor, reciprocal }),
            None => None,
        }
    }

    /// `value % self`.
    #[inline]
    pub(super) const fn remainder(self, value: u64) -> u64 {
        let rest = value.wrapping_sub(high(value, self.reciprocal).wrapping_mul(self.divisor));
        if rest >= self.divisor { rest - self.divisor } else { rest }
    }
}

/// The high half of a product.
#[inline]
const fn high(one: u64, other: u64) -> u64 {
    ((one as u128 * other as u128) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_remainder(value: u64, divisor: u64, shift in 0..64_u32) {
            let divisor = (divisor >> shift).max(1);
            let near = (value / divisor).wrapping_mul(divisor);
            for value in [value, near, near.wrapping_sub(1), near.wrapping_add(1), u64::MAX, 0] {
                let remainder = Divisor::new(divisor).map(|divisor| divisor.remainder(value));
                prop_assert_eq!(remainder, Some(value % divisor));
            }
        }
    }

    #[test]
    fn is_the_remainder_at_the_edges() {
        let edges = [1, 2, 3, 7, 8, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX];
        for divisor in edges {
            for value in edges.iter().flat_map(|&edge| [edge - 1, edge, edge.wrapping_add(1)]) {
                let remainder = Divisor::new(divisor).map(|divisor| divisor.remainder(value));
                assert_eq!(remainder, Some(value % divisor), "{value} % {divisor}");
            }
        }
        assert_eq!(Divisor::new(0), None);
    }
}
