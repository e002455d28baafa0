//! Every error of JSON.*, with its exact text.
//!
//! The texts are RedisJSON 8.8's as observed on Redis 8.6, quirks included: some have no code word.

use std::borrow::Cow;

use keyspan_common::{host::WrongType, wire::Wire};
use keyspan_json_core::{
    ParseError,
    arith::Arithmetic,
    path::{Exceeded, PathError},
};

/// The kind of value that a command works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// An array.
    Array,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// An object.
    Object,
    /// A string.
    String,
}

impl Expected {
    fn noun(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

/// A limit of the module's settings that a command ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `max-document-size`.
    DocumentSize,
    /// `max-path-matches`.
    Matches,
    /// `max-path-limit`.
    Nesting,
    /// `max-reply-size`.
    Reply,
    /// `max-path-steps`.
    Steps,
}

/// What can go wrong in a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// Wrong number of words for the command of this name.
    Arity(&'static str),
    /// A NUMINCRBY operand that is JSON but no number.
    BadNumber,
    /// FORMAT of JSON.SET names no format.
    Format,
    /// FORMAT of JSON.GET in RESP2.
    FormatNeedsResp3,
    /// FPHA names no type.
    FloatType,
    /// The index of a JSON.SET path is behind the end.
    IndexInPath,
    /// The index of JSON.ARRINSERT is behind the end.
    IndexOutOfBounds,
    /// A limit of the settings.
    Limit(Limit),
    /// The value is not JSON.
    Json(String),
    /// The value is not JSON, in commands that put a code word before it.
    JsonWithCode(String),
    /// A new key with a path that is not the root.
    NotAtRoot,
    /// The result of arithmetic is no finite number.
    NotANumber,
    /// A word that must be an integer.
    NotInteger,
    /// The key does not exist.
    NoKey,
    /// An integer left the range of i64.
    Overflow,
    /// The path does not parse.
    Path(PathError),
    /// A legacy path without a match.
    PathMissing,
    /// A legacy path without a match of the right kind.
    PathMissingOrNot(Expected),
    /// A path that names no single place to create.
    PathNotStatic,
    /// FORMAT of JSON.GET names no format.
    ReplyFormat,
    /// An unknown or repeated option.
    Syntax,
    /// JSON.DEBUG knows no such subcommand.
    Subcommand,
    /// A word that must be text.
    Utf8,
    /// The key holds another type.
    WrongType,
    /// A legacy path whose match is of the wrong kind.
    WrongValue(Expected),
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Arity(name) => {
                return format!("ERR wrong number of arguments for '{name}' command").into();
            }
            Self::BadNumber => "bad input number",
            Self::Format => "ERR wrong format",
            Self::FormatNeedsResp3 => "ERR FORMAT argument is not supported on RESP2",
            Self::FloatType => "ERR invalid FPHA type",
            Self::IndexInPath => "ERR array index out of range",
            Self::IndexOutOfBounds => "ERR index out of bounds",
            Self::Limit(Limit::DocumentSize) => {
                "ERR document exceeds the limit of ReJSON.max-document-size"
            }
            Self::Limit(Limit::Matches) => "ERR path exceeds the limit of ReJSON.max-path-matches",
            Self::Limit(Limit::Nesting) => {
                "ERR nesting of the document exceeds the limit of ReJSON.max-path-limit"
            }
            Self::Limit(Limit::Reply) => "ERR reply exceeds the limit of ReJSON.max-reply-size",
            Self::Limit(Limit::Steps) => "ERR path exceeds the limit of ReJSON.max-path-steps",
            Self::Json(text) => text,
            Self::JsonWithCode(text) => return format!("ERR {text}").into(),
            Self::NotAtRoot => "ERR new objects must be created at the root",
            Self::NotANumber => "ERR result is not a number",
            Self::NotInteger => "Couldn't parse as integer",
            Self::NoKey => "ERR could not perform this operation on a key that doesn't exist",
            Self::Overflow => "ERR numeric overflow",
            Self::Path(error) => return error.to_string().into(),
            Self::PathMissing => "ERR Path does not exist",
            Self::PathMissingOrNot(Expected::Array) => "ERR Path does not exist or not an array",
            Self::PathMissingOrNot(Expected::Bool) => "ERR Path does not exist or not a bool",
            Self::PathMissingOrNot(Expected::Number) => {
                "ERR Path does not exist or does not contains a number"
            }
            Self::PathMissingOrNot(Expected::Object) => "ERR Path does not exist or not an object",
            Self::PathMissingOrNot(Expected::String) => "ERR Path does not exist or not a string",
            Self::PathNotStatic => "Err wrong static path",
            Self::ReplyFormat => "ERR wrong reply format",
            Self::Syntax => "ERR syntax error",
            Self::Subcommand => "ERR unknown subcommand - try `JSON.DEBUG HELP`",
            Self::Utf8 => "Couldn't parse as UTF-8 string",
            Self::WrongType => "Existing key has wrong Redis type",
            Self::WrongValue(kind) => {
                let noun = kind.noun();
                return format!("WRONGTYPE wrong type of path value - expected {noun}").into();
            }
        })
    }
}

impl From<WrongType> for Error {
    fn from(_: WrongType) -> Self {
        Self::WrongType
    }
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl From<Exceeded> for Error {
    fn from(error: Exceeded) -> Self {
        Self::Limit(match error {
            Exceeded::Matches => Limit::Matches,
            Exceeded::Steps => Limit::Steps,
        })
    }
}

impl From<Arithmetic> for Error {
    fn from(error: Arithmetic) -> Self {
        match error {
            Arithmetic::NotANumber => Self::NotANumber,
            Arithmetic::Overflow => Self::Overflow,
        }
    }
}

impl Error {
    /// A value that did not parse, in commands that send the parser's text as it is.
    pub fn json(error: &ParseError) -> Self {
        match error {
            ParseError::Utf8 => Self::Utf8,
            ParseError::Text(_) => Self::Json(error.to_string()),
        }
    }

    /// A value that did not parse, in commands that put `ERR` before the parser's text.
    pub fn json_with_code(error: &ParseError) -> Self {
        match error {
            ParseError::Utf8 => Self::Utf8,
            ParseError::Text(_) => Self::JsonWithCode(error.to_string()),
        }
    }
}
