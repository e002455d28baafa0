//! The timeseries module in a server: what it registers, its settings, its events, what replicas and
//! files keep, and whom it lets do what.

use std::thread;
use std::time::Duration;

use keyspan_tests::{
    Client, Outcome, Server, Spec, Value, acl,
    bloom::{fails, succeeds, text},
    ensure, on_each_server,
    persistence::{self, Base},
    pubsub::Events,
    replication, same,
    timeseries::{self, fill, setting},
};

#[test]
fn the_module_says_who_it_is() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        let list = client.value("MODULE LIST")?.to_string();
        ensure(list.contains("\"timeseries\"") && list.contains("80800"), || list.clone())?;
        fill(&mut client)?;
        let info = text(&mut client, "INFO everything")?;
        for line in ["timeseries_num_series:5", "timeseries_num_samples:"] {
            ensure(info.contains(line), || format!("INFO lacks {line}: {info}"))?;
        }
        client.expect("TYPE a", "+TSDB-TYPE")?;
        client.expect("FLUSHALL SYNC", "+OK")?;
        let info = text(&mut client, "INFO everything")?;
        let line = "timeseries_num_samples:0";
        ensure(info.contains(line), || format!("INFO lacks {line}: {info}"))
    })
}

/// Arity and flags as COMMAND INFO gives them: `w` write, `d` denyoom, `r` readonly, `f` fast.
const COMMANDS: [(&str, i64, &str); 21] = [
    ("ts.create", -2, "wdf"),
    ("ts.alter", -2, "wd"),
    ("ts.add", -4, "wd"),
    ("ts.madd", -4, "wd"),
    ("ts.incrby", -3, "wd"),
    ("ts.decrby", -3, "wd"),
    ("ts.del", 4, "w"),
    ("ts.createrule", -6, "wf"),
    ("ts.deleterule", 3, "wf"),
    ("ts.range", -4, "r"),
    ("ts.revrange", -4, "r"),
    ("ts.mrange", -4, "r"),
    ("ts.mrevrange", -4, "r"),
    ("ts.nrange", -5, "r"),
    ("ts.nrevrange", -5, "r"),
    ("ts.read", -3, "r"),
    ("ts.get", -2, "rf"),
    ("ts.mget", -3, "r"),
    ("ts.queryindex", -2, "r"),
    ("ts.querylabels", -2, "r"),
    ("ts.info", -2, "rf"),
];

/// Commands whose replies depend on more than their keys: COMMAND INFO says so.
const UNCACHED: [&str; 7] = [
    "ts.mrange",
    "ts.mrevrange",
    "ts.mget",
    "ts.queryindex",
    "ts.querylabels",
    "ts.read",
    "ts.info",
];

#[test]
fn commands_are_registered_as_the_references() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        let mut wrong = Vec::new();
        for (name, arity, flags) in COMMANDS {
            let reply = client.value(&format!("COMMAND INFO {name}"))?;
            let described = reply.elements()?.first().map(Value::elements).transpose()?;
            let Some([_, found, words, _, _, _, _, tips, ..]) = described else {
                wrong.push(format!("{name} is missing"));
                continue;
            };
            let words = words.to_string();
            let kinds = [('w', "write"), ('d', "denyoom"), ('r', "readonly"), ('f', "fast")];
            let short: String =
                kinds.iter().filter(|kind| words.contains(kind.1)).map(|kind| kind.0).collect();
            if short != flags || found.integer()? != arity {
                wrong.push(format!("{name}: {found} {short}, not {arity} {flags}"));
            }
            let tips = tips.to_string();
            let expected = if UNCACHED.contains(&name) { "[\"dont_cache\"]" } else { "[]" };
            if tips != expected {
                wrong.push(format!("{name}: tips {tips}"));
            }
        }
        ensure(wrong.is_empty(), || wrong.join("\n"))?;
        for (line, keys) in [
            ("TS.ADD a 1 1", "a"),
            ("TS.MADD a 1 1 b 2 2", "a b"),
            ("TS.CREATERULE a b AGGREGATION avg 10", "a b"),
            ("TS.NRANGE 2 a b - +", "a b"),
            ("TS.READ a - BLOCK 5 1", "a"),
        ] {
            let reply = client.value(&format!("COMMAND GETKEYS {line}"))?;
            let bytes = reply.elements().map_err(|failure| failure.during(line))?.iter();
            let got: Vec<String> = bytes
                .map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()))
                .collect::<Outcome<_>>()?;
            ensure(got.join(" ") == keys, || format!("{line}: {got:?}"))?;
        }
        Ok(())
    })
}

