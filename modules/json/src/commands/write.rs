//! JSON.SET, JSON.MSET, JSON.MERGE: values put into documents.

use std::{collections::HashMap, slice::from_ref};

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
};
use keyspan_json_core::{
    path::{Last, Path, Steps},
    {Document, FloatKind},
};

use smallvec::{SmallVec, smallvec};

use super::{KEY, PATH, VALUE, row};
use crate::{
    access::{announce, check_text, fits, fits_alone, is_root, locate, path, topmost, word},
    error::Error,
};

/// When a value may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// Only where there is none.
    Absent,
    /// Always.
    None,
    /// Only where there is one.
    Present,
}

/// How the value of JSON.SET is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Bson,
    Json,
}

/// One change to a document, at a place that exists.
#[derive(Debug)]
enum Change {
    /// A new member of the object at these steps.
    Add { parent: Steps, name: Vec<u8> },
    /// A new value at these steps.
    Replace(Steps),
}

impl Change {
    fn depth(&self) -> usize {
        match self {
            Self::Add { parent, .. } => parent.len() + 1,
            Self::Replace(steps) => steps.len(),
        }
    }
}

type Changes = SmallVec<[Change; 1]>;

/// Where a value for `path` goes: every match, or else the one new member that `path` names.
fn changes(document: &Document, path: &Path, condition: Condition) -> Result<Changes, Error> {
    if condition != Condition::Absent {
        let places = locate(document, path)?;
        let found: Changes =
            topmost(&places).into_iter().map(|steps| Change::Replace(steps.into())).collect();
        if !found.is_empty() || condition == Condition::Present {
            return Ok(found);
        }
    }
    additions(document, path)
}

fn additions(document: &Document, path: &Path) -> Result<Changes, Error> {
    let Some((above, last)) = path.parent() else { return Err(Error::PathNotStatic) };
    let mut parent = Steps::new();
    match last {
        Last::Name(name) => Ok(match above.resolve_steps(document.root(), &mut parent) {
            Some(_) => smallvec![Change::Add { parent, name: name.to_vec() }],
            None => Changes::new(),
        }),
        // An index creates nothing: its place exists, or it is out of range.
        Last::Index(_) if path.resolve(document.root()).is_some() => Ok(Changes::new()),
        Last::Index(_) => Err(Error::IndexInPath),
    }
}

/// Puts `value` where `path` says; whether anything was put.
fn put(
    document: &mut Document,
    path: &Path,
    condition: Condition,
    value: &Document,
) -> Result<bool, Error> {
    let mut steps = Steps::new();
    // The usual case without a list of changes: one value that is there already.
    if condition != Condition::Absent && path.resolve_steps(document.root(), &mut steps).is_some() {
        fits(document, steps.len(), from_ref(value), 1)?;
        return Ok(document.replace(&steps, value.root()));
    }
    let changes = planned(document, path, condition, value)?;
    Ok(apply(document, &changes, value))
}

/// The changes that put `value` where `path` says, checked against the limits.
fn planned(
    document: &Document,
    path: &Path,
    condition: Condition,
    value: &Document,
) -> Result<Changes, Error> {
    let changes = changes(document, path, condition)?;
    if let Some(depth) = changes.iter().map(Change::depth).max() {
        fits(document, depth, from_ref(value), changes.len())?;
    }
    Ok(changes)
}

fn apply(document: &mut Document, changes: &[Change], value: &Document) -> bool {
    let mut changed = false;
    for change in changes {
        changed |= match change {
            Change::Add { parent, name } => document.insert_member(parent, name, value.root()),
            Change::Replace(steps) => document.replace(steps, value.root()),
        };
    }
    changed
}

/// `JSON.SET key path value [NX | XX] [FPHA type] [FORMAT format]`
#[derive(Debug)]
pub struct Set<'a> {
    key: Arg<'a>,
    path: Arg<'a>,
    value: Arg<'a>,
    condition: Condition,
    format: Format,
    floats: Option<FloatKind>,
}

impl<'a> Set<'a> {
    fn parse(mut args: Args<'a>) -> Result<Self, Error> {
        let name = Set::ROW.name;
        let mut set = Self {
            key: word(&mut args, name)?,
            path: word(&mut args, name)?,
            value: word(&mut args, name)?,
            condition: Condition::None,
            format: Format::Json,
            floats: None,
        };
        check_text(set.path)?;
        while !args.is_empty() {
            set.option(&mut args)?;
        }
        Ok(set)
    }

    fn option(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        let free = self.condition == Condition::None;
        if free && args.take_keyword("NX") {
            self.condition = Condition::Absent;
        } else if free && args.take_keyword("XX") {
            self.condition = Condition::Present;
        } else if args.take_keyword("FORMAT") {
            self.format = format(word(args, Set::ROW.name)?)?;
        } else if args.take_keyword("FPHA") {
            self.floats = Some(float_kind(word(args, Set::ROW.name)?)?);
        } else {
            return Err(Error::Syntax);
        }
        Ok(())
    }

