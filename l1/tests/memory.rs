//! The memory formula of the store against what the allocator was asked for.

#![expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "sizes of a test")]

use keyspan_l1::clock::Moment;
use keyspan_l1::entry::Entry;
use keyspan_l1::id::{Kind, Lookup};
use keyspan_l1::store::Store;
use keyspan_l1::store::bounded::Bounded;
use redis::Value;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Bytes asked for by a store that holds as many replies as it will, of those it says it holds.
fn full(kind: Kind, capacity: u64, value: impl Fn() -> Value) -> f64 {
    let region = Region::new(ALLOCATOR);
    let store = Bounded::new(capacity);
    let mut number = 0_u64;
    while store.evictions() < 5000 {
        let name = format!("key:{number:020}");
        let name = Lookup::new(kind, name.as_bytes());
        store.insert(Entry::new(name, 1, Moment::ORIGIN, value()));
        number += 1;
    }
    let change = region.change();
    assert!(store.bytes() <= capacity);
    assert!(store.bytes() > capacity * 9 / 10, "{} of {capacity}", store.bytes());
    let asked = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    asked as f64 / store.bytes() as f64
}

fn check(what: &str, kind: Kind, value: impl Fn() -> Value) {
    for capacity in [1 << 20, 5 << 20, 12 << 20] {
        let ratio = full(kind, capacity, &value);
        eprintln!("{what}, {capacity} bytes: {ratio:.4} of what is said is allocated");
        // What is not said: the lists of what waits to be freed.
        assert!((0.995..=1.012).contains(&ratio), "{what}, {capacity} bytes: {ratio} of them");
    }
}

#[test]
fn the_formula_holds() {
    check("100 bytes", Kind::Get, || Value::BulkString(vec![1; 100]));
    check("2000 bytes", Kind::Get, || Value::BulkString(vec![1; 2000]));
    let list = || Value::Array((0..50).map(|_| Value::BulkString(vec![1; 20])).collect());
    check("a list", Kind::Command, list);
}