#[test]
fn events_come_only_with_a_change() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut events = Events::new(server)?;
        let mut client = server.client()?;
        let mut wrong = Vec::new();
        for (line, wanted) in [
            ("TS.CREATE s", "ts.create s"),
            ("TS.CREATE d", "ts.create d"),
            ("TS.ALTER s LABELS a b", "ts.alter s"),
            ("TS.CREATERULE s d AGGREGATION sum 10", "ts.createrule:src s, ts.createrule:dest d"),
            ("TS.ADD s 1 1", "ts.add s"),
            ("TS.ADD s 1 1 ON_DUPLICATE LAST", ""),
            ("TS.ADD s 1 2 ON_DUPLICATE LAST", "ts.add s"),
            ("TS.ADD s 1 2 ON_DUPLICATE FIRST", ""),
            ("TS.ADD new 1 2", "ts.add new"),
            ("TS.MADD s 11 1 s 12 1", "ts.add:dest d, ts.add s, ts.add s"),
            ("TS.INCRBY s 5 TIMESTAMP 13", "ts.incrby s"),
            ("TS.DECRBY s 5 TIMESTAMP 21", "ts.add:dest d, ts.decrby s"),
            ("TS.INCRBY s 0 TIMESTAMP 21", ""),
            ("TS.DEL s 500 600", ""),
            ("TS.DEL s 11 12", "ts.del s"),
            ("TS.DELETERULE s d", "ts.deleterule:src s, ts.deleterule:dest d"),
            ("TS.RANGE s - +", ""),
        ] {
            succeeds(&mut client, line)?;
            let mut seen = events.seen(server)?;
            // The server's own: for any key that appears.
            seen.retain(|event| !event.starts_with("new ") && !event.starts_with("keymiss "));
            if seen.join(", ") != wanted {
                wrong.push(format!("{line}: events {seen:?}, not {wanted}"));
            }
        }
        ensure(wrong.is_empty(), || wrong.join("\n"))
    })
}

/// The keys that QUERYINDEX finds for a filter.
fn found(client: &mut Client, filter: &str) -> Outcome<String> {
    let reply = client.value(&format!("TS.QUERYINDEX {filter}"))?;
    let keys = reply.elements()?.iter();
    let keys: Vec<String> = keys
        .map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()))
        .collect::<Outcome<_>>()?;
    Ok(keys.join(" "))
}

#[test]
fn the_label_index_follows_every_key() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let dump = Value::decode(&client.line("DUMP b")?)?;
        for (line, filter, wanted) in [
            ("PING", "kind=x", "a b"),
            ("RENAME a z", "kind=x", "b z"),
            ("COPY b b2", "kind=x", "b b2 z"),
            ("DEL b", "kind=x", "b2 z"),
            ("SET b2 plain", "kind=x", "z"),
            ("TS.ALTER z LABELS kind w", "kind=(w,x)", "z"),
            ("TS.ALTER z LABELS kind x", "kind=(w,x)", "z"),
            ("MOVE z 1", "kind=x", ""),
            ("SWAPDB 0 1", "kind=x", "z"),
            ("SWAPDB 0 1", "kind=x", ""),
            ("SELECT 1", "kind=x", "z"),
            ("RENAME z y", "kind=x", "y"),
            ("FLUSHDB", "kind=x", ""),
            ("SELECT 0", "kind=y", "c"),
            ("PEXPIRE c 1", "kind=none", ""),
        ] {
            succeeds(&mut client, line)?;
            let got = found(&mut client, filter)?;
            ensure(got == wanted, || format!("{line}: {filter} finds {got}, not {wanted}"))?;
        }
        replication::wait("the key to expire", || {
            client.line("EXISTS c")?;
            Ok(found(&mut client, "kind=y")?.is_empty())
        })?;
        let restored = client.call(&[b"RESTORE", b"r".as_slice(), b"0", dump.bytes()?])?;
        same(&restored, b"+OK\r\n", "RESTORE")?;
        ensure(found(&mut client, "kind=x")? == "r", || "after RESTORE".to_owned())?;
        client.expect("RENAME r avg", "+OK")?;
        ensure(found(&mut client, "kind=x")? == "avg", || "renamed over another".to_owned())?;
        ensure(found(&mut client, "of=a")? == "twa", || "what was there is gone".to_owned())?;
        client.expect("DEBUG RELOAD", "+OK")?;
        ensure(found(&mut client, "kind=x")? == "avg", || "after a reload".to_owned())?;
        client.expect("FLUSHALL", "+OK")?;
        ensure(found(&mut client, "kind=x")?.is_empty(), || "after FLUSHALL".to_owned())
    })
}

