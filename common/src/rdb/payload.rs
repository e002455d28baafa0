//! The fields of one module value as bytes.
//!
//! ```text
//! body    field* 0
//! field   1 number | 2 number | 3 b*4 | 4 b*8 | 5 string
//! ```
//! Numbers are lengths, a signed one in two's complement; floats and doubles are little-endian.
//! Servers write integers as 2 only. Observed in the payloads of Redis 6.0-8.6 and Valkey 8.0-9.1.

use std::borrow::Cow;

use super::cursor::{Cursor, put_length, put_string, put_string_encoded};
use super::{Error, Field, Read, Write};

const END: u64 = 0;
const SIGNED: u64 = 1;
const UNSIGNED: u64 = 2;
const FLOAT: u64 = 3;
const DOUBLE: u64 = 4;
const STRING: u64 = 5;

/// Reads the fields of a body.
#[derive(Clone, Debug)]
pub struct PayloadReader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> PayloadReader<'a> {
    /// Over a body: fields and the end mark.
    #[must_use]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(body) }
    }

    /// Reads the end mark, after which nothing may follow.
    ///
    /// # Errors
    /// [`Error::Invalid`] if fields or bytes are left; [`Error::Truncated`] without an end mark.
    pub fn finish(mut self) -> Result<(), Error> {
        let ended = self.cursor.length()? == END && self.cursor.rest().is_empty();
        if ended { Ok(()) } else { Err(Error::Invalid) }
    }

    /// The next field whatever its kind; `None` for the end mark.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the bytes end, [`Error::Invalid`] for an unknown kind.
    pub fn field(&mut self) -> Result<Option<Field>, Error> {
        Ok(Some(match self.cursor.length()? {
            END => return Ok(None),
            SIGNED | UNSIGNED => Field::Unsigned(self.cursor.length()?),
            FLOAT => Field::Float(f32::from_le_bytes(self.cursor.array()?)),
            DOUBLE => Field::Double(f64::from_le_bytes(self.cursor.array()?)),
            STRING => Field::Bytes(self.cursor.string()?.into_owned()),
            _ => return Err(Error::Invalid),
        }))
    }

    /// The next field is one of kind `code`.
    fn kind(&mut self, code: u64) -> Result<(), Error> {
        if self.cursor.length()? == code { Ok(()) } else { Err(Error::Truncated) }
    }
}

impl<'a> Read for PayloadReader<'a> {
    type Bytes = Cow<'a, [u8]>;

    fn unsigned(&mut self) -> Result<u64, Error> {
        self.kind(UNSIGNED)?;
        self.cursor.length()
    }

    fn signed(&mut self) -> Result<i64, Error> {
        self.unsigned().map(u64::cast_signed)
    }

    fn float(&mut self) -> Result<f32, Error> {
        self.kind(FLOAT)?;
        self.cursor.array().map(f32::from_le_bytes)
    }

    fn double(&mut self) -> Result<f64, Error> {
        self.kind(DOUBLE)?;
        self.cursor.array().map(f64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<Cow<'a, [u8]>, Error> {
        self.kind(STRING)?;
        self.cursor.string()
    }
}

/// All fields of a body; O(n), memory at most 88 times the body (compressed strings).
///
/// # Errors
/// As [`PayloadReader::field`] and [`PayloadReader::finish`].
pub fn fields(body: &[u8]) -> Result<Vec<Field>, Error> {
    let mut reader = PayloadReader::new(body);
    let mut fields = Vec::new();
    while let Some(field) = reader.field()? {
        fields.push(field);
    }
    if reader.cursor.rest().is_empty() { Ok(fields) } else { Err(Error::Invalid) }
}

/// Passes over one body, its end mark included, and returns it; O(n), allocates nothing.
pub(super) fn take_body<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Error> {
    let start = cursor.rest();
    loop {
        match cursor.length()? {
            END => break,
            SIGNED | UNSIGNED => drop(cursor.length()?),
            FLOAT => drop(cursor.array::<4>()?),
            DOUBLE => drop(cursor.array::<8>()?),
            STRING => cursor.skip_string()?,
            _ => return Err(Error::Invalid),
        }
    }
    let len = start.len().saturating_sub(cursor.rest().len());
    start.get(..len).ok_or(Error::Truncated)
}

/// How a [`PayloadWriter`] stores strings. Readers accept either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strings {
    /// Byte for byte.
    Plain,
    /// As servers do by default: short decimal text as a number, long text compressed (by other
    /// choices among equal matches, so the bytes need not be theirs).
    Encoded,
}

