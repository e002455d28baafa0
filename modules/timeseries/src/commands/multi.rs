//! TS.MRANGE and TS.MREVRANGE.

use std::collections::BTreeMap;

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
    wire::Wire,
};
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::filter::Filter;
use keyspan_timeseries_core::index::Text;
use keyspan_timeseries_core::label::value_of;
use keyspan_timeseries_core::range::{Query, Rows, Snapshot, reduce};
use keyspan_timeseries_core::request::multi::{Group, MultiRange, Told};
use keyspan_timeseries_core::series::{Label, Series};

use super::range::{AGGREGATION, BY_TS, BY_VALUE, COUNT, FROM, INLINE_MAX, LATEST, TO, snapshot};
use super::{DONT_CACHE, row, string, token, words};
use crate::answer::{self, Values};
use crate::{budget::Budget, registry, settings};

/// `TS.MRANGE fromTimestamp toTimestamp [options] FILTER filter ... [GROUPBY label REDUCE reducer]`
#[derive(Debug)]
pub struct MRange;

/// `TS.MREVRANGE fromTimestamp toTimestamp [options] FILTER filter ... [GROUPBY label REDUCE reducer]`
#[derive(Debug)]
pub struct MRevRange;

pub(super) const WITH_LABELS: Argument =
    Argument::new("labels", ArgumentKind::OneOf).optional().parts(&[
        token("withlabels", "WITHLABELS"),
        string("label").token("SELECTED_LABELS").multiple(),
    ]);
pub(super) const FILTER: Argument = string("filterExpr").token("FILTER").multiple();
const GROUPBY: Argument = Argument::new("groupby", ArgumentKind::Block)
    .optional()
    .parts(&[string("label").token("GROUPBY"), string("reducer").token("REDUCE")]);
const ARGUMENTS: &[Argument] = &[
    FROM,
    TO,
    LATEST,
    BY_TS,
    BY_VALUE,
    WITH_LABELS,
    COUNT,
    AGGREGATION,
    token("excludeempty", "EXCLUDEEMPTY").optional(),
    FILTER,
    GROUPBY,
];

/// A series that a query asks, as it was.
struct Asked {
    key: Text,
    labels: Vec<Label>,
    snapshot: Snapshot,
}

/// What a series, or a group of them, answered.
struct Answered {
    key: Text,
    labels: Vec<Label>,
    rows: Rows,
}

/// A query over many series, on its way to another thread.
struct Task {
    asked: Vec<Asked>,
    query: Query,
    told: Told,
    group: Option<Group>,
    exclude_empty: bool,
}

/// What a [`Task`] found.
struct Found {
    aggregators: Vec<Aggregator>,
    told: Told,
    answer: Answer,
}

enum Answer {
    /// Series, by key.
    Series(Vec<Answered>),
    /// Groups by value, each with the keys of its series.
    Groups(Group, Vec<(Vec<Text>, Answered)>),
}

/// The keys that a filter lets through, in no order, if the user may read them all.
pub(super) fn readable_keys<H: Host<Series>>(
    host: &mut H,
    filter: &Filter,
) -> Result<Vec<Text>, Error> {
    let keys = registry::with(host.database(), |index| index.matching(filter));
    if host.may_read_keys(&mut keys.iter().map(|key| &**key)) {
        Ok(keys)
    } else {
        Err(Error::NoPermission)
    }
}

/// The labels of a series that a reply needs, and that of `group`.
pub(super) fn needed_labels(series: &Series, told: &Told, group: Option<&Group>) -> Vec<Label> {
    let is_told = |label: &Label| match told {
        Told::Nothing => false,
        Told::All => true,
        Told::Selected(names) => names.contains(&label.name),
    };
    let is_group = |label: &Label| group.is_some_and(|group| group.label == label.name);
    let labels = series.labels().iter();
    labels.filter(|label| is_told(label) || is_group(label)).cloned().collect()
}

fn ask<H: Host<Series>>(host: &mut H, request: MultiRange) -> Result<Task, Error> {
    let MultiRange { range, told, filter, group, exclude_empty } = request;
    let query = range.query;
    let mut asked = Vec::new();
    for key in readable_keys(host, &filter)? {
        let at = Arg::named(&key);
        let Ok(Some(series)) = host.read(at) else { continue };
        let labels = needed_labels(series, &told, group.as_ref());
        let snapshot = snapshot(host, at, &query, range.latest)?;
        asked.push(Asked { key, labels, snapshot });
    }
    Ok(Task { asked, query, told, group, exclude_empty })
}

impl Task {
    fn samples_max(&self) -> u64 {
        self.asked.iter().map(|asked| asked.snapshot.samples_max()).sum()
    }

    fn run(self) -> Result<Found, Error> {
        let Self { mut asked, mut query, told, group, exclude_empty } = self;
        asked.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let aggregators = query.aggregation.as_ref().map_or(Vec::new(), |a| a.aggregators.clone());
        // A group has so many rows, whatever its series have.
        let count = if group.is_some() { query.count.take() } else { None };
        let mut answered = Vec::with_capacity(asked.len());
        let mut budget = Budget::new();
        for Asked { key, labels, snapshot } in asked {
            let rows = budget.run(&snapshot, &mut query)?;
            if !(exclude_empty && rows.is_empty()) {
                answered.push(Answered { key, labels, rows });
            }
        }
        let answer = match group {
            None => Answer::Series(answered),
            Some(group) => {
                let groups = grouped(&group, answered, query.is_reverse, count);
                Answer::Groups(group, groups)
            }
        };
        Ok(Found { aggregators, told, answer })
    }
}