#[test]
fn rules_follow_both_sides() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let rules = |client: &mut Client, key: &str| -> Outcome<String> {
            let info = client.value(&format!("TS.INFO {key}"))?;
            let fields = info.elements()?;
            let at = fields.iter().position(|field| field.to_string() == "rules");
            Ok(at.and_then(|at| fields.get(at + 1)).map(Value::to_string).unwrap_or_default())
        };
        client.expect("RENAME avg avg2", "+OK")?;
        client.expect("RENAME a a2", "+OK")?;
        succeeds(&mut client, "TS.ADD a2 60 1")?;
        let shown = rules(&mut client, "a2")?;
        ensure(shown.contains("avg2") && shown.contains("twa"), || shown.clone())?;
        client.expect("TS.GET avg2", "*2\r\n:40\r\n+-1")?;
        client.expect("DEL twa", ":1")?;
        let shown = rules(&mut client, "a2")?;
        ensure(shown.contains("avg2") && !shown.contains("twa"), || shown.clone())?;
        // A new key of the name is nobody's destination.
        client.expect("TS.CREATE twa", "+OK")?;
        succeeds(&mut client, "TS.ADD a2 80 1")?;
        client.expect("TS.GET twa", "*0")?;
        client.expect("TS.DELETERULE a2 twa", "-ERR TSDB: compaction rule does not exist")?;
        client.expect("TS.CREATERULE a2 twa AGGREGATION max 10", "+OK")?;
        // Without its source it may be a source itself, or get another one.
        client.expect("DEL a2", ":1")?;
        client.expect("TS.CREATERULE avg2 twa AGGREGATION max 10", "+OK")?;
        client.expect(
            "TS.CREATERULE b avg2 AGGREGATION max 10",
            "-ERR TSDB: the destination key already has a dst rule",
        )?;
        // A copy has neither.
        client.expect("COPY avg2 copy", ":1")?;
        ensure(!rules(&mut client, "copy")?.contains("twa"), || "a copy has rules".to_owned())
    })
}

/// What the series of `primary` answer, that must be the same elsewhere.
fn answers(server: &Server) -> Outcome<String> {
    let mut client = server.client()?;
    let keys = client.value("KEYS *")?;
    let mut keys: Vec<String> = keys.elements()?.iter().map(Value::to_string).collect();
    keys.sort();
    let mut all = String::new();
    for key in keys {
        for line in [format!("TS.RANGE {key} - +"), format!("TS.RANGE {key} - + LATEST")] {
            all += &format!("{line}: {}\n", client.value(&line)?);
        }
        let info = client.value(&format!("TS.INFO {key}"))?;
        let fields = info.elements()?.chunks(2);
        let told =
            fields.filter(|pair| pair.first().is_none_or(|name| name.to_string() != "memoryUsage"));
        all += &told.map(|pair| format!("{pair:?}")).collect::<String>();
    }
    Ok(all)
}

fn agree(replica: &Server, primary: &Server) -> Outcome<()> {
    replication::converge(replica, primary)?;
    let (theirs, ours) = (answers(replica)?, answers(primary)?);
    ensure(theirs == ours, || format!("replica:\n{theirs}\nprimary:\n{ours}"))
}

