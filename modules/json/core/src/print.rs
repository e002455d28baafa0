//! Documents as JSON text.

use crate::document::ValueRef;
use crate::node::{Kind, Node, Number};

/// The text would be longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// What a pretty printer puts between things. All empty is the compact form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style<'a> {
    /// Once per level at the start of every line.
    pub indent: &'a [u8],
    /// The end of every line.
    pub newline: &'a [u8],
    /// Between the colon and the value of a member.
    pub space: &'a [u8],
}

/// Appends the shortest JSON text of `value` to `out`.
///
/// # Errors
/// [`TooLong`] as soon as `out` has more than `limit` bytes; `out` then ends somewhere.
pub fn compact(value: ValueRef<'_>, out: &mut Vec<u8>, limit: usize) -> Result<(), TooLong> {
    let result = compact_unchecked(value, out, limit);
    if out.len() > limit { Err(TooLong) } else { result }
}

/// Recursion is as deep as the value, which is at most [`crate::document::DEPTH_MAX`].
fn compact_unchecked(value: ValueRef<'_>, out: &mut Vec<u8>, limit: usize) -> Result<(), TooLong> {
    if out.len() > limit {
        return Err(TooLong);
    }
    match value.kind() {
        Kind::Array(_) => {
            out.push(b'[');
            for (index, element) in value.elements().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                compact_unchecked(element, out, limit)?;
            }
            out.push(b']');
        }
        Kind::Object(_) => {
            out.push(b'{');
            compact_members(value, out, limit)?;
            out.push(b'}');
        }
        scalar @ (Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_)) => {
            print_scalar(scalar, out);
        }
    }
    Ok(())
}

fn compact_members(value: ValueRef<'_>, out: &mut Vec<u8>, limit: usize) -> Result<(), TooLong> {
    let mut separator: &[u8] = b"";
    if let Some(members) = value.labelled() {
        for (label, member) in members {
            out.extend_from_slice(separator);
            out.extend_from_slice(label);
            compact_unchecked(member, out, limit)?;
            separator = b",";
        }
        return Ok(());
    }
    for (key, member) in value.members() {
        out.extend_from_slice(separator);
        escaped(key, out);
        out.push(b':');
        compact_unchecked(member, out, limit)?;
        separator = b",";
    }
    Ok(())
}

/// Appends the JSON text of `value` in `style`, as a value that stands `depth` levels below the
/// start of its line.
///
/// # Errors
/// [`TooLong`] as soon as `out` has more than `limit` bytes; `out` then ends somewhere.
pub fn pretty(
    value: ValueRef<'_>,
    style: &Style<'_>,
    depth: usize,
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<(), TooLong> {
    if out.len() > limit {
        return Err(TooLong);
    }
    match value.kind() {
        Kind::Array(1..) => {
            out.push(b'[');
            for (index, element) in value.elements().enumerate() {
                begin_line(style, index > 0, depth + 1, out);
                pretty(element, style, depth + 1, out, limit)?;
            }
            begin_line(style, false, depth, out);
            out.push(b']');
        }
        Kind::Object(1..) => {
            out.push(b'{');
            for (position, (key, member)) in value.members().enumerate() {
                begin_line(style, position > 0, depth + 1, out);
                escaped(key, out);
                out.push(b':');
                out.extend_from_slice(style.space);
                pretty(member, style, depth + 1, out, limit)?;
            }
            begin_line(style, false, depth, out);
            out.push(b'}');
        }
        Kind::Array(_) => out.extend_from_slice(b"[]"),
        Kind::Object(_) => out.extend_from_slice(b"{}"),
        scalar @ (Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_)) => {
            print_scalar(scalar, out);
        }
    }
    if out.len() > limit { Err(TooLong) } else { Ok(()) }
}

fn begin_line(style: &Style<'_>, comma: bool, depth: usize, out: &mut Vec<u8>) {
    if comma {
        out.push(b',');
    }
    out.extend_from_slice(style.newline);
    for _ in 0..depth {
        out.extend_from_slice(style.indent);
    }
}

