//! Segments and selectors.
//!
//! Without backtracking, so in linear time. RedisJSON's parser reports the furthest place it came
//! to and what it would have taken there; the `Expected` handed to each failure reproduces that.

use super::ast::{Segment, Selector, Slice};
use super::error::{Expected, Limit, PathError, Reason, Rule};
use super::string::Escapes;
use super::{Dialect, TEXT_MAX};

/// What a compiled part takes, about, in bytes.
const PART_BYTES: usize = 96;
/// What a compiled regular expression is taken to need, with what it caches as it runs, in bytes:
/// between the usual 20 KiB and the most.
const REGEX_BYTES: usize = 256 * 1024;

/// A text being compiled.
pub(super) struct Parser<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    pub(super) dialect: Dialect,
    pub(super) depth: usize,
    pub(super) parts: usize,
    pub(super) regexes: usize,
    /// What the end of the last filter could have been followed by.
    pub(super) tail: Expected,
}

impl<'t> Parser<'t> {
    /// Ready to read `text`, if it is UTF-8 and not too long.
    pub(super) fn new(text: &'t [u8], dialect: Dialect) -> Result<Self, PathError> {
        let tail = Expected::Selector;
        let parser = Self { text, at: 0, dialect, depth: 0, parts: 0, regexes: 0, tail };
        if text.len() > TEXT_MAX {
            return parser.exceeds(Limit::Length);
        }
        match std::str::from_utf8(text) {
            Ok(_) => Ok(parser),
            Err(error) => parser.breaks(error.valid_up_to(), Rule::Text),
        }
    }

    /// About how much memory what was read takes once compiled, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.text.len() + self.parts * PART_BYTES + self.regexes * REGEX_BYTES
    }

    /// The whole text.
    pub(super) fn path(&mut self) -> Result<Vec<Segment>, PathError> {
        if !self.eat(b'$') {
            return self.breaks(0, Rule::Root);
        }
        let segments = self.segments()?;
        if self.dialect == Dialect::Redis {
            self.blank();
        }
        if self.at < self.text.len() { self.fail(Expected::End) } else { Ok(segments) }
    }

    /// Segments while there are any; blanks behind the last stay.
    pub(super) fn segments(&mut self) -> Result<Vec<Segment>, PathError> {
        let mut segments = Vec::new();
        loop {
            let end = self.at;
            self.blank();
            if !matches!(self.peek(), Some(b'.' | b'[')) {
                self.at = end;
                return Ok(segments);
            }
            segments.push(self.segment()?);
        }
    }

    fn segment(&mut self) -> Result<Segment, PathError> {
        self.count()?;
        if self.eat(b'[') {
            return self.brackets(false);
        }
        self.at += 1;
        let descendant = self.eat(b'.');
        if self.dialect == Dialect::Redis {
            self.blank();
        }
        // RedisJSON takes a dot before a bracket.
        if (descendant || self.dialect == Dialect::Redis) && self.eat(b'[') {
            return self.brackets(descendant);
        }
        let first = if self.eat(b'*') { Selector::Wildcard } else { self.member()? };
        Ok(Segment { descendant, first, rest: Vec::new() })
    }

    fn member(&mut self) -> Result<Selector, PathError> {
        let name = match self.dialect {
            Dialect::Redis => self.take_while(is_literal),
            Dialect::Strict if self.peek().is_some_and(|byte| byte.is_ascii_digit()) => &[],
            Dialect::Strict => self.take_while(is_name),
        };
        if name.is_empty() {
            return self.fail(Expected::Member);
        }
        Ok(Selector::Name(name.into()))
    }

    /// What follows `[`, and the `]`.
    fn brackets(&mut self, descendant: bool) -> Result<Segment, PathError> {
        let first = self.selector()?;
        let mut rest = Vec::new();
        while self.eat(b',') {
            self.count()?;
            rest.push(self.selector()?);
        }
        self.at += 1;
        Ok(Segment { descendant, first, rest })
    }

    /// A selector and the blanks around it; `,` or `]` follows.
    fn selector(&mut self) -> Result<Selector, PathError> {
        self.blank();
        let start = self.at;
        let selector = match self.peek() {
            Some(b'*') => {
                self.at += 1;
                Selector::Wildcard
            }
            Some(b'?') => {
                self.at += 1;
                Selector::Filter(Box::new(self.nested(Self::expression)?))
            }
            Some(b'"' | b'\'') => {
                Selector::Name(self.string(Escapes::of(self.dialect), Expected::Selector)?)
            }
            _ => self.index_or_slice()?,
        };
        self.blank();
        if matches!(self.peek(), Some(b',' | b']')) {
            return Ok(selector);
        }
        match selector {
            Selector::Filter(_) => self.fail(self.tail),
            Selector::Name(_) | Selector::Index(_) | Selector::Slice(_) | Selector::Wildcard => {
                self.fail_at(start, Expected::Selector)
            }
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, PathError> {
        let position = self.at;
        let start = self.integer()?;
        self.blank();
        if !self.eat(b':') {
            return match start {
                Some(index) => Ok(Selector::Index(index)),
                None => self.fail_at(position, Expected::Selector),
            };
        }
        self.blank();
        let end = self.integer()?;
        self.blank();
        let step = if self.eat(b':') { self.step()? } else { 1 };
        Ok(Selector::Slice(Slice { start, end, step }))
    }

    /// What follows the second colon. RedisJSON has positive steps only.
    fn step(&mut self) -> Result<i64, PathError> {
        self.blank();
        let position = self.at;
        let step = match self.integer() {
            Err(PathError { reason: Reason::Expected(_), .. }) => {
                return self.fail_at(position, Expected::Step);
            }
            other => other?,
        };
        match (step, self.dialect) {
            (Some(step), Dialect::Redis) if step < 1 => self.fail_at(position, Expected::Step),
            (step, _) => Ok(step.unwrap_or(1)),
        }
    }
}

/// The characters of a member name after a dot in RedisJSON.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_`~+#%$^/:".contains(&byte)
}

/// The characters of RFC 9535's member-name-shorthand; it does not start with a digit.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}