#[test]
fn replicas_with_other_settings_hold_the_same() -> Outcome<()> {
    on_each_server(timeseries::spec, |primary| {
        let replica = timeseries::spec(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        let set = |server: &Server, name: &str, value: &str| {
            let line = format!("CONFIG SET {} {value}", setting(server.name(), name));
            server.client()?.expect(&line, "+OK")
        };
        set(primary, "ts-compaction-policy", "max:1s:0;avg:2s:1h:500m")?;
        set(primary, "ts-duplicate-policy", "sum")?;
        set(primary, "ts-chunk-size-bytes", "128")?;
        set(&replica, "ts-duplicate-policy", "block")?;
        set(&replica, "ts-compaction-policy", "min:1s:0")?;
        set(&replica, "ts-retention-policy", "5")?;
        set(&replica, "ts-encoding", "uncompressed")?;
        let mut client = primary.client()?;
        fill(&mut client)?;
        for line in [
            "TS.ADD now * 5 LABELS x y",
            "TS.MADD now * 6 a * 1",
            "TS.INCRBY i 5",
            "TS.DECRBY i 2",
            "TS.INCRBY i 2.5 LABELS a b",
            "TS.ADD many 1000 1",
            "TS.ADD many 1000 1",
            "TS.ADD many 2000 1",
            "TS.ADD many 1500 9",
            "TS.ADD many 7777 1",
            "TS.ADD many 1001 nan",
            "TS.DEL many 1500 1600",
            "TS.ADD a 3 100",
            "TS.DEL a 12 12",
            "TS.MADD a 12 4 a 12 5 none 1 1",
            "TS.ALTER b RETENTION 5",
            "TS.ADD ig 1 1 IGNORE 10 1 DUPLICATE_POLICY LAST",
            "TS.ADD ig 2 1.5",
            "TS.ADD ig 20 1.5",
        ] {
            client.line(line)?;
        }
        thread::sleep(Duration::from_millis(5));
        agree(&replica, primary)?;
        client.expect("RENAME a moved", "+OK")?;
        client.expect("DEL avg", ":1")?;
        succeeds(&mut client, "TS.ADD moved * 3")?;
        agree(&replica, primary)?;
        // A full copy in the middle of open buckets.
        let second = timeseries::spec(Spec::new(primary.name())?).start()?;
        replication::attach(&second, primary)?;
        agree(&second, primary)?;
        succeeds(&mut client, "TS.ADD moved * 4")?;
        succeeds(&mut client, "TS.ADD many 99999 4")?;
        agree(&second, primary)?;
        agree(&replica, primary)
    })
}

#[test]
fn files_keep_samples_labels_and_rules() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let line: Vec<String> = (100..2000).map(|time| format!("b {time} {}", time % 7)).collect();
        succeeds(&mut client, &format!("TS.MADD {}", line.join(" ")))?;
        drop(client);
        let before = answers(server)?;
        let check = |server: &Server, what: &str| -> Outcome<()> {
            let after = answers(server)?;
            ensure(after == before, || format!("{what}:\n{after}\nbefore:\n{before}"))?;
            let keys = found(&mut server.client()?, "kind=x")?;
            ensure(keys == "a b", || format!("{what}: {keys}"))
        };
        for key in ["b", "c"] {
            persistence::survives_restore(server, key)?;
        }
        persistence::survives_reload(server)?;
        check(server, "a reload")?;
        persistence::survives_save(server)?;
        check(server, "a restart")?;
        for base in Base::BOTH {
            persistence::survives_rewrite(server, base)?;
            check(server, &format!("a log of {base:?}"))?;
        }
        // And behind a rewrite, as commands.
        let mut client = server.client()?;
        succeeds(&mut client, "TS.ADD a * 1")?;
        succeeds(&mut client, "TS.INCRBY a 1")?;
        drop(client);
        let before = answers(server)?;
        server.restart()?;
        let after = answers(server)?;
        ensure(after == before, || format!("{after}\nbefore:\n{before}"))
    })
}

