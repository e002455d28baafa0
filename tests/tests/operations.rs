//! All modules in one server, as it is run: threads, TLS, users, little memory, copies over sockets,
//! power cuts, saves. What was acknowledged is there afterwards.
//!
//! Without `KEYSPAN_SERVERS`, on one server of each family.

use std::env;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use keyspan_l1::L1;
use keyspan_tests::replication::{self, wait};
use keyspan_tests::tls::Identity;
use keyspan_tests::together::{self, Rule};
use keyspan_tests::{
    Client, Failure, Name, Outcome, Server, Spec, acl, ensure, free_port, on_each_of, persistence,
};

/// The servers named in the environment, or one of each family.
fn servers() -> Outcome<Vec<Name>> {
    if env::var_os("KEYSPAN_SERVERS").is_some_and(|chosen| !chosen.is_empty()) {
        return keyspan_tests::servers();
    }
    ["redis-8.0", "valkey-8.1"].into_iter().map(Name::parse).collect()
}

/// Runs `body` on each of them, with all modules and these options.
fn on_each(options: &[&str], body: impl Fn(&mut Server) -> Outcome<()>) -> Outcome<()> {
    on_each_of(&servers()?, |spec| together::spec(spec).options(options), body)
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

const TAGS: [&str; 3] = ["one", "two", "three"];

/// Makes the indexes and what the tags' numbers go into.
fn begin(server: &Server) -> Outcome<()> {
    let mut client = server.client()?;
    together::index(&mut client)?;
    together::begin(&mut client, &TAGS)
}

fn writers(server: &Server) -> Outcome<Vec<(&'static str, Client)>> {
    TAGS.iter().map(|tag| Ok((*tag, server.client()?))).collect()
}

/// Fails unless everything acknowledged is there.
fn check(server: &Server, ends: &[u64]) -> Outcome<()> {
    let mut client = server.client()?;
    together::settled(&mut client)?;
    for (tag, end) in TAGS.iter().zip(ends) {
        together::check(&mut client, tag, *end, Rule::Kept)?;
    }
    ensure(!server.log()?.contains("panicked"), || "a panic is in the log".into())
}

/// Writes a while, going on from `first`.
fn written(server: &Server, first: u64) -> Outcome<Vec<u64>> {
    let ((), ends) =
        together::under_writes(writers(server)?, first, |counts| reached(counts, first + 200))?;
    Ok(ends)
}

/// Waits until so many numbers of each tag were acknowledged.
fn reached(counts: &together::Counts, number: u64) -> Outcome<()> {
    wait("the writers", || Ok(counts.iter().all(|count| count.load(Relaxed) >= number)))
}

#[test]
fn several_io_threads() -> Outcome<()> {
    // Names of the server's own that only some have do no harm where they are old.
    on_each_of(
        &keyspan_tests::servers()?,
        |spec| together::spec(spec).options(&["--io-threads", "4"]),
        |server| {
            begin(server)?;
            let ((), ends) = together::under_writes(writers(server)?, 0, |counts| {
                let readers: Vec<_> = (0..4).map(|_| server.client()).collect::<Outcome<_>>()?;
                thread::scope(|scope| {
                    let begin = |client| scope.spawn(move || search(client));
                    let reading: Vec<_> = readers.into_iter().map(begin).collect();
                    reading.into_iter().try_for_each(|thread| thread.join().unwrap())
                })?;
                reached(counts, 100)
            })?;
            check(server, &ends)
        },
    )
}

/// Pipelines of searches and reads.
fn search(mut client: Client) -> Outcome<()> {
    let lines = [
        "FT.SEARCH docs @n:[0_300] LIMIT 0 100",
        "FT.SEARCH items *=>[KNN_20_@v_$b] PARAMS 2 b abcdefgh NOCONTENT DIALECT 2",
        "JSON.GET log:{one}",
        "TS.RANGE ts:{two} - +",
        "TS.MRANGE - + FILTER kind=raw",
        "BF.INFO bf:{three}",
    ];
    let word = |word: &str| word.replace('_', " ");
    let commands: Vec<Vec<String>> =
        lines.iter().map(|line| line.split(' ').map(word).collect()).collect();
    for _ in 0..25 {
        for (line, reply) in lines.iter().zip(client.pipeline(&commands)?) {
            ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))?;
        }
    }
    Ok(())
}

/// A server that speaks TLS at `port`; its replication goes over TLS too.
fn with_tls(spec: Spec, identity: &Identity, port: u16) -> Spec {
    identity.spec(together::spec(spec), &port.to_string()).options(&["--tls-replication", "yes"])
}

