//! Filters and sketches as keys: everything a server does with a value.

use keyspan_tests::{
    Client, Outcome, Server, Spec,
    bloom::{self, fails, fill, succeeds},
    ensure, on_each_server,
    pubsub::{Events, Tracker},
    replication, same,
};

#[test]
fn events_come_only_with_a_change() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut events = Events::new(server)?;
        let mut client = server.client()?;
        client.expect("CMS.INITBYDIM other 10 3", "+OK")?;
        client.expect("CMS.INCRBY other a 5", "*1\r\n:5")?;
        client.expect("TDIGEST.CREATE source", "+OK")?;
        client.expect("TDIGEST.ADD source 1 2", "+OK")?;
        events.seen(server)?;
        let mut wrong = Vec::new();
        for (line, wanted) in [
            ("BF.ADD new x", "bloom.reserve bloom.add"),
            ("BF.RESERVE b 0.01 100", "bloom.reserve"),
            ("BF.ADD b x", "bloom.add"),
            ("BF.ADD b x", ""),
            ("BF.MADD b x y", "bloom.add"),
            ("BF.MADD b x y", ""),
            ("BF.INSERT b ITEMS x z", "bloom.add"),
            ("BF.INSERT b ITEMS x z", ""),
            ("BF.EXISTS b x", ""),
            ("CF.INSERT f ITEMS x", "cf.reserve cf.insert"),
            ("CF.RESERVE c 100", "cf.reserve"),
            ("CF.ADD c x", "cf.add"),
            ("CF.ADDNX c x", ""),
            ("CF.ADDNX c y", "cf.addnx"),
            ("CF.INSERT c ITEMS p q", "cf.insert"),
            ("CF.INSERTNX c ITEMS p q", ""),
            ("CF.INSERTNX c ITEMS p r", "cf.insertnx"),
            ("CF.DEL c x", "cf.del"),
            ("CF.DEL c nothing", ""),
            ("CMS.INITBYDIM m 10 3", "cms.initbydim"),
            ("CMS.INCRBY m a 1", "cms.incrby"),
            ("CMS.INCRBY m a 0", ""),
            ("CMS.MERGE m 1 other", "cms.merge"),
            ("CMS.MERGE m 1 other", ""),
            ("TOPK.RESERVE t 3", "topk.reserve"),
            ("TOPK.ADD t a b", "topk.add"),
            ("TOPK.INCRBY t a 5", "topk.incrby"),
            ("TOPK.INCRBY t a 0", ""),
            ("TDIGEST.CREATE d", "tdigest.create"),
            ("TDIGEST.ADD d 1 2", "tdigest.add"),
            ("TDIGEST.MERGE d 1 source", "tdigest.merge"),
            ("TDIGEST.MERGE d 1 source OVERRIDE", "tdigest.merge"),
            ("TDIGEST.MERGE d 1 source OVERRIDE", ""),
            ("TDIGEST.RESET d", "tdigest.reset"),
            ("TDIGEST.QUANTILE source 0.5", ""),
        ] {
            succeeds(&mut client, line)?;
            let key = line.split(' ').nth(1).unwrap_or_default();
            let mut seen = events.seen(server)?;
            // The server's own: for any key that appears.
            seen.retain(|event| !event.starts_with("new ") && !event.starts_with("keymiss "));
            let expected: Vec<String> =
                wanted.split_whitespace().map(|event| format!("{event} {key}")).collect();
            if seen != expected {
                wrong.push(format!("{line}: events {seen:?}, not {expected:?}"));
            }
        }
        ensure(wrong.is_empty(), || wrong.join("\n"))
    })
}

#[test]
fn tracking_clients_hear_of_real_changes_only() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let mut tracker = Tracker::new(server)?;
        let cases = [
            ("BF.EXISTS b x", "BF.ADD b x", "b", false),
            ("BF.EXISTS b x", "BF.ADD b new", "b", true),
            ("BF.EXISTS v x", "BF.ADD v x", "v", false),
            ("BF.EXISTS v x", "BF.ADD v new", "v", true),
            ("CF.COUNT c x", "CF.ADDNX c x", "c", false),
            ("CF.COUNT c x", "CF.DEL c nothing", "c", false),
            ("CF.COUNT c x", "CF.ADD c x", "c", true),
            ("CMS.QUERY m x", "CMS.INCRBY m x 1", "m", true),
            ("CMS.QUERY m x", "CMS.INCRBY m x -1", "m", false),
            ("TOPK.QUERY t x", "TOPK.ADD t x", "t", true),
            ("TDIGEST.MAX d", "TDIGEST.ADD d nan", "d", false),
            ("TDIGEST.MAX d", "TDIGEST.ADD d 4", "d", true),
        ];
        tracker.hears(&mut client, &cases)
    })
}