#[test]
fn users_are_held_to_their_rules() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let rules = "~a ~b +ts.range +ts.mrange +ts.mget +ts.queryindex +ts.nrange +ts.get";
        let mut reader = acl::user(server, "reader", rules)?;
        acl::allowed(&mut reader, "TS.GET a")?;
        acl::refused(&mut reader, "TS.GET c")?;
        acl::refused(&mut reader, "TS.ADD a 100 1")?;
        acl::allowed(&mut reader, "TS.NRANGE 2 a b - +")?;
        acl::refused(&mut reader, "TS.NRANGE 2 a c - +")?;
        for command in ["TS.MRANGE - +", "TS.MGET"] {
            succeeds(&mut reader, &format!("{command} FILTER kind=x"))?;
            acl::refused(&mut reader, &format!("{command} FILTER kind=(x,y)"))?;
        }
        // The names are no secret in the reference.
        acl::allowed(&mut reader, "TS.QUERYINDEX kind=(x,y)")?;
        let mut writer = acl::user(server, "writer", "%W~a +ts.mget +ts.add")?;
        acl::refused(&mut writer, "TS.MGET FILTER room=1")?;
        if server.name().as_str() == "redis-7.0" {
            return Ok(());
        }
        let mut user = acl::user(server, "category", "~* +@timeseries")?;
        acl::allowed(&mut user, "TS.ADD a 100 1")?;
        acl::refused(&mut user, "GET x")
    })
}

#[test]
fn transactions_and_scripts_run_the_commands() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        client.expect("MULTI", "+OK")?;
        for line in [
            "TS.CREATE s LABELS a b",
            "TS.ADD s 1 1",
            "TS.MRANGE - + FILTER a=b",
            "TS.READ s - BLOCK 0 5",
            "TS.READ s -",
        ] {
            client.expect(line, "+QUEUED")?;
        }
        client.expect(
            "EXEC",
            "*5\r\n+OK\r\n:1\r\n*1\r\n*3\r\n$1\r\ns\r\n*0\r\n*1\r\n*2\r\n:1\r\n+1\r\n-TSDB: blocking TS.READ (with BLOCK) is not allowed inside MULTI, EVAL, or a deny-blocking context\r\n*1\r\n*2\r\n:1\r\n+1",
        )?;
        client.expect("EVAL \"return redis.call('TS.ADD', KEYS[1], 5, 2)\" 1 s", ":5")?;
        fails(
            &mut client,
            "EVAL \"return redis.call('TS.READ', KEYS[1], '-', 'BLOCK', 0, 9)\" 1 s",
        )?;
        client.expect("WATCH s", "+OK")?;
        server.client()?.expect("TS.ADD s 9 1", ":9")?;
        client.expect("MULTI", "+OK")?;
        client.expect("TS.GET s", "+QUEUED")?;
        client.expect("EXEC", "*-1")
    })
}

