//! Comparing values as RFC 9535, section 2.3.5.2.2, does; RedisJSON's comparisons agree where
//! both sides exist.

use std::cmp::Ordering;

use crate::node::{Kind, Node, Number};

/// What a term of a filter stands for.
#[derive(Clone, Copy)]
pub(super) enum Value<'t, N> {
    /// No value: a query without match, or a function that does not apply.
    Nothing,
    /// A value of the document.
    Node(N),
    /// A literal or the result of a function, never an array or object.
    Scalar(Kind<'t>),
}

impl<'t, N> Value<'t, N> {
    /// Its kind; `None` for nothing.
    pub(super) fn kind<'a: 't>(self) -> Option<Kind<'t>>
    where
        N: Node<'a>,
    {
        match self {
            Self::Nothing => None,
            Self::Node(node) => Some(node.kind()),
            Self::Scalar(kind) => Some(kind),
        }
    }
}

/// Whether one number or string is under another; other kinds have no order.
pub(super) fn is_less<'a, N: Node<'a>>(left: Value<'_, N>, right: Value<'_, N>) -> bool {
    match (left.kind(), right.kind()) {
        (Some(Kind::Number(left)), Some(Kind::Number(right))) => {
            order(left, right) == Some(Ordering::Less)
        }
        // The order of UTF-8 bytes is that of the characters.
        (Some(Kind::String(left)), Some(Kind::String(right))) => left < right,
        _ => false,
    }
}

/// Whether two values are equal, arrays and objects by what they hold; `None` when `steps`, one
/// for each node compared, do not suffice.
pub(super) fn is_equal<'a, N: Node<'a>>(
    left: Value<'_, N>,
    right: Value<'_, N>,
    steps: &mut u64,
) -> Option<bool> {
    if let (Value::Node(left), Value::Node(right)) = (left, right) {
        return equal_nodes(left, right, steps);
    }
    match (left.kind(), right.kind()) {
        (None, None) => Some(true),
        (Some(left), Some(right)) => Some(equal_scalars(left, right)),
        _ => Some(false),
    }
}

/// Compares two trees with a stack of its own.
fn equal_nodes<'a, N: Node<'a>>(left: N, right: N, steps: &mut u64) -> Option<bool> {
    let mut open = vec![(left, right)];
    while let Some((left, right)) = open.pop() {
        let equal = match (left.kind(), right.kind()) {
            (Kind::Array(length), Kind::Array(other)) => {
                let elements = 0..length.min(other);
                *steps = steps.checked_sub(length as u64)?;
                open.extend(elements.filter_map(|at| left.element(at).zip(right.element(at))));
                length == other
            }
            (Kind::Object(length), Kind::Object(other)) if length == other => {
                *steps = steps.checked_sub(length as u64)?;
                pair_members(left, right, length, &mut open)
            }
            (left, right) => equal_scalars(left, right),
        };
        if !equal {
            return Some(false);
        }
    }
    Some(true)
}

/// Opens the members of both objects by name; whether none lacks in `right`.
fn pair_members<'a, N: Node<'a>>(left: N, right: N, length: usize, open: &mut Vec<(N, N)>) -> bool {
    (0..length).filter_map(|at| left.member(at)).all(|(name, member)| {
        let found = right.find(name);
        open.extend(found.map(|(_, other)| (member, other)));
        found.is_some()
    })
}

fn equal_scalars(left: Kind<'_>, right: Kind<'_>) -> bool {
    match (left, right) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(left), Kind::Bool(right)) => left == right,
        (Kind::Number(left), Kind::Number(right)) => order(left, right) == Some(Ordering::Equal),
        (Kind::String(left), Kind::String(right)) => left == right,
        _ => false,
    }
}

/// The order of two numbers by their exact values.
fn order(left: Number, right: Number) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (exact(left), exact(right)) {
        return left.partial_cmp(&right);
    }
    match (whole(left), whole(right)) {
        (Ok(left), Ok(right)) => Some(left.cmp(&right)),
        (Ok(left), Err(right)) => order_mixed(left, right),
        (Err(left), Ok(right)) => order_mixed(right, left).map(Ordering::reverse),
        (Err(left), Err(right)) => left.partial_cmp(&right),
    }
}

/// The number as a double, if it is one or an integer that is exact as one.
#[expect(clippy::cast_precision_loss, reason = "up to 2^53 nothing is lost")]
fn exact(number: Number) -> Option<f64> {
    match number {
        Number::Int(value) if value.unsigned_abs() <= 1 << 53 => Some(value as f64),
        Number::Int(_) | Number::Uint(_) => None,
        Number::Double(value) => Some(value),
    }
}

fn whole(number: Number) -> Result<i128, f64> {
    match number {
        Number::Int(value) => Ok(i128::from(value)),
        Number::Uint(value) => Ok(i128::from(value)),
        Number::Double(value) => Err(value),
    }
}

fn order_mixed(whole: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates, beyond any stored integer")]
    let floor = double.floor() as i128;
    let fraction = double > double.floor();
    Some(whole.cmp(&floor).then(if fraction { Ordering::Less } else { Ordering::Equal }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_their_exact_value() {
        use Number::{Double, Int, Uint};
        for (left, right, expected) in [
            (Int(1), Double(1.0), Some(Ordering::Equal)),
            (Int(1), Double(1.5), Some(Ordering::Less)),
            (Int(-1), Double(-1.5), Some(Ordering::Greater)),
            (Int(0), Double(-0.0), Some(Ordering::Equal)),
            (Int(i64::MAX), Double(9_223_372_036_854_775_807.0), Some(Ordering::Less)),
            (Int(9_007_199_254_740_993), Double(9_007_199_254_740_992.0), Some(Ordering::Greater)),
            (Int(-1), Uint(u64::MAX), Some(Ordering::Less)),
            (Uint(u64::MAX), Double(f64::INFINITY), Some(Ordering::Less)),
            (Double(1e300), Uint(u64::MAX), Some(Ordering::Greater)),
            (Int(1), Double(f64::NAN), None),
        ] {
            assert_eq!(order(left, right), expected, "{left:?} {right:?}");
            assert_eq!(order(right, left), expected.map(Ordering::reverse), "{right:?} {left:?}");
        }
    }
}
