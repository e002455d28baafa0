//! What stands behind the name of a field.
//!
//! ```text
//! field    @name ('|' name)* (':' ('{' tags '}' | '[' bracket ']' | unary) | compare number)
//! bracket  end [end] | number number number unit | VECTOR_RANGE number $vector
//! end      ['('] number
//! ```

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token is one of those that may stand there, or wrong"
)]

use keyspan_common::number::parse_f64;

use super::lexer::{Sort, Token, unescape};
use super::parser::{Parser, Part, pattern};
use super::{Circle, Error, Kind, Node, Pattern, Range, Unit};

/// A number in brackets, and whether it is itself out of the range.
type End = (f64, bool);

impl<'a> Parser<'a> {
    /// `modifier` was taken.
    pub(super) fn field(&mut self, modifier: Token<'a>) -> Part {
        let mut names = vec![unescape(modifier.text)];
        while self.take(Sort::Or) {
            names.push(unescape(self.expect(Sort::Term)?.text));
        }
        let token = self.next();
        if token.sort != Sort::Colon {
            return self.comparison(&names, token).map(Some);
        }
        let name = names.first().cloned().unwrap_or_default();
        let behind = self.peek();
        match behind.sort {
            Sort::LeftBrace => {
                self.next();
                self.tags(name).map(Some)
            }
            Sort::LeftBracket => {
                self.next();
                self.bracket(name).map(Some)
            }
            Sort::Modifier => Err(Self::wrong(behind)),
            _ => self.within(names, Self::unary),
        }
    }

    /// `@n>5` and its like; only the modern dialects have such tokens.
    fn comparison(&mut self, names: &[Box<[u8]>], sign: Token<'a>) -> Result<Node, Error> {
        let field = names.first().cloned().unwrap_or_default();
        let mut range = Range {
            field,
            min: f64::NEG_INFINITY,
            max: f64::INFINITY,
            above_min: false,
            below_max: false,
        };
        let sorts = [
            Sort::Equal,
            Sort::NotEqual,
            Sort::Greater,
            Sort::GreaterEqual,
            Sort::Less,
            Sort::LessEqual,
        ];
        if names.len() != 1 || !sorts.contains(&sign.sort) {
            return Err(Self::wrong(sign));
        }
        let number = self.number()?;
        if !matches!(sign.sort, Sort::Less | Sort::LessEqual) {
            range.min = number;
        }
        if !matches!(sign.sort, Sort::Greater | Sort::GreaterEqual) {
            range.max = number;
        }
        range.above_min = sign.sort == Sort::Greater;
        range.below_max = sign.sort == Sort::Less;
        let node = self.node(Kind::Numeric(range));
        let negated = sign.sort == Sort::NotEqual;
        Ok(if negated { self.node(Kind::Not(Box::new(node))) } else { node })
    }

    /// `(@field)` behind `ismissing`.
    pub(super) fn missing(&mut self) -> Result<Node, Error> {
        self.expect(Sort::LeftParen)?;
        let field = unescape(self.expect(Sort::Modifier)?.text);
        self.expect(Sort::RightParen)?;
        Ok(self.node(Kind::Missing(field)))
    }

    /// Whether the word asks for what is missing.
    pub(super) fn is_missing(&mut self, token: Token<'_>) -> bool {
        self.is_modern()
            && token.text.eq_ignore_ascii_case(b"ismissing")
            && self.peek().sort == Sort::LeftParen
    }

    fn tags(&mut self, field: Box<[u8]>) -> Result<Node, Error> {
        let tags = if self.is_modern() { self.raw_tags()? } else { self.tag_words()? };
        Ok(self.node(Kind::Tags(field, tags)))
    }

    /// Tags in the modern dialects: all up to `|` or `}`.
    fn raw_tags(&mut self) -> Result<Vec<Pattern>, Error> {
        let mut tags = Vec::new();
        loop {
            let token = self.lexer.tag();
            tags.push(self.raw_tag(token)?);
            let end = self.next();
            match end.sort {
                Sort::Or => (),
                Sort::RightBrace => return Ok(tags),
                _ => return Err(Self::wrong(end)),
            }
        }
    }

