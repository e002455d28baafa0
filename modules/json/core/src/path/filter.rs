//! Whether a filter holds for a node.

use super::Dialect;
use super::ast::{Comparison, Expr, Literal, Matcher, Operator, Pattern, Query, Term};
use super::budget::Exceeded;
use super::compare::{self, Value};
use super::definite::child;
use super::eval::{Machine, Memo, Sink, Stop};
use super::regexp;
use crate::node::{Kind, Node, Number};

/// Steps that compiling a pattern of the document counts for.
const COMPILE_STEPS: u64 = 20_000;
/// And for each byte of the pattern.
const COMPILE_STEPS_PER_BYTE: u64 = 100;

/// Ends the walk at the first match.
struct Any(bool);

impl<N> Sink<N> for Any {
    fn accept(&mut self, _: N, _: &mut u64) -> Result<(), Stop> {
        self.0 = true;
        Err(Stop::Enough)
    }
}

struct Count(u64);

impl<N> Sink<N> for Count {
    fn accept(&mut self, _: N, _: &mut u64) -> Result<(), Stop> {
        self.0 += 1;
        Ok(())
    }
}

/// The one match; several are none.
struct Only<N>(Option<N>);

impl<N> Sink<N> for Only<N> {
    fn accept(&mut self, node: N, _: &mut u64) -> Result<(), Stop> {
        match self.0.replace(node) {
            None => Ok(()),
            Some(_) => {
                self.0 = None;
                Err(Stop::Enough)
            }
        }
    }
}

