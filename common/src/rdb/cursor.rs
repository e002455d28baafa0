//! The primitives of the RDB format, read from bytes that nobody vouches for.
//!
//! ```text
//! length   00xxxxxx                      6 bits
//!          01xxxxxx b                    14 bits, high byte first
//!          0x80 b*4 | 0x81 b*8           32 or 64 bits, high byte first
//! string   length, that many bytes
//!          0xC0 i8 | 0xC1 i16 | 0xC2 i32 low byte first: the number's decimal text
//!          0xC3 length length b*         LZF: compressed length, plain length, stream
//! ```

use std::borrow::Cow;

use super::{Error, lzf};
use crate::number::{parse_i64, print_i64};

/// What a length byte announces.
enum Length {
    /// A length, or a number.
    Plain(u64),
    /// A string that is not stored byte for byte; the encoding's code.
    Encoded(u8),
}

/// The bytes not read yet.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes, if there are so many.
    pub(super) fn take(&mut self, len: u64) -> Result<&'a [u8], Error> {
        let len = usize::try_from(len).map_err(|_| Error::Truncated)?;
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    /// A length, or a number stored as one.
    pub(super) fn length(&mut self) -> Result<u64, Error> {
        match self.length_or_encoding()? {
            Length::Plain(length) => Ok(length),
            Length::Encoded(_) => Err(Error::Invalid),
        }
    }

    fn length_or_encoding(&mut self) -> Result<Length, Error> {
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match first >> 6 {
            0 => Length::Plain(low.into()),
            1 => Length::Plain(u64::from(low) << 8 | u64::from(self.byte()?)),
            2 if low == 0 => Length::Plain(high_byte_first(self.array::<4>()?)),
            2 if low == 1 => Length::Plain(high_byte_first(self.array::<8>()?)),
            3 => Length::Encoded(low),
            _ => return Err(Error::Invalid),
        })
    }

    /// A string; borrowed unless it was encoded.
    pub(super) fn string(&mut self) -> Result<Cow<'a, [u8]>, Error> {
        match self.length_or_encoding()? {
            Length::Plain(len) => self.take(len).map(Cow::Borrowed),
            Length::Encoded(0) => self.array().map(|bytes| decimal(i8::from_le_bytes(bytes))),
            Length::Encoded(1) => self.array().map(|bytes| decimal(i16::from_le_bytes(bytes))),
            Length::Encoded(2) => self.array().map(|bytes| decimal(i32::from_le_bytes(bytes))),
            Length::Encoded(3) => {
                let (compressed, len) = self.compressed()?;
                lzf::decompress(compressed, len).map(Cow::Owned)
            }
            Length::Encoded(_) => Err(Error::Invalid),
        }
    }

    /// Passes over a string without restoring it.
    pub(super) fn skip_string(&mut self) -> Result<(), Error> {
        let len = match self.length_or_encoding()? {
            Length::Plain(len) => len,
            Length::Encoded(0) => 1,
            Length::Encoded(1) => 2,
            Length::Encoded(2) => 4,
            Length::Encoded(3) => return self.compressed().map(drop),
            Length::Encoded(_) => return Err(Error::Invalid),
        };
        self.take(len).map(drop)
    }

    /// An LZF stream and the length it claims to have had.
    fn compressed(&mut self) -> Result<(&'a [u8], u64), Error> {
        let compressed_len = self.length()?;
        let len = self.length()?;
        Ok((self.take(compressed_len)?, len))
    }
}

