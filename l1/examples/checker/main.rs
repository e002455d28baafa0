//! Checks the cache against your own server: writers, readers, and the rules that reads must follow.
//!
//! ```text
//! cargo run --release -p keyspan-l1 --example checker -- redis://127.0.0.1:6379 [checks] [keys]
//! ```
//!
//! Any address that the cache takes will do, clusters and sentinels too. It writes keys that start
//! with `keyspan-l1:checked:`, and deletes them at the end. Kill connections, fail over or move slots
//! meanwhile; that servers lose what they have acknowledged shows as a broken rule.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

pub mod rules;

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use keyspan_l1::clock::TICK;
use keyspan_l1::{Error, L1};
use rules::{Check, Other, Plan, Subject};

const STALENESS_MAX: Duration = Duration::from_millis(500);

/// What nodes of a cluster may take to tell each other.
const GOSSIP: Duration = Duration::from_millis(200);

/// The cache under test.
struct Cached(L1);

impl Subject for Cached {
    fn read(&self, key: &str) -> Option<u64> {
        self.0.get(key).ok()?.map_or(Some(0), |value| number(&value))
    }

    fn read_all(&self, keys: &[String]) -> Vec<Option<u64>> {
        let Ok(values) = self.0.get_many(keys) else { return vec![None; keys.len()] };
        values.iter().map(|value| value.as_deref().map_or(Some(0), number)).collect()
    }

    fn write(&self, key: &str, number: u64) -> bool {
        self.0.set(key, number.to_string()).is_ok()
    }

    fn catch_up(&self) -> bool {
        thread::sleep(STALENESS_MAX);
        self.0.command(&["PING"]).is_ok()
    }

    fn report(&self) -> String {
        format!("{:?}", self.0.stats())
    }
}

/// Another client, which asks the server each time.
struct Uncached(L1);

impl Other for Uncached {
    fn write(&mut self, key: &str, number: u64) -> bool {
        self.0.set(key, number.to_string()).is_ok()
    }

    fn truth(&mut self, keys: &[String]) -> Vec<u64> {
        self.0.forget_all();
        let values = self.0.get_many(keys).unwrap_or_default();
        values.iter().map(|value| value.as_deref().and_then(number).unwrap_or(0)).collect()
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn main() -> Result<ExitCode, Error> {
    let words: Vec<String> = env::args().skip(1).collect();
    let url = words.first().map_or("redis://127.0.0.1:6379", String::as_str);
    let word = |index: usize| words.get(index).and_then(|word| word.parse::<u64>().ok());
    let keys = usize::try_from(word(2).unwrap_or(256)).unwrap_or(256).next_power_of_two();
    let (staleness_max, round) = (STALENESS_MAX + TICK + GOSSIP, Duration::from_secs(1));
    let plan = Plan { keys, readers: 3, staleness_max, round, checks: word(1).unwrap_or(10_000) };
    let build = || L1::builder(url).max_staleness(STALENESS_MAX).build();
    let (cached, mut uncached) = (Cached(build()?), Uncached(build()?));
    let name = |index: usize| format!("keyspan-l1:checked:{index}");
    for index in 0..keys {
        cached.0.del(&[name(index)])?;
    }
    let check = Check::new(plan, &cached, name);
    let rest = |_: &Check<'_>, _: usize| thread::sleep(Duration::from_millis(10));
    let outcome = check.run(&mut uncached, rest, || ());
    check.quiet(|| (0..keys).try_for_each(|index| cached.0.del(&[name(index)]).map(drop)))?;
    println!("{}", cached.report());
    let broken = match outcome {
        Ok(figures) => {
            println!("{figures:#?}");
            figures.violations > 0 || figures.stale > 0
        }
        Err(why) => {
            println!("{why}");
            true
        }
    };
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
