//! Filters and sketches as citizens of a server: everything the server does with a key.

use keyspan_tests::{
    Client, Name, Outcome, Server, Spec, Value, acl, ensure, on_each_server,
    pubsub::{Events, Tracker},
    replication, same,
};

fn bloom(spec: Spec) -> Spec {
    spec.module("bloom", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

/// One key of each type, with something in it: `b` `v` (valkey-bloom's) `c` `m` `t` `d`.
const ONE_OF_EACH: [&str; 12] = [
    "BF.MADD b x y z",
    "CONFIG SET bf.family valkey",
    "BF.MADD v x y z",
    "CONFIG SET bf.family redis",
    "CF.INSERT c ITEMS x y z",
    "CMS.INITBYDIM m 10 3",
    "CMS.INCRBY m x 5 y 6",
    "TOPK.RESERVE t 3",
    "TOPK.ADD t x y z x",
    "TDIGEST.CREATE d",
    "TDIGEST.ADD d 1 2 3",
    "TDIGEST.CREATE e",
];

fn fill(client: &mut Client) -> Outcome<()> {
    for line in ONE_OF_EACH {
        succeeds(client, line)?;
    }
    Ok(())
}

fn succeeds(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))
}

fn fails(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))
}

fn text(client: &mut Client, line: &str) -> Outcome<String> {
    Ok(String::from_utf8_lossy(client.value(line)?.bytes()?).into_owned())
}

/// The name of one of RedisBloom's settings: only some servers let a module have it bare.
fn setting(server: Name, name: &str) -> String {
    let bare = ["redis-8.0", "redis-8.6", "valkey-9.1"].contains(&server.as_str());
    if bare { name.to_owned() } else { format!("bf.{name}") }
}

#[test]
fn the_module_says_who_it_is() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let list = client.value("MODULE LIST")?.to_string();
        ensure(list.contains("\"bf\"") && list.contains("80800"), || list.clone())?;
        fill(&mut client)?;
        let info = text(&mut client, "INFO everything")?;
        let lines: Vec<&str> = info.lines().filter(|line| line.starts_with("bf_")).collect();
        ensure(lines.len() >= 10, || format!("INFO: {lines:?}"))?;
        for (key, name) in [
            ("b", "MBbloom--"),
            ("v", "bloomfltr"),
            ("c", "MBbloomCF"),
            ("m", "CMSk-TYPE"),
            ("t", "TopK-TYPE"),
            ("d", "TDIS-TYPE"),
        ] {
            client.expect(&format!("TYPE {key}"), &format!("+{name}"))?;
            client.expect(&format!("OBJECT ENCODING {key}"), "$3\r\nraw")?;
        }
        Ok(())
    })
}

#[test]
fn info_counts_what_there_is() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let figures = |client: &mut Client| -> Outcome<Vec<(String, String)>> {
            let info = text(client, "INFO everything")?;
            let lines = info.lines().filter(|line| line.starts_with("bf_"));
            let pairs = lines.filter_map(|line| line.split_once(':'));
            Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        };
        let empty = figures(&mut client)?;
        fill(&mut client)?;
        let full = figures(&mut client)?;
        ensure(empty.len() == full.len(), || format!("{empty:?}, {full:?}"))?;
        let grown = empty.iter().zip(&full).filter(|(before, after)| before.1 != after.1).count();
        ensure(grown >= 10, || format!("only {grown} figures changed: {full:?}"))?;
        client.expect("COPY b b2", ":1")?;
        client.expect("DEBUG RELOAD", "+OK")?;
        client.expect("DEL b2", ":1")?;
        let reloaded = figures(&mut client)?;
        ensure(full == reloaded, || format!("{full:?} before a reload, {reloaded:?} after"))?;
        client.expect("FLUSHALL SYNC", "+OK")?;
        let left = figures(&mut client)?;
        ensure(left == empty, || format!("{empty:?} at first, {left:?} at the end"))
    })
}

