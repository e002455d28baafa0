//! What a walk may answer with, asked for thousands of documents.

use crate::index::vector::{Allowed, Label};
use crate::index::{DocId, DocSet};

/// Up to so many documents a bit map is filled, which takes 2 ns for each. Larger sets are kept as
/// bit maps for the most part already, and asking them takes 5 ns.
const FILLED: u64 = 1 << 14;

/// The allowed documents that are not stale.
pub(super) enum Allowing<'a> {
    /// A bit for each number up to the greatest.
    Bits(Vec<u64>),
    /// The sets themselves.
    Sets(&'a DocSet, &'a DocSet),
}

impl<'a> Allowing<'a> {
    /// Of `allowed` those that are not `stale`.
    pub(super) fn new(allowed: &'a DocSet, stale: &'a DocSet) -> Self {
        let most = allowed.max().unwrap_or(0) as usize / 64;
        if allowed.len() > FILLED {
            return Self::Sets(allowed, stale);
        }
        let mut bits = vec![0; most + 1];
        for id in allowed {
            set(&mut bits, id, true);
        }
        for id in stale {
            set(&mut bits, id, false);
        }
        Self::Bits(bits)
    }
}

fn set(bits: &mut [u64], id: DocId, value: bool) {
    if let Some(word) = bits.get_mut(id as usize / 64) {
        let bit = 1 << (id % 64);
        *word = if value { *word | bit } else { *word & !bit };
    }
}

impl Allowed for Allowing<'_> {
    #[inline]
    fn allows(&self, label: Label) -> bool {
        match self {
            Self::Bits(bits) => {
                bits.get(label as usize / 64).is_some_and(|word| word >> (label % 64) & 1 == 1)
            }
            Self::Sets(allowed, stale) => allowed.contains(label) && !stale.contains(label),
        }
    }
}
