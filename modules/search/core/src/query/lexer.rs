//! The words of a query text.
//!
//! Errors name an offset and a piece of text. Words that carry text set both, signs set the offset
//! only: `@tag:{}` is wrong `at offset 6 near tag`. That is observed, and kept.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Arrow,
    Attribute,
    Colon,
    /// `==`
    Equal,
    End,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    Infix,
    LeftBrace,
    LeftBracket,
    LeftParen,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    Minus,
    Modifier,
    /// `!=`
    NotEqual,
    Number,
    Or,
    Percent,
    Prefix,
    Quote,
    RightBrace,
    RightBracket,
    RightParen,
    Semicolon,
    Star,
    Suffix,
    Term,
    Tilde,
    /// `w'...'`
    Wildcard,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) sort: Sort,
    /// Where it begins.
    pub(super) offset: usize,
    /// What an error that names it shows.
    pub(super) near: &'a [u8],
    /// Its text without signs, escapes as written; empty for signs.
    pub(super) text: &'a [u8],
}

/// Reads tokens one by one.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    next: usize,
    /// Whether comparisons and wildcards are words of the language.
    modern: bool,
    offset: usize,
    near: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a [u8], dialect: u8) -> Self {
        Self { text, next: 0, modern: dialect >= 2, offset: 0, near: &[] }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.text.get(from..to.min(self.text.len())).unwrap_or_default()
    }

    pub(super) fn token(&mut self) -> Token<'a> {
        while let Some(byte) = self.byte(self.next) {
            let start = self.next;
            if let Some(token) = self.token_at(start, byte) {
                return token;
            }
            // Blanks, and signs that mean nothing.
            self.next = start + 1;
        }
        self.make(Sort::End, self.offset, &[])
    }

    fn token_at(&mut self, start: usize, byte: u8) -> Option<Token<'a>> {
        if self.modern
            && let Some(token) = self.wildcard(start).or_else(|| self.comparison(start))
        {
            return Some(token);
        }
        match byte {
            b'@' => self.named(start, Sort::Modifier),
            b'$' => self.named(start, Sort::Attribute),
            b'*' => Some(self.star(start)),
            b'=' if self.byte(start + 1) == Some(b'>') => {
                self.next = start + 2;
                self.near = self.slice(start + 1, start + 3);
                Some(self.make(Sort::Arrow, start, &[]))
            }
            _ => self.word(start).or_else(|| self.sign(start, byte)),
        }
    }

    /// Makes the token that begins at `offset` the last one.
    fn make(&mut self, sort: Sort, offset: usize, text: &'a [u8]) -> Token<'a> {
        self.offset = offset;
        Token { sort, offset, near: self.near, text }
    }

    fn texted(&mut self, sort: Sort, offset: usize, text: &'a [u8], next: usize) -> Token<'a> {
        self.near = text;
        self.next = next;
        self.make(sort, offset, text)
    }

    fn sign(&mut self, start: usize, byte: u8) -> Option<Token<'a>> {
        let sort = match byte {
            b'"' => Sort::Quote,
            b'|' => Sort::Or,
            b'(' => Sort::LeftParen,
            b')' => Sort::RightParen,
            b'{' => Sort::LeftBrace,
            b'}' => Sort::RightBrace,
            b'[' => Sort::LeftBracket,
            b']' => Sort::RightBracket,
            b':' => Sort::Colon,
            b';' => Sort::Semicolon,
            b'-' => Sort::Minus,
            b'~' => Sort::Tilde,
            b'%' => Sort::Percent,
            _ => return None,
        };
        self.next = start + 1;
        Some(self.make(sort, start, &[]))
    }

    fn comparison(&mut self, start: usize) -> Option<Token<'a>> {
        let (sort, length) = match (self.byte(start)?, self.byte(start + 1)) {
            (b'=', Some(b'=')) => (Sort::Equal, 2),
            (b'!', Some(b'=')) => (Sort::NotEqual, 2),
            (b'>', Some(b'=')) => (Sort::GreaterEqual, 2),
            (b'<', Some(b'=')) => (Sort::LessEqual, 2),
            (b'>', _) => (Sort::Greater, 1),
            (b'<', _) => (Sort::Less, 1),
            _ => return None,
        };
        self.next = start + length;
        Some(self.make(sort, start, &[]))
    }

    fn wildcard(&mut self, start: usize) -> Option<Token<'a>> {
        if !self.slice(start, start + 2).eq_ignore_ascii_case(b"w'") {
            return None;
        }
        let end = self.closing(start + 2, b'\'')?;
        Some(self.texted(Sort::Wildcard, start, self.slice(start + 2, end), end + 1))
    }

    /// Where `quote` stands next without a backslash before it.
    fn closing(&self, from: usize, quote: u8) -> Option<usize> {
        let mut at = from;
        loop {
            match self.byte(at)? {
                b'\\' => at += 2,
                byte if byte == quote => return Some(at),
                _ => at += 1,
            }
        }
    }

    /// Behind the quote that closes the one at `at`; without one, behind that.
    fn behind_quote(&self, at: usize, quote: u8) -> usize {
        self.closing(at + 1, quote).unwrap_or(at) + 1
    }

    /// A sign and the word behind it.
    fn named(&mut self, start: usize, sort: Sort) -> Option<Token<'a>> {
        let end = self.term_end(start + 1);
        (end > start + 1).then(|| self.texted(sort, start, self.slice(start + 1, end), end))
    }

    fn star(&mut self, start: usize) -> Token<'a> {
        let end = self.term_end(start + 1);
        let text = self.slice(start + 1, end);
        if text.is_empty() {
            self.next = start + 1;
            self.make(Sort::Star, start, &[])
        } else if self.byte(end) == Some(b'*') {
            self.texted(Sort::Infix, start, text, end + 1)
        } else {
            self.texted(Sort::Suffix, start, text, end)
        }
    }

    /// A number or a term, whichever is longer.
    fn word(&mut self, start: usize) -> Option<Token<'a>> {
        let (term, number) = (self.term_end(start), self.number_end(start));
        let end = term.max(number);
        if end == start {
            return None;
        }
        let text = self.slice(start, end);
        Some(if self.byte(end) == Some(b'*') {
            self.texted(Sort::Prefix, start, text, end + 1)
        } else if number >= term {
            self.texted(Sort::Number, start, text, end)
        } else {
            self.texted(Sort::Term, start, text, end)
        })
    }

    fn term_end(&self, start: usize) -> usize {
        let mut end = start;
        while let Some(byte) = self.byte(end) {
            let escaped = self.byte(end + 1).is_some_and(is_escapable);
            end += match byte {
                b'\\' if escaped => 2,
                b'_' | 0x80.. => 1,
                _ if byte.is_ascii_alphanumeric() => 1,
                _ => break,
            };
        }
        end
    }

    /// The end of `-?digits(.digits)?(e[+-]?digits)?` or of `[+-]?inf`; `start` if there is none.
    fn number_end(&self, start: usize) -> usize {
        let signed = start + usize::from(matches!(self.byte(start), Some(b'-' | b'+')));
        if self.slice(signed, signed + 3).eq_ignore_ascii_case(b"inf") {
            return signed + 3;
        }
        if self.byte(start) == Some(b'+') {
            return start;
        }
        let whole = self.digits_end(signed);
        if whole == signed {
            return start;
        }
        let fraction = self.behind_digits(whole, self.byte(whole) == Some(b'.'), 1);
        let is_exponent = matches!(self.byte(fraction), Some(b'e' | b'E'));
        let sign = usize::from(matches!(self.byte(fraction + 1), Some(b'-' | b'+')));
        self.behind_digits(fraction, is_exponent, 1 + sign)
    }

    /// `from` moved behind `skip` bytes and the digits there, if `applies` and there are some.
    fn behind_digits(&self, from: usize, applies: bool, skip: usize) -> usize {
        let end = self.digits_end(from + skip);
        if applies && end > from + skip { end } else { from }
    }

    fn digits_end(&self, start: usize) -> usize {
        let mut end = start;
        while self.byte(end).is_some_and(|byte| byte.is_ascii_digit()) {
            end += 1;
        }
        end
    }

    /// One tag up to `|`, `}` or the end, blanks around it gone, escapes as written.
    ///
    /// Only the modern dialects read tags so; no token may have been read ahead.
    pub(super) fn tag(&mut self) -> Token<'a> {
        while self.byte(self.next).is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.next += 1;
        }
        let start = self.next;
        let mut end = start;
        while let Some(byte) = self.byte(end) {
            match byte {
                b'\\' => end += 2,
                b'|' | b'}' => break,
                b'"' if end == start => end = self.behind_quote(end, byte),
                b'\'' if self.slice(start, end).eq_ignore_ascii_case(b"w") => {
                    end = self.behind_quote(end, byte);
                }
                _ => end += 1,
            }
        }
        let end = end.min(self.text.len());
        let mut text = self.slice(start, end);
        while let [head @ .., last] = text
            && last.is_ascii_whitespace()
            && !head.ends_with(b"\\")
        {
            text = head;
        }
        self.next = end;
        if text.is_empty() {
            return self.make(Sort::Term, end, text);
        }
        self.texted(Sort::Term, start, text, end)
    }
}

/// What a backslash takes its meaning from.
pub(super) const fn is_escapable(byte: u8) -> bool {
    byte.is_ascii_punctuation() || byte.is_ascii_whitespace() || byte == 0x0B
}

/// The text without the backslashes before signs and blanks.
pub(super) fn unescape(text: &[u8]) -> Box<[u8]> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match bytes.next_if(|next| byte == b'\\' && is_escapable(*next)) {
            Some(escaped) => out.push(escaped),
            None => out.push(byte),
        }
    }
    out.into()
}
