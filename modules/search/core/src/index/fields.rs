//! The indexes of all fields of a schema.

use super::geo::Geo;
use super::numeric::Numeric;
use super::tag::TagIndex;
use super::{DocId, DocSet, Value};
use crate::schema::{Field, Kind, Options, Schema};

/// The index of one field.
#[derive(Clone, Debug)]
pub enum FieldIndex {
    /// Places.
    Geo(Geo),
    /// Nothing is kept here: vectors have an index of their own, and some fields none.
    None,
    /// Numbers.
    Numeric(Numeric),
    /// Tags.
    Tag(TagIndex),
}

impl FieldIndex {
    fn of(field: &Field) -> Self {
        match &field.kind {
            _ if !field.is_indexed() => Self::None,
            Kind::Geo => Self::Geo(Geo::default()),
            Kind::Numeric => Self::Numeric(Numeric::default()),
            Kind::Shape { .. } | Kind::Text(_) | Kind::Vector(_) => Self::None,
            Kind::Tag(tag) => Self::Tag(TagIndex::new(*tag)),
        }
    }

    fn put(&mut self, document: DocId, value: &Value) {
        match (self, value) {
            (Self::Geo(geo), Value::Places(places)) => geo.put(document, places),
            (Self::Numeric(numeric), Value::Numbers(numbers)) => numeric.put(document, numbers),
            (Self::Tag(tag), Value::Tags(tags)) => tag.put(document, tags),
            (index, _) => index.remove(document),
        }
    }

    fn remove(&mut self, document: DocId) {
        match self {
            Self::Geo(geo) => geo.remove(document),
            Self::None => (),
            Self::Numeric(numeric) => numeric.remove(document),
            Self::Tag(tag) => tag.remove(document),
        }
    }

    /// Bytes on the heap. O(documents).
    #[must_use]
    pub fn memory(&self) -> usize {
        match self {
            Self::Geo(geo) => geo.memory(),
            Self::None => 0,
            Self::Numeric(numeric) => numeric.memory(),
            Self::Tag(tag) => tag.memory(),
        }
    }

    /// Pairs of a value and a document: FT.INFO's `num_records`. O(documents).
    #[must_use]
    pub fn records(&self) -> u64 {
        match self {
            Self::Geo(geo) => geo.len() as u64,
            Self::None => 0,
            Self::Numeric(numeric) => numeric.len() as u64,
            Self::Tag(tag) => tag.records(),
        }
    }
}

#[derive(Clone, Debug)]
struct Indexed {
    index: FieldIndex,
    /// The documents without the field, if that is asked for.
    missing: Option<DocSet>,
}

/// The indexes of all fields, each at the place of its field in the schema.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<Indexed>);

impl Fields {
    /// Empty indexes for the fields of `schema`.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let mut fields = Self::default();
        fields.extend(schema);
        fields
    }

    /// Adds empty indexes for fields that were added behind those there are.
    pub fn extend(&mut self, schema: &Schema) {
        self.0.extend(schema.fields.iter().skip(self.0.len()).map(|field| Indexed {
            index: FieldIndex::of(field),
            missing: field.options.has(Options::MISSING).then(DocSet::new),
        }));
    }

    /// Gives `document` these values, one for each field, instead of those it has.
    pub fn put(&mut self, document: DocId, values: &[Value]) {
        let values = values.iter().chain(std::iter::repeat(&Value::Missing));
        for (field, value) in self.0.iter_mut().zip(values) {
            field.index.put(document, value);
            if let Some(missing) = &mut field.missing {
                if matches!(value, Value::Missing) {
                    missing.insert(document);
                } else {
                    missing.remove(document);
                }
            }
        }
    }

    /// Takes `document` out of all indexes.
    pub fn remove(&mut self, document: DocId) {
        for field in &mut self.0 {
            field.index.remove(document);
            if let Some(missing) = &mut field.missing {
                missing.remove(document);
            }
        }
    }

    /// The index of the field at `place` in the schema.
    #[must_use]
    pub fn at(&self, place: usize) -> &FieldIndex {
        self.0.get(place).map_or(&FieldIndex::None, |field| &field.index)
    }

    /// The documents without the field at `place`; `None` if nobody noted them.
    #[must_use]
    pub fn missing(&self, place: usize) -> Option<&DocSet> {
        self.0.get(place)?.missing.as_ref()
    }

    /// Bytes on the heap, those of the vectors left out. O(documents).
    #[must_use]
    pub fn memory(&self) -> usize {
        let fields = self.0.iter().map(|field| {
            let missing = field.missing.as_ref().map_or(0, DocSet::serialized_size);
            field.index.memory() + missing
        });
        self.0.capacity() * size_of::<Indexed>() + fields.sum::<usize>()
    }
}
