//! What INFO says of all series: a process of its own, as the sums are of one process.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::num::NonZeroU64;

use keyspan_common::data_type::{DataType, Mover, Progress, allocated};
use keyspan_common::rdb::Memory;
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::{Chunk, ChunkSize, Encoding, Sample};
use keyspan_timeseries_core::rdb::FILE_VERSION;
use keyspan_timeseries_core::rule::{Grid, Rule};
use keyspan_timeseries_core::series::{
    Alteration, DuplicatePolicy, Label, Options, Series, TOTALS,
};

/// Adds up the blocks it is shown, and moves none.
#[derive(Default)]
struct Scale(usize);

impl Mover for Scale {
    fn relocate<T>(&mut self, block: Vec<T>) -> Vec<T> {
        self.0 += allocated(block.capacity() * size_of::<T>());
        block
    }

    fn should_stop(&mut self) -> bool {
        false
    }
}

/// Every block is accounted for, and every series in the sums.
fn check(series: &mut [&mut Series]) {
    for series in &mut *series {
        let mut scale = Scale::default();
        assert_eq!(series.defrag(&mut scale, 0), Progress::Done);
        // What chunks are shared by is no block of theirs.
        let shared = allocated(size_of::<Chunk>() + 2 * size_of::<usize>());
        assert_eq!(series.memory(), scale.0 + series.chunks().count() * shared);
    }
    let sum = |of: &dyn Fn(&Series) -> u64| series.iter().map(|series| of(series)).sum::<u64>();
    assert_eq!(TOTALS.parts(), series.len() as u64);
    assert_eq!(TOTALS.items(), sum(&Series::stored_samples));
    assert_eq!(TOTALS.bytes(), sum(&|series| series.memory() as u64));
}

fn label(name: &str) -> Label {
    Label { name: name.as_bytes().into(), value: b"a value of some length".as_slice().into() }
}

fn follow(encoding: Encoding, scale: f64) {
    let chunk_size = ChunkSize::new(128).unwrap();
    let labels = vec![label("one"), label("another")];
    let options =
        Options { encoding, chunk_size, labels, retention_ms: 4_000, ..Options::default() };
    let mut series = Series::new(b"key", options);
    check(&mut [&mut series]);
    let grid = Grid::new(NonZeroU64::new(7).unwrap(), 0);
    series.add_rule(Rule::new(b"destination".as_slice().into(), Aggregator::Avg, grid));
    series.set_source(Some(b"somewhere"));
    check(&mut [&mut series]);
    let mut effects = Vec::new();
    for step in 0..3_000_u64 {
        let timestamp = if step % 5 == 0 { step * 2 } else { step * 3 };
        let value = (step % 17) as f64 / scale;
        let _ = series.add(Sample { timestamp, value }, DuplicatePolicy::Sum, &mut effects);
        if step % 100 == 0 {
            check(&mut [&mut series]);
        }
    }
    assert!(series.stored_samples() < 2_000, "retention");
    let mut copy = series.clone();
    let mut loaded: Series = Memory::of(&series, FILE_VERSION).load(8).unwrap();
    check(&mut [&mut series, &mut copy, &mut loaded]);
    assert!(series.remove(7_000, 8_000, &mut effects) > 100);
    loaded.detach();
    loaded.rename(b"a new name");
    copy.alter(Alteration { labels: Some(vec![label("last")]), ..Alteration::default() });
    check(&mut [&mut series, &mut copy, &mut loaded]);
    assert!(series.remove_rule(b"destination"));
    drop(copy);
    check(&mut [&mut series, &mut loaded]);
    // What a reader holds is copied before it is changed.
    let snapshot = series.snapshot(&Default::default(), None);
    let last = series.last().unwrap();
    let next = Sample { timestamp: last.timestamp + 1, value: 0.3 };
    let _ = series.add(next, DuplicatePolicy::Block, &mut effects).unwrap();
    drop(snapshot);
    check(&mut [&mut series, &mut loaded]);
}

#[test]
fn totals_follow_every_change() {
    for scale in [1.0, 10.0, 7.0] {
        follow(Encoding::Compressed, scale);
        follow(Encoding::Uncompressed, scale);
        check(&mut []);
    }
}
