//! Why a text is no path, in RedisJSON's words where it has words.

use std::fmt;

/// What the grammar would have taken at the place of the error, named as RedisJSON 8.8 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Within brackets.
    Selector,
    /// After `.` and `..`.
    Member,
    /// After a complete segment.
    End,
    /// At the start of a filter, and of an operand.
    Filter,
    /// After the left operand of a filter, if it is a path.
    OperatorOrSegment,
    /// After the left operand of a filter, if it is no path.
    Operator,
    /// After a comparison, if it ends in a path.
    ConnectiveOrSegment,
    /// After a comparison.
    Connective,
    /// The step of a slice.
    Step,
}

impl Expected {
    const fn text(self) -> &'static str {
        match self {
            Self::Selector => "'<string>[,<string>,...]', '<number>', ['start:end:steps'], '*'",
            Self::Member => "<string>, '*'",
            Self::End => "EOI, '..'",
            Self::Filter => "single_filter",
            Self::OperatorOrSegment => "ge, gt, le, lt, eq, ne, re, and, or, '..'",
            Self::Operator => "ge, gt, le, lt, eq, ne, re, and, or",
            Self::ConnectiveOrSegment => "and, or, '..'",
            Self::Connective => "and, or",
            Self::Step => "pos_number",
        }
    }
}

/// A rule of RFC 9535 beyond its grammar, or of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    ArgumentCount,
    ArgumentType,
    Comparable,
    IndexRange,
    Logical,
    Root,
    Text,
    UnknownFunction,
}

impl Rule {
    const fn text(self) -> &'static str {
        match self {
            Self::ArgumentCount => "wrong number of function arguments",
            Self::ArgumentType => "wrong type of function argument",
            Self::Comparable => {
                "only literals, singular queries and function values can be compared"
            }
            Self::IndexRange => "integer out of range or not in shortest form",
            Self::Logical => "a literal or a function value must be compared",
            Self::Root => "a path starts with $",
            Self::Text => "not UTF-8",
            Self::UnknownFunction => "unknown function",
        }
    }
}

/// A limit that keeps a hostile path from costing memory, time or stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Length,
    Nesting,
    Parts,
    RegexCount,
    RegexSize,
}

impl Limit {
    const fn text(self) -> (&'static str, usize) {
        match self {
            Self::Length => ("path length", super::TEXT_MAX),
            Self::Nesting => ("path nesting", super::NESTING_MAX),
            Self::Parts => ("number of path parts", super::PARTS_MAX),
            Self::RegexCount => ("number of regular expressions in a path", super::REGEXES_MAX),
            Self::RegexSize => ("size of a compiled regular expression", super::REGEX_BYTES_MAX),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Expected(Expected),
    Rule(Rule),
    Limit(Limit),
}

/// Why a text is no path.
///
/// `Display` gives the whole text of the error reply: RedisJSON 8.8's, which has no code in front,
/// where the grammar refuses the text; one of our own, starting with `ERR`, where a limit or a rule
/// of RFC 9535 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathError {
    pub(super) position: usize,
    pub(super) reason: Reason,
}

impl PathError {
    /// Where, in bytes from the start of the text: of a legacy path, of the text with `$` or `$.`
    /// in front.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.position;
        match self.reason {
            Reason::Expected(expected) => {
                let list = expected.text();
                write!(out, "Error occurred at position {at}, Error at position {at}: ")?;
                write!(out, "expected one of the following: {list}")
            }
            Reason::Rule(rule) => write!(out, "ERR invalid path at position {at}: {}", rule.text()),
            Reason::Limit(limit) => {
                let (what, most) = limit.text();
                write!(out, "ERR {what} exceeds the limit of {most}")
            }
        }
    }
}

impl std::error::Error for PathError {}
