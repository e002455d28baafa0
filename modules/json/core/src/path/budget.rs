//! How much work one evaluation may be.

/// What is left to an evaluation, which counts it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nodes to look at; a comparison of texts and the compiling of a regular expression count as
    /// several. About 5 to 20 ns each.
    pub steps: u64,
    /// Matches to give out.
    pub matches: u64,
}

impl Budget {
    /// Steps of the default budget.
    pub const STEPS: u64 = 10_000_000;
    /// Matches of the default budget.
    pub const MATCHES: u64 = 1_000_000;

    /// A budget of so much.
    #[must_use]
    pub const fn new(steps: u64, matches: u64) -> Self {
        Self { steps, matches }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Self::STEPS, Self::MATCHES)
    }
}

/// Which part of a [`Budget`] was not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Its steps, or the depth of the evaluation's stack.
    Steps,
    /// Its matches.
    Matches,
}
