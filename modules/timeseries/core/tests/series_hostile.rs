//! Payloads that lie: each is refused, or makes a series that is whole. The flaws that were published
//! of this family of modules have a test of their own each.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use keyspan_common::rdb::{
    Error, Field, Memory, PayloadWriter, TypeId, dump::load_body, payload::Strings,
};
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::{ChunkSize, Encoding, Sample, TIMESTAMP_MAX};
use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp, Query, TooManyRows};
use keyspan_timeseries_core::rdb::FILE_VERSION;
use keyspan_timeseries_core::rule::{Grid, Rule};
use keyspan_timeseries_core::series::{DuplicatePolicy, Label, Options, Series};

const SIZE: usize = 2;
const LABELS: usize = 11;
const RULES: usize = 12;
const CHUNKS: usize = 13;
/// Of the first chunk.
const CHUNK: usize = 14;

fn fields(encoding: Encoding) -> Vec<Field> {
    let chunk_size = ChunkSize::new(128).unwrap();
    let mut series = Series::new(b"key", Options { encoding, chunk_size, ..Options::default() });
    for time in 1..40 {
        let sample = Sample { timestamp: time * 100, value: (time as f64).sqrt() };
        let _ = series.add(sample, DuplicatePolicy::Block, &mut Vec::new()).unwrap();
    }
    Memory::of(&series, 8).fields().cloned().collect()
}

fn load(fields: &[Field]) -> Result<Series, Error> {
    let mut writer = PayloadWriter::new(Strings::Plain);
    fields.iter().for_each(|field| writer.field(field));
    load_body(TypeId::new("TSDB-TYPE", 8)?, &writer.into_body())
}

/// Refused, or whole.
fn check(fields: &[Field]) -> bool {
    let Ok(series) = load(fields) else { return false };
    let query = Query::default();
    let rows = series.snapshot(&query, None).run(&query).unwrap();
    assert!(rows.times().is_sorted_by(|a, b| a < b));
    assert_eq!(rows.len() as u64, series.stored_samples());
    true
}

fn with(fields: &[Field], place: usize, field: Field) -> Vec<Field> {
    let mut fields = fields.to_vec();
    fields[place] = field;
    fields
}

fn number(fields: &[Field], place: usize) -> u64 {
    let Field::Unsigned(number) = fields[place] else { unreachable!("field {place}") };
    number
}

#[test]
fn payloads_are_as_the_test_thinks() {
    for encoding in [Encoding::Compressed, Encoding::Uncompressed] {
        let fields = fields(encoding);
        assert_eq!((number(&fields, SIZE), number(&fields, LABELS)), (128, 0));
        assert!(number(&fields, CHUNKS) > 1 && number(&fields, RULES) == 0);
        assert!(check(&fields));
    }
}

/// A chunk size of nothing made a peer divide by it, one of 2^40 made it abort.
#[test]
fn chunk_sizes_of_nothing_or_too_much_are_refused() {
    let fields = fields(Encoding::Compressed);
    for (size, is_whole) in [(0, false), (1, true), (47, true), (257, true), (1 << 40, false)] {
        assert_eq!(check(&with(&fields, SIZE, Field::Unsigned(size))), is_whole, "{size}");
    }
    let odd = load(&with(&fields, SIZE, Field::Unsigned(257))).unwrap();
    assert_eq!(odd.chunk_size().bytes(), 264);
}

/// A chunk says how large it is, and its buffer may be shorter, or no whole number of words.
#[test]
fn chunks_that_are_shorter_than_they_say_are_refused() {
    for encoding in [Encoding::Compressed, Encoding::Uncompressed] {
        let fields = fields(encoding);
        let data = fields.iter().rposition(|field| matches!(field, Field::Bytes(_))).unwrap();
        let first = fields.iter().skip(1).position(|field| matches!(field, Field::Bytes(_)));
        for place in [data, first.unwrap() + 1] {
            let Field::Bytes(bytes) = &fields[place] else { unreachable!() };
            for len in [0, 1, 7, 8, bytes.len() - 8, bytes.len() - 1, bytes.len() + 1] {
                let mut other = bytes.clone();
                other.resize(len, 0);
                assert!(!check(&with(&fields, place, Field::Bytes(other))), "{encoding:?} {len}");
            }
        }
        // Misaligned: buffer and size agree, and neither is whole.
        if encoding == Encoding::Compressed {
            let Field::Bytes(bytes) = &fields[data] else { unreachable!() };
            let mut other = bytes.clone();
            other.push(0);
            let place = data - 10;
            assert_eq!(number(&fields, place), 128);
            let size = Field::Unsigned(other.len() as u64);
            let fields = with(&with(&fields, data, Field::Bytes(other)), place, size);
            assert!(!check(&fields));
        }
    }
}

