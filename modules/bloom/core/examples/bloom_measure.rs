//! Nanoseconds an item of Bloom filters of 120 MB and 12 kB: one by one and many at once, and the
//! crate `bloomfilter` beside ours.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measurement for people")]

use std::{hint::black_box, time::Instant};

use bloomfilter::Bloom;
use keyspan_bloom_core::bloom::{Filter, redis, valkey};

const ITEMS: u64 = 400_000;
const SEED: [u8; 32] = *b"some 32 bytes that nobody drew..";

fn report(name: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    println!("{name:42} {:7.1} ns", start.elapsed().as_nanos() as f64 / ITEMS as f64);
}

fn measure(name: &str, mut filter: Filter, items: &[String]) {
    report(&format!("{name} add, 100 at once"), || {
        for some in items.chunks(100) {
            filter.insert_many(some, u64::MAX, |added| {
                let _ = black_box(added);
            });
        }
    });
    report(&format!("{name} hit, 100 at once"), || {
        for some in items.chunks(100) {
            filter.contains_many(some, |found| {
                black_box(found);
            });
        }
    });
    report(&format!("{name} hit, one by one"), || {
        for item in items {
            black_box(filter.contains(item.as_bytes()));
        }
    });
}

fn measure_crate(name: &str, mut bloom: Bloom<[u8]>, items: &[String]) {
    report(&format!("{name} add, one by one"), || {
        for item in items {
            black_box(bloom.check_and_set(item.as_bytes()));
        }
    });
    report(&format!("{name} hit, one by one"), || {
        for item in items {
            black_box(bloom.check(item.as_bytes()));
        }
    });
}

/// Filters of 1 in 100 false positives for `capacity` items, whose every page was touched.
fn measure_all(size: &str, capacity: u64, items: &[String]) {
    let warm: Vec<_> =
        (0..capacity.min(2_000_000) / 2).map(|item| format!("warm:{item}")).collect();
    let shape = redis::Shape { error: 0.01, capacity, growth: 2, scales: false };
    if let Ok(chain) = redis::Chain::new(shape) {
        let mut filter = Filter::Redis(chain);
        filter.insert_many(&warm, u64::MAX, |_| ());
        measure(&format!("{size} redis"), filter, items);
    }
    let (expansion, seed) = (0, Some(SEED));
    let shape = valkey::Shape { error: 0.01, capacity, expansion, tightening: 0.5, seed };
    if let Ok(chain) = valkey::Chain::new(shape, u64::MAX) {
        let mut filter = Filter::Valkey(chain);
        filter.insert_many(&warm, u64::MAX, |_| ());
        measure(&format!("{size} valkey"), filter, items);
    }
    let count = usize::try_from(capacity).unwrap_or(1);
    if let Ok(mut bloom) = Bloom::<[u8]>::new_for_fp_rate_with_seed(count, 0.01, &SEED) {
        for item in &warm {
            bloom.set(item.as_bytes());
        }
        measure_crate(&format!("{size} bloomfilter"), bloom, items);
    }
}

fn main() {
    let many: Vec<_> = (0..ITEMS).map(|item| format!("item:{item}")).collect();
    measure_all("120 MB", 100_000_000, &many);
    let few: Vec<_> = (0..ITEMS).map(|item| format!("item:{}", item % 4000)).collect();
    measure_all("12 kB", 10_000, &few);
}
