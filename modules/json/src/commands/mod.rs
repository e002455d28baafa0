//! JSON.*, one family a file.

pub mod array;
pub mod delete;
pub mod inspect;
pub mod number;
pub mod object;
pub mod read;
pub mod string;
pub mod write;

use keyspan_common::{
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    keyspace::{Keyspace, Runner},
    resp::Protocol,
    rows_of, runners_of,
};

/// Calls a macro with the list of all commands, in the order of the documents.
macro_rules! json_commands {
    ($visit:ident) => {
        $visit! {
            $crate::commands::write::Set,
            $crate::commands::read::Get,
            $crate::commands::read::Mget,
            $crate::commands::write::Mset,
            $crate::commands::write::Merge,
            $crate::commands::delete::Del,
            $crate::commands::delete::Forget,
            $crate::commands::delete::Clear,
            $crate::commands::inspect::Type,
            $crate::commands::number::NumIncrBy,
            $crate::commands::number::NumMultBy,
            $crate::commands::number::NumPowBy,
            $crate::commands::string::StrAppend,
            $crate::commands::string::StrLen,
            $crate::commands::array::ArrAppend,
            $crate::commands::array::ArrIndex,
            $crate::commands::array::ArrInsert,
            $crate::commands::array::ArrLen,
            $crate::commands::array::ArrPop,
            $crate::commands::array::ArrTrim,
            $crate::commands::object::ObjKeys,
            $crate::commands::object::ObjLen,
            $crate::commands::object::Toggle,
            $crate::commands::inspect::Resp,
            $crate::commands::inspect::Debug,
        }
    };
}

#[cfg(feature = "module")]
pub(crate) use json_commands;

/// The rows of all commands, in the order of the documents.
pub fn rows() -> Vec<Row> {
    json_commands!(rows_of)
}

/// Runs the command line `words`, whose first word is the command's name in any mix of cases, and
/// returns the bytes of the reply. `None` if there is no such command.
pub fn dispatch(keyspace: &mut Keyspace, words: &[&[u8]], protocol: Protocol) -> Option<Vec<u8>> {
    const RUNNERS: &[Runner] = json_commands!(runners_of);
    keyspace.dispatch(RUNNERS, words, protocol)
}

/// A row with what most commands have in common.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row::new(name, "json", arity, access)
}

const KEY: Argument = Argument::new("key", ArgumentKind::Key);
const PATH: Argument = Argument::new("path", ArgumentKind::String);
const VALUE: Argument = Argument::new("value", ArgumentKind::String);
