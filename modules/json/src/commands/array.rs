//! JSON.ARRAPPEND, JSON.ARRINDEX, JSON.ARRINSERT, JSON.ARRLEN, JSON.ARRPOP, JSON.ARRTRIM.

use std::ops::Range;

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    reply::Reply,
};
use keyspan_json_core::{
    Document, ValueRef,
    node::{Kind, Node},
    path::{Locations, Path},
    print,
};

use super::{KEY, PATH, VALUE, row};
use crate::{
    access::{announce, check_text, existing, fits, integer, last_or, locate, path, select, word},
    answer::{self, count},
    error::{Error, Expected},
    length::Length,
};

const INDEX: Argument = Argument::new("index", ArgumentKind::Integer);
const START: Argument = Argument::new("start", ArgumentKind::Integer);
const STOP: Argument = Argument::new("stop", ArgumentKind::Integer);

fn array_len(value: ValueRef<'_>) -> Option<usize> {
    match value.kind() {
        Kind::Array(len) => Some(len),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Object(_) => None,
    }
}

fn array_len_at(document: &Document, steps: &[u32]) -> Option<usize> {
    document.at(steps).and_then(array_len)
}

/// The remaining words, each a JSON value; one at least.
fn values(args: Args<'_>, name: &'static str) -> Result<Vec<Document>, Error> {
    if args.is_empty() {
        return Err(Error::Arity(name));
    }
    args.into_iter()
        .map(|word| Document::parse(word.bytes).map_err(|error| Error::json(&error)))
        .collect()
}

/// Refuses to put `values` into the arrays at `places` where a limit forbids it.
fn check_room(document: &Document, places: &Locations, values: &[Document]) -> Result<(), Error> {
    let arrays = places.iter().filter(|steps| array_len_at(document, steps).is_some());
    let depths = arrays.map(|steps| steps.len() + 1);
    let (copies, deepest) = depths.fold((0, 0), |(n, deepest), depth| (n + 1, deepest.max(depth)));
    if copies == 0 { Ok(()) } else { fits(document, deepest, values, copies) }
}

/// Runs `edit` on the place of every match from the last to the first, so that no edit moves a
/// place that is still to come; the results stand in the order of the matches.
fn edit_all<T>(
    document: &mut Document,
    places: &Locations,
    mut edit: impl FnMut(&mut Document, &[u32]) -> Option<T>,
) -> Vec<Option<T>> {
    let mut results: Vec<Option<T>> =
        places.iter().rev().map(|steps| edit(document, steps)).collect();
    results.reverse();
    results
}

/// Announces a change if there was one, then replies the new lengths; an error in legacy mode
/// where no match is an array.
fn finish_lengths<H: Host<Document>, R: Reply>(
    host: &mut H,
    key: Arg<'_>,
    event: &'static str,
    (path, lengths, changed): (&Path, &[Option<usize>], bool),
    reply: &mut R,
) -> Result<(), Error> {
    let last = lengths.iter().rev().find_map(|length| *length);
    if path.is_legacy() {
        last_or(last, Expected::Array)?;
    }
    if changed {
        announce(host, key, event);
    }
    answer::counts(path, lengths, last, reply);
    Ok(())
}

/// `JSON.ARRAPPEND key path value [value ...]`
#[derive(Debug)]
pub struct ArrAppend;

impl Command for ArrAppend {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Appends values to the arrays at a path",
        complexity: "O(N) where N is the size of the values; O(D) more with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH, VALUE.multiple()],
        ..row("json.arrappend", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let place = word(&mut args, Self::ROW.name)?;
        let values = values(args, Self::ROW.name)?;
        let document = existing(host, key)?;
        let path = path(Some(place))?;
        let places = locate(document, &path)?;
        check_room(document, &places, &values)?;
        let lengths = edit_all(document, &places, |document, steps| {
            let len = array_len_at(document, steps)?;
            document.array_insert(steps, len, &values)
        });
        let changed = lengths.iter().any(Option::is_some);
        finish_lengths(host, key, "json.arrappend", (&path, &lengths, changed), reply)
    }
}

/// `JSON.ARRINSERT key path index value [value ...]`
#[derive(Debug)]
pub struct ArrInsert;

