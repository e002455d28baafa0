//! BF.*, CF.*, CMS.*, TOPK.*, TDIGEST.*: a folder for each family, with its errors.

pub mod bloom;
pub mod count_min;
pub mod cuckoo;
pub mod t_digest;
pub mod top_k;

use keyspan_common::{
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    keyspace::{Keyspace, Runner},
    resp::Protocol,
    rows_of, runners_of,
};

/// Calls a macro with the list of all commands, in the order of the documents.
macro_rules! bloom_commands {
    ($visit:ident) => {
        $visit! {
            $crate::commands::bloom::Reserve,
            $crate::commands::bloom::Add,
            $crate::commands::bloom::MAdd,
            $crate::commands::bloom::Insert,
            $crate::commands::bloom::Exists,
            $crate::commands::bloom::MExists,
            $crate::commands::bloom::Card,
            $crate::commands::bloom::Info,
            $crate::commands::bloom::ScanDump,
            $crate::commands::bloom::LoadChunk,
            $crate::commands::bloom::Load,
            $crate::commands::bloom::Debug,
            $crate::commands::cuckoo::Reserve,
            $crate::commands::cuckoo::Add,
            $crate::commands::cuckoo::AddNx,
            $crate::commands::cuckoo::Insert,
            $crate::commands::cuckoo::InsertNx,
            $crate::commands::cuckoo::Exists,
            $crate::commands::cuckoo::MExists,
            $crate::commands::cuckoo::Count,
            $crate::commands::cuckoo::Del,
            $crate::commands::cuckoo::Compact,
            $crate::commands::cuckoo::Info,
            $crate::commands::cuckoo::ScanDump,
            $crate::commands::cuckoo::LoadChunk,
            $crate::commands::cuckoo::Debug,
            $crate::commands::count_min::InitByDim,
            $crate::commands::count_min::InitByProb,
            $crate::commands::count_min::IncrBy,
            $crate::commands::count_min::Query,
            $crate::commands::count_min::Merge,
            $crate::commands::count_min::Info,
            $crate::commands::top_k::Reserve,
            $crate::commands::top_k::Add,
            $crate::commands::top_k::IncrBy,
            $crate::commands::top_k::Query,
            $crate::commands::top_k::Count,
            $crate::commands::top_k::List,
            $crate::commands::top_k::Info,
            $crate::commands::t_digest::Create,
            $crate::commands::t_digest::Add,
            $crate::commands::t_digest::Reset,
            $crate::commands::t_digest::Merge,
            $crate::commands::t_digest::Min,
            $crate::commands::t_digest::Max,
            $crate::commands::t_digest::Quantile,
            $crate::commands::t_digest::Cdf,
            $crate::commands::t_digest::Rank,
            $crate::commands::t_digest::RevRank,
            $crate::commands::t_digest::ByRank,
            $crate::commands::t_digest::ByRevRank,
            $crate::commands::t_digest::TrimmedMean,
            $crate::commands::t_digest::Info,
        }
    };
}

#[cfg(feature = "module")]
pub(crate) use bloom_commands;

/// The rows of all commands, in the order of the documents.
pub fn rows() -> Vec<Row> {
    bloom_commands!(rows_of)
}

/// Runs the command line `words`, whose first word is the command's name in any mix of cases, and
/// returns the bytes of the reply. `None` if there is no such command.
pub fn dispatch(keyspace: &mut Keyspace, words: &[&[u8]], protocol: Protocol) -> Option<Vec<u8>> {
    const RUNNERS: &[Runner] = bloom_commands!(runners_of);
    keyspace.dispatch(RUNNERS, words, protocol)
}

/// A row with what most commands of a family have in common.
const fn row(name: &'static str, category: &'static str, arity: Arity, access: Access) -> Row {
    Row::new(name, category, arity, access)
}

const KEY: Argument = Argument::new("key", ArgumentKind::Key);
const ITEM: Argument = Argument::new("item", ArgumentKind::String);