/// Arity and flags as COMMAND INFO gives them: `w` write, `d` denyoom, `r` readonly.
const COMMANDS: [(&str, i64, &str); 50] = [
    ("bf.reserve", -4, "wd"),
    ("bf.add", 3, "wd"),
    ("bf.madd", -3, "wd"),
    ("bf.insert", -4, "wd"),
    ("bf.exists", 3, "r"),
    ("bf.mexists", -3, "r"),
    ("bf.card", 2, "r"),
    ("bf.info", -2, "r"),
    ("bf.scandump", 3, "r"),
    ("bf.loadchunk", 4, "wd"),
    ("bf.debug", -1, "r"),
    ("cf.reserve", -3, "wd"),
    ("cf.add", 3, "wd"),
    ("cf.addnx", 3, "wd"),
    ("cf.insert", -4, "wd"),
    ("cf.insertnx", -4, "wd"),
    ("cf.exists", 3, "r"),
    ("cf.mexists", -3, "r"),
    ("cf.count", 3, "r"),
    ("cf.del", 3, "w"),
    ("cf.info", 2, "r"),
    ("cf.debug", -1, "r"),
    ("cf.compact", -1, "w"),
    ("cf.scandump", 3, "r"),
    ("cf.loadchunk", 4, "wd"),
    ("cms.initbydim", 4, "wd"),
    ("cms.initbyprob", 4, "wd"),
    ("cms.incrby", -4, "wd"),
    ("cms.query", -3, "r"),
    ("cms.merge", -4, "wd"),
    ("cms.info", 2, "r"),
    ("topk.reserve", -3, "wd"),
    ("topk.add", -3, "wd"),
    ("topk.incrby", -4, "wd"),
    ("topk.query", -3, "r"),
    ("topk.count", -3, "r"),
    ("topk.list", -2, "r"),
    ("topk.info", 2, "r"),
    ("tdigest.create", -2, "wd"),
    ("tdigest.add", -3, "wd"),
    ("tdigest.reset", 2, "wd"),
    ("tdigest.merge", -4, "wd"),
    ("tdigest.min", 2, "r"),
    ("tdigest.max", 2, "r"),
    ("tdigest.quantile", -3, "r"),
    ("tdigest.cdf", -3, "r"),
    ("tdigest.rank", -3, "r"),
    ("tdigest.revrank", -3, "r"),
    ("tdigest.trimmed_mean", 4, "r"),
    ("tdigest.info", 2, "r"),
];

#[test]
fn commands_are_registered_as_redisblooms() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let mut wrong = Vec::new();
        for (name, arity, flags) in COMMANDS {
            let reply = client.value(&format!("COMMAND INFO {name}"))?;
            let described = reply.elements()?.first().map(Value::elements).transpose()?;
            let Some([_, found, words, ..]) = described else {
                wrong.push(format!("{name} is missing"));
                continue;
            };
            let words = words.to_string();
            let has = |word: &str| words.contains(word);
            let mut short = String::new();
            for (letter, word) in [('w', "write"), ('d', "denyoom"), ('r', "readonly")] {
                if has(word) {
                    short.push(letter);
                }
            }
            // Less than the exact arity may be let through, for the command's own error.
            if short != flags || found.integer()? != arity {
                wrong.push(format!("{name}: {found} {short}, not {arity} {flags}"));
            }
        }
        for name in ["tdigest.byrank", "tdigest.byrevrank", "bf.load"] {
            let reply = client.value(&format!("COMMAND INFO {name}"))?.to_string();
            if !reply.contains(name) {
                wrong.push(format!("{name} is missing"));
            }
        }
        ensure(wrong.is_empty(), || wrong.join("\n"))
    })
}

#[test]
fn commands_tell_their_keys_and_their_documents() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for (line, keys) in [
            ("BF.ADD a x", "a"),
            ("BF.DEBUG a", "a"),
            ("CF.DEBUG a", "a"),
            ("CF.COMPACT a", "a"),
            ("CMS.MERGE a 2 b c WEIGHTS 1 2", "a b c"),
            ("TDIGEST.MERGE a 2 b c COMPRESSION 100", "a b c"),
            ("TOPK.INCRBY a x 1", "a"),
            ("TDIGEST.ADD a 1", "a"),
        ] {
            let reply = client.value(&format!("COMMAND GETKEYS {line}"))?;
            let got: Vec<String> = reply
                .elements()
                .map_err(|failure| failure.during(line))?
                .iter()
                .map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()))
                .collect::<Outcome<_>>()?;
            ensure(got.join(" ") == keys, || format!("{line}: {got:?}"))?;
        }
        for (name, wanted) in [("bf.reserve", "expansion"), ("tdigest.merge", "override")] {
            let docs = client.value(&format!("COMMAND DOCS {name}"))?.to_string();
            for wanted in [wanted, "O("] {
                ensure(docs.contains(wanted), || format!("{name} lacks {wanted}: {docs}"))?;
            }
        }
        Ok(())
    })
}

