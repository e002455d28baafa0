//! `PARAMS`: names in a query that stand for values.

use std::collections::BTreeMap;

use keyspan_common::number::parse_f64;

use super::Error;

/// Names and their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<Box<[u8]>, Box<[u8]>>);

impl Params {
    /// Gives `name` its value. False if it has one.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> bool {
        let fresh = !self.0.contains_key(name);
        if fresh {
            self.0.insert(name.into(), value.into());
        }
        fresh
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// [`Error::NoParameter`].
    pub fn value(&self, name: &[u8]) -> Result<&[u8], Error> {
        self.0.get(name).map(AsRef::as_ref).ok_or_else(|| Error::NoParameter(name.into()))
    }

    /// The value of `name`, which must be a number.
    ///
    /// # Errors
    /// [`Error::NoParameter`], [`Error::NumericParameter`].
    pub fn number(&self, name: &[u8]) -> Result<f64, Error> {
        let value = self.value(name)?;
        parse_f64(value).ok_or_else(|| Error::NumericParameter(value.into(), name.into()))
    }
}

/// An end of a range as an argument: `5`, `(5`, `-inf`, `+inf`. The number, and whether it is out.
#[must_use]
pub fn number_range(text: &[u8]) -> Option<(f64, bool)> {
    let (digits, exclusive) = match text {
        [b'(', rest @ ..] => (rest, true),
        _ => (text, false),
    };
    parse_f64(digits).map(|number| (number, exclusive))
}
