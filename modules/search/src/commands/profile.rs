//! FT.PROFILE: a search with what it did and how long that took.

use std::time::Instant;

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
};
use keyspan_search_core::engine::Answer;
use keyspan_search_core::query::{Kind, Node};
use keyspan_server::{Call, ServerCommand};

use super::search::{Asked, Documents};
use super::{INDEX, QUERY, rest, row, word};
use crate::error::Error;
use crate::registry;

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
        let begin = Instant::now();
        let name = word(&mut args, Self::ROW.name)?;
        let entry = registry::find(name).ok_or_else(|| Error::NoIndexToSearch(name.into()))?;
        if !args.take_keyword("SEARCH") {
            return Err(Error::ProfileKind);
        }
        args.take_keyword("LIMITED");
        if !args.take_keyword("QUERY") {
            return Err(Error::ProfileQuery);
        }
        let asked = Asked::read(entry, &rest(args), call.server(), reply.is_resp3())?;
        let parsed_ms = milliseconds(begin);
        let answer = asked.run(&asked.cancel(), &Documents(call.server()))?;
        let times = Times { parsed_ms, total_ms: milliseconds(begin) };
        write(&asked, answer, times, call, reply)
    }
}

struct Times {
    parsed_ms: f64,
    total_ms: f64,
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}

/// What was done, in the shape of RediSearch 2.10: pairs in RESP3, arrays of pairs in RESP2.
struct Profiled<'a> {
    query: &'a Node,
    choice: Option<String>,
    total: u64,
    is_partial: bool,
    times: Times,
}

/// The answer and the profile: two replies in RESP2, the profile as one more pair in RESP3.
fn write(
    asked: &Asked,
    answer: Answer,
    times: Times,
    call: &Call<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let profile = Profiled {
        query: &asked.query,
        choice: answer.choice.as_ref().map(ToString::to_string),
        total: answer.total,
        is_partial: answer.is_partial,
        times,
    };
    if !reply.is_resp3() {
        reply.array(2);
    }
    asked.answer(Ok(answer), call.server(), reply, Some(&|reply| profile.write(reply)))
}

impl Profiled<'_> {
    fn write(&self, reply: &mut dyn Reply) {
        if reply.is_resp3() {
            reply.map(6);
        } else {
            reply.array(6);
        }
        pair(reply, "Total profile time", |reply| reply.double(self.times.total_ms));
        pair(reply, "Parsing time", |reply| reply.double(self.times.parsed_ms));
        pair(reply, "Pipeline creation time", |reply| reply.double(0.0));
        let warning = if self.is_partial { "Timeout limit was reached" } else { "None" };
        pair(reply, "Warning", |reply| reply.simple(warning));
        pair(reply, "Iterators profile", |reply| {
            if reply.is_resp3() {
                reply.array(1);
            }
            self.iterator(reply);
        });
        pair(reply, "Result processors profile", |reply| {
            if reply.is_resp3() {
                reply.array(1);
            }
            reply.map(3);
            reply.simple("Type");
            reply.simple("Index");
            self.figures(reply);
        });
    }

    fn iterator(&self, reply: &mut dyn Reply) {
        reply.map(3 + usize::from(self.choice.is_some()));
        reply.simple("Type");
        reply.simple(kind(self.query));
        self.figures(reply);
        if let Some(choice) = &self.choice {
            reply.simple("Vector search mode");
            reply.line(choice.as_bytes());
        }
    }

    fn figures(&self, reply: &mut dyn Reply) {
        reply.simple("Time");
        reply.double(self.times.total_ms - self.times.parsed_ms);
        reply.simple("Counter");
        reply.integer(i64::try_from(self.total).unwrap_or(i64::MAX));
    }
}

fn pair(reply: &mut dyn Reply, name: &'static str, value: impl FnOnce(&mut dyn Reply)) {
    if !reply.is_resp3() {
        reply.array(2);
    }
    reply.simple(name);
    value(reply);
}

/// RediSearch's name of what walks over the documents of a node.
const fn kind(query: &Node) -> &'static str {
    match query.kind {
        Kind::All => "WILDCARD",
        Kind::And(_) | Kind::Exact(_) => "INTERSECT",
        Kind::Geo(_) => "GEO",
        Kind::Keys(_) => "ID-LIST",
        Kind::Knn(_) | Kind::Within(_) => "VECTOR",
        Kind::Missing(_) => "MISSING",
        Kind::Not(_) => "NOT",
        Kind::Nothing => "EMPTY",
        Kind::Numeric(_) => "NUMERIC",
        Kind::Optional(_) => "OPTIONAL",
        Kind::Or(_) => "UNION",
        Kind::Tags(..) => "TAG",
        Kind::Text(_) => "TEXT",
    }
}