#[test]
fn replicas_follow_what_changed_and_nothing_else() -> Outcome<()> {
    on_each_server(bloom::spec, |primary| {
        let replica: Server = bloom::spec(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        let mut client = primary.client()?;
        fill(&mut client)?;
        replication::converge(&replica, primary)?;
        let unchanging = [
            "BF.ADD b x",
            "BF.MADD v x y",
            "BF.INSERT b NOCREATE ITEMS x y",
            "CF.ADDNX c x",
            "CF.INSERTNX c ITEMS x y",
            "CF.DEL c none",
            "CMS.INCRBY m x -1",
            "TOPK.INCRBY t x 0",
            "TDIGEST.ADD d inf",
            "TDIGEST.QUANTILE d 0.5",
            "TDIGEST.MERGE d 1 none",
        ];
        replication::sends_nothing(&mut client, &unchanging)?;
        replication::converge(&replica, primary)
    })
}

#[test]
fn keys_move_copy_and_expire() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        client.expect("EXPIRE e 100", ":1")?;
        client.expect("TDIGEST.MERGE e 1 d", "+OK")?;
        client.expect("TTL e", ":100")?;
        for (key, change) in [
            ("b", "BF.ADD b more"),
            ("v", "BF.ADD v more"),
            ("c", "CF.ADD c more"),
            ("m", "CMS.INCRBY m more 1"),
            ("t", "TOPK.ADD t more"),
            ("d", "TDIGEST.ADD d 9"),
        ] {
            let digest =
                |client: &mut Client, key: &str| client.line(&format!("DEBUG DIGEST-VALUE {key}"));
            let before = digest(&mut client, key)?;
            client.expect(&format!("COPY {key} copy"), ":1")?;
            same(&digest(&mut client, "copy")?, &before, key)?;
            client.expect(&format!("EXPIRE {key} 100"), ":1")?;
            succeeds(&mut client, change)?;
            client.expect(&format!("TTL {key}"), ":100")?;
            same(&digest(&mut client, "copy")?, &before, "the copy changed")?;
            let after = digest(&mut client, key)?;
            ensure(after != before, || format!("{change} left the digest"))?;
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
        client.expect("TOUCH e", ":1")?;
        client.expect("FLUSHALL", "+OK")?;
        client.expect("BF.EXISTS b x", ":0")
    })
}

fn used_memory(client: &mut Client) -> Outcome<f64> {
    Ok(client.info("used_memory")?.parse().unwrap_or(0.0))
}

