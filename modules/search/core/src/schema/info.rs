//! What FT.INFO says about a field.

use super::{Algorithm, Field, Kind, Options, Tag};

/// One statement about a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'a> {
    /// A name and a text.
    Text(&'static str, &'a [u8]),
    /// A name and an integer.
    Number(&'static str, u64),
    /// A name and a double, a bulk string in RESP2.
    Double(&'static str, f64),
    /// A word alone: behind the others in RESP2, in the list `flags` in RESP3.
    Flag(&'static str),
}

impl Field {
    /// The statements in the order RediSearch 2.10 makes them, flags last.
    #[must_use]
    pub fn info(&self) -> Vec<Item<'_>> {
        let mut items = vec![
            Item::Text("identifier", self.identifier()),
            Item::Text("attribute", &self.name),
            Item::Text("type", self.kind.name().as_bytes()),
        ];
        self.kind.describe(&mut items);
        items.extend(self.flags().map(Item::Flag));
        items
    }

    fn flags(&self) -> impl Iterator<Item = &'static str> {
        let exact = matches!(&self.kind, Kind::Tag(tag) if tag.case_sensitive);
        let table = [
            (Options::SORTABLE, "SORTABLE"),
            (Options::UNNORMALISED, "UNF"),
            (Options::NO_STEM, "NOSTEM"),
            (Options::NO_INDEX, "NOINDEX"),
            (Options::SUFFIXES, "WITHSUFFIXTRIE"),
            (Options::EMPTY, "INDEXEMPTY"),
            (Options::MISSING, "INDEXMISSING"),
        ];
        let set = table.into_iter().filter(|(option, _)| self.options.has(*option));
        exact.then_some("CASESENSITIVE").into_iter().chain(set.map(|(_, name)| name))
    }
}

impl Kind {
    /// The name in a command.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Geo => "GEO",
            Self::Numeric => "NUMERIC",
            Self::Shape { .. } => "GEOSHAPE",
            Self::Tag(_) => "TAG",
            Self::Text(_) => "TEXT",
            Self::Vector(_) => "VECTOR",
        }
    }

    fn describe<'a>(&'a self, items: &mut Vec<Item<'a>>) {
        match self {
            Self::Geo | Self::Numeric => (),
            Self::Shape { spherical } => {
                let system: &[u8] = if *spherical { b"SPHERICAL" } else { b"FLAT" };
                items.push(Item::Text("coord_system", system));
            }
            Self::Tag(tag) => {
                let separator = std::slice::from_ref(&tag.separator);
                let is_none = tag.separator == Tag::UNSEPARATED;
                items.push(Item::Text("SEPARATOR", if is_none { &[] } else { separator }));
            }
            Self::Text(text) => items.push(Item::Double("WEIGHT", text.weight)),
            Self::Vector(vector) => {
                items.extend([
                    Item::Text("algorithm", vector.algorithm.name().as_bytes()),
                    Item::Text("data_type", vector.element.name().as_bytes()),
                    Item::Number("dim", vector.dimension),
                    Item::Text("distance_metric", vector.metric.name().as_bytes()),
                ]);
                if let Algorithm::Hnsw { m, ef_construction, .. } = vector.algorithm {
                    items.push(Item::Number("M", m));
                    items.push(Item::Number("ef_construction", ef_construction));
                }
                if vector.quantized {
                    items.push(Item::Text("quantization", b"SQ8"));
                }
            }
        }
    }
}
