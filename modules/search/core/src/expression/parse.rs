//! From text to a tree.

use keyspan_common::number::parse_f64;

use super::evaluate::Value;
use super::function::Function;
use super::{Binary, Malformed, Node};

/// Deepest nesting.
const DEPTH_MAX: usize = 64;

/// Operators by rank, the weakest first; longer ones before those they begin with.
const RANKS: [&[(&[u8], Binary)]; 5] = [
    &[(b"||", Binary::Or)],
    &[(b"&&", Binary::And)],
    &[
        (b"==", Binary::Equal),
        (b"!=", Binary::NotEqual),
        (b"<=", Binary::LessEqual),
        (b">=", Binary::GreaterEqual),
        (b"<", Binary::Less),
        (b">", Binary::Greater),
    ],
    &[(b"+", Binary::Add), (b"-", Binary::Subtract)],
    &[(b"*", Binary::Times), (b"/", Binary::Divide), (b"%", Binary::Modulo), (b"^", Binary::Power)],
];

pub(super) fn parse(text: &[u8]) -> Result<Node, Malformed> {
    let mut parser = Parser { rest: text, depth: 0 };
    let node = parser.ranked(0)?;
    parser.skip_blanks();
    if parser.rest.is_empty() { Ok(node) } else { Err(Malformed) }
}

struct Parser<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, token: &[u8]) -> bool {
        self.skip_blanks();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn operator(&mut self, rank: usize) -> Option<Binary> {
        let operators = RANKS.get(rank).copied().unwrap_or_default();
        operators.iter().find(|(token, _)| self.take(token)).map(|(_, operator)| *operator)
    }

    /// Parts joined by operators of this rank and stronger ones, the left ones first.
    fn ranked(&mut self, rank: usize) -> Result<Node, Malformed> {
        if rank == RANKS.len() {
            return self.unary();
        }
        let mut left = self.ranked(rank + 1)?;
        while let Some(operator) = self.operator(rank) {
            let right = self.ranked(rank + 1)?;
            left = Node::Binary(operator, Box::new((left, right)));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, Malformed> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Malformed);
        }
        let node = if self.take(b"!") {
            self.unary().map(|node| Node::Not(Box::new(node)))
        } else if self.take(b"-") {
            self.unary().map(|node| Node::Minus(Box::new(node)))
        } else if self.take(b"(") {
            let node = self.ranked(0)?;
            if self.take(b")") { Ok(node) } else { Err(Malformed) }
        } else if self.take(b"@") {
            self.word().map(|name| Node::Property(name.into()))
        } else {
            self.atom()
        };
        self.depth -= 1;
        node
    }

    fn atom(&mut self) -> Result<Node, Malformed> {
        match self.rest.first() {
            Some(quote @ (b'"' | b'\'')) => self.text(*quote),
            Some(digit) if digit.is_ascii_digit() || *digit == b'.' => self.number(),
            Some(_) => {
                let name = self.word()?;
                if name.eq_ignore_ascii_case(b"NULL") {
                    return Ok(Node::Literal(Value::Null));
                }
                self.call(Function::named(name).ok_or(Malformed)?)
            }
            None => Err(Malformed),
        }
    }

    fn call(&mut self, function: Function) -> Result<Node, Malformed> {
        if !self.take(b"(") {
            return Err(Malformed);
        }
        let mut arguments = Vec::new();
        while !self.take(b")") {
            if !arguments.is_empty() && !self.take(b",") {
                return Err(Malformed);
            }
            arguments.push(self.ranked(0)?);
        }
        let fits = arguments.len() == function.arity();
        if fits { Ok(Node::Call(function, arguments)) } else { Err(Malformed) }
    }

    /// Letters, digits, `_`, and whatever is escaped or not ASCII.
    fn word(&mut self) -> Result<&'a [u8], Malformed> {
        self.split(|byte| !byte.is_ascii() || byte.is_ascii_alphanumeric() || byte == b'_')
    }

    fn split(&mut self, belongs: impl Fn(u8) -> bool) -> Result<&'a [u8], Malformed> {
        let end = self.rest.iter().position(|byte| !belongs(*byte)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).ok_or(Malformed)?;
        self.rest = rest;
        if word.is_empty() { Err(Malformed) } else { Ok(word) }
    }

    fn number(&mut self) -> Result<Node, Malformed> {
        let word = self.split(|byte| byte.is_ascii_alphanumeric() || byte == b'.')?;
        parse_f64(word).map(|number| Node::Literal(Value::Number(number))).ok_or(Malformed)
    }

    /// A text in quotes; a backslash takes what follows as it is.
    fn text(&mut self, quote: u8) -> Result<Node, Malformed> {
        let mut text = Vec::new();
        let mut bytes = self.rest.iter().copied().enumerate().skip(1);
        while let Some((place, byte)) = bytes.next() {
            match byte {
                b'\\' => text.push(bytes.next().ok_or(Malformed)?.1),
                byte if byte == quote => {
                    self.rest = self.rest.get(place + 1..).unwrap_or_default();
                    return Ok(Node::Literal(Value::Text(text.into())));
                }
                byte => text.push(byte),
            }
        }
        Err(Malformed)
    }
}
