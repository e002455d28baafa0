//! The client-side cache in front of clusters: slots that move under load, nodes that fail.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail so")]

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::clock::TICK;
use keyspan_l1::{Error, L1, Mode};
use keyspan_tests::l1::cluster::{Cluster, on_each_cluster};
use keyspan_tests::l1::rules::{Check, Figures};
use keyspan_tests::l1::{Late, STALENESS_MAX, TAGS, check, key, plan};
use keyspan_tests::replication::wait;
use keyspan_tests::{Client, Failure, Name, Outcome, ensure};

/// Runs `body` with three primaries of each server, and a cache in front of them.
fn each(body: impl Fn(Name, &Cluster, &L1) -> Outcome<()>) -> Outcome<()> {
    on_each_cluster(3, false, |name, cluster| body(name, cluster, &cache(cluster, Mode::Tracking)))
}

fn cache(cluster: &Cluster, mode: Mode) -> L1 {
    let builder = L1::builder(&cluster.url()).max_staleness(STALENESS_MAX);
    builder.timeout(Duration::from_secs(5)).mode(mode).build().unwrap()
}

fn pause(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
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

fn text(cache: &L1, key: &str) -> Option<String> {
    let value = cache.get(key).unwrap();
    value.map(|value| String::from_utf8_lossy(&value).into_owned())
}

#[test]
fn keys_are_read_written_and_watched_on_every_node() -> Outcome<()> {
    each(|_, cluster, cache| {
        let mut other = cluster.walker();
        let keys: Vec<String> = (0..100).map(|number| format!("k:{number}")).collect();
        for key in &keys {
            cache.set(key, "1").unwrap();
        }
        assert!(cache.get_many(&keys).unwrap().iter().all(|value| value.as_deref() == Some(b"1")));
        keys.iter().for_each(|key| warm(cache, key));
        let misses = cache.stats().misses;
        assert!(keys.iter().all(|key| text(cache, key).as_deref() == Some("1")));
        assert_eq!(cache.stats().misses, misses);
        for key in &keys {
            other.call(key, &["SET", key, "2"])?;
        }
        let start = Instant::now();
        while !keys.iter().all(|key| text(cache, key).as_deref() == Some("2")) {
            assert!(start.elapsed() < STALENESS_MAX * 2, "not told");
        }
        // Lists and other shapes, by tags.
        cache.command(&["SADD", "{t}a", "x", "y"]).unwrap();
        cache.command(&["SADD", "{t}b", "y"]).unwrap();
        let both = cache.command(&["SINTER", "{t}a", "{t}b"]).unwrap();
        assert_eq!(both.parse::<Vec<String>>().unwrap(), ["y"]);
        assert!(matches!(cache.command(&["SINTER", "a", "b"]), Err(Error::CrossSlot)));
        assert!(matches!(cache.del(&["a", "b"]), Err(Error::CrossSlot)));
        assert_eq!(cache.del(&["{t}a", "{t}b"]).unwrap(), 2);
        cache.command(&["SORT", "{t}l", "STORE", "{t}m"]).unwrap();
        let loaded = cache.get_or_load("loaded", None, || Ok::<_, Error>(Some(b"v".to_vec())));
        assert_eq!(loaded.unwrap().unwrap(), b"v");
        cache.command(&["FLUSHALL"]).unwrap();
        assert!(cache.get_many(&keys).unwrap().iter().all(Option::is_none), "all nodes");
        Ok(())
    })
}

#[test]
fn the_address_of_one_server_does_not_do() -> Outcome<()> {
    each(|_, cluster, _| {
        let port = cluster.nodes.first().map(keyspan_tests::Server::port).unwrap_or_default();
        let alone = L1::builder(&format!("redis://127.0.0.1:{port}")).build();
        assert!(matches!(alone, Err(Error::Cluster)));
        Ok(())
    })
}

/// T21: nothing is told of it.
#[test]
fn a_slot_that_is_lost_is_served_no_longer_than_the_bound() -> Outcome<()> {
    each(|_, cluster, cache| {
        let mut other = cluster.walker();
        let slot = cluster.slot("k")?;
        let from = cluster.owner(slot)?;
        let to = (from + 1) % 3;
        other.call("k", &["SET", "k", "old"])?;
        while text(cache, "k").as_deref() != Some("old") {}
        warm(cache, "k");
        // As no one should do it: the key stays where it was.
        let mut target = cluster.client(to)?;
        cluster.client(from)?.expect(&format!("CLUSTER DELSLOTS {slot}"), "+OK")?;
        target.expect(&format!("CLUSTER DELSLOTS {slot}"), "+OK")?;
        target.expect(&format!("CLUSTER ADDSLOTS {slot}"), "+OK")?;
        target.line("CLUSTER BUMPEPOCH")?;
        wait("the new owner", || Ok(target.line("SET k new")? == b"+OK\r\n"))?;
        let start = Instant::now();
        let mut served = Duration::ZERO;
        while start.elapsed() < STALENESS_MAX * 2 {
            let asked = start.elapsed();
            if text(cache, "k").as_deref() == Some("old") {
                served = asked;
            }
        }
        assert!(served <= STALENESS_MAX + TICK, "served for {served:?}");
        assert_eq!(text(cache, "k").as_deref(), Some("new"));
        Ok(())
    })
}

/// Mode (h): what was cached of the slot is gone before the new owner has answered.
#[test]
fn moved_takes_the_slot_along() -> Outcome<()> {
    each(|_, cluster, cache| {
        let mut other = cluster.walker();
        let slot = cluster.slot("{s}1")?;
        let from = cluster.owner(slot)?;
        for key in ["{s}1", "{s}2"] {
            other.call(key, &["SET", key, "old"])?;
            while text(cache, key).as_deref() != Some("old") {}
            warm(cache, key);
        }
        assert!(text(cache, "{s}null").is_none());
        cluster.migrate(slot, from, (from + 1) % 3, Duration::ZERO)?;
        other.call("{s}null", &["SET", "{s}null", "new"])?;
        // This read meets MOVED; the ones after it must not meet what was cached.
        assert!(text(cache, "{s}other").is_none());
        assert_eq!(text(cache, "{s}null").as_deref(), Some("new"));
        warm(cache, "{s}1");
        other.call("{s}1", &["SET", "{s}1", "new"])?;
        let start = Instant::now();
        while text(cache, "{s}1").as_deref() != Some("new") {
            assert!(start.elapsed() < STALENESS_MAX * 2, "the new owner does not tell");
        }
        Ok(())
    })
}

/// Mode (h): a key that is at the other node already is read there, and not kept.
#[test]
fn ask_is_followed_and_not_kept() -> Outcome<()> {
    each(|_, cluster, cache| {
        let mut other = cluster.walker();
        let slot = cluster.slot("{s}1")?;
        let from = cluster.owner(slot)?;
        let to = (from + 1) % 3;
        assert!(text(cache, "{s}1").is_none());
        warm(cache, "{s}1");
        cluster.open(slot, from, to)?;
        other.call("{s}1", &["SET", "{s}1", "1"])?;
        // Asked for by ASK; after it, the null of before must be gone.
        assert!(text(cache, "{s}2").is_none());
        for round in 1..20 {
            assert_eq!(text(cache, "{s}1"), Some(round.to_string()));
            other.call("{s}1", &["SET", "{s}1", &(round + 1).to_string()])?;
        }
        cache.set("{s}1", "own").unwrap();
        assert_eq!(text(cache, "{s}1").as_deref(), Some("own"));
        assert_eq!(cache.command(&["INCR", "{s}n"]).unwrap().parse::<i64>().unwrap(), 1);
        while cluster.carry(slot, from, to, 10)? {}
        cluster.close(slot, from, to)?;
        warm(cache, "{s}1");
        assert_eq!(text(cache, "{s}1").as_deref(), Some("own"));
        other.call("{s}1", &["SET", "{s}1", "last"])?;
        pause(20);
        assert_eq!(text(cache, "{s}1").as_deref(), Some("last"));
        Ok(())
    })
}

/// Mode (h), by the rules: a slot after the other goes from node to node while all its keys are read
/// and written.
#[test]
fn checked_while_slots_migrate() -> Outcome<()> {
    each(|name, cluster, cache| {
        let slots = (0..TAGS).map(|tag| cluster.slot(&key(2 * tag)));
        let slots = slots.collect::<Outcome<Vec<_>>>()?;
        let (failed, moves) = (Mutex::new(None), AtomicU64::new(0));
        let trouble = |_: &Check<'_>, step: usize| {
            let slot = slots.get(step * 7 % slots.len()).copied().unwrap_or_default();
            let moved = cluster.owner(slot).and_then(|from| {
                let to = (from + 1 + step % 2) % 3;
                cluster.migrate(slot, from, to, Duration::from_millis([0, 2, 10][step % 3]))
            });
            moves.fetch_add(1, Ordering::Relaxed);
            keep(&failed, moved);
        };
        let plan = plan(256, Duration::from_millis(1000), GOSSIP);
        let what = format!("migration, {name}");
        let checked = check(&what, plan, (&Late(cache), &mut cluster.walker()), trouble, || ());
        eprintln!("{what}: {moves:?} slots moved");
        failed.into_inner().unwrap().map_or(checked.map(drop), Err)
    })
}

