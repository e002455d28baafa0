//! Filters: logical expressions, comparisons, functions.

use super::Dialect;
use super::REGEXES_MAX;
use super::ast::{Comparison, Expr, Flavour, Literal, Matcher, Operator, Pattern, Query, Term};
use super::error::{Expected, Limit, PathError, Rule};
use super::parse::Parser;
use super::regexp::{self, Refusal};
use super::string::Escapes;

const OPERATORS: [(&[u8], Operator); 6] = [
    (b"==", Operator::Equal),
    (b"!=", Operator::NotEqual),
    (b"<=", Operator::LessEqual),
    (b">=", Operator::GreaterEqual),
    (b"<", Operator::Less),
    (b">", Operator::Greater),
];

impl Parser<'_> {
    /// `a && b || c`, the blanks in front included.
    pub(super) fn expression(&mut self) -> Result<Expr, PathError> {
        let first = self.conjunction()?;
        let mut all = vec![first];
        while self.connective(b"||") {
            all.push(self.conjunction()?);
        }
        Ok(flat(all, Expr::Or))
    }

    fn conjunction(&mut self) -> Result<Expr, PathError> {
        let first = self.basic()?;
        let mut all = vec![first];
        while self.connective(b"&&") {
            all.push(self.basic()?);
        }
        Ok(flat(all, Expr::And))
    }

    fn connective(&mut self, sign: &[u8]) -> bool {
        let end = self.at;
        self.blank();
        let found = self.eat_all(sign);
        if !found {
            self.at = end;
        }
        found
    }

    fn basic(&mut self) -> Result<Expr, PathError> {
        self.count()?;
        self.blank();
        let negated = self.eat(b'!');
        if negated {
            self.blank();
        }
        let expr = if self.eat(b'(') { self.parenthesis()? } else { self.test(negated)? };
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn parenthesis(&mut self) -> Result<Expr, PathError> {
        let expr = self.nested(Self::expression)?;
        self.blank();
        if !self.eat(b')') {
            return self.fail(self.tail);
        }
        self.tail = Expected::Connective;
        Ok(expr)
    }

    /// A comparison, or something true or false by itself. A comparison cannot be negated.
    fn test(&mut self, negated: bool) -> Result<Expr, PathError> {
        let start = self.at;
        let left = self.term()?;
        let end = self.at;
        self.blank();
        if !negated {
            if self.dialect == Dialect::Redis && self.eat_all(b"=~") {
                return self.native_match(left);
            }
            if let Some(operator) = self.operator() {
                return self.comparison(start, left, operator);
            }
        }
        self.at = end;
        self.tail = match left {
            Term::Query(_) => Expected::OperatorOrSegment,
            Term::Literal(_)
            | Term::Length(_)
            | Term::Count(_)
            | Term::Value(_)
            | Term::Match(_) => Expected::Operator,
        };
        self.truth(start, left)
    }

    fn truth(&self, start: usize, term: Term) -> Result<Expr, PathError> {
        match term {
            Term::Query(query) => Ok(Expr::Exists(query)),
            Term::Match(matcher) => Ok(Expr::Match(matcher)),
            Term::Literal(_) if self.dialect == Dialect::Redis => Ok(Expr::Always),
            Term::Literal(_) | Term::Length(_) | Term::Count(_) | Term::Value(_) => {
                self.breaks(start, Rule::Logical)
            }
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        let (sign, operator) = OPERATORS.iter().find(|(sign, _)| self.rest().starts_with(sign))?;
        self.at += sign.len();
        Some(*operator)
    }

    fn comparison(
        &mut self,
        start: usize,
        left: Term,
        operator: Operator,
    ) -> Result<Expr, PathError> {
        self.comparable(start, &left)?;
        self.blank();
        let start = self.at;
        let right = self.term()?;
        self.comparable(start, &right)?;
        self.tail = after(&right);
        Ok(Expr::Compare(Box::new(Comparison { left, operator, right })))
    }

    fn comparable(&self, start: usize, term: &Term) -> Result<(), PathError> {
        let fits = match term {
            Term::Query(query) => self.dialect == Dialect::Redis || query.is_singular(),
            Term::Match(_) => false,
            Term::Literal(_) | Term::Length(_) | Term::Count(_) | Term::Value(_) => true,
        };
        if fits { Ok(()) } else { self.breaks(start, Rule::Comparable) }
    }

    /// What follows `=~`.
    fn native_match(&mut self, subject: Term) -> Result<Expr, PathError> {
        self.blank();
        let pattern = match self.peek() {
            Some(b'"' | b'\'') => {
                Term::Literal(Literal::String(self.string(Escapes::Regex, Expected::Filter)?))
            }
            _ => self.term()?,
        };
        self.tail = after(&pattern);
        self.matcher(subject, pattern, Flavour::Native).map(Expr::Match)
    }

    fn matcher(
        &mut self,
        subject: Term,
        pattern: Term,
        flavour: Flavour,
    ) -> Result<Box<Matcher>, PathError> {
        let pattern = if let Term::Literal(Literal::String(text)) = &pattern {
            self.fixed(text, flavour)?
        } else {
            Pattern::Dynamic(pattern)
        };
        Ok(Box::new(Matcher { subject, pattern, flavour }))
    }

    fn fixed(&mut self, text: &[u8], flavour: Flavour) -> Result<Pattern, PathError> {
        self.regexes += 1;
        if self.regexes > REGEXES_MAX {
            return self.exceeds(Limit::RegexCount);
        }
        match regexp::compile(text, flavour, self.dialect) {
            Ok(regex) => Ok(Pattern::Fixed(Some(regex))),
            Err(Refusal::Invalid) => Ok(Pattern::Fixed(None)),
            Err(Refusal::TooLarge) => self.exceeds(Limit::RegexSize),
        }
    }

    /// An operand: a query, a literal, or a function.
    fn term(&mut self) -> Result<Term, PathError> {
        self.count()?;
        let start = self.at;
        match self.peek() {
            Some(b'@' | b'$') => self.query().map(Term::Query),
            Some(b'"' | b'\'') => {
                let text = self.string(Escapes::of(self.dialect), Expected::Filter)?;
                Ok(Term::Literal(Literal::String(text)))
            }
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Some(number) => Ok(Term::Literal(Literal::Number(number))),
                None => self.fail_at(start, Expected::Filter),
            },
            _ => self.word(start),
        }
    }

    fn query(&mut self) -> Result<Query, PathError> {
        let absolute = self.peek() == Some(b'$');
        self.at += 1;
        Ok(Query { absolute, segments: self.segments()? })
    }

    /// `true`, `false`, `null`, or a function.
    fn word(&mut self, start: usize) -> Result<Term, PathError> {
        let word = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !word.is_empty() && self.eat(b'(') {
            return self.nested(|parser| parser.function(start, word));
        }
        match word {
            b"true" => Ok(Term::Literal(Literal::Bool(true))),
            b"false" => Ok(Term::Literal(Literal::Bool(false))),
            b"null" => Ok(Term::Literal(Literal::Null)),
            _ => self.fail_at(start, Expected::Filter),
        }
    }

    fn function(&mut self, start: usize, name: &[u8]) -> Result<Term, PathError> {
        let arguments = self.arguments()?;
        match name {
            b"length" => {
                let [argument] = self.exactly(start, arguments)?;
                Ok(Term::Length(Box::new(self.valued(start, argument)?)))
            }
            b"count" => {
                let [argument] = self.exactly(start, arguments)?;
                self.nodes(start, argument).map(Term::Count)
            }
            b"value" => {
                let [argument] = self.exactly(start, arguments)?;
                self.nodes(start, argument).map(Term::Value)
            }
            b"match" => self.match_function(start, arguments, Flavour::Match),
            b"search" => self.match_function(start, arguments, Flavour::Search),
            _ => self.breaks(start, Rule::UnknownFunction),
        }
    }

    fn match_function(
        &mut self,
        start: usize,
        arguments: Vec<Term>,
        flavour: Flavour,
    ) -> Result<Term, PathError> {
        let [subject, pattern] = self.exactly(start, arguments)?;
        let subject = self.valued(start, subject)?;
        let pattern = self.valued(start, pattern)?;
        self.matcher(subject, pattern, flavour).map(Term::Match)
    }

    /// What follows a function's `(`, and the `)`.
    fn arguments(&mut self) -> Result<Vec<Term>, PathError> {
        let mut arguments = Vec::new();
        self.blank();
        if self.eat(b')') {
            return Ok(arguments);
        }
        loop {
            self.blank();
            arguments.push(self.term()?);
            self.blank();
            if self.eat(b')') {
                return Ok(arguments);
            }
            if !self.eat(b',') {
                return self.fail(Expected::Filter);
            }
        }
    }

    fn exactly<const N: usize>(
        &self,
        start: usize,
        arguments: Vec<Term>,
    ) -> Result<[Term; N], PathError> {
        arguments.try_into().or_else(|_| self.breaks(start, Rule::ArgumentCount))
    }

    /// An argument of RFC 9535's ValueType.
    fn valued(&self, start: usize, argument: Term) -> Result<Term, PathError> {
        match &argument {
            Term::Query(query) if !query.is_singular() => self.breaks(start, Rule::ArgumentType),
            Term::Match(_) => self.breaks(start, Rule::ArgumentType),
            Term::Query(_)
            | Term::Literal(_)
            | Term::Length(_)
            | Term::Count(_)
            | Term::Value(_) => Ok(argument),
        }
    }

    /// An argument of RFC 9535's NodesType.
    fn nodes(&self, start: usize, argument: Term) -> Result<Query, PathError> {
        match argument {
            Term::Query(query) => Ok(query),
            Term::Literal(_)
            | Term::Length(_)
            | Term::Count(_)
            | Term::Value(_)
            | Term::Match(_) => self.breaks(start, Rule::ArgumentType),
        }
    }
}

/// What can follow a comparison that ends in `term`.
fn after(term: &Term) -> Expected {
    if matches!(term, Term::Query(_)) {
        Expected::ConnectiveOrSegment
    } else {
        Expected::Connective
    }
}

/// The one expression, or all of them joined.
fn flat(mut all: Vec<Expr>, join: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        Some(last) => {
            all.push(last);
            join(all)
        }
        None => Expr::Always,
    }
}
