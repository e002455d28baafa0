//! TS.CREATERULE and TS.DELETERULE.

use std::num::NonZeroU64;

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
};
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::request::{range, words::Words};
use keyspan_timeseries_core::rule::{Grid, Rule};
use keyspan_timeseries_core::series::Series;

use super::{existing, existing_mut, integer, row, string, word, words};
use crate::compaction;

/// `TS.CREATERULE sourceKey destKey AGGREGATION aggregator bucketDuration [alignTimestamp]`
#[derive(Debug)]
pub struct CreateRule;

/// `TS.DELETERULE sourceKey destKey`
#[derive(Debug)]
pub struct DeleteRule;

const KEYS: Keys = Keys::Range { first: 1, last: 2, step: 1 };
const SOURCE: Argument = Argument::new("sourceKey", ArgumentKind::Key);
const DESTINATION: Argument = Argument::new("destKey", ArgumentKind::Key);

/// The aggregator and the buckets of a rule.
fn shape(words: Words<'_>) -> Result<(Aggregator, Grid), Error> {
    let words = words.behind_key().behind_key();
    let place = words.find("AGGREGATION").ok_or(Error::Arity(CreateRule::ROW.name))?;
    let list = words.get(place + 1).ok_or(Error::Aggregation)?;
    let duration = words.integer(place + 2).ok_or(Error::Aggregation)?;
    let aggregators = range::aggregators(list)?;
    let &[aggregator] = aggregators.as_slice() else { return Err(Error::AggregationMany) };
    let duration = u64::try_from(duration).ok().and_then(NonZeroU64::new).ok_or(Error::Bucket)?;
    let alignment = match words.get(place + 3) {
        None => 0,
        Some(_) => {
            let time = words.integer(place + 3).ok_or(Error::AlignTimestamp)?;
            u64::try_from(time).map_err(|_| Error::AlignTimestampNegative)?
        }
    };
    Ok((aggregator, Grid::new(duration, alignment)))
}

/// Refuses a rule that would make a chain, or a second source.
fn check<H: Host<Series>>(host: &mut H, from: Arg<'_>, to: Arg<'_>) -> Result<(), Error> {
    existing(host, from)?;
    if compaction::source_of(host, from).is_some() {
        return Err(Error::SourceHasSource);
    }
    let rules = existing(host, to)?.rules().iter().map(|rule| Box::from(rule.destination()));
    let destinations: Vec<Box<[u8]>> = rules.collect();
    if compaction::source_of(host, to).is_some() {
        return Err(Error::DestinationHasSource);
    }
    if destinations.iter().any(|key| compaction::is_agreed(host, to.bytes, key)) {
        return Err(Error::DestinationIsSource);
    }
    Ok(())
}

impl Command for CreateRule {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Has a time series fill another one with its aggregated buckets",
        fast: true,
        keys: KEYS,
        arguments: &[
            SOURCE,
            DESTINATION,
            Argument::new("aggregation", ArgumentKind::Block)
                .token("AGGREGATION")
                .parts(&[string("aggregator"), integer("bucketDuration")]),
            integer("alignTimestamp").optional(),
        ],
        ..row("ts.createrule", Arity::AtLeast(6), Access::Shrink)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        if args.len() > 6 {
            return Err(Error::Arity(Self::ROW.name));
        }
        let (aggregator, grid) = shape(words(&args))?;
        let from = word(&mut args, Self::ROW.name)?;
        let to = word(&mut args, Self::ROW.name)?;
        if from.bytes == to.bytes {
            return Err(Error::SameKey);
        }
        check(host, from, to)?;
        compaction::forget_stale(host, from);
        compaction::forget_stale(host, to);
        existing_mut(host, to)?.set_source(Some(from.bytes));
        existing_mut(host, from)?.add_rule(Rule::new(to.bytes.into(), aggregator, grid));
        host.changed(from, "ts.createrule:src");
        host.changed(to, "ts.createrule:dest");
        host.replicate();
        reply.ok();
        Ok(())
    }
}

impl Command for DeleteRule {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Removes the rule between two time series",
        fast: true,
        keys: KEYS,
        arguments: &[SOURCE, DESTINATION],
        ..row("ts.deleterule", Arity::Exactly(3), Access::Shrink)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let from = word(&mut args, Self::ROW.name)?;
        let to = word(&mut args, Self::ROW.name)?;
        existing(host, from)?;
        if !compaction::is_agreed(host, from.bytes, to.bytes)
            || !existing_mut(host, from)?.remove_rule(to.bytes)
        {
            return Err(Error::RuleMissing);
        }
        existing_mut(host, to)?.set_source(None);
        host.changed(from, "ts.deleterule:src");
        host.changed(to, "ts.deleterule:dest");
        host.replicate();
        reply.ok();
        Ok(())
    }
}
