//! Walking a document along a path, depth first.

use super::ast::{Flavour, Segment, Selector, Slice};
use super::budget::{Budget, Exceeded};
use super::definite::{element, step};
use super::regexp::Compiled;
use super::{Dialect, Locations, ParentPath};
use crate::node::{Hint, Kind, Node};

/// Most frames of the walk at once. A path takes two per level of the document, each filter
/// around it as many again.
const DEPTH_MAX: u32 = 640;

impl ParentPath<'_> {
    /// As [`Path::select`](super::Path::select).
    ///
    /// # Errors
    /// As there.
    pub fn select<'a, N: Node<'a>>(
        &self,
        root: N,
        budget: &mut Budget,
        out: &mut Vec<N>,
    ) -> Result<(), Exceeded> {
        self.run(root, budget, &mut Collect(out))
    }

    /// As [`Path::locate`](super::Path::locate).
    ///
    /// # Errors
    /// As there.
    pub fn locate<'a, N: Node<'a>>(
        &self,
        root: N,
        budget: &mut Budget,
        out: &mut Locations,
    ) -> Result<(), Exceeded> {
        self.run(root, budget, &mut Trace { way: Vec::new(), out })
    }

    fn run<'a, N: Node<'a>>(
        &self,
        root: N,
        budget: &mut Budget,
        sink: &mut impl Sink<N>,
    ) -> Result<(), Exceeded> {
        let dialect = self.dialect;
        let mut machine = Machine { root, dialect, budget, depth: 0, memo: None };
        match machine.walk(self.segments, root, sink) {
            Ok(()) | Err(Stop::Enough) => Ok(()),
            Err(Stop::Exceeded(exceeded)) => Err(exceeded),
        }
    }
}

/// Why a walk ends early.
pub(super) enum Stop {
    /// The sink has what it wants.
    Enough,
    Exceeded(Exceeded),
}

/// Where matches go.
pub(super) trait Sink<N> {
    /// The walk goes down to a child.
    fn enter(&mut self, _position: usize) {}
    /// The walk comes back up.
    fn leave(&mut self) {}
    /// A match; `matches` is what is left of the budget.
    fn accept(&mut self, node: N, matches: &mut u64) -> Result<(), Stop>;
}

struct Collect<'o, N>(&'o mut Vec<N>);

impl<N> Sink<N> for Collect<'_, N> {
    fn accept(&mut self, node: N, matches: &mut u64) -> Result<(), Stop> {
        take_match(matches)?;
        self.0.push(node);
        Ok(())
    }
}

struct Trace<'o> {
    way: Vec<u32>,
    out: &'o mut Locations,
}

impl<N> Sink<N> for Trace<'_> {
    fn enter(&mut self, position: usize) {
        self.way.push(step(position));
    }

    fn leave(&mut self) {
        self.way.pop();
    }

    fn accept(&mut self, _: N, matches: &mut u64) -> Result<(), Stop> {
        take_match(matches)?;
        self.out.push(&self.way);
        Ok(())
    }
}

fn take_match(matches: &mut u64) -> Result<(), Stop> {
    *matches = matches.checked_sub(1).ok_or(Stop::Exceeded(Exceeded::Matches))?;
    Ok(())
}

/// One evaluation.
pub(super) struct Machine<'m, N> {
    pub(super) root: N,
    pub(super) dialect: Dialect,
    pub(super) budget: &'m mut Budget,
    pub(super) depth: u32,
    /// The last pattern that came from the document, as most often it stays the same.
    pub(super) memo: Option<Memo>,
}

/// A pattern from the document, compiled; `None` if it is no regular expression.
pub(super) struct Memo {
    pub(super) pattern: Box<[u8]>,
    pub(super) flavour: Flavour,
    pub(super) regex: Option<Compiled>,
}

