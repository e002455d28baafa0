//! Every error of BF.*, with its exact text.
//!
//! The texts are RedisBloom 8.8's as observed on Redis 8.6, quirks included: some have no code word.
//! Those of options that only valkey-bloom has are its own. Those for want of memory, and of chunks
//! that are too long, were never observed.

use std::borrow::Cow;

use keyspan_bloom_core::bloom::{Refusal, redis::BadChunk};
use keyspan_common::{args::Malformed, host::WrongType, wire::Wire};

/// What can go wrong in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Wrong number of words for the command of this name.
    Arity(&'static str),
    /// A text of BF.LOAD that is no filter.
    Blob,
    /// BF.LOAD of a key that exists.
    Busy,
    /// EXPANSION of a filter that does not scale.
    CannotExpand,
    /// A capacity that is no integer.
    Capacity,
    /// A capacity that is out of range.
    CapacityRange,
    /// A chunk that does not lie within one link.
    Chunk(BadChunk),
    /// There is no such filter.
    Create,
    /// There is no memory for a new filter.
    CreateMemory,
    /// The cursor of BF.SCANDUMP is no integer.
    DumpCursor,
    /// An error rate that is no number.
    ErrorRate,
    /// An error rate that is out of range.
    ErrorRateRange,
    /// The key exists.
    Exists,
    /// An expansion that is no integer.
    Expansion,
    /// An expansion that is out of range.
    ExpansionRange,
    /// A header that is none, or whose numbers do not agree.
    Header,
    /// BF.INFO knows no such word.
    InfoValue,
    /// A capacity of BF.INSERT that is none.
    InsertCapacity,
    /// An error rate of BF.INSERT that is none.
    InsertErrorRate,
    /// An expansion of BF.INSERT that is none.
    InsertExpansion,
    /// The cursor of BF.LOADCHUNK is no integer.
    LoadCursor,
    /// There is no such key.
    Missing,
    /// EXPANSION without a number.
    NoExpansion,
    /// The command is of the other family.
    OtherFamily,
    /// An item that was not added.
    Refused(Refusal),
    /// A seed that has not 32 bytes.
    Seed,
    /// A tightening ratio that is no number.
    Tightening,
    /// A tightening ratio that is out of range.
    TighteningRange,
    /// An option that does not exist.
    UnknownArgument,
    /// VALIDATESCALETO that is no capacity.
    ValidateCapacity,
    /// VALIDATESCALETO is beyond the memory a filter may take.
    ValidateLimit,
    /// VALIDATESCALETO of a filter that does not scale.
    ValidateNonScaling,
    /// VALIDATESCALETO needs an error rate that no number says.
    ValidateRate,
    /// The key holds a value of another type.
    WrongType,
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Arity(name) => {
                return format!("ERR wrong number of arguments for '{name}' command").into();
            }
            Self::Blob => "ERR bloom object decoding failed",
            Self::Busy => "BUSYKEY Target key name already exists.",
            Self::CannotExpand => "Nonscaling filters cannot expand",
            Self::Capacity | Self::ValidateCapacity => "ERR bad capacity",
            Self::CapacityRange => "ERR capacity must be in the range [1, 1073741824]",
            Self::Chunk(BadChunk::Length) => "ERR invalid chunk - Too big for current filter",
            Self::Chunk(BadChunk::Offset) => "ERR invalid offset - no link found",
            Self::Create => "ERR could not create filter",
            Self::CreateMemory => "ERR Insufficient memory to create filter",
            Self::DumpCursor => "Second argument must be numeric",
            Self::ErrorRate => "ERR bad error rate",
            Self::ErrorRateRange => "ERR error rate must be in the range (0.000000, 1.000000)",
            Self::Exists => "ERR item exists",
            Self::Expansion => "ERR bad expansion",
            Self::ExpansionRange => "ERR expansion must be in the range [0, 32768]",
            Self::Header => "ERR received bad data",
            Self::InfoValue => "Invalid information value",
            Self::InsertCapacity => "Bad capacity",
            Self::InsertErrorRate => "Bad error rate",
            Self::InsertExpansion => "Bad expansion",
            Self::LoadCursor => "ERR Second argument must be numeric",
            Self::Missing => "ERR not found",
            Self::NoExpansion => "ERR no expansion",
            Self::OtherFamily => "ERR not supported for filters of valkey-bloom, see BF.LOAD",
            Self::Refused(Refusal::Full) => "ERR non scaling filter is full",
            Self::Refused(Refusal::Limit) => "ERR operation exceeds bloom object memory limit",
            Self::Refused(Refusal::Rate) => "ERR max number of scaling filters reached",
            Self::Refused(Refusal::Memory | Refusal::Size) => "ERR problem inserting into filter",
            Self::Seed => "ERR invalid seed",
            Self::Tightening => "ERR bad tightening ratio",
            Self::TighteningRange => "ERR (0 < tightening ratio range < 1)",
            Self::UnknownArgument => "Unknown argument received",
            Self::ValidateLimit => {
                "ERR provided VALIDATESCALETO causes bloom object to exceed memory limit"
            }
            Self::ValidateNonScaling => {
                "ERR cannot use NONSCALING and VALIDATESCALETO options together"
            }
            Self::ValidateRate => {
                "ERR provided VALIDATESCALETO causes false positive to degrade to 0"
            }
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        })
    }
}

impl Error {
    /// A word is missing in the command of this name.
    pub(super) fn arity(name: &'static str) -> impl Fn(Malformed) -> Self {
        move |Malformed| Self::Arity(name)
    }

    /// Why a new filter is not made.
    pub(super) const fn creation(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full | Refusal::Rate | Refusal::Size => Self::Create,
            Refusal::Memory => Self::CreateMemory,
            Refusal::Limit => Self::Refused(refusal),
        }
    }

    /// Why a filter does not scale as far as VALIDATESCALETO says.
    pub(super) const fn validation(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Self::ValidateNonScaling,
            Refusal::Limit | Refusal::Memory | Refusal::Size => Self::ValidateLimit,
            Refusal::Rate => Self::ValidateRate,
        }
    }
}

impl From<BadChunk> for Error {
    fn from(chunk: BadChunk) -> Self {
        Self::Chunk(chunk)
    }
}

impl From<WrongType> for Error {
    fn from(WrongType: WrongType) -> Self {
        Self::WrongType
    }
}
