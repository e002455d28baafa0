//! BF.*: Bloom filters of both families, as RedisBloom 8.8 answers.

mod add;
mod error;
mod read;
mod shape;
mod transfer;

use keyspan_bloom_core::bloom::Filter;
use keyspan_common::{
    args::Arg,
    command::{Access, Arity, Row},
    host::Host,
};

pub use add::{Add, Insert, MAdd, Reserve};
pub use error::Error;
pub use read::{Card, Debug, Exists, Info, MExists};
pub use transfer::{Load, LoadChunk, ScanDump};

use super::{ITEM, KEY};

/// A row of this family.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    super::row(name, "bloom", arity, access)
}

/// The filter at `key` for reading.
fn existing<'h, H: Host<Filter>>(host: &'h mut H, key: Arg<'_>) -> Result<&'h Filter, Error> {
    host.read(key)?.ok_or(Error::Missing)
}
