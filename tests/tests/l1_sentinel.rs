//! The client-side cache in front of a primary that sentinels name.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail so")]

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::{Error, L1};
use keyspan_tests::l1::rules::{Check, Other};
use keyspan_tests::l1::{Late, STALENESS_MAX, check, on_each_server, plan};
use keyspan_tests::replication::{attach, wait};
use keyspan_tests::{Client, Outcome, Server, Spec};

/// A primary, its replica, and a sentinel who watches them.
struct Trio {
    servers: [Server; 2],
    sentinel: Server,
}

impl Trio {
    fn start(server: &Server) -> Outcome<Self> {
        let [primary, replica] =
            [Spec::new(server.name())?.start()?, Spec::new(server.name())?.start()?];
        attach(&replica, &primary)?;
        let sentinel = Spec::new(server.name())?.sentinel().start()?;
        let trio = Self { servers: [primary, replica], sentinel };
        let mut client = trio.sentinel.client()?;
        let port = trio.primary().port();
        client.expect(&format!("SENTINEL MONITOR main 127.0.0.1 {port} 1"), "+OK")?;
        for (name, millis) in [("down-after-milliseconds", 300), ("failover-timeout", 3000)] {
            client.expect(&format!("SENTINEL SET main {name} {millis}"), "+OK")?;
        }
        wait("the sentinel to know the replica", || trio.knows_a_replica(&mut client))?;
        Ok(trio)
    }

    fn knows_a_replica(&self, client: &mut Client) -> Outcome<bool> {
        let replicas = client.value("SENTINEL REPLICAS main")?;
        Ok(replicas.elements()?.len() == 1)
    }

    fn primary(&self) -> &Server {
        let [first, second] = &self.servers;
        if is_primary(first) { first } else { second }
    }

    fn cache(&self) -> L1 {
        let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/main", self.sentinel.port());
        let builder = L1::builder(&url).max_staleness(STALENESS_MAX);
        builder.timeout(Duration::from_secs(5)).build().unwrap()
    }
}

fn is_primary(server: &Server) -> bool {
    server.client().and_then(|mut client| client.info("role")).is_ok_and(|role| role == "master")
}

fn each(body: impl Fn(Trio) -> Outcome<()>) -> Outcome<()> {
    on_each_server(|spec| spec, |server| body(Trio::start(server)?))
}

/// Reads a key until it is a hit.
fn warm(cache: &L1, key: &str) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        let hits = cache.stats().hits;
        if cache.get(key).is_ok() && cache.stats().hits > hits {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("{key} does not become a hit");
}

#[test]
fn the_primary_is_found_and_a_killed_one_is_left() -> Outcome<()> {
    each(|mut trio| {
        let cache = trio.cache();
        cache.set("k", "old").unwrap();
        warm(&cache, "k");
        trio.primary().client()?.expect("WAIT 1 5000", ":1")?;
        let [first, second] = &mut trio.servers;
        first.kill()?;
        let start = Instant::now();
        while cache.set("k", "new").is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "nobody takes over");
        }
        assert_eq!(cache.get("k").unwrap().unwrap(), b"new");
        warm(&cache, "k");
        second.client()?.line("SET k newer")?;
        cache.command(&["PING"]).unwrap();
        assert_eq!(cache.get("k").unwrap().unwrap(), b"newer");
        assert_eq!(cache.stats().losses, 1);
        Ok(())
    })
}

/// The old primary lives on and answers, as one does that is cut off from the sentinels.
#[test]
fn a_primary_that_was_replaced_is_left_within_the_bound() -> Outcome<()> {
    each(|trio| {
        let cache = trio.cache();
        cache.set("k", "old").unwrap();
        warm(&cache, "k");
        trio.primary().client()?.expect("WAIT 1 5000", ":1")?;
        let [first, second] = &trio.servers;
        let mut sentinel = trio.sentinel.client()?;
        // From now on the sentinel names another one; nobody tells the old one.
        sentinel.expect("SENTINEL REMOVE main", "+OK")?;
        second.client()?.expect("REPLICAOF NO ONE", "+OK")?;
        sentinel.expect(&format!("SENTINEL MONITOR main 127.0.0.1 {} 1", second.port()), "+OK")?;
        second.client()?.expect("SET k new", "+OK")?;
        let start = Instant::now();
        let mut served = Duration::ZERO;
        while start.elapsed() < STALENESS_MAX * 3 {
            let asked = start.elapsed();
            if cache.get("k").is_ok_and(|value| value.unwrap() == b"old") {
                served = asked;
            }
        }
        assert!(is_primary(first) && served < STALENESS_MAX, "served for {served:?}");
        assert_eq!(cache.get("k").unwrap().unwrap(), b"new");
        Ok(())
    })
}

