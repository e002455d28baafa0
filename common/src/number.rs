//! Numbers read and printed as the servers do.

/// Decimal places to try, and ten to that power: money first, then what most others have.
const POWERS: [(u32, f64, u64); 3] = [(2, 1e2, 100), (6, 1e6, 1_000_000), (3, 1e3, 1000)];

/// The doubles below this need at most 15 digits if they are integers.
const SHORT_MAX: f64 = 1e15;

/// What has up to eight digits is below.
const EIGHT_DIGITS_END: u32 = 100_000_000;

/// `00000000`
const EIGHT_ZEROS: u64 = 0x3030_3030_3030_3030;

/// The least magnitude that ryu prints without an exponent.
const PLAIN_MIN: f64 = 1e-5;

/// The integer a text stands for, if the text is the one the integer prints as.
///
/// As strict as the servers: no sign but a leading `-`, no blanks, no leading zeros, no `-0`.
#[must_use]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The double a text stands for, correctly rounded.
///
/// As the servers: decimal digits with an optional sign, point and exponent, or `inf`/`infinity`
/// in any case; no blanks, no `nan`, nothing that overflows or vanishes. Hexadecimal text, which
/// only servers that use the C library's parser take, is refused.
#[must_use]
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let mantissa = || text.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
    let lost = if value.is_infinite() {
        text.iter().any(u8::is_ascii_digit)
    } else {
        value == 0.0 && mantissa().any(|byte| matches!(byte, b'1'..=b'9'))
    };
    if value.is_nan() || lost { None } else { Some(value) }
}

/// Appends the decimal text of `number`.
pub fn print_i64(number: i64, out: &mut Vec<u8>) {
    out.extend(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends the decimal text of `number`.
#[inline]
pub fn print_u64(number: u64, out: &mut Vec<u8>) {
    match u32::try_from(number) {
        Ok(short @ ..EIGHT_DIGITS_END) => print_first(eight_digits(short), 8, out),
        _ => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
    }
}

/// Prints whole numbers that share all but their last eight digits with the one before, as times do:
/// the others are kept as text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Successive {
    /// What stands before the last eight digits, 0 if nothing is kept.
    high: u64,
    text: [u8; 16],
    len: usize,
}

impl Successive {
    /// Appends the decimal text of `number`.
    #[inline]
    pub fn print(&mut self, number: u64, out: &mut Vec<u8>) {
        let high = number / u64::from(EIGHT_DIGITS_END);
        #[expect(clippy::cast_possible_truncation, reason = "a remainder below 10^8")]
        let low = (number % u64::from(EIGHT_DIGITS_END)) as u32;
        if high == 0 {
            return print_first(eight_digits(low), 8, out);
        }
        if high != self.high {
            self.keep(high);
        }
        let end = out.len() + self.len;
        out.extend_from_slice(&self.text);
        out.truncate(end);
        out.extend_from_slice(&(eight_digits(low) | EIGHT_ZEROS).to_le_bytes());
    }

    #[cold]
    fn keep(&mut self, high: u64) {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(high).as_bytes();
        self.text.iter_mut().zip(text).for_each(|(place, digit)| *place = *digit);
        (self.high, self.len) = (high, text.len());
    }
}

/// Appends the first `count` of eight digits without leading zeros, but one digit at least.
#[inline]
fn print_first(digits: u64, count: usize, out: &mut Vec<u8>) {
    let zeros = (digits.trailing_zeros() as usize / 8).min(count - 1);
    let end = out.len() + count - zeros;
    out.extend_from_slice(&((digits | EIGHT_ZEROS) >> (8 * zeros)).to_le_bytes());
    out.truncate(end);
}

/// The eight decimal digits of a number below [`EIGHT_DIGITS_END`], a byte each from 0 to 9, the
/// first in the lowest byte.
///
/// Splits all parts at once: the number into 2 of 4 digits, these into 4 of 2, these into 8. The
/// factors divide by 100 and 10 all the dividends that can be there.
#[inline]
const fn eight_digits(number: u32) -> u64 {
    let fours = (number / 10_000) as u64 | ((number % 10_000) as u64) << 32;
    let hundreds = (fours * 10_486) >> 20 & 0x7f_0000_007f;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = (twos * 103) >> 10 & 0x000f_000f_000f_000f;
    tens | (twos - 10 * tens) << 8
}

/// Appends the shortest text that reads back as `number`, as RedisJSON prints it: always with a
/// point or an exponent (`1.0`, `1e20`, `1e-7`, `-0.0`); `NaN`, `inf` and `-inf` if not finite.
///
/// Short decimals take half of ryu's time, integers a quarter: an integer below 1e15 divided by an
/// exact power of ten is a decimal of at most 15 digits, and no other decimal that short reads back
/// as the same double, so ryu would find it too.
pub fn print_f64(number: f64, out: &mut Vec<u8>) {
    let magnitude = number.abs();
    if let Some(hundredths) = few_hundredths(magnitude) {
        if number.is_sign_negative() {
            out.push(b'-');
        }
        let digits = eight_digits(hundredths);
        print_first(digits, 6, out);
        let [.., tenth, last] = (digits | EIGHT_ZEROS).to_le_bytes();
        out.extend_from_slice(&[b'.', tenth, last]);
        out.truncate(out.len() - usize::from(last == b'0'));
    } else {
        print_other(number, out);
    }
}

/// 100 times `magnitude`, if that is an integer of up to eight digits.
#[inline]
fn few_hundredths(magnitude: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what does not fit saturates, and is then too much"
    )]
    let hundredths = (magnitude * 100.0 + 0.5) as u32;
    let same = f64::from(hundredths) / 100.0 == magnitude;
    (same && hundredths < EIGHT_DIGITS_END).then_some(hundredths)
}