#[test]
fn events_come_only_with_a_change() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut events = Events::new(server)?;
        let mut client = server.client()?;
        client.expect("CMS.INITBYDIM other 10 3", "+OK")?;
        client.expect("CMS.INCRBY other a 1", "*1\r\n:1")?;
        client.expect("TDIGEST.CREATE source", "+OK")?;
        client.expect("TDIGEST.ADD source 1 2", "+OK")?;
        events.seen(server)?;
        let mut wrong = Vec::new();
        for (line, wanted) in [
            ("BF.RESERVE b 0.01 100", "bloom.reserve"),
            ("BF.ADD b x", "bloom.add"),
            ("BF.ADD b x", ""),
            ("BF.MADD b x y", "bloom.add"),
            ("BF.MADD b x y", ""),
            ("BF.INSERT b ITEMS x z", "bloom.add"),
            ("BF.INSERT b ITEMS x z", ""),
            ("BF.EXISTS b x", ""),
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
            ("TOPK.RESERVE t 3", "topk.reserve"),
            ("TOPK.ADD t a b", "topk.add"),
            ("TOPK.INCRBY t a 5", "topk.incrby"),
            ("TOPK.INCRBY t a 0", ""),
            ("TDIGEST.CREATE d", "tdigest.create"),
            ("TDIGEST.ADD d 1 2", "tdigest.add"),
            ("TDIGEST.MERGE d 1 source", "tdigest.merge"),
            ("TDIGEST.RESET d", "tdigest.reset"),
            ("TDIGEST.QUANTILE source 0.5", ""),
        ] {
            succeeds(&mut client, line)?;
            let key = line.split(' ').nth(1).unwrap_or_default();
            let mut seen = events.seen(server)?;
            // The server's own: for any key that appears.
            seen.retain(|event| !event.starts_with("new ") && !event.starts_with("keymiss "));
            let expected: Vec<String> =
                if wanted.is_empty() { Vec::new() } else { vec![format!("{wanted} {key}")] };
            if seen != expected {
                wrong.push(format!("{line}: events {seen:?}, not {expected:?}"));
            }
        }
        ensure(wrong.is_empty(), || wrong.join("\n"))
    })
}

#[test]
fn tracking_clients_hear_of_real_changes_only() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        let mut tracker = Tracker::new(server)?;
        for (read, line, key, heard) in [
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
        ] {
            tracker.client().line(read)?;
            tracker.invalidated()?;
            client.line(line)?;
            let keys = tracker.invalidated()?;
            ensure(keys.contains(&key.to_owned()) == heard, || format!("{line}: {keys:?}"))?;
        }
        Ok(())
    })
}

#[test]
fn users_are_held_to_their_rules() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        for line in ["CMS.INITBYDIM w:m 10 3", "TDIGEST.CREATE w:d", "CMS.INITBYDIM r:m 10 3"] {
            client.expect(line, "+OK")?;
        }
        // Redis 7.0 has no categories for commands of modules.
        let old = server.name().as_str() == "redis-7.0";
        let rules = if old { "~b ~c +bf.exists +cf.count" } else { "~b ~c +@read" };
        let mut reader = acl::user(server, "reader", rules)?;
        acl::allowed(&mut reader, "BF.EXISTS b x")?;
        acl::allowed(&mut reader, "CF.COUNT c x")?;
        acl::refused(&mut reader, "BF.ADD b x")?;
        acl::refused(&mut reader, "CF.COMPACT c")?;
        acl::refused(&mut reader, "BF.EXISTS v x")?;
        let mut mixed = acl::user(server, "mixed", "%W~w:* %R~r:* +cms.merge +tdigest.merge")?;
        acl::allowed(&mut mixed, "CMS.MERGE w:m 1 r:m")?;
        acl::refused(&mut mixed, "CMS.MERGE r:m 1 r:m")?;
        acl::refused(&mut mixed, "CMS.MERGE w:m 1 m")?;
        acl::refused(&mut mixed, "CMS.MERGE w:m 2 r:m m")?;
        acl::refused(&mut mixed, "TDIGEST.MERGE w:d 1 d")?;
        acl::refused(&mut mixed, "TDIGEST.MERGE r:d 1 r:d")?;
        acl::allowed(&mut mixed, "TDIGEST.MERGE w:new 1 r:none")?;
        if old {
            return Ok(());
        }
        for (category, commands, allowed, refused) in [
            ("bloom", 12, "BF.ADD b x", "CF.ADD c x"),
            ("cuckoo", 12, "CF.ADD c x", "BF.ADD b x"),
            ("cms", 6, "CMS.INCRBY m x 1", "TOPK.ADD t x"),
            ("topk", 7, "TOPK.ADD t x", "TDIGEST.ADD d 1"),
            ("tdigest", 14, "TDIGEST.ADD d 1", "CMS.INCRBY m x 1"),
        ] {
            let listed = acl::category(&mut client, category)?;
            // Valkey 8.0 lists no commands of modules, though the rule below works.
            let wanted = if server.name().as_str() == "valkey-8.0" { 0 } else { commands };
            ensure(listed.len() == wanted, || format!("@{category}: {listed:?}"))?;
            let mut user = acl::user(server, category, &format!("~* +@{category}"))?;
            acl::allowed(&mut user, allowed)?;
            acl::refused(&mut user, refused)?;
        }
        Ok(())
    })
}

