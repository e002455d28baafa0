//! What holds for every value that a server can store.

use keyspan_common::{
    data_type::DataType,
    rdb::{load_dump, save_dump},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// What RESTORE of every supported server takes.
pub(crate) const RDB_VERSION: u16 = 9;

#[global_allocator]
static COUNTING: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// The texts that a value gives for its digest, with their ends.
pub(crate) fn digest<V: DataType>(value: &V) -> Vec<u8> {
    let mut texts = Vec::new();
    value.digest(&mut |text| {
        texts.extend(text.len().to_le_bytes());
        texts.extend(text);
    });
    texts
}

/// Panics unless a copy is equal, takes as much memory as it says, and loads again from what it saves
/// in encoding `version`.
pub(crate) fn assert_sound<V: DataType>(value: &V, version: u32) {
    let region = Region::new(COUNTING);
    let copy = value.clone();
    let change = region.change();
    let taken = change.bytes_allocated - change.bytes_deallocated;
    // A block is rounded up by a quarter of its size at most, a small one by less than 16 bytes.
    let most = taken + taken / 4 + 15 * change.allocations;
    let says = copy.memory();
    assert!((taken..=most).contains(&says), "a copy takes {taken} to {most} bytes, it says {says}");
    let text = digest(value);
    assert!(digest(&copy) == text, "a copy differs");
    drop(copy);
    let saved = save_dump(value, version, RDB_VERSION).expect("a version");
    let loaded = load_dump::<V>(&saved).expect("what was saved loads");
    assert!(digest(&loaded) == text, "what was saved loads as something else");
    assert_eq!(save_dump(&loaded, version, RDB_VERSION), Ok(saved), "saved again");
}