/// Writes the fields of a body.
#[derive(Clone, Debug)]
pub struct PayloadWriter {
    out: Vec<u8>,
    strings: Strings,
}

impl PayloadWriter {
    /// An empty body.
    #[must_use]
    pub const fn new(strings: Strings) -> Self {
        Self { out: Vec::new(), strings }
    }

    /// The fields written so far, and the end mark.
    #[must_use]
    pub fn into_body(mut self) -> Vec<u8> {
        put_length(END, &mut self.out);
        self.out
    }

    /// Writes a field of whatever kind.
    pub fn field(&mut self, field: &Field) {
        match field {
            Field::Unsigned(value) => self.unsigned(*value),
            Field::Float(value) => self.float(*value),
            Field::Double(value) => self.double(*value),
            Field::Bytes(value) => self.bytes(value),
        }
    }
}

impl Write for PayloadWriter {
    fn unsigned(&mut self, value: u64) {
        put_length(UNSIGNED, &mut self.out);
        put_length(value, &mut self.out);
    }

    fn signed(&mut self, value: i64) {
        self.unsigned(value.cast_unsigned());
    }

    fn float(&mut self, value: f32) {
        put_length(FLOAT, &mut self.out);
        self.out.extend(value.to_le_bytes());
    }

    fn double(&mut self, value: f64) {
        put_length(DOUBLE, &mut self.out);
        self.out.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        put_length(STRING, &mut self.out);
        match self.strings {
            Strings::Plain => put_string(value, &mut self.out),
            Strings::Encoded => put_string_encoded(value, &mut self.out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, PayloadReader, PayloadWriter, Strings, fields, take_body};
    use crate::rdb::{Error, Field, Read, Write};

    const BODY: &[u8] = b"\x02\x40\xc8\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\
        \x03\x00\x00\xc0\x3f\x04\x00\x00\x00\x00\x00\x00\x04\x40\x05\x02hi\x00";

    #[test]
    fn writes_and_reads_each_kind() {
        let mut writer = PayloadWriter::new(Strings::Plain);
        writer.unsigned(200);
        writer.signed(-1);
        writer.float(1.5);
        writer.double(2.5);
        writer.bytes(b"hi");
        assert_eq!(writer.into_body(), BODY);

        let mut reader = PayloadReader::new(BODY);
        assert_eq!(reader.unsigned(), Ok(200));
        assert_eq!(reader.signed(), Ok(-1));
        assert_eq!(reader.float(), Ok(1.5));
        assert_eq!(reader.double(), Ok(2.5));
        assert_eq!(reader.bytes().as_deref(), Ok(b"hi".as_slice()));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn refuses_cut_and_extended_bodies() {
        for cut in 0..BODY.len() {
            assert_eq!(fields(&BODY[..cut]), Err(Error::Truncated), "{cut}");
            assert_eq!(take_body(&mut Cursor::new(&BODY[..cut])), Err(Error::Truncated));
        }
        let extended = [BODY, b"\x00"].concat();
        assert_eq!(fields(&extended), Err(Error::Invalid));
        assert_eq!(take_body(&mut Cursor::new(&extended)), Ok(BODY));
    }

    #[test]
    fn each_reader_takes_its_own_kind_only() {
        for kind in 0..=6 {
            let body = [kind, 1, 0, 0, 0, 0, 0, 0, 0, 0];
            let reader = || PayloadReader::new(&body);
            let refused = Some(Error::Truncated);
            let check = |own: u8, error: Option<Error>| {
                assert_eq!(error, refused.filter(|_| own != kind), "{own} of {kind}");
            };
            check(2, reader().unsigned().err());
            check(2, reader().signed().err());
            check(3, reader().float().err());
            check(4, reader().double().err());
            check(5, reader().bytes().err());
        }
    }

    #[test]
    fn refuses_unknown_kinds_and_leftovers() {
        assert_eq!(PayloadReader::new(BODY).finish(), Err(Error::Invalid));
        assert_eq!(PayloadReader::new(b"\x00\x00").finish(), Err(Error::Invalid));
        assert_eq!(PayloadReader::new(b"").finish(), Err(Error::Truncated));
        assert_eq!(fields(b"\x06\x00"), Err(Error::Invalid));
        assert_eq!(take_body(&mut Cursor::new(b"\x06\x00")), Err(Error::Invalid));
        // Servers hand no module an integer of kind 1: only a listing accepts it.
        assert_eq!(fields(b"\x01\x05\x00"), Ok(vec![Field::Unsigned(5)]));
    }
}
