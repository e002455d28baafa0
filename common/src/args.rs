//! A cursor over the words of one command.

/// One word of a command line, with its place in it.
///
/// The place lets a host open a key by the word the server already holds, without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg<'a> {
    /// The bytes of the word.
    pub bytes: &'a [u8],
    /// Its index in the command line; the command's name is 0.
    pub position: usize,
}

impl<'a> Arg<'a> {
    /// A key that no word of the command line names: [`Host`](crate::host::Host) finds it by its
    /// bytes, which costs a copy.
    pub const fn named(bytes: &'a [u8]) -> Self {
        Self { bytes, position: usize::MAX }
    }
}

/// What is missing or left over in a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The words of a command line that are still to be read, the command's name excluded.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    words: &'a [&'a [u8]],
    next: usize,
}

impl<'a> Args<'a> {
    /// A cursor behind the command's name, `words[0]`.
    pub fn new(words: &'a [&'a [u8]]) -> Self {
        Self { words, next: 1 }
    }

    /// The next word without taking it.
    pub fn peek(&self) -> Option<Arg<'a>> {
        self.words.get(self.next).map(|bytes| Arg { bytes, position: self.next })
    }

    /// The next word, or [`Malformed`] behind the last.
    pub fn take(&mut self) -> Result<Arg<'a>, Malformed> {
        let arg = self.peek().ok_or(Malformed)?;
        self.next += 1;
        Ok(arg)
    }

    /// Takes the next word if it is `keyword` in any mix of cases.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let found =
            self.peek().is_some_and(|arg| arg.bytes.eq_ignore_ascii_case(keyword.as_bytes()));
        self.next += usize::from(found);
        found
    }

    /// The words that are left, without taking them.
    pub fn rest(&self) -> &'a [&'a [u8]] {
        self.words.get(self.next..).unwrap_or_default()
    }

    /// All words, the command's name included.
    pub fn all(&self) -> &'a [&'a [u8]] {
        self.words
    }

    /// How many words are left.
    pub fn len(&self) -> usize {
        self.words.len().saturating_sub(self.next)
    }

    /// Whether every word was taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// [`Malformed`] unless every word was taken: a word that nobody read is an error.
    pub fn finish(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// The words left, one by one. No iterator itself: [`Args::take`] would hide behind
/// [`Iterator::take`].
impl<'a> IntoIterator for Args<'a> {
    type Item = Arg<'a>;
    type IntoIter = Words<'a>;

    fn into_iter(self) -> Words<'a> {
        Words(self)
    }
}

/// The iterator of [`Args`].
#[derive(Clone, Debug)]
pub struct Words<'a>(Args<'a>);

impl<'a> Iterator for Words<'a> {
    type Item = Arg<'a>;

    fn next(&mut self) -> Option<Arg<'a>> {
        self.0.take().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_in_order_and_know_their_place() {
        let words: [&[u8]; 4] = [b"CMD", b"key", b"nx", b"v"];
        let mut args = Args::new(&words);
        assert_eq!(args.take(), Ok(Arg { bytes: b"key", position: 1 }));
        assert!(!args.take_keyword("XX") && args.take_keyword("NX"));
        assert_eq!((args.len(), args.finish()), (1, Err(Malformed)));
        assert_eq!((args.rest(), args.all().len()), (&words[3..], 4));
        assert_eq!(args.into_iter().map(|arg| arg.position).collect::<Vec<_>>(), [3]);
        assert_eq!(args.take().map(|arg| arg.bytes), Ok(&b"v"[..]));
        assert_eq!((args.take(), args.finish()), (Err(Malformed), Ok(())));
    }

    #[test]
    fn an_empty_line_has_no_words() {
        assert!(Args::new(&[]).is_empty() && Args::new(&[b"CMD"]).is_empty());
    }
}
