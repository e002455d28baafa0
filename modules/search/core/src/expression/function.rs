//! The functions of expressions.

use super::evaluate::Value;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Case,
    Ceil,
    Contains,
    Exists,
    Exp,
    Floor,
    Log,
    Log2,
    Lower,
    Sqrt,
    StartsWith,
    StrLen,
    SubStr,
    ToNumber,
    ToStr,
    Upper,
}

/// All of them, by name.
const ALL: [(&str, Function); 17] = [
    ("abs", Function::Abs),
    ("case", Function::Case),
    ("ceil", Function::Ceil),
    ("contains", Function::Contains),
    ("exists", Function::Exists),
    ("exp", Function::Exp),
    ("floor", Function::Floor),
    ("log", Function::Log),
    ("log2", Function::Log2),
    ("lower", Function::Lower),
    ("sqrt", Function::Sqrt),
    ("startswith", Function::StartsWith),
    ("strlen", Function::StrLen),
    ("substr", Function::SubStr),
    ("to_number", Function::ToNumber),
    ("to_str", Function::ToStr),
    ("upper", Function::Upper),
];

impl Function {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let is_it = |(known, _): &&(&str, Self)| name.eq_ignore_ascii_case(known.as_bytes());
        ALL.iter().find(is_it).map(|(_, function)| *function)
    }

    pub(super) const fn arity(self) -> usize {
        match self {
            Self::Case | Self::SubStr => 3,
            Self::Contains | Self::StartsWith => 2,
            Self::Abs
            | Self::Ceil
            | Self::Exists
            | Self::Exp
            | Self::Floor
            | Self::Log
            | Self::Log2
            | Self::Lower
            | Self::Sqrt
            | Self::StrLen
            | Self::ToNumber
            | Self::ToStr
            | Self::Upper => 1,
        }
    }

    /// The value of so many arguments as it takes.
    pub(super) fn of(self, arguments: &[Value]) -> Value {
        let argument = |place: usize| arguments.get(place).unwrap_or(&Value::Null);
        let text = |place: usize| argument(place).text();
        let number = |of: fn(f64) -> f64| {
            argument(0).number().map_or(Value::Null, |number| Value::Number(of(number)))
        };
        match self {
            Self::Abs => number(f64::abs),
            Self::Case => argument(if argument(0).is_true() { 1 } else { 2 }).clone(),
            Self::Ceil => number(f64::ceil),
            Self::Contains => Value::Number(count(&text(0), &text(1))),
            // Judged before its argument is.
            Self::Exists => Value::of(true),
            Self::Exp => number(f64::exp),
            Self::Floor => number(f64::floor),
            Self::Log => number(f64::ln),
            Self::Log2 => number(f64::log2),
            Self::Lower => Value::Text(text(0).to_ascii_lowercase().into()),
            Self::Sqrt => number(f64::sqrt),
            Self::StartsWith => Value::of(text(0).starts_with(&text(1))),
            Self::StrLen => Value::Number(text(0).len() as f64),
            Self::SubStr => part(&text(0), argument(1), argument(2)),
            Self::ToNumber => number(|number| number),
            Self::ToStr => Value::Text(text(0)),
            Self::Upper => Value::Text(text(0).to_ascii_uppercase().into()),
        }
    }
}

/// How often `part` stands in `text`, each place counted; an empty one once more than there are bytes.
fn count(text: &[u8], part: &[u8]) -> f64 {
    if part.is_empty() {
        return text.len() as f64 + 1.0;
    }
    text.windows(part.len()).filter(|window| *window == part).count() as f64
}

/// So many bytes from an offset; a negative offset counts from the end, a negative number means all
/// but so many.
fn part(text: &[u8], offset: &Value, count: &Value) -> Value {
    let (Some(offset), Some(count)) = (whole(offset), whole(count)) else { return Value::Null };
    let len = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let from = if offset < 0 { len.saturating_add(offset).max(0) } else { offset.min(len) };
    let end = if count < 0 { len.saturating_add(count) } else { from.saturating_add(count) };
    let place = |number: i64| usize::try_from(number.clamp(from, len)).unwrap_or(0);
    Value::Text(text.get(place(from)..place(end)).unwrap_or_default().into())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and what is too great is cut"
)]
fn whole(value: &Value) -> Option<i64> {
    value.number().map(|number| number as i64)
}
