//! What goes wrong in CMS.*, and its text on the wire: RedisBloom 8.8's.

use std::borrow::Cow;

use keyspan_bloom_core::count_min::{NoGrid, NoMerge};
use keyspan_common::{host::WrongType, wire::Wire};

/// Why a command, or one slot of its reply, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Words are missing or left over, in the command of this name.
    Arity(&'static str),
    /// A depth that is no positive integer.
    Depth,
    /// More counters than there can be.
    Dimensions,
    /// There is something at the key.
    Exists,
    /// A counter is as large as it gets.
    IncrementOverflow,
    /// An increment that is no integer.
    IncrementUnread,
    /// An increment below 0.
    IncrementNegative,
    /// As many keys as the number says are not there.
    Keys,
    /// The keys and the weights are not as many as the number of keys says.
    KeysAndWeights,
    /// The allocator has no room.
    Memory,
    /// A sum is negative or more than a counter holds.
    MergeOverflow,
    /// There is nothing at the key.
    Missing,
    /// A number of keys of 0 or less.
    NumkeysNotPositive,
    /// A number of keys that is no integer.
    NumkeysUnread,
    /// An error rate that is no number above 0 and below 1.
    Overestimation,
    /// A probability that is no number above 0 and below 1.
    Probability,
    /// Sketches of other dimensions than the destination's.
    Unequal,
    /// A weight that is no integer.
    Weight,
    /// A width that is no positive integer.
    Width,
    /// The key holds something else.
    WrongType,
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Arity(name) => {
                return format!("ERR wrong number of arguments for '{name}' command").into();
            }
            Self::Depth => "CMS: invalid depth",
            Self::Dimensions => "CMS: invalid init arguments",
            Self::Exists => "CMS: key already exists",
            Self::IncrementOverflow => "CMS: INCRBY overflow",
            Self::IncrementUnread => "CMS: Cannot parse number",
            Self::IncrementNegative => "CMS: Number cannot be negative",
            Self::Keys => "CMS: wrong number of keys",
            Self::KeysAndWeights => "CMS: wrong number of keys/weights",
            Self::Memory => "CMS: Insufficient memory to create the key",
            Self::MergeOverflow => "CMS: MERGE overflow",
            Self::Missing => "CMS: key does not exist",
            Self::NumkeysNotPositive => "CMS: Number of keys must be positive",
            Self::NumkeysUnread => "CMS: invalid numkeys",
            Self::Overestimation => "CMS: invalid overestimation value",
            Self::Probability => "CMS: invalid prob value",
            Self::Unequal => "CMS: width/depth is not equal",
            Self::Weight => "CMS: invalid weight value",
            Self::Width => "CMS: invalid width",
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
            NoGrid::Dimensions => Self::Dimensions,
            NoGrid::Memory => Self::Memory,
        }
    }
}

impl From<NoMerge> for Error {
    fn from(error: NoMerge) -> Self {
        match error {
            NoMerge::Dimensions => Self::Unequal,
            NoMerge::Memory => Self::Memory,
            NoMerge::Overflow => Self::MergeOverflow,
        }
    }
}
