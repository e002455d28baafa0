//! What goes wrong in TDIGEST.*, and its text on the wire.

use std::borrow::Cow;

use keyspan_bloom_core::t_digest::Overflow;
use keyspan_common::{args::Malformed, host::WrongType, wire::Wire};

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No digest of this compression can be allocated.
    Allocation,
    /// Words are missing or left over, in the command of this name.
    Arity(&'static str),
    /// A value that is no number, in CDF.
    CdfUnread,
    /// COMPRESSION of 0 or less.
    CompressionNotPositive,
    /// COMPRESSION that is no integer.
    CompressionUnread,
    /// The upper cut is not above the lower.
    CutOrder,
    /// A cut outside of 0 to 1.
    CutRange,
    /// There is a digest at the key.
    Exists,
    /// The upper cut is no number.
    HighCutUnread,
    /// Another word than the one that may stand here.
    Keyword,
    /// The lower cut is no number.
    LowCutUnread,
    /// There is nothing at the key.
    Missing,
    /// A number of keys of 0 or less.
    NumkeysNotPositive,
    /// A number of keys that is no integer.
    NumkeysUnread,
    /// More observations than are counted.
    Overflow,
    /// A quantile outside of 0 to 1.
    QuantileRange,
    /// A quantile that is no number.
    QuantileUnread,
    /// A rank below 0.
    RankNegative,
    /// A rank that is no integer.
    RankUnread,
    /// An infinite observation.
    ValueInfinite,
    /// An observation that is no number.
    ValueUnread,
    /// A value that is no number, in RANK.
    RankedUnread,
    /// The key holds something else.
    WrongType,
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Allocation => "ERR T-Digest: allocation failed",
            Self::Arity(name) => {
                return Cow::Owned(format!("ERR wrong number of arguments for '{name}' command"));
            }
            Self::CdfUnread => "ERR T-Digest: error parsing cdf",
            Self::CompressionNotPositive => {
                "ERR T-Digest: compression parameter needs to be a positive integer"
            }
            Self::CompressionUnread => "ERR T-Digest: error parsing compression parameter",
            Self::CutOrder => {
                "ERR T-Digest: low_cut_percentile should be lower than high_cut_percentile"
            }
            Self::CutRange => {
                "ERR T-Digest: low_cut_percentile and high_cut_percentile should be in [0,1]"
            }
            Self::Exists => "ERR T-Digest: key already exists",
            Self::HighCutUnread => "ERR T-Digest: error parsing high_cut_percentile",
            Self::Keyword => "ERR T-Digest: wrong keyword",
            Self::LowCutUnread => "ERR T-Digest: error parsing low_cut_percentile",
            Self::Missing => "ERR T-Digest: key does not exist",
            Self::NumkeysNotPositive => "ERR T-Digest: numkeys needs to be a positive integer",
            Self::NumkeysUnread => "ERR T-Digest: error parsing numkeys",
            Self::Overflow => "ERR T-Digest: overflow detected",
            Self::QuantileRange => "ERR T-Digest: quantile should be in [0,1]",
            Self::QuantileUnread => "ERR T-Digest: error parsing quantile",
            Self::RankNegative => "ERR T-Digest: rank needs to be non negative",
            Self::RankUnread => "ERR T-Digest: error parsing rank",
            Self::RankedUnread => "ERR T-Digest: error parsing value",
            Self::ValueInfinite => "ERR T-Digest: val parameter needs to be a finite number",
            Self::ValueUnread => "ERR T-Digest: error parsing val parameter",
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        })
    }
}

impl From<WrongType> for Error {
    fn from(_: WrongType) -> Self {
        Self::WrongType
    }
}

impl From<Overflow> for Error {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

impl Error {
    /// Words are missing or left over in the command `name`.
    pub(super) fn arity(name: &'static str) -> impl Fn(Malformed) -> Self {
        move |_| Self::Arity(name)
    }
}
