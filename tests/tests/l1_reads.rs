//! The client-side cache on real servers: what it reads, keeps and writes.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::{Error, KeyHandle, L1, Mode, Value};
use keyspan_tests::l1::on_each_server;
use keyspan_tests::{Client, Outcome, Server, ensure};

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

fn cache(server: &Server) -> L1 {
    L1::builder(&url(server)).build().unwrap()
}

/// Runs `body` on each server with a cache and another client.
fn each(body: impl Fn(&Server, &L1, &mut Client)) -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            body(server, &cache(server), &mut server.client()?);
            Ok(())
        },
    )
}

/// Waits until it holds: pushes of other clients' writes come when they come.
fn soon(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(5), "not so in 5 s: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn text(cache: &L1, key: &str) -> Option<String> {
    cache.get(key).unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// How many commands of this name the server has run.
fn calls(client: &mut Client, command: &str) -> u64 {
    let info = client.line("INFO commandstats").unwrap();
    let info = String::from_utf8(info).unwrap();
    let prefix = format!("cmdstat_{command}:calls=");
    let line = info.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or("0,");
    line.split(',').next().unwrap().parse().unwrap()
}

#[test]
fn a_value_is_asked_for_once_until_it_changes() -> Outcome<()> {
    each(|_, cache, other| {
        other.line("SET k v1").unwrap();
        for _ in 0..10 {
            assert_eq!(text(cache, "k").as_deref(), Some("v1"));
        }
        assert_eq!(calls(other, "get"), 1);
        other.line("SET k v2").unwrap();
        soon("v2 is read", || text(cache, "k").as_deref() == Some("v2"));
        other.line("DEL k").unwrap();
        soon("nothing is read", || text(cache, "k").is_none());
        let before = calls(other, "get");
        assert_eq!(text(cache, "k"), None);
        assert_eq!(calls(other, "get"), before, "a null is cached too");
        other.line("SET k v3").unwrap();
        soon("v3 is read", || text(cache, "k").as_deref() == Some("v3"));
        let stats = cache.stats();
        assert!(stats.hits >= 10 && stats.invalidations >= 3, "{stats:?}");
    })
}

#[test]
fn every_way_to_read_a_value() -> Outcome<()> {
    each(|_, cache, other| {
        other.line("MSET a 1 b 22 doc {\"n\":[1,2]}").unwrap();
        let handle = KeyHandle::new("b");
        for _ in 0..2 {
            assert_eq!(cache.with("a", |value| value.map(<[u8]>::len)).unwrap(), Some(1));
            assert_eq!(cache.with(&handle, |value| value.map(<[u8]>::len)).unwrap(), Some(2));
            assert_eq!(cache.get(b"b").unwrap().unwrap(), b"22");
            let many = cache.get_many(&["b", "missing", "a"]).unwrap();
            let many: Vec<_> = many.iter().map(|value| value.as_deref()).collect();
            assert_eq!(many, [Some(&b"22"[..]), None, Some(b"1")]);
        }
        assert_eq!(calls(other, "get"), 3);
        let number = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().parse::<u32>();
        let first = cache.decode("b", number).unwrap().unwrap();
        assert!(*first == 22 && Arc::ptr_eq(&first, &cache.decode("b", number).unwrap().unwrap()));
        let error = cache.decode("doc", number).unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error}");
        other.line("SET b 33").unwrap();
        soon("33 is decoded", || *cache.decode("b", number).unwrap().unwrap() == 33);
        other.line("RPUSH list x").unwrap();
        let error = cache.get("list").unwrap_err();
        assert!(matches!(&error, Error::Server(said) if said.contains("WRONGTYPE")), "{error}");
    })
}

#[test]
fn own_writes_are_read() -> Outcome<()> {
    each(|_, cache, other| {
        for round in 0..300 {
            let value = round.to_string();
            cache.set("k", &value).unwrap();
            assert_eq!(text(cache, "k"), Some(value));
        }
        assert_eq!(cache.del(&["k", "missing"]).unwrap(), 1);
        assert_eq!(text(cache, "k"), None);
        cache.command(&["APPEND", "k", "tail"]).unwrap();
        assert_eq!(text(cache, "k").as_deref(), Some("tail"));
        cache
            .command(&["EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", "1", "k", "e"])
            .unwrap();
        assert_eq!(text(cache, "k").as_deref(), Some("e"));
        other.line("RPUSH numbers 2 1").unwrap();
        assert!(text(cache, "sorted").is_none());
        cache.command(&["SORT", "numbers", "STORE", "sorted"]).unwrap();
        assert!(cache.get("sorted").is_err(), "the null of before");
        cache.command(&["FLUSHALL"]).unwrap();
        assert_eq!(text(cache, "k"), None);
        // Four threads, each on its own key and all reading the others'.
        thread::scope(|scope| {
            for own in 0..4 {
                scope.spawn(move || {
                    for round in 0..200 {
                        let value = round.to_string();
                        cache.set(format!("t{own}"), &value).unwrap();
                        let _ = text(cache, &format!("t{}", (own + 1) % 4));
                        assert_eq!(text(cache, &format!("t{own}")), Some(value));
                    }
                });
            }
        });
    })
}

