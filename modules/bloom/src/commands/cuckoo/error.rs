//! Every error of CF.*, with its exact text.
//!
//! The texts are RedisBloom 8.8's as observed on Redis 8.6, quirks included: most have no code word.
//! Those for want of memory, and those of a header and a chunk that do not fit, were never observed.

use std::borrow::Cow;

use keyspan_bloom_core::cuckoo::{BadChunk, Refused};
use keyspan_common::{args::Malformed, host::WrongType, wire::Wire};

/// An option of CF.RESERVE that has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `BUCKETSIZE`.
    BucketSize,
    /// `EXPANSION`.
    Expansion,
    /// `MAXITERATIONS`.
    MaxIterations,
}

/// What can go wrong in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Wrong number of words for the command of this name.
    Arity(&'static str),
    /// A capacity that is no integer.
    Capacity,
    /// A capacity of CF.RESERVE that is out of range.
    CapacityRange,
    /// A chunk that does not lie within one sub-filter.
    Chunk,
    /// CF.RESERVE has no memory for the filter.
    Create,
    /// An insertion has no memory for a new filter.
    CreateByInsertion,
    /// A header whose numbers do not agree, or ask for more memory than there is.
    CreateFromHeader,
    /// The key exists.
    Exists,
    /// The filter is full and may not grow.
    Full,
    /// The filter has no memory to grow.
    Growth,
    /// A header of the wrong length.
    Header,
    /// A capacity of an insertion that is out of range.
    InsertCapacityRange,
    /// There is no such key.
    Missing,
    /// There is no filter to delete from.
    MissingForDelete,
    /// There is no filter to compact.
    MissingForCompact,
    /// An option that is no integer.
    Parameter(Parameter),
    /// An option that is out of range.
    ParameterRange(Parameter),
    /// A position that is no integer, or none a filter has.
    Position,
    /// The filter has `cf-max-expansions` sub-filters.
    TooManyFilters,
    /// An option that does not exist.
    UnknownArgument,
    /// The key holds a value of another type.
    WrongType,
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Arity(name) => {
                return format!("ERR wrong number of arguments for '{name}' command").into();
            }
            Self::Capacity => "Bad capacity",
            Self::CapacityRange => "Capacity must be in the range [2 * BUCKETSIZE, 1073741824]",
            Self::Chunk => "Couldn't load chunk!",
            Self::Create => "Couldn't create Cuckoo Filter",
            Self::CreateByInsertion => "Could not create filter",
            Self::CreateFromHeader => "Couldn't create filter!",
            Self::Exists => "ERR item exists",
            Self::Full => "Filter is full",
            Self::Growth => "Memory allocation failure",
            Self::Header => "Invalid header",
            Self::InsertCapacityRange => {
                "Capacity must be in the range [cf-bucket-size * 2, 1073741824]"
            }
            Self::Missing => "ERR not found",
            Self::MissingForCompact => "Cuckoo filter was not found",
            Self::MissingForDelete => "Not found",
            Self::Parameter(Parameter::BucketSize) => "Couldn't parse BUCKETSIZE",
            Self::Parameter(Parameter::Expansion) => "Couldn't parse EXPANSION",
            Self::Parameter(Parameter::MaxIterations) => "Couldn't parse MAXITERATIONS",
            Self::ParameterRange(Parameter::BucketSize) => {
                "BUCKETSIZE: value must be in the range [1, 255]"
            }
            Self::ParameterRange(Parameter::Expansion) => {
                "EXPANSION: value must be in the range [0, 32768]"
            }
            Self::ParameterRange(Parameter::MaxIterations) => {
                "MAXITERATIONS: value must be in the range [1, 65535]"
            }
            Self::Position => "Invalid position",
            Self::TooManyFilters => "Maximum expansions reached",
            Self::UnknownArgument => "Unknown argument received",
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        })
    }
}

impl Error {
    /// A word is missing, or one too many, in the command of this name.
    pub(super) fn arity(name: &'static str) -> impl Fn(Malformed) -> Self {
        move |Malformed| Self::Arity(name)
    }
}

impl From<BadChunk> for Error {
    fn from(BadChunk: BadChunk) -> Self {
        Self::Chunk
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::Full,
            Refused::NoMemory => Self::Growth,
        }
    }
}

impl From<WrongType> for Error {
    fn from(WrongType: WrongType) -> Self {
        Self::WrongType
    }
}
