//! Time series: chunks, payloads, series with rules, command lines.

pub mod chunk;
pub mod commands;
pub mod dump;
pub mod series;
mod values;

use keyspan_common::data_type::DataType;
use keyspan_common::rdb::{Field, Memory};
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::{Columns, Sample};
use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp, Query};
use keyspan_timeseries_core::rdb::FILE_VERSION;
use keyspan_timeseries_core::rule::Grid;
use keyspan_timeseries_core::series::{DuplicatePolicy, Series};

/// The samples that are there, with the bits of their values.
fn samples(series: &Series) -> Vec<(u64, u64)> {
    let mut columns = Columns::default();
    series.chunks().for_each(|chunk| chunk.decode(&mut columns));
    columns.iter().map(|sample| (sample.timestamp, sample.value.to_bits())).collect()
}

fn fields(series: &Series) -> Vec<Field> {
    Memory::of(series, FILE_VERSION).fields().cloned().collect()
}

/// A series of whatever origin is whole, comes back from a file, answers and can be changed.
fn assert_answers(mut series: Series) {
    let all = samples(&series);
    assert!(all.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(all.len() as u64, series.stored_samples());
    let again: Series = Memory::of(&series, FILE_VERSION).load(8).expect("a saved series");
    assert_eq!(samples(&again), all);
    assert_eq!(fields(&again), fields(&series));
    let _ = (series.info(), series.chunk_infos(), series.effort());
    ask(&series);
    change(&mut series);
    assert!(samples(&series).is_sorted_by(|a, b| a.0 < b.0));
    let recounted = series.chunks().map(|chunk| u64::from(chunk.count())).sum::<u64>();
    assert_eq!(recounted, series.stored_samples());
}

fn ask(series: &Series) {
    let visible = samples(series).iter().filter(|(time, _)| *time >= series.visible_from()).count();
    let first = series.last().map_or(0, |last| last.timestamp / 3);
    for is_reverse in [false, true] {
        let query = Query { is_reverse, ..Query::default() };
        let rows = series.snapshot(&query, None).run(&query).expect("no empty rows");
        assert_eq!(rows.len(), visible);
        for (aggregator, bucket) in [(Aggregator::Twa, 1 << 20), (Aggregator::Avg, 7)] {
            let aggregation = Aggregation {
                aggregators: vec![aggregator, Aggregator::Last],
                grid: Grid::new(bucket.try_into().expect("some"), first),
                timestamp: BucketTimestamp::Middle,
                with_empty: true,
            };
            let aggregation = Some(aggregation);
            let query = Query { aggregation, count: Some(50), from: first, ..query.clone() };
            // Many empty rows behind the first fifty are only made where the latest come first.
            if !is_reverse {
                let _ = series.snapshot(&query, None).run(&query);
            }
        }
    }
}

fn change(series: &mut Series) {
    let mut effects = Vec::new();
    let last = series.last().unwrap_or_default();
    for timestamp in [last.timestamp, last.timestamp / 2, last.timestamp.saturating_add(1)] {
        let timestamp = timestamp.min(i64::MAX as u64);
        let _ = series.add(Sample { timestamp, value: 0.1 }, DuplicatePolicy::Last, &mut effects);
    }
    series.remove(last.timestamp / 3, last.timestamp / 2, &mut effects);
    for effect in effects {
        assert!(effect.rule < series.rules().len());
    }
}
