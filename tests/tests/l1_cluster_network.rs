//! The client-side cache in front of clusters whose nodes are not where they listen, or are hard to
//! reach, or speak TLS only.

#![expect(clippy::unwrap_used, reason = "tests fail so")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::rustls::ClientConfig;
use keyspan_l1::{Error, L1};
use keyspan_tests::l1::cluster::{Cluster, Walker, on_each_cluster, on_each_cluster_as, option};
use keyspan_tests::l1::proxy::Proxy;
use keyspan_tests::l1::rules::Check;
use keyspan_tests::l1::{Late, STALENESS_MAX, check, plan};
use keyspan_tests::replication::wait;
use keyspan_tests::tls::Identity;
use keyspan_tests::{A_FREE_PORT, Outcome, Server, Spec, ensure};

/// What nodes may take to tell each other.
const GOSSIP: Duration = Duration::from_millis(200);

fn cache(url: &str) -> L1 {
    let builder = L1::builder(url).max_staleness(STALENESS_MAX);
    builder.timeout(Duration::from_secs(3)).build().unwrap()
}

fn pause(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

fn text(cache: &L1, key: &str) -> Option<String> {
    let value = cache.get(key).unwrap();
    value.map(|value| String::from_utf8_lossy(&value).into_owned())
}

/// Keys of all nodes are written, become hits, and are told of.
fn serves_all(cache: &L1, mut other: Walker) -> Outcome<()> {
    let keys: Vec<String> = (0..50).map(|number| format!("k:{number}")).collect();
    for key in &keys {
        cache.set(key, "1").unwrap();
        other.call(key, &["SET", key, "2"])?;
    }
    let start = Instant::now();
    while !keys.iter().all(|key| text(cache, key).as_deref() == Some("2")) {
        ensure(start.elapsed() < STALENESS_MAX * 2, || "not told".into())?;
    }
    let hits = || {
        let misses = cache.stats().misses;
        keys.iter().for_each(|key| drop(text(cache, key)));
        cache.stats().misses == misses
    };
    while !hits() {
        ensure(start.elapsed() < Duration::from_secs(5), || "no hits".into())?;
    }
    Ok(())
}

/// A proxy in front of each node, by which the nodes have clients reach them.
struct Doors(Vec<Proxy>);

impl Doors {
    fn new(cluster: &Cluster) -> Outcome<Self> {
        let doors = cluster.nodes.iter().map(|node| Proxy::new(node.port()));
        let doors = Self(doors.collect::<Outcome<_>>()?);
        for (index, door) in doors.0.iter().enumerate() {
            announce(cluster, index, &format!("cluster-announce-port {}", door.port()))?;
        }
        for door in &doors.0 {
            known(cluster, &format!(":{}@", door.port()))?;
        }
        Ok(doors)
    }

    fn walker(&self, cluster: &Cluster) -> Walker {
        let pairs = self.0.iter().zip(&cluster.nodes);
        pairs.fold(cluster.walker(), |walker, (door, node)| walker.door(door.port(), node.port()))
    }

    fn url(&self) -> String {
        let doors: Vec<String> =
            self.0.iter().map(|door| format!("127.0.0.1:{}", door.port())).collect();
        format!("redis+cluster://{}", doors.join(","))
    }
}

fn announce(cluster: &Cluster, node: usize, what: &str) -> Outcome<()> {
    cluster.client(node)?.expect(&format!("CONFIG SET {what}"), "+OK")
}

/// Waits until every node has this in its list of nodes.
fn known(cluster: &Cluster, part: &str) -> Outcome<()> {
    wait("to be announced", || {
        let told = |node: &Server| {
            let nodes = node.client()?.value("CLUSTER NODES")?;
            Ok(String::from_utf8_lossy(nodes.bytes()?).contains(part))
        };
        let told = cluster.nodes.iter().map(told).collect::<Outcome<Vec<bool>>>()?;
        Ok(told.into_iter().all(|told| told))
    })
}

/// The rules, while the connections to the nodes have `weather`, set anew at each step.
fn checked(what: &str, weather: impl Fn(usize, &[Proxy]) + Sync) -> Outcome<()> {
    on_each_cluster(3, false, |name, cluster| {
        let doors = Doors::new(cluster)?;
        let cache = cache(&doors.url());
        let trouble = |_: &Check<'_>, step| weather(step, &doors.0);
        let heal = || doors.0.iter().for_each(|door| door.weather.clear());
        let plan = plan(256, Duration::from_millis(1000), GOSSIP);
        let mut other = doors.walker(cluster);
        check(&format!("{what}, {name}"), plan, (&Late(&cache), &mut other), trouble, heal)?;
        // It was reached by no other way.
        ensure(doors.0.iter().all(|door| door.connections() > 0), || "past a door".into())
    })
}

#[test]
fn checked_while_connections_to_nodes_are_killed() -> Outcome<()> {
    checked("kills of connections", |step, doors| {
        pause([10, 40, 20, 30][step % 4]);
        doors.get(step % 3).unwrap().kill();
    })
}

#[test]
fn checked_while_nodes_stall_and_answer_late() -> Outcome<()> {
    checked("stalls and late frames", |step, doors| {
        let weather = &doors.get(step % 3).unwrap().weather;
        weather.split.store([1, 7, 64, 0][step % 4], Ordering::Relaxed);
        weather.delay_down.store([0, 3000, 500][step % 3], Ordering::Relaxed);
        weather.stalled.store(step % 2 == 0, Ordering::Relaxed);
        pause([60, 30, 450, 100][step % 4]);
        weather.stalled.store(false, Ordering::Relaxed);
    })
}

/// Only the list of nodes tells that a slot has gone, and a node that is cut off cannot tell.
#[test]
fn a_node_that_does_not_answer_is_believed_no_longer_than_the_bound() -> Outcome<()> {
    on_each_cluster(3, false, |_, cluster| {
        let doors = Doors::new(cluster)?;
        let (cache, mut other) = (cache(&doors.url()), doors.walker(cluster));
        other.call("k", &["SET", "k", "old"])?;
        while text(&cache, "k").as_deref() != Some("old") {}
        let slot = cluster.slot("k")?;
        let from = cluster.owner(slot)?;
        let deaf = &doors.0.get(from).unwrap().weather.deaf;
        deaf.store(true, Ordering::SeqCst);
        cluster.migrate(slot, from, (from + 1) % 3, Duration::ZERO)?;
        other.call("k", &["SET", "k", "new"])?;
        let (start, mut served) = (Instant::now(), Duration::ZERO);
        while start.elapsed() < STALENESS_MAX * 2 {
            let asked = start.elapsed();
            if cache.get("k").is_ok_and(|value| value.unwrap() == b"old") {
                served = asked;
            }
        }
        ensure(served <= STALENESS_MAX + keyspan_l1::clock::TICK, || format!("for {served:?}"))?;
        // The new owner tells who it is, and is believed.
        ensure(text(&cache, "k").as_deref() == Some("new"), || "the new owner is not found".into())
    })
}

/// A host that is not the one by which the cluster was found.
#[test]
fn nodes_are_reached_where_they_say_they_are() -> Outcome<()> {
    let spec = |spec: keyspan_tests::Spec| spec.options(&["--bind", "127.0.0.1", "127.0.0.2"]);
    on_each_cluster_as(spec, 3, false, |_, cluster| {
        for node in 0..3 {
            announce(cluster, node, "cluster-announce-ip 127.0.0.2")?;
            announce(cluster, node, "cluster-announce-hostname localhost")?;
        }
        for node in &cluster.nodes {
            known(cluster, &format!("127.0.0.2:{}@", node.port()))?;
        }
        let cache = cache(&cluster.url());
        serves_all(&cache, cluster.walker())?;
        // `MOVED` then says localhost.
        for node in 0..3 {
            announce(cluster, node, "cluster-preferred-endpoint-type hostname")?;
        }
        let slot = cluster.slot("k:1")?;
        let from = cluster.owner(slot)?;
        cluster.migrate(slot, from, (from + 1) % 3, Duration::ZERO)?;
        serves_all(&cache, cluster.walker())?;
        let clients = |node: &Server| {
            let list = node.client()?.value("CLIENT LIST")?;
            Ok(String::from_utf8_lossy(list.bytes()?).matches("name=keyspan-l1").count())
        };
        let counts = cluster.nodes.iter().map(clients).collect::<Outcome<Vec<_>>>()?;
        ensure(counts == [1, 1, 1], || format!("{counts:?} connections"))
    })
}

#[test]
fn a_node_that_cannot_be_reached_where_it_says_is_named() -> Outcome<()> {
    on_each_cluster(3, false, |_, cluster| {
        let slot = cluster.slot("k")?;
        let node = cluster.owner(slot)?;
        announce(cluster, node, "cluster-announce-port 1")?;
        known(cluster, "127.0.0.1:1@")?;
        let seed = cluster.nodes.get((node + 1) % 3).map(Server::port).unwrap_or_default();
        let cache = cache(&format!("redis+cluster://127.0.0.1:{seed}"));
        let error = cache.get("k").err().unwrap();
        let named = error.to_string().contains("127.0.0.1:1");
        ensure(matches!(error, Error::Down(_)) && named, || error.to_string())
    })
}

/// With certificates that are made out to a name, which nodes announce.
#[test]
fn over_tls() -> Outcome<()> {
    let identity = Identity::of(&["localhost"])?;
    let spec = |spec: Spec| {
        let options = ["--tls-cluster", "yes", "--cluster-announce-hostname", "localhost"];
        identity.spec(spec, A_FREE_PORT).options(&options)
    };
    on_each_cluster_as(spec, 3, false, |_, cluster| over_tls_of(cluster, &identity.trust))
}

fn over_tls_of(cluster: &Cluster, trust: &Arc<ClientConfig>) -> Outcome<()> {
    let port = option(cluster.nodes.first().unwrap(), "tls-port")?;
    known(cluster, "localhost")?;
    let url = format!("rediss+cluster://localhost:{port}");
    let strange = L1::builder(&url).build().err().unwrap();
    ensure(matches!(strange, Error::Down(_) | Error::Lost(_)), || strange.to_string())?;
    let builder = L1::builder(&url).tls(Arc::clone(trust)).max_staleness(STALENESS_MAX);
    let cache = builder.build().unwrap();
    serves_all(&cache, cluster.walker())?;
    let slot = cluster.slot("k:1")?;
    let from = cluster.owner(slot)?;
    cluster.migrate(slot, from, (from + 1) % 3, Duration::ZERO)?;
    serves_all(&cache, cluster.walker())
}