impl<'a, N: Node<'a>> Machine<'_, N> {
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Stop> {
        let left = self.budget.steps.checked_sub(steps);
        self.budget.steps = left.ok_or(Stop::Exceeded(Exceeded::Steps))?;
        Ok(())
    }

    pub(super) fn deepen(&mut self) -> Result<(), Stop> {
        if self.depth >= DEPTH_MAX {
            return Err(Stop::Exceeded(Exceeded::Steps));
        }
        self.depth += 1;
        Ok(())
    }

    /// Gives `sink` what `segments` match from `node`.
    pub(super) fn walk<S: Sink<N>>(
        &mut self,
        segments: &[Segment],
        node: N,
        sink: &mut S,
    ) -> Result<(), Stop> {
        let Some((segment, rest)) = segments.split_first() else {
            return sink.accept(node, &mut self.budget.matches);
        };
        self.spend(1)?;
        self.deepen()?;
        if !segment.descendant {
            self.apply(segment, rest, node, sink)?;
        } else if let (Selector::Name(name), []) = (&segment.first, segment.rest.as_slice()) {
            self.descend_for(name, &mut Hint::default(), rest, node, sink)?;
        } else {
            self.descend(segment, rest, node, sink)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// The node, then all below it.
    fn descend<S: Sink<N>>(
        &mut self,
        segment: &Segment,
        rest: &[Segment],
        node: N,
        sink: &mut S,
    ) -> Result<(), Stop> {
        self.apply(segment, rest, node, sink)?;
        let (len, containers) = node.containers();
        self.spend(len as u64)?;
        for (position, child) in containers {
            self.deepen()?;
            sink.enter(position);
            self.descend(segment, rest, child, sink)?;
            sink.leave();
            self.depth -= 1;
        }
        Ok(())
    }

    /// As [`Self::descend`] for a single name.
    fn descend_for<S: Sink<N>>(
        &mut self,
        name: &[u8],
        hint: &mut Hint,
        rest: &[Segment],
        node: N,
        sink: &mut S,
    ) -> Result<(), Stop> {
        let scan = node.scan(name, hint);
        if let Some((position, child)) = scan.found {
            self.enter(position, child, rest, sink)?;
        }
        self.spend(scan.len as u64)?;
        for (position, child) in scan.containers {
            self.deepen()?;
            sink.enter(position);
            self.descend_for(name, hint, rest, child, sink)?;
            sink.leave();
            self.depth -= 1;
        }
        Ok(())
    }

    fn apply<S: Sink<N>>(
        &mut self,
        segment: &Segment,
        rest: &[Segment],
        node: N,
        sink: &mut S,
    ) -> Result<(), Stop> {
        self.pick(&segment.first, rest, node, sink)?;
        for selector in &segment.rest {
            self.pick(selector, rest, node, sink)?;
        }
        Ok(())
    }

    fn pick<S: Sink<N>>(
        &mut self,
        selector: &Selector,
        rest: &[Segment],
        node: N,
        sink: &mut S,
    ) -> Result<(), Stop> {
        match selector {
            Selector::Name(name) => match node.find(name) {
                Some((position, child)) => self.enter(position, child, rest, sink),
                None => Ok(()),
            },
            Selector::Index(index) => match element(node, *index, self.dialect) {
                Some((position, child)) => self.enter(position, child, rest, sink),
                None => Ok(()),
            },
            Selector::Slice(slice) => self.slice(*slice, rest, node, sink),
            Selector::Wildcard => self.each_child(node, |machine, position, child| {
                machine.enter(position, child, rest, sink)
            }),
            Selector::Filter(expr) => self.each_child(node, |machine, position, child| {
                if machine.holds(expr, child)? {
                    machine.enter(position, child, rest, sink)?;
                }
                Ok(())
            }),
        }
    }

    #[inline]
    fn enter<S: Sink<N>>(
        &mut self,
        position: usize,
        child: N,
        rest: &[Segment],
        sink: &mut S,
    ) -> Result<(), Stop> {
        sink.enter(position);
        if rest.is_empty() {
            sink.accept(child, &mut self.budget.matches)?;
        } else {
            self.walk(rest, child, sink)?;
        }
        sink.leave();
        Ok(())
    }

    fn each_child(
        &mut self,
        node: N,
        mut each: impl FnMut(&mut Self, usize, N) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let children = node.children();
        self.spend(children.len() as u64)?;
        for (position, child) in children.enumerate() {
            each(self, position, child)?;
        }
        Ok(())
    }

    fn slice<S: Sink<N>>(
        &mut self,
        slice: Slice,
        rest: &[Segment],
        node: N,
        sink: &mut S,
    ) -> Result<(), Stop> {
        let Kind::Array(length) = node.kind() else { return Ok(()) };
        let (mut position, end) = bounds(slice, length);
        while (slice.step > 0 && position < end) || (slice.step < 0 && position > end) {
            self.spend(1)?;
            if let Some((index, child)) = element(node, position, Dialect::Strict) {
                self.enter(index, child, rest, sink)?;
            }
            position = position.saturating_add(slice.step);
        }
        Ok(())
    }
}

/// First position and the one behind the last, per RFC 9535: 0 to length upwards, length - 1 to
/// -1 downwards.
fn bounds(slice: Slice, length: usize) -> (i64, i64) {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let upwards = slice.step >= 0;
    let (low, high) = if upwards { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: Option<i64>, default: i64| match bound {
        Some(bound) if bound < 0 => bound.saturating_add(length).clamp(low, high),
        Some(bound) => bound.clamp(low, high),
        None => default,
    };
    let (start, end) = if upwards { (low, high) } else { (high, low) };
    (clamp(slice.start, start), clamp(slice.end, end))
}