fn high_byte_first<const N: usize>(bytes: [u8; N]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn decimal<'a>(number: impl Into<i64>) -> Cow<'a, [u8]> {
    let mut text = Vec::new();
    print_i64(number.into(), &mut text);
    Cow::Owned(text)
}

/// Appends a length in the shortest form.
pub(super) fn put_length(length: u64, out: &mut Vec<u8>) {
    let high_first = length.swap_bytes().to_le_bytes();
    let [.., b4, b5, b6, b7] = high_first;
    match length {
        0..0x40 => out.push(b7),
        0x40..0x4000 => out.extend([0x40 | b6, b7]),
        0x4000..=0xffff_ffff => out.extend([0x80, b4, b5, b6, b7]),
        0x1_0000_0000.. => {
            out.push(0x81);
            out.extend(high_first);
        }
    }
}

/// Appends a string byte for byte.
pub(super) fn put_string(bytes: &[u8], out: &mut Vec<u8>) {
    put_length(length_of(bytes), out);
    out.extend(bytes);
}

/// Appends a string as a server would: short decimal text as a number, long text compressed if
/// that saves 4 bytes.
pub(super) fn put_string_encoded(bytes: &[u8], out: &mut Vec<u8>) {
    if let Some((code, number)) = as_number(bytes) {
        out.push(0xc0 | code);
        out.extend(number.to_le_bytes().iter().take(1 << code));
    } else if let Some(compressed) = as_compressed(bytes) {
        out.push(0xc3);
        put_length(length_of(&compressed), out);
        put_length(length_of(bytes), out);
        out.extend(compressed);
    } else {
        put_string(bytes, out);
    }
}

/// The smallest integer encoding of a string that is an integer's text.
fn as_number(bytes: &[u8]) -> Option<(u8, i32)> {
    let number = i32::try_from(parse_i64(bytes)?).ok()?;
    let code = match number {
        -0x80..0x80 => 0,
        -0x8000..0x8000 => 1,
        _ => 2,
    };
    Some((code, number))
}

fn as_compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let worthwhile = bytes.len().checked_sub(4).filter(|_| bytes.len() > 20)?;
    lzf::compress(bytes).filter(|compressed| compressed.len() <= worthwhile)
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, put_length, put_string, put_string_encoded};
    use crate::rdb::Error;

    #[test]
    fn lengths_take_their_shortest_form() {
        let check = |length: u64, bytes: &[u8]| {
            let mut out = Vec::new();
            put_length(length, &mut out);
            assert_eq!(out, bytes);
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.length(), Ok(length));
            assert!(cursor.rest().is_empty());
            for cut in 0..bytes.len() {
                assert_eq!(Cursor::new(&bytes[..cut]).length(), Err(Error::Truncated));
            }
        };
        check(0, &[0]);
        check(63, &[63]);
        check(64, &[0x40, 64]);
        check(0x3fff, &[0x7f, 0xff]);
        check(0x4000, &[0x80, 0, 0, 0x40, 0]);
        check(0xffff_ffff, &[0x80, 0xff, 0xff, 0xff, 0xff]);
        check(0x1_0000_0000, &[0x81, 0, 0, 0, 1, 0, 0, 0, 0]);
        check(u64::MAX, &[0x81, 255, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn strings_decode_from_each_encoding() {
        let check = |bytes: &[u8], expected: Result<&[u8], Error>| {
            let found = Cursor::new(bytes).string();
            assert_eq!(found.as_deref().map_err(|&e| e), expected, "{bytes:?}");
            let skipped = Cursor::new(bytes).skip_string();
            assert!(skipped.is_ok() || expected.is_err(), "{bytes:?}");
        };
        check(b"\x03abcd", Ok(b"abc"));
        check(b"\x00", Ok(b""));
        check(b"\xc0\xff", Ok(b"-1"));
        check(b"\xc1\x00\x80", Ok(b"-32768"));
        check(b"\xc2\xff\xff\xff\x7f", Ok(b"2147483647"));
        check(b"\xc3\x05\x41\x09\x00a\xe0\xff\x00", Ok(&[b'a'; 265]));
        check(b"\x03ab", Err(Error::Truncated));
        check(b"\x81\xff\xff\xff\xff\xff\xff\xff\xff", Err(Error::Truncated));
        check(b"\xc2\xff\xff\xff", Err(Error::Truncated));
        check(b"\xc4", Err(Error::Invalid));
        check(b"\x82", Err(Error::Invalid));
        check(b"\xc3\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00", Err(Error::Invalid));
        check(b"\xc3\xc0\x00", Err(Error::Invalid));
    }

    #[test]
    fn strings_are_encoded_as_the_servers_do() {
        let check = |plain: &[u8], expected: &[u8]| {
            let mut out = Vec::new();
            put_string_encoded(plain, &mut out);
            assert_eq!(out, expected);
            let mut cursor = Cursor::new(&out);
            assert_eq!(cursor.string().as_deref(), Ok(plain));
            assert!(cursor.rest().is_empty());
        };
        check(b"127", b"\xc0\x7f");
        check(b"-128", b"\xc0\x80");
        check(b"128", b"\xc1\x80\x00");
        check(b"-32769", b"\xc2\xff\x7f\xff\xff");
        check(b"2147483648", b"\x0a2147483648");
        check(b"007", b"\x03007");
        check(b"", b"\x00");
        check(b"aaaaaaaaaaaaaaaaaaaa", b"\x14aaaaaaaaaaaaaaaaaaaa");
        check(&[b'a'; 21], b"\xc3\x09\x15\x01aa\xe0\x08\x00\x01aa");
    }

    #[test]
    fn plain_strings_stay_plain() {
        let mut out = Vec::new();
        put_string(b"12", &mut out);
        assert_eq!(out, b"\x0212");
    }
}
