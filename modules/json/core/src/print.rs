//! Documents as JSON text.

use keyspan_common::number::{print_f64, print_u64};

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
    let result = value.print_to(out, limit);
    if out.len() > limit { Err(TooLong) } else { result }
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
                begin_line(style, index > 0, depth + 1, out, limit);
                pretty(element, style, depth + 1, out, limit)?;
            }
            begin_line(style, false, depth, out, limit);
            out.push(b']');
        }
        Kind::Object(1..) => {
            out.push(b'{');
            for (position, (key, member)) in value.members().enumerate() {
                begin_line(style, position > 0, depth + 1, out, limit);
                escaped(key, out);
                out.push(b':');
                out.extend_from_slice(style.space);
                pretty(member, style, depth + 1, out, limit)?;
            }
            begin_line(style, false, depth, out, limit);
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

/// Stops within the indentation once `out` has more than `limit` bytes: an indent may be as long as
/// a word of a command, and there may be 128 of them.
fn begin_line(style: &Style<'_>, comma: bool, depth: usize, out: &mut Vec<u8>, limit: usize) {
    if comma {
        out.push(b',');
    }
    out.extend_from_slice(style.newline);
    for _ in 0..depth {
        if out.len() > limit {
            return;
        }
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
#[inline]
pub fn number(value: Number, out: &mut Vec<u8>) {
    match value {
        Number::Int(value) => {
            if value < 0 {
                out.push(b'-');
            }
            print_u64(value.unsigned_abs(), out);
        }
        Number::Uint(value) => print_u64(value, out),
        Number::Double(value) => print_f64(value, out),
    }
}

/// Appends `text` (UTF-8) as a JSON string, quotes included.
#[inline]
pub fn escaped(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let plain = match text.len() {
        8..=16 => put_ends::<8>(text, out),
        17..=32 => put_ends::<16>(text, out),
        _ => false,
    };
    if !plain {
        put_escaped(text, out);
    }
    out.push(b'"');
}

/// Appends a text of N to 2 N bytes as its first and its last N, which may overlap; false, and
/// nothing done, if it has any to escape.
#[inline]
fn put_ends<const N: usize>(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) else {
        return false;
    };
    // Without a way out of the loop, for vector instructions.
    let both = first.iter().zip(last);
    if both.fold(false, |any, (a, b)| any | needs_escape(*a) | needs_escape(*b)) {
        return false;
    }
    let last_start = out.len() + (text.len() - N);
    out.extend_from_slice(first);
    out.truncate(last_start);
    out.extend_from_slice(last);
    true
}

fn put_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(position) = first_escape(rest) {
        let (plain, tail) = rest.split_at(position);
        out.extend_from_slice(plain);
        let Some((byte, tail)) = tail.split_first() else { break };
        escape(*byte, out);
        rest = tail;
    }
    out.extend_from_slice(rest);
}

/// Where the first byte is that cannot stand in a JSON string; looks at 8 bytes at a time.
fn first_escape(text: &[u8]) -> Option<usize> {
    let (words, _) = text.as_chunks::<8>();
    let needs = |word: &[u8; 8]| word_needs_escape(u64::from_le_bytes(*word));
    let skipped = words.iter().position(needs);
    if skipped.is_none() && text.last_chunk().is_some_and(|last| !needs(last)) {
        return None;
    }
    let start = 8 * skipped.unwrap_or(words.len());
    let rest = text.get(start..)?;
    rest.iter().position(|byte| needs_escape(*byte)).map(|position| start + position)
}

/// Whether a byte of `word` is below 0x20, a quote or a backslash. A subtraction sets the top bit of
/// a byte that is below what is subtracted; bytes with their own top bit set are masked out. (A
/// borrow can only claim too much, in bytes above one that does need an escape.)
#[inline]
pub(crate) fn word_needs_escape(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word;
    let control = below(word, 0x20);
    let quote = below(word ^ (ONES * 0x22), 1);
    let backslash = below(word ^ (ONES * 0x5c), 1);
    (control | quote | backslash) & TOPS != 0
}

#[inline]
fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
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

#[cfg(test)]
mod tests {
    use super::escaped;

    /// Every length around those that are copied in two pieces, every byte at every place.
    #[test]
    fn every_byte_is_escaped_at_every_place() {
        let check = |text: &str| {
            let mut out = Vec::new();
            escaped(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(text).unwrap());
        };
        for (len, byte) in (0..35).flat_map(|len| (0..128).map(move |byte| (len, byte))) {
            let plain = "0123456789abcdefghijklmnopqrstuvwxyz";
            check(&plain[..len]);
            for at in 0..len {
                check(&format!("{}{}{}", &plain[..at], char::from(byte), &plain[at + 1..len]));
            }
        }
    }
}