#[test]
fn transactions_scripts_and_functions_run_every_family() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("MULTI", "+OK")?;
        for line in [
            "BF.ADD b x",
            "CF.ADD c x",
            "CMS.INITBYDIM m 10 3",
            "CMS.INCRBY m x 2",
            "TOPK.RESERVE t 2",
            "TOPK.ADD t x",
            "TDIGEST.CREATE d",
            "TDIGEST.ADD d 1",
            "BF.EXISTS b x",
            "CMS.INCRBY none x 1",
        ] {
            client.expect(line, "+QUEUED")?;
        }
        client.expect(
            "EXEC",
            "*10\r\n:1\r\n:1\r\n+OK\r\n*1\r\n:2\r\n+OK\r\n*1\r\n$-1\r\n+OK\r\n+OK\r\n:1\r\n-CMS: key does not exist",
        )?;
        client.expect("WATCH b", "+OK")?;
        server.client()?.expect("BF.ADD b y", ":1")?;
        client.expect("MULTI", "+OK")?;
        client.expect("BF.CARD b", "+QUEUED")?;
        client.expect("EXEC", "*-1")?;
        // What changed nothing touches nobody.
        client.expect("WATCH b", "+OK")?;
        server.client()?.expect("BF.ADD b y", ":0")?;
        client.expect("MULTI", "+OK")?;
        client.expect("BF.CARD b", "+QUEUED")?;
        client.expect("EXEC", "*1\r\n:2")?;
        client.expect(
            "EVAL \"return redis.call('BF.MADD', KEYS[1], 'x', 'new')\" 1 b",
            "*2\r\n:0\r\n:1",
        )?;
        client.expect("EVAL \"return redis.call('CMS.QUERY', KEYS[1], 'x')[1] + 1\" 1 m", ":3")?;
        client.expect(
            "EVAL \"return redis.pcall('TDIGEST.ADD', KEYS[1], 1)['err']\" 1 none",
            "$32\r\nERR T-Digest: key does not exist",
        )?;
        let library = "#!lua name=l\\nredis.register_function('f', function(keys) return redis.call('TOPK.LIST', keys[1]) end)";
        client.expect(&format!("FUNCTION LOAD \"{library}\""), "$1\r\nl")?;
        client.expect("FCALL f 1 t", "*1\r\n$1\r\nx")
    })
}

#[test]
fn keys_move_copy_and_expire() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
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

