//! The bloom module in a server: what it registers, its settings, and whom it lets do what.

use keyspan_tests::{
    Client, Name, Outcome, Spec, Value, acl,
    bloom::{self, fails, fill, succeeds, text},
    ensure, on_each_server, replication, same,
};

#[test]
fn the_module_says_who_it_is() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
        let mut client = server.client()?;
        let list = client.value("MODULE LIST")?.to_string();
        ensure(list.contains("\"bf\"") && list.contains("80800"), || list.clone())?;
        fill(&mut client)?;
        let info = text(&mut client, "INFO everything")?;
        for family in ["bloom", "cuckoo", "cms", "topk", "tdigest"] {
            for figure in ["total_memory_bytes", "num_objects", "num_filters", "num_items"] {
                let line = format!("bf_{family}_{figure}");
                ensure(info.contains(&line), || format!("INFO lacks {line}: {info}"))?;
            }
        }
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
    on_each_server(bloom::spec, |server| {
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
        // The room that a value has to grow is not saved with it.
        let saved = |figures: &[(String, String)]| -> Vec<(String, String)> {
            figures.iter().filter(|(name, _)| !name.ends_with("_bytes")).cloned().collect()
        };
        ensure(saved(&full) == saved(&reloaded), || {
            format!("{full:?} before a reload, {reloaded:?} after")
        })?;
        client.expect("FLUSHALL SYNC", "+OK")?;
        let left = figures(&mut client)?;
        ensure(left == empty, || format!("{empty:?} at first, {left:?} at the end"))
    })
}

/// Arity and flags as COMMAND INFO gives them: `w` write, `d` denyoom, `r` readonly. Those of
/// RedisBloom 8.8, but for BF.INSERT (-4: items must follow) and CF.COMPACT (readonly).
const COMMANDS: [(&str, i64, &str); 53] = [
    ("bf.reserve", -4, "wd"),
    ("bf.add", 3, "wd"),
    ("bf.madd", -3, "wd"),
    ("bf.insert", -2, "wd"),
    ("bf.exists", 3, "r"),
    ("bf.mexists", -3, "r"),
    ("bf.card", 2, "r"),
    ("bf.info", -2, "r"),
    ("bf.scandump", 3, "r"),
    ("bf.loadchunk", 4, "wd"),
    ("bf.load", 3, "wd"),
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
    ("tdigest.byrank", -3, "r"),
    ("tdigest.byrevrank", -3, "r"),
    ("tdigest.trimmed_mean", 4, "r"),
    ("tdigest.info", 2, "r"),
];

#[test]
fn commands_are_registered_as_redisblooms() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
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
            if short != flags || found.integer()? != arity {
                wrong.push(format!("{name}: {found} {short}, not {arity} {flags}"));
            }
        }
        ensure(wrong.is_empty(), || wrong.join("\n"))?;
        // Those that take any number of words count them by themselves.
        for name in ["bf.debug", "cf.debug", "cf.compact"] {
            let error = format!("-ERR wrong number of arguments for '{name}' command");
            client.expect(name, &error)?;
            client.expect(&format!("{name} key more"), &error)?;
        }
        Ok(())
    })
}

#[test]
fn commands_tell_their_keys_and_their_documents() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
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
fn users_are_held_to_their_rules() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
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
            ("cuckoo", 14, "CF.ADD c x", "BF.ADD b x"),
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
    on_each_server(bloom::spec, |server| {
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

/// The name of one of RedisBloom's settings: only Redis from 8.0 on lets a module have it bare.
fn setting(server: Name, name: &str) -> String {
    let bare = ["redis-8.0", "redis-8.6"].contains(&server.as_str());
    if bare { name.to_owned() } else { format!("bf.{name}") }
}

#[test]
fn settings_are_set_shown_and_kept() -> Outcome<()> {
    on_each_server(bloom::spec, |server| {
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
    on_each_server(bloom::spec, |server| {
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
fn keys_of_other_slots_are_seen_in_a_cluster() -> Outcome<()> {
    let node = |spec: Spec| bloom::spec(spec).options(&["--cluster-enabled", "yes"]);
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
