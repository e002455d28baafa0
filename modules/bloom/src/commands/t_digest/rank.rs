//! TDIGEST.RANK, TDIGEST.REVRANK, TDIGEST.BYRANK, TDIGEST.BYREVRANK.

use keyspan_bloom_core::t_digest::TDigest;
use keyspan_common::{
    args::{Arg, Args},
    command::{Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number::parse_i64,
    reply::Reply,
};

use super::{Error, KEY, VALUE, doubles, existing, read_row};

const RANK: Argument = Argument::new("rank", ArgumentKind::Integer);
const COMPLEXITY: &str = "O(C N) where C is the compression and N the number of arguments; O(C log C) more after a change";

/// Replies `rank` of every value.
fn ranks<H: Host<TDigest>, R: Reply>(
    host: &mut H,
    (key, args): (Arg<'_>, Args<'_>),
    reply: &mut R,
    rank: impl Fn(&TDigest, f64) -> i64,
) -> Result<(), Error> {
    let digest = existing(host, key)?;
    let values = doubles(args, Error::RankedUnread)?;
    reply.array(values.len());
    values.into_iter().for_each(|value| reply.integer(rank(digest, value)));
    Ok(())
}

/// Replies `value` of every rank.
fn values<H: Host<TDigest>, R: Reply>(
    host: &mut H,
    (key, args): (Arg<'_>, Args<'_>),
    reply: &mut R,
    value: impl Fn(&TDigest, i64) -> f64,
) -> Result<(), Error> {
    let digest = existing(host, key)?;
    let ranks =
        args.into_iter().map(|word| parse_rank(word.bytes)).collect::<Result<Vec<_>, _>>()?;
    reply.array(ranks.len());
    ranks.into_iter().for_each(|rank| reply.double(value(digest, rank)));
    Ok(())
}

fn parse_rank(word: &[u8]) -> Result<i64, Error> {
    let rank = parse_i64(word).ok_or(Error::RankUnread)?;
    if rank < 0 { Err(Error::RankNegative) } else { Ok(rank) }
}

/// `TDIGEST.RANK key value [value ...]`
#[derive(Debug)]
pub struct Rank;

impl Command for Rank {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "How many observations lie below given values, and half of those equal to them; -1 below the least, -2 if there are none",
        complexity: COMPLEXITY,
        arguments: &[KEY, VALUE.multiple()],
        ..read_row("tdigest.rank", Arity::AtLeast(3))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        ranks(host, (key, args), reply, TDigest::rank)
    }
}

/// `TDIGEST.REVRANK key value [value ...]`
#[derive(Debug)]
pub struct RevRank;

impl Command for RevRank {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "How many observations lie above given values, and half of those equal to them; -1 above the greatest, -2 if there are none",
        complexity: COMPLEXITY,
        arguments: &[KEY, VALUE.multiple()],
        ..read_row("tdigest.revrank", Arity::AtLeast(3))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        ranks(host, (key, args), reply, TDigest::reverse_rank)
    }
}

/// `TDIGEST.BYRANK key rank [rank ...]`
#[derive(Debug)]
pub struct ByRank;

impl Command for ByRank {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The values at given ranks, 0 the least; inf behind the greatest",
        complexity: COMPLEXITY,
        arguments: &[KEY, RANK.multiple()],
        ..read_row("tdigest.byrank", Arity::AtLeast(3))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        values(host, (key, args), reply, TDigest::value_of_rank)
    }
}

/// `TDIGEST.BYREVRANK key rank [rank ...]`
#[derive(Debug)]
pub struct ByRevRank;

impl Command for ByRevRank {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The values at given ranks from above, 0 the greatest; -inf behind the least",
        complexity: COMPLEXITY,
        arguments: &[KEY, RANK.multiple()],
        ..read_row("tdigest.byrevrank", Arity::AtLeast(3))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        values(host, (key, args), reply, TDigest::value_of_reverse_rank)
    }
}
