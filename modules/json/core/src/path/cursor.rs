//! Reading a path's text byte by byte, and its numbers.

use super::error::{Expected, Limit, PathError, Reason, Rule};
use super::parse::Parser;
use super::{Dialect, NESTING_MAX, PARTS_MAX};
use crate::node::Number;

/// Largest magnitude of an integer in RFC 9535's selectors: 2^53 - 1.
const INTEROPERABLE: u64 = (1 << 53) - 1;

impl<'t> Parser<'t> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn eat_all(&mut self, bytes: &[u8]) -> bool {
        let found = self.rest().starts_with(bytes);
        if found {
            self.at += bytes.len();
        }
        found
    }

    pub(super) fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes the bytes that `belongs` accepts.
    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'t [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn fail<T>(&self, expected: Expected) -> Result<T, PathError> {
        self.fail_at(self.at, expected)
    }

    pub(super) fn fail_at<T>(&self, position: usize, expected: Expected) -> Result<T, PathError> {
        Err(PathError { position, reason: Reason::Expected(expected) })
    }

    pub(super) fn breaks<T>(&self, position: usize, rule: Rule) -> Result<T, PathError> {
        Err(PathError { position, reason: Reason::Rule(rule) })
    }

    pub(super) fn exceeds<T>(&self, limit: Limit) -> Result<T, PathError> {
        Err(PathError { position: self.at, reason: Reason::Limit(limit) })
    }

    /// Counts one segment, selector or operand.
    pub(super) fn count(&mut self) -> Result<(), PathError> {
        self.parts += 1;
        if self.parts > PARTS_MAX { self.exceeds(Limit::Parts) } else { Ok(()) }
    }

    /// Runs `inner` one level of nesting deeper.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, PathError>,
    ) -> Result<T, PathError> {
        if self.depth >= NESTING_MAX {
            return self.exceeds(Limit::Nesting);
        }
        self.depth += 1;
        let outcome = inner(self);
        self.depth -= 1;
        outcome
    }

    /// An integer of an index or slice; `None` if none starts here.
    pub(super) fn integer(&mut self) -> Result<Option<i64>, PathError> {
        let start = self.at;
        let negative = self.eat(b'-');
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return if negative { self.fail_at(start, Expected::Selector) } else { Ok(None) };
        }
        if self.dialect == Dialect::Strict && !is_shortest(digits, negative) {
            return self.breaks(start, Rule::IndexRange);
        }
        Ok(Some(signed(saturating(digits), negative)))
    }

    /// A number of a filter, as its value; `None` if none starts here.
    pub(super) fn number(&mut self) -> Result<Option<Number>, PathError> {
        let start = self.at;
        self.eat(b'-');
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let leading_zero = digits.len() > 1 && digits.starts_with(b"0");
        if digits.is_empty() || (self.dialect == Dialect::Strict && leading_zero) {
            self.at = start;
            return Ok(None);
        }
        let whole = !self.fraction(start)? & !self.exponent(start)?;
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(std::str::from_utf8(text).ok().and_then(|text| value(text, whole)))
    }

    fn fraction(&mut self, start: usize) -> Result<bool, PathError> {
        if !self.eat(b'.') {
            return Ok(false);
        }
        if self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
            return self.fail_at(start, Expected::Filter);
        }
        Ok(true)
    }

    fn exponent(&mut self, start: usize) -> Result<bool, PathError> {
        if !self.eat(b'e') && !self.eat(b'E') {
            return Ok(false);
        }
        if !self.eat(b'-') {
            self.eat(b'+');
        }
        if self.take_while(|byte| byte.is_ascii_digit()).is_empty() {
            return self.fail_at(start, Expected::Filter);
        }
        Ok(true)
    }
}

fn is_shortest(digits: &[u8], negative: bool) -> bool {
    let zero = digits.starts_with(b"0");
    let shortest = !zero || (digits.len() == 1 && !negative);
    shortest && saturating(digits) <= INTEROPERABLE
}

fn saturating(digits: &[u8]) -> u64 {
    digits.iter().fold(0u64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
    })
}

fn signed(magnitude: u64, negative: bool) -> i64 {
    match i64::try_from(magnitude) {
        Ok(value) if negative => -value,
        Ok(value) => value,
        Err(_) if negative => i64::MIN,
        Err(_) => i64::MAX,
    }
}

/// The number of a literal. One too large for a double becomes infinite, which equals nothing
/// stored and orders rightly.
fn value(text: &str, whole: bool) -> Option<Number> {
    if whole {
        if let Ok(value) = text.parse() {
            return Some(Number::Int(value));
        }
        if let Ok(value) = text.parse() {
            return Some(Number::Uint(value));
        }
    }
    text.parse().ok().map(Number::Double)
}
