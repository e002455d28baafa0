//! CF.*: Cuckoo filters, as RedisBloom 8.8 answers.

mod create;
mod error;
mod insert;
mod read;
mod remove;
mod transfer;

use keyspan_bloom_core::cuckoo::Cuckoo;
use keyspan_common::{
    args::Arg,
    command::{Access, Arity, Row},
    host::Host,
};

pub use create::Reserve;
pub use error::{Error, Parameter};
pub use insert::{Add, AddNx, Insert, InsertNx};
pub use read::{Count, Debug, Exists, Info, MExists};
pub use remove::{Compact, Del};
pub use transfer::{LoadChunk, ScanDump};

use super::{ITEM, KEY};

/// A row of this family.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    super::row(name, "cuckoo", arity, access)
}

/// The filter at `key` for reading.
fn existing<'h, H: Host<Cuckoo>>(host: &'h mut H, key: Arg<'_>) -> Result<&'h Cuckoo, Error> {
    host.read(key)?.ok_or(Error::Missing)
}
