//! Which part of requests is answered from a store that holds a tenth of the keys, and what it costs
//! to put in what pushes others out.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use keyspan_l1::clock::Moment;
use keyspan_l1::entry::Entry;
use keyspan_l1::id::{Kind, Lookup};
use keyspan_l1::store::Store;
use keyspan_l1::store::bounded::Bounded;
use redis::Value;

use crate::draws::{CAPACITY, traces};
use crate::timing::{Round, interleave};

fn entry(key: u64) -> Entry {
    Entry::new(Lookup::new(Kind::Get, &key.to_le_bytes()), 1, Moment::ORIGIN, Value::Nil)
}

/// A store that holds [`CAPACITY`] of these entries, or up to five more or fewer.
fn bounded() -> Bounded {
    let (mut low, mut high) = (0, 100 << 20);
    loop {
        let capacity = u64::midpoint(low, high);
        let store = Bounded::new(capacity);
        (0..CAPACITY as u64 * 3).for_each(|key| store.insert(entry(key)));
        let kept = store.len().cast_signed() - i64::try_from(CAPACITY).unwrap();
        if kept.abs() <= 5 || high - low < 64 {
            return Bounded::new(capacity);
        }
        if kept < 0 { low = capacity } else { high = capacity }
    }
}

type Quick<V> = quick_cache::sync::Cache<u64, V, quick_cache::UnitWeighter, RandomState>;

fn quick<V: Clone>() -> Quick<V> {
    let mut options = quick_cache::OptionsBuilder::new();
    options.shards(1).estimated_items_capacity(CAPACITY).weight_capacity(CAPACITY as u64);
    let (hash, lifecycle) =
        (RandomState::default(), quick_cache::sync::DefaultLifecycle::default());
    let options = options.build().unwrap();
    quick_cache::sync::Cache::with_options(options, quick_cache::UnitWeighter, hash, lifecycle)
}

/// Percent of the requests for which `hit` is true.
fn percent(trace: &[u64], mut hit: impl FnMut(u64) -> bool) -> f64 {
    let hits = trace.iter().filter(|&&key| hit(key)).count();
    hits as f64 / trace.len() as f64 * 100.0
}

/// What a store that knows the future would have: who is asked for last goes (Belady, 1966).
fn optimum(trace: &[u64]) -> f64 {
    let (mut next, mut seen) = (vec![usize::MAX; trace.len()], HashMap::new());
    for (place, &key) in trace.iter().enumerate().rev() {
        next[place] = seen.insert(key, place).unwrap_or(usize::MAX);
    }
    let (mut kept, mut order) = (HashMap::new(), BTreeSet::new());
    let mut place = 0;
    percent(trace, |key| {
        let known = kept.insert(key, next[place]);
        match known {
            Some(due) => drop(order.remove(&(due, key))),
            None if kept.len() > CAPACITY => {
                let (_, last) = order.pop_last().unwrap();
                kept.remove(&last);
            }
            None => {}
        }
        order.insert((next[place], key));
        place += 1;
        known.is_some()
    })
}

pub(crate) fn run(_: &str) {
    for (name, trace) in traces() {
        let figure = format!("ratio {name}");
        let store = bounded();
        let ours = percent(&trace, |key| {
            let hit = store.find(Lookup::new(Kind::Get, &key.to_le_bytes())).is_some();
            if !hit {
                store.insert(entry(key));
            }
            hit
        });
        crate::say(&figure, "l1", ours);
        let cache = quick();
        let theirs = percent(&trace, |key| {
            let hit = cache.get(&key).is_some();
            if !hit {
                cache.insert(key, key);
            }
            hit
        });
        crate::say(&figure, "quick_cache", theirs);
        let cache = moka::sync::Cache::new(CAPACITY as u64);
        let theirs = percent(&trace, |key| {
            let hit = cache.get(&key).is_some();
            if !hit {
                cache.insert(key, key);
            }
            cache.run_pending_tasks();
            hit
        });
        crate::say(&figure, "moka", theirs);
        crate::say(&figure, "optimum", optimum(&trace));
    }
}

const BATCH: u64 = 4096;

/// A round of insertions of keys that were never there, into a full cache.
fn inserting<'a>(mut insert: impl FnMut(u64) + 'a) -> Round<'a> {
    let mut key = 1 << 20;
    Box::new(move || {
        let start = cpu_time::ThreadTime::now();
        (0..BATCH).for_each(|_| {
            key += 1;
            insert(key);
        });
        vec![start.elapsed().as_nanos() as f64 / BATCH as f64]
    })
}

pub(crate) fn insert(_: &str) {
    let (store, moka) = (bounded(), moka::sync::Cache::new(CAPACITY as u64));
    let (numbers, entries) = (quick::<u64>(), quick::<Entry>());
    let subjects: Vec<(&str, Round<'_>)> = vec![
        ("l1", inserting(|key| store.insert(entry(key)))),
        ("l1, entry made before", made_before(|_, entry| store.insert(entry))),
        ("quick_cache, of numbers", inserting(|key| numbers.insert(key, key))),
        ("quick_cache, of such entries", inserting(|key| entries.insert(key, entry(key)))),
        (
            "quick_cache, of such entries, made before",
            made_before(|key, entry| entries.insert(key, entry)),
        ),
        ("moka, of numbers", inserting(|key| moka.insert(key, key))),
    ];
    interleave("insert and evict", 100, subjects);
}

/// The same, but for making the block.
fn made_before<'a>(mut insert: impl FnMut(u64, Entry) + 'a) -> Round<'a> {
    let mut key = 1 << 40;
    Box::new(move || {
        let first = key + 1;
        key += BATCH;
        let entries: Vec<Entry> = (first..=key).map(entry).collect();
        let start = cpu_time::ThreadTime::now();
        (first..).zip(entries).for_each(|(key, entry)| insert(key, entry));
        vec![start.elapsed().as_nanos() as f64 / BATCH as f64]
    })
}
