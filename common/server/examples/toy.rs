//! The smallest module that uses everything `keyspan-server` offers: one type, a command for each
//! kind of trouble, and no `unsafe`. `tests/toy.rs` drives it on a real server.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use keyspan_common::args::{Args, Malformed};
use keyspan_common::command::{Access, Argument, ArgumentKind, Arity, Command, Keys, Row};
use keyspan_common::data_type::{DataType, Mover, Progress};
use keyspan_common::host::{Host, WrongType};
use keyspan_common::rdb::search_aux::{Dictionaries, Indexes};
use keyspan_common::rdb::{self, Encoding, Read, Write};
use keyspan_common::reply::Reply;
use keyspan_common::settings::{Figure, Kind, Setting};
use keyspan_common::wire::Wire;
use keyspan_server::{LoadArguments, capabilities};

static LIMIT: Setting =
    Setting::new("limit", "Longest text", Kind::Memory { max: 1 << 40 }, 1 << 30);
static MODE: Setting = Setting::new("mode", "How to greet", Kind::Choice(&["plain", "loud"]), 0);
static STRICT: Setting = Setting::new("strict", "Refuse empty texts", Kind::Bool, 0);
static ENCODING: Setting =
    Setting::new("encoding", "RDB encoding", Kind::Integer { min: 1, max: 2 }, 1).fixed();
static SETTINGS: [&Setting; 4] = [&LIMIT, &MODE, &STRICT, &ENCODING];

keyspan_server::module! {
    name: "toy",
    version: 10203,
    types: [Text => encoding],
    commands: [Set, Get, Del, Panic, Half, TooMuch, Shapes, Sleep, Wrong],
    settings: &SETTINGS,
    info: figures,
    load: ready,
    foreign: "skip-search-aux" => [Indexes, Dictionaries], [],
}

fn encoding() -> u32 {
    u32::try_from(ENCODING.get()).unwrap_or(1)
}

fn figures(line: &mut dyn FnMut(&str, Figure<'_>)) {
    line("limit", Figure::Count(LIMIT.get().unsigned_abs()));
    line("greeting", Figure::Text("hello"));
    line("record", Figure::Count(RECORD.load(Ordering::Relaxed)));
}

fn ready(arguments: &LoadArguments) -> Result<(), String> {
    keyspan_server::log::line(
        keyspan_server::log::Level::Notice,
        &format!("{:?}, skips {}", capabilities(), arguments.has("skip-search-aux")),
    );
    Ok(())
}

/// A text in blocks of 1000 bytes, so that a long one takes some effort to free.
#[derive(Clone, Debug)]
struct Text {
    blocks: Vec<Vec<u8>>,
}

impl Text {
    fn new(bytes: &[u8]) -> Self {
        Self { blocks: bytes.chunks(1000).map(<[u8]>::to_vec).collect() }
    }

    fn bytes(&self) -> Vec<u8> {
        self.blocks.concat()
    }
}

impl rdb::Value for Text {
    const TYPE_NAMES: &'static [&'static str] = &["toy-text0"];

    fn load<R: Read>(
        reader: &mut R,
        Encoding { version, .. }: Encoding,
    ) -> Result<Self, rdb::Error> {
        match version {
            1 => Ok(Self::new(reader.bytes()?.as_ref())),
            2 => {
                let len = reader.unsigned()?;
                assert!(len != u64::MAX, "on purpose");
                let text = Self::new(reader.bytes()?.as_ref());
                let fits = text.bytes().len() as u64 == len;
                if fits { Ok(text) } else { Err(rdb::Error::Invalid) }
            }
            _ => Err(rdb::Error::Version),
        }
    }

    fn save<W: Write>(&self, writer: &mut W, version: u32) {
        let bytes = self.bytes();
        if version == 2 {
            writer.unsigned(bytes.len() as u64);
        }
        writer.bytes(&bytes);
    }
}

/// What was read from the last file's record, or 7 where there was none.
static RECORD: AtomicU64 = AtomicU64::new(7);

impl DataType for Text {
    const SAVES_AUX: bool = true;

    fn save_aux<W: Write>(writer: &mut W, before_keys: bool) {
        if before_keys {
            writer.unsigned(RECORD.load(Ordering::Relaxed) + 1);
        }
    }

    fn load_aux<R: Read>(reader: &mut R, _: u32, before_keys: bool) -> Result<(), rdb::Error> {
        if before_keys {
            RECORD.store(reader.unsigned()?, Ordering::Relaxed);
        }
        Ok(())
    }

    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        let bytes = self.bytes();
        if bytes == b"many" {
            emit("TOY.SET", &[b"1", b"2", b"3", b"4", b"many"]);
        } else {
            emit("TOY.SET", &[&bytes]);
        }
    }

    fn memory(&self) -> usize {
        self.blocks.iter().map(Vec::capacity).sum::<usize>()
            + self.blocks.capacity() * size_of::<Vec<u8>>()
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        self.blocks.iter().for_each(|block| sink(block));
    }

    fn effort(&self) -> usize {
        self.blocks.len()
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        let start = usize::try_from(from).unwrap_or(0);
        for (index, block) in self.blocks.iter_mut().enumerate().skip(start) {
            if mover.should_stop() {
                return Progress::Paused(index as u64);
            }
            *block = mover.relocate(std::mem::take(block));
        }
        Progress::Done
    }
}

