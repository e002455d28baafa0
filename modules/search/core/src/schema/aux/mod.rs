//! Definitions of indexes beside the keys of RDB files: RediSearch's are read and written,
//! valkey-search's are read.

mod protobuf;
mod redisearch;
mod redisearch_vector;
mod valkey;

use super::Schema;

pub use redisearch::VERSION;
pub use valkey::{TYPE_NAME as VALKEY_TYPE_NAME, VERSION as VALKEY_VERSION, ValkeyDefinitions};

/// An index as an RDB file defines it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The index's name.
    pub name: Box<[u8]>,
    /// What it declares.
    pub schema: Schema,
    /// Its other names.
    pub aliases: Vec<Box<[u8]>>,
    /// Kept, not used yet.
    pub synonyms: Vec<Synonyms>,
}

/// A term and the groups of synonyms it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonyms {
    /// The term.
    pub term: Box<[u8]>,
    /// The names of the groups.
    pub groups: Vec<Box<[u8]>>,
}

/// All indexes of a file: the record `ft_index0`, encodings 17 to 27, written as 23.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions(pub Vec<Definition>);

#[cfg(test)]
mod tests;