fn print_other(number: f64, out: &mut Vec<u8>) {
    let magnitude = number.abs();
    if (PLAIN_MIN..SHORT_MAX).contains(&magnitude)
        && let Some((whole, fraction, places)) = short_decimal(magnitude)
    {
        if number.is_sign_negative() {
            out.push(b'-');
        }
        print_u64(whole, out);
        out.push(b'.');
        print_fraction(fraction, places, out);
    } else {
        out.extend(ryu::Buffer::new().format(number).as_bytes());
    }
}

/// The integer part, the fraction and its number of digits, if there are few.
fn short_decimal(magnitude: f64) -> Option<(u64, u64, u32)> {
    let whole = truncated(magnitude);
    if exact(whole) == magnitude {
        return Some((whole, 0, 1));
    }
    let decimal = |(places, scale, unit): (u32, f64, u64)| {
        if magnitude * scale >= SHORT_MAX {
            return None;
        }
        let scaled = truncated(magnitude * scale + 0.5);
        (exact(scaled) / scale == magnitude).then_some((scaled / unit, scaled % unit, places))
    };
    POWERS.into_iter().find_map(decimal)
}

/// Appends a fraction of `places` digits without trailing zeros, but never nothing.
fn print_fraction(fraction: u64, places: u32, out: &mut Vec<u8>) {
    if places == 2 {
        out.push(digit(fraction / 10));
        if !fraction.is_multiple_of(10) {
            out.push(digit(fraction % 10));
        }
        return;
    }
    let (mut rest, mut places) = (fraction, places);
    while places > 1 && rest % 10 == 0 {
        rest /= 10;
        places -= 1;
    }
    let mut unit = 10_u64.pow(places - 1);
    while unit > rest && unit > 1 {
        out.push(b'0');
        unit /= 10;
    }
    print_u64(rest, out);
}

/// The last decimal digit of `number`.
const fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the argument is at least 0 and below 2^53"
)]
const fn truncated(number: f64) -> u64 {
    number as u64
}

/// An integer below 2^53 as a double.
#[expect(clippy::cast_precision_loss, reason = "integers below 2^53 are exact")]
const fn exact(integer: u64) -> f64 {
    integer as f64
}

