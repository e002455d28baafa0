//! Doubles as the C library prints them.

/// `%.{digits}g`: at most that many digits, an exponent if that is shorter, no trailing zeros.
///
/// `digits` is at least 1. RediSearch prints distances and sort keys with 12, attributes with 6.
#[must_use]
pub fn general(number: f64, digits: usize) -> String {
    if !number.is_finite() {
        return number.to_string().to_ascii_lowercase();
    }
    let digits = digits.max(1);
    let scientific = format!("{number:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let width = i32::try_from(digits).unwrap_or(i32::MAX);
    if (-4..width).contains(&exponent) {
        let places = usize::try_from(width - 1 - exponent).unwrap_or(0);
        return trimmed(&format!("{number:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.unsigned_abs())
}

/// `%f`: six places.
#[must_use]
pub fn fixed(number: f64) -> String {
    if number.is_nan() { "nan".to_owned() } else { format!("{number:.6}") }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: f64, digits: usize, expected: &str) {
        assert_eq!(general(number, digits), expected, "{number:?} {digits}");
    }

    #[test]
    fn doubles_print_as_in_c() {
        check(0.292_893_230_915_069_6, 12, "0.292893230915");
        check(0.0, 12, "0");
        check(-3.0, 12, "-3");
        check(2.5, 12, "2.5");
        check(1e15, 12, "1e+15");
        check(123_456_789_012.0, 12, "123456789012");
        check(1_234_567_890_125.0, 12, "1.23456789012e+12");
        check(0.0001, 6, "0.0001");
        check(0.000_012_345_678, 6, "1.23457e-05");
        check(999_999.5, 6, "1e+06");
        check(f64::INFINITY, 12, "inf");
        check(f64::NEG_INFINITY, 12, "-inf");
        check(f64::NAN, 12, "nan");
        assert_eq!((fixed(3.0), fixed(f64::NEG_INFINITY)), ("3.000000".into(), "-inf".into()));
    }
}