/// What MEMORY USAGE says of one of `copies` keys, and what it takes: bytes of each.
fn said_and_true(client: &mut Client, make: &str, grow: &str, copies: u32) -> Outcome<(f64, f64)> {
    client.line("FLUSHALL SYNC")?;
    for warm in ["warm:1", "warm:2", "warm:3"] {
        succeeds(client, &make.replace("{}", warm))?;
    }
    let before = used_memory(client)?;
    let commands: Vec<Vec<String>> = (0..copies)
        .flat_map(|number| [make, grow].map(|line| (number, line)))
        .filter(|(_, line)| !line.is_empty())
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

#[test]
fn memory_usage_is_the_allocators_truth() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        let many: Vec<String> = (0..300).map(|number| number.to_string()).collect();
        let many = many.join(" ");
        for (make, grow, copies) in [
            ("BF.RESERVE {} 0.01 100", String::new(), 5_000),
            ("BF.RESERVE {} 0.01 20", format!("BF.MADD {{}} {many}"), 1_000),
            ("BF.RESERVE {} 0.001 1000000", String::new(), 1),
            ("CF.RESERVE {} 1000", String::new(), 2_000),
            ("CF.RESERVE {} 64", format!("CF.INSERT {{}} ITEMS {many}"), 1_000),
            ("CMS.INITBYDIM {} 100 5", String::new(), 2_000),
            ("CMS.INITBYDIM {} 20 5", String::new(), 5_000),
            ("CMS.INITBYDIM {} 100000 10", String::new(), 1),
            ("TOPK.RESERVE {} 10", format!("TOPK.ADD {{}} {many}"), 1_000),
            ("TOPK.RESERVE {} 100 1000 5 0.9", format!("TOPK.ADD {{}} {many}"), 100),
            ("TDIGEST.CREATE {}", format!("TDIGEST.ADD {{}} {many}"), 500),
            ("TDIGEST.CREATE {} COMPRESSION 1000", String::new(), 1_000),
        ] {
            // What a server takes for any key, and does not say, is no matter of the value.
            let (said, truth) = said_and_true(&mut client, "CMS.INITBYDIM {} 1 1", "", copies)?;
            let unsaid = if copies == 1 { 0.0 } else { truth - said };
            let (said, truth) = said_and_true(&mut client, make, &grow, copies)?;
            // The buffers of a client that sends many items are among what is measured, and large
            // blocks are rounded up otherwise in jemalloc 5.3.1.
            let slack = if grow.is_empty() && copies > 1 { 0.04 } else { 0.1 };
            ensure(((said + unsaid) / truth - 1.0).abs() < slack, || {
                format!("{make}: {said} said, {unsaid} unsaid, {truth} true")
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
fn a_huge_filter_is_made_and_freed_in_no_time() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        for make in [
            "BF.RESERVE huge 0.01 800000000",
            "CF.RESERVE huge 1000000000",
            "CMS.INITBYDIM huge 50000000 5",
        ] {
            for line in ["UNLINK huge", "FLUSHALL ASYNC"] {
                let before = main_thread_us(&mut client)?;
                client.expect(make, "+OK")?;
                let made = main_thread_us(&mut client)? - before;
                ensure(made < 5_000.0, || format!("{make} took {made} us of the main thread"))?;
                let used = used_memory(&mut client)?;
                ensure(used > 500e6, || format!("{make} took {used} bytes"))?;
                let before = main_thread_us(&mut client)?;
                client.line(line)?;
                // The reading of the clock costs some of it too.
                let spent = main_thread_us(&mut client)? - before;
                ensure(spent < 2_000.0, || format!("{line} took {spent} us of the main thread"))?;
                replication::wait("the memory", || Ok(used_memory(&mut client)? < 64e6))?;
            }
        }
        Ok(())
    })
}

#[test]
fn out_of_memory_changes_nothing() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let before = replication::digest(server)?;
        client.expect("CONFIG SET maxmemory 1", "+OK")?;
        for line in [
            "BF.RESERVE new 0.01 100",
            "BF.ADD b new",
            "BF.MADD v new",
            "BF.INSERT new ITEMS x",
            "BF.LOADCHUNK b 1 x",
            "CF.RESERVE new 100",
            "CF.ADD c new",
            "CF.ADDNX c new",
            "CF.INSERT c ITEMS new",
            "CF.INSERTNX c ITEMS new",
            "CF.LOADCHUNK c 1 x",
            "CMS.INITBYDIM new 10 10",
            "CMS.INITBYPROB new 0.1 0.1",
            "CMS.INCRBY m x 1",
            "CMS.MERGE m 1 m",
            "TOPK.RESERVE new 3",
            "TOPK.ADD t x",
            "TOPK.INCRBY t x 1",
            "TDIGEST.CREATE new",
            "TDIGEST.ADD d 1",
            "TDIGEST.MERGE new 1 d",
        ] {
            let reply = client.line(line)?;
            ensure(reply.starts_with(b"-OOM"), || format!("{line}: {}", reply.escape_ascii()))?;
        }
        client.expect("BF.EXISTS b x", ":1")?;
        ensure(before == replication::digest(server)?, || "the data changed".into())?;
        client.expect("CF.DEL c x", ":1")?;
        client.expect("CONFIG SET maxmemory 0", "+OK")
    })
}

