//! TS.QUERYINDEX and TS.QUERYLABELS.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
};
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::filter::Filter;
use keyspan_timeseries_core::index::Text;
use keyspan_timeseries_core::request::multi::QueryLabels as Request;
use keyspan_timeseries_core::series::Series;

use super::multi::FILTER;
use super::{DONT_CACHE, row, string, token, words};
use crate::{registry, settings};

/// `TS.QUERYINDEX filter ...`
#[derive(Debug)]
pub struct QueryIndex;

/// `TS.QUERYLABELS LABELS | VALUES label [FILTER filter ...]`
#[derive(Debug)]
pub struct QueryLabels;

/// Keys that are put in order on the main thread; handing more to another one costs less than they do.
pub(super) const SORTED_INLINE_MAX: usize = 2_000;

fn sorted(mut keys: Vec<Text>) -> Vec<Text> {
    keys.sort_unstable();
    keys
}

fn write(texts: Vec<Text>, reply: &mut dyn Reply) {
    reply.set(texts.len());
    texts.iter().for_each(|text| reply.bulk(text));
}

impl Command for QueryIndex {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Lists the keys of all time series that a filter lets through",
        complexity: "O(N) where N is the number of time series",
        keys: Keys::None,
        arguments: &[Argument { token: None, ..FILTER }],
        tips: DONT_CACHE,
        ..row("ts.queryindex", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let filter = Filter::parse(args.rest())?;
        let keys = registry::with(host.database(), |index| index.matching(&filter));
        if keys.len() <= SORTED_INLINE_MAX {
            write(sorted(keys), reply);
        } else {
            settings::apply_threads();
            host.spawn(reply, move || sorted(keys), write);
        }
        Ok(())
    }
}

impl Command for QueryLabels {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Lists the names of labels, or the values of one, of all time series or of those that a filter lets through",
        complexity: "O(N) where N is the number of labels",
        since: "8.10.0",
        keys: Keys::None,
        arguments: &[
            Argument::new("subtype", ArgumentKind::OneOf)
                .parts(&[token("labels", "LABELS"), string("label").token("VALUES")]),
            FILTER.optional(),
        ],
        tips: DONT_CACHE,
        ..row("ts.querylabels", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let Request { label, filter } = Request::parse(words(&args), Self::ROW.name)?;
        let texts = registry::with(host.database(), |index| match &label {
            None => index.names(filter.as_ref()),
            Some(label) => index.values(label, filter.as_ref()),
        });
        write(texts, reply);
        Ok(())
    }
}
