//! TDIGEST.*

mod error;
mod merge;
mod rank;
mod read;
#[cfg(test)]
mod tests;
mod write;

use keyspan_bloom_core::t_digest::{Compression, CompressionError, TDigest};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Row},
    host::Host,
    number::{parse_f64, parse_i64},
};

pub use error::Error;
pub use merge::Merge;
pub use rank::{ByRank, ByRevRank, Rank, RevRank};
pub use read::{Cdf, Info, Max, Min, Quantile, TrimmedMean};
pub use write::{Add, Create, Reset};

use super::KEY;

const COMPRESSION: Argument =
    Argument::new("compression", ArgumentKind::Integer).token("COMPRESSION").optional();
const VALUE: Argument = Argument::new("value", ArgumentKind::Double);

const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row { since: "2.4.0", ..super::row(name, "tdigest", arity, access) }
}

/// The row of a command that reads one key and takes about as long for any digest.
const fn read_row(name: &'static str, arity: Arity) -> Row {
    Row { fast: true, ..row(name, arity, Access::Read) }
}

/// The digest at `key`, which must be there.
fn existing<'a, H: Host<TDigest>>(host: &'a mut H, key: Arg<'_>) -> Result<&'a TDigest, Error> {
    host.read(key)?.ok_or(Error::Missing)
}

/// The digest at `key`, which must be there, for changing.
fn existing_mut<'a, H: Host<TDigest>>(
    host: &'a mut H,
    key: Arg<'_>,
) -> Result<&'a mut TDigest, Error> {
    host.write(key)?.ok_or(Error::Missing)
}

/// A change of `key` by this command, which replicas repeat.
fn announce<H: Host<TDigest>>(host: &mut H, key: Arg<'_>, event: &'static str) {
    host.changed(key, event);
    host.replicate();
}

/// The words left as doubles, or `error`.
fn doubles(args: Args<'_>, error: Error) -> Result<Vec<f64>, Error> {
    args.into_iter().map(|word| parse_f64(word.bytes).ok_or(error)).collect()
}

/// The word behind COMPRESSION.
fn compression(word: Arg<'_>) -> Result<Compression, Error> {
    let number = parse_i64(word.bytes).ok_or(Error::CompressionUnread)?;
    let compression = Compression::new(number).map_err(|error| match error {
        CompressionError::NotPositive => Error::CompressionNotPositive,
        CompressionError::TooLarge => Error::Allocation,
    })?;
    if compression.fits_memory() { Ok(compression) } else { Err(Error::Allocation) }
}