#[test]
fn a_server_that_is_no_primary_any_more_is_left() -> Outcome<()> {
    each(|trio| {
        let cache = trio.cache();
        cache.set("k", "v").unwrap();
        warm(&cache, "k");
        let [first, second] = &trio.servers;
        second.client()?.expect("REPLICAOF NO ONE", "+OK")?;
        first.client()?.line(&format!("REPLICAOF 127.0.0.1 {}", second.port()))?;
        let start = Instant::now();
        while cache.stats().losses == 0 {
            assert!(start.elapsed() < STALENESS_MAX, "a replica is taken for a primary");
        }
        Ok(())
    })
}

#[test]
fn what_sentinels_do_not_know() -> Outcome<()> {
    each(|trio| {
        let port = trio.sentinel.port();
        let other = L1::builder(&format!("redis+sentinel://127.0.0.1:{port}/other")).build();
        assert!(matches!(other, Err(Error::Down(why)) if why.contains("other")));
        let nobody = L1::builder("redis+sentinel://127.0.0.1:1/main").build();
        assert!(matches!(nobody, Err(Error::Down(_))));
        Ok(())
    })
}

/// Writes to whoever is the primary.
struct Primary<'a>(&'a Trio, Client);

impl Other for Primary<'_> {
    fn write(&mut self, key: &str, number: u64) -> bool {
        if self.1.write(key, number) {
            return true;
        }
        self.0.primary().client().is_ok_and(|client| {
            self.1 = client;
            self.1.write(key, number)
        })
    }

    fn truth(&mut self, keys: &[String]) -> Vec<u64> {
        self.0.primary().client().map(|mut client| client.truth(keys)).unwrap_or_default()
    }
}

/// Mode (f), by the rules: writes rest until the replica has them all.
#[test]
fn checked_while_the_primary_fails_over() -> Outcome<()> {
    each(|trio| {
        let cache = trio.cache();
        let failed = Mutex::new(None);
        let trouble = |check: &Check<'_>, step: usize| {
            if step % 20 == 5 {
                let done = check.quiet(|| fail_over(&trio));
                let mut failed = failed.lock().unwrap();
                *failed = failed.take().or(done.err());
            }
            thread::sleep(Duration::from_millis(100));
        };
        let what = format!("sentinel, {}", trio.sentinel.name());
        let plan = plan(256, Duration::from_secs(1), Duration::from_millis(200));
        let mut other = Primary(&trio, trio.primary().client()?);
        check(&what, plan, (&Late(&cache), &mut other), trouble, || ())?;
        failed.into_inner().unwrap().map_or(Ok(()), Err)
    })
}

fn fail_over(trio: &Trio) -> Outcome<()> {
    let [first, second] = &trio.servers;
    let (old, new) = if is_primary(first) { (first, second) } else { (second, first) };
    keyspan_tests::replication::converge(new, old)?;
    let mut sentinel = trio.sentinel.client()?;
    // It may be too early for another one.
    let mut started = || Ok(sentinel.line("SENTINEL FAILOVER main")? == b"+OK\r\n");
    wait("the sentinel", &mut started)?;
    wait("the failover", || Ok(is_primary(new)))?;
    // The sentinel would do this too, some seconds later.
    old.client()?.line(&format!("REPLICAOF 127.0.0.1 {}", new.port()))?;
    wait("the old primary", || Ok(old.client()?.info("master_link_status")? == "up"))
}
