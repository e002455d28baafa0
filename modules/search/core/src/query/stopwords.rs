//! Words that are too common to be looked for.

use std::collections::HashSet;

/// RediSearch's list.
const COMMON: [&str; 33] = [
    "a", "is", "the", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into",
    "it", "no", "not", "of", "on", "or", "such", "that", "their", "then", "there", "these", "they",
    "this", "to", "was", "will", "with",
];

/// A set of words, compared in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopwords(HashSet<Box<[u8]>>);

impl Stopwords {
    /// No words.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The words of a schema, or RediSearch's where it has none of its own.
    #[must_use]
    pub fn of(own: Option<&[Box<[u8]>]>) -> Self {
        let lower = |word: &[u8]| word.to_ascii_lowercase().into_boxed_slice();
        Self(match own {
            Some(words) => words.iter().map(|word| lower(word)).collect(),
            None => COMMON.iter().map(|word| lower(word.as_bytes())).collect(),
        })
    }

    /// Whether `word` is one.
    #[must_use]
    pub fn contains(&self, word: &[u8]) -> bool {
        !self.0.is_empty() && self.0.contains(word.to_ascii_lowercase().as_slice())
    }
}
