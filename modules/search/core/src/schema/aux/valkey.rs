//! valkey-search's record `Vk-Search`, behind the keys: the schemas are read, the contents of the
//! indexes skipped.
//!
//! ```text
//! record    least_reader count section*
//! section   message (header chunk* "")*      as many of these as the message announces
//! ```
//! Messages are Protocol Buffers; an empty string ends the chunks of one content.

use keyspan_common::rdb::{Encoding, Error, Read, Value as RdbValue, Write};

use super::Definition;
use super::protobuf::{Fields, Value};
use crate::schema::vector::BLOCK_SIZE;
use crate::schema::{
    Algorithm, Element, Field, Flags, Kind, Metric, Options, Schema, Source, Tag, Text, Vector,
};

/// The record's type.
pub const TYPE_NAME: &str = "Vk-Search";
/// Its encoding.
pub const VERSION: u32 = 1;

/// A section that is a schema.
const SCHEMA: u64 = 1;

/// The indexes of a file of valkey-search, each with the number of its database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValkeyDefinitions(pub Vec<(u64, Definition)>);

impl RdbValue for ValkeyDefinitions {
    const TYPE_NAMES: &'static [&'static str] = &[TYPE_NAME];

    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
        if encoding.version != VERSION {
            return Err(Error::Version);
        }
        reader.unsigned()?;
        let mut indexes = Vec::new();
        for _ in 0..reader.unsigned()? {
            indexes.extend(section(reader)?);
        }
        Ok(Self(indexes))
    }

    /// A record without indexes: definitions are written as RediSearch's.
    fn save<W: Write>(&self, writer: &mut W, _version: u32) {
        writer.unsigned(0);
        writer.unsigned(0);
    }
}

fn section<R: Read>(reader: &mut R) -> Result<Option<(u64, Definition)>, Error> {
    let message = reader.bytes()?;
    let (mut kind, mut contents, mut index) = (0, 0, None);
    for field in Fields::new(message.as_ref()) {
        match field? {
            (1, value) => kind = value.number()?,
            (2, value) => contents = value.number()?,
            (3, value) => index = Some(definition(value.bytes()?)?),
            _ => (),
        }
    }
    for _ in 0..contents {
        reader.bytes()?;
        while !reader.bytes()?.as_ref().is_empty() {}
    }
    Ok(index.filter(|_| kind == SCHEMA))
}

fn definition(message: &[u8]) -> Result<(u64, Definition), Error> {
    let mut schema = Schema { prefixes: Vec::new(), ..Schema::new() };
    let (mut name, mut database) = (Box::default(), 0);
    for field in Fields::new(message) {
        match field? {
            (1, value) => name = value.bytes()?.into(),
            (8, value) => database = value.number()?,
            (number, value) => schema_field(&mut schema, number, value)?,
        }
    }
    if schema.prefixes.is_empty() {
        schema.prefixes.push(Box::default());
    }
    let definition = Definition { name, schema, aliases: Vec::new(), synonyms: Vec::new() };
    Ok((database, definition))
}

fn schema_field(schema: &mut Schema, number: u64, value: Value<'_>) -> Result<(), Error> {
    match number {
        2 => schema.prefixes.push(value.bytes()?.into()),
        3 if value.number()? == 2 => schema.source = Source::Json,
        5 => {
            let score = f64::from(value.float()?);
            // Not set is written as 0.
            schema.score = if (0.0..=1.0).contains(&score) && score != 0.0 { score } else { 1.0 };
        }
        6 => {
            let field = attribute(value.bytes()?)?;
            if schema.field(&field.name).is_some() {
                return Err(Error::Invalid);
            }
            schema.add(field);
        }
        11 => {
            schema.flags.set(Flags::STOPWORDS);
            schema.stopwords.get_or_insert_default().push(value.bytes()?.into());
        }
        13 if value.number()? != 0 => schema.flags.set(Flags::SKIP_SCAN),
        14 if !value.bytes()?.is_empty() => schema.score_field = Some(value.bytes()?.into()),
        _ => (),
    }
    Ok(())
}

fn attribute(message: &[u8]) -> Result<Field, Error> {
    let (mut alias, mut identifier, mut found) = (None, None, None);
    for field in Fields::new(message) {
        match field? {
            (1, value) => alias = Some(value.bytes()?),
            (2, value) => identifier = Some(value.bytes()?),
            (3, value) => found = kind(value.bytes()?)?,
            _ => (),
        }
    }
    let name = alias.or(identifier).ok_or(Error::Invalid)?;
    Ok(Field {
        name: name.into(),
        path: identifier.filter(|identifier| *identifier != name).map(Box::from),
        kind: found.ok_or(Error::Invalid)?,
        options: Options::default(),
        sort_slot: None,
    })
}

fn kind(message: &[u8]) -> Result<Option<Kind>, Error> {
    let mut kind = None;
    for field in Fields::new(message) {
        kind = Some(match field? {
            (1, value) => Kind::Vector(vector(value.bytes()?)?),
            (2, _) => Kind::Numeric,
            (3, value) => Kind::Tag(tag(value.bytes()?)?),
            (4, _) => Kind::Text(Text { id: 0, weight: 1.0 }),
            _ => continue,
        });
    }
    Ok(kind)
}

fn tag(message: &[u8]) -> Result<Tag, Error> {
    let mut tag = Tag::default();
    for field in Fields::new(message) {
        match field? {
            (1, value) => tag.separator = *value.bytes()?.first().unwrap_or(&tag.separator),
            (2, value) => tag.case_sensitive = value.number()? != 0,
            _ => (),
        }
    }
    Ok(tag)
}

fn vector(message: &[u8]) -> Result<Vector, Error> {
    let mut vector = Vector {
        algorithm: Algorithm::HNSW,
        element: Element::Float32,
        dimension: 0,
        metric: Metric::L2,
        initial_capacity: BLOCK_SIZE,
        multi: false,
        quantized: false,
    };
    for field in Fields::new(message) {
        match field? {
            (1, value) => vector.dimension = value.number()?,
            (3, value) => vector.metric = metric(value.number()?)?,
            (4, value) if value.number()? != 1 => return Err(Error::Invalid),
            (5, value) => vector.initial_capacity = value.number()?,
            (6, value) => vector.algorithm = hnsw(value.bytes()?)?,
            (7, _) => vector.algorithm = Algorithm::FLAT,
            _ => (),
        }
    }
    if vector.dimension == 0 { Err(Error::Invalid) } else { Ok(vector) }
}

const fn metric(number: u64) -> Result<Metric, Error> {
    match number {
        1 => Ok(Metric::L2),
        2 => Ok(Metric::Ip),
        3 => Ok(Metric::Cosine),
        _ => Err(Error::Invalid),
    }
}

fn hnsw(message: &[u8]) -> Result<Algorithm, Error> {
    let (mut links, mut construction, mut runtime) = (16, 200, 10);
    for field in Fields::new(message) {
        match field? {
            (1, value) => links = value.number()?,
            (2, value) => construction = value.number()?,
            (3, value) => runtime = value.number()?,
            _ => (),
        }
    }
    if links == 0 || construction == 0 || runtime == 0 {
        return Err(Error::Invalid);
    }
    Ok(Algorithm::Hnsw {
        m: links,
        ef_construction: construction,
        ef_runtime: runtime,
        epsilon: crate::schema::vector::EPSILON,
    })
}