impl<'a, N: Node<'a>> Machine<'_, N> {
    /// Whether `expr` holds for `node`. Recursion is bounded by the nesting the parser takes.
    pub(super) fn holds(&mut self, expr: &Expr, node: N) -> Result<bool, Stop> {
        self.spend(1)?;
        self.deepen()?;
        let truth = match expr {
            Expr::And(all) => self.reaches(false, all, node)?,
            Expr::Or(all) => self.reaches(true, all, node)?,
            Expr::Not(inner) => !self.holds(inner, node)?,
            Expr::Exists(query) => self.exists(query, node)?,
            Expr::Compare(comparison) => self.compare(comparison, node)?,
            Expr::Match(matcher) => self.matches(matcher, node)?,
            Expr::Always => true,
        };
        self.depth -= 1;
        Ok(truth)
    }

    /// `goal` as soon as one of `all` is it, else its opposite.
    fn reaches(&mut self, goal: bool, all: &[Expr], node: N) -> Result<bool, Stop> {
        for expr in all {
            if self.holds(expr, node)? == goal {
                return Ok(goal);
            }
        }
        Ok(!goal)
    }

    fn query<S: Sink<N>>(&mut self, query: &Query, node: N, sink: &mut S) -> Result<(), Stop> {
        let depth = self.depth;
        let start = if query.absolute { self.root } else { node };
        match self.walk(&query.segments, start, sink) {
            Ok(()) | Err(Stop::Enough) => {
                self.depth = depth;
                Ok(())
            }
            Err(Stop::Exceeded(exceeded)) => Err(Stop::Exceeded(exceeded)),
        }
    }

    fn exists(&mut self, query: &Query, node: N) -> Result<bool, Stop> {
        let mut any = Any(false);
        self.query(query, node, &mut any)?;
        Ok(any.0)
    }

    fn only(&mut self, query: &Query, node: N) -> Result<Option<N>, Stop> {
        if query.is_singular() {
            self.spend(query.segments.len() as u64)?;
            let start = if query.absolute { self.root } else { node };
            let next = |node, segment| child(segment, node, self.dialect).map(|(_, node)| node);
            return Ok(query.segments.iter().try_fold(start, next));
        }
        let mut only = Only(None);
        self.query(query, node, &mut only)?;
        Ok(only.0)
    }

    fn compare(&mut self, comparison: &Comparison, node: N) -> Result<bool, Stop> {
        let left = self.value(&comparison.left, node)?;
        let right = self.value(&comparison.right, node)?;
        let nothing = matches!(left, Value::Nothing) || matches!(right, Value::Nothing);
        if nothing && self.dialect == Dialect::Redis {
            return Ok(false);
        }
        match comparison.operator {
            Operator::Equal => self.equal(left, right),
            Operator::NotEqual => Ok(!self.equal(left, right)?),
            Operator::Less => Ok(compare::is_less(left, right)),
            Operator::Greater => Ok(compare::is_less(right, left)),
            Operator::LessEqual => Ok(compare::is_less(left, right) || self.equal(left, right)?),
            Operator::GreaterEqual => Ok(compare::is_less(right, left) || self.equal(left, right)?),
        }
    }

    fn equal(&mut self, left: Value<'_, N>, right: Value<'_, N>) -> Result<bool, Stop> {
        compare::is_equal(left, right, &mut self.budget.steps)
            .ok_or(Stop::Exceeded(Exceeded::Steps))
    }

    /// The value of a term. Recursion is bounded by the nesting the parser takes.
    fn value<'t>(&mut self, term: &'t Term, node: N) -> Result<Value<'t, N>, Stop> {
        let value = match term {
            Term::Literal(literal) => Some(Value::Scalar(kind(literal))),
            Term::Query(query) | Term::Value(query) => self.only(query, node)?.map(Value::Node),
            Term::Length(inner) => length(self.value(inner, node)?).map(integer),
            Term::Count(query) => {
                let mut count = Count(0);
                self.query(query, node, &mut count)?;
                Some(integer(count.0))
            }
            Term::Match(_) => None,
        };
        Ok(value.unwrap_or(Value::Nothing))
    }

    fn matches(&mut self, matcher: &Matcher, node: N) -> Result<bool, Stop> {
        let subject = self.value(&matcher.subject, node)?;
        let Some(Kind::String(text)) = subject.kind() else { return Ok(false) };
        match &matcher.pattern {
            Pattern::Fixed(None) => Ok(false),
            Pattern::Fixed(Some(regex)) => {
                self.spend(regex.steps(text))?;
                Ok(regex.is_match(text))
            }
            Pattern::Dynamic(term) => {
                let pattern = self.value(term, node)?;
                let Some(Kind::String(pattern)) = pattern.kind() else { return Ok(false) };
                self.matches_dynamic(matcher, pattern, text)
            }
        }
    }

    fn matches_dynamic(
        &mut self,
        matcher: &Matcher,
        pattern: &[u8],
        text: &[u8],
    ) -> Result<bool, Stop> {
        let flavour = matcher.flavour;
        let known = |memo: &Memo| memo.flavour == flavour && *memo.pattern == *pattern;
        let memo = match self.memo.take().filter(known) {
            Some(memo) => memo,
            None => {
                self.spend(COMPILE_STEPS + COMPILE_STEPS_PER_BYTE * pattern.len() as u64)?;
                let regex = regexp::compile(pattern, flavour, self.dialect).ok();
                Memo { pattern: pattern.into(), flavour, regex }
            }
        };
        let truth = match &memo.regex {
            Some(regex) => {
                self.spend(regex.steps(text))?;
                regex.is_match(text)
            }
            None => false,
        };
        self.memo = Some(memo);
        Ok(truth)
    }
}

fn kind(literal: &Literal) -> Kind<'_> {
    match literal {
        Literal::Null => Kind::Null,
        Literal::Bool(truth) => Kind::Bool(*truth),
        Literal::Number(number) => Kind::Number(*number),
        Literal::String(text) => Kind::String(text),
    }
}

/// RFC 9535's `length`: characters, elements, members.
fn length<'a, N: Node<'a>>(value: Value<'_, N>) -> Option<u64> {
    match value.kind()? {
        Kind::String(text) => {
            // Each character has one byte that continues none.
            Some(text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64)
        }
        Kind::Array(length) | Kind::Object(length) => Some(length as u64),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => None,
    }
}

fn integer<N>(value: u64) -> Value<'static, N> {
    Value::Scalar(Kind::Number(i64::try_from(value).map_or(Number::Uint(value), Number::Int)))
}
