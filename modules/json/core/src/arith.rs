//! Arithmetic on JSON numbers, as RedisJSON does it.
//!
//! Of two integers the result is an integer, never silently a double; with a double it is a double.

use crate::document::double;
use crate::node::Number;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// The result of two integers is no i64.
    Overflow,
    /// The result is infinite or not a number.
    NotANumber,
}

/// `a + b`
///
/// # Errors
/// [`Arithmetic`]; likewise below.
pub fn add(a: Number, b: Number) -> Result<Number, Arithmetic> {
    calculated(a, b, i64::checked_add, |a, b| a + b)
}

/// `a * b`
///
/// # Errors
/// [`Arithmetic`]
pub fn multiply(a: Number, b: Number) -> Result<Number, Arithmetic> {
    calculated(a, b, i64::checked_mul, |a, b| a * b)
}

/// `a` to the power of `b`; a negative integer power is calculated in doubles.
///
/// # Errors
/// [`Arithmetic`]
pub fn power(a: Number, b: Number) -> Result<Number, Arithmetic> {
    match (a, b) {
        (Number::Int(base), Number::Int(exponent)) if exponent >= 0 => {
            integer_power(base, exponent)
        }
        _ => finite(double(a).powf(double(b))),
    }
}

fn integer_power(base: i64, exponent: i64) -> Result<Number, Arithmetic> {
    let power = match (base, u32::try_from(exponent)) {
        (0 | 1, Err(_)) => Some(base),
        (-1, Err(_)) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        (_, Err(_)) => None,
        (_, Ok(exponent)) => base.checked_pow(exponent),
    };
    power.map(Number::Int).ok_or(Arithmetic::Overflow)
}

fn calculated(
    a: Number,
    b: Number,
    integers: impl Fn(i64, i64) -> Option<i64>,
    doubles: impl Fn(f64, f64) -> f64,
) -> Result<Number, Arithmetic> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => {
            integers(a, b).map(Number::Int).ok_or(Arithmetic::Overflow)
        }
        (Number::Double(_), _) | (_, Number::Double(_)) => finite(doubles(double(a), double(b))),
        (Number::Uint(_), _) | (_, Number::Uint(_)) => Err(Arithmetic::Overflow),
    }
}

fn finite(value: f64) -> Result<Number, Arithmetic> {
    if value.is_finite() { Ok(Number::Double(value)) } else { Err(Arithmetic::NotANumber) }
}
