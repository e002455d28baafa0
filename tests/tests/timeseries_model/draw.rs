//! Numbers that look random and are the same in every run.

/// A xorshift generator.
pub(crate) struct Draw(u64);

impl Draw {
    /// One that starts from a seed; each seed gives another sequence.
    pub(crate) fn new(seed: u64) -> Self {
        let mut draw = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..16 {
            draw.below(2);
        }
        draw
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub(crate) fn one_of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let count = u64::try_from(from.len()).unwrap();
        &from[usize::try_from(self.below(count)).unwrap()]
    }

    /// A value whose sums are exact, so that no order of adding matters.
    pub(crate) fn value(&mut self) -> f64 {
        let quarters = i32::try_from(self.below(800)).unwrap() - 400;
        f64::from(quarters) / 4.0
    }
}
