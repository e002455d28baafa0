//! The arguments of FT.CREATE and FT.ALTER.

use keyspan_common::number::parse_f64;

use super::parse_vector::vector;
use super::{Error, Field, Flags, Kind, Limits, Options, Schema, Source, Tag};
use crate::words::{Fault, Words};

/// `FT.CREATE index` ...
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// What is declared.
    pub schema: Schema,
}

/// `FT.ALTER index` ...
#[derive(Clone, Debug, PartialEq)]
pub struct Alter {
    /// The schema with the fields added, those at the end.
    pub schema: Schema,
    /// `SKIPINITIALSCAN`: keys that are there already keep what was indexed of them.
    pub skip_scan: bool,
}

/// The languages RediSearch knows, each at its number in RDB files.
const LANGUAGES: [&str; 30] = [
    "english",
    "arabic",
    "chinese",
    "danish",
    "dutch",
    "finnish",
    "french",
    "german",
    "hindi",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
    "armenian",
    "basque",
    "catalan",
    "greek",
    "indonesian",
    "irish",
    "lithuanian",
    "nepali",
    "serbian",
    "yiddish",
    "estonian",
];

impl Create {
    /// Reads the words behind the index name.
    ///
    /// # Errors
    /// The first thing that is wrong, as RediSearch 2.10 finds it: the words of the head in their
    /// order, then their values, then the fields.
    pub fn parse(words: &[&[u8]], limits: &Limits) -> Result<Self, Error> {
        let mut words = Words::new(words);
        let mut head = Head { schema: Schema::new(), ..Head::default() };
        while head.take_option(&mut words, limits)? {}
        let mut schema = head.finish()?;
        if !words.take_keyword("SCHEMA") {
            return Err(words.peek().map_or(Error::NoSchema, |word| Error::Unknown(word.into())));
        }
        add_fields(&mut schema, &mut words, limits)?;
        Ok(Self { schema })
    }
}

impl Alter {
    /// Reads the words behind the index name; `schema` is the index's.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(words: &[&[u8]], schema: &Schema, limits: &Limits) -> Result<Self, Error> {
        let mut words = Words::new(words);
        let skip_scan = words.take_keyword("SKIPINITIALSCAN");
        if !words.take_keyword("SCHEMA") {
            return Err(Error::AlterNoSchema);
        }
        if !words.take_keyword("ADD") {
            return Err(Error::AlterAction);
        }
        if words.is_empty() {
            return Err(Error::AlterNoFields);
        }
        let mut schema = schema.clone();
        add_fields(&mut schema, &mut words, limits)?;
        Ok(Self { schema, skip_scan })
    }
}

