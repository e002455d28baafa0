//! JSON documents as citizens of a server: everything the server does with a key.

use keyspan_tests::{
    Client, Outcome, Server, Spec, acl, ensure, on_each_server,
    pubsub::{Events, Tracker},
    replication,
};

fn json(spec: Spec) -> Spec {
    spec.module("json", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

fn text(client: &mut Client, line: &str) -> Outcome<String> {
    Ok(String::from_utf8_lossy(client.value(line)?.bytes()?).into_owned())
}

#[test]
fn the_module_says_who_it_is() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        let list = client.value("MODULE LIST")?.to_string();
        ensure(list.contains("ReJSON") && list.contains("80800"), || list.clone())?;
        let info = text(&mut client, "INFO everything")?;
        for wanted in ["ReJSON_version", "0.1.0", "ReJSON_documents"] {
            ensure(info.contains(wanted), || format!("INFO lacks {wanted}"))?;
        }
        client.expect("TYPE j", "+none")?;
        client.expect("JSON.SET j . 1", "+OK")?;
        client.expect("TYPE j", "+ReJSON-RL")
    })
}

#[test]
fn commands_are_described() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        for (line, keys) in [
            ("JSON.MGET a b c $.x", "a b c"),
            ("JSON.MSET a $ 1 b $ 2", "a b"),
            ("JSON.DEBUG MEMORY a", "a"),
            ("JSON.NUMINCRBY a $ 1", "a"),
        ] {
            let reply = client.value(&format!("COMMAND GETKEYS {line}"))?;
            let got: Vec<String> = reply
                .elements()?
                .iter()
                .map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()))
                .collect::<Outcome<_>>()?;
            ensure(got.join(" ") == keys, || format!("{line}: {got:?}"))?;
        }
        let docs = client.value("COMMAND DOCS json.set")?.to_string();
        for wanted in ["Sets or updates", "1.0.0", "fpha", "O("] {
            ensure(docs.contains(wanted), || format!("COMMAND DOCS lacks {wanted}: {docs}"))?;
        }
        let info = client.value("COMMAND INFO json.get")?.to_string();
        ensure(info.contains("readonly"), || info.clone())
    })
}

#[test]
fn events_come_only_with_a_change() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut events = Events::new(server)?;
        let mut client = server.client()?;
        let steps = [
            (
                r#"JSON.SET k $ '{"n":1,"s":"x","t":true,"a":[1,2,3],"o":{"p":1},"e":[]}'"#,
                "json.set",
            ),
            ("JSON.SET k $.n 5 NX", ""),
            ("JSON.NUMINCRBY k $.n 1", "json.numincrby"),
            ("JSON.NUMINCRBY k $.s 1", ""),
            ("JSON.NUMMULTBY k $.n 2", "json.nummultby"),
            ("JSON.NUMPOWBY k $.n 2", "json.numpowby"),
            (r#"JSON.STRAPPEND k $.s '"y"'"#, "json.strappend"),
            ("JSON.TOGGLE k $.t", "json.toggle"),
            ("JSON.TOGGLE k $.s", ""),
            ("JSON.ARRAPPEND k $.a 4", "json.arrappend"),
            ("JSON.ARRINSERT k $.a 0 0", "json.arrinsert"),
            ("JSON.ARRPOP k $.a", "json.arrpop"),
            ("JSON.ARRPOP k $.e", ""),
            ("JSON.ARRTRIM k $.a 0 1", "json.arrtrim"),
            ("JSON.ARRTRIM k $.a 0 100", ""),
            (r#"JSON.MERGE k $ '{"m":1}'"#, "json.merge"),
            (r#"JSON.MERGE k $ '{"m":1}'"#, ""),
            ("JSON.MSET k $.n 1", "json.mset"),
            ("JSON.CLEAR k $.a", "json.clear"),
            ("JSON.CLEAR k $.a", ""),
            ("JSON.DEL k $.nope", ""),
            ("JSON.DEL k $.n", "json.del"),
            ("JSON.GET k", ""),
            ("JSON.FORGET k", "json.del"),
        ];
        for (line, event) in steps {
            let reply = client.line(line)?;
            ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))?;
            let wanted: Vec<String> =
                if event.is_empty() { Vec::new() } else { vec![format!("{event} k")] };
            let mut seen = events.seen(server)?;
            // The server's own: for any key that appears, and (Redis 8.6) for a look at one that
            // a module has just deleted.
            seen.retain(|event| event != "new k" && event != "keymiss k");
            ensure(seen == wanted, || format!("{line}: events {seen:?}"))?;
        }
        Ok(())
    })
}

