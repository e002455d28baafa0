//! Values and times of samples, as commands read them.

use keyspan_common::number::{parse_f64, parse_i64};

use crate::error::Error;

/// The value of a sample: a number as JSON writes it, or NaN in any mix of cases.
///
/// # Errors
/// [`Error::Value`] for anything else, and for what is no finite double.
pub fn value(word: &[u8]) -> Result<f64, Error> {
    if word.eq_ignore_ascii_case(b"nan") {
        return Ok(f64::NAN);
    }
    let number = is_number(word).then(|| parse_f64(word)).flatten();
    number.filter(|number| number.is_finite()).ok_or(Error::Value)
}

/// Whether the word is `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
fn is_number(word: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || whole > 1 && rest.starts_with(b"0") {
        return false;
    }
    let mut rest = rest.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        rest = fraction.get(count..).unwrap_or_default();
        if count == 0 {
            return false;
        }
    }
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else {
        return rest.is_empty();
    };
    let sign = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-"));
    let exponent = sign.unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

/// The time of a sample in milliseconds; `None` for `*`, the present.
///
/// # Errors
/// What the word is instead.
pub fn timestamp(word: &[u8]) -> Result<Option<u64>, Error> {
    if word == b"*" {
        return Ok(None);
    }
    let time = parse_i64(word).ok_or(Error::Timestamp)?;
    u64::try_from(time).map(Some).map_err(|_| Error::TimestampNegative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbers_of_json() {
        let check = |word: &str, expected: Option<f64>| {
            assert_eq!(value(word.as_bytes()).ok(), expected, "{word}");
        };
        check("1.5", Some(1.5));
        check("-0", Some(-0.0));
        check("12e-3", Some(0.012));
        check("1E+2", Some(100.0));
        check("5e-324", Some(5e-324));
        assert!(value(b"NaN").is_ok_and(f64::is_nan));
        for bad in [
            "", "-", "abc", "inf", "-inf", "1e400", "01", "1.", ".5", "+1", " 1", "1 ", "0x1",
            "1e", "1e+", "--1", "1.5.5",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn times_are_whole_and_not_negative() {
        let check = |word: &str, expected: Result<Option<u64>, Error>| {
            assert_eq!(timestamp(word.as_bytes()), expected, "{word}");
        };
        check("0", Ok(Some(0)));
        check("9223372036854775807", Ok(Some(i64::MAX.unsigned_abs())));
        check("*", Ok(None));
        check("-5", Err(Error::TimestampNegative));
        for bad in ["", "abc", "1.5", "9223372036854775808", "**"] {
            check(bad, Err(Error::Timestamp));
        }
    }
}