#[test]
fn commands_and_replicas_over_tls() -> Outcome<()> {
    let identity = Identity::of(&["localhost", "127.0.0.1"])?;
    for name in servers()? {
        let (port, other) = (free_port()?, free_port()?);
        let server = with_tls(Spec::new(name)?, &identity, port).start()?;
        let replica = with_tls(Spec::new(name)?, &identity, other).start()?;
        replica.client()?.expect(&format!("REPLICAOF localhost {port}"), "+OK")?;
        wait("the first copy", || Ok(replica.client()?.info("master_link_status")? == "up"))?;
        begin(&server)?;
        let url = format!("rediss://localhost:{port}");
        let client = L1::builder(&url).tls(Arc::clone(&identity.trust)).build().unwrap();
        for number in 0..800 {
            let words = together::write("one", number);
            client.command(&words).map_err(|error| Failure::new(error.to_string()))?;
        }
        // A reply of some size.
        let words = ["FT.SEARCH", "docs", "*", "LIMIT", "0", "1000"];
        client.command(&words).map_err(|error| Failure::new(error.to_string()))?;
        replication::converge(&replica, &server)?;
        for node in [&server, &replica] {
            check(node, &[800])?;
        }
    }
    Ok(())
}

/// For each module: its ACL categories, a command that only it has, and one of another.
const USERS: [(&str, &str, &str, &str); 5] = [
    ("bloom", "+@bloom +@cuckoo +@cms +@topk +@tdigest", "BF.ADD u:bf x", "JSON.SET u:x $ 1"),
    ("json", "+@json", "JSON.SET u:doc $ 1", "TS.ADD u:ts 1 1"),
    ("search", "+@search", "FT.SEARCH docs *", "BF.ADD u:bf x"),
    ("timeseries", "+@timeseries", "TS.ADD u:ts 1 1", "FT.SEARCH docs *"),
    ("reader", "+@read -@write", "JSON.GET u:doc", "JSON.SET u:doc $ 2"),
];

#[test]
fn users_of_one_module_each() -> Outcome<()> {
    on_each(&[], |server| {
        begin(server)?;
        for (name, rules, own, foreign) in USERS {
            // Redis 7.0 lets no module have categories.
            let command = format!("+{}", own.split(' ').next().unwrap_or_default().to_lowercase());
            let has_categories = server.name().as_str() != "redis-7.0";
            let rules = if has_categories { rules } else { command.as_str() };
            let mut user = acl::user(server, name, &format!("~* -@all {rules}"))?;
            acl::allowed(&mut user, own)?;
            acl::refused(&mut user, foreign)?;
            acl::refused(&mut user, "FLUSHALL")?;
        }
        let mut narrow = acl::user(server, "narrow", "~log:* ~doc:* -@all +@all")?;
        acl::allowed(&mut narrow, "JSON.GET log:{one}")?;
        acl::refused(&mut narrow, "JSON.MGET log:{one} bf:{one} $")?;
        acl::refused(&mut narrow, "TS.MADD ts:{one} 1 1 ts:{two} 1 1")?;
        let ends = written(server, 0)?;
        check(server, &ends)
    })
}

#[test]
fn little_memory_with_eviction() -> Outcome<()> {
    on_each(&["--maxmemory-policy", "allkeys-lru", "--maxmemory-samples", "10"], |server| {
        let mut client = server.client()?;
        together::index(&mut client)?;
        let used: u64 = client.info("used_memory")?.parse().unwrap();
        let bound = used + (6 << 20);
        client.expect(&format!("CONFIG SET maxmemory {bound}"), "+OK")?;
        let mut most = 0;
        for round in 0..120 {
            let commands: Vec<Vec<String>> =
                (0..200).map(|step| filler(round * 200 + step)).collect();
            for (words, reply) in commands.iter().zip(client.pipeline(&commands)?) {
                ensure(!reply.starts_with(b"-"), || {
                    format!("{words:?}: {}", reply.escape_ascii())
                })?;
            }
            most = most.max(client.info("used_memory")?.parse().unwrap());
        }
        let evicted: u64 = client.info("evicted_keys")?.parse().unwrap();
        ensure(evicted > 1000, || format!("only {evicted} keys were evicted"))?;
        ensure(most < bound + (2 << 20), || format!("{most} bytes in use, {bound} allowed"))?;
        // Any command may evict.
        client.expect("CONFIG SET maxmemory 0", "+OK")?;
        together::settled(&mut client)?;
        indexes_have_what_is_left(&mut client)?;
        // What was written last is the last to go.
        for words in (120 * 200 - 20..120 * 200).map(filler) {
            let key = words.get(1).cloned().unwrap_or_default();
            client
                .expect(&format!("EXISTS {key}"), ":1")
                .map_err(|failure| failure.during(&key))?;
        }
        client.expect("FLUSHALL", "+OK")
    })
}