    fn document(&self) -> Result<Document, Error> {
        match self.format {
            Format::Bson => Document::from_bson(self.value.bytes),
            Format::Json => Document::parse_as(self.value.bytes, self.floats),
        }
        .map_err(|error| Error::json(&error))
    }
}

fn format(word: Arg<'_>) -> Result<Format, Error> {
    match word.bytes.to_ascii_uppercase().as_slice() {
        b"STRING" | b"JSON" => Ok(Format::Json),
        b"BSON" => Ok(Format::Bson),
        _ => Err(Error::Format),
    }
}

fn float_kind(word: Arg<'_>) -> Result<FloatKind, Error> {
    match word.bytes.to_ascii_uppercase().as_slice() {
        b"BF16" => Ok(FloatKind::Bf16),
        b"FP16" => Ok(FloatKind::F16),
        b"FP32" => Ok(FloatKind::F32),
        b"FP64" => Ok(FloatKind::F64),
        _ => Err(Error::FloatType),
    }
}

impl Command for Set<'_> {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Sets or updates the JSON value at a path",
        complexity: "O(M+N) where M is the size of the replaced value and N of the new one; O(D+N) with a path of many matches, D the size of the document",
        arguments: &[
            KEY,
            PATH,
            VALUE,
            Argument::new("condition", ArgumentKind::OneOf).optional().parts(&[
                Argument::new("nx", ArgumentKind::PureToken).token("NX"),
                Argument::new("xx", ArgumentKind::PureToken).token("XX"),
            ]),
            Argument::new("fpha", ArgumentKind::OneOf).token("FPHA").optional().parts(&[
                Argument::new("bf16", ArgumentKind::PureToken).token("BF16"),
                Argument::new("fp16", ArgumentKind::PureToken).token("FP16"),
                Argument::new("fp32", ArgumentKind::PureToken).token("FP32"),
                Argument::new("fp64", ArgumentKind::PureToken).token("FP64"),
            ]),
            Argument::new("format", ArgumentKind::OneOf).token("FORMAT").optional().parts(&[
                Argument::new("string", ArgumentKind::PureToken).token("STRING"),
                Argument::new("json", ArgumentKind::PureToken).token("JSON"),
                Argument::new("bson", ArgumentKind::PureToken).token("BSON"),
            ]),
        ],
        ..row("json.set", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let set = Set::parse(args)?;
        let root = is_root(set.path);
        let changed = match host.write(set.key)? {
            Some(document) if !root => {
                let value = set.document()?;
                put(document, &*path(Some(set.path))?, set.condition, &value)?
            }
            current => {
                let value = set.document()?;
                match (current, set.condition) {
                    (None, Condition::Present) | (Some(_), Condition::Absent) => false,
                    (None, _) if !root => return Err(Error::NotAtRoot),
                    (Some(document), _) => {
                        fits_alone(&value)?;
                        // In place: the key keeps its time to live, as in the reference.
                        *document = value;
                        true
                    }
                    (None, _) => {
                        fits_alone(&value)?;
                        host.insert(set.key, value);
                        true
                    }
                }
            }
        };
        if !changed {
            reply.null();
            return Ok(());
        }
        announce(host, set.key, "json.set");
        reply.ok();
        Ok(())
    }
}

/// `JSON.MSET key path value [key path value ...]`
#[derive(Debug)]
pub struct Mset;

struct Assignment<'a> {
    key: Arg<'a>,
    path: Arg<'a>,
    value: Document,
}

