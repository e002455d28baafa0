//! What the commands share: words of text, compiled paths, matches, limits.

use std::{cell::RefCell, sync::Arc};

use keyspan_common::{
    args::{Arg, Args, Malformed},
    host::Host,
};
use keyspan_json_core::{
    Document, ValueRef,
    node::{Kind, Node},
    path::{Cache, Dialect, Locations, Path, Steps},
    print::{self, TooLong},
};

use smallvec::SmallVec;

use crate::{
    error::{Error, Expected, Limit},
    settings,
};

thread_local! {
    static PATHS: RefCell<Cache> = RefCell::new(Cache::new());
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that a value takes where it stands, without its blocks.
const WORD: usize = 8;

/// Bytes of the text buffer that are kept from one command to the next.
const TEXT_KEPT: usize = 1 << 16;

/// The next word; the host has checked the number of words, so that one is missing only where
/// the command's own grammar asks for more.
pub(crate) fn word<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Arg<'a>, Error> {
    args.take().map_err(|Malformed| Error::Arity(name))
}

/// Refuses a word that is no text.
pub(crate) fn check_text(word: Arg<'_>) -> Result<(), Error> {
    if word.bytes.is_ascii() || std::str::from_utf8(word.bytes).is_ok() {
        Ok(())
    } else {
        Err(Error::Utf8)
    }
}

/// The word as an integer.
pub(crate) fn integer(word: Arg<'_>) -> Result<i64, Error> {
    keyspan_common::number::parse_i64(word.bytes).ok_or(Error::NotInteger)
}

/// The path in `word`, compiled; the root in legacy form if there is none.
pub(crate) fn path(word: Option<Arg<'_>>) -> Result<Arc<Path>, Error> {
    let (text, dialect) = match word {
        Some(word) => {
            check_text(word)?;
            (word.bytes, settings::dialect())
        }
        None => (b".".as_slice(), Dialect::Redis),
    };
    Ok(PATHS.with_borrow_mut(|paths| paths.get_or_parse(text, dialect))?)
}

/// Whether `word` names the root as RedisJSON compares it, by its text.
pub(crate) fn is_root(word: Arg<'_>) -> bool {
    matches!(word.bytes, b"$" | b".")
}

/// The values that `path` matches, in order.
pub(crate) fn select<'a>(document: &'a Document, path: &Path) -> Result<Vec<ValueRef<'a>>, Error> {
    if path.is_definite() {
        return Ok(path.resolve(document.root()).into_iter().collect());
    }
    let mut found = Vec::new();
    path.select(document.root(), &mut settings::budget(), &mut found)?;
    Ok(found)
}

/// The first value that `path` matches.
pub(crate) fn first<'a>(
    document: &'a Document,
    path: &Path,
) -> Result<Option<ValueRef<'a>>, Error> {
    if path.is_definite() {
        return Ok(path.resolve(document.root()));
    }
    Ok(select(document, path)?.first().copied())
}

/// The places that `path` matches, in order.
pub(crate) fn locate(document: &Document, path: &Path) -> Result<Locations, Error> {
    let mut found = Locations::new();
    if path.is_definite() {
        let mut steps = Steps::new();
        if path.resolve_steps(document.root(), &mut steps).is_some() {
            found.push(&steps);
        }
    } else {
        path.locate(document.root(), &mut settings::budget(), &mut found)?;
    }
    Ok(found)
}

/// The places in order, without those at or below another one.
pub(crate) fn topmost(places: &Locations) -> SmallVec<[&[u32]; 2]> {
    let mut kept: SmallVec<[&[u32]; 2]> = places.iter().collect();
    kept.sort_unstable();
    // What lies below a place follows it directly in this order.
    kept.dedup_by(|below, above| below.starts_with(above));
    kept
}

/// The document and the path of a command that reads `key [path]`.
pub(crate) fn target<'h, H: Host<Document>>(
    host: &'h mut H,
    mut args: Args<'_>,
    name: &'static str,
) -> Result<(Option<&'h Document>, Arc<Path>), Error> {
    let key = word(&mut args, name)?;
    let place = args.take().ok();
    let document = host.read(key)?;
    Ok((document, path(place)?))
}

/// The document at `key`, for a command that needs one.
pub(crate) fn existing<'h, H: Host<Document>>(
    host: &'h mut H,
    key: Arg<'_>,
) -> Result<&'h mut Document, Error> {
    host.write(key)?.ok_or(Error::NoKey)
}

/// Announces that `key` changed by the command at hand, and replicates the command.
pub(crate) fn announce<H: Host<Document>>(host: &mut H, key: Arg<'_>, event: &'static str) {
    host.changed(key, event);
    host.replicate();
}

/// Checks the limits of a document that is about to hold `copies` of each of `values`, the deepest
/// below `depth` levels.
pub(crate) fn fits(
    document: &Document,
    depth: usize,
    values: &[Document],
    copies: usize,
) -> Result<(), Error> {
    let mut more = 0_usize;
    for value in values {
        if depth + nesting(value.root()) > settings::nesting_max() {
            return Err(Error::Limit(Limit::Nesting));
        }
        more = more.saturating_add(WORD.saturating_add(value.used()));
    }
    document_fits(document, more.saturating_mul(copies))
}

/// Checks that `document` may grow by `more` bytes.
pub(crate) fn document_fits(document: &Document, more: usize) -> Result<(), Error> {
    let max = settings::document_max();
    if max < usize::MAX && document.memory().saturating_add(more) > max {
        return Err(Error::Limit(Limit::DocumentSize));
    }
    Ok(())
}

/// Checks the limits of a whole document.
pub(crate) fn fits_alone(value: &Document) -> Result<(), Error> {
    let limit = settings::nesting_max();
    if limit < 127 && nesting(value.root()) > limit {
        return Err(Error::Limit(Limit::Nesting));
    }
    let max = settings::document_max();
    if max < usize::MAX && value.memory() > max {
        return Err(Error::Limit(Limit::DocumentSize));
    }
    Ok(())
}

/// Levels of arrays and objects in `value`: 0 for a scalar.
pub(crate) fn nesting(value: ValueRef<'_>) -> usize {
    match value.kind() {
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => 0,
        Kind::Array(len) => {
            1 + (0..len).filter_map(|i| value.element(i)).map(nesting).max().unwrap_or(0)
        }
        Kind::Object(len) => {
            1 + (0..len).filter_map(|i| value.member(i)).map(|m| nesting(m.1)).max().unwrap_or(0)
        }
    }
}

/// Runs `write` with an empty buffer that keeps its memory from one command to the next.
pub(crate) fn with_text<T>(write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    TEXT.with_borrow_mut(|text| {
        text.clear();
        let result = write(text);
        if text.capacity() > TEXT_KEPT {
            *text = Vec::new();
        }
        result
    })
}

/// Appends the compact text of `value`.
pub(crate) fn print(value: ValueRef<'_>, text: &mut Vec<u8>) -> Result<(), Error> {
    print::compact(value, text, settings::reply_max()).map_err(|TooLong| Error::Limit(Limit::Reply))
}

/// The only match of a legacy path, or the error that names what was expected.
pub(crate) fn last_or<T>(found: Option<T>, expected: Expected) -> Result<T, Error> {
    found.ok_or(Error::PathMissingOrNot(expected))
}
