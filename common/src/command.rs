//! The command table: one [`Row`] per command, read by registration, COMMAND INFO and DOCS, ACL and
//! `docs/commands`.

use crate::{args::Args, host::Host, reply::Reply, wire::Wire};

/// How many words a command takes, its name included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// At least so many.
    AtLeast(u8),
    /// Exactly so many.
    Exactly(u8),
}

/// What a command does to its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads only.
    Read,
    /// Writes and may need memory: refused over `maxmemory` (flags `write deny-oom`).
    Grow,
    /// Writes without growing: allowed over `maxmemory` (flag `write`).
    Shrink,
}

/// Where a command's keys stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// None.
    None,
    /// None; but the first word after the command's name names what the reply depends on, and servers
    /// may track it as if it were a key. Rules about keys do not see it.
    Tracked,
    /// `first` to `last` (negative counts from the end, -1 is the last word), each `step` words.
    Range {
        /// Index of the first key.
        first: i32,
        /// Index of the last key.
        last: i32,
        /// Words from one key to the next.
        step: i32,
    },
    /// As many keys as the number at `count` says, right behind that number.
    Counted {
        /// Index of the number of keys.
        count: i32,
    },
    /// The first word after the command's name, which is written and neither replied nor copied to
    /// another key, and keys that are only read: as many as the number at `count` says, right behind
    /// that number.
    FirstAndCounted {
        /// Index of the number of keys.
        count: i32,
    },
}

impl Keys {
    /// One key, the first word after the command's name.
    pub const FIRST: Self = Self::Range { first: 1, last: 1, step: 1 };
}

/// The kind of one argument, as COMMAND DOCS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A group of arguments that belong together, in order.
    Block,
    /// A floating-point number.
    Double,
    /// An integer.
    Integer,
    /// A key.
    Key,
    /// One of the arguments within.
    OneOf,
    /// A keyword that stands alone.
    PureToken,
    /// Any text.
    String,
}

/// One argument, for COMMAND DOCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: ArgumentKind,
    /// The keyword before it.
    pub token: Option<&'static str>,
    /// May be left out.
    pub optional: bool,
    /// May be given several times.
    pub multiple: bool,
    /// Parts of a [`ArgumentKind::Block`] or [`ArgumentKind::OneOf`].
    pub parts: &'static [Argument],
}

impl Argument {
    /// A plain argument; the builders below refine it.
    pub const fn new(name: &'static str, kind: ArgumentKind) -> Self {
        Self { name, kind, token: None, optional: false, multiple: false, parts: &[] }
    }

    /// With a keyword before it.
    pub const fn token(self, token: &'static str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// May be left out.
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// May be repeated.
    pub const fn multiple(self) -> Self {
        Self { multiple: true, ..self }
    }

    /// With parts.
    pub const fn parts(self, parts: &'static [Argument]) -> Self {
        Self { parts, ..self }
    }
}

/// Everything the server and the documents must know about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name as it is registered and as the server prints it in errors.
    pub name: &'static str,
    /// One sentence without a full stop.
    pub summary: &'static str,
    /// In named sizes.
    pub complexity: &'static str,
    /// The version of the reference module that brought it.
    pub since: &'static str,
    /// Words it takes.
    pub arity: Arity,
    /// What it does to its keys.
    pub access: Access,
    /// Takes no longer for a larger value or a longer command line (flag `fast`, ACL `@fast`).
    pub fast: bool,
    /// Where its keys stand.
    pub keys: Keys,
    /// The module's own ACL category, without `@`.
    pub category: &'static str,
    /// Arguments after the name.
    pub arguments: &'static [Argument],
    /// What COMMAND INFO tells proxies and clients, in the reference's words: `dont_cache`.
    pub tips: &'static [&'static str],
}

impl Row {
    /// A row with what most commands have in common: one key, which comes first.
    pub const fn new(
        name: &'static str,
        category: &'static str,
        arity: Arity,
        access: Access,
    ) -> Self {
        Self {
            name,
            summary: "",
            complexity: "",
            since: "1.0.0",
            arity,
            access,
            fast: false,
            keys: Keys::FIRST,
            category,
            arguments: &[],
            tips: &[],
        }
    }
}

/// The rows of a list of commands.
#[macro_export]
macro_rules! rows_of {
    ($($command:ty),* $(,)?) => {
        vec![$(<$command>::ROW),*]
    };
}

/// One command: its row and what it does.
pub trait Command {
    /// The data type it works on.
    type Value;
    /// What can go wrong, each with its wire text.
    type Error: Wire;
    /// Its row in the table.
    const ROW: Row;

    /// Parse, check, apply, replicate, reply, in this order.
    ///
    /// # Errors
    /// On an error nothing was changed and nothing was written to `reply`. The host has checked
    /// the number of words against [`Row::arity`].
    fn run<H: Host<Self::Value>, R: Reply>(
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Self::Error>;
}
