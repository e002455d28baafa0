//! Paths of single names and indexes: no allocation, no recursion.

use super::ast::{Segment, Selector};
use super::{Dialect, ParentPath, Steps};
use crate::node::{Kind, Node};

impl ParentPath<'_> {
    /// As [`Path::resolve`](super::Path::resolve).
    pub fn resolve<'a, N: Node<'a>>(&self, root: N) -> Option<N> {
        let mut node = root;
        for segment in self.segments {
            (_, node) = child(segment, node, self.dialect)?;
        }
        Some(node)
    }

    /// As [`Path::resolve_steps`](super::Path::resolve_steps).
    pub fn resolve_steps<'a, N: Node<'a>>(&self, root: N, steps: &mut Steps) -> Option<N> {
        let start = steps.len();
        let mut node = root;
        for segment in self.segments {
            let Some((position, next)) = child(segment, node, self.dialect) else {
                steps.truncate(start);
                return None;
            };
            steps.push(step(position));
            node = next;
        }
        Some(node)
    }
}

/// The one child that a definite segment picks.
pub(super) fn child<'a, N: Node<'a>>(
    segment: &Segment,
    node: N,
    dialect: Dialect,
) -> Option<(usize, N)> {
    if segment.descendant || !segment.rest.is_empty() {
        return None;
    }
    match &segment.first {
        Selector::Name(name) => node.find(name),
        Selector::Index(index) => element(node, *index, dialect),
        Selector::Slice(_) | Selector::Wildcard | Selector::Filter(_) => None,
    }
}

/// The element at `index`, from the end if negative.
///
/// RedisJSON takes the first element for an index before the first (`$.z[-10]`), RFC 9535 none.
pub(super) fn element<'a, N: Node<'a>>(
    node: N,
    index: i64,
    dialect: Dialect,
) -> Option<(usize, N)> {
    let position = match usize::try_from(index) {
        Ok(position) => position,
        Err(_) => from_end(node, index.unsigned_abs(), dialect)?,
    };
    node.element(position).map(|element| (position, element))
}

fn from_end<'a, N: Node<'a>>(node: N, back: u64, dialect: Dialect) -> Option<usize> {
    let Kind::Array(length) = node.kind() else { return None };
    let back = usize::try_from(back).unwrap_or(usize::MAX);
    match dialect {
        Dialect::Redis => Some(length.saturating_sub(back)),
        Dialect::Strict => length.checked_sub(back),
    }
}

/// A position as a step. Documents are far from 4 billion children of one value.
pub(super) fn step(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
