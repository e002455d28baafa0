//! RediSearch's record `ft_index0`, in front of the keys.
//!
//! ```text
//! record   count index*
//! index    name flags count field* rule stopwords? synonyms? timeout count alias*
//! field    name [18: path?] kinds options slot [text] [tag] [19: vector] [23: shape]
//! rule     source count prefix* filter? language_field? score_field? payload_field? score
//!          language [24: index_all]
//! x?       0 | 1 x
//! ```
//! Strings end with a NUL that is part of them, but for stop words and separators. Encodings as
//! released: 17 2.0, 18 2.2, 19 2.4, 20 2.6, 22 2.8, 23 2.10, 24 8.0, 25 8.2, 26 8.6, 27 later.

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};

use super::redisearch_vector::{load_vector, save_vector};
use super::{Definition, Definitions, Synonyms};
use crate::schema::{Field, Flags, Kind, Options, Schema, Source, Tag, Text};

/// The encoding that is written: every release from 2.10 on reads it.
pub const VERSION: u32 = 23;

/// Fields of one index, as RediSearch bounds them.
const FIELDS_MAX: u64 = 1024;
/// Entries of any other list. Nothing is allocated before an entry is read.
const ENTRIES_MAX: u64 = 1 << 32;
/// Milliseconds of an index that stays: -1 second.
const NO_TIMEOUT: u64 = (-1000_i64).cast_unsigned();

/// Bits of a field's kinds.
pub(super) mod kinds {
    pub(in super::super) const TEXT: u64 = 1;
    pub(in super::super) const NUMERIC: u64 = 2;
    pub(in super::super) const GEO: u64 = 4;
    pub(in super::super) const TAG: u64 = 8;
    pub(in super::super) const VECTOR: u64 = 16;
    pub(in super::super) const SHAPE: u64 = 32;
}

/// Bits of a tag field's own flags: exact, and those every tag field has (trimmed, accents kept).
const TAG_EXACT: u64 = 1;
const TAG_DEFAULT: u64 = 6;

impl Value for Definitions {
    const TYPE_NAMES: &'static [&'static str] = &["ft_index0"];

    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
        if !(17..=27).contains(&encoding.version) {
            return Err(Error::Version);
        }
        let mut record = Loading { reader, version: encoding.version };
        record.each(ENTRIES_MAX, Loading::index).map(Self)
    }

    fn save<W: Write>(&self, writer: &mut W, _version: u32) {
        let mut record = Saving { writer };
        record.each(&self.0, Saving::index);
    }
}

/// A record that is being read.
pub(super) struct Loading<'a, R> {
    pub(super) reader: &'a mut R,
    pub(super) version: u32,
}

impl<R: Read> Loading<'_, R> {
    pub(super) fn number(&mut self) -> Result<u64, Error> {
        self.reader.unsigned()
    }

    /// A string without the NUL at its end.
    fn string(&mut self) -> Result<Box<[u8]>, Error> {
        let bytes = self.reader.bytes()?;
        let bytes = bytes.as_ref();
        Ok(bytes.strip_suffix(b"\0").unwrap_or(bytes).into())
    }

    fn maybe_string(&mut self) -> Result<Option<Box<[u8]>>, Error> {
        match self.number()? {
            0 => Ok(None),
            _ => self.string().map(Some),
        }
    }

    fn each<T>(
        &mut self,
        max: u64,
        mut entry: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let count = self.number()?;
        if count > max {
            return Err(Error::Invalid);
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(entry(self)?);
        }
        Ok(entries)
    }

    fn strings(&mut self) -> Result<Vec<Box<[u8]>>, Error> {
        self.each(ENTRIES_MAX, Self::string)
    }

    fn index(&mut self) -> Result<Definition, Error> {
        let name = self.string()?;
        let flags = Flags::from_bits(self.number()?);
        let fields = self.each(FIELDS_MAX, Self::field)?;
        let mut schema = Schema { flags, fields, ..Schema::new() };
        self.rule(&mut schema)?;
        if flags.has(Flags::STOPWORDS) {
            schema.stopwords = Some(self.strings()?);
        }
        let synonyms = if flags.has(Flags::SYNONYMS) {
            self.each(ENTRIES_MAX, |record| {
                Ok(Synonyms { term: record.string()?, groups: record.strings()? })
            })?
        } else {
            Vec::new()
        };
        let timeout = self.number()?;
        schema.temporary_ms = flags.has(Flags::TEMPORARY).then_some(timeout);
        Ok(Definition { name, schema, aliases: self.strings()?, synonyms })
    }

    fn field(&mut self) -> Result<Field, Error> {
        let name = self.string()?;
        let path = if self.version >= 18 { self.maybe_string()? } else { None };
        let kinds = self.number()?;
        let options = Options::from_bits(self.number()?);
        let sort_slot = slot(self.reader.signed()?)?;
        let kind = self.kind(kinds, options.has(Options::DYNAMIC))?;
        Ok(Field { name, path, kind, options, sort_slot })
    }

    /// The parameters of all kinds the field has; the first of them that is served is the kind.
    fn kind(&mut self, kinds: u64, dynamic: bool) -> Result<Kind, Error> {
        let has = |kind: u64| kinds & kind != 0;
        let mut found = Vec::new();
        if has(kinds::TEXT) || dynamic {
            let text = Text { id: self.number()?, weight: self.reader.double()? };
            found.push((has(kinds::TEXT), Kind::Text(text)));
        }
        if has(kinds::TAG) || dynamic {
            let case_sensitive = self.number()? & TAG_EXACT != 0;
            let separator = *self.reader.bytes()?.as_ref().first().ok_or(Error::Invalid)?;
            found.push((has(kinds::TAG), Kind::Tag(Tag { separator, case_sensitive })));
        }
        if has(kinds::VECTOR) && self.version >= 19 {
            found.push((true, Kind::Vector(load_vector(self)?)));
        }
        if (has(kinds::SHAPE) || dynamic) && self.version >= 23 {
            let spherical = self.number()? != 0;
            found.push((has(kinds::SHAPE), Kind::Shape { spherical }));
        }
        found.push((has(kinds::NUMERIC), Kind::Numeric));
        found.push((has(kinds::GEO), Kind::Geo));
        found.reverse();
        found.into_iter().find_map(|(is, kind)| is.then_some(kind)).ok_or(Error::Invalid)
    }

    fn rule(&mut self, schema: &mut Schema) -> Result<(), Error> {
        schema.source = match &*self.string()? {
            b"HASH" => Source::Hash,
            b"JSON" => Source::Json,
            _ => return Err(Error::Invalid),
        };
        schema.prefixes = self.strings()?;
        schema.filter = self.maybe_string()?;
        schema.language_field = self.maybe_string()?;
        schema.score_field = self.maybe_string()?;
        schema.payload_field = self.maybe_string()?;
        schema.score = self.reader.double()?;
        schema.language = self.number()?;
        schema.index_all = self.version >= 24 && self.number()? != 0;
        if schema.score.is_nan() || schema.prefixes.is_empty() {
            return Err(Error::Invalid);
        }
        Ok(())
    }
}