#[test]
fn replies_of_commands_are_cached_by_all_their_keys() -> Outcome<()> {
    each(|_, cache, other| {
        for line in ["HSET h f 1 g 2", "SADD s1 a b c", "SADD s2 b c d", "ZADD z 1 m"] {
            other.line(line).unwrap();
        }
        let length =
            |words: &[&str]| cache.command(words).unwrap().parse::<Vec<Value>>().unwrap().len();
        for _ in 0..5 {
            assert_eq!(cache.command(&["HGET", "h", "f"]).unwrap().parse::<u32>().unwrap(), 1);
            assert_eq!(length(&["SINTER", "s1", "s2"]), 2);
            assert_eq!(
                cache.command(&["SINTERCARD", "2", "s1", "s2"]).unwrap().parse::<u32>().unwrap(),
                2
            );
            assert_eq!(length(&["ZRANGE", "z", "0", "-1"]), 1);
        }
        for command in ["hget", "sinter", "sintercard", "zrange"] {
            assert_eq!(calls(other, command), 1, "{command}");
        }
        other.line("SREM s2 b").unwrap();
        soon("one is left", || length(&["SINTER", "s1", "s2"]) == 1);
        soon("one is counted", || {
            cache.command(&["SINTERCARD", "2", "s1", "s2"]).unwrap().parse::<u32>().unwrap() == 1
        });
        other.line("HSET h f 5").unwrap();
        soon("5 is read", || {
            cache.command(&["HGET", "h", "f"]).unwrap().parse::<u32>().unwrap() == 5
        });
        // What changes without its keys is not cached; what has no key neither.
        for line in [&["TTL", "h"][..], &["SRANDMEMBER", "s1"], &["DBSIZE"], &["TIME"]] {
            cache.command(line).unwrap();
            let before = calls(other, &line[0].to_lowercase());
            cache.command(line).unwrap();
            assert_eq!(calls(other, &line[0].to_lowercase()), before + 1, "{line:?}");
        }
        for line in [&["MULTI"][..], &["BLPOP", "l", "0"], &["SUBSCRIBE", "c"], &["SELECT", "1"]] {
            assert!(matches!(cache.command(line), Err(Error::Refused(_))), "{line:?}");
        }
        assert!(matches!(cache.command(&["NOSUCH", "k"]), Err(Error::Server(_))));
    })
}

#[test]
fn a_value_is_not_served_after_its_life() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut other = server.client()?;
            // Nobody but the cache will look: the server says nothing when the keys expire.
            other.line("DEBUG SET-ACTIVE-EXPIRE 0")?;
            let cache = cache(server);
            for millis in [1_u64, 12, 20, 50, 200] {
                let key = format!("k{millis}");
                let start = Instant::now();
                other.line(&format!("SET {key} v PX {millis}"))?;
                let end = Instant::now();
                while end.elapsed() < Duration::from_millis(millis + 30) {
                    let asked = end.elapsed();
                    let hit = text(&cache, &key).is_some();
                    ensure(!hit || asked <= Duration::from_millis(millis + 1), || {
                        format!("a life of {millis} ms served after {asked:?}")
                    })?;
                    let answered = start.elapsed();
                    ensure(hit || answered >= Duration::from_millis(millis), || {
                        format!("a life of {millis} ms ended after {answered:?}")
                    })?;
                }
            }
            ensure(cache.stats().hits > 100, || format!("{:?}", cache.stats()))
        },
    )
}

#[test]
fn modes_hear_of_changes() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut other = server.client()?;
            other.line("MSET in:a 1 out:a 1")?;
            for mode in [Mode::Tracking, Mode::OptIn, Mode::Broadcast(vec![b"in:".to_vec()])] {
                let cache = L1::builder(&url(server)).mode(mode.clone()).build().unwrap();
                other.line("SET in:a 1")?;
                let before = calls(&mut other, "get");
                soon("the write's own push has come", || {
                    let _ = text(&cache, "in:a");
                    let misses = cache.stats().misses;
                    let _ = text(&cache, "in:a");
                    cache.stats().misses == misses
                });
                ensure(calls(&mut other, "get") <= before + 3, || format!("{mode:?}"))?;
                for value in ["2", "3"] {
                    other.line(&format!("SET in:a {value}"))?;
                    soon("the change is seen", || text(&cache, "in:a").as_deref() == Some(value));
                    other.line(&format!("SET out:a {value}"))?;
                    soon("the other is seen", || text(&cache, "out:a").as_deref() == Some(value));
                    cache.set("in:a", "own").unwrap();
                    assert_eq!(text(&cache, "in:a").as_deref(), Some("own"), "{mode:?}");
                }
            }
            Ok(())
        },
    )
}

