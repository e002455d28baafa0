//! Whole `.rdb` files: the module values, the records beside them, and a writer for tests.
//!
//! ```text
//! file    "REDIS" dddd | "VALKEY" ddd, record*, FF, u64(checksum of all before, or 0)
//! record  FA string string               about the writer
//!         F7 number(type id) 2 number(when) body      a module's own data
//!         F5 string                      a function library
//!         FE number                      the database of what follows
//!         FB number number | F4 number number number  sizes
//!         (FC i64 | FD i32 | F8 number | F9 byte)* type string(key) value
//! ```
//! Fixed-size numbers are little-endian. Observed in files of Redis 6.0-8.6 and Valkey 8.0-9.1.

use std::borrow::Cow;

use super::cursor::{Cursor, put_length, put_string};
use super::dump::MODULE;
use super::payload::{self, Strings};
use super::{Error, PayloadWriter, TypeId, Value, crc64};

const SLOT_INFO: u8 = 0xf4;
const FUNCTION: u8 = 0xf5;
const MODULE_AUX: u8 = 0xf7;
const IDLE: u8 = 0xf8;
const FREQUENCY: u8 = 0xf9;
const AUX: u8 = 0xfa;
const SIZES: u8 = 0xfb;
const EXPIRES_MS: u8 = 0xfc;
const EXPIRES_S: u8 = 0xfd;
const DATABASE: u8 = 0xfe;
const END: u8 = 0xff;

/// The plain string type.
const STRING: u8 = 0;

/// The field kind of the number that says when an aux record is loaded.
const UNSIGNED: u64 = 2;

/// Who defines the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Redis, and Valkey before 9.
    Redis,
    /// Valkey since 9.
    Valkey,
}

/// The 9 bytes a file starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Magic {
    /// Who defines the version.
    pub family: Family,
    /// The RDB version; 5 to 9999, for Valkey to 999.
    pub version: u16,
}

impl Magic {
    /// The version since which files end in a checksum.
    const VERSION_MIN: u16 = 5;

    fn parse(magic: [u8; 9]) -> Result<Self, Error> {
        let known = [(Family::Redis, b"REDIS".as_slice()), (Family::Valkey, b"VALKEY")];
        let (family, digits) = known
            .into_iter()
            .find_map(|(family, name)| Some((family, magic.strip_prefix(name)?)))
            .ok_or(Error::Invalid)?;
        let version = digits.iter().try_fold(0, |number: u16, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0'))
        });
        match version {
            Some(version) if version >= Self::VERSION_MIN => Ok(Self { family, version }),
            Some(_) => Err(Error::Version),
            None => Err(Error::Invalid),
        }
    }

    fn text(self) -> String {
        match self.family {
            Family::Redis => format!("REDIS{:04}", self.version),
            Family::Valkey => format!("VALKEY{:03}", self.version),
        }
    }
}

/// What is stored at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored<'a> {
    /// A module value.
    Module {
        /// The type and its encoding version.
        type_id: TypeId,
        /// The fields and their end mark, for [`super::PayloadReader`].
        body: &'a [u8],
    },
    /// A string.
    String(Cow<'a, [u8]>),
    /// Another type of the server's own, passed over; its type code.
    Other(u8),
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The database, from 0.
    pub database: u64,
    /// The key's name.
    pub key: Cow<'a, [u8]>,
    /// When it expires, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// The value.
    pub stored: Stored<'a>,
}

/// A record that is more than bookkeeping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A note about the writer, such as `redis-ver`.
    Aux {
        /// The note's name.
        name: Cow<'a, [u8]>,
        /// The note.
        value: Cow<'a, [u8]>,
    },
    /// A key.
    Entry(Entry<'a>),
    /// A function library's code.
    Function(Cow<'a, [u8]>),
    /// Data a module keeps beside its keys.
    ModuleAux {
        /// The type that registered it, and its encoding version.
        type_id: TypeId,
        /// 1: to be loaded before the keys, 2: after them.
        when: u64,
        /// The fields and their end mark, for [`super::PayloadReader`].
        body: &'a [u8],
    },
}

/// The records of a file, in order. It stops after the first error.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    file: &'a [u8],
    cursor: Cursor<'a>,
    magic: Magic,
    database: u64,
    done: bool,
}