#[test]
fn tracking_clients_hear_of_real_changes_only() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        client.expect(r#"JSON.SET k $ '{"n":1}'"#, "+OK")?;
        let mut tracker = Tracker::new(server)?;
        for (line, heard) in [
            ("JSON.SET k $.n 2", true),
            ("JSON.SET k $.n 3 NX", false),
            ("JSON.NUMINCRBY k $.nope 1", false),
            ("JSON.NUMINCRBY k $.n abc", false),
            ("JSON.NUMINCRBY k $.n 1", true),
            ("JSON.DEL k $.nope", false),
            ("JSON.DEL k", true),
        ] {
            tracker.client().line("JSON.GET k $.n")?;
            tracker.invalidated()?;
            client.line(line)?;
            let keys = tracker.invalidated()?;
            ensure(keys.contains(&"k".to_owned()) == heard, || format!("{line}: {keys:?}"))?;
        }
        Ok(())
    })
}

#[test]
fn users_are_held_to_their_rules() -> Outcome<()> {
    on_each_server(json, |server| {
        server.client()?.expect("JSON.SET mine $ 1", "+OK")?;
        // Redis 7.0 has no categories for commands of modules.
        let old = server.name().as_str() == "redis-7.0";
        let rules = if old { "~mine +json.get +json.mget" } else { "~mine +@read" };
        let mut reader = acl::user(server, "reader", rules)?;
        acl::allowed(&mut reader, "JSON.GET mine")?;
        acl::refused(&mut reader, "JSON.SET mine $ 2")?;
        acl::refused(&mut reader, "JSON.GET other")?;
        acl::refused(&mut reader, "JSON.MGET mine other $")?;
        let rules = if old { "~w:* +json.set +json.mset" } else { "~w:* +@write" };
        let mut writer = acl::user(server, "writer", rules)?;
        acl::allowed(&mut writer, "JSON.SET w:1 $ 2")?;
        acl::refused(&mut writer, "JSON.MSET w:1 $ 1 mine $ 1")?;
        if !old {
            let commands = acl::category(&mut server.client()?, "json")?;
            // Valkey 8.0 lists no commands of modules, though the rule below works.
            let listed = if server.name().as_str() == "valkey-8.0" { 0 } else { 25 };
            ensure(commands.len() == listed, || format!("@json: {commands:?}"))?;
            let mut all = acl::user(server, "all", "~* +@json")?;
            acl::allowed(&mut all, "JSON.SET mine $ 3")?;
            acl::refused(&mut all, "SET plain 1")?;
        }
        Ok(())
    })
}

#[test]
fn transactions_scripts_and_functions_run_json() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        client.expect("MULTI", "+OK")?;
        client.expect(r#"JSON.SET t $ '{"a":1}'"#, "+QUEUED")?;
        client.expect("JSON.NUMINCRBY t $.a 1", "+QUEUED")?;
        client.expect("JSON.GET t", "+QUEUED")?;
        client.expect("EXEC", "*3\r\n+OK\r\n$3\r\n[2]\r\n$7\r\n{\"a\":2}")?;
        client.expect("WATCH t", "+OK")?;
        server.client()?.expect("JSON.SET t $.a 9", "+OK")?;
        client.expect("MULTI", "+OK")?;
        client.expect("JSON.GET t", "+QUEUED")?;
        let reply = client.line("EXEC")?;
        ensure(matches!(reply.as_slice(), b"*-1\r\n" | b"_\r\n"), || "WATCH saw no change".into())?;
        client.expect("EVAL \"return redis.call('JSON.GET', KEYS[1], '$.a')\" 1 t", "$3\r\n[9]")?;
        client.expect(
            "EVAL \"return redis.pcall('JSON.GET', KEYS[1], '.b')['err']\" 1 t",
            "$23\r\nERR Path does not exist",
        )?;
        let library = "#!lua name=l\\nredis.register_function('f', function(keys) return redis.call('JSON.ARRLEN', keys[1], '$') end)";
        client.expect(&format!("FUNCTION LOAD \"{library}\""), "$1\r\nl")?;
        client.expect("FCALL f 1 t", "*1\r\n$-1")
    })
}

