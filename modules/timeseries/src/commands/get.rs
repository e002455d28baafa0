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

use super::labels::SORTED_INLINE_MAX;
use super::multi::{FILTER, WITH_LABELS, needed_labels, readable_keys};
use super::{DONT_CACHE, KEY, existing, range::LATEST, row, word, words};
use crate::{answer, compaction, settings};

/// `TS.GET key [LATEST]`
#[derive(Debug)]
pub struct Get;

/// `TS.MGET [LATEST] [WITHLABELS | SELECTED_LABELS label ...] FILTER filter ...`
#[derive(Debug)]
pub struct MGet;

/// What LATEST makes of the last sample of the series at `key`: the open bucket of its source, if that
/// is later.
fn latest<H: Host<Series>>(host: &mut H, key: Arg<'_>, last: Option<Sample>) -> Option<Sample> {
    let is_later = |open: &Sample| last.is_none_or(|last| open.timestamp > last.timestamp);
    compaction::latest_of(host, key).filter(is_later).or(last)
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
        let with_latest = args.take_keyword("LATEST");
        let series = existing(host, key)?;
        if !args.is_empty() {
            return Err(Error::Word);
        }
        let (mut last, has_source) = (series.last(), series.source().is_some());
        if with_latest && has_source {
            last = latest(host, key, last);
        }
        answer::sample(reply, last);
        Ok(())
    }
}

/// A series and its last sample.
type Found = (Text, Vec<Label>, Option<Sample>);

fn find<H: Host<Series>>(host: &mut H, request: &MultiGet) -> Result<Vec<Found>, Error> {
    let keys = readable_keys(host, &request.filter)?;
    let mut found: Vec<Found> = Vec::with_capacity(keys.len());
    for key in keys {
        let at = Arg::named(&key);
        let Ok(Some(series)) = host.read(at) else { continue };
        let labels = needed_labels(series, &request.told, None);
        let (mut last, has_source) = (series.last(), series.source().is_some());
        if request.latest && has_source {
            last = latest(host, at, last);
        }
        found.push((key, labels, last));
    }
    Ok(found)
}

fn sorted(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    found
}

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
        tips: DONT_CACHE,
        ..row("ts.mget", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let request = MultiGet::parse(words(&args), Self::ROW.name)?;
        let found = find(host, &request)?;
        let told = request.told;
        if found.len() <= SORTED_INLINE_MAX {
            write(&sorted(found), &told, reply);
        } else {
            settings::apply_threads();
            let write = move |found: Vec<Found>, reply: &mut dyn Reply| write(&found, &told, reply);
            host.spawn(reply, move || sorted(found), write);
        }
        Ok(())
    }
}
