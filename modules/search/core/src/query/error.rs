//! Why a query is refused.

use std::borrow::Cow;

use keyspan_common::wire::Wire;

use crate::code::{Code, Coded, lossy};
use crate::index::vector::Refused;
use crate::print::general;

/// What is wrong with the options of a vector query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorFault {
    /// `BATCH_SIZE` where nothing is done in batches.
    BatchSize,
    /// `EF_RUNTIME` where no graph is searched.
    Effort,
    /// An option of a filtered query where nothing is filtered.
    NotHybrid,
    /// An option of a range query elsewhere.
    NotRange,
    /// No such option.
    Option,
    /// No such policy.
    Policy,
    /// An option stands twice.
    Twice,
    /// A bad value.
    Value,
}

impl VectorFault {
    const fn text(self) -> &'static str {
        match self {
            Self::BatchSize => "'batch size' is irrelevant for the selected policy",
            Self::Effort => "'EF_RUNTIME' is irrelevant for the selected policy",
            Self::NotHybrid => "hybrid query attributes were sent for a non-hybrid query",
            Self::NotRange => "range query attributes were sent for a non-range query",
            Self::Option => "Invalid option",
            Self::Policy => "invalid hybrid policy was given",
            Self::Twice => "Parameter was specified twice",
            Self::Value => "Invalid value was given",
        }
    }

    const fn code(self) -> Code {
        match self {
            Self::BatchSize => Code::AdhocBatchSize,
            Self::Effort => Code::AdhocEffort,
            Self::NotHybrid => Code::HybridAttribute,
            Self::NotRange => Code::RangeAttribute,
            Self::Option => Code::OptionInvalid,
            Self::Policy => Code::HybridPolicy,
            Self::Twice => Code::ParamDup,
            Self::Value => Code::ValueBad,
        }
    }
}

/// Why a query is refused. The texts are those of RediSearch 2.10.32.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// No such attribute.
    Attribute(Box<[u8]>),
    /// A bad value of an attribute: the value, and the name.
    AttributeValue(Box<[u8]>, Box<[u8]>),
    /// A vector of the wrong size: bytes given, and needed.
    BlobSize(u64, u64),
    /// A vector that has no distances: NaN or infinite elements, or zeros under COSINE.
    Blob(Refused),
    /// The distance has two names.
    DistanceTwice(Box<[u8]>, Box<[u8]>),
    /// Empty strings are asked for, but not indexed.
    Empty,
    /// Another word is expected: what, the offset, and what stands there.
    Expecting(&'static str, usize, Box<[u8]>),
    /// Longitude or latitude out of range.
    GeoPlace,
    /// A radius that is not above 0.
    GeoRadius,
    /// No such unit.
    GeoUnit,
    /// The field does not know which documents lack it.
    Missing(Box<[u8]>),
    /// A radius below 0.
    NegativeRadius(f64),
    /// No such parameter.
    NoParameter(Box<[u8]>),
    /// A filter's field is of another kind, which is named.
    NotOfKind(Box<[u8]>, &'static str),
    /// A parameter that should be a number: its value, and its name.
    NumericParameter(Box<[u8]>, Box<[u8]>),
    /// A text that cannot be read: the offset, and what stands there or before it.
    Syntax(usize, Box<[u8]>),
    /// Full text is asked for.
    Text,
    /// Parentheses are too deep.
    TooDeep,
    /// The text is longer than this many bytes.
    TooLong(usize),
    /// A filter's field is not there.
    UnknownField(Box<[u8]>),
    /// A property that is nowhere.
    UnknownProperty(Box<[u8]>),
    /// Options of a vector query.
    Vector(VectorFault),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Attribute(_) => Code::OptionInvalid,
            Self::Blob(_)
            | Self::BlobSize(..)
            | Self::Empty
            | Self::Missing(_)
            | Self::NegativeRadius(_)
            | Self::NotOfKind(..)
            | Self::UnknownField(_) => Code::QueryBad,
            Self::NoParameter(_) => Code::ParamNotFound,
            Self::Text => Code::TypeUnsupported,
            Self::TooLong(_) => Code::QueryStringBad,
            Self::UnknownProperty(_) => Code::PropNotFound,
            Self::Vector(fault) => fault.code(),
            Self::DistanceTwice(..) => Code::ParamDup,
            Self::AttributeValue(..)
            | Self::Expecting(..)
            | Self::GeoPlace
            | Self::GeoRadius
            | Self::GeoUnit
            | Self::NumericParameter(..)
            | Self::Syntax(..)
            | Self::TooDeep => Code::Syntax,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Attribute(name) => format!("Invalid attribute {}", lossy(name)),
            Self::AttributeValue(value, name) => {
                format!("Invalid value ({}) for `{}`", lossy(value), lossy(name))
            }
            Self::Blob(refused) => {
                let what = match refused {
                    Refused::Zero => "is zero, which has no cosine",
                    Refused::NotFinite => "has elements that are not finite",
                    Refused::Full | Refused::NoMemory | Refused::Size => "cannot be read",
                };
                format!("Error parsing vector similarity query: query vector {what}")
            }
            Self::BlobSize(got, expected) => format!(
                "Error parsing vector similarity query: query vector blob size ({got}) does not match index's expected size ({expected})."
            ),
            Self::DistanceTwice(one, other) => format!(
                "Distance field was specified twice for vector query: {} and {}",
                lossy(one),
                lossy(other)
            ),
            Self::Empty => {
                "Use `INDEXEMPTY` in field creation in order to index and query for empty strings"
                    .to_owned()
            }
            Self::Expecting(what, offset, near) => {
                format!("Syntax error: Expecting {what} at offset {offset} near {}", lossy(near))
            }
            Self::GeoPlace => "Invalid GeoFilter lat/lon".to_owned(),
            Self::GeoRadius => "Invalid GeoFilter radius".to_owned(),
            Self::GeoUnit => "Invalid GeoFilter unit".to_owned(),
            Self::Missing(field) => format!(
                "'ismissing' requires defining field '{}' with 'INDEXMISSING'",
                lossy(field)
            ),
            Self::NegativeRadius(radius) => format!(
                "Error parsing vector similarity query: negative radius ({}) given in a range query",
                general(*radius, 6)
            ),
            Self::NoParameter(name) => format!("No such parameter `{}`", lossy(name)),
            Self::NotOfKind(field, kind) => {
                format!("Field '{}' is not a {kind} field", lossy(field))
            }
            Self::NumericParameter(value, name) => {
                format!("Invalid numeric value ({}) for parameter `{}`", lossy(value), lossy(name))
            }
            Self::Syntax(offset, near) => {
                format!("Syntax error at offset {offset} near {}", lossy(near))
            }
            Self::Text => "Full-text search is not supported yet".to_owned(),
            Self::TooDeep => {
                "Parser stack overflow. Try moving nested parentheses more to the left".to_owned()
            }
            Self::TooLong(max) => format!("Query string is longer than {max} bytes"),
            Self::UnknownField(field) => format!("Unknown Field '{}'", lossy(field)),
            Self::UnknownProperty(name) => {
                format!("Property `{}` not loaded nor in schema", lossy(name))
            }
            Self::Vector(fault) => {
                format!("Error parsing vector similarity parameters: {}", fault.text())
            }
        }
    }
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{} {}", self.code().word(), self.text()))
    }
}
