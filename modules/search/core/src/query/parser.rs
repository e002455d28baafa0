//! From a text to a tree, by recursive descent.
//!
//! ```text
//! query    nothing | star [knn] | or
//! or       and ('|' and)*
//! and      unary+
//! unary    '-' unary | '~' unary | primary ('=>' attributes)* [knn, behind the very first]
//! primary  '(' or ')' | '"' word* '"' | word | '%' word '%' | field
//! ```
//! A word that nobody looks for (a stop word) is no node: what holds nothing else is none either.
//! Parameters are replaced where they stand, but one that is missing is reported only if the text
//! is well formed.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token is one of those that may stand there, or wrong"
)]

use std::sync::Arc;

use super::lexer::{Lexer, Sort, Token, unescape};
use super::{Attributes, Error, Kind, Node, Pattern, Reading};

/// How deep parentheses and signs may be nested, as RediSearch bounds its parser's stack.
pub const DEPTH_MAX: usize = 250;
/// How long a text may be, in bytes.
pub const TEXT_MAX: usize = 1 << 20;

/// Reads a query.
///
/// # Errors
/// [`Error`]: what is wrong with the text or its parameters. O(text).
pub fn parse(text: &[u8], reading: &Reading<'_>) -> Result<Node, Error> {
    if text.len() > TEXT_MAX {
        return Err(Error::TooLong(TEXT_MAX));
    }
    let mut parser = Parser::new(text, reading);
    let node = parser.query()?;
    match parser.late {
        Some(error) => Err(error),
        None => Ok(node),
    }
}

/// A part of a query; nothing but stop words is none.
pub(super) type Part = Result<Option<Node>, Error>;

#[derive(Clone)]
pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    peeked: Option<Token<'a>>,
    pub(super) reading: &'a Reading<'a>,
    depth: usize,
    /// Whether the next primary is the first of the text: behind it, and it alone, `=>[KNN`.
    first: bool,
    /// Whether that was read: the text must end.
    closed: bool,
    /// The fields that surround what is read.
    scope: Option<Arc<[Box<[u8]>]>>,
    /// What is wrong with a parameter.
    late: Option<Error>,
}

impl<'a> Parser<'a> {
    const fn new(text: &'a [u8], reading: &'a Reading<'a>) -> Self {
        Self {
            lexer: Lexer::new(text, reading.dialect),
            peeked: None,
            reading,
            depth: 0,
            first: true,
            closed: false,
            scope: None,
            late: None,
        }
    }

    pub(super) const fn is_modern(&self) -> bool {
        self.reading.dialect >= 2
    }

