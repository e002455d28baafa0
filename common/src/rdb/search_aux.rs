//! The records RediSearch 2.0 to 8.8 leaves beside the keys of an RDB file, read to their end.
//!
//! A file of a server that had RediSearch loaded holds them even without any index. They describe
//! indexes and dictionaries only, no documents. Layout as observed in files of 2.10 and in the
//! order of fields of each encoding version; every count is bounded before it is believed.

use super::{Error, Read};

/// A kind of record that can be skipped.
pub trait Aux {
    /// The type's name.
    const TYPE_NAME: &'static str;
    /// The encoding it is registered with; others are read too.
    const VERSION: u32;

    /// Reads one record of encoding `version`, written before the keys of the file or behind them.
    /// Answers how many entries (indexes, dictionaries) it held.
    ///
    /// # Errors
    /// [`Error`].
    fn skip<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<u64, Error>;
}

/// Indexes: `ft_index0`, encodings 17 to 27.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexes;

/// Dictionaries: `scdtype00`, encoding 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dictionaries;

/// Fields of one index, as RediSearch bounds them.
const FIELDS_MAX: u64 = 1024;
/// Entries of any other list: a limit on time, as nothing is kept.
const ENTRIES_MAX: u64 = 1 << 32;

/// Bits of an index's flags.
mod index_flag {
    pub(super) const STOPWORDS: u64 = 0x8;
    pub(super) const SYNONYMS: u64 = 0x100;
}

/// Bits of a field's types.
mod field_type {
    pub(super) const TEXT: u64 = 1;
    pub(super) const TAG: u64 = 8;
    pub(super) const VECTOR: u64 = 16;
    pub(super) const SHAPE: u64 = 32;
}

/// Bit of a field's options: its type is known only once a document comes.
const DYNAMIC: u64 = 0x10;

impl Aux for Indexes {
    const TYPE_NAME: &'static str = "ft_index0";
    const VERSION: u32 = 27;

    fn skip<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<u64, Error> {
        if !(17..=27).contains(&version) {
            return Err(Error::Version);
        }
        if !before_keys {
            return Ok(0);
        }
        let mut record = Record { reader, version };
        record.each(ENTRIES_MAX, Record::index)
    }
}

impl Aux for Dictionaries {
    const TYPE_NAME: &'static str = "scdtype00";
    const VERSION: u32 = 1;

    fn skip<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<u64, Error> {
        if version > 1 {
            return Err(Error::Version);
        }
        if before_keys {
            return Ok(0);
        }
        let mut record = Record { reader, version };
        record.each(ENTRIES_MAX, |record| {
            record.strings(1)?;
            record.each(ENTRIES_MAX, |record| {
                record.strings(1)?;
                record.doubles(1)
            })
        })
    }
}

/// A record that is being read.
struct Record<'a, R> {
    reader: &'a mut R,
    version: u32,
}

impl<R: Read> Record<'_, R> {
    fn numbers(&mut self, count: u32) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.reader.unsigned().map(drop))
    }

    fn strings(&mut self, count: u32) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.reader.bytes().map(drop))
    }

    fn doubles(&mut self, count: u32) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.reader.double().map(drop))
    }

    /// A count, then so many entries.
    fn each<T>(
        &mut self,
        max: u64,
        mut entry: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<u64, Error> {
        let count = self.reader.unsigned()?;
        if count > max {
            return Err(Error::Invalid);
        }
        for _ in 0..count {
            entry(self)?;
        }
        Ok(count)
    }

    /// A flag, then what it announces.
    fn maybe_string(&mut self) -> Result<(), Error> {
        match self.reader.unsigned()? {
            0 => Ok(()),
            _ => self.strings(1),
        }
    }

    fn index(&mut self) -> Result<(), Error> {
        self.strings(1)?;
        let flags = self.reader.unsigned()?;
        self.each(FIELDS_MAX, Self::field)?;
        self.rule()?;
        if flags & index_flag::STOPWORDS != 0 {
            self.each(ENTRIES_MAX, |record| record.strings(1))?;
        }
        if flags & index_flag::SYNONYMS != 0 {
            self.each(ENTRIES_MAX, |record| {
                record.strings(1)?;
                record.each(ENTRIES_MAX, |record| record.strings(1))
            })?;
        }
        self.numbers(1)?;
        self.each(ENTRIES_MAX, |record| record.strings(1)).map(drop)
    }

    fn field(&mut self) -> Result<(), Error> {
        self.strings(1)?;
        if self.version >= 18 {
            self.maybe_string()?;
        }
        let types = self.reader.unsigned()?;
        let options = self.reader.unsigned()?;
        self.reader.signed()?;
        let has = |kind: u64| types & kind != 0 || options & DYNAMIC != 0;
        if has(field_type::TEXT) {
            self.numbers(1)?;
            self.doubles(1)?;
        }
        if has(field_type::TAG) {
            self.numbers(1)?;
            self.strings(1)?;
        }
        if types & field_type::VECTOR != 0 && self.version >= 19 {
            self.vector()?;
        }
        if has(field_type::SHAPE) && self.version >= 23 {
            self.numbers(1)?;
        }
        Ok(())
    }

    fn rule(&mut self) -> Result<(), Error> {
        self.strings(1)?;
        self.each(ENTRIES_MAX, |record| record.strings(1))?;
        (0..4).try_for_each(|_| self.maybe_string())?;
        self.doubles(1)?;
        self.numbers(1)?;
        if self.version >= 24 { self.numbers(1) } else { Ok(()) }
    }

    /// The parameters of a vector index, in the layout of each encoding.
    fn vector(&mut self) -> Result<(), Error> {
        if self.version >= 20 {
            self.numbers(1)?;
        }
        let algorithm = self.reader.unsigned()?;
        match (self.version, algorithm) {
            // Flat: type, dimension, metric, initial capacity, block size.
            (19 | 20, 0) => self.numbers(5),
            // HNSW: type, dimension, metric, initial capacity, M, two efforts.
            (19 | 20, 1) => self.numbers(7),
            // The same with "multi" behind the metric.
            (21, 0) | (22..=24, 0) => self.numbers(6),
            (21, 1) => self.numbers(8),
            // Tiered: its inner algorithm and the swap threshold come first.
            (22..=24, _) => self.numbers(10),
            (25.., 0) => self.numbers(4),
            (25.., _) => self.tiered(),
            _ => Err(Error::Invalid),
        }
    }

    fn tiered(&mut self) -> Result<(), Error> {
        match self.reader.unsigned()? {
            // HNSW: swap threshold, type, dimension, metric, multi, M, two efforts, epsilon.
            1 => {
                self.numbers(8)?;
                self.doubles(1)?;
                if self.version >= 27 { self.numbers(1) } else { Ok(()) }
            }
            // SVS: train threshold, type, dimension, metric, multi and five of its own, epsilon.
            3 => {
                self.numbers(10)?;
                self.doubles(1)
            }
            _ => Err(Error::Invalid),
        }
    }
}
