//! CMS.*

mod create;
mod error;
mod merge;
mod sketch;

pub use create::{InitByDim, InitByProb};
pub use error::Error;
pub use merge::Merge;
pub use sketch::{IncrBy, Info, Query};

use keyspan_bloom_core::count_min::CountMin;
use keyspan_common::{
    args::{Arg, Args, Malformed},
    command::{Access, Arity, Row},
    host::Host,
};

/// A row with what the commands of this family have in common.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row { since: "2.0.0", ..super::row(name, "cms", arity, access) }
}

/// The next word of the command `name`.
fn word<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Arg<'a>, Error> {
    args.take().map_err(|Malformed| Error::Arity(name))
}

/// The sketch at `key`, which must be there.
fn existing<'a, H: Host<CountMin>>(host: &'a mut H, key: Arg<'_>) -> Result<&'a CountMin, Error> {
    host.read(key)?.ok_or(Error::Missing)
}

/// The sketch at `key`, which must be there, for changing.
fn existing_mut<'a, H: Host<CountMin>>(
    host: &'a mut H,
    key: Arg<'_>,
) -> Result<&'a mut CountMin, Error> {
    host.write(key)?.ok_or(Error::Missing)
}

/// A change of `key` by this command, which replicas repeat.
fn announce<H: Host<CountMin>>(host: &mut H, key: Arg<'_>, event: &'static str) {
    host.changed(key, event);
    host.replicate();
}