impl Mset {
    /// Checks one triple against the keyspace as it is before the command.
    fn check<'a, H: Host<Document>>(
        host: &mut H,
        args: &mut Args<'a>,
    ) -> Result<Assignment<'a>, Error> {
        let name = Mset::ROW.name;
        let (key, place, word) = (word(args, name)?, word(args, name)?, word(args, name)?);
        check_text(place)?;
        let parse = || Document::parse(word.bytes).map_err(|error| Error::json(&error));
        let value = match host.read(key)? {
            None if !is_root(place) => return Err(Error::NotAtRoot),
            Some(document) if !is_root(place) => {
                let path = path(Some(place))?;
                changes(document, &path, Condition::None)?;
                let value = parse()?;
                planned(document, &path, Condition::None, &value)?;
                value
            }
            _ => {
                let value = parse()?;
                fits_alone(&value)?;
                value
            }
        };
        Ok(Assignment { key, path: place, value })
    }

    /// Tries the triples of keys that come several times on copies: each was checked against the
    /// keyspace as it is, and may not fit any more behind those before it.
    fn rehearse<H: Host<Document>>(
        host: &mut H,
        assignments: &[Assignment<'_>],
    ) -> Result<(), Error> {
        let mut times: HashMap<&[u8], usize> = HashMap::new();
        for assignment in assignments {
            *times.entry(assignment.key.bytes).or_default() += 1;
        }
        let mut copies: HashMap<&[u8], Document> = HashMap::new();
        for Assignment { key, path: place, value } in assignments {
            if times.get(key.bytes).is_none_or(|times| *times < 2) {
                continue;
            }
            if !copies.contains_key(key.bytes) {
                let copy = host.read(*key)?.cloned().unwrap_or_else(Document::null);
                copies.insert(key.bytes, copy);
            }
            let Some(copy) = copies.get_mut(key.bytes) else { continue };
            if is_root(*place) {
                copy.clone_from(value);
            } else {
                put(copy, &*path(Some(*place))?, Condition::None, value)?;
            }
        }
        Ok(())
    }

    /// Applies one triple; what an earlier triple of the command has taken away is skipped.
    fn apply<H: Host<Document>>(host: &mut H, assignment: Assignment<'_>) -> bool {
        let Assignment { key, path: place, value } = assignment;
        if is_root(place) {
            match host.write(key) {
                // In place: the key keeps its time to live, as in the reference.
                Ok(Some(document)) => *document = value,
                _ => host.insert(key, value),
            }
            return true;
        }
        let (Ok(Some(document)), Ok(path)) = (host.write(key), path(Some(place))) else {
            return false;
        };
        put(document, &path, Condition::None, &value).unwrap_or(false)
    }
}

impl Command for Mset {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Sets or updates the JSON values at paths of several keys, all or none",
        complexity: "O(K*(M+N)) where K is the number of keys, M the size of a replaced value and N of a new one",
        since: "2.6.0",
        keys: Keys::Range { first: 1, last: -3, step: 3 },
        arguments: &[Argument::new("triplet", ArgumentKind::Block)
            .multiple()
            .parts(&[KEY, PATH, VALUE])],
        ..row("json.mset", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        if !args.len().is_multiple_of(3) {
            return Err(Error::Arity(Mset::ROW.name));
        }
        let mut assignments = Vec::with_capacity(args.len() / 3);
        while !args.is_empty() {
            assignments.push(Mset::check(host, &mut args)?);
        }
        Mset::rehearse(host, &assignments)?;
        let mut changed = false;
        for assignment in assignments {
            let key = assignment.key;
            if Mset::apply(host, assignment) {
                host.changed(key, "json.mset");
                changed = true;
            }
        }
        if changed {
            host.replicate();
        }
        reply.ok();
        Ok(())
    }
}

/// `JSON.MERGE key path value`
#[derive(Debug)]
pub struct Merge;

/// What JSON.MERGE did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merged {
    Changed,
    Missing,
    Same,
}

impl Merge {
    fn merge(document: &mut Document, path: &Path, patch: &Document) -> Result<Merged, Error> {
        let changes = planned(document, path, Condition::None, patch)?;
        let mut merged = Merged::Missing;
        for change in &changes {
            let (done, changed) = match change {
                Change::Add { parent, name } => {
                    let added = document.insert_member(parent, name, patch.root());
                    (added, added)
                }
                Change::Replace(steps) => (true, document.merge(steps, patch.root())),
            };
            merged = match (merged, done, changed) {
                (_, _, true) => Merged::Changed,
                (Merged::Missing, true, false) => Merged::Same,
                (before, _, _) => before,
            };
        }
        Ok(merged)
    }
}

impl Command for Merge {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Merges a JSON value into the values at a path, as RFC 7396 says",
        complexity: "O(M+N) where M is the size of the value at the path and N of the merged one",
        since: "2.6.0",
        arguments: &[KEY, PATH, VALUE],
        ..row("json.merge", Arity::AtLeast(4), Access::Grow)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let name = Merge::ROW.name;
        let (key, place, word) =
            (word(&mut args, name)?, word(&mut args, name)?, word(&mut args, name)?);
        check_text(place)?;
        let parse = || Document::parse(word.bytes).map_err(|error| Error::json(&error));
        let merged = match host.write(key)? {
            Some(document) => {
                let patch = parse()?;
                Merge::merge(document, &*path(Some(place))?, &patch)?
            }
            None => {
                let value = parse()?;
                if !is_root(place) {
                    return Err(Error::NotAtRoot);
                }
                fits_alone(&value)?;
                host.insert(key, value);
                Merged::Changed
            }
        };
        if merged == Merged::Changed {
            announce(host, key, "json.merge");
        }
        if merged == Merged::Missing {
            reply.null()
        } else {
            reply.ok()
        }
        Ok(())
    }
}