#[test]
fn keys_move_copy_and_expire() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        client.expect(r#"JSON.SET a $ '{"x":[1,2.5,"text that is long"]}'"#, "+OK")?;
        client.expect("COPY a b", ":1")?;
        client.expect("JSON.SET a $.x[0] 9", "+OK")?;
        client.expect("JSON.GET b", "$33\r\n{\"x\":[1,2.5,\"text that is long\"]}")?;
        client.expect("RENAME b c", "+OK")?;
        client.expect("MOVE c 1", ":1")?;
        client.expect("SELECT 1", "+OK")?;
        client.expect("JSON.GET c $.x[2]", "$21\r\n[\"text that is long\"]")?;
        client.expect("EXPIRE c 100", ":1")?;
        for line in ["JSON.SET c $.x[0] 2", "JSON.SET c $ [1]", "JSON.MSET c $ [2] new . 1"] {
            client.expect(line, "+OK")?;
            client.expect("TTL c", ":100")?;
        }
        client.expect("PEXPIRE c 1", ":1")?;
        replication::wait("the key to expire", || Ok(client.line("EXISTS c")? == b":0\r\n"))?;
        client.expect("JSON.GET c", "$-1")?;
        client.expect("SELECT 0", "+OK")?;
        client.expect("TOUCH a", ":1")?;
        client.expect("FLUSHALL", "+OK")?;
        client.expect("JSON.GET a", "$-1")
    })
}

/// `{"records":[..]}` of about `size` bytes of text.
fn large(size: usize) -> Vec<u8> {
    let mut text = b"{\"records\":[".to_vec();
    for number in 0.. {
        let record = format!(
            "{{\"id\":{number},\"name\":\"record number {number}\",\"price\":{}.25,\"tags\":[\"a\",\"bb\",\"a longer tag\"],\"on\":true}}",
            number % 1000
        );
        if text.len() + record.len() > size {
            break;
        }
        text.extend_from_slice(record.as_bytes());
        text.push(b',');
    }
    text.pop();
    text.extend_from_slice(b"]}");
    text
}

fn used_memory(client: &mut Client) -> Outcome<f64> {
    Ok(client.info("used_memory")?.parse().unwrap_or(0.0))
}

#[test]
fn memory_usage_is_the_allocators_truth() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        for (name, size, copies) in
            [("small", 300, 20_000), ("mid", 5_000, 2_000), ("large", 4_000_000, 1)]
        {
            let text = large(size);
            client.line("FLUSHALL SYNC")?;
            // The first documents make the shapes that all share.
            for warm in ["warm:1", "warm:2", "warm:3"] {
                client.call(&[b"JSON.SET".as_slice(), warm.as_bytes(), b"$", &text])?;
            }
            let before = used_memory(&mut client)?;
            let commands: Vec<Vec<Vec<u8>>> = (0..copies)
                .map(|n| {
                    let key = format!("key:{n:06}");
                    vec![b"JSON.SET".to_vec(), key.into_bytes(), b"$".to_vec(), text.clone()]
                })
                .collect();
            for batch in commands.chunks(50) {
                client.pipeline(batch)?;
            }
            let truth = (used_memory(&mut client)? - before) / f64::from(copies);
            let said = client.value("MEMORY USAGE key:000000 SAMPLES 0")?.integer()?;
            #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
            let ratio = said as f64 / truth;
            ensure((0.9..=1.1).contains(&ratio), || format!("{name}: {said} said, {truth} true"))?;
        }
        Ok(())
    })
}