fn print_scalar(kind: Kind<'_>, out: &mut Vec<u8>) {
    match kind {
        Kind::Bool(true) => out.extend_from_slice(b"true"),
        Kind::Bool(false) => out.extend_from_slice(b"false"),
        Kind::Number(value) => number(value, out),
        Kind::String(text) => escaped(text, out),
        Kind::Null | Kind::Array(_) | Kind::Object(_) => out.extend_from_slice(b"null"),
    }
}

/// Appends a number as JSON: doubles in the shortest form that reads back the same.
pub fn number(value: Number, out: &mut Vec<u8>) {
    let mut integer = itoa::Buffer::new();
    match value {
        Number::Int(value) => out.extend_from_slice(integer.format(value).as_bytes()),
        Number::Uint(value) => out.extend_from_slice(integer.format(value).as_bytes()),
        Number::Double(value) => {
            if !short_decimal(value, out) {
                let mut double = ryu::Buffer::new();
                out.extend_from_slice(double.format_finite(value).as_bytes());
            }
        }
    }
}

/// Appends a double that is a decimal of up to 15 digits, up to 4 of them behind the point; false if
/// it is none. No shorter decimal reads back as it, since different decimals of up to 15 digits are
/// different doubles.
fn short_decimal(value: f64, out: &mut Vec<u8>) -> bool {
    const DIGITS_15: f64 = 1e15;
    const POWERS: [f64; 5] = [1.0, 1e1, 1e2, 1e3, 1e4];
    let magnitude = value.abs();
    let decimal = |power: &f64| {
        let scaled = magnitude * power;
        scaled < DIGITS_15 && scaled.fract() == 0.0 && scaled / power == magnitude
    };
    let Some(places) = POWERS.iter().position(decimal) else { return false };
    let scaled = magnitude * POWERS.get(places).copied().unwrap_or(1.0);
    if value.is_sign_negative() {
        out.push(b'-');
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1e15")]
    put_decimal(scaled as u64, places, out);
    true
}

/// Appends `digits` with the point before the last `places` of them, without needless zeros.
fn put_decimal(mut digits: u64, mut places: usize, out: &mut Vec<u8>) {
    // 4.35 * 100 is not 435 in doubles, so 4350 and 3 places came first.
    while places > 1 && digits.is_multiple_of(10) {
        (digits, places) = (digits / 10, places - 1);
    }
    const POWERS: [u64; 5] = [1, 10, 100, 1000, 10_000];
    let power = POWERS.get(places).copied().unwrap_or(1);
    let mut whole = itoa::Buffer::new();
    out.extend_from_slice(whole.format(digits / power).as_bytes());
    out.push(b'.');
    // A leading 1 keeps the zeros behind the point; it is cut off.
    let mut fraction = itoa::Buffer::new();
    let padded = fraction.format(digits % power + power).as_bytes();
    out.extend_from_slice(if places == 0 { b"0" } else { padded.get(1..).unwrap_or_default() });
}

/// Appends `text` (UTF-8) as a JSON string, quotes included.
pub fn escaped(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(position) = first_escape(rest) {
        let (plain, tail) = rest.split_at(position);
        out.extend_from_slice(plain);
        let Some((byte, tail)) = tail.split_first() else { break };
        escape(*byte, out);
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Where the first byte is that cannot stand in a JSON string; looks at 8 bytes at a time.
fn first_escape(text: &[u8]) -> Option<usize> {
    let (words, _) = text.as_chunks::<8>();
    let skipped = words.iter().position(|word| word_needs_escape(u64::from_le_bytes(*word)));
    let start = 8 * skipped.unwrap_or(words.len());
    let rest = text.get(start..)?;
    rest.iter().position(|byte| needs_escape(*byte)).map(|position| start + position)
}

/// Whether a byte of `word` is below 0x20, a quote or a backslash. A subtraction sets the top bit of
/// a byte that is below what is subtracted; bytes with their own top bit set are masked out. (A
/// borrow can only claim too much, in bytes above one that does need an escape.)
fn word_needs_escape(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word;
    let control = below(word, 0x20);
    let quote = below(word ^ (ONES * 0x22), 1);
    let backslash = below(word ^ (ONES * 0x5c), 1);
    (control | quote | backslash) & TOPS != 0
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
