//! FT.PROFILE: a search with what it did and how long that took.
//!
//! In the shape of RediSearch 2.10: pairs in RESP3, arrays of pairs in RESP2. `Vector search choice`,
//! why a search for the nearest was done as it was, is ours alone.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use keyspan_common::wire::Wire;
use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
};
use keyspan_search_core::engine::Answer;
use keyspan_search_core::plan::{Children, Detail, Part, Profile as Done};
use keyspan_search_core::query;
use keyspan_search_core::request::{Request, Switch};
use keyspan_server::{Call, Server, ServerCommand};

use super::search::{Asked, Turns};
use super::{INDEX, QUERY, rest, row, word};
use crate::error::Error;
use crate::registry;
use crate::settings::{self, WORKERS};

/// `FT.PROFILE index SEARCH [LIMITED] QUERY query ...`
#[derive(Debug)]
pub struct Profile;

impl ServerCommand for Profile {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Searches, and tells what was done and how long it took",
        complexity: "O(M log M) where M is the number of matches, as the search itself",
        since: "2.2.0",
        arguments: &[
            INDEX,
            Argument::new("querytype", ArgumentKind::OneOf).parts(&[Argument::new(
                "search",
                ArgumentKind::PureToken,
            )
            .token("SEARCH")]),
            Argument::new("limited", ArgumentKind::PureToken).token("LIMITED").optional(),
            Argument::new("queryword", ArgumentKind::PureToken).token("QUERY"),
            QUERY,
        ],
        ..row("FT.PROFILE", Arity::AtLeast(5), Access::Read)
    };

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let began = now();
        let name = word(&mut args, Self::ROW.name)?;
        let entry = registry::find(name).ok_or_else(|| Error::NoIndexToSearch(name.into()))?;
        if !args.take_keyword("SEARCH") {
            return Err(Error::ProfileKind);
        }
        let limited = args.take_keyword("LIMITED");
        if !args.take_keyword("QUERY") {
            return Err(Error::ProfileQuery);
        }
        let asked = Asked::read(entry, &rest(args), call.server(), reply.is_resp3())?;
        Profiled { asked, limited, began, parsed: now() }.spawn(call, reply);
        Ok(())
    }
}

/// Nanoseconds since the first look.
fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn milliseconds(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// A search that is profiled. Times are of [`now`].
struct Profiled {
    asked: Asked,
    limited: bool,
    began: u64,
    parsed: u64,
}

/// What a search found and did.
type Outcome = Result<(Answer, Option<Done>), query::Error>;

impl Profiled {
    /// Searches on another thread, as FT.SEARCH does.
    fn spawn(self, call: &mut Call<'_>, reply: &mut dyn Reply) {
        keyspan_server::set_threads(settings::size(&WORKERS));
        let cancel = Arc::new(self.asked.cancel());
        let gone = Arc::clone(&cancel);
        call.spawn(
            reply,
            move || gone.raise(),
            move || {
                let found = keyspan_server::between_forks(|| self.asked.find(&cancel, Some(now)));
                let outcome = found.and_then(|found| found.sorted(&Turns, &cancel, now));
                (self, outcome)
            },
            |(profiled, outcome), server, reply| {
                if let Err(error) = profiled.answer(outcome, server, reply) {
                    reply.error(&error.wire());
                }
            },
        );
    }

    /// The answer and the profile: two replies in RESP2, the profile as one more pair in RESP3.
    fn answer(
        &self,
        outcome: Outcome,
        server: &Server<'_>,
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let (answer, done) = outcome?;
        let searched = now();
        let page = Page {
            request: &self.asked.request,
            total: answer.total,
            hits: answer.hits.len() as u64,
            has_distances: !answer.distances.is_empty(),
            needs_documents: self.asked.needs_documents(),
            is_partial: answer.is_partial,
        };
        let write = |reply: &mut dyn Reply| self.write(&page, done.as_ref(), searched, reply);
        self.asked.answer_with(answer, server, reply, &write)
    }

    fn write(&self, page: &Page<'_>, done: Option<&Done>, searched: u64, reply: &mut dyn Reply) {
        let loaded = now();
        if reply.is_resp3() {
            reply.map(6);
        } else {
            reply.array(6);
        }
        let time = |reply: &mut dyn Reply, name, ns| {
            pair(reply, name, |reply| reply.double(milliseconds(ns)));
        };
        time(reply, "Total profile time", loaded.saturating_sub(self.began));
        time(reply, "Parsing time", self.parsed.saturating_sub(self.began));
        time(reply, "Pipeline creation time", done.map_or(0, |done| done.waited_ns));
        let warning = if page.is_partial { "Timeout limit was reached" } else { "None" };
        pair(reply, "Warning", |reply| reply.simple(warning));
        pair(reply, "Iterators profile", |reply| {
            if reply.is_resp3() {
                reply.array(1);
            }
            match done {
                Some(done) => part(&done.root, self.limited, reply),
                None => reply.null(),
            }
        });
        let processors = page.processors(done, loaded.saturating_sub(searched));
        // In RESP2 they stand behind their name, one by one.
        if reply.is_resp3() {
            reply.simple("Result processors profile");
            reply.array(processors.len());
        } else {
            reply.array(1 + processors.len());
            reply.simple("Result processors profile");
        }
        for (name, ns, count) in processors {
            reply.map(3);
            reply.simple("Type");
            reply.simple(name);
            figures(ns, count, reply);
        }
    }
}

/// What became of the matches.
struct Page<'a> {
    request: &'a Request,
    total: u64,
    hits: u64,
    has_distances: bool,
    needs_documents: bool,
    is_partial: bool,
}

