//! Bloom filters of both families: RedisBloom's and valkey-bloom's, which no command tells apart.
//!
//! ```text
//! Filter -> redis::Chain  -> links -> Bitmap -> Divisor
//!        -> valkey::Chain -> links ->
//! ```
//! Both are chains of links of fixed size, of which only the newest takes items. They differ in
//! hashes, sizes, growth and formats; what a probe is, they share.
//!
//! An item is hashed once for all links. Many items are looked up in groups, whose memory is asked
//! for before the first is tested.

mod bitmap;
mod data_type;
mod divisor;
pub mod redis;
pub mod valkey;

use keyspan_common::{
    rdb::{Encoding, Error, Read, Value, Write},
    settings::{Kind, Setting},
};

use keyspan_common::totals::Totals;

/// Sums over all Bloom filters.
pub static TOTALS: Totals = Totals::new();

/// Whether active defragmentation moves Bloom filters. Here and not with the other settings, because
/// the value itself is asked to move.
pub static DEFRAG_ENABLED: Setting = Setting::new(
    "bloom-defrag-enabled",
    "Whether active defragmentation moves Bloom filters",
    Kind::Bool,
    1,
);

/// Items whose memory is asked for together: as many lines as a core can wait for, and some.
const GROUP: usize = 16;

/// Bitmaps from this size on are not in the cache as a rule.
const PREFETCH_LEN_MIN: usize = 256 << 10;

/// Why a filter cannot be made, or takes no further item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not grow.
    Full,
    /// It would be larger than the limit it was given.
    Limit,
    /// There is no memory for it, see [`crate::zeroed`].
    Memory,
    /// The error of the next link would be 0.
    Rate,
    /// There is no such filter.
    Size,
}

/// A Bloom filter of one family or the other.
#[derive(Clone, Debug)]
pub enum Filter {
    /// RedisBloom's.
    Redis(redis::Chain),
    /// valkey-bloom's.
    Valkey(valkey::Chain),
}

/// The same call on either chain.
macro_rules! either {
    ($filter:expr, $chain:ident => $call:expr) => {
        match $filter {
            Filter::Redis($chain) => $call,
            Filter::Valkey($chain) => $call,
        }
    };
}
use either;

impl Filter {
    /// Links in the chain.
    pub fn links(&self) -> u64 {
        either!(self, chain => chain.links())
    }

    /// Items that were new when added.
    pub fn items(&self) -> u64 {
        either!(self, chain => chain.items())
    }

    /// Items that fit the links there are.
    pub fn capacity(&self) -> u64 {
        either!(self, chain => chain.capacity())
    }

    /// How many times larger the next link is; `None` if there is no next.
    pub fn expansion(&self) -> Option<u32> {
        either!(self, chain => chain.expansion())
    }

    /// The `Size` of BF.INFO: what the filter takes in the module of its family.
    pub fn size_bytes(&self) -> u64 {
        either!(self, chain => chain.size_bytes())
    }

    /// The lines of BF.DEBUG for the links, oldest first, but for the error at the end of each,
    /// which the reference prints as C's `%g`.
    pub fn debug_lines(&self) -> Vec<(String, f64)> {
        either!(self, chain => chain.debug_lines().collect())
    }

    /// Whether an item may have been added; O(probes) for each link.
    pub fn contains(&self, item: &[u8]) -> bool {
        either!(self, chain => chain.contains(item))
    }

    /// [`Self::contains`] for each item in turn, faster.
    pub fn contains_many<I: AsRef<[u8]>>(&self, items: &[I], found: impl FnMut(bool)) {
        either!(self, chain => chain.contains_many(items, found));
    }

    /// Adds an item; whether it was new. O(probes) for each link. `bytes_max` bounds the size of a
    /// filter of valkey-bloom's family; the other has no limit.
    ///
    /// # Errors
    /// [`Refusal`], and nothing was changed.
    pub fn insert(&mut self, item: &[u8], bytes_max: u64) -> Result<bool, Refusal> {
        match self {
            Self::Redis(chain) => chain.insert(item),
            Self::Valkey(chain) => chain.insert(item, bytes_max),
        }
    }

    /// [`Self::insert`] for each item in turn, faster, to the first that is refused, which `added`
    /// sees as well.
    pub fn insert_many<I: AsRef<[u8]>>(
        &mut self,
        items: &[I],
        bytes_max: u64,
        added: impl FnMut(Result<bool, Refusal>),
    ) {
        match self {
            Self::Redis(chain) => chain.insert_many(items, added),
            Self::Valkey(chain) => chain.insert_many(items, bytes_max, added),
        }
    }
}

impl Value for Filter {
    const TYPE_NAMES: &'static [&'static str] = &["MBbloom--", "bloomfltr"];

    fn type_index(&self) -> usize {
        match self {
            Self::Redis(_) => 0,
            Self::Valkey(_) => 1,
        }
    }

    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
        match encoding.type_index {
            0 => redis::Chain::load(reader, encoding.version).map(Self::Redis),
            1 => valkey::Chain::load(reader, encoding.version).map(Self::Valkey),
            _ => Err(Error::Version),
        }
    }

    /// Each family has one encoding it is written in: 4 and 1.
    fn save<W: Write>(&self, writer: &mut W, _version: u32) {
        either!(self, chain => chain.save(writer));
    }
}
