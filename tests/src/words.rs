//! Command lines as `redis-cli` splits them.

use crate::{Failure, Outcome};

/// Splits a line into words: bare, `"..."` with the escapes `\xHH \n \r \t \a \b \\ \"`, or
/// `'...'` with `\'`.
pub fn split(line: &[u8]) -> Outcome<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let (word, after) = word(rest).ok_or_else(|| {
            Failure::new(format!("bad quotes: {}", String::from_utf8_lossy(line)))
        })?;
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Ok(words)
}

/// The first word and what follows it; None where a quote is open or text follows a closing one.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (word, rest) = match text.split_first()? {
        (b'"', rest) => double_quoted(rest)?,
        (b'\'', rest) => single_quoted(rest)?,
        _ => bare(text),
    };
    rest.first().is_none_or(u8::is_ascii_whitespace).then_some((word, rest))
}

fn bare(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word.to_vec(), rest)
}

fn single_quoted(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match text {
            [b'\\', b'\'', rest @ ..] => {
                word.push(b'\'');
                text = rest;
            }
            [b'\'', rest @ ..] => return Some((word, rest)),
            [byte, rest @ ..] => {
                word.push(*byte);
                text = rest;
            }
            [] => return None,
        }
    }
}

fn double_quoted(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match text {
            [b'"', rest @ ..] => return Some((word, rest)),
            [b'\\', rest @ ..] => {
                let (byte, rest) = escaped(rest)?;
                word.push(byte);
                text = rest;
            }
            [byte, rest @ ..] => {
                word.push(*byte);
                text = rest;
            }
            [] => return None,
        }
    }
}

/// The byte that the text after a backslash stands for, and what follows it.
pub(crate) fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (letter, rest) = text.split_first()?;
    if let (b'x', [high, low, after @ ..]) = (letter, rest)
        && let (Some(high), Some(low)) = (hex(*high), hex(*low))
    {
        return Some((high << 4 | low, after));
    }
    let byte = match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        other => *other,
    };
    Some((byte, rest))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The word as it must be written for [`split`] to give it back: bare where possible, in single
/// quotes where that saves escapes (JSON is full of double ones).
#[must_use]
pub fn quote(word: &[u8]) -> String {
    let printable = word.iter().all(|byte| (b' '..=b'~').contains(byte));
    let plain = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'\\');
    let text = || word.iter().copied().map(char::from).collect::<String>();
    if printable && !word.is_empty() && word.iter().all(plain) {
        return text();
    }
    if printable && !word.is_empty() && !word.contains(&b'\'') && !word.contains(&b'\\') {
        return format!("'{}'", text());
    }
    format!("\"{}\"", word.iter().copied().map(escape).collect::<String>())
}

fn escape(byte: u8) -> String {
    match byte {
        b'"' => "\\\"".into(),
        b'\\' => "\\\\".into(),
        b'\n' => "\\n".into(),
        b'\r' => "\\r".into(),
        b'\t' => "\\t".into(),
        b' '..=b'~' => char::from(byte).into(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_redis_cli() {
        let check = |line: &str, expected: &[&[u8]]| {
            assert_eq!(split(line.as_bytes()).unwrap(), expected, "{line}");
        };
        check("", &[]);
        check("  GET  key ", &[b"GET", b"key"]);
        check(r#"SET k "a\x00\"\n\\b""#, &[b"SET", b"k", b"a\0\"\n\\b"]);
        check(r#"SET k '{"a":"b\'c\n"}'"#, &[b"SET", b"k", br#"{"a":"b'c\n"}"#]);
        check(r#"SET "" ''"#, &[b"SET", b"", b""]);
        check(r#"a{"b":1}"#, &[br#"a{"b":1}"#]);
        check(r#""\xzz""#, &[b"xzz"]);
    }

    #[test]
    fn refuses_bad_quotes() {
        for line in [r#""open"#, "'open", r#""a"b"#, "'a'b", r#""a\"#] {
            assert!(split(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn quote_is_the_inverse_of_split() {
        let every_byte: Vec<u8> = (0..=255).collect();
        for word in [&b""[..], b"plain", b"{\"a\": 1}", b"it's", b"back\\slash", &every_byte] {
            assert_eq!(split(quote(word).as_bytes()).unwrap(), [word]);
        }
    }
}
