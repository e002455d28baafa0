//! RDB and AOF: saving, rewriting, coming back.

use std::fs;
use std::path::PathBuf;

use crate::replication::{digest, wait};
use crate::{Failure, Outcome, Server, ensure};

/// How the base file of an append-only log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// As commands: types are asked for the commands that make their values again.
    Commands,
    /// As an RDB preamble.
    Rdb,
}

impl Base {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Commands, Self::Rdb];
}

/// Turns the append-only log on, rewrites it, and waits until it is written whole.
///
/// The next start reads the log, not `dump.rdb`.
pub fn rewrite_log(server: &mut Server, base: Base) -> Outcome<()> {
    let preamble = if base == Base::Rdb { "yes" } else { "no" };
    let mut client = server.client()?;
    client.expect(&format!("CONFIG SET aof-use-rdb-preamble {preamble}"), "+OK")?;
    client.expect("CONFIG SET appendonly yes", "+OK")?;
    let written = |client: &mut crate::Client| -> Outcome<bool> {
        Ok(client.info("aof_rewrite_in_progress")? == "0"
            && client.info("aof_rewrite_scheduled")? == "0")
    };
    wait("turning the log on", || written(&mut client))?;
    let reply = client.line("BGREWRITEAOF")?;
    ensure(reply.starts_with(b"+"), || String::from_utf8_lossy(&reply).into_owned())?;
    wait("rewriting the log", || written(&mut client))?;
    let status = client.info("aof_last_bgrewrite_status")?;
    ensure(status == "ok", || format!("the rewrite's status is {status}"))?;
    server.set_options(&["--appendonly", "yes", "--aof-use-rdb-preamble", preamble]);
    Ok(())
}

/// The base files of the log: one, after a rewrite.
pub fn base_files(server: &Server) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(server.folder().join("appendonlydir"))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    let is_base = |path: &PathBuf| path.to_string_lossy().contains(".base.");
    Ok(paths.into_iter().filter(is_base).collect())
}

/// Rewrites the log, restarts from it, and fails unless the data set is as before.
pub fn survives_rewrite(server: &mut Server, base: Base) -> Outcome<()> {
    rewrite_log(server, base)?;
    unchanged_by(server, Server::restart)
}

/// Saves an RDB file, restarts from it, and fails unless the data set is as before.
pub fn survives_save(server: &mut Server) -> Outcome<()> {
    server.client()?.expect("SAVE", "+OK")?;
    unchanged_by(server, Server::restart)
}

/// Runs DEBUG RELOAD (save and load in place) and fails unless the data set is as before.
pub fn survives_reload(server: &mut Server) -> Outcome<()> {
    unchanged_by(server, |server| server.client()?.expect("DEBUG RELOAD", "+OK"))
}

fn unchanged_by(server: &mut Server, step: impl Fn(&mut Server) -> Outcome<()>) -> Outcome<()> {
    let before = digest(server)?;
    step(server)?;
    let after = digest(server)?;
    ensure(before == after, || format!("digest {before} before, {after} after"))
}

/// DUMP, DEL and RESTORE of one key; fails unless the key's digest is as before.
pub fn survives_restore(server: &Server, key: &str) -> Outcome<()> {
    let mut client = server.client()?;
    let value = |client: &mut crate::Client| client.call(&["DEBUG", "DIGEST-VALUE", key]);
    let before = value(&mut client)?;
    let dump = crate::Value::decode(&client.call(&["DUMP", key])?)?;
    client.call(&["DEL", key])?;
    let restored = client.call(&[b"RESTORE".as_slice(), key.as_bytes(), b"0", dump.bytes()?])?;
    crate::same(&restored, b"+OK\r\n", "RESTORE")?;
    let after = value(&mut client)?;
    crate::same(&after, &before, "DEBUG DIGEST-VALUE after RESTORE")
        .map_err(|failure: Failure| failure.during(key))
}
