//! How samples, labels and rows are replied.

use keyspan_common::lines::Lines;
use keyspan_common::number::{print_f64, print_u64};
use keyspan_common::reply::Reply;
use keyspan_timeseries_core::chunk::Sample;
use keyspan_timeseries_core::label::value_of;
use keyspan_timeseries_core::range::Rows;
use keyspan_timeseries_core::request::multi::Told;
use keyspan_timeseries_core::series::Label;

/// From here on, and below 1, RedisTimeSeries prints an exponent. Where exactly is known of neither
/// end but below 1 (observed from 8.8.0: `11.5`, `2847090.9324474894`, `1E300`, `-2.5E-1`).
const PLAIN_END: f64 = 1e16;

/// Appends a value as it is in RESP2.
pub(crate) fn print_value(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value == 0.0 || (1.0..PLAIN_END).contains(&value.abs()) {
        print_f64(value, out);
        if out.ends_with(b".0") {
            out.truncate(out.len() - 2);
        }
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        print_scientific(value, out);
    }
}

/// One digit, the others behind a point, the exponent: of a number below 1 or of at least
/// [`PLAIN_END`].
fn print_scientific(value: f64, out: &mut Vec<u8>) {
    let start = out.len() + usize::from(value.is_sign_negative());
    print_f64(value, out);
    let text = out.get_mut(start..).unwrap_or_default();
    if let Some(sign) = text.iter_mut().find(|byte| **byte == b'e') {
        *sign = b'E';
        return;
    }
    // `0.00123`
    let zeros = text.iter().skip(2).take_while(|byte| **byte == b'0').count();
    out.drain(start..start + 2 + zeros);
    if out.len() > start + 1 {
        out.insert(start + 1, b'.');
    }
    out.extend_from_slice(b"E-");
    print_u64(u64::try_from(zeros).unwrap_or(0) + 1, out);
}

/// Writes times and values, those of many rows at once.
pub(crate) struct Values<'r> {
    reply: &'r mut dyn Reply,
    is_resp3: bool,
}

impl<'r> Values<'r> {
    pub(crate) fn new(reply: &'r mut dyn Reply) -> Self {
        Self { is_resp3: reply.is_resp3(), reply }
    }

    /// Writes rows, each a time and its values.
    pub(crate) fn rows(self, rows: &Rows) {
        self.reply.array(rows.len());
        let mut lines = Lines::new(self.reply, rows.len());
        for (time, values) in rows.iter() {
            lines.array(1 + values.len());
            lines.integer(time.cast_signed());
            values.iter().for_each(|value| write_value(&mut lines, *value, self.is_resp3));
        }
        lines.end();
    }

    /// Writes rows, each a time and an array of its values.
    pub(crate) fn nested_rows(self, rows: &Rows) {
        self.reply.array(rows.len());
        let mut lines = Lines::new(self.reply, rows.len());
        for (time, values) in rows.iter() {
            lines.array(2);
            lines.integer(time.cast_signed());
            lines.array(values.len());
            values.iter().for_each(|value| write_value(&mut lines, *value, self.is_resp3));
        }
        lines.end();
    }
}

fn write_value(lines: &mut Lines<'_>, value: f64, is_resp3: bool) {
    if is_resp3 { lines.double(value) } else { lines.text(|out| print_value(value, out)) }
}

/// A sample, or an empty array for none.
pub(crate) fn sample(reply: &mut dyn Reply, sample: Option<Sample>) {
    let Some(sample) = sample else { return reply.array(0) };
    let is_resp3 = reply.is_resp3();
    let mut lines = Lines::new(reply, 1);
    lines.array(2);
    lines.integer(sample.timestamp.cast_signed());
    write_value(&mut lines, sample.value, is_resp3);
    lines.end();
}

/// Pairs: a map in RESP3, arrays of two in RESP2.
pub(crate) fn pairs<'a>(
    reply: &mut dyn Reply,
    pairs: impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
) {
    let is_resp3 = reply.is_resp3();
    if is_resp3 {
        reply.map(pairs.len());
    } else {
        reply.array(pairs.len());
    }
    for (name, value) in pairs {
        if !is_resp3 {
            reply.array(2);
        }
        reply.bulk(name);
        match value {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
    }
}

/// The labels that a query asks for.
pub(crate) fn labels(reply: &mut dyn Reply, labels: &[Label], told: &Told) {
    match told {
        Told::Nothing => pairs(reply, [].into_iter()),
        Told::All => {
            pairs(reply, labels.iter().map(|label| (&*label.name, Some(&*label.value))));
        }
        Told::Selected(names) => {
            pairs(reply, names.iter().map(|name| (&**name, value_of(labels, name))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printed_as_the_reference_does() {
        let check = |value: f64, expected: &str| {
            let mut out = Vec::new();
            print_value(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (5.0, "5"),
            (-11.5, "-11.5"),
            (2_847_090.932_447_489_4, "2847090.9324474894"),
            (1.118_033_988_749_895, "1.118033988749895"),
            (1e300, "1E300"),
            (5e299, "5E299"),
            (5e-324, "5E-324"),
            (2.225_073_858_507_201_4e-308, "2.2250738585072014E-308"),
            (-0.25, "-2.5E-1"),
            (0.1, "1E-1"),
            (0.024, "2.4E-2"),
            (0.002_658_724_257_824_762_7, "2.6587242578247627E-3"),
            (f64::NAN, "NaN"),
        ] {
            check(value, expected);
        }
    }

    /// The digits that ryu finds, put together as slowly as it is plain.
    fn plainly(value: f64) -> String {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format(value);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let (whole, fraction) =
            mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa, ""));
        if value == 0.0 || (1.0..PLAIN_END).contains(&value.abs()) {
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            return format!("{sign}{whole}{point}{fraction}");
        }
        let whole = whole.trim_start_matches('-');
        let digits = [whole, fraction].concat();
        let zeros = digits.len() - digits.trim_start_matches('0').len();
        let power = exponent.parse::<isize>().unwrap() + whole.len().cast_signed()
            - 1
            - zeros.cast_signed();
        let digits = digits.trim_matches('0');
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}E{power}")
    }

    #[test]
    fn values_of_every_size_are_printed_with_their_shortest_digits() {
        let check = |value: f64| {
            let mut out = b"before".to_vec();
            print_value(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("before{}", plainly(value)));
        };
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..300_000_u32 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let places = 10_f64.powi(i32::try_from(round % 19).unwrap());
            let decimal = (bits >> (round % 60)) as f64 / places;
            for value in [decimal, -decimal, f64::from_bits(bits)] {
                if value.is_finite() {
                    check(value);
                }
            }
        }
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e15, 1e16, 1e-5, 1e-6, 0.999_999] {
            check(value);
        }
    }
}
