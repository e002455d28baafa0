//! The fields of a schema.

use super::Source;
use super::vector::Vector;

/// What a field's values are, and how they are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Places.
    Geo,
    /// Numbers.
    Numeric,
    /// Shapes: kept as declared by other producers, not indexed.
    Shape {
        /// On the sphere, not on the plane.
        spherical: bool,
    },
    /// Sets of words.
    Tag(Tag),
    /// Full text: kept as declared by other producers, not indexed yet.
    Text(Text),
    /// Vectors.
    Vector(Vector),
}

/// What a `TAG` field declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What stands between two tags of one text.
    pub separator: u8,
    /// Whether tags that differ in case are different.
    pub case_sensitive: bool,
}

impl Tag {
    /// No separator, as strings of JSON documents have unless one is declared.
    pub const UNSEPARATED: u8 = 0;

    /// What a field of documents of this kind declares by its name alone.
    #[must_use]
    pub const fn of(source: Source) -> Self {
        let separator = match source {
            Source::Hash => b',',
            Source::Json => Self::UNSEPARATED,
        };
        Self { separator, case_sensitive: false }
    }
}

impl Default for Tag {
    fn default() -> Self {
        Self::of(Source::Hash)
    }
}

/// What a `TEXT` field declares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text {
    /// Its number among the text fields.
    pub id: u64,
    /// How much a term counts in the score.
    pub weight: f64,
}

/// Options of a field: a set of bits, those of RediSearch's RDB records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options(u64);

impl Options {
    /// `SORTABLE`
    pub const SORTABLE: Self = Self(1);
    /// `NOSTEM`
    pub const NO_STEM: Self = Self(2);
    /// `NOINDEX`
    pub const NO_INDEX: Self = Self(4);
    /// `PHONETIC`
    pub const PHONETIC: Self = Self(8);
    /// The kind is known only when a document comes.
    pub const DYNAMIC: Self = Self(0x10);
    /// `UNF`: sorted as written, not in lower case.
    pub const UNNORMALISED: Self = Self(0x20);
    /// `WITHSUFFIXTRIE`
    pub const SUFFIXES: Self = Self(0x40);
    /// Sorted, but only for those that look at one value.
    pub const UNDEFINED_ORDER: Self = Self(0x80);
    /// `INDEXEMPTY`
    pub const EMPTY: Self = Self(0x100);
    /// `INDEXMISSING`
    pub const MISSING: Self = Self(0x200);

    /// The options of these bits, unknown ones left out.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & 0x3FF)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `options` are set.
    #[must_use]
    pub const fn has(self, options: Self) -> bool {
        self.0 & options.0 == options.0
    }

    /// Sets `options`.
    pub const fn set(&mut self, options: Self) {
        self.0 |= options.0;
    }
}

/// A field: an attribute of the index, and where its values come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name in queries.
    pub name: Box<[u8]>,
    /// The name in the hash or the path in the document, if `AS` gave another name.
    pub path: Option<Box<[u8]>>,
    /// What it holds.
    pub kind: Kind,
    /// Its options.
    pub options: Options,
    /// Its place among the values kept for sorting.
    pub sort_slot: Option<u32>,
}

impl Field {
    /// Where the values come from.
    #[must_use]
    pub fn identifier(&self) -> &[u8] {
        self.path.as_deref().unwrap_or(&self.name)
    }

    /// Whether the field's values are searched here.
    #[must_use]
    pub const fn is_indexed(&self) -> bool {
        self.is_served() && !self.options.has(Options::NO_INDEX)
    }

    /// Whether this is a kind that is indexed here at all.
    #[must_use]
    pub const fn is_served(&self) -> bool {
        !matches!(self.kind, Kind::Text(_) | Kind::Shape { .. })
    }

    /// The vectors it declares.
    #[must_use]
    pub const fn vector(&self) -> Option<&Vector> {
        match &self.kind {
            Kind::Vector(vector) => Some(vector),
            Kind::Geo | Kind::Numeric | Kind::Shape { .. } | Kind::Tag(_) | Kind::Text(_) => None,
        }
    }
}
