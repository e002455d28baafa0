//! JSON.GET, JSON.MGET: values read as text, or as native replies.

use std::{collections::HashSet, sync::Arc};

use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row},
    host::Host,
    reply::Reply,
};
use keyspan_json_core::{
    Document, ValueRef,
    path::Path,
    print::{self, Style, TooLong},
};

use smallvec::SmallVec;

use super::{KEY, PATH, row};
use crate::{
    access::{self, check_text, first, path, select, with_text, word},
    error::{Error, Limit},
    expand, settings,
};

/// How JSON.GET replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Native replies all the way down.
    Expand,
    /// Native scalars, arrays and objects as text.
    Expand1,
    /// JSON text.
    Text,
}

/// `JSON.GET key [INDENT indent] [NEWLINE newline] [SPACE space] [FORMAT format] [path ...]`
#[derive(Debug)]
pub struct Get<'a> {
    key: Arg<'a>,
    style: Style<'a>,
    format: Format,
    paths: SmallVec<[Arg<'a>; 2]>,
}

impl<'a> Get<'a> {
    fn parse<R: Reply>(mut args: Args<'a>, reply: &R) -> Result<Self, Error> {
        let name = Get::ROW.name;
        let key = word(&mut args, name)?;
        let mut get =
            Self { key, style: Style::default(), format: Format::Text, paths: SmallVec::new() };
        while !args.is_empty() {
            get.option(&mut args, reply)?;
        }
        Ok(get)
    }

    fn option<R: Reply>(&mut self, args: &mut Args<'a>, reply: &R) -> Result<(), Error> {
        let name = Get::ROW.name;
        // Most words are paths, and no keyword starts like one.
        if args.peek().is_some_and(|word| matches!(word.bytes, [b'$' | b'.', ..])) {
            let path = word(args, name)?;
            check_text(path)?;
            self.paths.push(path);
        } else if args.take_keyword("INDENT") {
            self.style.indent = filling(args)?;
        } else if args.take_keyword("NEWLINE") {
            self.style.newline = filling(args)?;
        } else if args.take_keyword("SPACE") {
            self.style.space = filling(args)?;
        } else if args.take_keyword("NOESCAPE") {
            // An option of ReJSON 1.0 that later versions take and ignore.
        } else if args.take_keyword("FORMAT") {
            if !reply.is_resp3() {
                return Err(Error::FormatNeedsResp3);
            }
            self.format = format(word(args, name)?)?;
        } else {
            let path = word(args, name)?;
            check_text(path)?;
            self.paths.push(path);
        }
        Ok(())
    }

    /// Appends the reply's text.
    fn print(&self, document: &Document, text: &mut Vec<u8>) -> Result<(), Error> {
        match self.paths.as_slice() {
            [] => self.value(document.root(), 0, text),
            [only] => self.single(document, &*path(Some(*only))?, text),
            several => self.several(document, several, text),
        }
    }

    fn single(&self, document: &Document, path: &Path, text: &mut Vec<u8>) -> Result<(), Error> {
        if path.is_legacy() {
            let value = first(document, path)?.ok_or(Error::PathMissing)?;
            self.value(value, 0, text)
        } else if path.is_definite() && self.style == Style::default() {
            text.push(b'[');
            if let Some(value) = path.resolve(document.root()) {
                access::print(value, text)?;
            }
            text.push(b']');
            Ok(())
        } else if path.is_definite() {
            self.array(path.resolve(document.root()).as_slice(), 0, text)
        } else {
            self.array(&select(document, path)?, 0, text)
        }
    }

