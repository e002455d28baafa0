//! Replies as the bytes that a server sends: the [`Reply`] of tests and fuzz targets.

use crate::{lines::Part, number, reply::Reply};

/// The protocol that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// RESP2, the default of a connection.
    Resp2,
    /// RESP3, after `HELLO 3`.
    Resp3,
}

/// Writes replies as bytes.
#[derive(Clone, Debug)]
pub struct Encoder {
    protocol: Protocol,
    bytes: Vec<u8>,
}

impl Encoder {
    /// An encoder without a reply.
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, bytes: Vec::new() }
    }

    /// The replies so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn framed(&mut self, kind: u8, text: &[u8]) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn len(&mut self, kind: u8, len: usize) {
        self.framed(kind, len.to_string().as_bytes());
    }
}

/// The text without what would end a line, or a C string.
fn one_line(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if matches!(byte, b'\r' | b'\n' | 0) { b' ' } else { *byte }).collect()
}

impl Reply for Encoder {
    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    fn null(&mut self) {
        self.bytes.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    fn null_array(&mut self) {
        self.bytes.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    fn simple(&mut self, text: &'static str) {
        self.framed(b'+', text.as_bytes());
    }

    fn line(&mut self, text: &[u8]) {
        self.framed(b'+', &one_line(text));
    }

    fn bulk(&mut self, bytes: &[u8]) {
        self.len(b'$', bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Line ends in `text` become spaces, as in the servers.
    fn error(&mut self, text: &str) {
        self.framed(b'-', text.replace(['\r', '\n'], " ").as_bytes());
    }

    fn integer(&mut self, number: i64) {
        self.framed(b':', number.to_string().as_bytes());
    }

    fn double(&mut self, number: f64) {
        let mut text = Vec::new();
        number::print_resp_double(number, &mut text);
        if self.is_resp3() { self.framed(b',', &text) } else { self.bulk(&text) }
    }

    fn boolean(&mut self, value: bool) {
        match (self.is_resp3(), value) {
            (true, true) => self.framed(b'#', b"t"),
            (true, false) => self.framed(b'#', b"f"),
            (false, value) => self.integer(i64::from(value)),
        }
    }

    fn big_number(&mut self, digits: &str) {
        if self.is_resp3() {
            self.framed(b'(', digits.as_bytes())
        } else {
            self.bulk(digits.as_bytes())
        }
    }

    fn array(&mut self, len: usize) {
        self.len(b'*', len);
    }

    fn map(&mut self, len: usize) {
        if self.is_resp3() { self.len(b'%', len) } else { self.len(b'*', len * 2) }
    }

    fn takes_parts(&mut self) -> bool {
        self.protocol == Protocol::Resp2
    }

    fn part(&mut self, part: &mut Part) {
        self.framed(b'+', part.text());
    }

    fn set(&mut self, len: usize) {
        self.len(if self.is_resp3() { b'~' } else { b'*' }, len);
    }
}
