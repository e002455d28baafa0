//! What goes wrong in TOPK.*, and its text on the wire: RedisBloom 8.8's.

use std::borrow::Cow;

use keyspan_bloom_core::top_k::NoGrid;
use keyspan_common::{host::WrongType, wire::Wire};

/// Why a command, or one slot of its reply, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Words are missing or left over, in the command of this name.
    Arity(&'static str),
    /// A decay that is no number above 0 and up to 1.
    Decay,
    /// A depth that is no positive integer of 32 bits.
    Depth,
    /// There is something at the key.
    Exists,
    /// An increment that is no integer from 0 to 100000.
    Increment,
    /// A number of items that is no positive integer of 32 bits.
    K,
    /// More cells than there can be, or than the allocator has room for.
    Memory,
    /// There is nothing at the key.
    Missing,
    /// A width that is no positive integer of 32 bits.
    Width,
    /// Another word than WITHCOUNT.
    WithCount,
    /// The key holds something else.
    WrongType,
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Arity(name) => {
                return format!("ERR wrong number of arguments for '{name}' command").into();
            }
            Self::Decay => "TopK: invalid decay value. must be '<= 1' & '> 0'",
            Self::Depth => "TopK: invalid depth",
            Self::Exists => "TopK: key already exists",
            // The blanks are those of a line continued in the reference's source.
            Self::Increment => concat!(
                "TopK: increment must be an integer greater or equal to 0",
                "                            and smaller or equal to 100,000"
            ),
            Self::K => "TopK: invalid k",
            Self::Memory => "ERR Insufficient memory to create topk data structure",
            Self::Missing => "TopK: key does not exist",
            Self::Width => "TopK: invalid width",
            Self::WithCount => "WITHCOUNT keyword expected",
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        })
    }
}

impl From<WrongType> for Error {
    fn from(WrongType: WrongType) -> Self {
        Self::WrongType
    }
}

impl From<NoGrid> for Error {
    fn from(error: NoGrid) -> Self {
        match error {
            NoGrid::Dimensions | NoGrid::Memory => Self::Memory,
        }
    }
}
