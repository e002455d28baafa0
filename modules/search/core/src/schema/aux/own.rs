//! What definitions say that RediSearch's record has no place for, in a record of our own behind it.
//!
//! ```text
//! record   count index*         only those that have something to say
//! index    name index_all count field*
//! field    name bits [bit 1: epsilon]
//! bits     1 QUANTIZATION SQ8, 2 an EPSILON that is not the default
//! ```

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};

use super::Definition;
use crate::schema::vector::EPSILON;
use crate::schema::{Algorithm, Field, Kind, Schema, Vector};

const QUANTIZED: u64 = 1;
const HAS_EPSILON: u64 = 2;

/// What a vector field declares beyond RediSearch's record.
#[derive(Clone, Debug, PartialEq)]
struct VectorAddition {
    field: Box<[u8]>,
    quantized: bool,
    epsilon: Option<f64>,
}

/// What an index declares beyond RediSearch's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// The index's name.
    pub name: Box<[u8]>,
    index_all: bool,
    vectors: Vec<VectorAddition>,
}

/// The additions of all indexes that have some: the record `KspFields`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Additions(pub Vec<Addition>);

impl Addition {
    /// `None` if RediSearch's record says all.
    #[must_use]
    pub fn of(definition: &Definition) -> Option<Self> {
        let Definition { name, schema, .. } = definition;
        let vectors: Vec<_> = schema.fields.iter().filter_map(VectorAddition::of).collect();
        let is_said = vectors.is_empty() && !schema.index_all;
        let addition = || Self { name: name.clone(), index_all: schema.index_all, vectors };
        (!is_said).then(addition)
    }

    /// The schema that RediSearch's record defines, and this one completes.
    ///
    /// # Errors
    /// [`Error::Invalid`]: nothing that this may be said of.
    pub fn complete(&self, schema: &Schema) -> Result<Schema, Error> {
        let mut schema = schema.clone();
        schema.index_all = self.index_all;
        for addition in &self.vectors {
            let field = schema.fields.iter_mut().find(|field| field.name == addition.field);
            let Some(Field { kind: Kind::Vector(vector), .. }) = field else {
                return Err(Error::Invalid);
            };
            addition.complete(vector)?;
        }
        Ok(schema)
    }

    fn load<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let name = string(reader)?;
        let index_all = match reader.unsigned()? {
            0 => false,
            1 => true,
            _ => return Err(Error::Invalid),
        };
        let vectors = each(reader, VectorAddition::load)?;
        Ok(Self { name, index_all, vectors })
    }

    fn save<W: Write>(&self, writer: &mut W) {
        writer.bytes(&self.name);
        writer.unsigned(u64::from(self.index_all));
        writer.unsigned(self.vectors.len() as u64);
        self.vectors.iter().for_each(|vector| vector.save(writer));
    }
}

impl VectorAddition {
    fn of(field: &Field) -> Option<Self> {
        let vector = field.vector()?;
        let epsilon = match vector.algorithm {
            Algorithm::Flat { .. } => None,
            Algorithm::Hnsw { epsilon, .. } => Some(epsilon).filter(|own| *own != EPSILON),
        };
        let quantized = vector.quantized;
        let addition = || Self { field: field.name.clone(), quantized, epsilon };
        (quantized || epsilon.is_some()).then(addition)
    }

    fn complete(&self, vector: &mut Vector) -> Result<(), Error> {
        if self.quantized && !vector.element.has_codes() {
            return Err(Error::Invalid);
        }
        vector.quantized = self.quantized;
        match (&mut vector.algorithm, self.epsilon) {
            (_, None) => Ok(()),
            (Algorithm::Hnsw { epsilon, .. }, Some(own)) if own >= 0.0 && own.is_finite() => {
                *epsilon = own;
                Ok(())
            }
            (Algorithm::Flat { .. } | Algorithm::Hnsw { .. }, Some(_)) => Err(Error::Invalid),
        }
    }

    fn load<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let (field, bits) = (string(reader)?, reader.unsigned()?);
        if bits & !(QUANTIZED | HAS_EPSILON) != 0 {
            return Err(Error::Invalid);
        }
        let epsilon = if bits & HAS_EPSILON == 0 { None } else { Some(reader.double()?) };
        Ok(Self { field, quantized: bits & QUANTIZED != 0, epsilon })
    }

    fn save<W: Write>(&self, writer: &mut W) {
        let quantized = if self.quantized { QUANTIZED } else { 0 };
        let has_epsilon = if self.epsilon.is_some() { HAS_EPSILON } else { 0 };
        writer.bytes(&self.field);
        writer.unsigned(quantized | has_epsilon);
        self.epsilon.into_iter().for_each(|epsilon| writer.double(epsilon));
    }
}

impl Value for Additions {
    const TYPE_NAMES: &'static [&'static str] = &["KspFields"];

    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
        if encoding.version != OWN_VERSION {
            return Err(Error::Version);
        }
        each(reader, Addition::load).map(Self)
    }

    fn save<W: Write>(&self, writer: &mut W, _version: u32) {
        writer.unsigned(self.0.len() as u64);
        self.0.iter().for_each(|addition| addition.save(writer));
    }
}

/// The only layout so far.
pub const OWN_VERSION: u32 = 1;

fn string<R: Read>(reader: &mut R) -> Result<Box<[u8]>, Error> {
    reader.bytes().map(|bytes| bytes.as_ref().into())
}

/// Nothing is allocated before an entry is read.
fn each<R: Read, T>(
    reader: &mut R,
    mut entry: impl FnMut(&mut R) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut entries = Vec::new();
    for _ in 0..reader.unsigned()? {
        entries.push(entry(reader)?);
    }
    Ok(entries)
}
