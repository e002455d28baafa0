//! TOPK.*

mod add;
mod create;
mod error;
mod read;

pub use add::{Add, IncrBy};
pub use create::Reserve;
pub use error::Error;
pub use read::{Count, Info, List, Query};

use keyspan_bloom_core::top_k::TopK;
use keyspan_common::{
    args::{Arg, Args, Malformed},
    command::{Access, Arity, Row},
    host::Host,
};

/// A row with what the commands of this family have in common.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row { since: "2.0.0", ..super::row(name, "topk", arity, access) }
}

/// The next word of the command `name`.
fn word<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Arg<'a>, Error> {
    args.take().map_err(|Malformed| Error::Arity(name))
}

/// The value at `key`, which must be there.
fn existing<'a, H: Host<TopK>>(host: &'a mut H, key: Arg<'_>) -> Result<&'a TopK, Error> {
    host.read(key)?.ok_or(Error::Missing)
}
