//! FT.PROFILE: a search with what it did and how long that took.

use std::time::Instant;

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
};
use keyspan_search_core::engine::Answer;
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
        write(&asked, answer, &times, call, reply)
    }
}

struct Times {
    parsed_ms: f64,
    total_ms: f64,
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}

/// The answer and the profile, in the shape of RediSearch 8.
fn write(
    asked: &Asked,
    answer: Answer,
    times: &Times,
    call: &Call<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let choice = answer.choice.as_ref().map(ToString::to_string);
    if reply.is_resp3() {
        reply.map(2);
        reply.simple("Results");
    } else {
        reply.array(2);
    }
    let tree = keyspan_search_core::query::explain(&asked.query, &asked.entry.index.schema());
    let is_partial = answer.is_partial;
    asked.answer(Ok(answer), call.server(), reply)?;
    if reply.is_resp3() {
        reply.simple("Profile");
    }
    reply.map(2);
    reply.simple("Shards");
    reply.array(1);
    reply.map(5 + usize::from(choice.is_some()));
    for (name, value) in [("Total profile time", times.total_ms), ("Parsing time", times.parsed_ms)]
    {
        reply.simple(name);
        reply.double(value);
    }
    reply.simple("Pipeline creation time");
    reply.double(0.0);
    reply.simple("Warning");
    reply.simple(if is_partial { "Timeout limit was reached" } else { "None" });
    reply.simple("Query");
    reply.bulk(tree.as_bytes());
    if let Some(choice) = choice {
        reply.simple("Vector search");
        reply.line(choice.as_bytes());
    }
    reply.simple("Coordinator");
    reply.map(0);
    Ok(())
}