/// A write of a new key, of another module each time.
fn filler(number: u64) -> Vec<String> {
    let n = number.to_string();
    let document = format!("{{\"g\":\"f\",\"n\":{number},\"text\":\"{}\"}}", "x".repeat(300));
    let vector = format!("{number:08}");
    let words: Vec<&str> = match number % 4 {
        0 => vec!["JSON.SET", "doc:", "$", &document],
        1 => vec!["HSET", "item:", "g", "f", "n", &n, "v", &vector],
        2 => vec!["BF.ADD", "bf:", &n],
        _ => vec!["TS.ADD", "ts:", &n, &n, "CHUNK_SIZE", "128", "LABELS", "g", "f"],
    };
    let named = |(place, word): (usize, &str)| {
        if place == 1 { format!("{word}{{f}}:{number}") } else { word.to_owned() }
    };
    words.into_iter().enumerate().map(named).collect()
}

/// Fails unless the indexes of search and of labels have exactly the keys that are left.
fn indexes_have_what_is_left(client: &mut Client) -> Outcome<()> {
    for (prefix, index) in [("doc:", "docs"), ("item:", "items")] {
        let left = names(client, &format!("KEYS {prefix}*"))?;
        let mut found: Vec<String> =
            together::keys_found(client, index, "f")?.into_iter().collect();
        found.sort_unstable();
        ensure(!left.is_empty() && found == left, || {
            format!("{index} finds {} of {} keys", found.len(), left.len())
        })?;
    }
    let left = names(client, "KEYS ts:*")?;
    let listed = names(client, "TS.QUERYINDEX g=f")?;
    ensure(listed == left, || format!("{} series are listed of {}", listed.len(), left.len()))
}

/// The strings of a reply, in order.
fn names(client: &mut Client, line: &str) -> Outcome<Vec<String>> {
    let reply = client.value(line)?;
    let words = reply.elements()?.iter();
    let mut names: Vec<String> = words
        .map(|word| Ok(String::from_utf8_lossy(word.bytes()?).into_owned()))
        .collect::<Outcome<_>>()?;
    names.sort_unstable();
    Ok(names)
}

#[test]
fn copies_over_sockets() -> Outcome<()> {
    for mode in ["on-empty-db", "swapdb"] {
        on_each(&["--repl-diskless-sync", "yes"], |server| {
            begin(server)?;
            let spec = together::spec(Spec::new(server.name())?);
            let replica = spec.options(&["--repl-diskless-load", mode]).start()?;
            // What the replica has of its own goes.
            begin(&replica)?;
            written(&replica, 0)?;
            let ends = written(server, 0)?;
            let first = ends.iter().copied().max().unwrap_or(0);
            let ((), ends) = together::under_writes(writers(server)?, first, |_| {
                replication::attach(&replica, server)?;
                for _ in 0..2 {
                    thread::sleep(millis(100));
                    copied_again(&replica, server)?;
                }
                Ok(())
            })?;
            replication::converge(&replica, server)?;
            for node in [server, &replica] {
                recent(node, first, &ends)?;
                same_indexes(node)?;
            }
            Ok(())
        })
        .map_err(|failure| failure.during(mode))?;
    }
    Ok(())
}

/// Has the replica take all of it again.
fn copied_again(replica: &Server, server: &Server) -> Outcome<()> {
    let mut primary = server.client()?;
    let copies = primary.info("sync_full")?;
    primary.line("DEBUG CHANGE-REPL-ID")?;
    replication::cut(server)?;
    wait("a full copy", || {
        let up = replica.client()?.info("master_link_status")? == "up";
        Ok(up && primary.info("sync_full")? != copies)
    })
}

/// Fails unless the documents of the numbers since `first` are found.
fn recent(node: &Server, first: u64, ends: &[u64]) -> Outcome<()> {
    let mut client = node.client()?;
    together::settled(&mut client)?;
    for (tag, end) in TAGS.iter().zip(ends) {
        let found = together::keys_found(&mut client, "docs", tag)?;
        let mut numbers = (first..*end).filter(|number| number % 8 == 1);
        let lost = numbers.find(|number| !found.contains(&format!("doc:{{{tag}}}:{number}")));
        ensure(lost.is_none(), || format!("{lost:?} of {tag} is not found"))?;
    }
    Ok(())
}