#[test]
fn readers_wait_for_samples() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut writer = server.client()?;
        writer.expect("TS.CREATE s", "+OK")?;
        writer.expect("TS.CREATE d", "+OK")?;
        writer.expect("TS.CREATERULE s d AGGREGATION sum 10", "+OK")?;
        writer.expect("TS.ADD s 1 1", ":1")?;
        let wait = |line: &str| -> Outcome<Client> {
            let mut client = server.client()?;
            client.send(&line.split(' ').collect::<Vec<_>>())?;
            Ok(client)
        };
        let blocked = |count: &str| {
            let mut client = server.client()?;
            replication::wait("clients to block", || Ok(client.info("blocked_clients")? == count))
        };
        let mut one = wait("TS.READ s $ BLOCK 0 1")?;
        let mut two = wait("TS.READ s - BLOCK 0 3 MAX_COUNT 3")?;
        let mut closed = wait("TS.READ d - BLOCK 0 1")?;
        let mut made = wait("TS.READ new - BLOCK 0 1")?;
        blocked("4")?;
        writer.expect("TS.ADD s 5 5", ":5")?;
        same(&one.reply()?, b"*1\r\n*2\r\n:5\r\n+5\r\n", "one")?;
        writer.expect("TS.MADD s 6 6", "*1\r\n:6")?;
        same(
            &two.reply()?,
            b"*3\r\n*2\r\n:1\r\n+1\r\n*2\r\n:5\r\n+5\r\n*2\r\n:6\r\n+6\r\n",
            "two",
        )?;
        writer.expect("TS.INCRBY s 1 TIMESTAMP 12", ":12")?;
        same(&closed.reply()?, b"*1\r\n*2\r\n:0\r\n+12\r\n", "closed")?;
        writer.expect("TS.ADD new 3 4", ":3")?;
        same(&made.reply()?, b"*1\r\n*2\r\n:3\r\n+4\r\n", "made")?;
        // What there is when the time is up.
        client_expect(server, "TS.READ s 6 BLOCK 20 9", "*2\r\n*2\r\n:6\r\n+6\r\n*2\r\n:12\r\n+7")?;
        client_expect(server, "TS.READ none - BLOCK 20 9", "*0")?;
        // A key that is renamed here, deleted and made again; a client that goes.
        let mut renamed = wait("TS.READ r - BLOCK 0 1")?;
        let mut deleted = wait("TS.READ d 50 BLOCK 0 1")?;
        let gone = wait("TS.READ s $ BLOCK 0 1")?;
        blocked("3")?;
        drop(gone);
        blocked("2")?;
        writer.expect("RENAME new r", "+OK")?;
        same(&renamed.reply()?, b"*1\r\n*2\r\n:3\r\n+4\r\n", "renamed")?;
        writer.expect("DEL d", ":1")?;
        writer.expect("TS.ADD d 60 1", ":60")?;
        same(&deleted.reply()?, b"*1\r\n*2\r\n:60\r\n+1\r\n", "made again")?;
        blocked("0")
    })
}

fn client_expect(server: &Server, line: &str, reply: &str) -> Outcome<()> {
    server.client()?.expect(line, reply)
}

/// A password, which must be seen nowhere.
const SECRET: &str = "open-sesame-8711";

#[test]
fn settings_are_set_shown_and_kept() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        for (bare, default, set, wrong) in [
            ("ts-compaction-policy", "", "max:1M:1h", "foo"),
            ("ts-num-threads", "3", "5", "17"),
            ("ts-retention-policy", "0", "500", "-1"),
            ("ts-duplicate-policy", "block", "sum", "none"),
            ("ts-chunk-size-bytes", "4096", "128", "100"),
            ("ts-encoding", "compressed", "uncompressed", "zip"),
            ("ts-ignore-max-time-diff", "0", "9", "-1"),
            ("ts-ignore-max-val-diff", "0", "1.5", "-1"),
            ("ts-topology-events", "yes", "no", "maybe"),
        ] {
            let full = setting(server.name(), bare);
            let got = client.value(&format!("CONFIG GET {full}"))?.to_string();
            ensure(got == format!("[\"{full}\", \"{default}\"]"), || format!("{full}: {got}"))?;
            fails(&mut client, &format!("CONFIG SET {full} {wrong}"))?;
            client.expect(&format!("CONFIG SET {full} {set}"), "+OK")?;
            let got = client.value(&format!("CONFIG GET {full}"))?.to_string();
            ensure(got == format!("[\"{full}\", \"{set}\"]"), || format!("{full}: {got}"))?;
        }
        client.expect("TS.ADD s 5 1", ":5")?;
        let info = client.value("TS.INFO s")?.to_string();
        for part in ["500", "128", "uncompressed", "sum", "s_MAX_60000", "1.5"] {
            ensure(info.contains(part), || format!("{part} is not in {info}"))?;
        }
        let words = [
            "RETENTION_POLICY",
            "7",
            "COMPACTION_POLICY",
            "min:1s:0",
            "CHUNK_TYPE",
            "uncompressed",
            "DUPLICATE_POLICY",
            "last",
            "OSS_GLOBAL_PASSWORD",
            SECRET,
            "LIBMR_PROTOCOL",
            "SOME",
            "ts-topology-events",
            "no",
        ];
        let spec = Spec::new(server.name())?.module("timeseries", &words);
        let other = spec.start()?;
        let mut client = other.client()?;
        for (bare, set) in [("ts-libmr-protocol", "SOME"), ("ts-topology-events", "no")] {
            let full = setting(server.name(), bare);
            let got = client.value(&format!("CONFIG GET {full}"))?.to_string();
            ensure(got == format!("[\"{full}\", \"{set}\"]"), || format!("{full}: {got}"))?;
        }
        let shown =
            client.value("CONFIG GET *")?.to_string() + &text(&mut client, "INFO everything")?;
        ensure(!shown.contains(SECRET), || "a secret is shown".to_owned())?;
        ensure(!other.log()?.contains(SECRET), || "a secret is logged".to_owned())?;
        client.expect("TS.ADD s 5 1", ":5")?;
        let info = client.value("TS.INFO s")?.to_string();
        for part in ["7", "uncompressed", "last", "s_MIN_1000"] {
            ensure(info.contains(part), || format!("{part} is not in {info}"))?;
        }
        Ok(())
    })
}

