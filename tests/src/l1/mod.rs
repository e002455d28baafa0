//! The client-side cache under test: the rules that it must follow, and what makes that hard.

pub mod cluster;
pub mod proxy;
#[path = "../../../l1/examples/checker/rules.rs"]
pub mod rules;

use std::env;
use std::thread;
use std::time::Duration;

use keyspan_l1::L1;
use keyspan_l1::clock::TICK;

use crate::{Client, Failure, Name, Outcome, Server, Spec, Value, ensure};
use rules::{Check, Figures, Other, Plan, Subject};

/// The staleness bound of the caches under test.
pub const STALENESS_MAX: Duration = Duration::from_millis(300);

/// The servers to test: those of `KEYSPAN_SERVERS`, or the oldest and the newest of each kind that
/// differ in what they tell.
pub fn servers() -> Outcome<Vec<Name>> {
    if env::var_os("KEYSPAN_SERVERS").is_some_and(|chosen| !chosen.is_empty()) {
        return crate::servers();
    }
    ["redis-7.0", "redis-8.6", "valkey-8.1", "valkey-9.1"].into_iter().map(Name::parse).collect()
}

/// As [`crate::on_each_server`], on [`servers`].
pub fn on_each_server(
    spec: impl Fn(Spec) -> Spec,
    body: impl Fn(&mut Server) -> Outcome<()>,
) -> Outcome<()> {
    crate::on_each_of(&servers()?, spec, body)
}

/// So many keys are looked at when all is quiet, for each fault and server:
/// `KEYSPAN_L1_CHECKS`, or 512.
#[must_use]
pub fn checks() -> u64 {
    let asked = env::var("KEYSPAN_L1_CHECKS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(512)
}

/// A plan of so many keys (or `KEYSPAN_L1_KEYS`), for faults that come and go within this time; `late` is what a change may take to be seen
/// besides the bound.
#[must_use]
pub fn plan(keys: usize, round: Duration, late: Duration) -> Plan {
    let staleness_max = STALENESS_MAX + TICK + late;
    let asked = env::var("KEYSPAN_L1_KEYS").ok().and_then(|text| text.parse().ok());
    let keys = asked.unwrap_or(keys).next_power_of_two();
    Plan { keys, readers: 3, staleness_max, round, checks: checks() }
}

/// The cache behind the rules, which waits for the bound, as no one connection can speak for all.
pub struct Late<'a>(pub &'a L1);

impl Subject for Late<'_> {
    fn read(&self, key: &str) -> Option<u64> {
        Subject::read(self.0, key)
    }

    fn read_all(&self, keys: &[String]) -> Vec<Option<u64>> {
        self.0.read_all(keys)
    }

    fn write(&self, key: &str, number: u64) -> bool {
        Subject::write(self.0, key, number)
    }

    fn catch_up(&self) -> bool {
        thread::sleep(STALENESS_MAX);
        self.0.catch_up()
    }

    fn report(&self) -> String {
        self.0.report()
    }
}

/// So many hash tags, and with them slots of a cluster, all keys of a check share.
pub const TAGS: usize = 64;

/// The name of a key of a check. One that is written through the cache and one that is not come in
/// turn within each tag.
#[must_use]
pub fn key(index: usize) -> String {
    format!("checked:{{{}}}{index}", index / 2 % TAGS)
}

/// Runs the check and fails unless every rule was followed.
pub fn check(
    what: &str,
    plan: Plan,
    (cache, other): (&dyn Subject, &mut dyn Other),
    trouble: impl Fn(&Check<'_>, usize) + Sync,
    heal: impl Fn(),
) -> Outcome<Figures> {
    let check = Check::new(plan, cache, key);
    let figures = check.run(other, trouble, heal).map_err(Failure::new)?;
    eprintln!("{what}: {figures:?}, {}", cache.report());
    ensure(figures.violations == 0 && figures.stale == 0, || format!("{what}: {figures:?}"))?;
    ensure(figures.reads > 30 && figures.writes > 20, || format!("{what}: idle, {figures:?}"))?;
    Ok(figures)
}

impl Subject for L1 {
    fn read(&self, key: &str) -> Option<u64> {
        let value = self.get(key).ok()?;
        value.map_or(Some(0), |value| number(&value))
    }

    /// In parts, each of which is answered within any timeout.
    fn read_all(&self, keys: &[String]) -> Vec<Option<u64>> {
        let part = |keys: &[String]| match self.get_many(keys) {
            Ok(values) => {
                values.iter().map(|value| value.as_deref().map_or(Some(0), number)).collect()
            }
            Err(_) => vec![None; keys.len()],
        };
        keys.chunks(256).flat_map(part).collect()
    }

    fn write(&self, key: &str, number: u64) -> bool {
        self.set(key, number.to_string()).is_ok()
    }

    /// A connection that is up and has answered has pushed before.
    fn catch_up(&self) -> bool {
        self.command(&["PING"]).is_ok()
    }

    fn report(&self) -> String {
        format!("{:?}", self.stats())
    }
}

impl Other for Client {
    fn write(&mut self, key: &str, number: u64) -> bool {
        self.line(&format!("SET {key} {number}")).is_ok_and(|reply| reply == b"+OK\r\n")
    }

    fn write_all(&mut self, writes: &[(&str, u64)]) -> Vec<bool> {
        let replies = self.pipeline(&sets(writes)).unwrap_or_default();
        let written: Vec<bool> = replies.iter().map(|reply| reply == b"+OK\r\n").collect();
        if written.len() == writes.len() { written } else { vec![false; writes.len()] }
    }

    fn truth(&mut self, keys: &[String]) -> Vec<u64> {
        let commands: Vec<Vec<&str>> = keys.iter().map(|key| vec!["GET", key]).collect();
        let replies = self.pipeline(&commands).unwrap_or_default();
        let value = |reply: Vec<u8>| number(Value::decode(&reply).ok()?.bytes().ok()?);
        // What is no number is none that was written.
        replies.into_iter().map(|reply| value(reply).unwrap_or(0)).collect()
    }
}

/// A `SET` for each of these.
fn sets(writes: &[(&str, u64)]) -> Vec<Vec<String>> {
    writes
        .iter()
        .map(|(key, number)| vec!["SET".into(), (*key).into(), number.to_string()])
        .collect()
}

fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
