//! The cache of redis-rs (`cache-aio`) under the rules that ours follows, for comparison.
//!
//! ```text
//! KEYSPAN_L1_CHECKS=100000 cargo run --release -p keyspan-tests --example redis_rs
//! ```

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use keyspan_tests::Outcome;
use keyspan_tests::l1::cluster::{Cluster, on_each_cluster};
use keyspan_tests::l1::proxy::Proxy;
use keyspan_tests::l1::rules::{Check, Subject};
use keyspan_tests::l1::{key, on_each_server, plan};
use redis::ProtocolVersion;
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::caching::{CacheConfig, CacheStatistics};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use tokio::runtime::{Builder, Runtime};

struct Theirs<C> {
    runtime: Runtime,
    connection: C,
    statistics: fn(&C) -> Option<CacheStatistics>,
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

impl Theirs<ConnectionManager> {
    fn new(proxy: &Proxy) -> Self {
        let runtime = runtime();
        let client = redis::Client::open(format!("{}/?protocol=resp3", proxy.url())).unwrap();
        let config = ConnectionManagerConfig::new().set_cache_config(CacheConfig::new());
        let connection = runtime.block_on(client.get_connection_manager_with_config(config));
        let statistics = ConnectionManager::get_cache_statistics;
        Self { runtime, connection: connection.unwrap(), statistics }
    }
}

impl Theirs<ClusterConnection> {
    fn new(cluster: &Cluster) -> Self {
        let runtime = runtime();
        let nodes: Vec<String> =
            cluster.nodes.iter().map(|node| format!("redis://127.0.0.1:{}", node.port())).collect();
        let client = ClusterClient::builder(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .cache_config(CacheConfig::new())
            .build();
        let connection = runtime.block_on(client.unwrap().get_async_connection());
        let statistics = ClusterConnection::get_cache_statistics;
        Self { runtime, connection: connection.unwrap(), statistics }
    }
}

impl<C: ConnectionLike + Clone> Theirs<C> {
    fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        let mut connection = self.connection.clone();
        self.runtime.block_on(command.query_async(&mut connection)).ok()
    }
}

impl<C: ConnectionLike + Clone + Sync> Subject for Theirs<C> {
    fn read(&self, key: &str) -> Option<u64> {
        self.ask::<Option<u64>>(redis::cmd("GET").arg(key)).map(Option::unwrap_or_default)
    }

    fn write(&self, key: &str, number: u64) -> bool {
        self.ask::<()>(redis::cmd("SET").arg(key).arg(number)).is_some()
    }

    /// A second for whatever is on its way.
    fn catch_up(&self) -> bool {
        thread::sleep(Duration::from_secs(1));
        self.ask::<()>(&redis::cmd("PING")).is_some()
    }

    fn report(&self) -> String {
        format!("{:?}", (self.statistics)(&self.connection))
    }
}

fn run(what: &str, millis: u64, trouble: impl Fn(usize, &Proxy) + Sync) -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let proxy = Proxy::new(server.port())?;
            let theirs = Theirs::<ConnectionManager>::new(&proxy);
            let plan = plan(256, Duration::from_millis(millis), Duration::ZERO);
            let check = Check::new(plan, &theirs, key);
            let mut other = server.client()?;
            let trouble = |_: &Check<'_>, step: usize| trouble(step, &proxy);
            let figures = check.run(&mut other, trouble, || proxy.weather.clear());
            println!("{what}, {}: {figures:?}, {}", server.name(), theirs.report());
            Ok(())
        },
    )
}

/// Slots that migrate between three nodes.
fn migrations() -> Outcome<()> {
    on_each_cluster(3, false, |name, cluster| {
        let theirs = Theirs::<ClusterConnection>::new(cluster);
        let plan = plan(256, Duration::from_secs(1), Duration::from_millis(200));
        let check = Check::new(plan, &theirs, key);
        let trouble = |_: &Check<'_>, step: usize| {
            let moved = cluster.slot(&key(step)).and_then(|slot| {
                let from = cluster.owner(slot)?;
                cluster.migrate(slot, from, (from + 1) % 3, Duration::from_millis(2))
            });
            moved.unwrap();
        };
        let figures = check.run(&mut cluster.walker(), trouble, || ());
        println!("slots migrate, {name}: {figures:?}, {}", theirs.report());
        Ok(())
    })
}

fn main() -> Outcome<()> {
    let pause = |millis| thread::sleep(Duration::from_millis(millis));
    run("calm", 250, |_, _| pause(10))?;
    run("split and late", 400, |step, proxy| {
        let weather = &proxy.weather;
        let pick = |all: &[usize]| all.get(step % all.len()).copied().unwrap_or(0);
        weather.split.store(pick(&[1, 2, 7, 64, 0]), Ordering::Relaxed);
        weather.delay_down.store(pick(&[0, 0, 3000, 500]) as u64, Ordering::Relaxed);
        pause(20);
    })?;
    run("kills", 200, |step, proxy| {
        pause(if step % 2 == 0 { 10 } else { 40 });
        proxy.kill();
    })?;
    migrations()
}
