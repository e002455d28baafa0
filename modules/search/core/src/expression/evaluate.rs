//! The value of an expression.

use std::cmp::Ordering;

use keyspan_common::number::parse_f64;

use super::function::Function;
use super::{Binary, Node};
use crate::print::general;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number.
    Number(f64),
    /// A text.
    Text(Box<[u8]>),
}

/// The properties of a document.
pub trait Properties {
    /// The property `name`; `None` if it is not there.
    fn property(&self, name: &[u8]) -> Option<Value>;
}

impl Value {
    /// Whether a condition with this value holds.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Null => None,
            Self::Number(number) => Some(*number),
            Self::Text(text) => parse_f64(text),
        }
    }

    pub(super) fn text(&self) -> Box<[u8]> {
        match self {
            Self::Null => Box::default(),
            Self::Number(number) => general(*number, 12).into_bytes().into(),
            Self::Text(text) => text.clone(),
        }
    }

    pub(super) fn of(truth: bool) -> Self {
        Self::Number(f64::from(u8::from(truth)))
    }

    /// By number where one is a number and both can be one, by text elsewhere.
    fn order(&self, other: &Self) -> Option<Ordering> {
        let is_number = matches!(self, Self::Number(_)) || matches!(other, Self::Number(_));
        match (self, other) {
            (Self::Null, Self::Null) => return Some(Ordering::Equal),
            (Self::Null, _) | (_, Self::Null) => return None,
            _ => (),
        }
        match (self.number(), other.number()) {
            (Some(one), Some(other)) if is_number => one.partial_cmp(&other),
            _ => Some(self.text().cmp(&other.text())),
        }
    }
}

/// `None` if a property that is needed is not there.
pub(super) fn evaluate(node: &Node, properties: &impl Properties) -> Option<Value> {
    let value = |node: &Node| evaluate(node, properties);
    Some(match node {
        Node::Binary(operator, sides) => return binary(*operator, sides, properties),
        Node::Call(Function::Exists, arguments) => {
            Value::of(arguments.iter().all(|argument| value(argument).is_some()))
        }
        Node::Call(function, arguments) => {
            function.of(&arguments.iter().map(value).collect::<Option<Vec<_>>>()?)
        }
        Node::Literal(literal) => literal.clone(),
        Node::Minus(node) => number_of(value(node)?.number().map(|number| -number)),
        Node::Not(node) => Value::of(!value(node)?.is_true()),
        Node::Property(name) => return properties.property(name),
    })
}

fn number_of(number: Option<f64>) -> Value {
    number.map_or(Value::Null, Value::Number)
}

fn binary(
    operator: Binary,
    (left, right): &(Node, Node),
    properties: &impl Properties,
) -> Option<Value> {
    let one = evaluate(left, properties)?;
    let is_decided =
        (operator == Binary::And && !one.is_true()) || (operator == Binary::Or && one.is_true());
    if is_decided {
        return Some(Value::of(operator == Binary::Or));
    }
    let other = evaluate(right, properties)?;
    let order = |accepts: fn(Ordering) -> bool| Value::of(one.order(&other).is_some_and(accepts));
    let number = |of: fn(f64, f64) -> f64| {
        number_of(one.number().zip(other.number()).map(|(one, other)| of(one, other)))
    };
    Some(match operator {
        Binary::Add => number(|one, other| one + other),
        Binary::And | Binary::Or => Value::of(other.is_true()),
        Binary::Divide => number(|one, other| one / other),
        Binary::Equal => order(Ordering::is_eq),
        Binary::Greater => order(Ordering::is_gt),
        Binary::GreaterEqual => order(Ordering::is_ge),
        Binary::Less => order(Ordering::is_lt),
        Binary::LessEqual => order(Ordering::is_le),
        Binary::Modulo => number(|one, other| one % other),
        Binary::NotEqual => Value::of(one.order(&other) != Some(Ordering::Equal)),
        Binary::Power => number(f64::powf),
        Binary::Subtract => number(|one, other| one - other),
        Binary::Times => number(|one, other| one * other),
    })
}