/// A place for sorting: -1 for none.
fn slot(number: i64) -> Result<Option<u32>, Error> {
    match number {
        -1 => Ok(None),
        _ => u32::try_from(number)
            .ok()
            .filter(|slot| u64::from(*slot) < FIELDS_MAX)
            .map(Some)
            .ok_or(Error::Invalid),
    }
}

/// A record that is being written.
pub(super) struct Saving<'a, W> {
    pub(super) writer: &'a mut W,
}

impl<W: Write> Saving<'_, W> {
    pub(super) fn number(&mut self, number: u64) {
        self.writer.unsigned(number);
    }

    fn string(&mut self, bytes: &[u8]) {
        self.writer.bytes(&[bytes, b"\0"].concat());
    }

    fn maybe_string(&mut self, bytes: Option<&[u8]>) {
        self.number(u64::from(bytes.is_some()));
        if let Some(bytes) = bytes {
            self.string(bytes);
        }
    }

    fn each<T>(&mut self, entries: &[T], mut entry: impl FnMut(&mut Self, &T)) {
        self.number(entries.len() as u64);
        for one in entries {
            entry(self, one);
        }
    }

    fn strings(&mut self, strings: &[Box<[u8]>]) {
        self.each(strings, |record, string| record.string(string));
    }

    fn index(&mut self, index: &Definition) {
        let schema = &index.schema;
        let mut flags = schema.flags;
        if !index.synonyms.is_empty() {
            flags.set(Flags::SYNONYMS);
        }
        self.string(&index.name);
        self.number(flags.bits());
        self.each(&schema.fields, Self::field);
        self.rule(schema);
        if flags.has(Flags::STOPWORDS) {
            let words = schema.stopwords.as_deref().unwrap_or_default();
            self.each(words, |record, word| record.writer.bytes(word));
        }
        if flags.has(Flags::SYNONYMS) {
            self.each(&index.synonyms, |record, synonyms| {
                record.string(&synonyms.term);
                record.strings(&synonyms.groups);
            });
        }
        self.number(schema.temporary_ms.unwrap_or(NO_TIMEOUT));
        self.strings(&index.aliases);
    }

    fn field(&mut self, field: &Field) {
        let dynamic = field.options.has(Options::DYNAMIC);
        let mut options = field.options.bits();
        if dynamic {
            // A kind was settled on: the parameters of the others are gone.
            options &= !Options::DYNAMIC.bits();
        }
        self.string(&field.name);
        self.maybe_string(field.path.as_deref());
        self.number(kind_bit(&field.kind));
        self.number(options);
        self.writer.signed(field.sort_slot.map_or(-1, i64::from));
        self.kind(&field.kind);
    }

    fn kind(&mut self, kind: &Kind) {
        match kind {
            Kind::Geo | Kind::Numeric => (),
            Kind::Shape { spherical } => self.number(u64::from(*spherical)),
            Kind::Tag(tag) => {
                self.number(TAG_DEFAULT | u64::from(tag.case_sensitive));
                self.writer.bytes(&[tag.separator]);
            }
            Kind::Text(text) => {
                self.number(text.id);
                self.writer.double(text.weight);
            }
            Kind::Vector(vector) => save_vector(self, vector),
        }
    }

    fn rule(&mut self, schema: &Schema) {
        self.string(schema.source.name().as_bytes());
        self.strings(&schema.prefixes);
        self.maybe_string(schema.filter.as_deref());
        self.maybe_string(schema.language_field.as_deref());
        self.maybe_string(schema.score_field.as_deref());
        self.maybe_string(schema.payload_field.as_deref());
        self.writer.double(schema.score);
        self.number(schema.language);
    }
}

const fn kind_bit(kind: &Kind) -> u64 {
    match kind {
        Kind::Geo => kinds::GEO,
        Kind::Numeric => kinds::NUMERIC,
        Kind::Shape { .. } => kinds::SHAPE,
        Kind::Tag(_) => kinds::TAG,
        Kind::Text(_) => kinds::TEXT,
        Kind::Vector(_) => kinds::VECTOR,
    }
}
