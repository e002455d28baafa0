//! Why a request is refused.

use std::borrow::Cow;

use keyspan_common::wire::Wire;

use crate::code::{Code, Coded, lossy};
use crate::words::Fault;

/// Why the arguments of FT.SEARCH are refused. The texts are those of RediSearch 2.10.32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// An argument of a known name.
    Bad(&'static str, Fault),
    /// A dialect that is none.
    Dialect,
    /// `DIALECT` is the last word.
    DialectMissing,
    /// `EXPLAINSCORE` alone.
    ExplainAlone,
    /// Less than three words behind `FILTER`.
    FilterCount,
    /// An end of a filter: which, and its text.
    FilterEnd(&'static str, Box<[u8]>),
    /// A format that is none.
    Format(Box<[u8]>),
    /// `FORMAT` is the last word.
    FormatMissing,
    /// Less than five words behind `GEOFILTER`.
    GeoCount,
    /// No such unit.
    GeoUnit(Box<[u8]>),
    /// `HIGHLIGHT` with bad arguments.
    Highlight,
    /// No such language.
    Language(Box<[u8]>),
    /// Less than two words behind `LIMIT`.
    LimitCount,
    /// What stands behind `LIMIT` is no number.
    LimitNumber,
    /// No results are wanted, but some passed over.
    LimitOffset,
    /// More results than are allowed.
    LimitOver(u64),
    /// No text.
    NoQuery,
    /// A greater offset than is allowed.
    OffsetOver(u64),
    /// A parameter stands twice.
    ParamDuplicate(Box<[u8]>),
    /// `PARAMS` with an odd number of words, or none.
    ParamsOdd,
    /// `PARAMS` stands twice.
    ParamsTwice,
    /// `AS` is the last word of `RETURN`.
    ReturnName,
    /// `AS AS`
    ReturnAs,
    /// No such scorer.
    Scorer(Box<[u8]>),
    /// `SORTBY` is the last word.
    Sort,
    /// `SORTBY` stands twice.
    SortTwice,
    /// `SUMMARIZE` with bad arguments.
    Summarize,
    /// A timeout that is none.
    Timeout,
    /// `TIMEOUT` is the last word.
    TimeoutMissing,
    /// A word that stands for nothing, and its place; the text of the query is at 0.
    Unknown(Box<[u8]>, usize),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::LimitOver(_) | Self::OffsetOver(_) => Code::LimitOver,
            Self::ParamDuplicate(_) | Self::ParamsOdd | Self::ParamsTwice => Code::AddArgs,
            Self::Language(_) | Self::Scorer(_) => Code::QueryBad,
            Self::Unknown(..) => Code::ArgUnrecognized,
            Self::Bad(..)
            | Self::Dialect
            | Self::DialectMissing
            | Self::ExplainAlone
            | Self::FilterCount
            | Self::FilterEnd(..)
            | Self::Format(_)
            | Self::FormatMissing
            | Self::GeoCount
            | Self::GeoUnit(_)
            | Self::Highlight
            | Self::LimitCount
            | Self::LimitNumber
            | Self::LimitOffset
            | Self::NoQuery
            | Self::ReturnName
            | Self::ReturnAs
            | Self::Sort
            | Self::SortTwice
            | Self::Summarize
            | Self::Timeout
            | Self::TimeoutMissing => Code::ParseArgs,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Bad(name, fault) => format!("Bad arguments for {name}: {}", fault.text()),
            Self::FilterEnd(end, text) => format!("Bad {end} range: {}", lossy(text)),
            Self::Format(name) => format!("FORMAT {} is not supported", lossy(name)),
            Self::GeoUnit(name) => format!("Unknown distance unit {}", lossy(name)),
            Self::Language(name) => format!("No such language {}", lossy(name)),
            Self::LimitOver(max) => format!("LIMIT exceeds maximum of {max}"),
            Self::OffsetOver(max) => format!("OFFSET exceeds maximum of {max}"),
            Self::ParamDuplicate(name) => format!("Duplicate parameter `{}`", lossy(name)),
            Self::Scorer(name) => format!("No such scorer {}", lossy(name)),
            Self::Unknown(word, position) => {
                format!("Unknown argument `{}` at position {position} for <main>", lossy(word))
            }
            Self::Dialect
            | Self::DialectMissing
            | Self::ExplainAlone
            | Self::FilterCount
            | Self::FormatMissing
            | Self::GeoCount
            | Self::Highlight
            | Self::LimitCount
            | Self::LimitNumber
            | Self::LimitOffset
            | Self::NoQuery
            | Self::ParamsOdd
            | Self::ParamsTwice
            | Self::ReturnName
            | Self::ReturnAs
            | Self::Sort
            | Self::SortTwice
            | Self::Summarize
            | Self::Timeout
            | Self::TimeoutMissing => self.fixed().to_owned(),
        }
    }
}

impl Error {
    /// The texts that name nothing.
    const fn fixed(&self) -> &'static str {
        match self {
            Self::Dialect => "DIALECT requires a non negative integer >=1 and <= 4",
            Self::DialectMissing => "Need an argument for DIALECT",
            Self::ExplainAlone => "EXPLAINSCORE must be accompanied with WITHSCORES",
            Self::FilterCount => "FILTER requires 3 arguments",
            Self::FormatMissing => "Need an argument for FORMAT",
            Self::GeoCount => "GEOFILTER requires 5 arguments",
            Self::Highlight => "Bad arguments for HIGHLIGHT",
            Self::LimitCount => "LIMIT requires two arguments",
            Self::LimitNumber => "LIMIT needs two numeric arguments",
            Self::LimitOffset => "The `offset` of the LIMIT must be 0 when `num` is 0",
            Self::NoQuery => "No query string provided",
            Self::ParamsOdd => "Parameters must be specified in PARAM VALUE pairs",
            Self::ParamsTwice => {
                "Multiple PARAMS are not allowed. Parameters can be defined only once"
            }
            Self::ReturnName => "RETURN path AS name - must be accompanied with NAME",
            Self::ReturnAs => "Alias for RETURN cannot be `AS`",
            Self::Sort => "Bad SORTBY arguments",
            Self::SortTwice => {
                "Multiple SORTBY steps are not allowed. Sort multiple fields in a single step"
            }
            Self::Summarize => "Bad arguments for SUMMARIZE",
            Self::Timeout => "TIMEOUT requires a non negative integer",
            Self::TimeoutMissing => "Need an argument for TIMEOUT",
            Self::Bad(..)
            | Self::FilterEnd(..)
            | Self::Format(_)
            | Self::GeoUnit(_)
            | Self::Language(_)
            | Self::LimitOver(_)
            | Self::OffsetOver(_)
            | Self::ParamDuplicate(_)
            | Self::Scorer(_)
            | Self::Unknown(..) => "",
        }
    }
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{} {}", self.code().word(), self.text()))
    }
}
