//! FT.EXPLAIN and FT.EXPLAINCLI.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
};
use keyspan_search_core::query::explain;
use keyspan_search_core::request::Request;
use keyspan_server::{Call, ServerCommand};

use super::{INDEX, QUERY, rest, row, word};
use crate::error::Error;
use crate::{registry, settings};

/// `FT.EXPLAIN index query [DIALECT dialect]`
#[derive(Debug)]
pub struct Explain;
/// `FT.EXPLAINCLI index query [DIALECT dialect]`
#[derive(Debug)]
pub struct ExplainCli;

const ROW: Row = Row {
    summary: "Shows how a query is understood, as a tree",
    complexity: "O(L) where L is the length of the query",
    arguments: &[
        INDEX,
        QUERY,
        Argument::new("dialect", ArgumentKind::Integer).token("DIALECT").optional(),
    ],
    ..row("FT.EXPLAIN", Arity::AtLeast(3), Access::Read)
};

fn tree(mut args: Args<'_>, command: &'static str) -> Result<String, Error> {
    let name = word(&mut args, command)?;
    let entry = registry::find(name).ok_or_else(|| Error::NoIndexToSearch(name.into()))?;
    let request = Request::parse(&rest(args), &settings::request_defaults())?;
    let schema = entry.index.schema();
    let query = request.query(&schema)?;
    entry.use_it();
    Ok(explain(&query, &schema))
}

impl ServerCommand for Explain {
    type Error = Error;
    const ROW: Row = ROW;

    fn run(_: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        reply.bulk(tree(args, Self::ROW.name)?.as_bytes());
        Ok(())
    }
}

impl ServerCommand for ExplainCli {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT.EXPLAINCLI",
        summary: "Shows how a query is understood, line by line",
        ..ROW
    };

    fn run(_: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let tree = tree(args, Self::ROW.name)?;
        let lines: Vec<&str> = tree.split('\n').collect();
        reply.array(lines.len());
        lines.iter().for_each(|line| reply.line(line.as_bytes()));
        Ok(())
    }
}