fn keep(failed: &Mutex<Option<Failure>>, outcome: Outcome<()>) {
    let mut failed = failed.lock().unwrap();
    *failed = failed.take().or(outcome.err());
}

/// What nodes may take to tell each other.
const GOSSIP: Duration = Duration::from_millis(200);

/// Mode (f), by the rules: replicas take over in order, while all keys are read and written.
#[test]
fn checked_while_primaries_fail_over() -> Outcome<()> {
    on_each_cluster(3, true, |name, cluster| {
        let cache = cache(cluster, Mode::Tracking);
        let (failed, turns) = (Mutex::new(None), AtomicU64::new(0));
        let trouble = |_: &Check<'_>, step: usize| {
            keep(&failed, fail_over(cluster, shard(step)));
            turns.fetch_add(1, Ordering::Relaxed);
            pause(200);
        };
        let plan = plan(256, Duration::from_millis(1000), GOSSIP);
        let what = format!("failover in order, {name}");
        let checked = check(&what, plan, (&Late(&cache), &mut cluster.walker()), trouble, || ());
        eprintln!("{what}: {turns:?} failovers");
        failed.into_inner().unwrap().map_or(checked.map(drop), Err)
    })
}

/// Mode (f), by the rules: a primary is killed while all keys are read and written, and its replica
/// takes over. What the servers lose by that is no fault of the cache, but nobody may read it any
/// more: every second time no write comes between.
#[test]
fn checked_while_primaries_are_killed() -> Outcome<()> {
    on_each_cluster(3, true, |name, cluster| {
        let cache = cache(cluster, Mode::Tracking);
        let mut other = cluster.walker();
        let (failed, kills) = (Mutex::new(None), AtomicU64::new(0));
        let cluster = Mutex::new(cluster);
        let trouble = |check: &Check<'_>, step: usize| {
            let mut cluster = cluster.lock().unwrap();
            pause(300);
            keep(&failed, kill(&mut cluster, check, shard(step)));
            kills.fetch_add(1, Ordering::Relaxed);
            if step % 2 == 1 {
                check.adopt(&mut cluster.walker());
                pause(500);
            }
        };
        let plan = plan(256, Duration::from_millis(1000), GOSSIP);
        let what = format!("kills of primaries, {name}");
        let checked = check(&what, plan, (&Late(&cache), &mut other), trouble, || ());
        eprintln!("{what}: {kills:?} primaries killed");
        let lost = |figures: Figures| ensure(figures.lost > 0, || "nothing was lost".into());
        failed.into_inner().unwrap().map_or(checked.and_then(lost), Err)
    })
}

