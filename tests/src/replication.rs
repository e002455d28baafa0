//! Replicas: attaching one, waiting for it, comparing whole data sets.

use std::thread;
use std::time::{Duration, Instant};

use crate::{Client, Failure, Outcome, Server, ensure};

const SYNC_MAX: Duration = Duration::from_secs(60);

/// Makes `replica` follow `primary` and waits for the first full copy.
pub fn attach(replica: &Server, primary: &Server) -> Outcome<()> {
    let mut client = replica.client()?;
    client.expect(&format!("REPLICAOF 127.0.0.1 {}", primary.port()), "+OK")?;
    wait("the first copy", || Ok(client.info("master_link_status")? == "up"))
}

/// Cuts the replica off: the primary closes its connection. It reconnects by itself.
pub fn cut(primary: &Server) -> Outcome<()> {
    primary.client()?.line("CLIENT KILL TYPE replica").map(|_| ())
}

/// Waits until the replica has everything that the primary had when this was called.
pub fn wait_for_sync(replica: &Server, primary: &Server) -> Outcome<()> {
    let target = offset(&mut primary.client()?, "master_repl_offset")?;
    let mut client = replica.client()?;
    wait("the replica", || {
        let up = client.info("master_link_status")? == "up";
        Ok(up && offset(&mut client, "slave_repl_offset")? >= target)
    })
}

fn offset(client: &mut Client, field: &str) -> Outcome<u64> {
    let text = client.info(field)?;
    text.parse().map_err(|_| Failure::new(format!("{field}: {text}")))
}

/// The digest of the whole data set; equal data sets have equal ones, whatever their encoding.
pub fn digest(server: &Server) -> Outcome<String> {
    let reply = server.client()?.value("DEBUG DIGEST")?;
    Ok(String::from_utf8_lossy(reply.bytes()?).into_owned())
}

/// Waits for the replica and fails unless it then holds what the primary holds.
pub fn converge(replica: &Server, primary: &Server) -> Outcome<()> {
    wait_for_sync(replica, primary)?;
    let (theirs, ours) = (digest(replica)?, digest(primary)?);
    crate::ensure(theirs == ours, || format!("replica {theirs}, primary {ours}"))
}

/// Asks again every 10 ms until the answer is yes, for a minute at most.
pub fn wait(what: &str, mut done: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let deadline = Instant::now() + SYNC_MAX;
    while !done()? {
        crate::ensure(Instant::now() < deadline, || format!("{what}: not in {SYNC_MAX:?}"))?;
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// None of these commands is replicated.
///
/// # Errors
/// The one that was, and in how many bytes.
pub fn sends_nothing(primary: &mut Client, lines: &[&str]) -> Outcome<()> {
    let offset = |client: &mut Client| -> Outcome<i64> {
        Ok(client.info("master_repl_offset")?.parse().unwrap_or(0))
    };
    for line in lines {
        let before = offset(primary)?;
        primary.line(line)?;
        // A replica's acknowledgements do not count; a PING of the primary may.
        let moved = offset(primary)? - before;
        ensure(moved < 20, || format!("{line} was replicated: {moved} bytes"))?;
    }
    Ok(())
}
