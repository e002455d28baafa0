//! Series as keys: everything a server does with a value.

use keyspan_tests::{
    Client, Outcome, Server, Spec,
    bloom::succeeds,
    ensure, on_each_server,
    pubsub::Tracker,
    replication, same,
    timeseries::{self, fill},
};

#[test]
fn tracking_clients_hear_of_real_changes_only() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let mut tracker = Tracker::new(server)?;
        let cases = [
            ("TS.GET b", "TS.ADD b 2 2 ON_DUPLICATE LAST", "b", false),
            ("TS.GET b", "TS.ADD b 3 2", "b", true),
            ("TS.GET b", "TS.DEL b 500 600", "b", false),
            ("TS.GET b", "TS.DEL b 3 3", "b", true),
            ("TS.RANGE c - +", "TS.INCRBY c 0 TIMESTAMP 7", "c", false),
            ("TS.RANGE c - +", "TS.INCRBY c 2 TIMESTAMP 7", "c", true),
            ("TS.INFO b", "TS.ALTER b", "b", false),
            ("TS.INFO b", "TS.ALTER b RETENTION 5", "b", true),
            // The destination changes by a command that does not name it.
            ("TS.RANGE avg - +", "TS.ADD a 45 1", "avg", false),
            ("TS.RANGE avg - +", "TS.ADD a 55 1", "avg", true),
            ("TS.RANGE avg - +", "TS.ADD a 46 7", "avg", true),
        ];
        tracker.hears(&mut client, &cases)
    })
}

#[test]
fn replicas_follow_what_changed_and_nothing_else() -> Outcome<()> {
    on_each_server(timeseries::spec, |primary| {
        let replica: Server = timeseries::spec(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        let mut client = primary.client()?;
        fill(&mut client)?;
        replication::converge(&replica, primary)?;
        let unchanging = [
            "TS.ADD b 2 2 ON_DUPLICATE LAST",
            "TS.ADD b 2 3 ON_DUPLICATE FIRST",
            "TS.ADD b 2 3",
            "TS.MADD b 2 3 none 1 1",
            "TS.INCRBY c 0 TIMESTAMP 7",
            "TS.DEL b 500 600",
            "TS.ALTER b",
            "TS.DELETERULE a b",
            "TS.GET avg LATEST",
            "TS.MRANGE - + FILTER kind=x",
        ];
        replication::sends_nothing(&mut client, &unchanging)?;
        replication::converge(&replica, primary)
    })
}

#[test]
fn keys_move_copy_and_expire() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let digest =
            |client: &mut Client, key: &str| client.line(&format!("DEBUG DIGEST-VALUE {key}"));
        for key in ["b", "c"] {
            let before = digest(&mut client, key)?;
            client.expect(&format!("COPY {key} copy"), ":1")?;
            same(&digest(&mut client, "copy")?, &before, key)?;
            client.expect(&format!("EXPIRE {key} 100"), ":1")?;
            client.expect(&format!("TS.ADD {key} 90 9"), ":90")?;
            client.expect(&format!("TTL {key}"), ":100")?;
            same(&digest(&mut client, "copy")?, &before, "the copy changed")?;
            let after = digest(&mut client, key)?;
            ensure(after != before, || format!("{key}: a sample left the digest"))?;
            client.expect(&format!("RENAME {key} other"), "+OK")?;
            client.expect("MOVE other 1", ":1")?;
            client.expect("SELECT 1", "+OK")?;
            same(&digest(&mut client, "other")?, &after, "moved")?;
            client.expect("PEXPIRE other 1", ":1")?;
            replication::wait("the key to expire", || {
                Ok(client.line("EXISTS other")? == b":0\r\n")
            })?;
            client.expect("SELECT 0", "+OK")?;
            client.expect("UNLINK copy", ":1")?;
        }
        // An expired destination is nobody's, and its source goes on.
        client.expect("PEXPIRE avg 1", ":1")?;
        replication::wait("the destination to expire", || {
            Ok(client.line("EXISTS avg")? == b":0\r\n")
        })?;
        client.expect("TS.ADD a 70 1", ":70")?;
        client.expect("EXISTS avg", ":0")?;
        client.expect("FLUSHALL", "+OK")?;
        client.expect("TS.GET a", "-ERR TSDB: the key does not exist")
    })
}

fn used_memory(client: &mut Client) -> Outcome<f64> {
    Ok(client.info("used_memory")?.parse().unwrap_or(0.0))
}

/// What MEMORY USAGE says of one of `copies` keys, and what it takes: bytes of each.
fn said_and_true(client: &mut Client, lines: &[String], copies: u32) -> Outcome<(f64, f64)> {
    client.line("FLUSHALL SYNC")?;
    for warm in ["warm:1", "warm:2", "warm:3"] {
        for line in lines {
            succeeds(client, &line.replace("{}", warm))?;
        }
    }
    let before = used_memory(client)?;
    let commands: Vec<Vec<String>> = (0..copies)
        .flat_map(|number| lines.iter().map(move |line| (number, line)))
        .map(|(number, line)| line.replace("{}", &format!("key:{number:06}")))
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect();
    for batch in commands.chunks(100) {
        client.pipeline(batch)?;
    }
    let truth = (used_memory(client)? - before) / f64::from(copies);
    let said = client.value("MEMORY USAGE key:000000 SAMPLES 0")?.integer()?;
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    Ok((said as f64, truth))
}

