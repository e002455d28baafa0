//! What is asked of the server, packed.

use std::io::Write;
use std::sync::Arc;

use redis::{ServerError, Value};
use smallvec::{SmallVec, smallvec};

use crate::error::Error;
use crate::id::{Id, Key, Kind, Lookup};
use crate::tracking::ServerTtl;

/// Appends a command as an array of bulk strings.
pub(crate) fn pack(out: &mut Vec<u8>, words: &[&[u8]]) {
    // Writing to a vector does not fail.
    let _ = write!(out, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(out, "${}\r\n", word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// The command, packed.
pub(crate) fn packed(words: &[&[u8]]) -> Vec<u8> {
    let bytes: usize = words.iter().map(|word| word.len().saturating_add(16)).sum();
    let mut out = Vec::with_capacity(bytes.saturating_add(16));
    pack(&mut out, words);
    out
}

/// A read whose reply may be cached.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    id: Id,
    keys: SmallVec<[Key; 1]>,
}

impl Question {
    /// `GET` of the key of this name.
    pub(crate) fn get(lookup: Lookup<'_>) -> Self {
        let id = lookup.to_id();
        let keys = smallvec![Key::clone(id.bytes())];
        Self { id, keys }
    }

    /// A command, packed, that reads these keys.
    pub(crate) fn command(packed: &[u8], keys: &[&[u8]]) -> Self {
        let id = Lookup::new(Kind::Command, packed).to_id();
        Self { id, keys: keys.iter().map(|&key| key.into()).collect() }
    }

    pub(crate) fn id(&self) -> &Id {
        &self.id
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Appends the read alone.
    pub(crate) fn pack_bare(&self, out: &mut Vec<u8>) {
        match self.id.kind() {
            Kind::Get | Kind::Absent => pack(out, &[b"GET", self.id.bytes()]),
            Kind::Command => out.extend_from_slice(self.id.bytes()),
        }
    }

    /// Appends a transaction of the keys' remaining lives and the read, so that they belong
    /// together and both are tracked; gives the number of replies.
    pub(crate) fn pack_with_ttl(&self, out: &mut Vec<u8>, opt_in: bool) -> usize {
        if opt_in {
            pack(out, &[b"CLIENT", b"CACHING", b"YES"]);
        }
        pack(out, &[b"MULTI"]);
        for key in &self.keys {
            pack(out, &[b"PTTL", key]);
        }
        self.pack_bare(out);
        pack(out, &[b"EXEC"]);
        self.keys.len().saturating_add(3).saturating_add(usize::from(opt_in))
    }
}

/// The parts of the transaction's reply. An error among them is the error of the whole.
pub(crate) fn unpack(reply: Value) -> Result<(Value, ServerTtl), Error> {
    let Value::Array(mut parts) = reply else { return Err(odd(reply)) };
    let value = parts.pop().ok_or_else(|| odd(Value::Nil))?;
    let mut ttl = ServerTtl::Forever;
    for part in parts {
        let Value::Int(millis) = part else { return Err(odd(part)) };
        // -1: lives forever; -2: is not there.
        let Ok(millis) = u64::try_from(millis) else { continue };
        ttl = match ttl {
            ServerTtl::Millis(other) => ServerTtl::Millis(other.min(millis)),
            ServerTtl::Forever => ServerTtl::Millis(millis),
        };
    }
    if matches!(value, Value::ServerError(_)) { Err(odd(value)) } else { Ok((value, ttl)) }
}

/// What a transaction must not give.
fn odd(part: Value) -> Error {
    let Value::ServerError(error) = part else {
        let shown: String = format!("{part:?}").chars().take(100).collect();
        return Error::Server(format!("a transaction of another shape: {shown}").into());
    };
    Error::Server(said(&error))
}

/// An error reply, as the server wrote it.
pub(crate) fn said(error: &ServerError) -> Arc<str> {
    let (code, details) = (error.code(), error.details().unwrap_or_default());
    format!("{code} {details}").trim_end().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_transaction() {
        let question = Question::get(Lookup::new(Kind::Get, b"k"));
        let mut out = Vec::new();
        assert_eq!(question.pack_with_ttl(&mut out, true), 5);
        let mut expected = Vec::new();
        for words in [
            &[&b"CLIENT"[..], b"CACHING", b"YES"][..],
            &[b"MULTI"],
            &[b"PTTL", b"k"],
            &[b"GET", b"k"],
            &[b"EXEC"],
        ] {
            pack(&mut expected, words);
        }
        assert_eq!(out, expected);
        assert!(out.starts_with(b"*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n*1\r\n"));
    }

    #[test]
    fn the_shortest_life_counts() {
        let check = |parts: &[i64], ttl| {
            let mut parts: Vec<Value> = parts.iter().map(|&part| Value::Int(part)).collect();
            parts.push(Value::Okay);
            assert_eq!(unpack(Value::Array(parts)).unwrap(), (Value::Okay, ttl));
        };
        check(&[], ServerTtl::Forever);
        check(&[-1, -2], ServerTtl::Forever);
        check(&[-1, 70, 30, -2], ServerTtl::Millis(30));
        check(&[0], ServerTtl::Millis(0));
        let odd = |reply| matches!(unpack(reply), Err(Error::Server(said)) if said.contains("another shape"));
        assert!(odd(Value::Nil) && odd(Value::Array(vec![Value::Nil, Value::Okay])));
    }
}