#[test]
fn items_are_any_bytes() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        client.expect("TOPK.RESERVE t 8 100 5 0.9", "+OK")?;
        client.expect("CMS.INITBYDIM m 1000 5", "+OK")?;
        let huge = vec![b'x'; 20 << 20];
        let items = [b"".as_slice(), b"\0", b"a\0b", b"a", b"\xff\xfe", b"\r\n", &huge];
        for item in items {
            let call = |client: &mut Client, command: &str, key: &str, item: &[u8]| {
                client.call(&[command.as_bytes(), key.as_bytes(), item])
            };
            let what = item.get(..10).unwrap_or(item).escape_ascii().to_string();
            for (command, key, reply) in [
                ("BF.EXISTS", "b", ":0\r\n"),
                ("BF.ADD", "b", ":1\r\n"),
                ("BF.EXISTS", "b", ":1\r\n"),
                ("CF.COUNT", "c", ":0\r\n"),
                ("CF.ADD", "c", ":1\r\n"),
                ("CF.COUNT", "c", ":1\r\n"),
                ("CMS.QUERY", "m", "*1\r\n:0\r\n"),
                ("TOPK.QUERY", "t", "*1\r\n:0\r\n"),
                ("TOPK.ADD", "t", "*1\r\n$-1\r\n"),
                ("TOPK.QUERY", "t", "*1\r\n:1\r\n"),
                ("TOPK.COUNT", "t", "*1\r\n:1\r\n"),
            ] {
                let got = call(&mut client, command, key, item)?;
                same(&got, reply.as_bytes(), &format!("{command} {what}"))?;
            }
            same(
                &client.call(&[b"CMS.INCRBY", b"m".as_slice(), item, b"2"])?,
                b"*1\r\n:2\r\n",
                &what,
            )?;
        }
        for (key, item) in
            [("t", items)].into_iter().flat_map(|(key, items)| items.map(|i| (key, i)))
        {
            let reply = client.call(&[b"TOPK.QUERY", key.as_bytes(), item])?;
            same(&reply, b"*1\r\n:1\r\n", "TOPK.QUERY of all")?;
        }
        let list = client.value("TOPK.LIST t")?;
        ensure(list.elements()?.len() == items.len(), || {
            format!("{} items", list.elements().map_or(0, <[_]>::len))
        })?;
        for key in ["b", "c", "m", "t"] {
            keyspan_tests::persistence::survives_restore(server, key)?;
        }
        for item in items {
            let reply = client.call(&[b"TOPK.QUERY", b"t".as_slice(), item])?;
            same(&reply, b"*1\r\n:1\r\n", "TOPK.QUERY after RESTORE")?;
        }
        Ok(())
    })
}

#[test]
fn numbers_that_are_none_make_nothing() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        for line in [
            "BF.RESERVE k nan 100",
            "BF.RESERVE k inf 100",
            "BF.RESERVE k 0.01 nan",
            "BF.RESERVE k 0.01 1e3",
            "BF.INSERT k ERROR nan ITEMS x",
            "CF.RESERVE k nan",
            "CMS.INITBYPROB k nan 0.1",
            "CMS.INITBYPROB k 0.1 nan",
            "CMS.INITBYPROB k 0.1 -nan",
            "TOPK.RESERVE k 3 10 10 nan",
            "TOPK.RESERVE k 3 10 10 inf",
            "TDIGEST.CREATE k COMPRESSION nan",
            "TDIGEST.CREATE k COMPRESSION inf",
            "TDIGEST.CREATE k COMPRESSION 1e300",
        ] {
            fails(&mut client, line)?;
            client.expect("EXISTS k", ":0")?;
        }
        client.expect("TDIGEST.CREATE d", "+OK")?;
        for line in [
            "TDIGEST.ADD d 1 nan",
            "TDIGEST.ADD d 1 -inf",
            "TDIGEST.ADD d 1 +nan",
            "TDIGEST.QUANTILE d nan",
            "TDIGEST.TRIMMED_MEAN d nan 1",
            "TDIGEST.TRIMMED_MEAN d 0 nan",
        ] {
            fails(&mut client, line)?;
        }
        client.expect("TDIGEST.MAX d", "$3\r\nnan")?;
        client.expect(
            "TDIGEST.ADD d 1.7976931348623157e308 -1.7976931348623157e308 5e-324 -0.0",
            "+OK",
        )?;
        for line in [
            "TDIGEST.MAX d",
            "TDIGEST.QUANTILE d 0 0.5 1",
            "TDIGEST.CDF d 0",
            "TDIGEST.TRIMMED_MEAN d 0 1",
        ] {
            succeeds(&mut client, line)?;
        }
        keyspan_tests::persistence::survives_restore(server, "d")
    })
}
