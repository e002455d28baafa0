//! TS.GET and TS.MGET.

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
};
use keyspan_timeseries_core::chunk::Sample;
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::index::Text;
use keyspan_timeseries_core::request::multi::{MultiGet, Told};
use keyspan_timeseries_core::series::{Label, Series};

use super::multi::{FILTER, WITH_LABELS, readable_keys};
use super::{KEY, existing, range::LATEST, row, word, words};
use crate::{answer, compaction};

/// `TS.GET key [LATEST]`
#[derive(Debug)]
pub struct Get;

/// `TS.MGET [LATEST] [WITHLABELS | SELECTED_LABELS label ...] FILTER filter ...`
#[derive(Debug)]
pub struct MGet;

/// The last sample of a series, or the open bucket of its source.
fn last<H: Host<Series>>(
    host: &mut H,
    key: Arg<'_>,
    latest: bool,
) -> Result<Option<Sample>, Error> {
    let open = if latest { compaction::latest_of(host, key) } else { None };
    let last = existing(host, key)?.last();
    let is_later = |open: &Sample| last.is_none_or(|last| open.timestamp > last.timestamp);
    Ok(open.filter(is_later).or(last))
}

impl Command for Get {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the last sample",
        fast: true,
        arguments: &[KEY, LATEST],
        ..row("ts.get", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        if args.len() > 1 {
            return Err(Error::Arity(Self::ROW.name));
        }
        existing(host, key)?;
        let latest = args.take_keyword("LATEST");
        if !args.is_empty() {
            return Err(Error::Word);
        }
        let last = last(host, key, latest)?;
        answer::sample(reply, last);
        Ok(())
    }
}

/// A series and its last sample.
type Found = (Text, Vec<Label>, Option<Sample>);

fn write(found: &[Found], told: &Told, reply: &mut dyn Reply) {
    let is_resp3 = reply.is_resp3();
    if is_resp3 {
        reply.map(found.len());
    } else {
        reply.array(found.len());
    }
    for (key, labels, last) in found {
        if !is_resp3 {
            reply.array(3);
        }
        reply.bulk(key);
        if is_resp3 {
            reply.array(2);
        }
        answer::labels(reply, labels, told);
        answer::sample(reply, *last);
    }
}

impl Command for MGet {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the last sample of all time series that a filter lets through",
        complexity: "O(N) where N is the number of time series",
        keys: Keys::None,
        arguments: &[LATEST, WITH_LABELS, FILTER],
        ..row("ts.mget", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let MultiGet { latest, told, filter } = MultiGet::parse(words(&args), Self::ROW.name)?;
        let mut found: Vec<Found> = Vec::new();
        for key in readable_keys(host, &filter)? {
            let at = Arg::named(&key);
            let Ok(Some(series)) = host.read(at) else { continue };
            let labels = if told == Told::Nothing { Vec::new() } else { series.labels().to_vec() };
            let last = last(host, at, latest)?;
            found.push((key, labels, last));
        }
        write(&found, &told, reply);
        Ok(())
    }
}