    fn raw_tag(&mut self, token: Token<'a>) -> Result<Pattern, Error> {
        Ok(match token.text {
            [] => return Err(Self::wrong(token)),
            [b'"', text @ .., b'"'] => Pattern::Word(unescape(text)),
            [b'w' | b'W', b'\'', text @ .., b'\''] => Pattern::Wildcard(text.into()),
            [b'$', name @ ..] => {
                let value = self.reading.params.value(name).map(Box::from);
                Pattern::Word(self.value(value))
            }
            [b'*', text @ .., b'*'] if is_affix(text) => Pattern::Infix(unescape(text)),
            [b'*', text @ ..] if !text.is_empty() => Pattern::Suffix(unescape(text)),
            [text @ .., b'*'] if is_affix(text) => Pattern::Prefix(unescape(text)),
            text => Pattern::Word(unescape(text)),
        })
    }

    /// Tags in dialect 1: words, of which several in a row are one tag. The brace that closes them
    /// may be missing, and may stand there twice, as observed.
    fn tag_words(&mut self) -> Result<Vec<Pattern>, Error> {
        let mut tags = vec![self.tag_word()?];
        while self.take(Sort::Or) {
            tags.push(self.tag_word()?);
        }
        while self.take(Sort::RightBrace) {}
        Ok(tags)
    }

    fn tag_word(&mut self) -> Result<Pattern, Error> {
        let token = self.next();
        if !matches!(token.sort, Sort::Term | Sort::Number) {
            return pattern(token, false).ok_or_else(|| Self::wrong(token));
        }
        let mut tag = unescape(token.text).into_vec();
        while matches!(self.peek().sort, Sort::Term | Sort::Number) {
            tag.push(b' ');
            tag.extend_from_slice(&unescape(self.next().text));
        }
        Ok(Pattern::Word(tag.into()))
    }

    /// A range, a circle or a distance; `[` was taken.
    fn bracket(&mut self, field: Box<[u8]>) -> Result<Node, Error> {
        if self.is_modern() && self.peek().sort == Sort::Term {
            return self.vector_range(field);
        }
        let min = self.end()?;
        if self.is_modern() && self.take(Sort::RightBracket) {
            return Ok(self.range(field, min, min));
        }
        let max = self.end()?;
        if self.take(Sort::RightBracket) {
            return Ok(self.range(field, min, max));
        }
        let radius = self.end()?;
        let unit = self.unit()?;
        self.expect(Sort::RightBracket)?;
        let circle = circle(field, min.0, max.0, radius.0, &unit)?;
        Ok(self.node(Kind::Geo(circle)))
    }

    fn range(&self, field: Box<[u8]>, min: End, max: End) -> Node {
        self.node(Kind::Numeric(Range {
            field,
            min: min.0,
            max: max.0,
            above_min: min.1,
            below_max: max.1,
        }))
    }

    fn end(&mut self) -> Result<End, Error> {
        let exclusive = self.take(Sort::LeftParen);
        Ok((self.number()?, exclusive))
    }

    /// A number or, in the modern dialects, a parameter that is one.
    pub(super) fn number(&mut self) -> Result<f64, Error> {
        let sign = if self.take(Sort::Minus) { -1.0 } else { 1.0 };
        let token = self.next();
        let number = match token.sort {
            Sort::Number => parse_f64(token.text).ok_or_else(|| Self::wrong(token))?,
            Sort::Attribute if self.is_modern() => {
                let number = self.reading.params.number(token.text);
                self.value(number)
            }
            _ => return Err(Self::wrong(token)),
        };
        Ok(sign * number)
    }

    fn unit(&mut self) -> Result<Box<[u8]>, Error> {
        let token = self.next();
        match token.sort {
            Sort::Term => Ok(token.text.into()),
            Sort::Attribute if self.is_modern() => {
                let unit = self.reading.params.value(token.text).map(Box::from);
                // A unit that is missing is reported as that.
                Ok(self.value(unit))
            }
            _ => Err(Self::wrong(token)),
        }
    }
}

/// Whether a star before or behind `text` is one.
fn is_affix(text: &[u8]) -> bool {
    let escapes = text.iter().rev().take_while(|byte| **byte == b'\\').count();
    !text.is_empty() && escapes % 2 == 0
}

/// A circle whose numbers are in range.
pub(crate) fn circle(
    field: Box<[u8]>,
    longitude: f64,
    latitude: f64,
    radius: f64,
    unit: &[u8],
) -> Result<Circle, Error> {
    let unit = Unit::named(unit).ok_or(Error::GeoUnit)?;
    if !(-180.0..=180.0).contains(&longitude) || !(-90.0..=90.0).contains(&latitude) {
        return Err(Error::GeoPlace);
    }
    if radius.is_nan() || radius <= 0.0 {
        return Err(Error::GeoRadius);
    }
    Ok(Circle { field, longitude, latitude, radius, unit })
}
