//! JSONPath: text to a compiled [`Path`], and a path over any [`Node`].
//!
//! Two dialects share one form. [`Dialect::Redis`] is what RedisJSON 8.8 takes, legacy paths
//! included, with its error texts, and RFC 9535's functions, `!` and mixed unions where RedisJSON
//! has only a parse error. [`Dialect::Strict`] is RFC 9535 to the letter.
//!
//! Evaluation goes depth first, which gives RFC 9535's order, since the results of a segment are
//! joined in the order of its inputs. Each segment goes down at least one level, so the recursion
//! is bounded by the depth of the document, whatever the path; a guard bounds it for nested filters.

mod ast;
mod budget;
mod cache;
mod compare;
mod cursor;
mod definite;
mod error;
mod eval;
mod filter;
mod locations;
mod parse;
mod parse_filter;
mod regexp;
mod string;

use smallvec::SmallVec;

use std::borrow::Cow;

pub use budget::{Budget, Exceeded};
pub use cache::Cache;
pub use error::PathError;
pub use locations::Locations;

use self::ast::{Segment, Selector};
use self::parse::Parser;
use crate::node::Node;

/// Longest path text, in bytes.
pub const TEXT_MAX: usize = 128 * 1024;
/// Deepest nesting of parentheses, filters and functions in a path.
pub const NESTING_MAX: usize = 64;
/// Most segments, selectors and operands in a path, together.
pub const PARTS_MAX: usize = 16 * 1024;
/// Most regular expressions in a path.
pub const REGEXES_MAX: usize = 16;
/// Size of a compiled regular expression, in bytes, as the regex crate counts it.
pub const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// The way to one value: the element index or member position at each level from the root. Most
/// ways need no allocation.
pub type Steps = SmallVec<[u32; 12]>;

/// The language of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// RedisJSON 8.8's.
    Redis,
    /// RFC 9535.
    Strict,
}

/// A compiled path. `Send` and `Sync`.
#[derive(Debug)]
pub struct Path {
    segments: Vec<Segment>,
    dialect: Dialect,
    legacy: bool,
    definite: bool,
    weight: usize,
}

impl Path {
    /// Compiles `text`. O(length), plus the regular expressions in it.
    ///
    /// # Errors
    /// When the dialect refuses the text, or it exceeds one of this module's limits.
    pub fn parse(text: &[u8], dialect: Dialect) -> Result<Self, PathError> {
        let (text, legacy) = match dialect {
            Dialect::Redis => normalise(text),
            Dialect::Strict => (Cow::Borrowed(text), false),
        };
        let mut parser = Parser::new(&text, dialect)?;
        let segments = parser.path()?;
        let definite = segments.iter().all(Segment::is_definite);
        let weight = parser.weight();
        Ok(Self { segments, dialect, legacy, definite, weight })
    }

    /// Whether it is no JSONPath but one of RedisJSON 1's forms (`.`, `.a`, `a`, `["a"]`), which
    /// stand for one value. Never in the strict dialect. O(1).
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// Whether it is `$` or `.`. O(1).
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether it can match one value at most: it has only single names and single indexes
    /// (RedisJSON's "static"). O(1).
    #[must_use]
    pub fn is_definite(&self) -> bool {
        self.definite
    }

    /// The one match of a definite path; `None` also for any other path. O(segments), no allocation.
    pub fn resolve<'a, N: Node<'a>>(&self, root: N) -> Option<N> {
        self.view().resolve(root)
    }

    /// As [`resolve`](Self::resolve), and adds to `steps` the element indexes and member positions
    /// that lead to the match. Adds nothing without a match.
    pub fn resolve_steps<'a, N: Node<'a>>(&self, root: N, steps: &mut Steps) -> Option<N> {
        self.view().resolve_steps(root, steps)
    }

    /// Adds all matches to `out`, in RFC 9535's order; a node may come several times.
    ///
    /// # Errors
    /// When the budget ends before the matches do; `out` then has those found so far.
    pub fn select<'a, N: Node<'a>>(
        &self,
        root: N,
        budget: &mut Budget,
        out: &mut Vec<N>,
    ) -> Result<(), Exceeded> {
        self.view().select(root, budget, out)
    }

    /// As [`select`](Self::select), giving the way to each match instead of the match.
    ///
    /// # Errors
    /// When the budget ends before the matches do; `out` then has those found so far.
    pub fn locate<'a, N: Node<'a>>(
        &self,
        root: N,
        budget: &mut Budget,
        out: &mut Locations,
    ) -> Result<(), Exceeded> {
        self.view().locate(root, budget, out)
    }

    /// The path without its last segment, and that segment: where to add a member or element.
    /// `None` for the root and for indefinite paths. O(segments).
    #[must_use]
    pub fn parent(&self) -> Option<(ParentPath<'_>, Last<'_>)> {
        let (last, segments) = self.segments.split_last()?;
        if !self.definite {
            return None;
        }
        let last = match &last.first {
            Selector::Name(name) => Last::Name(name),
            Selector::Index(index) => Last::Index(*index),
            Selector::Slice(_) | Selector::Wildcard | Selector::Filter(_) => return None,
        };
        Some((ParentPath { segments, dialect: self.dialect }, last))
    }

    /// About how much memory it takes, in bytes. O(1).
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    fn view(&self) -> ParentPath<'_> {
        ParentPath { segments: &self.segments, dialect: self.dialect }
    }
}

/// The last segment of a definite path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last<'p> {
    /// The name of a member, unescaped.
    Name(&'p [u8]),
    /// An index as written: from the end if negative.
    Index(i64),
}

/// The leading segments of a path.
#[derive(Clone, Copy, Debug)]
pub struct ParentPath<'p> {
    segments: &'p [Segment],
    dialect: Dialect,
}

/// Whether `text` is a JSONPath to RedisJSON, and not a legacy path.
fn is_json_path(text: &[u8]) -> bool {
    matches!(text, [b'$'] | [b'$', b'.' | b'[', ..])
}

/// The JSONPath of a RedisJSON path, and whether it was a legacy one.
fn normalise(text: &[u8]) -> (Cow<'_, [u8]>, bool) {
    if is_json_path(text) {
        return (Cow::Borrowed(text), false);
    }
    let prefix: &[u8] = match text {
        b"." => return (Cow::Borrowed(b"$"), true),
        [b'.', ..] => b"$",
        _ => b"$.",
    };
    (Cow::Owned([prefix, text].concat()), true)
}

#[cfg(test)]
mod tests;