    /// An object with a member for each path that parses; a repeated path counts once.
    fn several(
        &self,
        document: &Document,
        words: &[Arg<'_>],
        text: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let compiled: Vec<(Arg<'_>, Arc<Path>)> =
            words.iter().filter_map(|word| Some((*word, path(Some(*word)).ok()?))).collect();
        let legacy = words.iter().all(|word| !starts_at_root(word.bytes));
        text.push(b'{');
        let mut seen: HashSet<&[u8]> = HashSet::new();
        for (word, path) in &compiled {
            let first_path = seen.is_empty();
            if !seen.insert(word.bytes) {
                continue;
            }
            self.separate(!first_path, 1, text);
            print::escaped(word.bytes, text);
            text.push(b':');
            text.extend_from_slice(self.style.space);
            if legacy {
                self.value(first(document, path)?.ok_or(Error::PathMissing)?, 1, text)?;
            } else {
                self.array(&select(document, path)?, 1, text)?;
            }
        }
        self.close(!seen.is_empty(), 0, text);
        text.push(b'}');
        Ok(())
    }

    fn array(
        &self,
        values: &[ValueRef<'_>],
        depth: usize,
        text: &mut Vec<u8>,
    ) -> Result<(), Error> {
        text.push(b'[');
        for (index, value) in values.iter().enumerate() {
            self.separate(index > 0, depth + 1, text);
            self.value(*value, depth + 1, text)?;
        }
        self.close(!values.is_empty(), depth, text);
        text.push(b']');
        Ok(())
    }

    fn separate(&self, comma: bool, depth: usize, text: &mut Vec<u8>) {
        if comma {
            text.push(b',');
        }
        self.break_line(depth, text);
    }

    fn close(&self, any: bool, depth: usize, text: &mut Vec<u8>) {
        if any {
            self.break_line(depth, text);
        }
    }

    fn break_line(&self, depth: usize, text: &mut Vec<u8>) {
        text.extend_from_slice(self.style.newline);
        for _ in 0..depth {
            text.extend_from_slice(self.style.indent);
        }
    }

    fn value(&self, value: ValueRef<'_>, depth: usize, text: &mut Vec<u8>) -> Result<(), Error> {
        if self.style == Style::default() {
            return access::print(value, text);
        }
        print::pretty(value, &self.style, depth, text, settings::reply_max())
            .map_err(|TooLong| Error::Limit(Limit::Reply))
    }

    /// Native replies: for each path an array of its matches; none for a path that does not parse.
    fn expand<R: Reply>(&self, document: &Document, reply: &mut R) -> Result<(), Error> {
        let root = Arg { bytes: b".", position: 0 };
        let words = if self.paths.is_empty() { std::slice::from_ref(&root) } else { &self.paths };
        let mut results = Vec::with_capacity(words.len());
        for word in words {
            results.push(match path(Some(*word)) {
                Ok(path) => select(document, &path)?,
                Err(_) => Vec::new(),
            });
        }
        let deep = self.format == Format::Expand;
        expand::check(results.iter().flatten().copied(), settings::reply_max())?;
        reply.array(results.len());
        for values in results {
            reply.array(values.len());
            for value in values {
                expand::value(value, deep, reply);
            }
        }
        Ok(())
    }
}

/// What a style puts between things.
fn filling<'a>(args: &mut Args<'a>) -> Result<&'a [u8], Error> {
    let filling = word(args, Get::ROW.name)?;
    check_text(filling)?;
    Ok(filling.bytes)
}

fn starts_at_root(path: &[u8]) -> bool {
    matches!(path, [b'$'] | [b'$', b'.' | b'[', ..])
}

fn format(word: Arg<'_>) -> Result<Format, Error> {
    match word.bytes.to_ascii_uppercase().as_slice() {
        b"STRING" => Ok(Format::Text),
        b"EXPAND1" => Ok(Format::Expand1),
        b"EXPAND" => Ok(Format::Expand),
        _ => Err(Error::ReplyFormat),
    }
}

impl Command for Get<'_> {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Reads the values at one or more paths as JSON text",
        complexity: "O(N) where N is the size of the values; O(D) more with a path of many matches, D the size of the document",
        arguments: &[
            KEY,
            Argument::new("indent", ArgumentKind::String).token("INDENT").optional(),
            Argument::new("newline", ArgumentKind::String).token("NEWLINE").optional(),
            Argument::new("space", ArgumentKind::String).token("SPACE").optional(),
            Argument::new("noescape", ArgumentKind::PureToken).token("NOESCAPE").optional(),
            Argument::new("format", ArgumentKind::OneOf).token("FORMAT").optional().parts(&[
                Argument::new("string", ArgumentKind::PureToken).token("STRING"),
                Argument::new("expand1", ArgumentKind::PureToken).token("EXPAND1"),
                Argument::new("expand", ArgumentKind::PureToken).token("EXPAND"),
            ]),
            PATH.optional().multiple(),
        ],
        ..row("json.get", Arity::AtLeast(2), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let get = Get::parse(args, reply)?;
        let Some(document) = host.read(get.key)? else {
            reply.null();
            return Ok(());
        };
        if get.format != Format::Text {
            return get.expand(document, reply);
        }
        with_text(|text| {
            get.print(document, text)?;
            reply.bulk(text);
            Ok(())
        })
    }
}

/// `JSON.MGET key [key ...] path`
#[derive(Debug)]
pub struct Mget;

impl Mget {
    /// The reply for one key, `false` if there is nothing to say.
    fn print(document: &Document, path: &Path, text: &mut Vec<u8>) -> Result<bool, Error> {
        if path.is_legacy() {
            let Some(value) = first(document, path)? else { return Ok(false) };
            access::print(value, text)?;
            return Ok(true);
        }
        text.push(b'[');
        for (index, value) in select(document, path)?.into_iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            access::print(value, text)?;
        }
        text.push(b']');
        Ok(true)
    }
}

impl Command for Mget {
    type Value = Document;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Reads the values at a path from several keys",
        complexity: "O(K*N) where K is the number of keys and N the size of the values of one; O(K*D) more with a path of many matches, D the size of a document",
        keys: Keys::Range { first: 1, last: -2, step: 1 },
        arguments: &[KEY.multiple(), PATH],
        ..row("json.mget", Arity::AtLeast(3), Access::Read)
    };

    fn run<H: Host<Document>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let mut keys: Vec<Arg<'_>> = args.into_iter().collect();
        let place = keys.pop().ok_or(Error::Arity(Mget::ROW.name))?;
        check_text(place)?;
        // A path that does not parse matches nothing in any key, as the reference replies.
        let path = path(Some(place)).ok();
        // Whole before the first byte goes out, so that a limit is still an error of its own.
        let mut texts: Vec<Option<Vec<u8>>> = Vec::with_capacity(keys.len());
        let mut left = settings::reply_max();
        for key in keys {
            let (Ok(Some(document)), Some(path)) = (host.read(key), &path) else {
                texts.push(None);
                continue;
            };
            let mut text = Vec::new();
            let found = Mget::print(document, path, &mut text)?;
            left = left.checked_sub(text.len()).ok_or(Error::Limit(Limit::Reply))?;
            texts.push(found.then_some(text));
        }
        reply.array(texts.len());
        for text in texts {
            match text {
                Some(text) => reply.bulk(&text),
                None => reply.null(),
            }
        }
        Ok(())
    }
}
