//! The client-side cache in front of documents, filters and sketches.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::L1;
use keyspan_tests::l1::on_each_server;
use keyspan_tests::{Client, Outcome, Protocol, Server, Value, ensure};

#[derive(Debug, PartialEq, serde::Deserialize)]
struct User {
    name: String,
    age: u32,
}

fn each(body: impl Fn(&L1, &mut Client)) -> Outcome<()> {
    on_each_server(
        |spec| spec.module("json", &[]).module("bloom", &[]).module("search", &[]),
        |server| {
            let cache = L1::builder(&format!("redis://127.0.0.1:{}", server.port())).build();
            body(&cache.unwrap(), &mut server.client()?);
            Ok(())
        },
    )
}

fn soon(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(5), "not so in 5 s: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// That the same read is not asked for again.
fn is_hit<T>(cache: &L1, read: impl Fn() -> T) -> T {
    read();
    let misses = cache.stats().misses;
    let value = read();
    assert_eq!(cache.stats().misses, misses, "not cached");
    value
}

#[test]
fn documents_are_decoded_once_for_each_change() -> Outcome<()> {
    each(|cache, other| {
        assert!(cache.json::<User>("u", ".").unwrap().is_none());
        other.line(r#"JSON.SET u $ '{"name":"Ann","age":40}'"#).unwrap();
        soon("it is there", || cache.json::<User>("u", ".").unwrap().is_some());
        let first = is_hit(cache, || cache.json::<User>("u", ".").unwrap().unwrap());
        assert_eq!(*first, User { name: "Ann".into(), age: 40 });
        assert!(Arc::ptr_eq(&first, &cache.json("u", ".").unwrap().unwrap()));
        let ages = is_hit(cache, || cache.json::<Vec<u32>>("u", "$.age").unwrap().unwrap());
        assert_eq!(*ages, [40]);
        other.line("JSON.NUMINCRBY u $.age 1").unwrap();
        soon("41 is read", || cache.json::<User>("u", ".").unwrap().unwrap().age == 41);
        cache.command(&["JSON.SET", "u", "$.age", "7"]).unwrap();
        assert_eq!(cache.json::<User>("u", ".").unwrap().unwrap().age, 7);
        assert_eq!(cache.json_get("u", "$.age").unwrap().as_deref(), Some("[7]"));
        other.line(r#"JSON.SET v $ '{"age":8}'"#).unwrap();
        let both = || cache.json_mget(&["u", "missing", "v"], "$.age").unwrap();
        assert_eq!(is_hit(cache, both), [Some("[7]".into()), None, Some("[8]".into())]);
        other.line("JSON.SET v $.age 9").unwrap();
        soon("9 is read", || both().last().unwrap().as_deref() == Some("[9]"));
        assert!(cache.json::<User>("v", ".").is_err(), "no name");
    })
}

/// A write that changes nothing must not cost anybody their copy.
#[test]
fn what_changes_nothing_evicts_nothing() -> Outcome<()> {
    each(|cache, other| {
        other.line(r#"JSON.SET u $ '{"age":40}'"#).unwrap();
        other.line("BF.ADD seen x").unwrap();
        let read = || {
            assert!(cache.json::<User>("u", ".").is_err());
            assert!(cache.bf_exists("seen", "x").unwrap());
        };
        is_hit(cache, read);
        other.line("JSON.SET u $.none 1 XX").unwrap();
        other.line("BF.ADD seen x").unwrap();
        cache.command(&["PING"]).unwrap();
        let misses = cache.stats().misses;
        read();
        assert_eq!(cache.stats().misses, misses);
    })
}

#[test]
fn filters_and_sketches() -> Outcome<()> {
    each(|cache, other| {
        for line in ["BF.ADD b x", "CF.ADD c x", "CMS.INITBYDIM m 100 5", "TOPK.RESERVE t 2"] {
            other.line(line).unwrap();
        }
        assert!(is_hit(cache, || cache.bf_exists("b", "x").unwrap()));
        assert_eq!(is_hit(cache, || cache.bf_mexists("b", &["x", "y"]).unwrap()), [true, false]);
        assert!(!is_hit(cache, || cache.cf_exists("c", "y").unwrap()));
        assert_eq!(is_hit(cache, || cache.cms_query("m", &["x"]).unwrap()), [0]);
        assert_eq!(is_hit(cache, || cache.topk_query("t", &["x"]).unwrap()), [false]);
        for line in ["BF.ADD b y", "CF.ADD c y", "CMS.INCRBY m x 3", "TOPK.ADD t x"] {
            other.line(line).unwrap();
        }
        soon("all is seen", || {
            cache.bf_exists("b", "y").unwrap()
                && cache.bf_mexists("b", &["x", "y"]).unwrap() == [true, true]
                && cache.cf_exists("c", "y").unwrap()
                && cache.cms_query("m", &["x"]).unwrap() == [3]
                && cache.topk_query("t", &["x"]).unwrap() == [true]
        });
    })
}

#[test]
fn native_types_by_name() -> Outcome<()> {
    each(|cache, other| {
        for line in ["HSET h f 1 g 2", "SADD s a b", "ZADD z 1 m 2 n"] {
            other.line(line).unwrap();
        }
        assert_eq!(is_hit(cache, || cache.hget("h", "f").unwrap()).unwrap(), b"1");
        assert_eq!(cache.hget("h", "none").unwrap(), None);
        let hash = is_hit(cache, || cache.hgetall::<BTreeMap<String, u32>>("h").unwrap());
        assert_eq!(hash, BTreeMap::from([("f".into(), 1), ("g".into(), 2)]));
        let set = is_hit(cache, || cache.smembers::<BTreeSet<String>>("s").unwrap());
        assert_eq!(set, BTreeSet::from(["a".into(), "b".into()]));
        let ranks = is_hit(cache, || cache.zrange::<Vec<String>>("z", 0, -1).unwrap());
        assert_eq!(ranks, ["m", "n"]);
    })
}

/// What a tracking connection is told after it has read, and another one has written.
fn told(server: &Server, setup: &[&str], read: &str, write: &str, due: &[&str]) -> Outcome<()> {
    let (mut me, mut other) = (server.client_in(Protocol::Resp3)?, server.client()?);
    other.expect("FLUSHALL", "+OK")?;
    for line in setup {
        let reply = other.line(line)?;
        ensure(!reply.starts_with(b"-"), || format!("{line}: {reply:?}"))?;
    }
    me.expect("CLIENT TRACKING ON", "+OK")?;
    me.line(read)?;
    other.line(write)?;
    me.line("PING")?;
    let mut keys = Vec::new();
    while let Some(push) = me.push(Duration::ZERO)? {
        let push = Value::decode(&push)?;
        let [_, Value::Array(names)] = push.elements()? else { continue };
        for name in names {
            keys.push(String::from_utf8_lossy(name.bytes()?).into_owned());
        }
    }
    ensure(keys == due, || format!("{read}; {write}: {due:?} due, {keys:?} came"))
}

/// Runs `told` on each server with all modules, for each line of a table.
fn told_each(table: &[(&[&str], &str, &str, &[&str])]) -> Outcome<()> {
    on_each_server(
        |spec| spec.module("json", &[]).module("bloom", &[]).module("search", &[]),
        |server| {
            let mut lines = table.iter();
            lines.try_for_each(|(setup, read, write, due)| told(server, setup, read, write, due))
        },
    )
}

/// M1: reads are tracked by their keys; writes are not, and neither is what names no key.
#[test]
fn which_commands_of_modules_are_tracked() -> Outcome<()> {
    told_each(&[
        (&["JSON.SET k $ 1"], "JSON.GET k $", "JSON.SET k $ 2", &["k"]),
        (&["JSON.SET k $ 1"], "JSON.MGET k l $", "JSON.SET l $ 2", &["l"]),
        (&["BF.ADD k x"], "BF.EXISTS k x", "BF.ADD k y", &["k"]),
        (&["CMS.INITBYDIM k 9 9"], "CMS.QUERY k x", "CMS.INCRBY k x 1", &["k"]),
        (&["BF.ADD k x"], "BF.ADD k y", "BF.ADD k z", &[]),
        (&["JSON.SET k $ 1"], "JSON.NUMINCRBY k $ 1", "JSON.SET k $ 2", &[]),
        (&[], "FT._LIST", "FT.CREATE i SCHEMA t TAG", &[]),
    ])
}

/// M2: an inner call would be tracked, but for Redis 7.0. Modules of ours make none: a search tracks
/// its index, and not the documents that it gives.
#[test]
fn what_a_module_reads_inside_is_not_tracked() -> Outcome<()> {
    let index = ["FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "HSET d:1 t x", "SET other 1"];
    told_each(&[
        (&index, "FT.SEARCH i @t:{x}", "SET other 2", &[]),
        (&index, "FT.SEARCH i @t:{x}", "EXPIRE d:1 1000", &[]),
    ])
}

/// M3, M4, M5: a key that was opened for writing is told when it is closed (M3: `VREM` of what is
/// not there), unless the module asks for silence, as ours do (M5). Then it tells of changes itself,
/// those in place too (M4).
#[test]
fn what_modules_change_in_place_is_told_and_no_more() -> Outcome<()> {
    told_each(&[
        (&["JSON.SET k $ 1"], "JSON.GET k $", "JSON.NUMINCRBY k $ 1", &["k"]),
        (&["JSON.SET k $ [1]"], "JSON.GET k $", "JSON.ARRAPPEND k $ 2", &["k"]),
        (&["JSON.SET k $ 1"], "JSON.GET k $", "JSON.SET k $.none 1 XX", &[]),
        (&["BF.ADD k x"], "BF.EXISTS k x", "BF.ADD k x", &[]),
        (&["CF.ADD k x"], "CF.EXISTS k x", "CF.DEL k y", &[]),
        (&["CF.ADD k x"], "CF.EXISTS k x", "CF.DEL k x", &["k"]),
        (&["TOPK.RESERVE k 2"], "TOPK.QUERY k x", "TOPK.ADD k x", &["k"]),
    ])?;
    on_each_server(
        |spec| spec,
        |server| {
            if server.name().as_str() != "redis-8.6" {
                return Ok(());
            }
            told(server, &["VADD k VALUES 2 1 0 a"], "VCARD k", "VREM k none", &["k"])
        },
    )
}

/// M8: the name of an index is a key that is none, and is told of when a document of it changes.
#[test]
fn a_search_is_told_of_by_the_name_of_its_index() -> Outcome<()> {
    let index = ["FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "HSET d:1 t x"];
    told_each(&[
        (&index, "FT.SEARCH i @t:{x}", "HSET d:2 t x", &["i"]),
        (&index, "FT.SEARCH i @t:{x}", "HSET d:1 t y", &["i"]),
        (&index, "FT.SEARCH i @t:{x}", "DEL d:1", &["i"]),
        (&index, "FT.SEARCH i @t:{x}", "HSET e:1 t x", &[]),
    ])?;
    each(|cache, other| {
        for line in ["FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "HSET d:1 t x"] {
            other.line(line).unwrap();
        }
        let count = || {
            let reply = cache.command(&["FT.SEARCH", "i", "@t:{x}", "NOCONTENT", "DIALECT", "2"]);
            format!("{:?}", reply.unwrap())
        };
        soon("it is indexed", || count().contains("d:1"));
        let one = is_hit(cache, count);
        other.line("HSET e:1 t x").unwrap();
        cache.command(&["PING"]).unwrap();
        assert_eq!(is_hit(cache, count), one);
        other.line("HSET d:2 t x").unwrap();
        soon("the second is found", || count() != one);
        other.line("DEL d:2").unwrap();
        soon("it is gone again", || count() == one);
    })
}
