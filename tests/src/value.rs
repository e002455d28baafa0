//! Replies as values, for tests that look into them.

use std::fmt;

use crate::{Failure, Outcome};

/// A decoded reply, for tests that look into one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `*`, and the attribute-free rest of `>`.
    Array(Vec<Self>),
    /// `(`, its digits as text.
    Big(String),
    /// `#`.
    Boolean(bool),
    /// `$`.
    Bulk(Vec<u8>),
    /// `,`, as text: servers differ in how they print one.
    Double(String),
    /// `-` and `!`.
    Error(String),
    /// `:`.
    Integer(i64),
    /// `%`, in the order that came.
    Map(Vec<(Self, Self)>),
    /// `_`, `$-1` and `*-1`.
    Null,
    /// `>`.
    Push(Vec<Self>),
    /// `~`, in the order that came.
    Set(Vec<Self>),
    /// `+`.
    Simple(String),
    /// `=`, with its three-letter format in front.
    Verbatim(Vec<u8>),
}

/// How deep a reply may nest; JSON.RESP's deepest is 128.
const DEPTH_MAX: usize = 256;

impl Value {
    /// The value of one whole reply.
    pub fn decode(bytes: &[u8]) -> Outcome<Self> {
        let mut reader = Reader { rest: bytes };
        let value = reader.value(DEPTH_MAX)?;
        crate::ensure(reader.rest.is_empty(), || "bytes after the reply".into())?;
        Ok(value)
    }

    /// The integer, or why it is none.
    pub fn integer(&self) -> Outcome<i64> {
        if let Self::Integer(number) = self { Ok(*number) } else { Err(self.unlike("an integer")) }
    }

    /// The bytes of a bulk, simple or verbatim string, or why it is none.
    pub fn bytes(&self) -> Outcome<&[u8]> {
        match self {
            Self::Bulk(bytes) | Self::Verbatim(bytes) => Ok(bytes),
            Self::Simple(text) => Ok(text.as_bytes()),
            Self::Array(_)
            | Self::Big(_)
            | Self::Boolean(_)
            | Self::Double(_)
            | Self::Error(_)
            | Self::Integer(_)
            | Self::Map(_)
            | Self::Null
            | Self::Push(_)
            | Self::Set(_) => Err(self.unlike("a string")),
        }
    }

    /// The elements of an array, set or push, or why it is none.
    pub fn elements(&self) -> Outcome<&[Self]> {
        if let Self::Array(values) | Self::Set(values) | Self::Push(values) = self {
            return Ok(values);
        }
        Err(self.unlike("an array"))
    }

    fn unlike(&self, wanted: &str) -> Failure {
        Failure::new(format!("{wanted} was expected, not {self}"))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(values) => list(f, "[", values, "]"),
            Self::Big(text) | Self::Double(text) | Self::Simple(text) => f.write_str(text),
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::Bulk(bytes) | Self::Verbatim(bytes) => {
                write!(f, "\"{}\"", bytes.escape_ascii())
            }
            Self::Error(text) => write!(f, "(error) {text}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Map(pairs) => {
                f.write_str("{")?;
                for (key, value) in pairs {
                    write!(f, "{key}: {value}, ")?;
                }
                f.write_str("}")
            }
            Self::Null => f.write_str("(nil)"),
            Self::Push(values) => list(f, "push[", values, "]"),
            Self::Set(values) => list(f, "set[", values, "]"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, open: &str, values: &[Value], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (index, value) in values.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        write!(f, "{comma}{value}")?;
    }
    f.write_str(close)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Outcome<Value> {
        let depth = depth.checked_sub(1).ok_or_else(|| Failure::new("a reply nests too deep"))?;
        let line = self.line()?;
        let (kind, text) = line.split_first().ok_or_else(|| Failure::new("empty RESP line"))?;
        let text = String::from_utf8_lossy(text).into_owned();
        match kind {
            b'+' => Ok(Value::Simple(text)),
            b'-' => Ok(Value::Error(text)),
            b'(' => Ok(Value::Big(text)),
            b',' => Ok(Value::Double(text)),
            b'#' => Ok(Value::Boolean(text == "t")),
            b'_' => Ok(Value::Null),
            b':' => Ok(Value::Integer(text.parse().map_err(|_| Failure::new("no integer"))?)),
            b'$' | b'=' | b'!' => self.string(*kind, &text),
            b'*' | b'~' | b'>' => self.sequence(*kind, &text, depth),
            b'%' => Ok(Value::Map(self.pairs(&text, depth)?)),
            b'|' => {
                self.pairs(&text, depth)?;
                self.value(depth)
            }
            _ => Err(Failure::new("no RESP type")),
        }
    }

    fn line(&mut self) -> Outcome<&'a [u8]> {
        let end = self.rest.windows(2).position(|pair| pair == b"\r\n");
        let line = self.take(end.ok_or_else(|| Failure::new("a reply is cut off"))?)?;
        self.take(2)?;
        Ok(line)
    }

    fn take(&mut self, count: usize) -> Outcome<&'a [u8]> {
        let parts = self.rest.split_at_checked(count);
        let (taken, rest) = parts.ok_or_else(|| Failure::new("a reply is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn string(&mut self, kind: u8, length: &str) -> Outcome<Value> {
        if length == "-1" {
            return Ok(Value::Null);
        }
        let length = length.parse().map_err(|_| Failure::new("no length"))?;
        let bytes = self.take(length)?.to_vec();
        self.take(2)?;
        Ok(match kind {
            b'=' => Value::Verbatim(bytes),
            b'!' => Value::Error(String::from_utf8_lossy(&bytes).into_owned()),
            _ => Value::Bulk(bytes),
        })
    }

    fn sequence(&mut self, kind: u8, length: &str, depth: usize) -> Outcome<Value> {
        if length == "-1" {
            return Ok(Value::Null);
        }
        let length: usize = length.parse().map_err(|_| Failure::new("no length"))?;
        let values = (0..length).map(|_| self.value(depth)).collect::<Outcome<_>>()?;
        Ok(match kind {
            b'~' => Value::Set(values),
            b'>' => Value::Push(values),
            _ => Value::Array(values),
        })
    }

    fn pairs(&mut self, length: &str, depth: usize) -> Outcome<Vec<(Value, Value)>> {
        let length: usize = length.parse().map_err(|_| Failure::new("no length"))?;
        (0..length).map(|_| Ok((self.value(depth)?, self.value(depth)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_prints() {
        let check = |bytes: &[u8], printed: &str| {
            assert_eq!(Value::decode(bytes).unwrap().to_string(), printed);
        };
        check(b"+OK\r\n", "OK");
        check(b"-ERR no\r\n", "(error) ERR no");
        check(b"$-1\r\n", "(nil)");
        check(b"*-1\r\n", "(nil)");
        check(b"*2\r\n*1\r\n:-1\r\n$2\r\n\r\n\r\n", "[[-1], \"\\r\\n\"]");
        check(b"%1\r\n+a\r\n~2\r\n#t\r\n_\r\n", "{a: set[true, (nil)], }");
        check(b">1\r\n,1.5\r\n", "push[1.5]");
        check(b"|1\r\n+a\r\n:1\r\n=6\r\ntxt:ab\r\n", "\"txt:ab\"");
    }

    #[test]
    fn refuses_what_is_cut_or_too_deep() {
        assert!(Value::decode(b"$5\r\nab\r\n").is_err());
        assert!(Value::decode(b"+OK\r\n+OK\r\n").is_err());
        assert!(Value::decode(&[&b"*1\r\n".repeat(300)[..], b":1\r\n"].concat()).is_err());
    }
}