/// Every number of every chunk, one at a time, is something else.
#[test]
fn chunks_whose_numbers_lie_are_refused_or_whole() {
    for encoding in [Encoding::Compressed, Encoding::Uncompressed] {
        let fields = fields(encoding);
        for place in CHUNK..fields.len() {
            let Field::Unsigned(old) = fields[place] else { continue };
            for new in [0, 1, old + 1, old.wrapping_sub(1), 1 << 24, 1 << 40, 1 << 63, u64::MAX] {
                check(&with(&fields, place, Field::Unsigned(new)));
            }
        }
        for count in [0, 1, 1 << 32, u64::MAX] {
            assert!(!check(&with(&fields, CHUNKS, Field::Unsigned(count))), "{count} chunks");
        }
    }
}

#[test]
fn chunks_out_of_order_are_refused() {
    let fields = fields(Encoding::Uncompressed);
    let chunk = |index: usize| fields[CHUNK + index * 4..CHUNK + index * 4 + 4].to_vec();
    let mut swapped = fields[..CHUNK].to_vec();
    let count = usize::try_from(number(&fields, CHUNKS)).unwrap();
    (0..count).rev().for_each(|index| swapped.extend(chunk(index)));
    assert!(check(&fields) && !check(&swapped));
}

#[test]
fn counts_that_lie_are_refused() {
    let fields = fields(Encoding::Compressed);
    for count in [1, 1 << 20, 1 << 32, u64::MAX] {
        assert!(!check(&with(&fields, LABELS, Field::Unsigned(count))), "{count} labels");
        assert!(!check(&with(&fields, RULES, Field::Unsigned(count))), "{count} rules");
    }
}

#[test]
fn rules_that_point_at_themselves_or_nowhere_are_refused() {
    let rule = |destination: &[u8], bucket: u64, aggregator: u64| {
        let mut fields = fields(Encoding::Compressed);
        fields[RULES] = Field::Unsigned(1);
        let numbers = [bucket, 5, aggregator, 300].map(Field::Unsigned);
        let rule = [Field::Bytes(destination.to_vec())].into_iter().chain(numbers);
        let rule: Vec<Field> = rule.chain([Field::Double(1.0)]).collect();
        fields.splice(CHUNKS..CHUNKS, rule);
        check(&fields)
    };
    assert!(rule(b"other", 1000, 3));
    assert!(rule(b"other", 1 << 63, 3));
    assert!(rule(b"other", u64::MAX, 3));
    assert!(!rule(b"key", 1000, 3));
    assert!(!rule(b"other", 0, 3));
    assert!(!rule(b"other", 1000, 0));
    assert!(!rule(b"other", 1000, 16));
}