/// The keys and the rows of series that are put together.
type Parts = (Vec<Text>, Vec<Rows>);

/// Puts series of one value of the group's label together; those without the label are left out.
fn grouped(
    group: &Group,
    series: Vec<Answered>,
    is_reverse: bool,
    count: Option<u64>,
) -> Vec<(Vec<Text>, Answered)> {
    let mut groups: BTreeMap<Box<[u8]>, Parts> = BTreeMap::new();
    for Answered { key, labels, rows } in series {
        let Some(value) = value_of(&labels, &group.label) else { continue };
        let (sources, parts) = groups.entry(value.into()).or_default();
        sources.push(key);
        parts.push(rows);
    }
    let put = |(value, (sources, parts)): (Box<[u8]>, Parts)| {
        let rows = reduce(&parts, group.reducer, is_reverse, count);
        let key = [&*group.label, b"=", &*value].concat().into();
        let labels = vec![Label { name: group.label.clone(), value }];
        (sources, Answered { key, labels, rows })
    };
    groups.into_iter().map(put).collect()
}

impl Found {
    fn write(&self, reply: &mut dyn Reply) {
        let count = match &self.answer {
            Answer::Series(series) => series.len(),
            Answer::Groups(_, groups) => groups.len(),
        };
        let is_resp3 = reply.is_resp3();
        if is_resp3 {
            reply.map(count);
        } else {
            reply.array(count);
        }
        match &self.answer {
            Answer::Series(series) => {
                series.iter().for_each(|answered| self.write_series(reply, answered, is_resp3));
            }
            Answer::Groups(group, groups) => {
                for (sources, answered) in groups {
                    self.write_group(reply, group.reducer, sources, answered, is_resp3);
                }
            }
        }
    }

    fn write_series(&self, reply: &mut dyn Reply, answered: &Answered, is_resp3: bool) {
        if !is_resp3 {
            reply.array(3);
        }
        reply.bulk(&answered.key);
        if is_resp3 {
            reply.array(3);
        }
        answer::labels(reply, &answered.labels, &self.told);
        if is_resp3 {
            let names = self.aggregators.iter().map(|aggregator| aggregator.name().as_bytes());
            list(reply, b"aggregators", names);
        }
        Values::new(reply).rows(&answered.rows);
    }

    fn write_group(
        &self,
        reply: &mut dyn Reply,
        reducer: Aggregator,
        sources: &[Text],
        answered: &Answered,
        is_resp3: bool,
    ) {
        let reducer = reducer.name().as_bytes();
        if is_resp3 {
            reply.bulk(&answered.key);
            reply.array(4);
            answer::labels(reply, &answered.labels, &self.told);
            list(reply, b"reducers", [reducer].into_iter());
            list(reply, b"sources", sources.iter().map(|key| &**key));
        } else {
            reply.array(3);
            reply.bulk(&answered.key);
            let mut labels = answered.labels.clone();
            let label =
                |name: &[u8], value: &[u8]| Label { name: name.into(), value: value.into() };
            labels.push(label(b"__reducer__", reducer));
            labels.push(label(b"__source__", &sources.join(&b","[..])));
            answer::labels(reply, &labels, &self.told);
        }
        Values::new(reply).rows(&answered.rows);
    }
}

/// A map of one name to a list.
fn list<'a>(reply: &mut dyn Reply, name: &[u8], items: impl ExactSizeIterator<Item = &'a [u8]>) {
    reply.map(1);
    reply.bulk(name);
    reply.array(items.len());
    items.for_each(|item| reply.bulk(item));
}

fn answer(found: Result<Found, Error>, reply: &mut dyn Reply) {
    match found {
        Ok(found) => found.write(reply),
        Err(error) => reply.error(&error.wire()),
    }
}

fn multi_range<H: Host<Series>>(
    host: &mut H,
    args: Args<'_>,
    reply: &mut dyn Reply,
    (name, is_reverse): (&'static str, bool),
) -> Result<(), Error> {
    let mut request = MultiRange::parse(words(&args), name)?;
    request.range.query.is_reverse = is_reverse;
    let task = ask(host, request)?;
    if task.samples_max() <= INLINE_MAX {
        task.run()?.write(reply);
    } else {
        settings::apply_threads();
        host.spawn(reply, move || task.run(), answer);
    }
    Ok(())
}

impl Command for MRange {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the samples between two times of all time series that a filter lets through, or buckets of them",
        complexity: "O(N * M) where N is the number of time series and M that of samples of the chunks between",
        keys: Keys::None,
        arguments: ARGUMENTS,
        tips: DONT_CACHE,
        ..row("ts.mrange", Arity::AtLeast(4), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        multi_range(host, args, reply, (Self::ROW.name, false))
    }
}

impl Command for MRevRange {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells the samples between two times of all time series that a filter lets through, or buckets of them, the last one first",
        complexity: "O(N * M) where N is the number of time series and M that of samples of the chunks between",
        since: "1.4.0",
        keys: Keys::None,
        arguments: ARGUMENTS,
        tips: DONT_CACHE,
        ..row("ts.mrevrange", Arity::AtLeast(4), Access::Read)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        multi_range(host, args, reply, (Self::ROW.name, true))
    }
}
