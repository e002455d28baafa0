//! What the client-side cache offers besides reading and writing: lives, figures, spans, the users it
//! may be, the errors of servers that it cannot use, and its typed reads under a runtime.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::clock::TICK;
use keyspan_l1::{Error, L1};
use keyspan_tests::l1::on_each_server;
use keyspan_tests::{Client, Outcome, Server};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

/// Runs `body` on each server with a cache and another client.
fn each(body: impl Fn(&L1, &mut Client)) -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            body(&L1::builder(&url(server)).build().unwrap(), &mut server.client()?);
            Ok(())
        },
    )
}

/// For how long a read is a hit.
fn served(cache: &L1, key: &str) -> Duration {
    cache.get(key).unwrap();
    let (start, misses) = (Instant::now(), cache.stats().misses);
    let mut last = Duration::ZERO;
    while start.elapsed() < Duration::from_secs(3) {
        let asked = start.elapsed();
        cache.get(key).unwrap();
        if cache.stats().misses > misses {
            return last;
        }
        last = asked;
    }
    last
}

/// The client's cap and the server's life: whichever is sooner.
#[test]
fn lives_have_a_cap() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let builder = L1::builder(&url(server)).max_ttl(Duration::from_millis(400));
            let cache = builder.max_null_ttl(Duration::from_millis(150)).build().unwrap();
            server.client()?.line("SET k v")?;
            cache.set_for("long", "v", Duration::from_secs(60)).unwrap();
            for (key, most) in [("k", 400), ("long", 400), ("short", 250), ("none", 150)] {
                // On a busy machine a read may come too late to be a hit.
                let mut longest = 0;
                for _ in 0..20 {
                    cache.set_for("short", "v", Duration::from_millis(250)).unwrap();
                    longest = longest.max(served(&cache, key).as_millis());
                    let end = most + TICK.as_millis();
                    assert!(longest <= end, "{key}: {longest} ms of {most}");
                    if longest >= most / 4 {
                        break;
                    }
                }
                assert!(longest >= most / 4, "{key}: {longest} ms of {most}");
            }
            assert!(server.client()?.value("PTTL long")?.integer()? > 50_000);
            Ok(())
        },
    )
}

#[test]
fn every_figure_moves() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let cache = L1::builder(&url(server)).capacity_bytes(1 << 20);
            let cache = cache.timeout(Duration::from_secs(30)).build().unwrap();
            let mut other = server.client()?;
            other.line("MSET k v x 1")?;
            let fresh = cache.stats();
            assert_eq!((fresh.hits, fresh.misses, fresh.entries, fresh.losses), (0, 0, 0, 0));
            assert!(fresh.proven_for > Duration::ZERO && fresh.hit_ratio() < 0.01);
            for _ in 0..4 {
                cache.get("k").unwrap();
            }
            let read = cache.stats();
            assert_eq!((read.hits, read.misses, read.entries), (3, 1, 1));
            assert!(read.bytes > fresh.bytes && (read.hit_ratio() - 0.75).abs() < 1e-9);
            cache.forget("k");
            assert_eq!(cache.stats().entries, 0);
            cache.get("k").unwrap();
            assert_eq!(cache.stats().misses, 2);
            other.line("SET k w")?;
            cache.command(&["PING"]).unwrap();
            assert_eq!(cache.stats().invalidations, 1);
            let load = || Ok::<_, Error>(Some(b"v".to_vec()));
            cache.get_or_load("new", None, load).unwrap();
            assert_eq!(cache.stats().loads, 1);
            let keys: Vec<String> = (0..9000).map(|key| format!("{key:0100}")).collect();
            for part in keys.chunks(500) {
                cache.get_many(part).unwrap();
            }
            let full = cache.stats();
            assert!(full.evictions > 1000 && full.bytes <= 1 << 20, "{full:?}");
            other.line("CLIENT KILL TYPE normal")?;
            let start = Instant::now();
            while cache.stats().losses == 0 {
                assert!(start.elapsed() < Duration::from_secs(5), "the loss is not counted");
            }
            Ok(())
        },
    )
}

/// Names of counters and gauges.
#[derive(Default)]
struct Names(Mutex<BTreeSet<String>>);

impl Names {
    fn add(&self, kind: &str, key: &metrics::Key) {
        self.0.lock().unwrap().insert(format!("{} {kind}", key.name()));
    }
}

impl metrics::Recorder for Names {
    fn describe_counter(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }

