//! The client-side cache while its connection, its server or its user fails.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail so")]

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::{Error, L1, Mode};
use keyspan_tests::l1::proxy::Proxy;
use keyspan_tests::l1::rules::Check;
use keyspan_tests::l1::{STALENESS_MAX, check, on_each_server, plan};
use keyspan_tests::{Outcome, Server};

const TIMEOUT: Duration = Duration::from_millis(600);

fn cache(proxy: &Proxy, mode: Mode) -> L1 {
    let builder = L1::builder(&proxy.url()).max_staleness(STALENESS_MAX).timeout(TIMEOUT);
    builder.mode(mode).build().unwrap()
}

/// Runs `body` on each server, behind a proxy.
fn each(body: impl Fn(&Server, &Proxy, &L1)) -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let proxy = Proxy::new(server.port())?;
            body(server, &proxy, &cache(&proxy, Mode::Tracking));
            Ok(())
        },
    )
}

/// The checker in fair weather and foul: `change` sets the weather for step 0, 1, 2, ... of rounds
/// of this many milliseconds and keys.
fn checked(
    modes: &[Mode],
    what: &str,
    (keys, millis): (usize, u64),
    change: impl Fn(usize, &Proxy, &Server) + Sync,
) -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            for mode in modes {
                let proxy = Proxy::new(server.port())?;
                let cache = cache(&proxy, mode.clone());
                server.client()?.line("FLUSHALL")?;
                let plan = plan(keys, Duration::from_millis(millis), Duration::ZERO);
                let what = format!("{what}, {mode:?}, {}", server.name());
                let trouble = |_: &Check<'_>, step| change(step, &proxy, server);
                let heal = || proxy.weather.clear();
                check(&what, plan, (&cache, &mut server.client()?), trouble, heal)?;
            }
            Ok(())
        },
    )
}

fn pause(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

#[test]
fn checked_in_every_mode() -> Outcome<()> {
    let broadcast = Mode::Broadcast(vec![b"checked:".to_vec()]);
    checked(&[Mode::Tracking, Mode::OptIn, broadcast], "calm", (256, 250), |_, _, _| pause(10))
}

#[test]
fn checked_with_split_and_late_frames() -> Outcome<()> {
    checked(&[Mode::Tracking], "split and late", (256, 400), |round, proxy, _| {
        let weather = &proxy.weather;
        weather.split.store([1, 2, 7, 64, 0][round % 5], Ordering::Relaxed);
        weather.delay_up.store([0, 3000, 0][round % 3], Ordering::Relaxed);
        weather.delay_down.store([0, 0, 3000, 500][round % 4], Ordering::Relaxed);
        pause(20);
    })
}

#[test]
fn checked_with_stalls() -> Outcome<()> {
    checked(&[Mode::Tracking], "stalls", (256, 700), |round, proxy, _| {
        proxy.weather.stalled.store(round % 2 == 0, Ordering::Relaxed);
        pause([60, 30, 450, 100][round % 4]);
    })
}

#[test]
fn checked_with_kills() -> Outcome<()> {
    checked(&[Mode::Tracking], "kills", (256, 200), |round, proxy, _| {
        pause([10, 40, 20, 30][round % 4]);
        proxy.kill();
    })
}

#[test]
fn checked_with_half_open_connections() -> Outcome<()> {
    checked(&[Mode::Tracking], "half-open", (256, 1000), |round, proxy, _| {
        // Longer than the timeout, so that the cache has to connect again.
        proxy.weather.deaf.store(round % 2 == 1, Ordering::Relaxed);
        pause(if round % 2 == 1 { 800 } else { 100 });
    })
}

#[test]
fn an_eviction_storm_of_the_tracking_table_is_followed() -> Outcome<()> {
    checked(&[Mode::Tracking], "tracking table of 4", (256, 300), |round, _, server| {
        if round == 0 {
            server.client().unwrap().line("CONFIG SET tracking-table-max-keys 4").unwrap();
        }
        pause(10);
    })
}

/// Reads a key until it is a hit.
fn warm(cache: &L1, key: &str) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        let hits = cache.stats().hits;
        if cache.get(key).is_ok() && cache.stats().hits > hits {
            return;
        }
        pause(1);
    }
    panic!("{key} does not become a hit");
}

