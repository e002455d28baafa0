//! FT.*, one family a file.

pub mod alias;
pub mod config;
pub mod define;
pub mod explain;
pub mod info;
pub mod profile;
pub mod restore;
pub mod search;
pub mod tags;

use std::sync::Arc;

use keyspan_common::{
    args::{Args, Malformed},
    command::{Access, Argument, ArgumentKind, Arity, Keys, Row},
    rows_of,
};
use keyspan_server::{Server, ServerCommand};

use crate::error::Error;
use crate::registry::Entry;

/// Calls a macro with the list of all commands, in the order of the documents.
macro_rules! search_commands {
    ($visit:ident) => {
        $visit! {
            $crate::commands::define::Create,
            $crate::commands::define::CreateIfNx,
            $crate::commands::define::Alter,
            $crate::commands::define::AlterIfNx,
            $crate::commands::define::DropIndex,
            $crate::commands::define::DropIndexIfX,
            $crate::commands::define::Drop,
            $crate::commands::restore::RestoreIfNx,
            $crate::commands::info::List,
            $crate::commands::info::Info,
            $crate::commands::search::Search,
            $crate::commands::explain::Explain,
            $crate::commands::explain::ExplainCli,
            $crate::commands::profile::Profile,
            $crate::commands::tags::TagVals,
            $crate::commands::alias::AliasAdd,
            $crate::commands::alias::AliasAddIfNx,
            $crate::commands::alias::AliasUpdate,
            $crate::commands::alias::AliasDel,
            $crate::commands::alias::AliasDelIfX,
            $crate::commands::alias::AliasList,
            $crate::commands::config::Config,
        }
    };
}

#[cfg(feature = "module")]
pub(crate) use search_commands;

/// The rows of all commands, in the order of the documents.
pub fn rows() -> Vec<Row> {
    search_commands!(rows_of)
}

/// A row with what most commands have in common.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row { complexity: "O(1)", keys: Keys::None, ..Row::new(name, "search", arity, access) }
}

const INDEX: Argument = Argument::new("index", ArgumentKind::String);
const QUERY: Argument = Argument::new("query", ArgumentKind::String);

/// The next word; the server has checked the number of words, so that one is missing only where the
/// command's own grammar asks for more.
fn word<'a>(args: &mut Args<'a>, name: &'static str) -> Result<&'a [u8], Error> {
    args.take().map(|arg| arg.bytes).map_err(|Malformed| Error::Arity(name))
}

/// The words that are left.
fn rest<'a>(args: Args<'a>) -> Vec<&'a [u8]> {
    args.into_iter().map(|arg| arg.bytes).collect()
}

/// Refuses users who may not read all that may be in the index.
fn check_access(server: &Server<'_>, entry: &Arc<Entry>) -> Result<(), Error> {
    let schema = entry.index.schema();
    let may = server.may_read(schema.prefixes.iter().map(|prefix| &**prefix));
    if may { Ok(()) } else { Err(Error::NoPermission) }
}
