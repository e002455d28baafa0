//! What FT.CREATE declares: which keys are documents, and which of their fields are indexed.

pub mod aux;
mod error;
mod field;
mod info;
mod parse;
mod parse_vector;
pub mod vector;

pub use error::Error;
pub use field::{Field, Kind, Options, Tag, Text};
pub use info::Item;
pub(crate) use parse::language;
pub use parse::{Alter, Create, language_name};
pub use vector::{Algorithm, Element, Metric, Vector};

/// The kind of keys that are documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Hashes.
    Hash,
    /// JSON documents.
    Json,
}

impl Source {
    /// The name in a command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hash => "HASH",
            Self::Json => "JSON",
        }
    }
}

/// What a schema may not exceed. The defaults are RediSearch's where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fields; 1024.
    pub fields: usize,
    /// Prefixes; 1024.
    pub prefixes: usize,
    /// Stop words; 4096.
    pub stopwords: usize,
    /// Elements of a vector; 32,768. RediSearch takes any number.
    pub dimension: u64,
    /// `M`; 512. RediSearch takes any number.
    pub m: u64,
    /// `EF_CONSTRUCTION` and `EF_RUNTIME`; 1,000,000.
    pub effort: u64,
    /// `BLOCK_SIZE` and `INITIAL_CAP`: 2^32, as a document's number has 32 bits.
    pub capacity: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fields: 1024,
            prefixes: 1024,
            stopwords: 4096,
            dimension: 1 << 15,
            m: 512,
            effort: 1_000_000,
            capacity: 1 << 32,
        }
    }
}

/// Flags of an index: a set of bits, those of RediSearch's RDB records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(u64);

impl Flags {
    /// Places of terms are kept; without it: `NOOFFSETS`.
    pub const OFFSETS: Self = Self(1);
    /// Fields of terms are kept; without it: `NOFIELDS`.
    pub const FIELDS: Self = Self(2);
    /// `STOPWORDS` were given.
    pub const STOPWORDS: Self = Self(8);
    /// Frequencies are kept; without it: `NOFREQS`.
    pub const FREQUENCIES: Self = Self(0x10);
    /// Byte places are kept; without it: `NOHL`.
    pub const BYTE_OFFSETS: Self = Self(0x40);
    /// `MAXTEXTFIELDS`
    pub const WIDE: Self = Self(0x80);
    /// Synonyms follow in the record.
    pub const SYNONYMS: Self = Self(0x100);
    /// `TEMPORARY`
    pub const TEMPORARY: Self = Self(0x200);
    /// `SKIPINITIALSCAN`
    pub const SKIP_SCAN: Self = Self(0x1000);
    /// A field stands under another name.
    pub const ALIASED: Self = Self(0x4000);
    /// There is a vector field.
    pub const VECTORS: Self = Self(0x8000);
    /// There is a text or tag field without `INDEXEMPTY`.
    pub const NON_EMPTY: Self = Self(0x8_0000);

    /// The flags of an index without options.
    pub const DEFAULT: Self = Self(0x53);

    /// The flags of these bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Sets `flags`.
    pub const fn set(&mut self, flags: Self) {
        self.0 |= flags.0;
    }

    /// Takes `flags` away.
    pub const fn clear(&mut self, flags: Self) {
        self.0 &= !flags.0;
    }
}

/// What an index declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The kind of keys that are documents.
    pub source: Source,
    /// What the keys of documents begin with; one of them. Never empty: `""` stands for all.
    pub prefixes: Vec<Box<[u8]>>,
    /// `FILTER`: the text of an expression a document has to meet.
    pub filter: Option<Box<[u8]>>,
    /// `LANGUAGE`, as its number in RDB files (0: English).
    pub language: u64,
    /// `LANGUAGE_FIELD`
    pub language_field: Option<Box<[u8]>>,
    /// `SCORE` of documents that have none of their own, 0 to 1.
    pub score: f64,
    /// `SCORE_FIELD`
    pub score_field: Option<Box<[u8]>>,
    /// `PAYLOAD_FIELD`
    pub payload_field: Option<Box<[u8]>>,
    /// `INDEXALL ENABLE`
    pub index_all: bool,
    /// `TEMPORARY`: milliseconds without use after which the index goes.
    pub temporary_ms: Option<u64>,
    /// Options without values.
    pub flags: Flags,
    /// `STOPWORDS`, if given; an empty list means that no word is one.
    pub stopwords: Option<Vec<Box<[u8]>>>,
    /// The fields, in the order they were declared.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A schema of hashes with any key and without fields.
    #[must_use]
    pub fn new() -> Self {
        Self {
            source: Source::Hash,
            prefixes: vec![Box::default()],
            filter: None,
            language: 0,
            language_field: None,
            score: 1.0,
            score_field: None,
            payload_field: None,
            index_all: false,
            temporary_ms: None,
            flags: Flags::DEFAULT,
            stopwords: None,
            fields: Vec::new(),
        }
    }

    /// The place of the field named `name`. O(fields).
    #[must_use]
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        self.fields.iter().position(|field| &*field.name == name)
    }

    /// The field named `name`. O(fields).
    #[must_use]
    pub fn field(&self, name: &[u8]) -> Option<&Field> {
        self.fields.iter().find(|field| &*field.name == name)
    }

    /// Whether `key` begins as a document's key does.
    #[must_use]
    pub fn covers(&self, key: &[u8]) -> bool {
        self.prefixes.iter().any(|prefix| key.starts_with(prefix))
    }

    /// How many values a document keeps for sorting.
    #[must_use]
    pub fn sort_slots(&self) -> usize {
        self.fields.iter().filter(|field| field.sort_slot.is_some()).count()
    }

    /// Whether fields of full text are declared, which are not searched yet.
    #[must_use]
    pub fn has_text(&self) -> bool {
        self.fields.iter().any(|field| matches!(field.kind, Kind::Text(_)))
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::new()
    }
}
