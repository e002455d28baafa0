//! What INFO says of all Cuckoo filters: a process of its own, as the sums are of one process.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::num::NonZeroU8;

use keyspan_bloom_core::cuckoo::{Cuckoo, Layout, Mode, TOTALS};
use keyspan_common::{data_type::DataType, rdb::Memory};

fn check(filters: &[&Cuckoo]) {
    let sum = |of: fn(&Cuckoo) -> u64| filters.iter().map(|filter| of(filter)).sum::<u64>();
    assert_eq!(TOTALS.parts(), sum(|filter| filter.tables().try_into().unwrap()));
    assert_eq!(TOTALS.items(), sum(Cuckoo::items));
    assert_eq!(TOTALS.bytes(), sum(|filter| filter.memory().try_into().unwrap()));
}

#[test]
fn totals_follow_every_change() {
    let layout = Layout::new(8, NonZeroU8::MIN, 5, 2).unwrap();
    let mut filter = Cuckoo::new(layout).unwrap();
    check(&[&filter]);
    filter.add_many([&b"a"[..]; 9], Mode::Always, 32, |_| ());
    check(&[&filter]);
    filter.add(b"b", Mode::IfAbsent, 32).unwrap();
    let copy = filter.clone();
    let mut loaded = Memory::round_trip(&filter, 4).unwrap();
    let from_header = Cuckoo::from_header(&filter.header()).unwrap();
    check(&[&filter, &copy, &loaded, &from_header]);
    (0..9).for_each(|_| assert!(loaded.remove(b"a")));
    check(&[&filter, &copy, &loaded, &from_header]);
    loaded.compact();
    assert!(loaded.tables() < copy.tables());
    drop(copy);
    check(&[&filter, &loaded, &from_header]);
    drop((filter, loaded, from_header));
    check(&[]);
}