#[test]
fn memory_usage_is_the_allocators_truth() -> Outcome<()> {
    on_each_server(bloom, |server| {
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
            ("CMS.INITBYDIM {} 100000 10", String::new(), 1),
            ("TOPK.RESERVE {} 10", format!("TOPK.ADD {{}} {many}"), 1_000),
            ("TOPK.RESERVE {} 100 1000 5 0.9", format!("TOPK.ADD {{}} {many}"), 100),
            ("TDIGEST.CREATE {}", format!("TDIGEST.ADD {{}} {many}"), 500),
            ("TDIGEST.CREATE {} COMPRESSION 1000", String::new(), 100),
        ] {
            client.line("FLUSHALL SYNC")?;
            for warm in ["warm:1", "warm:2", "warm:3"] {
                succeeds(&mut client, &make.replace("{}", warm))?;
            }
            let before = used_memory(&mut client)?;
            let commands: Vec<Vec<String>> = (0..copies)
                .flat_map(|number| [make.to_owned(), grow.clone()].map(|line| (number, line)))
                .filter(|(_, line)| !line.is_empty())
                .map(|(number, line)| line.replace("{}", &format!("key:{number:06}")))
                .map(|line| line.split(' ').map(str::to_owned).collect())
                .collect();
            for batch in commands.chunks(100) {
                client.pipeline(batch)?;
            }
            let truth = (used_memory(&mut client)? - before) / f64::from(copies);
            let said = client.value("MEMORY USAGE key:000000 SAMPLES 0")?.integer()?;
            #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
            let ratio = said as f64 / truth;
            ensure((0.9..=1.1).contains(&ratio), || format!("{make}: {said} said, {truth} true"))?;
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
    on_each_server(bloom, |server| {
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
    on_each_server(bloom, |server| {
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
fn settings_are_set_shown_and_kept() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let name = server.name();
        let mut client = server.client()?;
        for (bare, default, set, shown, wrong) in [
            ("bf-error-rate", "0.01", "0.02", "0.02", "1.5"),
            ("bf-initial-size", "100", "500", "500", "0"),
            ("bf-expansion-factor", "2", "4", "4", "40000"),
            ("cf-bucket-size", "2", "4", "4", "256"),
            ("cf-initial-size", "1024", "2048", "2048", "1"),
            ("cf-max-iterations", "20", "30", "30", "0"),
            ("cf-expansion-factor", "1", "2", "2", "40000"),
            ("cf-max-expansions", "32", "40", "40", "0"),
        ] {
            let full = setting(name, bare);
            let got = client.value(&format!("CONFIG GET {full}"))?.to_string();
            ensure(got == format!("[\"{full}\", \"{default}\"]"), || format!("{full}: {got}"))?;
            fails(&mut client, &format!("CONFIG SET {full} {wrong}"))?;
            fails(&mut client, &format!("CONFIG SET {full} abc"))?;
            client.expect(&format!("CONFIG SET {full} {set}"), "+OK")?;
            let got = client.value(&format!("CONFIG GET {full}"))?.to_string();
            ensure(got == format!("[\"{full}\", \"{shown}\"]"), || format!("{full}: {got}"))?;
        }
        succeeds(&mut client, "BF.ADD b x")?;
        let debug = client.value("BF.DEBUG b")?.to_string();
        ensure(debug.contains("capacity:500 ") && debug.contains("ratio:0.01\""), || {
            debug.clone()
        })?;
        client.expect("BF.INFO b EXPANSION", "*1\r\n:4")?;
        succeeds(&mut client, "CF.ADD c x")?;
        let debug = client.value("CF.DEBUG c")?.to_string();
        let wanted =
            "bktsize:4 buckets:512 items:1 deletes:0 filters:1 max_iterations:30 expansion:2";
        ensure(debug.contains(wanted), || debug.clone())
    })
}

#[test]
fn settings_of_valkey_bloom_are_known_too() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("CONFIG SET bf.family valkey", "+OK")?;
        for line in [
            "CONFIG SET bf.bloom-capacity 1000",
            "CONFIG SET bf.bloom-fp-rate 0.001",
            "CONFIG SET bf.bloom-expansion 4",
            "CONFIG SET bf.bloom-tightening-ratio 0.25",
            "CONFIG SET bf.bloom-use-random-seed no",
            "CONFIG SET bf.bloom-memory-usage-limit 1mb",
            "CONFIG SET bf.bloom-defrag-enabled yes",
        ] {
            client.expect(line, "+OK")?;
        }
        fails(&mut client, "CONFIG SET bf.bloom-tightening-ratio 1.0")?;
        fails(&mut client, "CONFIG SET bf.bloom-tightening-ratio 2.0")?;
        fails(&mut client, "CONFIG SET bf.bloom-fp-rate 0")?;
        fails(&mut client, "CONFIG SET bf.bloom-capacity 0")?;
        succeeds(&mut client, "BF.ADD v x")?;
        client.expect("TYPE v", "+bloomfltr")?;
        client.expect("BF.INFO v CAPACITY", "*1\r\n:1000")?;
        client.expect("BF.INFO v EXPANSION", "*1\r\n:4")?;
        // What is over the limit of one object is refused, and nothing is made.
        let limit = "-ERR operation exceeds bloom object memory limit";
        client.expect("BF.RESERVE big 0.001 10000000", limit)?;
        client.expect("BF.INSERT big CAPACITY 10000000 ITEMS x", limit)?;
        client.expect("EXISTS big", ":0")?;
        client.expect("CONFIG SET bf.family redis", "+OK")?;
        succeeds(&mut client, "BF.ADD b x")?;
        client.expect("TYPE b", "+MBbloom--")
    })
}

#[test]
fn load_arguments_of_redis_stack_are_taken() -> Outcome<()> {
    let arguments = ["ERROR_RATE", "0.02", "INITIAL_SIZE", "400", "CF_MAX_EXPANSIONS", "5"];
    on_each_server(
        |spec| spec.module("bloom", &arguments),
        |server| {
            let mut client = server.client()?;
            succeeds(&mut client, "BF.ADD b x")?;
            let debug = client.value("BF.DEBUG b")?.to_string();
            ensure(debug.contains("capacity:400 ") && debug.contains("ratio:0.01\""), || {
                debug.clone()
            })?;
            client.expect("CF.RESERVE c 8 EXPANSION 1", "+OK")?;
            let mut last = Vec::new();
            for _ in 0..200 {
                last = client.line("CF.ADD c x")?;
                if last.starts_with(b"-") {
                    break;
                }
            }
            same(&last, b"-Maximum expansions reached\r\n", "CF.ADD")?;
            let debug = client.value("CF.DEBUG c")?.to_string();
            ensure(debug.contains("filters:5 "), || debug.clone())
        },
    )
}

#[test]
fn unknown_load_arguments_are_refused() -> Outcome<()> {
    for name in keyspan_tests::servers()? {
        for arguments in [
            &["NO_SUCH_SETTING", "1"][..],
            &["ERROR_RATE"],
            &["ERROR_RATE", "2"],
            &["ERROR_RATE", "nan"],
            &["INITIAL_SIZE", "0"],
        ] {
            let started = Spec::new(name)?.module("bloom", arguments).start();
            ensure(started.is_err(), || format!("{} took {arguments:?}", name.as_str()))?;
        }
    }
    Ok(())
}

#[test]
fn replicas_follow_what_changed_and_nothing_else() -> Outcome<()> {
    on_each_server(bloom, |primary| {
        let replica: Server = bloom(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        let mut client = primary.client()?;
        fill(&mut client)?;
        replication::converge(&replica, primary)?;
        let offset = |client: &mut Client| -> Outcome<i64> {
            Ok(client.info("master_repl_offset")?.parse().unwrap_or(0))
        };
        for line in [
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
        ] {
            let before = offset(&mut client)?;
            client.line(line)?;
            // A replica's acknowledgements do not count; a PING of the primary may.
            let moved = offset(&mut client)? - before;
            ensure(moved < 20, || format!("{line} was replicated: {moved} bytes"))?;
        }
        replication::converge(&replica, primary)
    })
}

#[test]
fn keys_of_other_slots_are_seen_in_a_cluster() -> Outcome<()> {
    let node = |spec: Spec| bloom(spec).options(&["--cluster-enabled", "yes"]);
    on_each_server(node, |server| {
        let mut client = server.client()?;
        client.expect("CLUSTER ADDSLOTSRANGE 0 16383", "+OK")?;
        replication::wait("the cluster", || {
            Ok(text(&mut client, "CLUSTER INFO")?.contains("cluster_state:ok"))
        })?;
        for key in ["{s}1", "{s}2", "a", "b"] {
            client.expect(&format!("CMS.INITBYDIM {key} 10 3"), "+OK")?;
            client.expect(&format!("TDIGEST.CREATE d:{key}"), "+OK")?;
        }
        client.expect("CMS.MERGE {s}1 1 {s}2", "+OK")?;
        client.expect("TDIGEST.MERGE d:{s}1 1 d:{s}2", "+OK")?;
        for line in ["CMS.MERGE a 1 b", "TDIGEST.MERGE d:a 1 d:b"] {
            let reply = client.line(line)?;
            ensure(reply.starts_with(b"-CROSSSLOT"), || {
                format!("{line}: {}", reply.escape_ascii())
            })?;
        }
        Ok(())
    })
}

#[test]
fn items_are_any_bytes() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("TOPK.RESERVE t 8 100 5 0.9", "+OK")?;
        client.expect("CMS.INITBYDIM m 1000 5", "+OK")?;
        let huge = vec![b'x'; 100 << 20];
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
    on_each_server(bloom, |server| {
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
