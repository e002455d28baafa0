//! Failovers of clusters with all modules, ordered and after a kill: the replica has what its primary had.

use std::thread;
use std::time::Duration;

use keyspan_tests::cluster::{Cluster, Shape, on_each_cluster_of};
use keyspan_tests::replication::{self, wait};
use keyspan_tests::together::{self, Rule};
use keyspan_tests::{Failure, Outcome, Server, ensure, servers};

const SHAPE: Shape = Shape { primaries: 3, replicas: true, node: together::spec };
const TAG: &str = "moving";

/// Fails unless the server holds and finds what was acknowledged.
fn check(server: &Server, end: u64) -> Outcome<()> {
    let mut client = server.client()?;
    client.line("READONLY")?;
    together::settled(&mut client)?;
    together::check(&mut client, TAG, end, Rule::Kept)
}

/// Writes for a while, with `body` in the midst of it; the first number that was not acknowledged.
fn written(cluster: &Cluster, first: u64, body: impl FnOnce() -> Outcome<()>) -> Outcome<u64> {
    let ((), ends) = together::under_writes(vec![(TAG, cluster.walker())], first, |_| {
        thread::sleep(Duration::from_millis(300));
        body()?;
        thread::sleep(Duration::from_millis(300));
        Ok(())
    })?;
    let end = ends.first().copied().unwrap_or(first);
    ensure(end > first + 50, || format!("only {} writes", end - first))?;
    Ok(end)
}

#[test]
fn replicas_that_take_over_have_everything() -> Outcome<()> {
    on_each_cluster_of(&servers()?, SHAPE, |_, cluster| {
        let slot = cluster.slot(TAG)?;
        let primary = cluster.owner(slot)?;
        let replica = primary + 3;
        together::index(&mut cluster.client(primary)?)?;
        together::begin(&mut cluster.client(primary)?, &[TAG])?;
        // An ordered failover, in the midst of writes.
        let end = written(cluster, 0, || {
            cluster.client(replica)?.expect("CLUSTER FAILOVER", "+OK")?;
            wait("the replica to take over", || Ok(cluster.owner(slot)? == replica))
        })?;
        let (new, old) = (cluster.node(replica)?, cluster.node(primary)?);
        wait("the old primary to follow", || Ok(old.client()?.info("role")? == "slave"))?;
        wait("its link", || Ok(old.client()?.info("master_link_status")? == "up"))?;
        replication::converge(old, new)?;
        check(new, end)?;
        check(old, end)?;
        // And a primary that is killed; everything is on its replica.
        let end = written(cluster, end, || Ok(()))?;
        replication::converge(cluster.node(primary)?, cluster.node(replica)?)?;
        let before = replication::digest(cluster.node(primary)?)?;
        cluster.nodes.get_mut(replica).ok_or_else(|| Failure::new("no node"))?.kill()?;
        wait("the other one to take over", || {
            Ok(cluster.owner(slot).is_ok_and(|owner| owner == primary))
        })?;
        let after = replication::digest(cluster.node(primary)?)?;
        ensure(after == before, || format!("{before} before the failover, {after} after"))?;
        check(cluster.node(primary)?, end)?;
        let end = written(cluster, end, || Ok(()))?;
        check(cluster.node(primary)?, end)
    })
}
