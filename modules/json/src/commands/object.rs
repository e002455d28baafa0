//! JSON.OBJKEYS, JSON.OBJLEN, JSON.TOGGLE.

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

use super::{KEY, PATH, row};
use crate::{
    access::{announce, existing, last_or, locate, path, select, target, word},
    answer,
    error::{Error, Expected},
    length::Length,
};

fn object_len(value: ValueRef<'_>) -> Option<usize> {
    match value.kind() {
        Kind::Object(len) => Some(len),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Array(_) => None,
    }
}

/// `JSON.OBJKEYS key [path]`
#[derive(Debug)]
pub struct ObjKeys;

fn keys<R: Reply>(object: ValueRef<'_>, len: usize, reply: &mut R) {
    reply.array(len);
    for (name, _) in (0..len).filter_map(|position| object.member(position)) {
        reply.bulk(name);
    }
}

impl Command for ObjKeys {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The names of the members of the objects at a path",
        complexity: "O(M) where M is the number of members; O(D) more with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional()],
        ..row("json.objkeys", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let (document, path) = target(host, args, Self::ROW.name)?;
        let Some(document) = document else {
            return answer::no_key(&path, Error::NoKey, reply);
        };
        let found = select(document, &path)?;
        if path.is_legacy() {
            let Some(first) = found.first() else {
                reply.null();
                return Ok(());
            };
            keys(*first, last_or(object_len(*first), Expected::Object)?, reply);
            return Ok(());
        }
        reply.array(found.len());
        for value in found {
            match object_len(value) {
                Some(len) => keys(value, len, reply),
                None => reply.null(),
            }
        }
        Ok(())
    }
}

/// `JSON.OBJLEN key [path]`
#[derive(Debug)]
pub struct ObjLen;

impl Command for ObjLen {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The numbers of members of the objects at a path",
        complexity: "O(1); O(D) with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional()],
        ..row("json.objlen", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let length = Length {
            name: Self::ROW.name,
            of: object_len,
            no_key: Error::PathMissingOrNot(Expected::Object),
            missing: None,
            wrong: Error::WrongValue(Expected::Object),
        };
        length.reply(host, args, reply)
    }
}

/// `JSON.TOGGLE key path`
#[derive(Debug)]
pub struct Toggle;

impl Command for Toggle {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Turns true to false and false to true at a path",
        complexity: "O(1); O(D) with a path of many matches, D the size of the document",
        since: "2.0.0",
        arguments: &[KEY, PATH],
        ..row("json.toggle", Arity::Exactly(3), Access::Shrink)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let place = word(&mut args, Self::ROW.name)?;
        let document = existing(host, key)?;
        let path = path(Some(place))?;
        let mut results = Vec::new();
        for steps in locate(document, &path)?.iter() {
            let toggled = match document.at(steps).map(Node::kind) {
                Some(Kind::Bool(flag)) => document.set_bool(steps, !flag).then_some(!flag),
                _ => None,
            };
            results.push(toggled);
        }
        let last = results.iter().rev().find_map(|result| *result);
        if path.is_legacy() {
            last_or(last, Expected::Bool)?;
        }
        if last.is_some() {
            announce(host, key, "json.toggle");
        }
        match last {
            Some(flag) if path.is_legacy() => reply.bulk(if flag { b"true" } else { b"false" }),
            _ => {
                reply.array(results.len());
                for result in results {
                    answer::count_or_null(result.map(usize::from), reply);
                }
            }
        }
        Ok(())
    }
}
