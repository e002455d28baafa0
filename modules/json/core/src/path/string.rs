//! Quoted strings of a path.

use super::Dialect;
use super::error::{Expected, PathError};
use super::parse::Parser;

/// What a backslash means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// RFC 9535: JSON's, and the quote that encloses the string; nothing else.
    Strict,
    /// Both quotes and JSON's; any other backslash stands for itself.
    Loose,
    /// Only quotes and the backslash, as the rest means something to a regular expression.
    Regex,
}

impl Escapes {
    pub(super) const fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Redis => Self::Loose,
            Dialect::Strict => Self::Strict,
        }
    }
}

impl Parser<'_> {
    /// The string that starts here with its quote, unescaped.
    pub(super) fn string(
        &mut self,
        escapes: Escapes,
        expected: Expected,
    ) -> Result<Box<[u8]>, PathError> {
        let start = self.at;
        let mut out = Vec::new();
        let quote = self.peek().unwrap_or_default();
        self.at += 1;
        loop {
            let plain = self.take_while(|byte| byte != quote && byte != b'\\' && byte >= b' ');
            out.extend_from_slice(plain);
            match self.peek() {
                Some(byte) if byte == quote => break,
                Some(b'\\') if self.escape(quote, escapes, &mut out).is_some() => {}
                Some(byte) if byte < b' ' && escapes != Escapes::Strict => {
                    out.push(byte);
                    self.at += 1;
                }
                Some(_) | None => return self.fail_at(start, expected),
            }
        }
        self.at += 1;
        Ok(out.into_boxed_slice())
    }

    /// Takes an escape, which starts here; `None` if it is none.
    fn escape(&mut self, quote: u8, escapes: Escapes, out: &mut Vec<u8>) -> Option<()> {
        self.at += 1;
        let byte = self.peek()?;
        self.at += 1;
        let quoted = byte == quote || (matches!(byte, b'"' | b'\'') && escapes != Escapes::Strict);
        if quoted || byte == b'\\' {
            out.push(byte);
            return Some(());
        }
        let json = escapes != Escapes::Regex;
        match byte {
            b'/' if json => out.push(b'/'),
            b'b' if json => out.push(8),
            b'f' if json => out.push(12),
            b'n' if json => out.push(b'\n'),
            b'r' if json => out.push(b'\r'),
            b't' if json => out.push(b'\t'),
            b'u' if json => return self.unicode(escapes, out),
            _ if escapes == Escapes::Strict => return None,
            // The backslash stands for itself; what follows it is read as text.
            _ => {
                out.push(b'\\');
                self.at -= 1;
            }
        }
        Some(())
    }

    fn unicode(&mut self, escapes: Escapes, out: &mut Vec<u8>) -> Option<()> {
        let start = self.at;
        if let Some(character) = self.code_point() {
            let mut buffer = [0; 4];
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            return Some(());
        }
        if escapes == Escapes::Strict {
            return None;
        }
        self.at = start;
        out.extend_from_slice(b"\\u");
        Some(())
    }

    /// One or, of a surrogate pair, two groups of four hex digits, `\u` between them.
    fn code_point(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if !self.eat_all(b"\\u") {
            return None;
        }
        let low = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let mut value = 0;
        for digit in digits {
            value = value * 16 + char::from(*digit).to_digit(16)?;
        }
        self.at += 4;
        Some(value)
    }
}
