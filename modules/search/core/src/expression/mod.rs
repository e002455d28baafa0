//! Expressions over the properties of a document: `@age >= 18 && startswith(@name, "G")`, as
//! FT.CREATE's FILTER has them.
//!
//! ```text
//! or     and ("||" and)*
//! and    compare ("&&" compare)*
//! compare  sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)*
//! sum    product (("+" | "-") product)*
//! product  unary (("*" | "/" | "%" | "^") unary)*          all of one rank, as in RediSearch
//! unary  "!" unary | "-" unary | number | text | "@" name | name "(" or, ... ")" | "(" or ")"
//! ```

mod evaluate;
mod function;
mod parse;

pub use evaluate::{Properties, Value};
use function::Function;

/// An expression that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(Node);

/// The text is no expression, or uses a function that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Expression {
    /// Reads a text. O(length).
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        parse::parse(text).map(Self)
    }

    /// Whether it holds of these properties. One that it asks for and that is not there makes it fail,
    /// but within `exists()`.
    #[must_use]
    pub fn holds(&self, properties: &impl Properties) -> bool {
        evaluate::evaluate(&self.0, properties).is_some_and(|value| value.is_true())
    }
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Binary(Binary, Box<(Node, Node)>),
    Call(Function, Vec<Node>),
    Literal(Value),
    Minus(Box<Node>),
    Not(Box<Node>),
    Property(Box<[u8]>),
}

/// An operator between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Add,
    And,
    Divide,
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Modulo,
    NotEqual,
    Or,
    Power,
    Subtract,
    Times,
}

#[cfg(test)]
mod tests;
