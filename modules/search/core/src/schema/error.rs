//! Why a schema is refused.

use std::borrow::Cow;

use keyspan_common::wire::Wire;

use crate::code::{Code, Coded, lossy};
use crate::words::Fault;

/// Why FT.CREATE or FT.ALTER is refused. The texts are those of RediSearch 2.10.32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// FT.ALTER does something else than to add.
    AlterAction,
    /// FT.ALTER names no fields.
    AlterNoFields,
    /// FT.ALTER without `SCHEMA`.
    AlterNoSchema,
    /// `AS` is the last word.
    AsMissing,
    /// An argument of the head.
    Bad(&'static str, Fault),
    /// A field's name stands twice.
    Duplicate(Box<[u8]>),
    /// An expression that cannot be read.
    Filter,
    /// No such language.
    Language(Box<[u8]>),
    /// A field without a name.
    NameEmpty,
    /// `SCHEMA` without fields.
    NoFields,
    /// No `SCHEMA`.
    NoSchema,
    /// A field without a type.
    NoType(Box<[u8]>),
    /// A score that is no number from 0 to 1.
    Score(Box<[u8]>),
    /// `SEPARATOR` is the last word.
    SeparatorMissing,
    /// `SEPARATOR` with more or less than one byte.
    SeparatorLong(Box<[u8]>),
    /// `ON` something.
    Source(Box<[u8]>),
    /// More fields than are allowed.
    TooManyFields(usize),
    /// No such type.
    Type(Box<[u8]>),
    /// A word that is none of the head.
    Unknown(Box<[u8]>),
    /// A type that is known but not served: its name, and the field's.
    Unsupported(&'static str, Box<[u8]>),
    /// The algorithm's name, or the number of its parameters.
    Vector(&'static str, Fault),
    /// No such parameter of the algorithm: its name, and the word.
    VectorArgument(&'static str, Box<[u8]>),
    /// Fewer parameters than announced: words announced, and found.
    VectorCount(u64, u64),
    /// A parameter that must be there: the algorithm's name, and its own.
    VectorMandatory(&'static str, &'static str),
    /// An odd number of parameters is announced.
    VectorOdd(u64),
    /// A bad value: the algorithm's name, and the parameter's.
    VectorParameter(&'static str, &'static str, Fault),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Source(_) | Self::Score(_) | Self::Language(_) => Code::AddArgs,
            Self::Duplicate(_) => Code::FieldDup,
            Self::TooManyFields(_) => Code::LimitOver,
            Self::Unknown(_) => Code::ArgUnrecognized,
            Self::Unsupported(..) => Code::TypeUnsupported,
            Self::Filter => Code::Syntax,
            Self::AlterAction
            | Self::AlterNoFields
            | Self::AlterNoSchema
            | Self::AsMissing
            | Self::Bad(..)
            | Self::NameEmpty
            | Self::NoFields
            | Self::NoSchema
            | Self::NoType(_)
            | Self::SeparatorMissing
            | Self::SeparatorLong(_)
            | Self::Type(_)
            | Self::Vector(..)
            | Self::VectorArgument(..)
            | Self::VectorCount(..)
            | Self::VectorMandatory(..)
            | Self::VectorOdd(_)
            | Self::VectorParameter(..) => Code::ParseArgs,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::AlterAction => "Unknown action passed to ALTER SCHEMA".to_owned(),
            Self::AlterNoFields => "No fields provided".to_owned(),
            Self::AlterNoSchema => "ALTER must be followed by SCHEMA".to_owned(),
            Self::AsMissing => "AS requires an argument".to_owned(),
            Self::Bad(name, fault) => format!("Bad arguments for {name}: {}", fault.text()),
            Self::Duplicate(name) => format!("Duplicate field in schema - {}", lossy(name)),
            Self::Filter => "Invalid expression".to_owned(),
            Self::Language(name) => format!("Invalid language: {}", lossy(name)),
            Self::NameEmpty => "Field name cannot be empty".to_owned(),
            Self::NoFields => "Fields arguments are missing".to_owned(),
            Self::NoSchema => "No schema found".to_owned(),
            Self::NoType(name) => format!("Field `{}` does not have a type", lossy(name)),
            Self::Score(text) => format!("Invalid score: {}", lossy(text)),
            Self::SeparatorMissing => "SEPARATOR requires an argument".to_owned(),
            // Observed: the placeholder stands in the text, the word behind it.
            Self::SeparatorLong(word) => {
                format!("Tag separator must be a single character. Got `%s`{}", lossy(word))
            }
            Self::Source(name) => format!("Invalid rule type: {}", lossy(name)),
            Self::TooManyFields(max) => format!("Schema is limited to {max} fields"),
            Self::Type(name) => format!("Invalid field type for field `{}`", lossy(name)),
            Self::Unknown(word) => format!("Unknown argument `{}`", lossy(word)),
            Self::Unsupported(kind, name) => {
                format!("{kind} fields are not supported yet, field `{}`", lossy(name))
            }
            Self::Vector(what, fault) => {
                format!("Bad arguments for vector similarity {what}: {}", fault.text())
            }
            Self::VectorArgument(algorithm, word) => {
                format!("Bad arguments for algorithm {algorithm}: {}", lossy(word))
            }
            Self::VectorCount(expected, got) => {
                format!("Expected {expected} parameters but got {got}")
            }
            Self::VectorMandatory(algorithm, name) => format!(
                "Missing mandatory parameter: cannot create {algorithm} index without specifying {name} argument"
            ),
            Self::VectorOdd(got) => format!(
                "Bad number of arguments for vector similarity index: got {got} but expected even number (as algorithm parameters should be submitted as named arguments)"
            ),
            Self::VectorParameter(algorithm, name, fault) => format!(
                "Bad arguments for vector similarity {algorithm} index `{name}`: {}",
                fault.text()
            ),
        }
    }
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{} {}", self.code().word(), self.text()))
    }
}
