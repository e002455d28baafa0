//! TDIGEST.MIN, TDIGEST.MAX, TDIGEST.QUANTILE, TDIGEST.CDF, TDIGEST.TRIMMED_MEAN, TDIGEST.INFO.

use keyspan_bloom_core::t_digest::TDigest;
use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number::parse_f64,
    reply::Reply,
};

use super::{Error, KEY, VALUE, doubles, existing, read_row, row};

/// `TDIGEST.MIN key`
#[derive(Debug)]
pub struct Min;

impl Command for Min {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The least observation",
        complexity: "O(1)",
        arguments: &[KEY],
        ..read_row("tdigest.min", Arity::Exactly(2))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        reply.double(existing(host, key)?.min());
        Ok(())
    }
}

/// `TDIGEST.MAX key`
#[derive(Debug)]
pub struct Max;

impl Command for Max {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The greatest observation",
        complexity: "O(1)",
        arguments: &[KEY],
        ..read_row("tdigest.max", Arity::Exactly(2))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        reply.double(existing(host, key)?.max());
        Ok(())
    }
}

/// `TDIGEST.QUANTILE key quantile [quantile ...]`
#[derive(Debug)]
pub struct Quantile;

impl Command for Quantile {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The values below which given shares of the observations lie",
        complexity: "O(C + N) where C is the compression and N the number of quantiles, if these ascend; O(C log C) more after a change",
        arguments: &[KEY, Argument::new("quantile", ArgumentKind::Double).multiple()],
        ..read_row("tdigest.quantile", Arity::AtLeast(3))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let digest = existing(host, key)?;
        let quantiles = args.into_iter().map(|word| quantile(word.bytes));
        let quantiles = quantiles.collect::<Result<Vec<_>, _>>()?;
        reply.array(quantiles.len());
        digest.summary().quantiles(&quantiles).for_each(|value| reply.double(value));
        Ok(())
    }
}

fn quantile(word: &[u8]) -> Result<f64, Error> {
    let quantile = parse_f64(word).ok_or(Error::QuantileUnread)?;
    if (0.0..=1.0).contains(&quantile) { Ok(quantile) } else { Err(Error::QuantileRange) }
}

/// `TDIGEST.CDF key value [value ...]`
#[derive(Debug)]
pub struct Cdf;

impl Command for Cdf {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The shares of the observations that lie below given values, and half of those equal to them",
        complexity: "O(C N) where C is the compression and N the number of values; O(C log C) more after a change",
        arguments: &[KEY, VALUE.multiple()],
        ..read_row("tdigest.cdf", Arity::AtLeast(3))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let digest = existing(host, key)?;
        let values = doubles(args, Error::CdfUnread)?;
        let summary = digest.summary();
        reply.array(values.len());
        values.into_iter().for_each(|value| reply.double(summary.cdf(value)));
        Ok(())
    }
}

/// `TDIGEST.TRIMMED_MEAN key low_cut_percentile high_cut_percentile`
#[derive(Debug)]
pub struct TrimmedMean;

impl Command for TrimmedMean {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The mean of the observations between two quantiles",
        complexity: "O(C) where C is the compression; O(C log C) after a change",
        arguments: &[
            KEY,
            Argument::new("low_cut_percentile", ArgumentKind::Double),
            Argument::new("high_cut_percentile", ArgumentKind::Double),
        ],
        ..row("tdigest.trimmed_mean", Arity::Exactly(4), Access::Read)
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let digest = existing(host, key)?;
        let (low, high) = cuts(args)?;
        reply.double(digest.summary().trimmed_mean(low, high));
        Ok(())
    }
}

fn cuts(mut args: Args<'_>) -> Result<(f64, f64), Error> {
    let mut take = |error| {
        let word = args.take().map_err(Error::arity(TrimmedMean::ROW.name))?;
        parse_f64(word.bytes).ok_or(error)
    };
    let (low, high) = (take(Error::LowCutUnread)?, take(Error::HighCutUnread)?);
    let shares = 0.0..=1.0;
    if !shares.contains(&low) || !shares.contains(&high) {
        return Err(Error::CutRange);
    }
    if low < high { Ok((low, high)) } else { Err(Error::CutOrder) }
}

/// `TDIGEST.INFO key`
#[derive(Debug)]
pub struct Info;

impl Command for Info {
    type Value = TDigest;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Counts of a t-digest: its compression, its centroids and its observations",
        complexity: "O(1)",
        arguments: &[KEY],
        ..read_row("tdigest.info", Arity::Exactly(2))
    };

    fn run<H: Host<TDigest>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let digest = existing(host, key)?;
        let lines = lines(digest);
        reply.map(lines.len());
        for (name, number) in lines {
            reply.simple(name);
            reply.integer(number);
        }
        Ok(())
    }
}

fn lines(digest: &TDigest) -> [(&'static str, i64); 9] {
    let counts = digest.counts();
    [
        ("Compression", digest.compression().as_integer()),
        ("Capacity", integer(digest.compression().capacity())),
        ("Merged nodes", integer(counts.merged_nodes)),
        ("Unmerged nodes", integer(counts.unmerged_nodes)),
        ("Merged weight", counts.merged_weight),
        ("Unmerged weight", counts.unmerged_weight),
        ("Observations", digest.weight()),
        ("Total compressions", i64::try_from(counts.compressions).unwrap_or(i64::MAX)),
        ("Memory usage", integer(digest.peer_memory())),
    ]
}

fn integer(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