/// Where `index` inserts into an array of `len` elements; negative counts from the end.
fn insertion(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(count(len))? } else { index };
    usize::try_from(index).ok().filter(|index| *index <= len)
}

impl Command for ArrInsert {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Inserts values into the arrays at a path before an index",
        complexity: "O(L+N) where L is the length of the array and N the size of the values; O(D) more with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH, INDEX, VALUE.multiple()],
        ..row("json.arrinsert", Arity::AtLeast(5), Access::Grow)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let place = word(&mut args, Self::ROW.name)?;
        let index = integer(word(&mut args, Self::ROW.name)?)?;
        let values = values(args, Self::ROW.name)?;
        let document = existing(host, key)?;
        let path = path(Some(place))?;
        let places = locate(document, &path)?;
        check_room(document, &places, &values)?;
        for len in places.iter().filter_map(|steps| array_len_at(document, steps)) {
            insertion(index, len).ok_or(Error::IndexOutOfBounds)?;
        }
        let lengths = edit_all(document, &places, |document, steps| {
            let at = insertion(index, array_len_at(document, steps)?)?;
            document.array_insert(steps, at, &values)
        });
        let changed = lengths.iter().any(Option::is_some);
        finish_lengths(host, key, "json.arrinsert", (&path, &lengths, changed), reply)
    }
}

/// `JSON.ARRINDEX key path value [start [stop]]`
#[derive(Debug)]
pub struct ArrIndex;

/// The elements to search; `stop` is exclusive, 0 is the end, negative counts from the end.
fn search_range(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = count(len);
    let start = if start < 0 { start.saturating_add(len).max(0) } else { start.min(len - 1) };
    let stop = match stop {
        0 => len,
        stop if stop < 0 => stop.saturating_add(len),
        stop => stop.min(len),
    };
    usize::try_from(start).unwrap_or(0)..usize::try_from(stop).unwrap_or(0)
}

/// The index of the first element equal to `wanted`, -1 if there is none; `None` if `value` is
/// no array.
fn search(value: ValueRef<'_>, wanted: ValueRef<'_>, start: i64, stop: i64) -> Option<i64> {
    let len = array_len(value)?;
    let found = search_range(start, stop, len)
        .find(|index| value.element(*index).is_some_and(|element| element == wanted));
    Some(found.map_or(-1, count))
}

impl Command for ArrIndex {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The index of the first occurrence of a value in the arrays at a path",
        complexity: "O(L) where L is the length of the array; O(D) more with a path of many matches, D the size of the document",
        arguments: &[
            KEY,
            PATH,
            VALUE,
            Argument::new("range", ArgumentKind::Block).optional().parts(&[START, STOP.optional()]),
        ],
        ..row("json.arrindex", Arity::AtLeast(4), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let name = Self::ROW.name;
        let key = word(&mut args, name)?;
        let place = word(&mut args, name)?;
        let value = word(&mut args, name)?;
        let wanted = Document::parse(value.bytes).map_err(|error| Error::json_with_code(&error))?;
        let start = args.take().ok().map_or(Ok(0), integer)?;
        let stop = args.take().ok().map_or(Ok(0), integer)?;
        args.finish().map_err(|_| Error::Arity(name))?;
        let document = host.read(key)?.ok_or(Error::PathMissing)?;
        let path = path(Some(place))?;
        let found: Vec<Option<i64>> = select(document, &path)?
            .into_iter()
            .map(|value| search(value, wanted.root(), start, stop))
            .collect();
        if path.is_legacy() {
            let first = found.first().ok_or(Error::PathMissing)?;
            reply.integer(first.ok_or(Error::WrongValue(Expected::Array))?);
            return Ok(());
        }
        reply.array(found.len());
        for index in found {
            match index {
                Some(index) => reply.integer(index),
                None => reply.null(),
            }
        }
        Ok(())
    }
}

/// `JSON.ARRLEN key [path]`
#[derive(Debug)]
pub struct ArrLen;

impl Command for ArrLen {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "The lengths of the arrays at a path",
        complexity: "O(1); O(D) with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional()],
        ..row("json.arrlen", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let length = Length {
            name: Self::ROW.name,
            of: array_len,
            no_key: Error::NoKey,
            missing: Some(Error::PathMissing),
            wrong: Error::PathMissingOrNot(Expected::Array),
        };
        length.reply(host, args, reply)
    }
}

