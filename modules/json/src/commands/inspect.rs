//! JSON.TYPE, JSON.RESP, JSON.DEBUG.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
};
use keyspan_json_core::{
    Document, ValueRef,
    node::{Kind, Node, Number},
};

use super::{KEY, PATH, row};
use crate::{
    access::{nesting, path, select, target, word},
    answer::count,
    error::Error,
    expand, settings,
};

/// The name of a value's type.
fn type_name(value: ValueRef<'_>) -> &'static str {
    match value.kind() {
        Kind::Null => "null",
        Kind::Bool(_) => "boolean",
        Kind::Number(Number::Int(_) | Number::Uint(_)) => "integer",
        Kind::Number(Number::Double(_)) => "number",
        Kind::String(_) => "string",
        Kind::Array(_) => "array",
        Kind::Object(_) => "object",
    }
}

/// `JSON.TYPE key [path]`
#[derive(Debug)]
pub struct Type;

impl Command for Type {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The types of the values at a path",
        complexity: "O(1); O(D) with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional()],
        ..row("json.type", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let (document, path) = target(host, args, Self::ROW.name)?;
        let found = document.map(|document| select(document, &path)).transpose()?;
        if reply.is_resp3() {
            reply.array(1);
        }
        let Some(found) = found else {
            reply.null();
            return Ok(());
        };
        if path.is_legacy() {
            match found.first() {
                Some(value) => reply.bulk(type_name(*value).as_bytes()),
                None => reply.null(),
            }
            return Ok(());
        }
        reply.array(found.len());
        for value in found {
            reply.bulk(type_name(value).as_bytes());
        }
        Ok(())
    }
}

/// `JSON.RESP key [path]`
#[derive(Debug)]
pub struct Resp;

impl Command for Resp {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The values at a path as native replies",
        complexity: "O(N) where N is the size of the values; O(D) more with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional()],
        ..row("json.resp", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let place = args.take().ok();
        let Some(document) = host.read(key)? else {
            reply.null();
            return Ok(());
        };
        let path = path(place)?;
        let found = select(document, &path)?;
        expand::check(found.iter().copied(), settings::reply_max())?;
        if path.is_legacy() {
            expand::resp(*found.first().ok_or(Error::PathMissing)?, reply);
            return Ok(());
        }
        reply.array(found.len());
        for value in found {
            expand::resp(value, reply);
        }
        Ok(())
    }
}

/// `JSON.DEBUG MEMORY | DEPTH | FIELDS key [path]`, `JSON.DEBUG HELP`
#[derive(Debug)]
pub struct Debug;

const HELP: [&str; 4] = [
    "MEMORY <key> [path] - reports memory usage",
    "DEPTH <key> [path]  - reports the nesting of the value",
    "FIELDS <key> [path] - reports the number of members and elements in the value",
    "HELP                - this message",
];

/// Members and elements below `value`, at all levels.
fn fields(value: ValueRef<'_>) -> usize {
    match value.kind() {
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => 0,
        Kind::Array(len) => {
            len + (0..len).filter_map(|i| value.element(i)).map(fields).sum::<usize>()
        }
        Kind::Object(len) => {
            len + (0..len).filter_map(|i| value.member(i)).map(|m| fields(m.1)).sum::<usize>()
        }
    }
}

type Measure = fn(ValueRef<'_>) -> usize;

fn measure(subcommand: &[u8]) -> Result<Measure, Error> {
    match subcommand.to_ascii_uppercase().as_slice() {
        b"MEMORY" => Ok(|value| value.memory()),
        b"DEPTH" => Ok(nesting),
        b"FIELDS" => Ok(fields),
        _ => Err(Error::Subcommand),
    }
}

impl Debug {
    fn measured<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        measure: Measure,
        reply: &mut R,
    ) -> Result<(), Error> {
        let (document, path) = target(host, args, Self::ROW.name)?;
        let sizes: Option<Vec<usize>> = match document {
            Some(document) => Some(select(document, &path)?.into_iter().map(measure).collect()),
            None => None,
        };
        if path.is_legacy() {
            let size = match sizes {
                Some(sizes) => *sizes.first().ok_or(Error::PathMissing)?,
                None => 0,
            };
            reply.integer(count(size));
            return Ok(());
        }
        let sizes = sizes.unwrap_or_default();
        reply.array(sizes.len());
        for size in sizes {
            reply.integer(count(size));
        }
        Ok(())
    }
}

impl Command for Debug {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Memory, nesting and number of fields of the values at a path",
        complexity: "O(N) where N is the size of the values",
        keys: Keys::Range { first: 2, last: 2, step: 1 },
        arguments: &[
            Argument::new("subcommand", ArgumentKind::OneOf).parts(&[
                Argument::new("memory", ArgumentKind::PureToken).token("MEMORY"),
                Argument::new("depth", ArgumentKind::PureToken).token("DEPTH"),
                Argument::new("fields", ArgumentKind::PureToken).token("FIELDS"),
                Argument::new("help", ArgumentKind::PureToken).token("HELP"),
            ]),
            KEY.optional(),
            PATH.optional(),
        ],
        ..row("json.debug", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let subcommand = word(&mut args, Self::ROW.name)?;
        if subcommand.bytes.eq_ignore_ascii_case(b"HELP") {
            reply.array(HELP.len());
            for line in HELP {
                reply.bulk(line.as_bytes());
            }
            return Ok(());
        }
        Self::measured(host, args, measure(subcommand.bytes)?, reply)
    }
}