    fn describe_gauge(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }

    fn describe_histogram(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        self.add("counter", key);
        metrics::Counter::noop()
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        self.add("gauge", key);
        metrics::Gauge::noop()
    }

    fn register_histogram(
        &self,
        _: &metrics::Key,
        _: &metrics::Metadata<'_>,
    ) -> metrics::Histogram {
        metrics::Histogram::noop()
    }
}

/// The recorder of the `metrics` crate and Prometheus' text have the same figures.
#[test]
fn figures_are_recorded_by_the_names_that_prometheus_gets() -> Outcome<()> {
    each(|cache, _| {
        let names = Names::default();
        metrics::with_local_recorder(&names, || cache.stats().record());
        let text = cache.stats().prometheus();
        let types: BTreeSet<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .map(str::to_owned)
            .collect();
        assert_eq!(names.0.into_inner().unwrap(), types);
        assert_eq!(types.len(), 10);
    })
}

/// Names of spans, in their order.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<&'static str>>>);

impl Subscriber for Spans {
    fn enabled(&self, span: &Metadata<'_>) -> bool {
        span.target().starts_with("keyspan_l1")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        // Names of keys and values are nobody else's business.
        span.record(&mut Nothing);
        self.0.lock().unwrap().push(span.metadata().name());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Nothing;

impl Visit for Nothing {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        assert!(field.name().is_empty(), "{field}: {value:?}");
    }
}

#[test]
fn whatever_waits_has_a_span_and_a_hit_has_none() -> Outcome<()> {
    each(|cache, _| {
        let spans = Spans::default();
        tracing::subscriber::with_default(spans.clone(), || {
            let check = |what: &str, due: &[&str]| {
                let seen = std::mem::take(&mut *spans.0.lock().unwrap());
                assert_eq!(seen, due, "{what}");
            };
            cache.get("k").unwrap();
            check("a miss", &["keyspan_l1.miss"]);
            cache.get("k").unwrap();
            check("a hit", &[]);
            cache.set("k", "v").unwrap();
            check("SET", &["keyspan_l1.set"]);
            cache.del(&["k"]).unwrap();
            check("DEL", &["keyspan_l1.del"]);
            cache.command(&["STRLEN", "k"]).unwrap();
            check("a command", &["keyspan_l1.command", "keyspan_l1.miss_command"]);
            cache.command(&["STRLEN", "k"]).unwrap();
            check("a hit of a command", &[]);
            let load = || Ok::<_, Error>(Some(b"v".to_vec()));
            cache.get_or_load("k", None, load).unwrap();
            let seen = std::mem::take(&mut *spans.0.lock().unwrap());
            assert!(seen.contains(&"keyspan_l1.load"), "{seen:?}");
        });
    })
}

/// What a user must be allowed, and no more.
#[test]
fn a_user_who_may_do_little() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut other = server.client()?;
            let rights = "resetkeys ~app:* -@all +@read +ping +hello +multi +exec \
                          +client|tracking +client|caching +client|setname +command|info";
            other.expect(&format!("ACL SETUSER app on >secret {rights}"), "+OK")?;
            other.line("MSET app:k v other:k v")?;
            let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
            for mode in [keyspan_l1::Mode::Tracking, keyspan_l1::Mode::OptIn] {
                let cache = L1::builder(&url).mode(mode).build().unwrap();
                for _ in 0..2 {
                    assert_eq!(cache.get("app:k").unwrap().unwrap(), b"v");
                    let length = cache.command(&["STRLEN", "app:k"]).unwrap();
                    assert_eq!(length.parse::<u32>().unwrap(), 1);
                }
                assert_eq!(cache.stats().hits, 2);
                let refused =
                    |error: Error| matches!(&error, Error::Server(said) if said.contains("NOPERM"));
                assert!(refused(cache.get("other:k").unwrap_err()));
                assert!(refused(cache.set("app:k", "w").unwrap_err()));
                assert_eq!(cache.get("app:k").unwrap().unwrap(), b"v");
            }
            Ok(())
        },
    )
}

/// A server that answers like this to the first that it is sent.
fn impostor(reply: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]).and_then(|_| stream.write(reply.as_bytes()));
        }
    });
    port
}