impl<'a> Reader<'a> {
    /// Over a whole file; reads the first 9 bytes only.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no RDB file, [`Error::Version`] if one without a checksum.
    pub fn new(file: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(file);
        let magic = Magic::parse(cursor.array()?)?;
        Ok(Self { file, cursor, magic, database: 0, done: false })
    }

    /// The file's version.
    #[must_use]
    pub const fn magic(&self) -> Magic {
        self.magic
    }

    /// The next record; `None` at the end of a file whose checksum is right.
    fn record(&mut self) -> Result<Option<Record<'a>>, Error> {
        let mut expires_at_ms = None;
        loop {
            match self.cursor.byte()? {
                EXPIRES_MS => {
                    expires_at_ms = Some(i64::from_le_bytes(self.cursor.array()?));
                }
                EXPIRES_S => {
                    let seconds = i32::from_le_bytes(self.cursor.array()?);
                    expires_at_ms = Some(i64::from(seconds) * 1000);
                }
                IDLE => drop(self.cursor.length()?),
                FREQUENCY => drop(self.cursor.byte()?),
                DATABASE => self.database = self.cursor.length()?,
                SIZES => self.skip_numbers(2)?,
                SLOT_INFO => self.skip_numbers(3)?,
                AUX => return self.aux().map(Some),
                FUNCTION => return Ok(Some(Record::Function(self.cursor.string()?))),
                MODULE_AUX => return self.module_aux().map(Some),
                END => return self.end().map(|()| None),
                code => return self.entry(code, expires_at_ms).map(Record::Entry).map(Some),
            }
        }
    }

    fn skip_numbers(&mut self, count: u64) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.cursor.length().map(drop))
    }

    fn aux(&mut self) -> Result<Record<'a>, Error> {
        Ok(Record::Aux { name: self.cursor.string()?, value: self.cursor.string()? })
    }

    fn module_aux(&mut self) -> Result<Record<'a>, Error> {
        let type_id = TypeId::from_raw(self.cursor.length()?);
        if self.cursor.length()? != UNSIGNED {
            return Err(Error::Invalid);
        }
        let when = self.cursor.length()?;
        Ok(Record::ModuleAux { type_id, when, body: payload::take_body(&mut self.cursor)? })
    }

    fn entry(&mut self, code: u8, expires_at_ms: Option<i64>) -> Result<Entry<'a>, Error> {
        let database = self.database;
        let key = self.cursor.string()?;
        Ok(Entry { database, key, expires_at_ms, stored: self.stored(code)? })
    }

    fn stored(&mut self, code: u8) -> Result<Stored<'a>, Error> {
        match code {
            STRING => self.cursor.string().map(Stored::String),
            MODULE => {
                let type_id = TypeId::from_raw(self.cursor.length()?);
                let body = payload::take_body(&mut self.cursor)?;
                Ok(Stored::Module { type_id, body })
            }
            _ => self.skip_other(code).map(|()| Stored::Other(code)),
        }
    }

    /// Passes over a value of the server's own. Streams, hashes with field expiry and whatever is
    /// newer are refused: no file we read has one.
    fn skip_other(&mut self, code: u8) -> Result<(), Error> {
        match code {
            // Lists and sets of strings, hashes as pairs of them.
            1 | 2 => self.skip_elements(|cursor| cursor.skip_string()),
            4 => self.skip_elements(|cursor| cursor.skip_string().and(cursor.skip_string())),
            // Sorted sets with doubles.
            5 => self.skip_elements(|cursor| {
                cursor.skip_string()?;
                cursor.array::<8>().map(drop)
            }),
            // Ziplists, listpacks and integer sets: one string.
            9..=13 | 16 | 17 | 20 => self.cursor.skip_string(),
            // Quicklists of such strings, the newer ones with the kind of each.
            14 => self.skip_elements(|cursor| cursor.skip_string()),
            18 => self.skip_elements(|cursor| {
                cursor.length()?;
                cursor.skip_string()
            }),
            _ => Err(Error::Invalid),
        }
    }

    /// Every element takes at least a byte, so a wrong count ends with the file.
    fn skip_elements(
        &mut self,
        skip: impl Fn(&mut Cursor<'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let count = self.cursor.length()?;
        (0..count).try_for_each(|_| skip(&mut self.cursor))
    }

    /// Checks what follows the end mark. The checksum 0 stands for none.
    fn end(&mut self) -> Result<(), Error> {
        let signed_len = self.file.len().saturating_sub(self.cursor.rest().len());
        let stored = u64::from_le_bytes(self.cursor.array()?);
        let signed = self.file.get(..signed_len).ok_or(Error::Truncated)?;
        let right = stored == 0 || stored == crc64::checksum(signed);
        if right && self.cursor.rest().is_empty() { Ok(()) } else { Err(Error::Invalid) }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Record<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let record = self.record();
        self.done = !matches!(record, Ok(Some(_)));
        record.transpose()
    }
}

