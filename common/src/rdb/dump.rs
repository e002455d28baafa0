//! What `DUMP` returns and `RESTORE` takes, for module values.
//!
//! ```text
//! 7 number(type id) body u16(rdb version) u64(checksum of all before)
//! ```
//! The last two are little-endian.

use super::cursor::{Cursor, put_length};
use super::payload::Strings;
use super::{Error, PayloadReader, PayloadWriter, TypeId, Value, crc64};

/// The value type of modules in RDB.
pub(super) const MODULE: u8 = 7;

/// Bytes of version and checksum.
const FOOTER_LEN: usize = 10;

/// A payload whose checksum is right and whose fields are not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dump<'a> {
    /// The type and its encoding version.
    pub type_id: TypeId,
    /// The RDB version of the server that wrote it.
    pub rdb_version: u16,
    /// The fields and their end mark, for [`PayloadReader`].
    pub body: &'a [u8],
}

/// Checks the footer and the head of a payload; O(n).
///
/// Like every server but Redis 8.6 it refuses the checksum 0 that stands for none.
///
/// # Errors
/// [`Error::Truncated`] if too short, [`Error::Invalid`] if the checksum is wrong or the value is
/// not a module's.
pub fn parse(bytes: &[u8]) -> Result<Dump<'_>, Error> {
    let (signed, checksum) = bytes.split_last_chunk().ok_or(Error::Truncated)?;
    if crc64::checksum(signed) != u64::from_le_bytes(*checksum) {
        return Err(Error::Invalid);
    }
    let (value, version) = signed.split_last_chunk().ok_or(Error::Truncated)?;
    let mut cursor = Cursor::new(value);
    if cursor.byte()? != MODULE {
        return Err(Error::Invalid);
    }
    let type_id = TypeId::from_raw(cursor.length()?);
    Ok(Dump { type_id, rdb_version: u16::from_le_bytes(*version), body: cursor.rest() })
}

/// A payload with the fields that `fill` writes, strings byte for byte.
pub fn write(type_id: TypeId, rdb_version: u16, fill: impl FnOnce(&mut PayloadWriter)) -> Vec<u8> {
    let mut writer = PayloadWriter::new(Strings::Plain);
    fill(&mut writer);
    from_body(type_id, rdb_version, &writer.into_body())
}

/// A payload of a body: fields and their end mark, as [`PayloadWriter::into_body`] makes them.
#[must_use]
pub fn from_body(type_id: TypeId, rdb_version: u16, body: &[u8]) -> Vec<u8> {
    let mut out = vec![MODULE];
    put_length(type_id.raw(), &mut out);
    out.extend(body);
    sign(out, rdb_version)
}

/// The payload with the footer that `rdb_version` and the bytes before it ask for, for damaged
/// payloads that shall reach the loader; bytes too short to have a footer just get one.
#[must_use]
pub fn resign(bytes: &[u8], rdb_version: u16) -> Vec<u8> {
    let kept = bytes.len().saturating_sub(FOOTER_LEN);
    sign(bytes.iter().copied().take(kept).collect(), rdb_version)
}

fn sign(mut value: Vec<u8>, rdb_version: u16) -> Vec<u8> {
    value.extend(rdb_version.to_le_bytes());
    value.extend(crc64::checksum(&value).to_le_bytes());
    value
}

/// Reads the value of a payload, all of it.
///
/// # Errors
/// As [`parse`] and `V` report; [`Error::Invalid`] if it is another type's or fields are left.
pub fn load_dump<V: Value>(bytes: &[u8]) -> Result<V, Error> {
    let dump = parse(bytes)?;
    load_body(dump.type_id, dump.body)
}

/// Reads the value of a body, all of it.
///
/// # Errors
/// What `V` reports; [`Error::Invalid`] if `type_id` is another type's or fields are left.
pub fn load_body<V: Value>(type_id: TypeId, body: &[u8]) -> Result<V, Error> {
    let encoding = type_id.encoding::<V>().ok_or(Error::Invalid)?;
    let mut reader = PayloadReader::new(body);
    let value = V::load(&mut reader, encoding)?;
    reader.finish()?;
    Ok(value)
}

