//! Words that are too common to be looked for.

use std::cell::OnceCell;
use std::collections::HashSet;

/// RediSearch's list.
const COMMON: [&str; 33] = [
    "a", "is", "the", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into",
    "it", "no", "not", "of", "on", "or", "such", "that", "their", "then", "there", "these", "they",
    "this", "to", "was", "will", "with",
];

/// A set of words, compared without regard to case. Made for each query, of which few have words:
/// nothing is done before the first is asked for.
#[derive(Clone, Debug)]
pub struct Stopwords<'a> {
    own: Option<&'a [Box<[u8]>]>,
    /// `own` in lower case.
    lower: OnceCell<HashSet<Box<[u8]>>>,
}

impl<'a> Stopwords<'a> {
    /// No words.
    #[must_use]
    pub const fn none() -> Self {
        Self::of(Some(&[]))
    }

    /// The words of a schema, or RediSearch's where it has none of its own.
    #[must_use]
    pub const fn of(own: Option<&'a [Box<[u8]>]>) -> Self {
        Self { own, lower: OnceCell::new() }
    }

    /// Whether `word` is one.
    #[must_use]
    pub fn contains(&self, word: &[u8]) -> bool {
        match self.own {
            None => COMMON.iter().any(|common| word.eq_ignore_ascii_case(common.as_bytes())),
            Some([]) => false,
            Some(own) => {
                let lower = || own.iter().map(|own| own.to_ascii_lowercase().into()).collect();
                self.lower.get_or_init(lower).contains(word.to_ascii_lowercase().as_slice())
            }
        }
    }
}
