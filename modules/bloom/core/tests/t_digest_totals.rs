//! What INFO tells of all digests, in a process of its own: the sums are the process's.

use keyspan_bloom_core::t_digest::{Compression, TDigest, TOTALS};
use keyspan_common::rdb::Memory;

#[test]
fn sums_follow_what_lives() {
    let check = |expected: (u64, u64, u64), what: &str| {
        assert_eq!((TOTALS.parts(), TOTALS.items(), TOTALS.bytes()), expected, "{what}");
    };
    let mut digest = TDigest::new(Compression::DEFAULT);
    check((1, 0, 0), "new");
    digest.add(&[1.0; 2000]).unwrap();
    check((1, 2000, 10_240), "grown to the capacity, 9760 bytes");
    let mut twin = digest.clone();
    twin.merge(&digest).unwrap();
    assert_eq!((TOTALS.parts(), TOTALS.items()), (2, 6000), "merged");
    drop(twin);
    digest.reset();
    check((1, 0, 0), "reset");
    digest.add(&[1.0, 2.0]).unwrap();
    let loaded = Memory::round_trip(&digest, 0).unwrap();
    check((2, 4, 64 + 32), "loaded without room to spare");
    drop((digest, loaded));
    check((0, 0, 0), "dropped");
}