/// The payload of `value` in encoding `version`.
///
/// # Errors
/// As [`TypeId::new`]: never if the type's name and the version are valid.
pub fn save_dump<V: Value>(value: &V, version: u32, rdb_version: u16) -> Result<Vec<u8>, Error> {
    let type_id = TypeId::of(value, version)?;
    Ok(write(type_id, rdb_version, |writer| value.save(writer, version)))
}

#[cfg(test)]
mod tests {
    use super::{load_dump, parse, resign, save_dump};
    use crate::rdb::{Encoding, Error, Read, Value, Write};

    /// The text of a document, as RedisJSON 2.0 stores it.
    #[derive(Debug, PartialEq)]
    struct Text(Vec<u8>);

    impl Value for Text {
        const TYPE_NAMES: &'static [&'static str] = &["ReJSON-RL"];

        fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
            if encoding.version != 3 {
                return Err(Error::Version);
            }
            reader.bytes().map(|bytes| Self(bytes.as_ref().to_vec()))
        }

        fn save<W: Write>(&self, writer: &mut W, _version: u32) {
            writer.bytes(&self.0);
        }
    }

    /// A type nobody has.
    #[derive(Debug)]
    struct Other;

    impl Value for Other {
        const TYPE_NAMES: &'static [&'static str] = &["ReJSON-RX"];

        fn load<R: Read>(reader: &mut R, _: Encoding) -> Result<Self, Error> {
            reader.bytes().map(|_| Self)
        }

        fn save<W: Write>(&self, _writer: &mut W, _version: u32) {}
    }

    fn payload() -> Vec<u8> {
        save_dump(&Text(b"null".to_vec()), 3, 9).unwrap()
    }

    #[test]
    fn writes_what_it_reads() {
        let payload = payload();
        assert_eq!(&payload[..16], b"\x07\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03\x05\x04null");
        assert_eq!(load_dump::<Text>(&payload), Ok(Text(b"null".to_vec())));
        let dump = parse(&payload).unwrap();
        assert_eq!((dump.type_id.name().as_str(), dump.type_id.version()), ("ReJSON-RL", 3));
        assert_eq!((dump.rdb_version, dump.body), (9, b"\x05\x04null\x00".as_slice()));
        assert_eq!(save_dump(&Other, 1024, 9), Err(Error::Version));
    }

    #[test]
    fn refuses_damage_everywhere() {
        let payload = payload();
        for place in 0..payload.len() {
            let mut damaged = payload.clone();
            damaged[place] ^= 1;
            assert_eq!(load_dump::<Text>(&damaged), Err(Error::Invalid), "{place}");
            assert!(load_dump::<Text>(&payload[..place]).is_err(), "{place}");
        }
        assert_eq!(load_dump::<Text>(b""), Err(Error::Truncated));
        assert_eq!(parse(&[0; 8]), Err(Error::Truncated));
        assert_eq!(parse(&resign(b"", 9)), Err(Error::Truncated));
    }

    #[test]
    fn damage_that_is_resigned_reaches_the_loader() {
        let check = |place: usize, byte: u8, expected: Error| {
            let mut damaged = payload();
            damaged[place] = byte;
            assert_eq!(load_dump::<Text>(&resign(&damaged, 11)), Err(expected), "{place}");
        };
        check(0, 6, Error::Invalid);
        check(9, 4, Error::Version);
        check(8, 0, Error::Invalid);
        check(10, 2, Error::Truncated);
        check(11, 3, Error::Invalid);
        check(11, 6, Error::Truncated);
        check(16, 1, Error::Invalid);
        assert_eq!(parse(&resign(&payload(), 80)).map(|dump| dump.rdb_version), Ok(80));
    }

    #[test]
    fn refuses_another_type() {
        assert!(matches!(load_dump::<Other>(&payload()), Err(Error::Invalid)));
    }
}
