//! JSON.DEL, JSON.FORGET, JSON.CLEAR: values taken out of documents.

use std::cmp::Reverse;

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Arity, Command, Row},
    host::Host,
    reply::Reply,
};
use keyspan_json_core::Document;
use smallvec::SmallVec;

use super::{KEY, PATH, row};
use crate::{
    access::{announce, existing, is_root, locate, path, topmost, word},
    error::Error,
};

/// `JSON.DEL key [path]`
#[derive(Debug)]
pub struct Del;

/// `JSON.FORGET key [path]`: JSON.DEL by its older name.
#[derive(Debug)]
pub struct Forget;

/// Deletes what `place` matches, nested matches with their ancestor; how many were deleted.
fn delete<H: Host<Document>>(
    host: &mut H,
    key: Arg<'_>,
    place: Option<Arg<'_>>,
) -> Result<usize, Error> {
    let Some(document) = host.write(key)? else { return Ok(0) };
    if place.is_none_or(is_root) {
        host.remove(key);
        return Ok(1);
    }
    let found = locate(document, &*path(place)?)?;
    Ok(remove_all(document, topmost(&found)))
}

/// Removes `places`, which are in order and none below another; how many there were.
fn remove_all(document: &mut Document, mut places: SmallVec<[&[u32]; 2]>) -> usize {
    // The deepest first, so that no removal moves a place that is still to come; and then siblings
    // stand together, whatever was found below those between them.
    places.sort_by_key(|place| Reverse(place.len()));
    let groups = places.chunk_by(|left, right| parent(left) == parent(right));
    groups.map(|siblings| remove_siblings(document, siblings)).sum()
}

fn parent(place: &[u32]) -> Option<&[u32]> {
    place.split_last().map(|(_, parent)| parent)
}

fn remove_siblings(document: &mut Document, siblings: &[&[u32]]) -> usize {
    let Some(parent) = siblings.first().and_then(|place| parent(place)) else { return 0 };
    let positions = siblings.iter().filter_map(|place| place.last().copied());
    document.remove_many(parent, &positions.collect::<SmallVec<[u32; 8]>>())
}

fn run_delete<H: Host<Document>, R: Reply>(
    host: &mut H,
    mut args: Args<'_>,
    reply: &mut R,
    name: &'static str,
) -> Result<(), Error> {
    let key = word(&mut args, name)?;
    let deleted = delete(host, key, args.take().ok())?;
    if deleted > 0 {
        announce(host, key, "json.del");
    }
    reply.integer(i64::try_from(deleted).unwrap_or(i64::MAX));
    Ok(())
}

impl Command for Del {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Deletes the values at a path, or the key",
        complexity: "O(N) where N is the size of the deleted values; O(D) more with a path of many matches, D the size of the document",
        arguments: &[KEY, PATH.optional()],
        ..row("json.del", Arity::AtLeast(2), Access::Shrink)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        run_delete(host, args, reply, Del::ROW.name)
    }
}

impl Command for Forget {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row { name: "json.forget", ..Del::ROW };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        run_delete(host, args, reply, Forget::ROW.name)
    }
}

/// `JSON.CLEAR key [path]`
#[derive(Debug)]
pub struct Clear;

impl Command for Clear {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Empties arrays and objects and sets numbers to 0 at a path",
        complexity: "O(N) where N is the size of the cleared values; O(D) more with a path of many matches, D the size of the document",
        since: "2.0.0",
        arguments: &[KEY, PATH.optional()],
        ..row("json.clear", Arity::AtLeast(2), Access::Shrink)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = word(&mut args, Clear::ROW.name)?;
        let place = args.take().ok();
        let document = existing(host, key)?;
        let found = locate(document, &*path(place)?)?;
        let cleared = topmost(&found).into_iter().filter(|steps| document.clear(steps)).count();
        if cleared > 0 {
            announce(host, key, "json.clear");
        }
        reply.integer(i64::try_from(cleared).unwrap_or(i64::MAX));
        Ok(())
    }
}
