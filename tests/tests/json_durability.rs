//! Nothing acknowledged is ever lost: killed servers, cut replicas, rewritten logs.

use std::{thread, time::Duration};

use keyspan_tests::{
    Outcome, Spec, crash, ensure, on_each_server,
    persistence::{self, Base},
    replication,
};

fn json(spec: Spec) -> Spec {
    spec.module("json", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

fn words(line: &[&str]) -> Vec<Vec<u8>> {
    line.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// How many rounds of killing or cutting each server sees: the whole 50 are split over the servers
/// in one run, and all of them on one server where only one is chosen.
fn rounds() -> Outcome<usize> {
    Ok(50_usize.div_ceil(keyspan_tests::servers()?.len()))
}

#[test]
fn acknowledged_writes_survive_a_kill() -> Outcome<()> {
    let rounds = rounds()?;
    let durable =
        |spec: Spec| json(spec).options(&["--appendonly", "yes", "--appendfsync", "always"]);
    on_each_server(durable, |server| {
        let mut next = 0;
        server.client()?.expect("JSON.SET log $ '{\"entries\":[],\"count\":0}'", "+OK")?;
        for round in 0..rounds {
            let write = |number: u64| match number % 2 {
                0 => words(&["JSON.ARRAPPEND", "log", "$.entries", &format!("{{\"n\":{number}}}")]),
                _ => words(&["JSON.SET", &format!("doc:{number}"), "$", &format!("[{number}]")]),
            };
            let wait = Duration::from_millis(20 + u64::try_from(round % 7).unwrap_or(0) * 10);
            let done = crash::kill_under_writes(server, next, &write, wait)?;
            let mut client = server.client()?;
            let entries = client.value("JSON.GET log $.entries[*].n")?;
            let entries = String::from_utf8_lossy(entries.bytes()?).into_owned();
            let kept: Vec<&str> = entries.trim_matches(['[', ']']).split(',').collect();
            for number in done.clone() {
                let there = match number % 2 {
                    0 => kept.contains(&number.to_string().as_str()),
                    _ => client.line(&format!("EXISTS doc:{number}"))? == b":1\r\n",
                };
                ensure(there, || format!("write {number} of round {round} is gone"))?;
            }
            // The one write whose reply did not come may or may not be there.
            next = done.end + 1;
        }
        ensure(next > u64::try_from(rounds).unwrap_or(0), || format!("only {next} writes"))
    })
}

#[test]
fn a_replica_cut_off_again_and_again_ends_equal() -> Outcome<()> {
    let rounds = rounds()?;
    on_each_server(json, |primary| {
        let replica = json(Spec::new(primary.name())?).start()?;
        primary.client()?.expect("CONFIG SET repl-diskless-sync-delay 0", "+OK")?;
        primary.client()?.expect("JSON.SET d $ '{\"n\":0,\"f\":0.1,\"l\":[],\"o\":{}}'", "+OK")?;
        replication::attach(&replica, primary)?;
        let mut clients = [primary.client()?, primary.client()?];
        for round in 0..rounds {
            replication::cut(primary)?;
            for step in 0..40 {
                let (round, step) = (round * 40 + step, step % 5);
                let client = &mut clients[round % 2];
                let line = match step {
                    0 => format!("JSON.NUMINCRBY d $.n {round}"),
                    1 => format!("JSON.ARRAPPEND d $.l '{{\"r\":{round}}}'"),
                    2 => format!("JSON.MERGE d $.o '{{\"k{}\":{round}}}'", round % 100),
                    3 => "JSON.NUMMULTBY d $.f 1.01".to_owned(),
                    _ => "JSON.ARRPOP d $.l 0".to_owned(),
                };
                let reply = client.line(&line)?;
                ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))?;
            }
            thread::sleep(Duration::from_millis(5));
        }
        replication::converge(&replica, primary)
    })
}

#[test]
fn a_document_of_100_mb_survives_both_kinds_of_log() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        let record =
            r#"{"id":1234567,"name":"a record like any other","price":12.75,"tags":["a","b"]}"#;
        let text =
            format!("[{record}{}]", format!(",{record}").repeat((100 << 20) / (record.len() + 1)));
        keyspan_tests::same(
            &client.call(&["JSON.SET", "big", "$", &text])?,
            b"+OK\r\n",
            "JSON.SET",
        )?;
        client.expect("JSON.SET small $ '{\"a\":[1,2.5,null]}'", "+OK")?;
        for base in Base::BOTH {
            persistence::survives_rewrite(server, base)
                .map_err(|f| f.during(&format!("{base:?}")))?;
        }
        let replica = json(Spec::new(server.name())?).start()?;
        replication::attach(&replica, server)?;
        replication::converge(&replica, server)
    })
}
