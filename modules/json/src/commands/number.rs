//! JSON.NUMINCRBY, JSON.NUMMULTBY, JSON.NUMPOWBY.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    reply::Reply,
};
use keyspan_json_core::{
    Document,
    arith::{self, Arithmetic},
    node::{Kind, Node, Number},
    path::{Path, Steps},
    print,
};

use smallvec::{SmallVec, smallvec};

use super::{KEY, PATH, row};
use crate::{
    access::{announce, check_text, existing, last_or, locate, path, with_text, word},
    error::{Error, Expected},
    expand,
};

/// One slot per match.
type Results = SmallVec<[Option<Number>; 2]>;
type Operation = fn(Number, Number) -> Result<Number, Arithmetic>;

/// Applies `operation` with `operand` to every number that `path` matches, all or none.
/// One slot per match: the new number, `None` where the match is no number.
fn apply(
    document: &mut Document,
    path: &Path,
    operation: Operation,
    operand: &[u8],
) -> Result<Results, Error> {
    if path.is_definite() {
        return apply_to_one(document, path, operation, operand);
    }
    let places = locate(document, path)?;
    let mut operand = Operand::Text(operand);
    let mut results = Results::new();
    let mut undo: SmallVec<[(&[u32], Number); 2]> = SmallVec::new();
    for steps in places.iter() {
        let Some(Kind::Number(old)) = document.at(steps).map(Node::kind) else {
            results.push(None);
            continue;
        };
        match operand.number().and_then(|operand| Ok(operation(old, operand)?)) {
            Ok(new) => {
                document.set_number(steps, new);
                undo.push((steps, old));
                results.push(Some(new));
            }
            Err(error) => {
                // Backwards, so that a number matched twice ends as it was.
                for (steps, old) in undo.into_iter().rev() {
                    document.set_number(steps, old);
                }
                return Err(error);
            }
        }
    }
    Ok(results)
}

/// As [`apply`], for a path with one match at most: one way down instead of a list of ways.
fn apply_to_one(
    document: &mut Document,
    path: &Path,
    operation: Operation,
    operand: &[u8],
) -> Result<Results, Error> {
    let mut steps = Steps::new();
    let Some(found) = path.resolve_steps(document.root(), &mut steps) else {
        return Ok(Results::new());
    };
    let Kind::Number(old) = found.kind() else { return Ok(smallvec![None]) };
    let new = operation(old, parse(operand)?)?;
    document.set_number(&steps, new);
    Ok(smallvec![Some(new)])
}

/// The operand, parsed when the first number needs it, as the reference does: a path without
/// numbers takes any operand.
enum Operand<'a> {
    Number(Number),
    Text(&'a [u8]),
}

impl Operand<'_> {
    fn number(&mut self) -> Result<Number, Error> {
        let number = match self {
            Self::Number(number) => return Ok(*number),
            Self::Text(text) => parse(text)?,
        };
        *self = Self::Number(number);
        Ok(number)
    }
}

fn parse(text: &[u8]) -> Result<Number, Error> {
    if let Some(int) = keyspan_common::number::parse_i64(text) {
        return Ok(Number::Int(int));
    }
    let value = Document::parse(text).map_err(|error| Error::json_with_code(&error))?;
    match value.root().kind() {
        Kind::Number(number) => Ok(number),
        Kind::Null | Kind::Bool(_) | Kind::String(_) | Kind::Array(_) | Kind::Object(_) => {
            Err(Error::BadNumber)
        }
    }
}

fn run_operation<H: Host<Document>, R: Reply>(
    host: &mut H,
    mut args: Args<'_>,
    reply: &mut R,
    operation: Operation,
    (name, event): (&'static str, &'static str),
) -> Result<(), Error> {
    let key = word(&mut args, name)?;
    let place = word(&mut args, name)?;
    let operand = word(&mut args, name)?;
    check_text(operand)?;
    let document = existing(host, key)?;
    let path = path(Some(place))?;
    let results = apply(document, &path, operation, operand.bytes)?;
    let last = results.iter().rev().find_map(|result| *result);
    if !reply.is_resp3() && path.is_legacy() {
        last_or(last, Expected::Number)?;
    }
    if last.is_some() {
        announce(host, key, event);
    }
    answer(&path, &results, last, reply);
    Ok(())
}

/// RESP3 has an array of native numbers in both path modes; RESP2 has JSON text, of the array or,
/// in legacy mode, of the last number.
fn answer<R: Reply>(path: &Path, results: &[Option<Number>], last: Option<Number>, reply: &mut R) {
    if reply.is_resp3() {
        reply.array(results.len());
        for result in results {
            match result {
                Some(number) => expand::number(*number, reply),
                None => reply.null(),
            }
        }
        return;
    }
    with_text(|text| {
        match last {
            Some(number) if path.is_legacy() => print::number(number, text),
            _ => print_array(results, text),
        }
        reply.bulk(text);
    });
}

fn print_array(results: &[Option<Number>], text: &mut Vec<u8>) {
    text.push(b'[');
    for (index, result) in results.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        match result {
            Some(number) => print::number(*number, text),
            None => text.extend_from_slice(b"null"),
        }
    }
    text.push(b']');
}

macro_rules! operation {
    ($name:ident, $command:literal, $since:literal, $summary:literal, $operation:path) => {
        #[doc = concat!("`", $command, " key path value`")]
        #[derive(Debug)]
        pub struct $name;

        impl Command for $name {
            type Value = Document;
            type Error = Error;
            const ROW: Row = Row {
                summary: $summary,
                complexity: "O(1); O(D) with a path of many matches, D the size of the document",
                since: $since,
                arguments: &[KEY, PATH, Argument::new("value", ArgumentKind::Double)],
                ..row($command, Arity::Exactly(4), Access::Shrink)
            };

            fn run<H: Host<Document>, R: Reply>(
                host: &mut H,
                args: Args<'_>,
                reply: &mut R,
            ) -> Result<(), Error> {
                run_operation(host, args, reply, $operation, ($command, $command))
            }
        }
    };
}

operation!(NumIncrBy, "json.numincrby", "1.0.0", "Adds to the numbers at a path", arith::add);
operation!(
    NumMultBy,
    "json.nummultby",
    "1.0.0",
    "Multiplies the numbers at a path",
    arith::multiply
);
operation!(
    NumPowBy,
    "json.numpowby",
    "8.8.0",
    "Raises the numbers at a path to a power",
    arith::power
);
