//! TDIGEST.MERGE.

use keyspan_bloom_core::t_digest::{Compression, TDigest};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    number::parse_i64,
    reply::Reply,
};

use super::{COMPRESSION, Error, announce, compression, existing, row};

/// `TDIGEST.MERGE destination numkeys source [source ...] [COMPRESSION compression] [OVERRIDE]`
///
/// The destination may be a source too: then it counts twice, without OVERRIDE.
#[derive(Debug)]
pub struct Merge;

/// What the words say.
struct Request<'a> {
    destination: Arg<'a>,
    sources: Vec<Arg<'a>>,
    compression: Option<Compression>,
    replaces: bool,
}

impl Command for Merge {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Merges t-digests into one, which is created if it is not there",
        complexity: "O(N C log C) where N is the number of sources and C the greatest compression",
        keys: Keys::FirstAndCounted { count: 2 },
        arguments: &[
            Argument::new("destination-key", ArgumentKind::Key),
            Argument::new("numkeys", ArgumentKind::Integer),
            Argument::new("source-key", ArgumentKind::Key).multiple(),
            COMPRESSION,
            Argument::new("override", ArgumentKind::PureToken).token("OVERRIDE").optional(),
        ],
        ..row("tdigest.merge", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let request = Request::parse(args)?;
        let merged = request.merged(host)?;
        if store(host, request.destination, merged)? {
            announce(host, request.destination, "tdigest.merge");
        }
        reply.ok();
        Ok(())
    }
}

/// Puts a digest in its place, where a time to live stays; whether that changed anything.
fn store<H: Host<TDigest>>(host: &mut H, key: Arg<'_>, merged: TDigest) -> Result<bool, Error> {
    match host.write(key)? {
        Some(stored) if *stored == merged => return Ok(false),
        Some(stored) => *stored = merged,
        None => host.insert(key, merged),
    }
    Ok(true)
}

impl<'a> Request<'a> {
    fn parse(mut args: Args<'a>) -> Result<Self, Error> {
        let take = |args: &mut Args<'a>| args.take().map_err(Error::arity(Merge::ROW.name));
        let destination = take(&mut args)?;
        let numkeys = parse_i64(take(&mut args)?.bytes).ok_or(Error::NumkeysUnread)?;
        if numkeys < 1 {
            return Err(Error::NumkeysNotPositive);
        }
        let numkeys = usize::try_from(numkeys).ok().filter(|&numkeys| numkeys <= args.len());
        let numkeys = numkeys.ok_or(Error::Arity(Merge::ROW.name))?;
        let sources = (0..numkeys).map(|_| take(&mut args)).collect::<Result<_, _>>()?;
        let mut request = Self { destination, sources, compression: None, replaces: false };
        while !args.is_empty() {
            if args.take_keyword("COMPRESSION") {
                request.compression = Some(compression(take(&mut args)?)?);
            } else if args.take_keyword("OVERRIDE") {
                request.replaces = true;
            } else {
                return Err(Error::Keyword);
            }
        }
        Ok(request)
    }

    /// The keys whose digests go in, the destination first if it keeps what it has.
    fn parts<H: Host<TDigest>>(&self, host: &mut H) -> Result<Vec<Arg<'a>>, Error> {
        let keeps = host.read(self.destination)?.is_some() && !self.replaces;
        let destination = keeps.then_some(self.destination);
        Ok(destination.into_iter().chain(self.sources.iter().copied()).collect())
    }

    fn merged<H: Host<TDigest>>(&self, host: &mut H) -> Result<TDigest, Error> {
        let parts = self.parts(host)?;
        let mut finest = None;
        for &key in &parts {
            finest = finest.max(Some(existing(host, key)?.compression()));
        }
        let compression = self.compression.or(finest).unwrap_or(Compression::DEFAULT);
        let mut merged = TDigest::new(compression);
        for &key in &parts {
            merged.merge(existing(host, key)?)?;
        }
        Ok(merged)
    }
}