#[test]
fn hits_end_with_their_proof() -> Outcome<()> {
    each(|server, proxy, cache| {
        let mut other = server.client().unwrap();
        for fault in [&proxy.weather.stalled, &proxy.weather.deaf] {
            other.line("SET k old").unwrap();
            while cache.get("k").ok().flatten().is_none_or(|value| value != b"old") {}
            warm(cache, "k");
            fault.store(true, Ordering::SeqCst);
            other.line("SET k new").unwrap();
            let start = Instant::now();
            let mut served = Duration::ZERO;
            while start.elapsed() < STALENESS_MAX * 2 {
                let asked = start.elapsed();
                if cache.get("k").is_ok_and(|value| value.unwrap() == b"old") {
                    served = asked;
                }
            }
            assert!(served <= STALENESS_MAX + keyspan_l1::clock::TICK, "served for {served:?}");
            fault.store(false, Ordering::SeqCst);
            warm(cache, "k");
            assert_eq!(cache.get("k").unwrap().unwrap(), b"new");
        }
    })
}

/// What comes late proves what was true when it was asked for, not when it comes.
#[test]
fn late_proofs_prove_little() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let proxy = Proxy::new(server.port())?;
            let cache = L1::builder(&proxy.url()).max_staleness(STALENESS_MAX).build().unwrap();
            server.client()?.line("SET k old")?;
            warm(&cache, "k");
            proxy.weather.lag_down.store(400, Ordering::SeqCst);
            pause(150);
            server.client()?.line("SET k new")?;
            let (written, bound) = (Instant::now(), STALENESS_MAX + keyspan_l1::clock::TICK);
            let eager = cache.to_async();
            while written.elapsed() < Duration::from_millis(1500) {
                let asked = written.elapsed();
                // A miss is given up at once, so that whatever becomes a hit is seen.
                let mut read = pin!(eager.get("k"));
                let polled = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(value) = polled {
                    let value = value.unwrap().unwrap();
                    assert!(value == b"new" || asked <= bound, "old after {asked:?}");
                }
            }
            proxy.weather.lag_down.store(0, Ordering::SeqCst);
            warm(&cache, "k");
            assert_eq!(cache.get("k").unwrap().unwrap(), b"new");
            Ok(())
        },
    )
}

#[test]
fn nothing_is_served_without_a_connection() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let proxy = Proxy::new(server.port())?;
            let cache = cache(&proxy, Mode::Tracking);
            server.client()?.line("SET k v")?;
            warm(&cache, "k");
            server.kill()?;
            let start = Instant::now();
            while cache.get("k").is_ok() {
                assert!(start.elapsed() < Duration::from_millis(100), "served by the dead");
            }
            let load = || Ok::<_, std::io::Error>(Some(b"loaded".to_vec()));
            let asked = Instant::now();
            assert_eq!(cache.get_or_load("k", None, load).unwrap().unwrap(), b"loaded");
            assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
            assert!(matches!(cache.get("k"), Err(Error::Down(_) | Error::Lost(_))));
            server.start_again()?;
            // It comes back empty.
            let start = Instant::now();
            while !cache.get("k").is_ok_and(|value| value.is_none()) {
                assert!(start.elapsed() < Duration::from_secs(10), "{:?}", cache.get("k"));
            }
            Ok(())
        },
    )
}

/// A read changes nothing, so it may be asked again; a write may have been run.
#[test]
fn a_read_that_is_lost_on_its_way_is_asked_again() -> Outcome<()> {
    each(|server, proxy, cache| {
        server.client().unwrap().line("SET k v").unwrap();
        let lost = |ask: fn(&L1) -> Result<(), Error>| {
            cache.command(&["PING"]).unwrap();
            proxy.weather.lag_down.store(150, Ordering::SeqCst);
            thread::scope(|scope| {
                let asked = scope.spawn(|| ask(cache));
                pause(50);
                proxy.weather.clear();
                proxy.kill();
                asked.join().unwrap()
            })
        };
        lost(|cache| cache.get("k").map(drop)).unwrap();
        lost(|cache| cache.get_many(&["k", "l"]).map(drop)).unwrap();
        let written = lost(|cache| cache.set("k", "w"));
        assert!(matches!(written, Err(Error::Lost(_))), "{written:?}");
    })
}