#[test]
fn many_who_miss_ask_once() -> Outcome<()> {
    each(|_, cache, other| {
        other.line("SET k v").unwrap();
        other.line("CLIENT PAUSE 300 ALL").unwrap();
        thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| assert_eq!(text(cache, "k").as_deref(), Some("v")));
            }
        });
        assert_eq!(calls(other, "get"), 1);
        assert_eq!(cache.stats().joins, 99);
    })
}

#[test]
fn a_loader_runs_once_for_all() -> Outcome<()> {
    each(|_, cache, other| {
        let loads = AtomicU32::new(0);
        let load = |value: Option<&'static [u8]>| {
            let loads = &loads;
            move || {
                loads.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
                Ok::<_, std::io::Error>(value.map(<[u8]>::to_vec))
            }
        };
        let life = Some(Duration::from_secs(60));
        thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| {
                    let value = cache.get_or_load("k", life, load(Some(b"v"))).unwrap();
                    assert_eq!(value.unwrap(), b"v");
                });
            }
        });
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        assert_eq!(other.line("GET k").unwrap(), b"$1\r\nv\r\n");
        assert!(other.value("PTTL k").unwrap().integer().unwrap() > 50_000);
        // That there is nothing is remembered, and forgotten when somebody writes.
        for _ in 0..3 {
            assert!(cache.get_or_load("none", life, load(None)).unwrap().is_none());
        }
        assert_eq!(loads.load(Ordering::Relaxed), 2);
        other.line("SET none some").unwrap();
        soon("some is read", || {
            cache
                .get_or_load("none", life, load(None))
                .unwrap()
                .is_some_and(|value| value == b"some")
        });
        // Errors go to all who wait, and are not remembered.
        let fail = || Err::<Option<Vec<u8>>, _>(std::io::Error::other("no database"));
        let error = cache.get_or_load("e", life, fail).unwrap_err();
        assert!(matches!(&error, Error::Load(why) if why.to_string() == "no database"), "{error}");
        assert!(cache.get_or_load("e", life, load(Some(b"1"))).unwrap().is_some());
    })
}

#[test]
fn a_loader_that_panics_leaves_nothing_behind() -> Outcome<()> {
    each(|_, cache, _| {
        thread::scope(|scope| {
            let panics = scope.spawn(|| {
                cache.get_or_load("k", None, || -> Result<Option<Vec<u8>>, std::io::Error> {
                    thread::sleep(Duration::from_millis(100));
                    panic!("meant")
                })
            });
            thread::sleep(Duration::from_millis(30));
            let load = || Ok::<_, std::io::Error>(Some(b"v".to_vec()));
            assert_eq!(cache.get_or_load("k", None, load).unwrap().unwrap(), b"v");
            assert!(panics.join().is_err());
        });
    })
}

#[test]
fn who_may_connect_and_where() -> Outcome<()> {
    on_each_server(
        |spec| spec.options(&["--unixsocket", "server.sock"]),
        |server| {
            let mut other = server.client()?;
            other.line("ACL SETUSER reader on >p%ss ~* +@all")?;
            other.line("SET k zero")?;
            let port = server.port();
            let as_user = L1::builder(&format!("redis://reader:p%25ss@127.0.0.1:{port}/3"));
            let as_user = as_user.build().unwrap();
            as_user.set("k", "three").unwrap();
            assert_eq!(text(&as_user, "k").as_deref(), Some("three"));
            other.expect("GET k", "$4\r\nzero")?;
            let socket = server.folder().join("server.sock");
            let local = L1::builder(&format!("unix://{}", socket.display())).build().unwrap();
            assert_eq!(text(&local, "k").as_deref(), Some("zero"));
            let wrong = L1::builder(&format!("redis://reader:x@127.0.0.1:{port}")).build();
            assert!(
                matches!(wrong.err().unwrap(), Error::Server(said) if said.contains("WRONGPASS"))
            );
            let nobody = L1::builder("redis://127.0.0.1:1").build();
            assert!(matches!(nobody.err().unwrap(), Error::Down(_)));
            Ok(())
        },
    )
}