#[test]
fn a_huge_document_goes_off_the_main_thread() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        let text = large(100 << 20);
        for line in ["UNLINK huge", "FLUSHALL ASYNC"] {
            let reply = client.call(&[b"JSON.SET".as_slice(), b"huge", b"$", &text])?;
            keyspan_tests::same(&reply, b"+OK\r\n", "JSON.SET of 100 MB")?;
            let before = main_thread_us(&mut client)?;
            client.line(line)?;
            // The reading of the clock costs some of it too.
            let spent = main_thread_us(&mut client)? - before;
            ensure(spent < 1000.0, || format!("{line} took {spent} us of the main thread"))?;
        }
        replication::wait("the memory to come back", || Ok(used_memory(&mut client)? < 32e6))
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
fn out_of_memory_changes_nothing() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        client.expect(r#"JSON.SET k $ '{"n":1,"a":[1,2]}'"#, "+OK")?;
        let before = replication::digest(server)?;
        client.expect("CONFIG SET maxmemory 1", "+OK")?;
        for line in [
            "JSON.SET k $.n 2",
            "JSON.SET new $ 1",
            "JSON.MSET k $ 1",
            "JSON.MERGE k $ 1",
            "JSON.ARRAPPEND k $.a 1",
            "JSON.ARRINSERT k $.a 0 1",
            r#"JSON.STRAPPEND k $.n '"x"'"#,
        ] {
            let reply = client.line(line)?;
            ensure(reply.starts_with(b"-OOM"), || format!("{line}: {}", reply.escape_ascii()))?;
        }
        client.expect("JSON.GET k $.n", "$3\r\n[1]")?;
        ensure(before == replication::digest(server)?, || "the data changed".into())?;
        client.expect("JSON.DEL k $.a", ":1")?;
        client.expect("CONFIG SET maxmemory 0", "+OK")
    })
}

#[test]
fn settings_are_set_shown_and_kept() -> Outcome<()> {
    let with_arguments = |spec: Spec| {
        spec.module("json", &["max-document-size", "2000", "rdb-encoding", "4"]).options(&[
            "--save",
            "",
            "--enable-debug-command",
            "yes",
        ])
    };
    on_each_server(with_arguments, |server| {
        let mut client = server.client()?;
        let shown = client.value("CONFIG GET ReJSON.*")?.to_string().to_lowercase();
        for wanted in ["max-document-size", "2000", "rdb-encoding", "max-path-steps"] {
            ensure(shown.contains(wanted), || format!("CONFIG GET lacks {wanted}: {shown}"))?;
        }
        let size = "-ERR document exceeds the limit of ReJSON.max-document-size";
        let long = "x".repeat(3000);
        client.expect(&format!("JSON.SET k $ '\"{long}\"'"), size)?;
        client.expect("JSON.SET k $ '\"\"'", "+OK")?;
        client.expect(&format!("JSON.STRAPPEND k $ '\"{long}\"'"), size)?;
        client.expect("CONFIG SET ReJSON.max-document-size 10kb", "+OK")?;
        client.expect(&format!("JSON.STRAPPEND k $ '\"{long}\"'"), "*1\r\n:3000")?;
        // Each value fits alone, all together do not.
        client.expect("JSON.SET k $ [[],[],[],[],[]]", "+OK")?;
        for line in [
            format!("JSON.SET k $[*] '\"{long}\"'"),
            format!("JSON.MERGE k $[*] '\"{long}\"'"),
            format!("JSON.ARRAPPEND k $[*] '\"{long}\"'"),
            format!("JSON.ARRINSERT k $[0] 0 {}", format!("'\"{long}\"' ").repeat(5)),
        ] {
            client.expect(&line, size)?;
        }
        client.expect("JSON.GET k", "$16\r\n[[],[],[],[],[]]")?;
        client.expect("CONFIG SET ReJSON.max-path-limit 2", "+OK")?;
        client.expect("JSON.SET d $ [[]]", "+OK")?;
        let nesting = "-ERR nesting of the document exceeds the limit of ReJSON.max-path-limit";
        client.expect("JSON.SET d $ [[[]]]", nesting)?;
        client.expect("JSON.ARRAPPEND d $[0] []", nesting)?;
        let reply = client.line("CONFIG SET ReJSON.rdb-encoding 3")?;
        ensure(reply.starts_with(b"-ERR"), || "a fixed setting changed".into())?;
        let reply = client.line("CONFIG SET ReJSON.max-path-limit 1000")?;
        ensure(reply.starts_with(b"-ERR"), || "a setting left its range".into())?;
        // Encoding 4 is CBOR: an empty array within an array is 81 80.
        let dump = client.call(&["DUMP", "d"])?;
        ensure(dump.windows(4).any(|bytes| bytes == [5, 2, 0x81, 0x80]), || {
            dump.escape_ascii().to_string()
        })
    })
}

