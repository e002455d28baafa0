//! What a hit costs, beside other caches of this process. Needs a server: `KEYSPAN_L1_URL`.
//!
//! Thread CPU time of hits of which each depends on the one before, on keys drawn by Zipf's law
//! (0.99). The others neither expire entries here nor check that they are fresh.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::env;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cpu_time::ThreadTime;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use foldhash::fast::RandomState;
use keyspan_l1::{KeyHandle, L1};

/// Draws in one round.
const DRAWS: usize = 1 << 16;

/// Indexes of keys by Zipf's law, from a fixed seed.
fn zipf(keys: usize) -> Vec<usize> {
    let mut sums = Vec::with_capacity(keys);
    let mut sum = 0.0;
    for rank in 1..=u32::try_from(keys).unwrap() {
        sum += f64::from(rank).powf(-0.99);
        sums.push(sum);
    }
    let mut seed = 7_u64;
    let mut draw = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let uniform = f64::from(u32::try_from(seed >> 32).unwrap()) / f64::from(u32::MAX);
        // Neighbours in rank are no neighbours in memory.
        sums.partition_point(|&below| below < uniform * sum).min(keys - 1) * 7919 % keys
    };
    (0..DRAWS).map(|_| draw()).collect()
}

/// Times `hit`, which gives the first byte of the value: 0, on which the next index depends.
fn bench(c: &mut Criterion, group: &str, name: &str, draws: &[usize], hit: impl Fn(usize) -> u8) {
    let mut group = c.benchmark_group(group);
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter_custom(|rounds| {
            let (start, mut last) = (ThreadTime::now(), 0);
            for round in 0..usize::try_from(rounds).unwrap() {
                last = hit(draws[(round + usize::from(last)) % DRAWS]);
            }
            black_box(last);
            start.elapsed()
        });
    });
    group.finish();
}

fn hits(c: &mut Criterion) {
    let url = env::var("KEYSPAN_L1_URL").unwrap_or("redis://127.0.0.1:6379".into());
    for (keys, length, bytes) in
        [(1000, 64, 100), (1000, 24, 100), (1000, 64, 50_000), (100_000, 64, 100)]
    {
        let names: Vec<String> = (0..keys).map(|key| format!("{key:0length$}")).collect();
        let (draws, value) = (zipf(keys), vec![0_u8; bytes]);
        let group = format!("{keys} keys of {length} B, {bytes} B");
        let builder = L1::builder(&url).capacity_bytes(1 << 30);
        let cache = builder.max_staleness(Duration::from_secs(60)).build().unwrap();
        for name in &names {
            cache.command(&[b"SET".as_slice(), name.as_bytes(), &value]).unwrap();
        }
        for part in names.chunks(1000) {
            cache.get_many(part).unwrap();
        }
        let handles: Vec<KeyHandle> = names.iter().map(KeyHandle::new).collect();
        bench(c, &group, "with", &draws, |key| cache.with(&names[key], |v| v.unwrap()[0]).unwrap());
        bench(c, &group, "get", &draws, |key| cache.get(&names[key]).unwrap().unwrap()[0]);
        bench(c, &group, "with, by handle", &draws, |key| {
            cache.with(&handles[key], |v| v.unwrap()[0]).unwrap()
        });
        let value: Arc<[u8]> = value.into();
        let quick = quick_cache::sync::Cache::with(
            keys * 2,
            1 << 30,
            quick_cache::UnitWeighter,
            RandomState::default(),
            quick_cache::sync::DefaultLifecycle::default(),
        );
        let dash = dashmap::DashMap::with_hasher(RandomState::default());
        let moka = moka::sync::Cache::builder()
            .max_capacity(1 << 30)
            .build_with_hasher(RandomState::default());
        for name in &names {
            quick.insert(name.clone(), Arc::clone(&value));
            dash.insert(name.clone(), Arc::clone(&value));
            moka.insert(name.clone(), Arc::clone(&value));
        }
        bench(c, &group, "quick_cache", &draws, |key| quick.get(&names[key]).unwrap()[0]);
        bench(c, &group, "dashmap, by reference", &draws, |key| dash.get(&names[key]).unwrap()[0]);
        bench(c, &group, "moka", &draws, |key| moka.get(&names[key]).unwrap()[0]);
        cache.command(&["FLUSHALL"]).unwrap();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .sample_size(20);
    targets = hits
}
criterion_main!(benches);
