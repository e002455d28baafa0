//! What a path compiles to.

use super::regexp::Compiled;
use crate::node::Number;

/// One step of a path: for each node that came so far, the nodes its selectors pick.
#[derive(Debug)]
pub(super) struct Segment {
    /// `..`: the selectors apply to the node and to everything below it.
    pub(super) descendant: bool,
    /// The first selector. Apart from `rest` because most segments have just this one.
    pub(super) first: Selector,
    /// The further ones of a union.
    pub(super) rest: Vec<Selector>,
}

impl Segment {
    /// Whether it picks at most one child.
    pub(super) fn is_definite(&self) -> bool {
        let single = matches!(self.first, Selector::Name(_) | Selector::Index(_));
        single && !self.descendant && self.rest.is_empty()
    }
}

/// A choice among the children of a node.
#[derive(Debug)]
pub(super) enum Selector {
    Name(Box<[u8]>),
    Index(i64),
    Slice(Slice),
    Wildcard,
    Filter(Box<Expr>),
}

/// `start:end:step`; a zero step picks nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) step: i64,
}

/// A query within a filter.
#[derive(Debug)]
pub(super) struct Query {
    /// It starts with `$`, the root, and not with `@`, the node under the filter.
    pub(super) absolute: bool,
    pub(super) segments: Vec<Segment>,
}

impl Query {
    /// RFC 9535's singular query.
    pub(super) fn is_singular(&self) -> bool {
        self.segments.iter().all(Segment::is_definite)
    }
}

/// A logical expression.
#[derive(Debug)]
pub(super) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Exists(Query),
    Compare(Box<Comparison>),
    Match(Box<Matcher>),
    /// A literal standing alone, which the Redis dialect takes for true.
    Always,
}

/// `left operator right`
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) left: Term,
    pub(super) operator: Operator,
    pub(super) right: Term,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// Something with a value. Its nesting is bounded by the parser.
#[derive(Debug)]
pub(super) enum Term {
    Literal(Literal),
    Query(Query),
    Length(Box<Term>),
    Count(Query),
    Value(Query),
    /// `match` or `search`: a truth, which cannot be compared.
    Match(Box<Matcher>),
}

#[derive(Debug)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(Number),
    String(Box<[u8]>),
}

/// A test of a string by a regular expression.
#[derive(Debug)]
pub(super) struct Matcher {
    pub(super) subject: Term,
    pub(super) pattern: Pattern,
    pub(super) flavour: Flavour,
}

#[derive(Debug)]
pub(super) enum Pattern {
    /// Compiled with the path; `None` is no regular expression and matches nothing.
    Fixed(Option<Compiled>),
    /// From the document.
    Dynamic(Term),
}

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// `=~`: the regex crate's own syntax, found anywhere.
    Native,
    /// `match`: an I-Regexp for the whole string.
    Match,
    /// `search`: an I-Regexp, found anywhere.
    Search,
}