/// Writes a file, records in the order of the calls.
#[derive(Clone, Debug)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// A file without records.
    #[must_use]
    pub fn new(magic: Magic) -> Self {
        Self { out: magic.text().into_bytes() }
    }

    /// A note about the writer.
    pub fn aux(&mut self, name: &[u8], value: &[u8]) {
        self.out.push(AUX);
        put_string(name, &mut self.out);
        put_string(value, &mut self.out);
    }

    /// The database of the keys that follow; 0 until said otherwise.
    pub fn database(&mut self, database: u64) {
        self.out.push(DATABASE);
        put_length(database, &mut self.out);
    }

    /// A module's own data: `body` is fields and their end mark.
    pub fn module_aux(&mut self, type_id: TypeId, when: u64, body: &[u8]) {
        self.out.push(MODULE_AUX);
        for number in [type_id.raw(), UNSIGNED, when] {
            put_length(number, &mut self.out);
        }
        self.out.extend(body);
    }

    /// A key with a module value: `body` is fields and their end mark.
    pub fn module(&mut self, key: &[u8], expires_at_ms: Option<i64>, id: TypeId, body: &[u8]) {
        self.key(MODULE, key, expires_at_ms);
        put_length(id.raw(), &mut self.out);
        self.out.extend(body);
    }

    /// A key with `value` in encoding `version`.
    ///
    /// # Errors
    /// As [`TypeId::new`]; nothing is written then.
    pub fn value<V: Value>(
        &mut self,
        key: &[u8],
        expires_at_ms: Option<i64>,
        value: &V,
        version: u32,
    ) -> Result<(), Error> {
        let type_id = TypeId::of(value, version)?;
        let mut fields = PayloadWriter::new(Strings::Plain);
        value.save(&mut fields, version);
        self.module(key, expires_at_ms, type_id, &fields.into_body());
        Ok(())
    }

    /// A key with a plain string.
    pub fn string(&mut self, key: &[u8], expires_at_ms: Option<i64>, value: &[u8]) {
        self.key(STRING, key, expires_at_ms);
        put_string(value, &mut self.out);
    }

    fn key(&mut self, code: u8, key: &[u8], expires_at_ms: Option<i64>) {
        if let Some(time) = expires_at_ms {
            self.out.push(EXPIRES_MS);
            self.out.extend(time.to_le_bytes());
        }
        self.out.push(code);
        put_string(key, &mut self.out);
    }

    /// The file, with its end mark and checksum.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(END);
        self.out.extend(crc64::checksum(&self.out).to_le_bytes());
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Family, Magic, Reader, Record, Stored, Writer};
    use crate::rdb::{Error, TypeId, crc64};

    const REDIS: Magic = Magic { family: Family::Redis, version: 11 };
    const BODY: &[u8] = b"\x05\x04null\x00";

    fn records(file: &[u8]) -> Result<Vec<Record<'_>>, Error> {
        Reader::new(file)?.collect()
    }

    /// A file of what is between magic and end mark.
    fn file(records: &[u8]) -> Vec<u8> {
        let mut out = [b"REDIS0011", records, b"\xff"].concat();
        out.extend(crc64::checksum(&out).to_le_bytes());
        out
    }

    #[test]
    fn reads_what_it_writes() {
        let type_id = TypeId::new("ReJSON-RL", 3).unwrap();
        let mut writer = Writer::new(REDIS);
        writer.aux(b"redis-ver", b"8.0");
        writer.module_aux(type_id, 2, BODY);
        writer.string(b"s", Some(-5), b"text");
        writer.database(3);
        writer.module(b"m", None, type_id, BODY);
        let file = writer.finish();

        let (key, database) = (b"s".as_slice().into(), 0);
        let stored = Stored::String(b"text".as_slice().into());
        let string = Entry { database, key, expires_at_ms: Some(-5), stored };
        let (key, database) = (b"m".as_slice().into(), 3);
        let stored = Stored::Module { type_id, body: BODY };
        let module = Entry { database, key, expires_at_ms: None, stored };
        let name = b"redis-ver".as_slice().into();
        let expected = vec![
            Record::Aux { name, value: b"8.0".as_slice().into() },
            Record::ModuleAux { type_id, when: 2, body: BODY },
            Record::Entry(string),
            Record::Entry(module),
        ];
        assert_eq!(records(&file), Ok(expected));
        assert_eq!(Reader::new(&file).map(|reader| reader.magic()), Ok(REDIS));
        for cut in 0..file.len() {
            assert!(records(&file[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn magic_names_family_and_version() {
        let check = |magic: &[u8; 9], expected: Result<(Family, u16), Error>| {
            let expected = expected.map(|(family, version)| Magic { family, version });
            assert_eq!(Magic::parse(*magic), expected);
            if let Ok(parsed) = expected {
                assert_eq!(parsed.text().as_bytes(), magic);
            }
        };
        check(b"REDIS0009", Ok((Family::Redis, 9)));
        check(b"REDIS9999", Ok((Family::Redis, 9999)));
        check(b"VALKEY080", Ok((Family::Valkey, 80)));
        check(b"REDIS0004", Err(Error::Version));
        check(b"REDIS00x9", Err(Error::Invalid));
        check(b"VALKEY-80", Err(Error::Invalid));
        check(b"RADIS0009", Err(Error::Invalid));
    }

    #[test]
    fn passes_over_bookkeeping_and_other_types() {
        let check = |value: &[u8], expires_at_ms: Option<i64>, code: u8| {
            let file = file(value);
            let key = b"k".as_slice().into();
            let entry = Entry { database: 0, key, expires_at_ms, stored: Stored::Other(code) };
            assert_eq!(records(&file), Ok(vec![Record::Entry(entry)]), "{value:?}");
        };
        check(b"\x01\x01k\x02\x01a\x01b", None, 1);
        check(b"\x04\x01k\x01\x01a\x01b", None, 4);
        check(b"\x05\x01k\x01\x01a\0\0\0\0\0\0\0\0", None, 5);
        check(b"\x10\x01k\x01x", None, 16);
        check(b"\x0e\x01k\x01\x01x", None, 14);
        check(b"\x12\x01k\x01\x02\x01x", None, 18);
        check(
            b"\xfb\x01\x00\xf4\x01\x01\x01\xfd\x02\0\0\0\xf8\x05\xf9\x01\x10\x01k\x01x",
            Some(2000),
            16,
        );
        check(b"\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x10\x01k\x01x", Some(-1), 16);
        let library = file(b"\xf5\x02ab");
        assert_eq!(records(&library), Ok(vec![Record::Function(b"ab".as_slice().into())]));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let check = |records_bytes: &[u8], expected: Error| {
            assert_eq!(records(&file(records_bytes)), Err(expected), "{records_bytes:?}");
        };
        check(b"\x0f\x01k\x01x", Error::Invalid);
        check(b"\xf3\x01", Error::Invalid);
        check(b"\x02\x01k\x81\xff\xff\xff\xff\xff\xff\xff\xff", Error::Invalid);
        check(b"\xf7\x01\x03\x01\x00", Error::Invalid);
        check(b"\x07\x01k\x01\x06\x00", Error::Invalid);
    }

    #[test]
    fn checks_the_end() {
        let right = file(b"");
        assert_eq!(records(&right), Ok(vec![]));
        let unsigned = [b"REDIS0011\xff".as_slice(), &[0; 8]].concat();
        assert_eq!(records(&unsigned), Ok(vec![]));
        let mut wrong = right.clone();
        wrong[12] ^= 1;
        assert_eq!(records(&wrong), Err(Error::Invalid));
        assert_eq!(records(&[right.as_slice(), b"x"].concat()), Err(Error::Invalid));
        let mut reader = Reader::new(&wrong).unwrap();
        assert_eq!(reader.next(), Some(Err(Error::Invalid)));
        assert_eq!(reader.next(), None);
    }
}