#[test]
fn a_million_labels_are_kept() {
    let label = |number: u32| Label {
        name: number.to_string().into_bytes().into(),
        value: b"v".as_slice().into(),
    };
    let labels = (0..1_000_000).map(label).collect();
    let series = Series::new(b"key", Options { labels, ..Options::default() });
    let start = Instant::now();
    let again: Series = Memory::of(&series, 8).load(8).unwrap();
    assert_eq!(again.labels().len(), 1_000_000);
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Buckets of any length, at both ends of time.
#[test]
fn long_buckets_at_the_ends_of_time_do_not_overflow() {
    for bucket in [1, 2, 1 << 62, 1 << 63, u64::MAX] {
        for alignment in [0, 1, 1 << 62, TIMESTAMP_MAX, u64::MAX] {
            let grid = Grid::new(NonZeroU64::new(bucket).unwrap(), alignment);
            for aggregator in [Aggregator::Sum, Aggregator::Twa] {
                let mut series = Series::new(b"key", Options::default());
                series.add_rule(Rule::new(b"to".as_slice().into(), aggregator, grid));
                let times =
                    [0, 1, 5, 1 << 40, TIMESTAMP_MAX - 1, TIMESTAMP_MAX, 7, TIMESTAMP_MAX - 9];
                for timestamp in times {
                    let sample = Sample { timestamp, value: 1.0 };
                    let _ = series.add(sample, DuplicatePolicy::Last, &mut Vec::new()).unwrap();
                }
                series.remove(2, TIMESTAMP_MAX - 1, &mut Vec::new());
                let again: Series = Memory::of(&series, FILE_VERSION).load(8).unwrap();
                assert_eq!(again.rules()[0].latest(), series.rules()[0].latest());
                for timestamp in
                    [BucketTimestamp::Start, BucketTimestamp::Middle, BucketTimestamp::End]
                {
                    for (with_empty, is_reverse) in
                        [(false, false), (false, true), (true, false), (true, true)]
                    {
                        let aggregators = vec![aggregator, Aggregator::Last];
                        let aggregation =
                            Some(Aggregation { aggregators, grid, timestamp, with_empty });
                        let query =
                            Query { aggregation, is_reverse, count: Some(10), ..Query::default() };
                        if bucket > 2 || !with_empty || !is_reverse {
                            let rows = series.snapshot(&query, None).run(&query).unwrap();
                            assert!(!rows.is_empty() && rows.len() <= 10);
                        }
                    }
                }
            }
        }
    }
}

/// EMPTY with buckets of a millisecond between samples of different centuries.
#[test]
fn too_many_empty_buckets_are_refused() {
    let mut series = Series::new(b"key", Options::default());
    for timestamp in [1, 10_000_000_000_000] {
        let sample = Sample { timestamp, value: 1.0 };
        let _ = series.add(sample, DuplicatePolicy::Last, &mut Vec::new()).unwrap();
    }
    let aggregation = Aggregation {
        aggregators: vec![Aggregator::Count],
        grid: Grid::new(NonZeroU64::MIN, 0),
        timestamp: BucketTimestamp::Start,
        with_empty: true,
    };
    let query = Query { aggregation: Some(aggregation), ..Query::default() };
    assert_eq!(series.snapshot(&query, None).run(&query), Err(TooManyRows));
    let few = Query { count: Some(5), ..query };
    let rows = series.snapshot(&few, None).run(&few).unwrap();
    assert_eq!((rows.len(), rows.values().iter().sum::<f64>()), (5, 1.0));
}

/// In a time that grows with the samples and the filter, not with their product.
#[test]
fn filters_of_a_million_times_are_merged_and_not_looked_up() {
    let mut series = Series::new(b"key", Options::default());
    for timestamp in 0..200_000 {
        let sample = Sample { timestamp, value: 0.5 };
        let _ = series.add(sample, DuplicatePolicy::Last, &mut Vec::new()).unwrap();
    }
    let times = (0..1_000_000).map(|time| time * 2).collect();
    let query = Query { times: Some(times), ..Query::default() };
    let start = Instant::now();
    let rows = series.snapshot(&query, None).run(&query).unwrap();
    assert_eq!(rows.len(), 100_000);
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// A block has zeros on both sides, as many as a word has bits at most; what it says beyond is taken from
/// the bits.
#[test]
fn blocks_of_more_than_a_word_are_refused() {
    let fields = fields(Encoding::Compressed);
    let data = fields.iter().rposition(|field| matches!(field, Field::Bytes(_))).unwrap();
    let (leading, trailing) = (data - 2, data - 1);
    for (place, zeros, is_whole) in [
        (leading, 0, true),
        (leading, 32, true),
        (leading, 33, false),
        (leading, u64::MAX, false),
        (trailing, 0, true),
        (trailing, 63, true),
        (trailing, 64, false),
        (trailing, 1 << 32, false),
    ] {
        let found = check(&with(&fields, place, Field::Unsigned(zeros)));
        assert_eq!(found, is_whole, "{place} {zeros}");
    }
}

/// A chunk begins behind the last sample of the one before it, not with it.
#[test]
fn chunks_that_meet_in_one_sample_are_refused() {
    let fields = fields(Encoding::Uncompressed);
    let mut chunks =
        fields.iter().enumerate().skip(1).filter(|(_, field)| matches!(field, Field::Bytes(_)));
    let ((_, Field::Bytes(first)), (place, Field::Bytes(second))) =
        (chunks.next().unwrap(), chunks.next().unwrap())
    else {
        unreachable!("two chunks")
    };
    let last = u64::from_le_bytes(first[first.len() - 16..][..8].try_into().unwrap());
    for (time, is_whole) in [(last - 1, false), (last, false), (last + 1, true)] {
        let moved = [&time.to_le_bytes()[..], &second[8..]].concat();
        assert_eq!(check(&with(&fields, place, Field::Bytes(moved))), is_whole, "{time}");
    }
}