/// Appends `number` as Redis 8 prints doubles in RESP3 replies and in the bulk strings that stand
/// for them in RESP2: `2`, `2.25`, `1e+20`, `1.5e-7`, `-0`, `inf`, `-inf`, `nan`.
///
/// Integers of up to 52 bits are printed as such; the others from their shortest digits, without
/// an exponent if at most 7 zeros pad them, if at most 6 digits follow the point, or if the
/// exponent is small.
pub fn print_resp_double(number: f64, out: &mut Vec<u8>) {
    const EXACT_MAX: f64 = 4_503_599_627_370_495.0;
    if number.is_nan() {
        out.extend(b"nan");
        return;
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    let magnitude = number.abs();
    if magnitude.is_infinite() {
        out.extend(b"inf");
    } else if magnitude <= EXACT_MAX && exact(truncated(magnitude)) == magnitude {
        print_u64(truncated(magnitude), out);
    } else {
        print_shortest(magnitude, out);
    }
}

/// Appends a positive number that is no small integer.
fn print_shortest(magnitude: f64, out: &mut Vec<u8>) {
    let (digits, power) = shortest_digits(magnitude);
    let len = i32::try_from(digits.len()).unwrap_or(0);
    let exponent = power + len - 1;
    if power >= 0 && exponent.abs() < len + 7 {
        out.extend(&digits);
        push_zeros(power, out);
    } else if power < 0 && (power > -7 || exponent.abs() < 4) {
        print_with_point(&digits, len + power, out);
    } else {
        print_with_exponent(&digits, exponent, out);
    }
}

/// Appends `0.digits` times ten to the power of `point`.
fn print_with_point(digits: &[u8], point: i32, out: &mut Vec<u8>) {
    let (whole, fraction) =
        digits.split_at_checked(usize::try_from(point).unwrap_or(0)).unwrap_or((digits, &[]));
    out.extend(if whole.is_empty() { b"0" } else { whole });
    out.push(b'.');
    push_zeros(-point, out);
    out.extend(fraction);
}

/// Appends `d.igits` and the exponent.
fn print_with_exponent(digits: &[u8], exponent: i32, out: &mut Vec<u8>) {
    let (first, more) = digits.split_at_checked(1).unwrap_or((digits, &[]));
    out.extend(first);
    if !more.is_empty() {
        out.push(b'.');
        out.extend(more);
    }
    out.extend(if exponent < 0 { b"e-" } else { b"e+" });
    print_u64(exponent.unsigned_abs().into(), out);
}

fn push_zeros(count: i32, out: &mut Vec<u8>) {
    out.extend((0..count).map(|_| b'0'));
}

/// The shortest digits, without zeros at either end, and the power of ten of the last one.
fn shortest_digits(magnitude: f64) -> (Vec<u8>, i32) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(magnitude);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let kept = all.trim_end_matches('0');
    let dropped = i32::try_from(all.len() - kept.len()).unwrap_or(0);
    let places = i32::try_from(fraction.len()).unwrap_or(0);
    let power = exponent.parse::<i32>().unwrap_or(0) - places + dropped;
    (kept.trim_start_matches('0').as_bytes().to_vec(), power)
}

#[cfg(test)]
mod tests {
    use super::{
        Successive, parse_f64, parse_i64, print_f64, print_i64, print_resp_double, print_u64,
    };

