//! TDIGEST.CREATE, TDIGEST.ADD, TDIGEST.RESET.

use keyspan_bloom_core::t_digest::{Compression, TDigest};
use keyspan_common::{
    args::Args,
    command::{Access, Arity, Command, Row},
    host::Host,
    number::parse_f64,
    reply::Reply,
};

use super::{COMPRESSION, Error, KEY, VALUE, announce, compression, existing, existing_mut, row};

/// `TDIGEST.CREATE key [COMPRESSION compression]`
#[derive(Debug)]
pub struct Create;

impl Command for Create {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates an empty t-digest",
        complexity: "O(1)",
        fast: true,
        arguments: &[KEY, COMPRESSION],
        ..row("tdigest.create", Arity::AtLeast(2), Access::Grow)
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        if !matches!(args.len(), 1 | 3) {
            return Err(Error::Arity(Self::ROW.name));
        }
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        if host.read(key)?.is_some() {
            return Err(Error::Exists);
        }
        let digest = TDigest::new(optional_compression(args)?);
        host.insert(key, digest);
        announce(host, key, "tdigest.create");
        reply.ok();
        Ok(())
    }
}

/// Two words or none.
fn optional_compression(mut args: Args<'_>) -> Result<Compression, Error> {
    if args.is_empty() {
        return Ok(Compression::DEFAULT);
    }
    if !args.take_keyword("COMPRESSION") {
        return Err(Error::Keyword);
    }
    compression(args.take().map_err(Error::arity(Create::ROW.name))?)
}

/// `TDIGEST.ADD key value [value ...]`
#[derive(Debug)]
pub struct Add;

impl Command for Add {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Adds observations to a t-digest",
        complexity: "O(N log C) where N is the number of values and C the compression, spread over many calls",
        arguments: &[KEY, VALUE.multiple()],
        ..row("tdigest.add", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let digest = existing_mut(host, key)?;
        // One value, the most common case, needs no list.
        match (args.peek(), args.len()) {
            (Some(word), 1) => digest.add(&[finite(word.bytes)?])?,
            _ => digest.add(&all_finite(args)?)?,
        }
        announce(host, key, "tdigest.add");
        reply.ok();
        Ok(())
    }
}

fn all_finite(args: Args<'_>) -> Result<Vec<f64>, Error> {
    args.into_iter().map(|word| finite(word.bytes)).collect()
}

fn finite(word: &[u8]) -> Result<f64, Error> {
    let value = parse_f64(word).ok_or(Error::ValueUnread)?;
    if value.is_finite() { Ok(value) } else { Err(Error::ValueInfinite) }
}

/// `TDIGEST.RESET key`
#[derive(Debug)]
pub struct Reset;

impl Command for Reset {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Takes every observation out of a t-digest",
        complexity: "O(1)",
        arguments: &[KEY],
        ..row("tdigest.reset", Arity::Exactly(2), Access::Grow)
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        if existing(host, key)?.weight() > 0 {
            existing_mut(host, key)?.reset();
            announce(host, key, "tdigest.reset");
        }
        reply.ok();
        Ok(())
    }
}