/// Everything that goes wrong here.
enum Error {
    Malformed,
    Nul,
    WrongType,
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        match self {
            Self::Malformed => "ERR syntax error",
            Self::Nul => "ERR a\0b",
            Self::WrongType => "WRONGTYPE not a text",
        }
        .into()
    }
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<WrongType> for Error {
    fn from(_: WrongType) -> Self {
        Self::WrongType
    }
}

const fn row(name: &'static str, arity: Arity, access: Access, keys: Keys) -> Row {
    Row {
        fast: false,
        name,
        summary: "Does what the test needs",
        complexity: "O(1)",
        since: "1.0.0",
        arity,
        access,
        keys,
        category: "toy",
        arguments: &[],
        tips: &[],
    }
}

/// Declares a command from its row and the body of `run`.
macro_rules! command {
    ($(#[$doc:meta])* $name:ident, $row:expr, |$host:ident, $args:ident, $reply:ident| $body:block)
    => {
        $(#[$doc])*
        struct $name;

        impl Command for $name {
            type Value = Text;
            type Error = Error;
            const ROW: Row = $row;

            fn run<H: Host<Text>, R: Reply>(
                $host: &mut H,
                $args: Args<'_>,
                $reply: &mut R,
            ) -> Result<(), Error> {
                $body
            }
        }
    };
}

const SET_ARGUMENTS: &[Argument] = &[
    Argument::new("key", ArgumentKind::Key),
    Argument::new("condition", ArgumentKind::OneOf).optional().parts(&[
        Argument::new("nx", ArgumentKind::PureToken).token("NX"),
        Argument::new("xx", ArgumentKind::PureToken).token("XX"),
    ]),
    Argument::new("value", ArgumentKind::String).multiple(),
];

command!(
    /// `TOY.SET key value...`: the last word counts.
    Set,
    Row {
        arguments: SET_ARGUMENTS,
        ..row("TOY.SET", Arity::AtLeast(3), Access::Grow, Keys::FIRST)
    },
    |host, args, reply| {
        let mut args = args;
        let key = args.take()?;
        let value = args.into_iter().last().ok_or(Malformed)?;
        let text = Text::new(value.bytes);
        match host.write(key)? {
            Some(stored) => *stored = text,
            None => host.insert(key, text),
        }
        host.replicate();
        host.changed(key, "toy.set");
        reply.ok();
        Ok(())
    }
);

command!(
    /// `TOY.GET key`
    Get,
    row("TOY.GET", Arity::Exactly(2), Access::Read, Keys::FIRST),
    |host, args, reply| {
        let mut args = args;
        let key = args.take()?;
        match host.read(key)? {
            Some(text) => match text.blocks.as_slice() {
                [only] => reply.bulk(only),
                _ => reply.bulk(&text.bytes()),
            },
            None => reply.null(),
        }
        Ok(())
    }
);

command!(
    /// `TOY.DEL key`
    Del,
    row("TOY.DEL", Arity::Exactly(2), Access::Shrink, Keys::FIRST),
    |host, args, reply| {
        let mut args = args;
        let key = args.take()?;
        let found = host.write(key)?.is_some();
        if found {
            host.remove(key);
            host.replicate();
            host.changed(key, "toy.del");
        }
        reply.integer(i64::from(found));
        Ok(())
    }
);

command!(
    /// Panics before it replies.
    Panic,
    row("TOY.PANIC", Arity::AtLeast(1), Access::Read, Keys::None),
    |_host, args, _reply| {
        assert!(args.len() > 1000, "on purpose");
        Ok(())
    }
);

command!(
    /// Panics in the middle of its reply.
    Half,
    row("TOY.HALF", Arity::AtLeast(1), Access::Read, Keys::None),
    |_host, args, reply| {
        reply.array(3);
        reply.integer(1);
        assert!(args.len() > 1000, "on purpose");
        Ok(())
    }
);

command!(
    /// Writes more than one reply.
    TooMuch,
    row("TOY.TOOMUCH", Arity::AtLeast(1), Access::Read, Keys::None),
    |_host, _args, reply| {
        reply.integer(1);
        reply.integer(2);
        Ok(())
    }
);

command!(
    /// One of each shape.
    Shapes,
    row("TOY.SHAPES", Arity::Exactly(1), Access::Read, Keys::None),
    |_host, _args, reply| {
        reply.array(9);
        reply.map(1);
        reply.simple("k");
        reply.integer(-5);
        reply.set(1);
        reply.bulk(b"a\0b");
        reply.boolean(true);
        reply.double(1.5);
        reply.big_number("123456789012345678901234567890");
        reply.null();
        reply.null_array();
        reply.array(0);
        let resp3 = reply.is_resp3();
        reply.integer(i64::from(resp3));
        Ok(())
    }
);

command!(
    /// `TOY.SLEEP ms`, off the main thread; 0 panics there.
    Sleep,
    row("TOY.SLEEP", Arity::Exactly(2), Access::Read, Keys::None),
    |host, args, reply| {
        let mut args = args;
        let word = String::from_utf8_lossy(args.take()?.bytes).into_owned();
        let ms: u64 = word.parse().map_err(|_| Error::Malformed)?;
        host.spawn(
            reply,
            move || {
                assert!(ms > 0, "on purpose");
                sleep(Duration::from_millis(ms));
                ms
            },
            |ms, reply| {
                reply.array(2);
                reply.simple("slept");
                reply.integer(i64::try_from(ms).unwrap_or(-1));
            },
        );
        Ok(())
    }
);

command!(
    /// An error with a NUL in it.
    Wrong,
    row("TOY.WRONG", Arity::Exactly(1), Access::Read, Keys::None),
    |_host, _args, _reply| { Err(Error::Nul) }
);