#[test]
fn unknown_load_arguments_are_refused() -> Outcome<()> {
    for name in keyspan_tests::servers()? {
        for arguments in
            [&["no-such-setting", "1"][..], &["max-path-limit"], &["max-path-limit", "zero"]]
        {
            let started = Spec::new(name)?.module("json", arguments).start();
            ensure(started.is_err(), || format!("{} took {arguments:?}", name.as_str()))?;
        }
    }
    Ok(())
}

#[test]
fn replicas_follow_what_changed_and_nothing_else() -> Outcome<()> {
    on_each_server(json, |primary| {
        let replica: Server = json(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        let mut client = primary.client()?;
        for line in [
            r#"JSON.SET a $ '{"n":1,"l":[1,2,3]}'"#,
            "JSON.SET a $.n 5 NX",
            "JSON.NUMINCRBY a $.n 0.1",
            "JSON.NUMINCRBY a $.* 1e308",
            "JSON.ARRPOP a $.l 0",
            r#"JSON.MSET b $ '{"x":null}' a $.m 1"#,
            r#"JSON.MERGE b $ '{"x":null,"y":[1.5]}'"#,
            "JSON.DEL a $.m",
            "JSON.FORGET b $.y[0]",
        ] {
            client.line(line)?;
        }
        replication::converge(&replica, primary)?;
        let before = client.info("master_repl_offset")?;
        for line in
            ["JSON.SET a $.n 5 NX", "JSON.DEL a $.none", "JSON.CLEAR a $.none", "JSON.TOGGLE a $.n"]
        {
            client.line(line)?;
        }
        let after = client.info("master_repl_offset")?;
        // A replica's acknowledgements do not count; a PING of the primary may.
        let moved = after.parse::<i64>().unwrap_or(0) - before.parse::<i64>().unwrap_or(0);
        ensure(moved < 30, || format!("no-ops were replicated: {moved} bytes"))
    })
}

#[test]
fn keys_of_other_slots_are_seen_in_a_cluster() -> Outcome<()> {
    let node = |spec: Spec| json(spec).options(&["--cluster-enabled", "yes"]);
    on_each_server(node, |server| {
        let mut client = server.client()?;
        client.expect("CLUSTER ADDSLOTSRANGE 0 16383", "+OK")?;
        replication::wait("the cluster", || {
            Ok(text(&mut client, "CLUSTER INFO")?.contains("cluster_state:ok"))
        })?;
        client.expect("JSON.MSET {s}1 $ 1 {s}2 $ 2", "+OK")?;
        client.expect("JSON.MGET {s}1 {s}2 $", "*2\r\n$3\r\n[1]\r\n$3\r\n[2]")?;
        for line in ["JSON.MSET a $ 1 b $ 2", "JSON.MGET a b $"] {
            let reply = client.line(line)?;
            ensure(reply.starts_with(b"-CROSSSLOT"), || {
                format!("{line}: {}", reply.escape_ascii())
            })?;
        }
        client.expect("EXISTS a", ":0")
    })
}