#[test]
fn a_slow_consumer_is_cut_off_and_recovers() -> Outcome<()> {
    each(|server, proxy, cache| {
        let mut other = server.client().unwrap();
        let keys: Vec<String> = (0..20_000).map(|number| format!("{number:064}")).collect();
        let set: Vec<Vec<String>> =
            keys.iter().map(|key| vec!["SET".into(), key.clone(), "1".into()]).collect();
        other.pipeline(&set).unwrap();
        for part in keys.chunks(1000) {
            cache.get_many(part).unwrap();
        }
        other.line("CONFIG SET client-output-buffer-limit \"normal 100kb 100kb 0\"").unwrap();
        proxy.weather.stalled.store(true, Ordering::SeqCst);
        other.line("FLUSHALL").unwrap();
        other.pipeline(&set).unwrap();
        other.line("SET last 1").unwrap();
        proxy.weather.stalled.store(false, Ordering::SeqCst);
        warm(cache, "last");
        other.line("CONFIG SET client-output-buffer-limit \"normal 0 0 0\"").unwrap();
        let right = cache.get_many(&keys[..2000]).unwrap();
        assert!(right.iter().all(|value| value.as_deref() == Some(b"1")));
    })
}

#[test]
fn flushes_reach_the_cache() -> Outcome<()> {
    each(|server, _, cache| {
        let mut other = server.client().unwrap();
        for flush in ["FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC"] {
            other.line("SET k v").unwrap();
            while cache.get("k").unwrap().is_none() {}
            warm(cache, "k");
            other.line(flush).unwrap();
            // The server has pushed before it answers this.
            cache.command(&["PING"]).unwrap();
            assert!(cache.get("k").unwrap().is_none(), "{flush}");
        }
        other.line("SET k v").unwrap();
        while cache.get("k").unwrap().is_none() {}
        warm(cache, "k");
        other.line("SELECT 1").unwrap();
        other.line("FLUSHDB").unwrap();
        cache.command(&["PING"]).unwrap();
        let misses = cache.stats().misses;
        assert!(cache.get("k").unwrap().is_some() && cache.stats().misses == misses + 1);
        // T8: no server tells of SWAPDB; this is what is written of it.
        warm(cache, "k");
        other.line("SWAPDB 0 1").unwrap();
        cache.command(&["PING"]).unwrap();
        assert!(cache.get("k").unwrap().is_some(), "a server tells of SWAPDB");
        cache.forget_all();
        assert!(cache.get("k").unwrap().is_none());
        // Our own is known.
        cache.command(&["SWAPDB", "0", "1"]).unwrap();
        assert!(cache.get("k").unwrap().is_some());
    })
}

#[test]
fn a_replica_follows_its_primary() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |primary| {
            primary.client()?.line("SET k v1")?;
            let replica = keyspan_tests::Spec::new(primary.name())?.start()?;
            let proxy = Proxy::new(replica.port())?;
            let cache = cache(&proxy, Mode::Tracking);
            warm(&cache, "k");
            assert!(cache.get("k").unwrap().is_none());
            keyspan_tests::replication::attach(&replica, primary)?;
            keyspan_tests::replication::converge(&replica, primary)?;
            cache.command(&["PING"]).unwrap();
            assert_eq!(cache.get("k").unwrap().unwrap(), b"v1", "after the resync");
            warm(&cache, "k");
            primary.client()?.line("SET k v2")?;
            keyspan_tests::replication::converge(&replica, primary)?;
            cache.command(&["PING"]).unwrap();
            assert_eq!(cache.get("k").unwrap().unwrap(), b"v2", "after a write");
            replica.client()?.line("REPLICAOF NO ONE")?;
            cache.set("k", "v3").unwrap();
            assert_eq!(cache.get("k").unwrap().unwrap(), b"v3", "after the promotion");
            Ok(())
        },
    )
}

/// Mode (a): wherever the bytes of a reply and of the push that follows it are parted.
#[test]
fn a_reply_and_its_push_are_parted_at_every_byte() -> Outcome<()> {
    each(|server, proxy, cache| {
        let mut other = server.client().unwrap();
        for split in 1..96 {
            other.line("SET k old").unwrap();
            cache.command(&["PING"]).unwrap();
            proxy.weather.split.store(split, Ordering::SeqCst);
            thread::scope(|scope| {
                let read = scope.spawn(|| cache.get("k").unwrap());
                other.line(&format!("SET k {split}")).unwrap();
                read.join().unwrap();
            });
            cache.command(&["PING"]).unwrap();
            let value = cache.get("k").unwrap().unwrap();
            assert_eq!(value, split.to_string().as_bytes(), "pieces of {split}");
            proxy.weather.clear();
        }
    })
}

