//! The words of a command line, where options may stand anywhere.
//!
//! An option is looked for among all words, as RedisTimeSeries does, and the first one counts: a
//! label of that name too. A key of that name does not ([`Words::behind_key`]): RedisTimeSeries has no
//! way to name it, but a series comes to such a key by a sample, and replicas are told all options.
//! Unknown words are nobody's, and ignored.

use keyspan_common::number::{parse_f64, parse_i64};

/// The words of a command line, its name included.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(pub &'a [&'a [u8]]);

impl<'a> Words<'a> {
    /// Where a keyword stands, behind the command's name.
    pub fn find(&self, keyword: &str) -> Option<usize> {
        let keyword = keyword.as_bytes();
        let words = self.0.iter().skip(1);
        words.map(|word| word.eq_ignore_ascii_case(keyword)).position(|is| is).map(|at| at + 1)
    }

    /// The words behind the first one, a key, which stands where the command's name does: no option
    /// is looked for there.
    pub fn behind_key(self) -> Self {
        Self(self.part(1, self.len()))
    }

    /// The word at a place.
    pub fn get(&self, place: usize) -> Option<&'a [u8]> {
        self.0.get(place).copied()
    }

    /// The integer at a place.
    pub fn integer(&self, place: usize) -> Option<i64> {
        parse_i64(self.get(place)?)
    }

    /// The number at a place.
    pub fn number(&self, place: usize) -> Option<f64> {
        parse_f64(self.get(place)?)
    }

    /// Whether the word at a place is this one.
    pub fn is(&self, place: usize, keyword: &str) -> bool {
        self.get(place).is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()))
    }

    /// The words from one place to before another.
    pub fn part(&self, from: usize, to: usize) -> &'a [&'a [u8]] {
        self.0.get(from..to.min(self.0.len())).unwrap_or_default()
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