/// A line of so many samples, in order, from `first` on.
fn samples(key: &str, first: u64, count: u64) -> String {
    let samples =
        (first..first + count).map(|time| format!(" {key} {time} {}.{}", time % 7, time % 10));
    format!("TS.MADD{}", samples.collect::<String>())
}

/// Not of the index of labels, which no key has alone: so of series without labels.
#[test]
fn memory_usage_is_the_allocators_truth() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        let create = |options: &str| format!("TS.CREATE {{}} CHUNK_SIZE 1024{options}");
        // What a server and the index take for any key, and do not say, is no matter of the value.
        let (said, truth) = said_and_true(&mut client, &[create("")], 2_000)?;
        let unsaid = truth - said;
        for (options, count, copies) in
            [(" ENCODING UNCOMPRESSED", 500, 300), ("", 500, 500), ("", 3_000, 100), ("", 1, 2_000)]
        {
            let lines = [create(options), samples("{}", 1, count)];
            let (said, truth) = said_and_true(&mut client, &lines, copies)?;
            ensure(((said + unsaid) / truth - 1.0).abs() < 0.1, || {
                format!("{options} {count}: {said} said, {unsaid} unsaid, {truth} true")
            })?;
        }
        Ok(())
    })
}

/// Processor time of the server's main thread so far, in microseconds.
fn main_thread_us(client: &mut Client) -> Outcome<f64> {
    let mut seconds = 0.0;
    for field in ["used_cpu_user_main_thread", "used_cpu_sys_main_thread"] {
        seconds += client.info(field)?.parse::<f64>().unwrap_or(0.0);
    }
    Ok(seconds * 1e6)
}

#[test]
fn a_huge_series_is_freed_in_no_time() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        for line in ["UNLINK huge", "FLUSHALL ASYNC"] {
            // 48 bytes a chunk: a hundred thousand of them.
            client.expect("TS.CREATE huge CHUNK_SIZE 48 ENCODING UNCOMPRESSED", "+OK")?;
            for batch in 0..30 {
                succeeds(&mut client, &samples("huge", batch * 10_000, 10_000))?;
            }
            let used = used_memory(&mut client)?;
            ensure(used > 10e6, || format!("it took {used} bytes"))?;
            let before = main_thread_us(&mut client)?;
            client.line(line)?;
            // The reading of the clock costs some of it too.
            let spent = main_thread_us(&mut client)? - before;
            ensure(spent < 2_000.0, || format!("{line} took {spent} us of the main thread"))?;
            replication::wait("the memory", || Ok(used_memory(&mut client)? < 8e6))?;
        }
        Ok(())
    })
}

#[test]
fn out_of_memory_changes_nothing() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let before = replication::digest(server)?;
        client.expect("CONFIG SET maxmemory 1", "+OK")?;
        for line in [
            "TS.CREATE new",
            "TS.ALTER a RETENTION 5",
            "TS.ADD a 100 1",
            "TS.MADD a 100 1",
            "TS.INCRBY a 1",
            "TS.DECRBY a 1",
        ] {
            let reply = client.line(line)?;
            ensure(reply.starts_with(b"-OOM"), || format!("{line}: {}", reply.escape_ascii()))?;
        }
        client.expect("TS.GET b", "*2\r\n:2\r\n+2")?;
        ensure(before == replication::digest(server)?, || "the data changed".into())?;
        client.expect("TS.DEL b 2 2", ":1")?;
        client.expect("CONFIG SET maxmemory 0", "+OK")
    })
}

#[test]
fn unknown_load_arguments_are_refused() -> Outcome<()> {
    for name in keyspan_tests::servers()? {
        for arguments in [
            &["NO_SUCH_SETTING", "1"][..],
            &["OSS_GLOBAL_PASSWORD"],
            &["CHUNK_SIZE_BYTES", "100"],
            &["DUPLICATE_POLICY", "none"],
            &["COMPACTION_POLICY", "max"],
            &["IGNORE_MAX_VAL_DIFF", "nan"],
            &["RETENTION_POLICY", "-1"],
            &["NUM_THREADS", "0"],
            &["rdb-encoding", "7"],
        ] {
            let started = Spec::new(name)?.module("timeseries", arguments).start();
            ensure(started.is_err(), || format!("{} took {arguments:?}", name.as_str()))?;
        }
    }
    Ok(())
}

#[test]
fn commands_tell_their_documents() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        for (name, wanted) in [("ts.add", "ON_DUPLICATE"), ("ts.mrange", "GROUPBY")] {
            let docs = client.value(&format!("COMMAND DOCS {name}"))?.to_string();
            for wanted in [wanted, "O("] {
                ensure(docs.contains(wanted), || format!("{name} lacks {wanted}: {docs}"))?;
            }
        }
        Ok(())
    })
}
