//! JSON.STRAPPEND, JSON.STRLEN.

use keyspan_common::{
    args::Args,
    command::{Access, Arity, Command, Row},
    host::Host,
    reply::Reply,
};
use keyspan_json_core::{
    Document, ValueRef,
    node::{Kind, Node},
};

use super::{KEY, PATH, VALUE, row};
use crate::{
    access::{announce, check_text, document_fits, existing, last_or, locate, path, word},
    answer,
    error::{Error, Expected},
    length::Length,
};

/// `JSON.STRAPPEND key [path] value`
#[derive(Debug)]
pub struct StrAppend;

/// The text of a JSON string.
fn string(word: &[u8]) -> Result<Document, Error> {
    let value = Document::parse(word).map_err(|error| Error::json_with_code(&error))?;
    match value.root().kind() {
        Kind::String(_) => Ok(value),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Array(_) | Kind::Object(_) => {
            Err(Error::WrongValue(Expected::String))
        }
    }
}

impl Command for StrAppend {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Appends to the strings at a path",
        complexity: "O(N) where N is the length of the longer string; O(D) more with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional(), VALUE],
        ..row("json.strappend", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, StrAppend::ROW.name)?;
        let second = word(&mut args, StrAppend::ROW.name)?;
        let (place, value) = match args.take().ok() {
            Some(third) => (Some(second), third),
            None => (None, second),
        };
        check_text(value)?;
        let document = existing(host, key)?;
        let path = path(place)?;
        let places = locate(document, &path)?;
        let is_string = |document: &Document, steps: &[u32]| {
            matches!(document.at(steps).map(Node::kind), Some(Kind::String(_)))
        };
        let strings = places.iter().filter(|steps| is_string(document, steps)).count();
        let mut lengths = vec![None; places.len()];
        if strings > 0 {
            let tail = string(value.bytes)?;
            let Kind::String(tail) = tail.root().kind() else {
                return Err(Error::WrongValue(Expected::String));
            };
            document_fits(document, tail.len().saturating_mul(strings))?;
            for (steps, length) in places.iter().zip(&mut lengths) {
                *length = document.string_append(steps, tail);
            }
        }
        let last = lengths.iter().rev().find_map(|length| *length);
        if path.is_legacy() {
            last_or(last, Expected::String)?;
        }
        if last.is_some() {
            announce(host, key, "json.strappend");
        }
        answer::counts(&path, &lengths, last, reply);
        Ok(())
    }
}

fn string_len(value: ValueRef<'_>) -> Option<usize> {
    match value.kind() {
        Kind::String(text) => Some(text.len()),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Array(_) | Kind::Object(_) => None,
    }
}

/// `JSON.STRLEN key [path]`
#[derive(Debug)]
pub struct StrLen;

impl Command for StrLen {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The lengths in bytes of the strings at a path",
        complexity: "O(1); O(D) with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional()],
        ..row("json.strlen", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let length = Length {
            name: StrLen::ROW.name,
            of: string_len,
            no_key: Error::NoKey,
            missing: Some(Error::PathMissing),
            wrong: Error::WrongValue(Expected::String),
        };
        length.reply(host, args, reply)
    }
}
