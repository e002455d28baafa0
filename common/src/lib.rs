//! What every Keyspan module shares and no server is needed for: the command table, the argument
//! cursor, replies, settings, sums for INFO, and RDB serialization.
//!
//! Nothing here knows a server; `keyspan-server` puts a real one behind [`host::Host`],
//! [`reply::Reply`], [`rdb::Read`] and [`rdb::Write`].

pub mod args;
pub mod command;
pub mod data_type;
pub mod docs;
pub mod host;
pub mod keyspace;
pub mod lines;
pub mod number;
pub mod rdb;
pub mod record;
pub mod reply;
pub mod resp;
pub mod settings;
pub mod totals;
pub mod wire;