/// Mode (f): a primary that is cut off from the others may have been replaced, and not know.
#[test]
fn a_primary_that_sees_a_minority_proves_nothing() -> Outcome<()> {
    each(|_, cluster, cache| {
        cluster.walker().call("k", &["SET", "k", "v"])?;
        while text(cache, "k").is_none() {}
        warm(cache, "k");
        let owner = cluster.owner(cluster.slot("k")?)?;
        let others = (0..3).filter(|node| *node != owner);
        let _deaf = others
            .map(|node| Deaf::new(&cluster.client(node)?.info("process_id")?))
            .collect::<Outcome<Vec<_>>>()?;
        // A hit needs nobody; a miss is told that the cluster is down.
        let start = Instant::now();
        while cache.get("k").is_ok() {
            ensure(start.elapsed() < Duration::from_secs(10), || "it is believed".into())?;
        }
        Ok(())
    })
}

/// A slot of one shard after the other: votes for the same one are given seldom.
fn shard(step: usize) -> i64 {
    i64::try_from(step % 3 * 6000 + 100).unwrap()
}

/// The one that is a replica of this slot now is made primary, in order.
fn fail_over(cluster: &Cluster, slot: i64) -> Outcome<()> {
    let replica = other_half(cluster.owner(slot)?);
    let mut client = cluster.client(replica)?;
    wait("the replica", || Ok(client.info("master_link_status")? == "up"))?;
    wait("the failover", || {
        client.line("CLUSTER FAILOVER")?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(6) {
            if cluster.owner(slot)? == replica {
                return Ok(true);
            }
            pause(20);
        }
        Ok(false)
    })
}