/// `JSON.ARRPOP key [path [index]]`
#[derive(Debug)]
pub struct ArrPop;

/// The element that `index` names in an array of `len` elements, clamped to its ends.
fn clamped(index: i64, len: usize) -> usize {
    let len = count(len);
    let index = if index < 0 { index.saturating_add(len).max(0) } else { index.min(len - 1) };
    usize::try_from(index).unwrap_or(0)
}

/// The text of the element that was taken out, `Some(None)` for an empty array.
type Popped = Option<Vec<u8>>;

fn pop(document: &mut Document, steps: &[u32], index: i64) -> Option<Popped> {
    let len = array_len_at(document, steps)?;
    if len == 0 {
        return Some(None);
    }
    let at = clamped(index, len);
    let mut text = Vec::new();
    // No limit: what is taken out must be replied, and it is no larger than the document.
    print::compact(document.at(steps)?.element(at)?, &mut text, usize::MAX).ok()?;
    let mut child = steps.to_vec();
    child.push(u32::try_from(at).ok()?);
    document.remove(&child).then_some(Some(text))
}

fn popped<R: Reply>(popped: Option<&Popped>, reply: &mut R) {
    match popped {
        Some(Some(text)) => reply.bulk(text),
        Some(None) | None => reply.null(),
    }
}

impl Command for ArrPop {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Removes and replies an element of the arrays at a path",
        complexity: "O(L+N) where L is the length of the array and N the size of the element, O(N) for the last one; O(D) more with a path of many matches, D the size of the document",
        arguments: &[
            KEY,
            Argument::new("place", ArgumentKind::Block).optional().parts(&[PATH, INDEX.optional()]),
        ],
        ..row("json.arrpop", Arity::AtLeast(2), Access::Shrink)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let place = args.take().ok();
        // The reference takes an index that is no number as the default one.
        let index = args.take().ok().and_then(|word| integer(word).ok()).unwrap_or(-1);
        let document = existing(host, key)?;
        let path = path(place)?;
        let places = locate(document, &path)?;
        let results = edit_all(document, &places, |document, steps| pop(document, steps, index));
        let last = results.iter().rev().find_map(Option::as_ref);
        if path.is_legacy() {
            last_or(last, Expected::Array)?;
        }
        if results.iter().flatten().any(Option::is_some) {
            announce(host, key, "json.arrpop");
        }
        if path.is_legacy() {
            popped(last, reply);
            return Ok(());
        }
        reply.array(results.len());
        for result in &results {
            popped(result.as_ref(), reply);
        }
        Ok(())
    }
}

/// `JSON.ARRTRIM key path start stop`
#[derive(Debug)]
pub struct ArrTrim;

/// The elements to keep; `stop` is inclusive, negative counts from the end.
fn kept(start: i64, stop: i64, len: usize) -> Range<usize> {
    if len == 0 || start >= count(len) {
        return 0..0;
    }
    let (start, stop) = (clamped(start, len), clamped(stop, len));
    if start > stop { 0..0 } else { start..stop + 1 }
}

impl Command for ArrTrim {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Trims the arrays at a path to a range of elements",
        complexity: "O(N) where N is the size of the array; O(D) more with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH, START, STOP],
        ..row("json.arrtrim", Arity::Exactly(5), Access::Shrink)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Self::ROW.name)?;
        let place = word(&mut args, Self::ROW.name)?;
        check_text(place)?;
        let start = integer(word(&mut args, Self::ROW.name)?)?;
        let stop = integer(word(&mut args, Self::ROW.name)?)?;
        let document = existing(host, key)?;
        let path = path(Some(place))?;
        let places = locate(document, &path)?;
        let mut changed = false;
        let lengths = edit_all(document, &places, |document, steps| {
            let len = array_len_at(document, steps)?;
            let kept = kept(start, stop, len);
            changed |= kept.len() < len;
            document.array_keep(steps, kept)
        });
        finish_lengths(host, key, "json.arrtrim", (&path, &lengths, changed), reply)
    }
}
