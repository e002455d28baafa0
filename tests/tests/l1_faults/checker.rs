//! Writers, readers and the rules by which what is read must follow what was written.
//!
//! Each key has one writer, which writes 1, 2, 3, ... A read must not be older than
//!
//! 1. any read of the same key that ended before it started;
//! 2. the last write through this cache that had returned before it started;
//! 3. the last write of another client that had been acknowledged the staleness bound before.
//!
//! When all is quiet, every key must be read as it is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyspan_l1::L1;
use keyspan_l1::clock::TICK;
use keyspan_tests::{Client, Server};

/// The staleness bound of the caches under test.
pub(crate) const STALENESS_MAX: Duration = Duration::from_millis(300);

const KEYS: usize = 16;
const READERS: usize = 3;

/// What is known of one key.
#[derive(Default)]
struct Record {
    seen: AtomicU64,
    own: AtomicU64,
    /// Numbers that were acknowledged, and when.
    acknowledged: Mutex<Vec<(Instant, u64)>>,
}

impl Record {
    /// The least that a read which starts now may give.
    fn floor(&self, now: Instant) -> u64 {
        let bound = STALENESS_MAX + TICK;
        let acknowledged = self.acknowledged.lock().unwrap();
        let old = acknowledged.partition_point(|(when, _)| *when + bound < now);
        let old = old.checked_sub(1).map_or(0, |last| acknowledged[last].1);
        old.max(self.seen.load(Ordering::SeqCst)).max(self.own.load(Ordering::SeqCst))
    }
}

/// What a run has come to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) reads: u64,
    pub(crate) errors: u64,
    pub(crate) writes: u64,
    pub(crate) checks: u64,
}

/// What goes on for as long as the run lasts.
pub(crate) struct Run<'a> {
    pub(crate) server: &'a Server,
    pub(crate) cache: &'a L1,
    pub(crate) lasts: Duration,
}

impl Run<'_> {
    /// Reads and writes for a while, with `trouble` called all the time; then `heal` and check that
    /// every key is read as it is.
    pub(crate) fn check(&self, trouble: impl Fn(usize) + Sync, heal: impl Fn()) -> Figures {
        self.server.client().unwrap().line("FLUSHALL").unwrap();
        self.settle();
        let records: Vec<Record> = (0..KEYS).map(|_| Record::default()).collect();
        let (over, figures) = (AtomicBool::new(false), Mutex::new(Figures::default()));
        thread::scope(|scope| {
            for reader in 0..READERS {
                let (records, over, figures) = (&records, &over, &figures);
                scope.spawn(move || self.read(reader, records, over, figures));
            }
            for own in [false, true] {
                let (records, over, figures) = (&records, &over, &figures);
                scope.spawn(move || self.write(own, records, over, figures));
            }
            let start = Instant::now();
            let mut round = 0;
            while start.elapsed() < self.lasts {
                trouble(round);
                round += 1;
            }
            over.store(true, Ordering::SeqCst);
            heal();
        });
        self.settle();
        figures.into_inner().unwrap()
    }

    fn read(&self, reader: usize, records: &[Record], over: &AtomicBool, total: &Mutex<Figures>) {
        let mut figures = Figures::default();
        let mut index = reader;
        while !over.load(Ordering::SeqCst) {
            index = (index * 5 + 3) % KEYS;
            let record = &records[index];
            let floor = record.floor(Instant::now());
            match self.cache.get(key(index)) {
                Ok(value) => {
                    let value = value.map_or(0, |value| number(&value));
                    assert!(value >= floor, "key {index}: {value} read, {floor} due");
                    record.seen.fetch_max(value, Ordering::SeqCst);
                    figures.reads += 1;
                }
                Err(_) => figures.errors += 1,
            }
        }
        let mut total = total.lock().unwrap();
        total.reads += figures.reads;
        total.errors += figures.errors;
        total.checks += figures.reads;
    }

    /// Writes half of the keys through the cache, or the other half past it.
    fn write(&self, own: bool, records: &[Record], over: &AtomicBool, total: &Mutex<Figures>) {
        let mut client = self.server.client().unwrap();
        let mut writes = 0;
        while !over.load(Ordering::SeqCst) {
            for index in (0..KEYS).filter(|index| index.is_multiple_of(2) == own) {
                writes += 1;
                let record = &records[index];
                let next = writes;
                if own {
                    if self.cache.set(key(index), next.to_string()).is_ok() {
                        record.own.store(next, Ordering::SeqCst);
                    }
                } else {
                    client.line(&format!("SET {} {next}", key(index))).unwrap();
                    let mut acknowledged = record.acknowledged.lock().unwrap();
                    acknowledged.push((Instant::now(), next));
                }
                thread::sleep(Duration::from_micros(writes % 8 * 100));
            }
        }
        total.lock().unwrap().writes += writes;
    }

    /// When every push has come, every key is read as it is, again and again.
    fn settle(&self) {
        let mut client = self.server.client().unwrap();
        let start = Instant::now();
        // A connection that is up and has answered has pushed before.
        while self.cache.command(&["PING"]).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "does not connect again");
        }
        for index in (0..KEYS).cycle().take(10 * KEYS) {
            let truth = truth(&mut client, index);
            let value = self.cache.get(key(index)).unwrap().map_or(0, |value| number(&value));
            assert_eq!(value, truth, "key {index} when all is quiet");
        }
    }
}

fn truth(client: &mut Client, index: usize) -> u64 {
    let value = client.value(&format!("GET {}", key(index))).unwrap();
    value.bytes().map_or(0, number)
}

fn key(index: usize) -> String {
    format!("checked:{index}")
}

fn number(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).unwrap().parse().unwrap()
}