#[test]
fn a_server_without_resp3_is_named_as_such() {
    for reply in [
        "-NOPROTO unsupported protocol version\r\n",
        "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n",
    ] {
        let cache = L1::builder(&format!("redis://127.0.0.1:{}", impostor(reply))).build();
        let error = cache.err().unwrap();
        assert!(matches!(error, Error::NoResp3(_)), "{error}");
        assert!(error.to_string().contains("RESP3"), "{error}");
    }
    let cache = L1::builder(&format!("redis://127.0.0.1:{}", impostor("-ERR other\r\n"))).build();
    assert!(matches!(cache.err().unwrap(), Error::Server(_)));
    let cache = L1::builder(&format!("redis://127.0.0.1:{}", impostor("HTTP/1.1 400\r\n"))).build();
    assert!(matches!(cache.err().unwrap(), Error::Lost(_) | Error::Down(_)));
}

/// Each typed read twice, by both handles, and once after a change.
#[test]
fn typed_reads_are_the_same_under_a_runtime() -> Outcome<()> {
    on_each_server(
        |spec| spec.module("json", &[]).module("bloom", &[]).module("search", &[]),
        |server| {
            let cache = L1::builder(&url(server)).build().unwrap();
            let mut other = server.client()?;
            for line in [
                "FT.CREATE i PREFIX 1 d: SCHEMA t TAG",
                "HSET d:1 t x",
                "HSET h f 1",
                "SADD s a b",
                "ZADD z 1 m 2 n",
                "JSON.SET j $ '{\"a\":1}'",
                "BF.ADD b x",
                "CF.ADD c x",
                "CMS.INITBYDIM m 100 5",
                "CMS.INCRBY m x 3",
                "TOPK.RESERVE t 2",
                "TOPK.ADD t x",
            ] {
                let reply = other.line(line)?;
                assert!(!reply.starts_with(b"-"), "{line}: {reply:?}");
            }
            let start = Instant::now();
            while cache.ft_search("i", "@t:{x}", &["DIALECT", "2"]).unwrap().total == 0 {
                assert!(start.elapsed() < Duration::from_secs(5), "nothing is found");
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            runtime.block_on(typed(&cache));
            let misses = cache.stats().misses;
            runtime.block_on(typed(&cache));
            assert_eq!(cache.stats().misses, misses, "both handles share what they keep");
            other.line("HSET d:1 t y")?;
            let start = Instant::now();
            while cache.ft_search("i", "@t:{x}", &["DIALECT", "2"]).unwrap().total == 1 {
                assert!(start.elapsed() < Duration::from_secs(5), "the search is stale");
            }
            Ok(())
        },
    )
}

async fn typed(cache: &L1) {
    let eager = cache.to_async();
    let found = eager.ft_search("i", "@t:{x}", &["DIALECT", "2"]).await.unwrap();
    assert_eq!(found, cache.ft_search("i", "@t:{x}", &["DIALECT", "2"]).unwrap());
    let documents: Vec<&[u8]> = found.documents.iter().map(|found| found.key.as_slice()).collect();
    assert_eq!((found.total, documents), (1, vec![&b"d:1"[..]]));
    assert_eq!(eager.hget("h", "f").await.unwrap().unwrap(), b"1");
    let hash: BTreeMap<String, u32> = eager.hgetall("h").await.unwrap();
    assert_eq!(hash, cache.hgetall("h").unwrap());
    let set: BTreeSet<String> = eager.smembers("s").await.unwrap();
    assert_eq!(set, cache.smembers("s").unwrap());
    let ranks: Vec<String> = eager.zrange("z", 0, -1).await.unwrap();
    assert_eq!(ranks, ["m", "n"]);
    let path = eager.json_get("j", "$.a").await.unwrap();
    assert_eq!(path.as_deref(), Some("[1]"));
    assert_eq!(eager.json_mget(&["j", "none"], "$.a").await.unwrap(), [path, None]);
    assert_eq!(*eager.json::<Vec<u32>>("j", "$.a").await.unwrap().unwrap(), [1]);
    assert!(eager.bf_exists("b", "x").await.unwrap());
    assert_eq!(eager.bf_mexists("b", &["x", "y"]).await.unwrap(), [true, false]);
    assert!(eager.cf_exists("c", "x").await.unwrap());
    assert_eq!(eager.cms_query("m", &["x"]).await.unwrap(), [3]);
    assert_eq!(eager.topk_query("t", &["x"]).await.unwrap(), [true]);
    let strlen = eager.command(&["STRLEN", "none"]).await.unwrap();
    assert_eq!(strlen.parse::<u32>().unwrap(), 0);
}