    pub(super) fn peek(&mut self) -> Token<'a> {
        *self.peeked.get_or_insert_with(|| self.lexer.token())
    }

    pub(super) fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.peeked = None;
        token
    }

    /// Takes the next token if it is a `sort`.
    pub(super) fn take(&mut self, sort: Sort) -> bool {
        let found = self.peek().sort == sort;
        if found {
            self.peeked = None;
        }
        found
    }

    pub(super) fn expect(&mut self, sort: Sort) -> Result<Token<'a>, Error> {
        let token = self.next();
        if token.sort == sort { Ok(token) } else { Err(Self::wrong(token)) }
    }

    /// The error of a token that cannot stand there.
    pub(super) fn wrong(token: Token<'_>) -> Error {
        Error::Syntax(token.offset, token.near.into())
    }

    pub(super) fn node(&self, kind: Kind) -> Node {
        Node { kind, attributes: Attributes::default(), scope: self.scope.clone() }
    }

    /// The value, or keeps the error for later.
    pub(super) fn value<T: Default>(&mut self, value: Result<T, Error>) -> T {
        value.unwrap_or_else(|error| {
            self.late.get_or_insert(error);
            T::default()
        })
    }

    fn query(&mut self) -> Result<Node, Error> {
        let part = if self.peek().sort == Sort::End {
            None
        } else if self.take_star() {
            let all = self.node(Kind::All);
            Some(self.with_knn(all)?)
        } else {
            self.or()?
        };
        self.expect(Sort::End)?;
        Ok(part.unwrap_or_else(|| Kind::Nothing.into()))
    }

    /// Takes `*`, which the modern dialects allow in parentheses.
    fn take_star(&mut self) -> bool {
        let mut ahead = self.clone();
        let mut depth = 0;
        while self.is_modern() && depth < DEPTH_MAX && ahead.take(Sort::LeftParen) {
            depth += 1;
        }
        let found = ahead.take(Sort::Star) && (0..depth).all(|_| ahead.take(Sort::RightParen));
        if found {
            *self = ahead;
        }
        found
    }

    /// The node with what may stand behind `*`.
    fn with_knn(&mut self, node: Node) -> Result<Node, Error> {
        if self.is_modern() && self.take(Sort::Arrow) {
            self.expect(Sort::LeftBracket)?;
            let knn = self.knn(None)?;
            return self.with_attributes(knn, false);
        }
        Ok(node)
    }

    fn or(&mut self) -> Part {
        let mut parts = Vec::new();
        let first = self.and()?;
        if self.closed || self.peek().sort != Sort::Or {
            return Ok(first);
        }
        self.join(&mut parts, first, |kind| match kind {
            Kind::Or(children) => Ok(children),
            kind => Err(kind),
        });
        while self.take(Sort::Or) {
            parts.extend(self.and()?);
        }
        Ok(self.several(parts, Kind::Or))
    }

    fn and(&mut self) -> Part {
        let first = self.unary()?;
        if self.closed || !self.begins() {
            return Ok(first);
        }
        let mut parts = Vec::new();
        self.join(&mut parts, first, |kind| match kind {
            Kind::And(children) => Ok(children),
            kind => Err(kind),
        });
        while self.begins() {
            parts.extend(self.unary()?);
        }
        Ok(self.several(parts, Kind::And))
    }

    /// Puts the first part among the others: its children, if it is of the same kind and nothing
    /// else was said of it.
    fn join(
        &self,
        parts: &mut Vec<Node>,
        first: Option<Node>,
        children: impl Fn(Kind) -> Result<Vec<Node>, Kind>,
    ) {
        let Some(first) = first else { return };
        let Node { kind, attributes, scope } = first;
        if attributes != Attributes::default() || scope != self.scope {
            parts.push(Node { kind, attributes, scope });
            return;
        }
        match children(kind) {
            Ok(children) => parts.extend(children),
            Err(kind) => parts.push(Node { kind, attributes, scope }),
        }
    }

    fn several(&self, mut parts: Vec<Node>, kind: impl Fn(Vec<Node>) -> Kind) -> Option<Node> {
        if parts.len() > 1 { Some(self.node(kind(parts))) } else { parts.pop() }
    }

    /// Whether the next token begins a part.
    fn begins(&mut self) -> bool {
        match self.peek().sort {
            Sort::Infix
            | Sort::LeftParen
            | Sort::Minus
            | Sort::Modifier
            | Sort::Number
            | Sort::Percent
            | Sort::Prefix
            | Sort::Quote
            | Sort::Suffix
            | Sort::Term
            | Sort::Tilde
            | Sort::Wildcard => true,
            Sort::Attribute => self.is_modern(),
            _ => false,
        }
    }

    pub(super) fn unary(&mut self) -> Part {
        if self.depth >= DEPTH_MAX {
            return Err(Error::TooDeep);
        }
        self.depth += 1;
        let part = self.unary_at_depth();
        self.depth -= 1;
        part
    }

    fn unary_at_depth(&mut self) -> Part {
        let first = std::mem::take(&mut self.first);
        if self.take(Sort::Minus) {
            let part = self.unary()?;
            return Ok(part.map(|node| self.node(Kind::Not(Box::new(node)))));
        }
        if self.take(Sort::Tilde) {
            let part = self.unary()?;
            return Ok(part.map(|node| self.node(Kind::Optional(Box::new(node)))));
        }
        let node = self.primary()?.unwrap_or_else(|| self.node(Kind::Nothing));
        let node = self.with_attributes(node, first && self.is_modern())?;
        Ok((node.kind != Kind::Nothing).then_some(node))
    }

    /// The node with the attributes behind it, or as the filter of the vectors behind it.
    fn with_attributes(&mut self, mut node: Node, mut first: bool) -> Result<Node, Error> {
        while self.take(Sort::Arrow) {
            let token = self.next();
            match token.sort {
                Sort::LeftBrace => self.attributes(&mut node)?,
                Sort::LeftBracket if first => {
                    first = false;
                    self.closed = true;
                    node = self.knn(Some(node))?;
                }
                _ => return Err(Self::wrong(token)),
            }
        }
        Ok(node)
    }

    fn primary(&mut self) -> Part {
        let token = self.next();
        match token.sort {
            Sort::LeftParen => {
                let part = self.or()?;
                self.expect(Sort::RightParen)?;
                Ok(part)
            }
            Sort::Quote => self.quoted(),
            Sort::Percent => self.fuzzy().map(Some),
            Sort::Modifier => self.field(token),
            Sort::Term if self.is_missing(token) => self.missing().map(Some),
            Sort::Term | Sort::Number => Ok(self.words(token)),
            Sort::Attribute if self.is_modern() => {
                let value = self.reading.params.value(token.text).map(lower);
                let value = self.value(value);
                Ok(Some(self.node(Kind::Text(Pattern::Word(value)))))
            }
            _ => {
                let pattern = pattern(token, true).ok_or_else(|| Self::wrong(token))?;
                Ok(Some(self.node(Kind::Text(pattern))))
            }
        }
    }

    /// A word; in dialect 1 all words behind it belong to it.
    fn words(&mut self, first: Token<'a>) -> Option<Node> {
        let mut parts: Vec<Node> = self.looked_for(first).into_iter().collect();
        while !self.is_modern() && matches!(self.peek().sort, Sort::Term | Sort::Number) {
            let token = self.next();
            parts.extend(self.looked_for(token));
        }
        self.several(parts, Kind::And)
    }

    /// The word, unless it is a stop word.
    fn looked_for(&self, token: Token<'_>) -> Option<Node> {
        let stop = token.sort == Sort::Term && self.reading.stopwords.contains(token.text);
        (!stop).then(|| self.node(Kind::Text(Pattern::Word(lower(token.text)))))
    }

    fn quoted(&mut self) -> Part {
        let mut parts = Vec::new();
        loop {
            let token = self.next();
            match token.sort {
                Sort::Term | Sort::Number => parts.extend(self.looked_for(token)),
                Sort::Quote => return Ok(self.several(parts, Kind::Exact)),
                _ => return Err(Self::wrong(token)),
            }
        }
    }

    fn fuzzy(&mut self) -> Result<Node, Error> {
        let mut distance = 1;
        while self.take(Sort::Percent) {
            distance += 1;
        }
        let token = self.next();
        if distance > 3 || !matches!(token.sort, Sort::Term | Sort::Number) {
            return Err(Self::wrong(token));
        }
        for _ in 0..distance {
            self.expect(Sort::Percent)?;
        }
        Ok(self.node(Kind::Text(Pattern::Fuzzy(lower(token.text), distance))))
    }

    /// Runs `read` with the fields that surround it narrowed to `fields`.
    pub(super) fn within(
        &mut self,
        fields: Vec<Box<[u8]>>,
        read: impl FnOnce(&mut Self) -> Part,
    ) -> Part {
        let fields = match &self.scope {
            None => fields,
            Some(scope) => fields.into_iter().filter(|field| scope.contains(field)).collect(),
        };
        let outer = self.scope.replace(fields.into());
        let part = read(self);
        self.scope = outer;
        part
    }
}

/// What a token with signs stands for.
pub(super) fn pattern(token: Token<'_>, folded: bool) -> Option<Pattern> {
    let text = if folded { lower(token.text) } else { unescape(token.text) };
    match token.sort {
        Sort::Infix => Some(Pattern::Infix(text)),
        Sort::Prefix => Some(Pattern::Prefix(text)),
        Sort::Suffix => Some(Pattern::Suffix(text)),
        Sort::Wildcard => Some(Pattern::Wildcard(token.text.into())),
        _ => None,
    }
}

/// The text without escapes and in lower case.
fn lower(text: &[u8]) -> Box<[u8]> {
    let mut text = unescape(text);
    text.make_ascii_lowercase();
    text
}