/// Mode (l): what was asked before a flush goes to who asked, and no further.
#[test]
fn a_flush_during_a_flight_is_final() -> Outcome<()> {
    each(|server, proxy, cache| {
        let mut other = server.client().unwrap();
        for flush in ["FLUSHALL", "FLUSHDB", "DEL k"] {
            other.line("SET k old").unwrap();
            cache.command(&["PING"]).unwrap();
            proxy.weather.lag_down.store(40, Ordering::SeqCst);
            thread::scope(|scope| {
                let read = scope.spawn(|| cache.get("k").unwrap());
                pause(10);
                other.line(flush).unwrap();
                read.join().unwrap();
            });
            proxy.weather.clear();
            cache.command(&["PING"]).unwrap();
            assert!(cache.get("k").unwrap().is_none(), "{flush}");
        }
        // Our own is known before it is sent.
        other.line("SET k old").unwrap();
        cache.command(&["PING"]).unwrap();
        proxy.weather.lag_down.store(200, Ordering::SeqCst);
        let misses = cache.stats().misses;
        thread::scope(|scope| {
            let read = scope.spawn(|| cache.get("k").unwrap());
            while cache.stats().misses == misses {
                pause(1);
            }
            pause(30);
            cache.forget_all();
            read.join().unwrap();
        });
        proxy.weather.clear();
        cache.get("k").unwrap();
        assert_eq!(cache.stats().misses, misses + 2, "kept past a flush");
    })
}

/// Mode (j): with NOLOOP, the own write would use up what the server knows of the key.
#[test]
fn an_own_write_does_not_make_deaf() -> Outcome<()> {
    each(|server, _, cache| {
        let mut other = server.client().unwrap();
        for number in 0..50 {
            cache.set("k", "own").unwrap();
            warm(cache, "k");
            other.line(&format!("SET k {number}")).unwrap();
            cache.command(&["PING"]).unwrap();
            assert_eq!(cache.get("k").unwrap().unwrap(), number.to_string().as_bytes());
        }
    })
}

/// Mode (k): announced reads between commands that are not.
#[test]
fn announced_reads_among_others_are_watched() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let proxy = Proxy::new(server.port())?;
            let cache = cache(&proxy, Mode::OptIn);
            let keys: Vec<String> = (0..64).map(|number| format!("k:{number}")).collect();
            let mut other = server.client()?;
            for round in 0..10 {
                thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(|| {
                            for (index, key) in keys.iter().enumerate() {
                                cache.command(&["PTTL", key]).unwrap();
                                cache.set(format!("own:{index}"), "1").unwrap();
                                cache.get(key).unwrap();
                                cache.command(&["STRLEN", key]).unwrap();
                            }
                        });
                    }
                    scope.spawn(|| cache.get_many(&keys).unwrap());
                });
                for key in &keys {
                    other.line(&format!("SET {key} {round}"))?;
                }
                cache.command(&["PING"]).unwrap();
                for value in cache.get_many(&keys).unwrap() {
                    assert_eq!(value.unwrap(), round.to_string().as_bytes());
                }
            }
            Ok(())
        },
    )
}

/// I10: a key that tells databases apart bounds what SWAPDB makes stale.
#[test]
fn swapped_databases_are_noticed_by_a_guard() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let url = format!("redis://127.0.0.1:{}", server.port());
            let builder = || L1::builder(&url).max_staleness(STALENESS_MAX);
            let guarded = builder().guard_swapdb("keyspan:guard").build().unwrap();
            let other_database = format!("{url}/1");
            let elsewhere = L1::builder(&other_database).guard_swapdb("keyspan:guard").build();
            let _elsewhere = elsewhere.unwrap();
            let mut other = server.client()?;
            for (first, second) in [("a", "b"), ("b", "a"), ("a", "b")] {
                for line in ["SELECT 0", &format!("SET k {first}"), "SELECT 1"] {
                    other.line(line)?;
                }
                other.line(&format!("SET k {second}"))?;
                guarded.command(&["PING"]).unwrap();
                warm(&guarded, "k");
                other.expect("SWAPDB 0 1", "+OK")?;
                let (start, mut served) = (Instant::now(), Duration::ZERO);
                while start.elapsed() < STALENESS_MAX * 2 {
                    let asked = start.elapsed();
                    if guarded.get("k").unwrap().unwrap() == first.as_bytes() {
                        served = asked;
                    }
                }
                assert!(served <= STALENESS_MAX + keyspan_l1::clock::TICK, "for {served:?}");
            }
            Ok(())
        },
    )
}