/// The words before `SCHEMA`; some are judged only once all are read.
#[derive(Default)]
struct Head<'a> {
    schema: Schema,
    source: Option<&'a [u8]>,
    score: Option<&'a [u8]>,
    language: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// Takes one option. False if the next word is none.
    fn take_option(&mut self, words: &mut Words<'a>, limits: &Limits) -> Result<bool, Error> {
        Ok(self.take_flag(words)
            || self.take_string(words)?
            || self.take_field(words)?
            || self.take_list(words, limits)?
            || self.take_seconds(words)?)
    }

    fn take_flag(&mut self, words: &mut Words<'a>) -> bool {
        let flags = &mut self.schema.flags;
        if words.take_keyword("NOOFFSETS") {
            flags.clear(Flags::OFFSETS);
            flags.clear(Flags::BYTE_OFFSETS);
        } else if words.take_keyword("NOHL") {
            flags.clear(Flags::BYTE_OFFSETS);
        } else if words.take_keyword("NOFIELDS") {
            flags.clear(Flags::FIELDS);
        } else if words.take_keyword("NOFREQS") {
            flags.clear(Flags::FREQUENCIES);
        } else if words.take_keyword("MAXTEXTFIELDS") {
            flags.set(Flags::WIDE);
        } else if words.take_keyword("SKIPINITIALSCAN") {
            flags.set(Flags::SKIP_SCAN);
        } else {
            return words.take_keyword("ASYNC") || words.take_keyword("NOSCOREIDX");
        }
        true
    }

    fn take_string(&mut self, words: &mut Words<'a>) -> Result<bool, Error> {
        if let Some(word) = option(words, "ON")? {
            self.source = Some(word);
        } else if let Some(word) = option(words, "SCORE")? {
            self.score = Some(word);
        } else if let Some(word) = option(words, "LANGUAGE")? {
            self.language = Some(word);
        } else if let Some(word) = option(words, "INDEXALL")? {
            self.schema.index_all = switch(word).ok_or(Error::Bad("INDEXALL", Fault::Unknown))?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn take_field(&mut self, words: &mut Words<'a>) -> Result<bool, Error> {
        let places = [
            ("FILTER", &mut self.schema.filter),
            ("SCORE_FIELD", &mut self.schema.score_field),
            ("LANGUAGE_FIELD", &mut self.schema.language_field),
            ("PAYLOAD_FIELD", &mut self.schema.payload_field),
        ];
        for (name, place) in places {
            if let Some(word) = option(words, name)? {
                *place = Some(word.into());
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take_list(&mut self, words: &mut Words<'a>, limits: &Limits) -> Result<bool, Error> {
        if let Some(prefixes) = list(words, "PREFIX", limits.prefixes)? {
            if !prefixes.is_empty() {
                self.schema.prefixes = prefixes;
            }
        } else if let Some(stopwords) = list(words, "STOPWORDS", limits.stopwords)? {
            self.schema.flags.set(Flags::STOPWORDS);
            self.schema.stopwords = Some(stopwords);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn take_seconds(&mut self, words: &mut Words<'a>) -> Result<bool, Error> {
        const NAME: &str = "TEMPORARY";
        let found = words.take_keyword(NAME);
        if found {
            let seconds = words.unsigned(0).map_err(|fault| Error::Bad(NAME, fault))?;
            let ms = seconds.checked_mul(1000).ok_or(Error::Bad(NAME, Fault::Bounds))?;
            self.schema.temporary_ms = Some(ms);
            self.schema.flags.set(Flags::TEMPORARY);
        }
        Ok(found)
    }

    fn finish(self) -> Result<Schema, Error> {
        let mut schema = self.schema;
        if let Some(word) = self.source {
            schema.source = source(word).ok_or_else(|| Error::Source(word.into()))?;
        }
        if let Some(word) = self.score {
            schema.score = score(word).ok_or_else(|| Error::Score(word.into()))?;
        }
        if let Some(word) = self.language {
            schema.language = language(word).ok_or_else(|| Error::Language(word.into()))?;
        }
        Ok(schema)
    }
}

/// The word behind `name`, if that comes next.
fn option<'a>(words: &mut Words<'a>, name: &'static str) -> Result<Option<&'a [u8]>, Error> {
    if !words.take_keyword(name) {
        return Ok(None);
    }
    words.take().map(Some).map_err(|fault| Error::Bad(name, fault))
}

/// The words counted behind `name`, if that comes next.
fn list(
    words: &mut Words<'_>,
    name: &'static str,
    max: usize,
) -> Result<Option<Vec<Box<[u8]>>>, Error> {
    if !words.take_keyword(name) {
        return Ok(None);
    }
    let list = words.list().map_err(|fault| Error::Bad(name, fault))?;
    if list.len() > max {
        return Err(Error::Bad(name, Fault::Bounds));
    }
    Ok(Some(list.owned()))
}

fn switch(word: &[u8]) -> Option<bool> {
    match word.to_ascii_uppercase().as_slice() {
        b"ENABLE" => Some(true),
        b"DISABLE" => Some(false),
        _ => None,
    }
}

fn source(word: &[u8]) -> Option<Source> {
    [Source::Hash, Source::Json]
        .into_iter()
        .find(|source| word.eq_ignore_ascii_case(source.name().as_bytes()))
}

fn score(word: &[u8]) -> Option<f64> {
    parse_f64(word).filter(|score| (0.0..=1.0).contains(score))
}

/// The number of the language of this name.
pub(crate) fn language(word: &[u8]) -> Option<u64> {
    let is_it = |name: &&str| word.eq_ignore_ascii_case(name.as_bytes());
    (0..).zip(LANGUAGES).find(|(_, name)| is_it(name)).map(|(number, _)| number)
}

/// The name of the language of this number.
#[must_use]
pub fn language_name(number: u64) -> Option<&'static str> {
    LANGUAGES.get(usize::try_from(number).ok()?).copied()
}

/// Adds all fields that the words declare.
fn add_fields(schema: &mut Schema, words: &mut Words<'_>, limits: &Limits) -> Result<(), Error> {
    if words.is_empty() {
        return Err(Error::NoFields);
    }
    while let Ok(identifier) = words.take() {
        if schema.fields.len() >= limits.fields {
            return Err(Error::TooManyFields(limits.fields));
        }
        let field = field(schema, identifier, words, limits)?;
        schema.add(field);
    }
    Ok(())
}

fn field(
    schema: &Schema,
    identifier: &[u8],
    words: &mut Words<'_>,
    limits: &Limits,
) -> Result<Field, Error> {
    let alias = words.take_keyword("AS");
    let name = if alias { words.take().map_err(|_| Error::AsMissing)? } else { identifier };
    if name.is_empty() {
        return Err(Error::NameEmpty);
    }
    if schema.field(name).is_some() {
        return Err(Error::Duplicate(name.into()));
    }
    let mut options = Options::default();
    let kind = kind(schema.source, name, words, &mut options, limits)?;
    if !matches!(kind, Kind::Vector(_)) {
        take_sorting(words, &kind, &mut options);
    }
    if options.has(Options::SORTABLE) && schema.source == Source::Json {
        options.set(Options::UNNORMALISED);
    }
    let path = alias.then(|| identifier.into());
    Ok(Field { name: name.into(), path, kind, options, sort_slot: None })
}

fn kind(
    source: Source,
    name: &[u8],
    words: &mut Words<'_>,
    options: &mut Options,
    limits: &Limits,
) -> Result<Kind, Error> {
    if words.is_empty() {
        Err(Error::NoType(name.into()))
    } else if words.take_keyword("TAG") {
        tag(source, words, options).map(Kind::Tag)
    } else if words.take_keyword("NUMERIC") {
        take_missing(words, options);
        Ok(Kind::Numeric)
    } else if words.take_keyword("GEO") {
        take_missing(words, options);
        Ok(Kind::Geo)
    } else if words.take_keyword("VECTOR") {
        let vector = vector(words, limits)?;
        take_missing(words, options);
        Ok(Kind::Vector(vector))
    } else if words.take_keyword("TEXT") {
        Err(Error::Unsupported("TEXT", name.into()))
    } else if words.take_keyword("GEOSHAPE") {
        Err(Error::Unsupported("GEOSHAPE", name.into()))
    } else {
        Err(Error::Type(name.into()))
    }
}

fn take_missing(words: &mut Words<'_>, options: &mut Options) {
    if words.take_keyword("INDEXMISSING") {
        options.set(Options::MISSING);
    }
}

fn tag(source: Source, words: &mut Words<'_>, options: &mut Options) -> Result<Tag, Error> {
    let mut tag = Tag::of(source);
    loop {
        if words.take_keyword("SEPARATOR") {
            tag.separator = separator(words)?;
        } else if words.take_keyword("CASESENSITIVE") {
            tag.case_sensitive = true;
        } else if words.take_keyword("WITHSUFFIXTRIE") {
            options.set(Options::SUFFIXES);
        } else if words.take_keyword("INDEXEMPTY") {
            options.set(Options::EMPTY);
        } else if words.take_keyword("INDEXMISSING") {
            options.set(Options::MISSING);
        } else {
            return Ok(tag);
        }
    }
}

fn separator(words: &mut Words<'_>) -> Result<u8, Error> {
    match words.take().map_err(|_| Error::SeparatorMissing)? {
        [separator] => Ok(*separator),
        word => Err(Error::SeparatorLong(word.into())),
    }
}

/// `SORTABLE [UNF]` and `NOINDEX`. Numbers, places and exact tags have no other form to sort by.
fn take_sorting(words: &mut Words<'_>, kind: &Kind, options: &mut Options) {
    let exact = match kind {
        Kind::Numeric => true,
        Kind::Tag(tag) => tag.case_sensitive,
        Kind::Geo | Kind::Shape { .. } | Kind::Text(_) | Kind::Vector(_) => false,
    };
    loop {
        if words.take_keyword("SORTABLE") {
            options.set(Options::SORTABLE);
            if words.take_keyword("UNF") || exact {
                options.set(Options::UNNORMALISED);
            }
        } else if words.take_keyword("NOINDEX") {
            options.set(Options::NO_INDEX);
        } else {
            return;
        }
    }
}

impl Schema {
    /// Adds a field whose name is not there yet, gives it its place for sorting and sets the flags
    /// that follow from it.
    pub fn add(&mut self, mut field: Field) {
        if field.options.has(Options::SORTABLE) && field.sort_slot.is_none() {
            field.sort_slot = u32::try_from(self.sort_slots()).ok();
        }
        if field.path.is_some() {
            self.flags.set(Flags::ALIASED);
        }
        let words = matches!(field.kind, Kind::Tag(_) | Kind::Text(_));
        if words && !field.options.has(Options::EMPTY) {
            self.flags.set(Flags::NON_EMPTY);
        }
        if field.vector().is_some() {
            self.flags.set(Flags::VECTORS);
        }
        self.fields.push(field);
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