/// The primary of this slot is killed, and comes back when its replica has taken over. What was
/// written just before is lost, though clients have read it: the replica did not listen.
fn kill(cluster: &mut Cluster, check: &Check<'_>, slot: i64) -> Outcome<()> {
    let owner = cluster.owner(slot)?;
    let mut heir = cluster.client(other_half(owner))?;
    wait("the replica", || Ok(heir.info("master_link_status")? == "up"))?;
    let deaf = Deaf::new(&heir.info("process_id")?)?;
    fill(&mut cluster.client(owner)?)?;
    pause(150);
    check.doubt();
    let owner = cluster.nodes.get_mut(owner).unwrap();
    owner.kill()?;
    drop(deaf);
    wait("the heir", || {
        let nodes = heir.value("CLUSTER NODES")?;
        let own = String::from_utf8_lossy(nodes.bytes()?).into_owned();
        Ok(own.lines().any(|line| line.contains("myself,master")))
    })?;
    owner.start_again()
}

/// Writes more than sockets hold, so that what comes after it stays with the server.
fn fill(owner: &mut Client) -> Outcome<()> {
    let large = "x".repeat(32 << 20);
    let mut tags = (0..TAGS).map(|tag| format!("{{{tag}}}large"));
    let filled = tags.find(|key| {
        let reply = owner.line(&format!("STRLEN {key}"));
        reply.is_ok_and(|reply| reply.starts_with(b":"))
    });
    owner.call(&["SET", &filled.unwrap_or_default(), &large]).map(drop)
}

/// A process that stands still as long as this lives.
struct Deaf(String);

impl Deaf {
    fn new(process: &str) -> Outcome<Self> {
        let deaf = Self(process.to_owned());
        deaf.signal("-STOP")?;
        Ok(deaf)
    }

    fn signal(&self, signal: &str) -> Outcome<()> {
        // The shell's own: the program is not on every machine.
        let line = format!("kill {signal} {}", self.0);
        let status = Command::new("sh").args(["-c", &line]).status()?;
        ensure(status.success(), || format!("kill {signal} {}", self.0))
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        self.signal("-CONT").unwrap();
    }
}

/// The other node of the same data: replicas are three after their primaries.
fn other_half(node: usize) -> usize {
    (node + 3) % 6
}

#[test]
fn checked_in_every_mode_in_front_of_a_cluster() -> Outcome<()> {
    each(|name, cluster, _| {
        for mode in [Mode::OptIn, Mode::Broadcast(vec![b"checked:".to_vec()])] {
            let cache = cache(cluster, mode.clone());
            cache.command(&["FLUSHALL"]).unwrap();
            let plan = plan(256, Duration::from_millis(400), GOSSIP);
            let what = format!("calm cluster, {mode:?}, {name}");
            check(&what, plan, (&Late(&cache), &mut cluster.walker()), |_, _| pause(10), || ())?;
        }
        Ok(())
    })
}
