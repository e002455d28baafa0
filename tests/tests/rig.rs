//! Proves the rig's own functions on native commands, on every server.

use std::path::Path;
use std::time::Duration;

use keyspan_tests::persistence::{self, Base};
use keyspan_tests::pubsub::{Events, Tracker};
use keyspan_tests::{Outcome, Protocol, Server, acl, crash, ensure, on_each_server, replication};

/// A little of each type.
fn fill(server: &Server) -> Outcome<()> {
    let mut client = server.client()?;
    for line in ["SET s value", "RPUSH l a b c", "HSET h a 1 b 2", "ZADD z 1.5 m", "SADD t x y"] {
        client.line(line)?;
    }
    Ok(())
}

#[test]
fn a_replica_attaches_and_converges() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |primary| {
            fill(primary)?;
            let replica = keyspan_tests::Spec::new(primary.name())?.start()?;
            ensure(replication::digest(&replica)? != replication::digest(primary)?, || {
                "an empty server has the digest of a full one".into()
            })?;
            replication::attach(&replica, primary)?;
            replication::converge(&replica, primary)?;
            primary.client()?.expect("SET more 1", "+OK")?;
            replication::cut(primary)?;
            primary.client()?.expect("SET and-more 2", "+OK")?;
            replication::converge(&replica, primary)?;
            replica.client()?.expect("GET and-more", "$1\r\n2")
        },
    )
}

#[test]
fn data_survives_log_rewrites_saves_and_restores() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            fill(server)?;
            persistence::survives_reload(server)?;
            persistence::survives_restore(server, "h")?;
            for base in Base::BOTH {
                persistence::survives_rewrite(server, base)?;
                let files = persistence::base_files(server)?;
                let extension = if base == Base::Rdb { ".rdb" } else { ".aof" };
                let fits = files.iter().all(|file| file.to_string_lossy().ends_with(extension));
                ensure(files.len() == 1 && fits, || format!("{base:?}: {files:?}"))?;
            }
            server.client()?.expect("DBSIZE", ":5")
        },
    )
}

#[test]
fn a_saved_file_is_loaded_at_the_start() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            fill(server)?;
            persistence::survives_save(server)?;
            let file = std::fs::read(server.folder().join("dump.rdb"))?;
            let other = keyspan_tests::Spec::new(server.name())?.file("dump.rdb", &file).start()?;
            let (ours, theirs) = (replication::digest(server)?, replication::digest(&other)?);
            ensure(ours == theirs, || format!("{ours} saved, {theirs} loaded"))
        },
    )
}

#[test]
fn tracking_tells_of_changes_only() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut tracker = Tracker::new(server)?;
            let mut writer = server.client()?;
            writer.line("SET k 1")?;
            tracker.client().line("GET k")?;
            writer.line("GET k")?;
            same_list(&tracker.invalidated()?, &[])?;
            writer.line("SET k 2")?;
            same_list(&tracker.invalidated()?, &["k"])?;
            tracker.client().line("GET k")?;
            writer.line("FLUSHALL")?;
            same_list(&tracker.invalidated()?, &["*"])
        },
    )
}

#[test]
fn events_come_in_order() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut events = Events::new(server)?;
            let mut client = server.client()?;
            client.line("SET k 1")?;
            client.line("SET k 2 NX")?;
            client.line("DEL k")?;
            same_list(&events.seen(server)?, &["new k", "set k", "del k"])?;
            same_list(&events.seen(server)?, &[])
        },
    )
}

fn same_list(got: &[String], expected: &[&str]) -> Outcome<()> {
    ensure(got == expected, || format!("{expected:?} was expected, not {got:?}"))
}

#[test]
fn what_was_acknowledged_survives_a_kill() -> Outcome<()> {
    on_each_server(
        |spec| spec.options(&["--appendonly", "yes", "--appendfsync", "always"]),
        |server| {
            let mut next = 0;
            for _ in 0..3 {
                let acknowledged = crash::kill_under_writes(
                    server,
                    next,
                    &|number| vec![b"SET".into(), format!("k{number}").into_bytes(), b"v".into()],
                    Duration::from_millis(50),
                )?;
                ensure(!acknowledged.is_empty(), || "nothing was written".into())?;
                let mut client = server.client()?;
                for number in acknowledged.clone() {
                    client.expect(&format!("GET k{number}"), "$1\r\nv")?;
                }
                next = acknowledged.end;
            }
            Ok(())
        },
    )
}

#[test]
fn users_are_held_to_their_rules() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut user = acl::user(server, "reader", "~a:* +@read +ping")?;
            acl::allowed(&mut user, "GET a:1")?;
            acl::refused(&mut user, "GET b:1")?;
            acl::refused(&mut user, "SET a:1 x")?;
            let reads = acl::category(&mut server.client()?, "read")?;
            ensure(reads.iter().any(|name| name == "get"), || format!("{reads:?}"))
        },
    )
}

#[test]
fn a_pipeline_larger_than_the_buffers_comes_back_whole() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut client = server.client_in(Protocol::Resp3)?;
            let word = "x".repeat(10_000);
            let commands = vec![vec!["ECHO", word.as_str()]; 2_000];
            let replies = client.pipeline(&commands)?;
            let whole = format!("$10000\r\n{word}\r\n").into_bytes();
            ensure(replies.len() == 2_000 && replies.iter().all(|reply| *reply == whole), || {
                "a reply of the pipeline is not what was sent".into()
            })
        },
    )
}

#[test]
fn a_server_that_does_not_start_says_why() -> Outcome<()> {
    let Some(&name) = keyspan_tests::servers()?.first() else { return Ok(()) };
    let outcome = keyspan_tests::Spec::new(name)?.options(&["--no-such-option", "1"]).start();
    let told = outcome.err().map(|failure| failure.to_string()).unwrap_or_default();
    ensure(told.contains("no-such-option"), || told.clone())?;
    let log = told.lines().find_map(|line| line.trim().strip_prefix("log: ")).unwrap_or_default();
    let folder = Path::new(log).parent().filter(|folder| folder.starts_with(std::env::temp_dir()));
    ensure(Path::new(log).exists(), || format!("the log is not kept: {told}"))?;
    folder.map_or(Ok(()), |folder| Ok(std::fs::remove_dir_all(folder)?))
}
