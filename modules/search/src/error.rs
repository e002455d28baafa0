//! Every error of FT.*, with its exact text: RediSearch 2.10.32's behind the code word that
//! RediSearch 8 puts before it.

use std::borrow::Cow;

use keyspan_common::wire::Wire;
use keyspan_search_core::{query, request, schema};

/// What can go wrong in a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// FT.ALIASADD of an alias that is there.
    AliasExists,
    /// An alias with the name of an index.
    AliasIsIndex,
    /// FT.ALIASDEL of an alias that is not there.
    AliasMissing,
    /// FT.ALIASADD to no index.
    AliasTarget,
    /// Wrong number of words for the command of this name.
    Arity(&'static str),
    /// An index in a database whose keys are no documents.
    Database,
    /// Index of this name is there.
    Exists,
    /// FORMAT EXPAND of hashes.
    Expand,
    /// FORMAT EXPAND of JSON documents.
    ExpandJson,
    /// No module with JSON documents is loaded.
    NoJson,
    /// FT.INFO and FT.ALTER of no index.
    NoIndex,
    /// FT.DROPINDEX and FT.TAGVALS of no index.
    NoIndexToDrop,
    /// FT.SEARCH of no index of this name.
    NoIndexToSearch(Box<[u8]>),
    /// FT.TAGVALS of no field.
    NoField,
    /// The user may not read every key that may be a document.
    NoPermission,
    /// FT.TAGVALS of a field of another kind.
    NotTags,
    /// FT.CONFIG with an unknown word.
    ConfigAction,
    /// FT.CONFIG SET of an unknown option.
    ConfigOption,
    /// FT.CONFIG SET to a bad value.
    ConfigValue,
    /// FT.PROFILE of something that is not profiled.
    ProfileKind,
    /// FT.PROFILE without QUERY.
    ProfileQuery,
    /// A query.
    Query(query::Error),
    /// The words of FT.SEARCH.
    Request(request::Error),
    /// The words of FT.CREATE and FT.ALTER.
    Schema(schema::Error),
    /// A search whose time is up, if that is an error.
    Timeout,
    /// There are as many indexes as are allowed.
    TooMany(u64),
    /// A word behind the last that means something.
    Unknown(Box<[u8]>),
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::AliasExists => "SEARCH_INDEX_EXISTS Alias already exists",
            Self::AliasIsIndex => {
                "SEARCH_ALIAS_CONFLICT Alias conflicts with an existing index name"
            }
            Self::AliasMissing => "SEARCH_INDEX_NOT_FOUND Alias does not exist",
            Self::AliasTarget => {
                "SEARCH_INDEX_NOT_FOUND Unknown index name (or name is an alias itself)"
            }
            Self::Arity(name) => {
                return format!("ERR wrong number of arguments for '{name}' command").into();
            }
            Self::Database => "SEARCH_GENERIC Cannot create index on db != 0",
            Self::Exists => "SEARCH_INDEX_EXISTS Index already exists",
            Self::Expand => "SEARCH_PARSE_ARGS EXPAND format is only supported with JSON",
            Self::ExpandJson => "SEARCH_PARSE_ARGS FORMAT EXPAND is not supported yet",
            Self::NoJson => {
                "SEARCH_GENERIC ON JSON needs a module with JSON documents, and none is loaded"
            }
            Self::NoIndex => "SEARCH_INDEX_NOT_FOUND Unknown index name",
            Self::NoIndexToDrop => "SEARCH_INDEX_NOT_FOUND Unknown Index name",
            Self::NoIndexToSearch(name) => {
                let name = String::from_utf8_lossy(name);
                return format!("SEARCH_INDEX_NOT_FOUND No such index {name}").into();
            }
            Self::NoField => "SEARCH_PROP_NOT_FOUND No such field",
            Self::NoPermission => {
                "NOPERM User does not have the required permissions to query the index"
            }
            Self::NotTags => "SEARCH_TYPE_UNSUP Not a tag field",
            Self::ConfigAction => "SEARCH_PARSE_ARGS No such configuration action",
            Self::ConfigOption => "SEARCH_OPTION_INVALID Invalid option",
            Self::ConfigValue => "SEARCH_PARSE_ARGS Could not convert argument to expected type",
            Self::ProfileKind => {
                "SEARCH_PARSE_ARGS No `SEARCH` provided: other queries are not supported yet"
            }
            Self::ProfileQuery => "SEARCH_PARSE_ARGS The QUERY keyword is expected",
            Self::Query(error) => return error.wire(),
            Self::Request(error) => return error.wire(),
            Self::Schema(error) => return error.wire(),
            Self::Timeout => "SEARCH_TIMEOUT Timeout limit was reached",
            Self::TooMany(max) => {
                return format!("SEARCH_LIMIT_OVER There may be {max} indexes").into();
            }
            Self::Unknown(word) => {
                let word = String::from_utf8_lossy(word);
                return format!("SEARCH_ARG_UNRECOGNIZED Unknown argument `{word}`").into();
            }
        })
    }
}

impl From<query::Error> for Error {
    fn from(error: query::Error) -> Self {
        Self::Query(error)
    }
}

impl From<request::Error> for Error {
    fn from(error: request::Error) -> Self {
        Self::Request(error)
    }
}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self::Schema(error)
    }
}
