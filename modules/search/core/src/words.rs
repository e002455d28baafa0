//! Arguments read as RediSearch reads them: typed, with one reason of refusal for all commands.

use keyspan_common::number::{parse_f64, parse_i64};

/// Why an argument is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Out of its range.
    Bounds,
    /// Not of the expected kind.
    Convert,
    /// Not there.
    Missing,
    /// None of the words expected.
    Unknown,
}

impl Fault {
    /// The text behind the name of the argument, as observed.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Bounds => "Value is outside acceptable bounds",
            Self::Convert => "Could not convert argument to expected type",
            Self::Missing => "Expected an argument, but none provided",
            Self::Unknown => "Unknown argument",
        }
    }
}

/// The words of a command that are still to be read.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    words: &'a [&'a [u8]],
    next: usize,
}

impl<'a> Words<'a> {
    /// Over `words`, from the first.
    #[must_use]
    pub const fn new(words: &'a [&'a [u8]]) -> Self {
        Self { words, next: 0 }
    }

    /// The next word, not taken.
    #[must_use]
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.words.get(self.next).copied()
    }

    /// Takes the next word.
    ///
    /// # Errors
    /// [`Fault::Missing`] behind the last.
    pub fn take(&mut self) -> Result<&'a [u8], Fault> {
        let word = self.peek().ok_or(Fault::Missing)?;
        self.next += 1;
        Ok(word)
    }

    /// Takes the next word if it is `keyword` in any mix of cases.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()));
        self.next += usize::from(found);
        found
    }

    /// How many words were taken.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.next
    }

    /// How many words are left.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.words.len().saturating_sub(self.next)
    }

    /// Whether no word is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes an integer; `3.0` is one too.
    ///
    /// # Errors
    /// [`Fault::Missing`], [`Fault::Convert`].
    pub fn integer(&mut self) -> Result<i64, Fault> {
        let word = self.take()?;
        parse_i64(word).or_else(|| integral(parse_f64(word)?)).ok_or(Fault::Convert)
    }

    /// Takes an integer that is not below `min`.
    ///
    /// # Errors
    /// [`Fault`], but no [`Fault::Unknown`].
    pub fn unsigned(&mut self, min: u64) -> Result<u64, Fault> {
        let number = self.integer()?;
        u64::try_from(number).ok().filter(|number| *number >= min).ok_or(Fault::Bounds)
    }

    /// Takes a double.
    ///
    /// # Errors
    /// [`Fault::Missing`], [`Fault::Convert`].
    pub fn double(&mut self) -> Result<f64, Fault> {
        parse_f64(self.take()?).ok_or(Fault::Convert)
    }

    /// Takes a count and as many words.
    ///
    /// # Errors
    /// [`Fault`], but no [`Fault::Unknown`].
    pub fn list(&mut self) -> Result<Words<'a>, Fault> {
        let count = usize::try_from(self.unsigned(0)?).map_err(|_| Fault::Missing)?;
        let end = self.next.checked_add(count).ok_or(Fault::Missing)?;
        let words = self.words.get(self.next..end).ok_or(Fault::Missing)?;
        self.next = end;
        Ok(Words::new(words))
    }

    /// All words that are left.
    #[must_use]
    pub fn rest(self) -> &'a [&'a [u8]] {
        self.words.get(self.next..).unwrap_or_default()
    }

    /// Copies of all words that are left.
    #[must_use]
    pub fn owned(self) -> Vec<Box<[u8]>> {
        self.rest().iter().map(|word| Box::from(*word)).collect()
    }
}

/// The integer a double is, if it is one.
fn integral(number: f64) -> Option<i64> {
    /// 2 to the power of 63.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let fits = number.trunc() == number && (-END..END).contains(&number);
    #[expect(clippy::cast_possible_truncation, reason = "in range, as was just checked")]
    fits.then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, min: u64, expected: Result<u64, Fault>) {
        assert_eq!(Words::new(&[word.as_bytes()]).unsigned(min), expected, "{word}");
    }

    #[test]
    fn counts_are_integers_within_bounds() {
        check("7", 0, Ok(7));
        check("7.0", 0, Ok(7));
        check("7.5", 0, Err(Fault::Convert));
        check("0", 1, Err(Fault::Bounds));
        check("-1", 0, Err(Fault::Bounds));
        check("abc", 0, Err(Fault::Convert));
        check("99999999999999999999", 0, Err(Fault::Convert));
        assert_eq!(Words::new(&[]).unsigned(0), Err(Fault::Missing));
    }

    #[test]
    fn lists_hold_what_they_announce() {
        let words: [&[u8]; 4] = [b"2", b"a", b"b", b"c"];
        let mut rest = Words::new(&words);
        assert_eq!(rest.list().map(Words::rest), Ok(&[&b"a"[..], b"b"][..]));
        assert!(rest.take_keyword("C") && rest.is_empty() && rest.position() == 4);
        assert_eq!(Words::new(&[b"1"]).list().err(), Some(Fault::Missing));
        assert_eq!(Words::new(&[b"9223372036854775807"]).list().err(), Some(Fault::Missing));
    }
}