#[test]
fn large_replies_come_from_other_threads() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        for key in ["p", "q"] {
            client.expect(&format!("TS.CREATE {key} LABELS l v"), "+OK")?;
            for batch in 0..10 {
                let times = (batch * 3000)..((batch + 1) * 3000);
                let line: Vec<String> = times.map(|time| format!("{key} {time} {time}")).collect();
                succeeds(&mut client, &format!("TS.MADD {}", line.join(" ")))?;
            }
        }
        let rows = |reply: &Value| -> Outcome<Vec<usize>> {
            let series = reply.elements()?.iter();
            series
                .map(|one| {
                    Ok(one
                        .elements()?
                        .last()
                        .map(Value::elements)
                        .transpose()?
                        .map_or(0, <[Value]>::len))
                })
                .collect()
        };
        for (line, wanted) in [
            ("TS.MRANGE - + FILTER l=v", vec![30_000, 30_000]),
            ("TS.MREVRANGE - + COUNT 9223372036854775807 FILTER l=v", vec![30_000, 30_000]),
            ("TS.MRANGE - + AGGREGATION avg 100 FILTER l=v", vec![300, 300]),
            ("TS.MRANGE - + FILTER l=v GROUPBY l REDUCE sum", vec![30_000]),
            ("TS.MRANGE - + COUNT 5 FILTER l=v GROUPBY l REDUCE sum", vec![5]),
        ] {
            let got = rows(&client.value(line)?)?;
            ensure(got == wanted, || format!("{line}: {got:?}"))?;
            let script = line.replacen("TS.", "", 1).replace(' ', "','");
            let eval = format!("EVAL \"return #redis.call('TS.{script}')\" 0");
            client.expect(&eval, &format!(":{}", wanted.len()))?;
        }
        let reply = client.value("TS.NRANGE 2 p q - +")?;
        ensure(reply.elements()?.len() == 30_000, || "NRANGE".to_owned())?;
        // Many words, and long ones.
        let times: Vec<String> = (0..100_000).map(|time| time.to_string()).collect();
        let line = format!("TS.RANGE p - + FILTER_BY_TS {} COUNT 3", times.join(" "));
        client.expect(&line, "*3\r\n*2\r\n:0\r\n+0\r\n*2\r\n:1\r\n+1\r\n*2\r\n:2\r\n+2")?;
        let filter = format!("TS.QUERYINDEX l=v m!={}", "x".repeat(1 << 20));
        client.expect(&filter, "*2\r\n$1\r\np\r\n$1\r\nq")?;
        for index in 0..11_000 {
            client.send(&["TS.CREATE", &format!("k{index:05}"), "LABELS", "many", "x"])?;
        }
        for _ in 0..11_000 {
            same(&client.reply()?, b"+OK\r\n", "TS.CREATE")?;
        }
        let reply = client.value("TS.QUERYINDEX many=x")?;
        let keys: Vec<String> = reply.elements()?.iter().map(Value::to_string).collect();
        ensure(keys.len() == 11_000 && keys.is_sorted(), || format!("{} keys", keys.len()))
    })
}
