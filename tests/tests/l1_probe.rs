//! What servers tell of modules that are not ours: the facts M1 to M5, by a module that does to keys
//! what modules may do (`examples/probe.rs`).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyspan_tests::l1::on_each_server;
use keyspan_tests::{Client, Outcome, Protocol, Server, Value, ensure, with_example};

/// The module.
fn probe() -> Outcome<PathBuf> {
    Ok(with_example("probe")?.join("libprobe.so"))
}

fn load(server: &Server, probe: &Path) -> Outcome<()> {
    server.client()?.expect(&format!("MODULE LOAD {}", probe.display()), "+OK")
}

/// How often the name comes to a connection that has read, when another one has written.
fn told(server: &Server, read: &str, write: &str, due: usize) -> Outcome<usize> {
    let (mut me, mut other) = (server.client_in(Protocol::Resp3)?, server.client()?);
    other.expect("FLUSHALL", "+OK")?;
    other.expect("SET k v", "+OK")?;
    me.expect("CLIENT TRACKING ON", "+OK")?;
    for (client, line) in [(&mut me, read), (&mut other, write)] {
        let reply = client.line(line)?;
        ensure(!reply.starts_with(b"-"), || String::from_utf8_lossy(&reply).into_owned())?;
    }
    let (mut came, start) = (names(&mut me)?, Instant::now());
    let patience = Duration::from_millis(if due > came { 5000 } else { 100 });
    while write.ends_with("LATER k") && came <= due && start.elapsed() < patience {
        came += names(&mut me)?;
        if due > 0 && came == due {
            break;
        }
    }
    Ok(came)
}

/// How many names were told of so far.
fn names(client: &mut Client) -> Outcome<usize> {
    client.line("PING")?;
    let mut names = 0;
    while let Some(push) = client.push(Duration::ZERO)? {
        let push = Value::decode(&push)?;
        let [_, Value::Array(keys)] = push.elements()? else { continue };
        ensure(keys.iter().all(|key| key.bytes().is_ok_and(|key| key == b"k")), || {
            format!("{keys:?}")
        })?;
        names += keys.len();
    }
    Ok(names)
}

fn check(server: &Server, read: &str, write: &str, due: usize) -> Outcome<()> {
    let came = told(server, read, write, due)?;
    ensure(came == due, || format!("{read}; {write}: told {came} times, {due} due"))
}

/// M1, M2
#[test]
fn a_read_is_tracked_by_its_flags_and_keys_and_by_what_it_has_run() -> Outcome<()> {
    let probe = probe()?;
    on_each_server(
        |spec| spec,
        |server| {
            load(server, &probe)?;
            check(server, "PROBE.READ k", "SET k w", 1)?;
            check(server, "PROBE.READ-UNFLAGGED k", "SET k w", 0)?;
            check(server, "PROBE.READ-UNDECLARED k", "SET k w", 0)?;
            let inner = usize::from(server.name().as_str() != "redis-7.0");
            check(server, "PROBE.INNER k", "SET k w", inner)
        },
    )
}

/// M3, M4, M5
#[test]
fn a_key_that_was_opened_for_writing_is_told_unless_the_module_sees_to_it() -> Outcome<()> {
    let probe = probe()?;
    on_each_server(
        |spec| spec,
        |server| {
            load(server, &probe)?;
            let opened = ["PROBE.OPEN k", "PROBE.OPEN-UNDECLARED k", "PROBE.OPEN-LATER k"];
            for open in opened {
                check(server, "GET k", open, 1)?;
            }
            check(server, "GET k", "PROBE.READ k", 0)?;
            server.client()?.expect("PROBE.QUIET", "+OK")?;
            opened.iter().try_for_each(|open| check(server, "GET k", open, 0))
        },
    )
}
