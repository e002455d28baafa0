//! The table against the plainest map, and with many threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::current::{READERS, reading};
use super::table::Table;
use super::table::traced::{Trace, Traced};

type Traces = Table<Traced, ()>;

fn number(table: &Traces, hash: u64, number: u64) -> Option<u64> {
    let is = |found: &Traced| found.0.number == number;
    reading(|pin| table.find(pin, hash, is).map(|found| found.0.number)).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64),
    Remove(u64),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..600_u64;
    prop_oneof![
        400 => key.clone().prop_map(Step::Insert),
        200 => key.prop_map(Step::Remove),
        1 => Just(Step::Clear),
    ]
}

/// Runs the steps on table and map, with the hash of a key given by `hash`.
fn check(steps: &[Step], hash: impl Fn(u64) -> u64) {
    let (table, mut map) = (Traces::new(&READERS, 8, ()), HashMap::new());
    let mut traces = Vec::new();
    for step in steps {
        match *step {
            Step::Insert(key) => {
                let trace = Trace::new(hash(key), key);
                let mut edit = table.edit();
                edit.remove(hash(key), |found| found.0.number == key);
                edit.insert(Traced(Arc::clone(&trace)));
                map.insert(key, Arc::clone(&trace));
                traces.push(trace);
            }
            Step::Remove(key) => {
                let removed = table.edit().remove(hash(key), |found| found.0.number == key);
                assert_eq!(removed, map.remove(&key).is_some(), "removal of {key}");
            }
            Step::Clear => {
                table.edit().clear();
                map.clear();
            }
        }
        assert_eq!(table.edit().count(), map.len());
    }
    for key in 0..600 {
        let expected = map.contains_key(&key).then_some(key);
        assert_eq!(number(&table, hash(key), key), expected, "key {key}");
    }
    assert!(map.values().all(|trace| !trace.is_dropped()));
    drop(table);
    assert!(traces.iter().all(|trace| trace.is_dropped()), "something is never freed");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 60 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_is_a_map(steps in prop::collection::vec(step(), 1..if cfg!(miri) { 60 } else { 2000 })) {
        check(&steps, |key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }

    /// Tags are alike, buckets overflow, counts of those that went on reach their end.
    #[test]
    fn it_is_a_map_whatever_the_hash(
        steps in prop::collection::vec(step(), 1..if cfg!(miri) { 60 } else { 2000 }),
    ) {
        check(&steps, |key| key % 2);
    }
}

/// Readers never see what was dropped, nor miss what stays, while keys come and go beside it.
#[test]
fn many_read_while_one_writes() {
    let table = Traces::new(&READERS, 4, ());
    let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let rounds = if cfg!(miri) { 20 } else { 3000 };
    let hash = |key: u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..4).for_each(|key| table.edit().insert(Traced(Trace::new(hash(key), key))));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for key in 0..40 {
                        let found = reading(|pin| {
                            let is = |found: &Traced| found.0.number == key;
                            let found = table.find(pin, hash(key), is)?;
                            assert!(!found.0.is_dropped(), "dropped before it was read");
                            std::thread::yield_now();
                            assert!(!found.0.is_dropped(), "dropped while it was read");
                            Some(())
                        });
                        assert!(key >= 4 || found == Some(Some(())), "lost {key}");
                    }
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut round = 0;
        while round < rounds || reads.load(Ordering::Relaxed) < 3 {
            round += 1;
            let key = 4 + round % 36;
            let mut edit = table.edit();
            if !edit.remove(hash(key), |found| found.0.number == key) {
                edit.insert(Traced(Trace::new(hash(key), key)));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A reader may start another read, and end them in any order.
#[test]
fn reads_nest() {
    let (table, trace) = (Traces::new(&READERS, 0, ()), Trace::new(1, 1));
    table.edit().insert(Traced(Arc::clone(&trace)));
    reading(|outer| {
        let found = table.find(outer, 1, |_| true).unwrap();
        assert_eq!(number(&table, 1, 1), Some(1));
        assert!(table.edit().remove(1, |_| true));
        drop(table.edit());
        assert!(!found.0.is_dropped(), "dropped while it was read");
    });
    // Threads of other tests may have been reading, too.
    let start = Instant::now();
    while !trace.is_dropped() && start.elapsed() < Duration::from_secs(60) {
        drop(table.edit());
        std::thread::yield_now();
    }
    assert!(trace.is_dropped(), "never freed");
}
