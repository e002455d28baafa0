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
use keyspan_tests::l1::proxy::Proxy;
use keyspan_tests::l1::rules::{Check, Subject};
use keyspan_tests::l1::{on_each_server, plan};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::caching::CacheConfig;
use tokio::runtime::{Builder, Runtime};

struct Theirs {
    runtime: Runtime,
    connection: ConnectionManager,
}

impl Theirs {
    fn new(proxy: &Proxy) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let client = redis::Client::open(format!("{}/?protocol=resp3", proxy.url())).unwrap();
        let config = ConnectionManagerConfig::new().set_cache_config(CacheConfig::new());
        let connection = runtime.block_on(client.get_connection_manager_with_config(config));
        Self { runtime, connection: connection.unwrap() }
    }

    fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        let mut connection = self.connection.clone();
        self.runtime.block_on(command.query_async(&mut connection)).ok()
    }
}

impl Subject for Theirs {
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
        format!("{:?}", self.connection.get_cache_statistics())
    }
}

fn run(what: &str, millis: u64, trouble: impl Fn(usize, &Proxy) + Sync) -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let proxy = Proxy::new(server.port())?;
            let theirs = Theirs::new(&proxy);
            let plan = plan(256, Duration::from_millis(millis), Duration::ZERO);
            let check = Check::new(plan, &theirs, |index| format!("checked:{index}"));
            let mut other = server.client()?;
            let trouble = |_: &Check<'_>, step: usize| trouble(step, &proxy);
            let figures = check.run(&mut other, trouble, || proxy.weather.clear());
            println!("{what}, {}: {figures:?}, {}", server.name(), theirs.report());
            Ok(())
        },
    )
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
    })
}