impl Page<'_> {
    /// What RediSearch would put behind the iterators, with the times it took here: documents are
    /// sorted as they are scored, and distances come with them.
    fn processors(&self, done: Option<&Done>, loaded_ns: u64) -> Vec<(&'static str, u64, u64)> {
        let Self { request, total, hits, .. } = *self;
        let (found_ns, sorted_ns) =
            done.map_or((0, 0), |done| (done.root.figures.ns, done.sorted_ns));
        let (offset, limit) = request.limit;
        let mut all = vec![("Index", found_ns, total)];
        if self.has_distances {
            all.push(("Metrics Applier", 0, total));
        }
        if limit == 0 {
            all.push(("Counter", 0, 0));
            return all;
        }
        if request.order.is_none() || request.has(Switch::WithScores) {
            all.push(("Scorer", 0, total));
        }
        if self.needs_documents {
            all.push(("Loader", 0, total));
        }
        all.push(("Sorter", sorted_ns, total.min(offset.saturating_add(limit))));
        if offset > 0 {
            all.push(("Pager/Limiter", 0, hits));
        }
        if !request.has(Switch::NoContent) {
            all.push(("Loader", loaded_ns, hits));
        }
        all
    }
}

fn figures(ns: u64, count: u64, reply: &mut dyn Reply) {
    reply.simple("Time");
    reply.double(milliseconds(ns));
    reply.simple("Counter");
    number(count, reply);
}

fn number(number: u64, reply: &mut dyn Reply) {
    reply.integer(i64::try_from(number).unwrap_or(i64::MAX));
}

fn part(part_of: &Part, limited: bool, reply: &mut dyn Reply) {
    let Part { kind, asks, figures: did, says, children } = part_of;
    let has_children = usize::from(*children != Children::None);
    reply.map(3 + asks.len() + says.len() + has_children);
    reply.simple("Type");
    reply.simple(kind);
    details(asks, reply);
    figures(did.ns, did.documents, reply);
    details(says, reply);
    match children {
        Children::None => (),
        Children::One(child) => {
            reply.simple("Child iterator");
            part(child, limited, reply);
        }
        Children::Expanded(children) if limited => {
            reply.simple("Child iterators");
            let count = children.len();
            reply.line(format!("The number of iterators in the union is {count}").as_bytes());
        }
        Children::Several(children) | Children::Expanded(children) => {
            reply.simple("Child iterators");
            reply.array(children.len());
            children.iter().for_each(|child| part(child, limited, reply));
        }
    }
}

fn details(details: &[(&'static str, Detail)], reply: &mut dyn Reply) {
    for (name, detail) in details {
        reply.simple(name);
        match detail {
            Detail::Number(count) => number(*count, reply),
            Detail::Text(text) => reply.line(text),
        }
    }
}

fn pair(reply: &mut dyn Reply, name: &'static str, value: impl FnOnce(&mut dyn Reply)) {
    if !reply.is_resp3() {
        reply.array(2);
    }
    reply.simple(name);
    value(reply);
}
