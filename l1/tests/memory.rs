//! The memory formula of the store against what the allocator was asked for.

#![expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "sizes of a test")]

use std::sync::Arc;

use keyspan_l1::clock::Moment;
use keyspan_l1::entry::Entry;
use keyspan_l1::id::{Id, Kind};
use keyspan_l1::store::Store;
use keyspan_l1::store::quick::Quick;
use redis::Value;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Bytes asked for by a store that holds as many replies as it will.
fn full(capacity: u64, value: impl Fn() -> Value) -> i64 {
    let region = Region::new(ALLOCATOR);
    let store = Quick::new(capacity);
    let mut number = 0_u64;
    while store.evictions() < 5000 {
        let entry = Arc::new(Entry::new(1, Moment::ORIGIN, value()));
        store.insert(Id::new(Kind::Get, format!("key:{number:020}").into_bytes().into()), entry);
        number += 1;
    }
    let change = region.change();
    assert!(store.bytes() <= capacity);
    change.bytes_allocated as i64 - change.bytes_deallocated as i64
}

fn check(what: &str, value: impl Fn() -> Value) {
    for capacity in [1 << 20, 5 << 20, 12 << 20] {
        let ratio = full(capacity, &value) as f64 / capacity as f64;
        eprintln!("{what}, {capacity} bytes: {ratio:.3} of them allocated");
        // A table that has just grown is half empty: what it holds is counted dearer than it is.
        assert!((0.75..=1.05).contains(&ratio), "{what}, {capacity} bytes: {ratio} of them");
    }
}

#[test]
fn the_formula_holds() {
    check("100 bytes", || Value::BulkString(vec![1; 100]));
    check("2000 bytes", || Value::BulkString(vec![1; 2000]));
    check("a list", || Value::Array((0..50).map(|_| Value::BulkString(vec![1; 20])).collect()));
}
