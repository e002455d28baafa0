//! Slots of a cluster that move while all modules are written to: nothing that was acknowledged is lost,
//! and indexes follow.

use std::thread;
use std::time::Duration;

use keyspan_tests::cluster::{Cluster, Shape, on_each_cluster_of};
use keyspan_tests::replication::wait;
use keyspan_tests::together::{self, Rule};
use keyspan_tests::{Client, Failure, Name, Outcome, ensure, servers};

const SHAPE: Shape = Shape { primaries: 3, replicas: false, node: together::spec };

/// The tag whose slot moves, and another one of the same node whose slot stays.
const MOVING: &str = "moving";

/// Those of the chosen servers, of these.
fn chosen(names: &[&str]) -> Outcome<Vec<Name>> {
    Ok(servers()?.into_iter().filter(|name| names.contains(&name.as_str())).collect())
}

/// A tag of the same node in another slot.
fn staying(cluster: &Cluster, owner: usize, slot: i64) -> Outcome<String> {
    for number in 0..200 {
        let tag = format!("stay{number}");
        let other = cluster.slot(&tag)?;
        if other != slot && cluster.owner(other)? == owner {
            return Ok(tag);
        }
    }
    Err(Failure::new("no other tag"))
}

/// Runs `moves` (from, to, slot) while the tag of the slot and another one are written to, and fails
/// unless everything acknowledged is where it belongs.
fn moved_under_load(
    cluster: &Cluster,
    rule: Rule,
    moves: impl FnOnce(usize, usize, i64) -> Outcome<()>,
) -> Outcome<()> {
    for node in &cluster.nodes {
        together::index(&mut node.client()?)?;
    }
    let slot = cluster.slot(MOVING)?;
    let from = cluster.owner(slot)?;
    let to = (from + 1) % cluster.nodes.len();
    let stay = staying(cluster, from, slot)?;
    together::begin(&mut cluster.client(from)?, &[MOVING, &stay])?;
    let writers = vec![(MOVING, cluster.walker()), (stay.as_str(), cluster.walker())];
    let ((), ends) = together::under_writes(writers, 0, |_| {
        thread::sleep(Duration::from_millis(300));
        moves(from, to, slot)?;
        thread::sleep(Duration::from_millis(300));
        Ok(())
    })?;
    let [moved, stayed] = ends.as_slice() else { return Err(Failure::new("two writers")) };
    ensure(*moved > 50 && *stayed > 50, || format!("few writes: {ends:?}"))?;
    let (mut old, mut new) = (cluster.client(from)?, cluster.client(to)?);
    wait("the old keys to go", || {
        Ok(old.line(&format!("CLUSTER COUNTKEYSINSLOT {slot}"))? == b":0\r\n")
    })?;
    for client in [&mut old, &mut new] {
        together::settled(client)?;
    }
    together::check(&mut new, MOVING, *moved, rule)?;
    together::check(&mut old, &stay, *stayed, Rule::Kept)?;
    left(&mut old)
}

/// Fails if the old owner goes on to find something of the slot.
fn left(old: &mut Client) -> Outcome<()> {
    let mut found = String::new();
    let gone = wait("the old owner to forget", || {
        let [docs, items] = ["docs", "items"].map(|index| together::keys_found(old, index, MOVING));
        let series = old.value(&format!("TS.QUERYINDEX g={MOVING}"))?.to_string();
        let read = old.value(&format!("TS.MGET FILTER g={MOVING}"))?.to_string();
        let (docs, items) = (docs?, items?);
        found = format!("{docs:?} {items:?} {series} {read}");
        Ok(docs.is_empty() && items.is_empty() && series == "[]" && read == "[]")
    });
    gone.map_err(|failure| failure.during(&found))
}

#[test]
fn keys_moved_one_by_one_lose_nothing() -> Outcome<()> {
    on_each_cluster_of(&servers()?, SHAPE, |_, cluster| {
        moved_under_load(cluster, Rule::Any, |from, to, slot| {
            cluster.migrate(slot, from, to, Duration::from_millis(2))
        })?;
        rules_can_be_made_again(cluster)
    })
}

/// As with RedisTimeSeries, a key that is restored has no rules.
fn rules_can_be_made_again(cluster: &Cluster) -> Outcome<()> {
    let mut walker = cluster.walker();
    let mut line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let reply = walker.call(MOVING, &words)?;
        Ok::<_, Failure>(String::from_utf8_lossy(&reply).into_owned())
    };
    let create = "TS.CREATERULE ts:{moving} sum:{moving} AGGREGATION sum 80";
    let made = line(create)?;
    ensure(made == "+OK\r\n", || format!("{create}: {made}"))
}

/// A field of one of the maps of a reply that lists them.
fn state(client: &mut Client, line: &str) -> Outcome<String> {
    Ok(client.value(line)?.to_string())
}

#[test]
fn valkeys_own_migration_loses_nothing() -> Outcome<()> {
    on_each_cluster_of(&chosen(&["valkey-9.1"])?, SHAPE, |_, cluster| {
        moved_under_load(cluster, Rule::Kept, |from, to, slot| {
            let target = cluster.id(to)?;
            let mut source = cluster.client(from)?;
            let line = format!("CLUSTER MIGRATESLOTS SLOTSRANGE {slot} {slot} NODE {target}");
            source.expect(&line, "+OK")?;
            wait("the migration", || {
                let state = state(&mut source, "CLUSTER GETSLOTMIGRATIONS")?;
                ensure(!state.contains("failed"), || state.clone())?;
                Ok(state.contains("success"))
            })
        })
    })
}

#[test]
fn redis_own_migration_loses_nothing() -> Outcome<()> {
    on_each_cluster_of(&chosen(&["redis-8.6"])?, SHAPE, |_, cluster| {
        moved_under_load(cluster, Rule::Kept, |_, to, slot| {
            let mut target = cluster.client(to)?;
            let task = target.line(&format!("CLUSTER MIGRATION IMPORT {slot} {slot}"))?;
            ensure(task.starts_with(b"$"), || task.escape_ascii().to_string())?;
            wait("the migration", || {
                let state = state(&mut target, "CLUSTER MIGRATION STATUS ALL")?;
                ensure(!state.contains("failed"), || state.clone())?;
                Ok(state.contains("completed"))
            })
        })
    })
}