/// Fails unless every key under the indexes' prefixes is found, and nothing else.
fn same_indexes(node: &Server) -> Outcome<()> {
    let mut client = node.client()?;
    for (prefix, index) in [("doc:", "docs"), ("item:", "items")] {
        let keys = names(&mut client, &format!("KEYS {prefix}*"))?;
        let mut found = Vec::new();
        for tag in TAGS {
            found.extend(together::keys_found(&mut client, index, tag)?);
        }
        found.sort_unstable();
        ensure(found == keys, || format!("{index} finds {} of {} keys", found.len(), keys.len()))?;
    }
    let series = names(&mut client, "TS.QUERYINDEX kind=(raw,sum)")?;
    let mut keys = names(&mut client, "KEYS ts:*")?;
    keys.extend(names(&mut client, "KEYS sum:*")?);
    keys.sort_unstable();
    ensure(series == keys, || format!("{series:?} are listed of {keys:?}"))
}

#[test]
fn a_log_written_every_second_and_a_kill() -> Outcome<()> {
    on_each(&["--appendonly", "yes", "--appendfsync", "everysec"], |server| {
        for _ in 0..2 {
            server.client()?.expect("FLUSHALL", "+OK")?;
            begin(server)?;
            // What is older than two seconds is on the disk, whatever the machine does.
            let (old, _) = together::under_writes(writers(server)?, 0, |counts| {
                thread::sleep(millis(500));
                let old: Vec<u64> = counts.iter().map(|count| count.load(Relaxed)).collect();
                thread::sleep(millis(2100));
                server.kill()?;
                Ok(old)
            })?;
            server.start_again()?;
            check(server, &old)?;
        }
        Ok(())
    })
}

#[test]
fn saves_under_load() -> Outcome<()> {
    on_each(&["--save", "1 10"], |server| {
        begin(server)?;
        let (saved, _) = together::under_writes(writers(server)?, 0, |counts| {
            // The server's own, then one that holds everybody up.
            thread::sleep(millis(300));
            let mut client = server.client()?;
            let before = client.value("LASTSAVE")?.integer()?;
            wait("a save of the server's own", || {
                Ok(client.value("LASTSAVE")?.integer()? > before)
            })?;
            wait("its end", || Ok(client.info("rdb_bgsave_in_progress")? == "0"))?;
            let saved: Vec<u64> = counts.iter().map(|count| count.load(Relaxed)).collect();
            saved_at_once(&mut client)?;
            thread::sleep(millis(200));
            server.kill()?;
            Ok(saved)
        })?;
        server.start_again()?;
        check(server, &saved)?;
        persistence::survives_save(server)?;
        check(server, &saved)
    })
}

/// SAVE, as soon as no child is at it.
fn saved_at_once(client: &mut Client) -> Outcome<()> {
    let mut refusals = String::new();
    wait("a save", || {
        let reply = client.line("SAVE")?;
        let _ = write!(refusals, "{}", reply.escape_ascii());
        Ok(reply == b"+OK\r\n")
    })
    .map_err(|failure| failure.during(&refusals))
}

/// A write of each module.
const WRITES: [&str; 6] = [
    "JSON.SET doc:{one}:0 $ 1",
    "BF.ADD bf:{one} x",
    "CF.ADD cf:{one} x",
    "TDIGEST.ADD td:{one} 1",
    "TS.ADD ts:{one} 1000000 1",
    "HSET item:{one}:x g one",
];

/// A read of each module.
const READS: [&str; 5] = [
    "JSON.GET log:{one}",
    "BF.EXISTS bf:{one} 3",
    "TDIGEST.RANK td:{one} 3",
    "TS.RANGE ts:{one} - +",
    "FT.SEARCH docs *",
];

#[test]
fn a_save_that_fails_stops_writes_and_not_reads() -> Outcome<()> {
    on_each(&["--save", "3600 1000000"], |server| {
        begin(server)?;
        let ends = written(server, 0)?;
        let mut client = server.client()?;
        // A folder in the file's place has the same effect as a full disk.
        let file = server.folder().join("dump.rdb");
        std::fs::create_dir_all(file.join("occupied"))?;
        let saved = |client: &mut Client, status: &str| {
            let reply = client.line("BGSAVE")?;
            ensure(reply.starts_with(b"+"), || reply.escape_ascii().to_string())?;
            wait("the save", || Ok(client.info("rdb_last_bgsave_status")? == status))
        };
        saved(&mut client, "err")?;
        for line in WRITES {
            let reply = client.line(line)?;
            let refused = reply.starts_with(b"-MISCONF");
            ensure(refused, || format!("{line}: {}", reply.escape_ascii()))?;
        }
        for line in READS {
            let reply = client.line(line)?;
            ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))?;
        }
        std::fs::remove_dir_all(&file)?;
        saved(&mut client, "ok")?;
        for line in WRITES {
            let reply = client.line(line)?;
            ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))?;
        }
        check(server, &ends)
    })
}
