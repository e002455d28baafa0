//! TS.*, one family a file.

pub mod add;
pub mod create;
pub mod get;
pub mod increment;
pub mod info;
pub mod labels;
pub mod multi;
pub mod nrange;
pub mod range;
pub mod read;
pub mod remove;
pub mod rules;

use keyspan_common::{
    args::{Arg, Args, Malformed},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    keyspace::{Keyspace, Runner},
    resp::Protocol,
    rows_of, runners_of,
};
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::request::words::Words;
use keyspan_timeseries_core::series::Series;

use crate::registry;

/// Calls a macro with the list of all commands, in the order of the documents.
macro_rules! timeseries_commands {
    ($visit:ident) => {
        $visit! {
            $crate::commands::create::Create,
            $crate::commands::create::Alter,
            $crate::commands::add::Add,
            $crate::commands::add::MAdd,
            $crate::commands::increment::IncrBy,
            $crate::commands::increment::DecrBy,
            $crate::commands::remove::Del,
            $crate::commands::rules::CreateRule,
            $crate::commands::rules::DeleteRule,
            $crate::commands::range::Range,
            $crate::commands::range::RevRange,
            $crate::commands::multi::MRange,
            $crate::commands::multi::MRevRange,
            $crate::commands::nrange::NRange,
            $crate::commands::nrange::NRevRange,
            $crate::commands::read::Read,
            $crate::commands::get::Get,
            $crate::commands::get::MGet,
            $crate::commands::labels::QueryIndex,
            $crate::commands::labels::QueryLabels,
            $crate::commands::info::Info,
        }
    };
}

#[cfg(feature = "module")]
pub(crate) use timeseries_commands;

/// The rows of all commands, in the order of the documents.
pub fn rows() -> Vec<Row> {
    timeseries_commands!(rows_of)
}

/// Runs the command line `words`, whose first word is the command's name in any mix of cases, and
/// returns the bytes of the reply. `None` if there is no such command.
pub fn dispatch(keyspace: &mut Keyspace, words: &[&[u8]], protocol: Protocol) -> Option<Vec<u8>> {
    const RUNNERS: &[Runner] = timeseries_commands!(runners_of);
    keyspace.dispatch(RUNNERS, words, protocol)
}

/// Forgets which series a database has, as when it is flushed: for keyspaces that no server tells of.
pub fn forget(database: i32) {
    drop(registry::clear(Some(database)));
}

/// A row with what most commands have in common.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row { complexity: "O(1)", ..Row::new(name, "timeseries", arity, access) }
}

/// The tip of commands whose replies depend on more than their keys.
const DONT_CACHE: &[&str] = &["dont_cache"];

const KEY: Argument = Argument::new("key", ArgumentKind::Key);

const fn integer(name: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::Integer)
}

const fn string(name: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::String)
}

const fn token(name: &'static str, token: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::PureToken).token(token)
}

const fn group(name: &'static str, parts: &'static [Argument]) -> Argument {
    Argument::new(name, ArgumentKind::Block).parts(parts)
}

const RETENTION: Argument = integer("retentionPeriod").token("RETENTION").optional();
const CHUNK_SIZE: Argument = integer("size").token("CHUNK_SIZE").optional();
const ENCODING: Argument = Argument::new("encoding", ArgumentKind::OneOf)
    .token("ENCODING")
    .optional()
    .parts(&[token("compressed", "COMPRESSED"), token("uncompressed", "UNCOMPRESSED")]);
const POLICIES: &[Argument] = &[
    token("block", "BLOCK"),
    token("first", "FIRST"),
    token("last", "LAST"),
    token("min", "MIN"),
    token("max", "MAX"),
    token("sum", "SUM"),
];
const DUPLICATE_POLICY: Argument = Argument::new("policy", ArgumentKind::OneOf)
    .token("DUPLICATE_POLICY")
    .optional()
    .parts(POLICIES);
const IGNORE: Argument = group(
    "ignore",
    &[integer("ignoreMaxTimediff"), Argument::new("ignoreMaxValDiff", ArgumentKind::Double)],
)
.token("IGNORE")
.optional();
const LABELS: Argument =
    group("labels", &[string("label"), string("value")]).token("LABELS").optional().multiple();
const TIMESTAMP: Argument = string("timestamp");
const VALUE: Argument = Argument::new("value", ArgumentKind::Double);

/// The next word; the server has checked the number of words, so that one is missing only where the
/// command's own grammar asks for more.
fn word<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Arg<'a>, Error> {
    args.take().map_err(|Malformed| Error::Arity(name))
}

/// All words of a command line.
fn words<'a>(args: &Args<'a>) -> Words<'a> {
    Words(args.all())
}

/// The series at `key`, which must be there.
fn existing<'a, H: Host<Series>>(host: &'a mut H, key: Arg<'_>) -> Result<&'a Series, Error> {
    host.read(key)?.ok_or(Error::Missing)
}

/// The series at `key`, which must be there, for changing.
fn existing_mut<'a, H: Host<Series>>(
    host: &'a mut H,
    key: Arg<'_>,
) -> Result<&'a mut Series, Error> {
    host.write(key)?.ok_or(Error::Missing)
}