    fn printed<T>(print: fn(T, &mut Vec<u8>), value: T) -> String {
        let mut out = Vec::new();
        print(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_are_read_strictly() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse_i64(text.as_bytes()), expected, "{text:?}");
        };
        check("0", Some(0));
        check("-1", Some(-1));
        check("10", Some(10));
        check("9223372036854775807", Some(i64::MAX));
        check("-9223372036854775808", Some(i64::MIN));
        for refused in [
            "",
            "-",
            "+1",
            "-0",
            "00",
            "01",
            "-01",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "--1",
            "0x1",
            "a",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999999",
        ] {
            check(refused, None);
        }
        assert_eq!(parse_i64(b"1\xff"), None);
    }

    #[test]
    fn doubles_are_read_as_far_as_they_go() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(parse_f64(text.as_bytes()), expected, "{text:?}");
        };
        check("0", Some(0.0));
        check("+1.5", Some(1.5));
        check("-1.5e3", Some(-1500.0));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("1e-320", Some(1e-320));
        check("0e-999", Some(0.0));
        check("inf", Some(f64::INFINITY));
        check("-Infinity", Some(f64::NEG_INFINITY));
        for refused in ["", " 1", "1 ", "nan", "1e999", "-1e999", "1e-999", "1,5", "e", "1e", "-"] {
            check(refused, None);
        }
    }

    #[test]
    fn integers_print_in_decimal() {
        assert_eq!(printed(print_i64, i64::MIN), "-9223372036854775808");
        assert_eq!(printed(print_u64, u64::MAX), "18446744073709551615");
        let powers = (0..20).map(|power| 10_u64.pow(power));
        let near = powers.flat_map(|power| [power - 1, power, power + 1, power / 10 * 9]);
        // Every four digits, at both ends of eight.
        let parts = (0..10_000).flat_map(|part| [part, part * 10_000, part * 10_001]);
        let mut successive = Successive::default();
        for number in near.chain(parts) {
            assert_eq!(printed(print_u64, number), number.to_string());
            for number in [number, number.wrapping_add(1), number ^ 1 << 63] {
                let mut out = Vec::new();
                successive.print(number, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
            }
        }
        for hundredths in 0..100_000 {
            let number = f64::from(hundredths) / 100.0;
            assert_eq!(printed(print_f64, number), ryu::Buffer::new().format(number));
        }
    }

    #[test]
    fn doubles_print_as_redisjson_does() {
        let check = |value: f64, expected: &str| {
            assert_eq!(printed(print_f64, value), expected);
            assert_eq!(ryu::Buffer::new().format(value), expected);
        };
        check(0.0, "0.0");
        check(-0.0, "-0.0");
        check(1.0, "1.0");
        check(-1.1, "-1.1");
        check(12.05, "12.05");
        check(1.004, "1.004");
        check(10.0, "10.0");
        check(0.01, "0.01");
        check(-999_999.99, "-999999.99");
        check(100_000.5, "100000.5");
        check(1_000_000.0, "1000000.0");
        check(99_999_999_999_999.9, "99999999999999.9");
        check(1.10, "1.1");
        check(-0.5, "-0.5");
        check(0.001, "0.001");
        check(1.000_001, "1.000001");
        check(1.000_000_1, "1.0000001");
        check(0.000_012, "0.000012");
        check(0.00001, "0.00001");
        check(0.000_001, "1e-6");
        check(0.000_009, "9e-6");
        check(1e-7, "1e-7");
        check(100_000.0, "100000.0");
        check(1_700_000_000.123, "1700000000.123");
        check(999_999_999_999_999.0, "999999999999999.0");
        check(1e15, "1000000000000000.0");
        check(1e16, "1e16");
        check(1e20, "1e20");
        check(1.234_567_890_123_456_8e29, "1.2345678901234568e29");
        check(0.1 + 0.2, "0.30000000000000004");
        check(f64::MAX, "1.7976931348623157e308");
        check(5e-324, "5e-324");
        check(f64::NAN, "NaN");
        check(f64::NEG_INFINITY, "-inf");
    }

    #[test]
    fn resp_doubles_print_as_redis_8_does() {
        let check = |value: f64, expected: &str| {
            assert_eq!(printed(print_resp_double, value), expected);
        };
        check(0.0, "0");
        check(-0.0, "-0");
        check(2.0, "2");
        check(2.25, "2.25");
        check(-0.5, "-0.5");
        check(4_503_599_627_370_495.0, "4503599627370495");
        check(-1_000_000_000_000.0, "-1000000000000");
        check(1e20, "1e+20");
        check(1.5e17, "1.5e+17");
        check(1.234_567_890_123_456_7e19, "12345678901234567000");
        check(0.001, "0.001");
        check(0.000_001, "0.000001");
        check(1e-7, "1e-7");
        check(1.5e-7, "1.5e-7");
        check(1.234_567_8e-4, "1.2345678e-4");
        check(0.001_234_567_8, "0.0012345678");
        check(1.234_567_890_123_456, "1.234567890123456");
        check(-1e-300, "-1e-300");
        check(f64::INFINITY, "inf");
        check(f64::NEG_INFINITY, "-inf");
        check(f64::NAN, "nan");
    }
}
