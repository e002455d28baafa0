//! Command lines, good and bad. The errors and their order are those of RedisTimeSeries 8.8.0, or of
//! the 8.10 line.

use keyspan_common::wire::Wire;

use super::multi::{MultiGet, MultiRange, QueryLabels, Told};
use super::options::Given;
use super::range::{Lists, Range, ends};
use super::read::{Cursor, Read, Wait};
use super::words::Words;
use crate::aggregate::Aggregator;
use crate::chunk::Encoding;
use crate::error::Error;
use crate::range::BucketTimestamp;
use crate::series::DuplicatePolicy;

fn read<T>(line: &str, parse: impl FnOnce(Words<'_>) -> T) -> T {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    parse(Words(&words))
}

/// What is wrong with a line, without the code and the name.
fn why<T>(outcome: Result<T, Error>) -> String {
    let Err(error) = outcome else { return String::new() };
    error.wire().into_owned()
}

#[test]
fn options_of_series_are_read() {
    let line = "TS.CREATE k RETENTION 5 CHUNK_SIZE 128 ENCODING Uncompressed DUPLICATE_POLICY min IGNORE 7 0.5 LABELS a b c d";
    let given = read(line, Given::parse).unwrap();
    let ignore = given.ignore.unwrap();
    assert_eq!((given.retention_ms, given.encoding), (Some(5), Some(Encoding::Uncompressed)));
    assert_eq!(given.chunk_size.map(crate::chunk::ChunkSize::bytes), Some(128));
    assert_eq!(given.duplicate_policy, Some(DuplicatePolicy::Min));
    assert_eq!((ignore.time_ms_max, ignore.value_max), (7, 0.5));
    assert_eq!(given.labels.map(|labels| labels.len()), Some(2));
    assert_eq!(read("TS.CREATE k UNKNOWN", Given::parse), Ok(Given::default()));
    let legacy = read("TS.CREATE k UNCOMPRESSED", Given::parse).unwrap();
    assert_eq!(legacy.encoding, Some(Encoding::Uncompressed));
    // Behind the labels too, as clients write them.
    let behind = read("TS.ADD k 1 1 LABELS a b IGNORE 5 5", Given::parse).unwrap();
    assert_eq!(behind.ignore.map(|ignore| ignore.time_ms_max), Some(5));
}

/// A sample makes series of any key, and replicas are told their options.
#[test]
fn a_key_is_no_option() {
    for key in [
        "RETENTION",
        "CHUNK_SIZE",
        "ENCODING",
        "DUPLICATE_POLICY",
        "IGNORE",
        "LABELS",
        "UNCOMPRESSED",
    ] {
        let given = read(&format!("TS.CREATE {key} RETENTION 5 LABELS a b"), Given::parse).unwrap();
        assert_eq!((given.retention_ms, given.encoding), (Some(5), None), "{key}");
        assert_eq!(given.labels.map(|labels| labels.len()), Some(1), "{key}");
    }
}

#[test]
fn bad_options_are_told() {
    for (options, expected) in [
        ("RETENTION abc", "ERR TSDB: Couldn't parse RETENTION"),
        ("RETENTION", "ERR TSDB: Couldn't parse RETENTION"),
        ("RETENTION -1", "TSDB: Couldn't parse RETENTION"),
        ("CHUNK_SIZE abc", "ERR TSDB: Couldn't parse CHUNK_SIZE"),
        (
            "CHUNK_SIZE 0",
            "ERR TSDB: CHUNK_SIZE value must be a multiple of 8 in the range [48 .. 1048576]",
        ),
        (
            "CHUNK_SIZE -8",
            "ERR TSDB: CHUNK_SIZE value must be a multiple of 8 in the range [48 .. 1048576]",
        ),
        ("ENCODING FOO", "ERR TSDB: unknown ENCODING parameter"),
        ("DUPLICATE_POLICY FOO", "ERR TSDB: Unknown DUPLICATE_POLICY"),
        ("DUPLICATE_POLICY", "ERR TSDB: Couldn't parse DUPLICATE_POLICY"),
        ("IGNORE 5", "ERR TSDB: Couldn't parse IGNORE"),
        ("IGNORE -1 5", "ERR TSDB: IGNORE arguments cannot be negative"),
        ("IGNORE 1 -0.5", "ERR TSDB: IGNORE arguments cannot be negative"),
        ("IGNORE x 5", "ERR TSDB: Couldn't parse IGNORE"),
        ("LABELS a (x", "ERR TSDB: Couldn't parse LABELS"),
        ("RETENTION x LABELS a ,", "ERR TSDB: Couldn't parse LABELS"),
    ] {
        assert_eq!(
            why(read(&format!("TS.CREATE k {options}"), Given::parse)),
            expected,
            "{options}"
        );
    }
}

fn range(line: &str) -> Result<Range, Error> {
    read(line, |words| Range::parse(words, 2))
}

#[test]
fn ranges_are_read() {
    let range = range(
        "TS.RANGE k 5 900 LATEST FILTER_BY_TS 9 3 -1 9 FILTER_BY_VALUE -1.5 1e3 COUNT 4 ALIGN + AGGREGATION avg,countNaN 20 BUCKETTIMESTAMP mid EMPTY",
    );
    let Range { query, latest } = range.unwrap();
    assert!(latest && !query.is_reverse);
    assert_eq!((query.from, query.to, query.count), (5, 900, Some(4)));
    assert_eq!(query.times, Some(vec![3, 9]));
    assert_eq!(query.values, Some((-1.5, 1000.0)));
    let aggregation = query.aggregation.unwrap();
    assert_eq!(aggregation.aggregators, [Aggregator::Avg, Aggregator::CountNan]);
    assert_eq!((aggregation.grid.bucket.get(), aggregation.grid.alignment), (20, 900));
    assert_eq!((aggregation.timestamp, aggregation.with_empty), (BucketTimestamp::Middle, true));
}

#[test]
fn count_is_an_aggregator_and_a_limit() {
    let check = |options: &str, expected: (Option<u64>, usize)| {
        let Range { query, .. } = range(&format!("TS.RANGE k - + {options}")).unwrap();
        assert_eq!((query.count, query.width()), expected, "{options}");
        assert_eq!((query.from, query.to), (0, u64::MAX), "{options}");
    };
    check("", (None, 1));
    check("AGGREGATION count 20", (None, 1));
    check("AGGREGATION count 20 COUNT 3", (Some(3), 1));
    check("COUNT 3 AGGREGATION count 20", (Some(3), 1));
    check(
        "AGGREGATION count,min,max 20 COUNT 9223372036854775807",
        (Some(i64::MAX.unsigned_abs()), 3),
    );
}

#[test]
fn bad_ranges_are_told() {
    for (words, expected) in [
        ("x +", "wrong fromTimestamp"),
        ("-5 +", "wrong fromTimestamp"),
        ("+ +", "wrong fromTimestamp"),
        ("- x", "wrong toTimestamp"),
        ("- 9223372036854775808", "wrong toTimestamp"),
        ("- + COUNT x", "Couldn't parse COUNT"),
        ("- + COUNT 0", "Invalid COUNT value"),
        ("- + COUNT -1", "Invalid COUNT value"),
        ("- + COUNT", "COUNT argument is missing"),
        ("- + FILTER_BY_VALUE 1", "FILTER_BY_VALUE one or more arguments are missing"),
        ("- + FILTER_BY_VALUE x 1", "Couldn't parse MIN"),
        ("- + FILTER_BY_VALUE 1 x", "Couldn't parse MAX"),
        ("- + FILTER_BY_TS", "FILTER_BY_TS one or more arguments are missing"),
        ("- + AGGREGATION", "Couldn't parse AGGREGATION"),
        ("- + AGGREGATION avg", "Couldn't parse AGGREGATION"),
        ("- + AGGREGATION avg x", "Couldn't parse AGGREGATION"),
        ("- + AGGREGATION avg 0", "bucketDuration must be greater than zero"),
        ("- + AGGREGATION avg -5", "bucketDuration must be greater than zero"),
        ("- + AGGREGATION avg 9223372036854775808", "Couldn't parse AGGREGATION"),
        ("- + AGGREGATION bad 20", "Unknown aggregation type"),
        ("- + AGGREGATION min,bad 20", "Unknown aggregation type"),
        ("- + AGGREGATION min, 20", "Empty aggregation type in list"),
        ("- + AGGREGATION a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a 20", "Unknown aggregation type"),
        ("- + ALIGN start", "ALIGN parameter can only be used with AGGREGATION"),
        ("- + ALIGN foo AGGREGATION avg 10", "unknown ALIGN parameter"),
        ("- + ALIGN -5 AGGREGATION avg 10", "unknown ALIGN parameter"),
        (
            "- + ALIGN start AGGREGATION avg 10",
            "start alignment can only be used with explicit start timestamp",
        ),
        (
            "- + ALIGN end AGGREGATION avg 10",
            "end alignment can only be used with explicit end timestamp",
        ),
        ("- + AGGREGATION avg 10 BUCKETTIMESTAMP x", "unknown BUCKETTIMESTAMP parameter"),
    ] {
        let expected = format!("ERR TSDB: {expected}");
        assert_eq!(why(range(&format!("TS.RANGE k {words}"))), expected, "{words}");
    }
    let many = vec!["avg"; 16].join(",");
    let line = format!("TS.RANGE k - + AGGREGATION {many} 20");
    assert_eq!(why(range(&line)), "ERR TSDB: Too many aggregation types");
    let check = |line: &str, expected: &str| {
        assert_eq!(why(read(line, |words| ends(words, 2))), expected, "{line}");
    };
    check("TS.DEL k - +", "");
    check("TS.DEL k x 20", "ERR TSDB: wrong fromTimestamp");
    check("TS.DEL k 1 x", "ERR TSDB: wrong toTimestamp");
}

#[test]
fn each_key_has_its_aggregators() {
    let lists = |line: &str, keys: usize| {
        read(line, |words| Range::parse_lists(words, 1, Lists::Each(keys))).map(|parsed| parsed.1)
    };
    let two = lists("x - + AGGREGATION avg,max sum 20", 2).unwrap();
    assert_eq!(two, [vec![Aggregator::Avg, Aggregator::Max], vec![Aggregator::Sum]]);
    assert!(lists("x - +", 3).unwrap().is_empty());
    let count = "ERR TSDB: the number of AGGREGATION arguments must be equal to numkeys";
    for (line, keys, expected) in [
        ("x - + AGGREGATION sum 20", 2, count),
        ("x - + AGGREGATION sum 20 EMPTY 5", 2, count),
        ("x - + AGGREGATION sum avg 20", 3, count),
        ("x - + AGGREGATION sum avg 20", 1, count),
        ("x - + AGGREGATION bad 20", 2, "ERR TSDB: Unknown aggregation type"),
        ("x - + AGGREGATION sum", 2, "ERR TSDB: Couldn't parse AGGREGATION"),
        ("x - + AGGREGATION sum avg 20", usize::MAX, count),
    ] {
        assert_eq!(why(lists(line, keys)), expected, "{line}");
    }
}

fn multi(line: &str) -> Result<MultiRange, Error> {
    read(line, |words| MultiRange::parse(words, "ts.mrange"))
}

#[test]
fn queries_over_many_series_are_read() {
    let plain =
        multi("TS.MRANGE - + EXCLUDEEMPTY SELECTED_LABELS a b COUNT 2 FILTER x=y count=3").unwrap();
    assert_eq!(plain.told, Told::Selected([b"a".as_slice().into(), b"b".as_slice().into()].into()));
    assert!(plain.exclude_empty && plain.group.is_none());
    assert_eq!((plain.range.query.count, plain.filter.matchers().len()), (Some(2), 2));
    let grouped = multi("TS.MRANGE - + WITHLABELS FILTER x=y GROUPBY l REDUCE sum").unwrap();
    assert_eq!(grouped.told, Told::All);
    assert_eq!(grouped.group.map(|group| group.reducer), Some(Aggregator::Sum));
    let arity = "ERR wrong number of arguments for 'ts.mrange' command";
    for (words, expected) in [
        ("", "ERR TSDB: missing FILTER argument"),
        ("FILTER", "ERR TSDB: missing labels for filter argument"),
        ("FILTER GROUPBY l REDUCE sum", "ERR TSDB: missing labels for filter argument"),
        ("FILTER x!=y", "ERR TSDB: please provide at least one matcher"),
        ("FILTER bad", "ERR TSDB: failed parsing labels"),
        ("FILTER x=y EXCLUDEEMPTY", "ERR TSDB: failed parsing labels"),
        ("FILTER x=y GROUPBY l", arity),
        ("FILTER x=y GROUPBY l REDUCE", arity),
        ("FILTER x=y GROUPBY l REDUCE sum more", arity),
        ("FILTER x=y GROUPBY l REDUCE bad", "ERR TSDB: Invalid reducer type"),
        ("FILTER x=y GROUPBY l REDUCE twa", "ERR TSDB: Invalid reducer type"),
        ("GROUPBY l REDUCE max FILTER x=y", "ERR TSDB: GROUPBY should always come after filter"),
        (
            "WITHLABELS SELECTED_LABELS a FILTER x=y",
            "ERR TSDB: cannot accept WITHLABELS and SELECT_LABELS together",
        ),
        ("SELECTED_LABELS FILTER x=y", "ERR TSDB: SELECT_LABELS should have at least 1 parameter"),
        (
            "AGGREGATION min,max 20 FILTER x=y GROUPBY l REDUCE sum",
            "ERR TSDB: GROUPBY is not allowed when multiple aggregators are specified",
        ),
        (
            "EXCLUDEEMPTY FILTER x=y GROUPBY l REDUCE sum",
            "ERR TSDB: EXCLUDEEMPTY is not allowed with GROUPBY",
        ),
    ] {
        assert_eq!(why(multi(&format!("TS.MRANGE - + {words}"))), expected, "{words}");
    }
}

#[test]
fn queries_of_labels_are_read() {
    let get = |line: &str| read(line, |words| MultiGet::parse(words, "ts.mget"));
    assert!(get("TS.MGET LATEST FILTER x=y").unwrap().latest);
    assert!(!get("TS.MGET FILTER x=y LATEST=").unwrap().latest);
    assert_eq!(why(get("TS.MGET LATEST x=y")), "ERR TSDB: missing FILTER argument");
    let labels = |line: &str| read(line, |words| QueryLabels::parse(words, "ts.querylabels"));
    assert!(labels("TS.QUERYLABELS labels").is_ok_and(|query| query.label.is_none()));
    let of = labels("TS.QUERYLABELS VALUES l FILTER x=y").unwrap();
    assert!(of.label.as_deref() == Some(b"l") && of.filter.is_some());
    let arity = "ERR wrong number of arguments for 'ts.querylabels' command";
    for (words, expected) in [
        ("FOO", "ERR TSDB: unknown subtype, must be one of LABELS|VALUES"),
        ("VALUES", arity),
        ("LABELS FILTER", "ERR TSDB: FILTER given with no filter expressions"),
        ("LABELS x=y", "ERR TSDB: unknown argument, expected FILTER"),
        ("LABELS FILTER x!=y", "ERR TSDB: please provide at least one matcher"),
    ] {
        assert_eq!(why(labels(&format!("TS.QUERYLABELS {words}"))), expected, "{words}");
    }
}

#[test]
fn reads_are_read() {
    let check = |words: &str, cursor: Cursor, wait: Option<(u64, u64)>, max_count: Option<u64>| {
        let wait = wait.map(|(timeout_ms, min_count)| Wait { timeout_ms, min_count });
        let expected = Read { cursor, wait, max_count };
        assert_eq!(read(&format!("TS.READ k {words}"), Read::parse), Ok(expected), "{words}");
    };
    check("-", Cursor::At(0), None, None);
    check("30", Cursor::At(30), None, None);
    check("+ MAX_COUNT 5", Cursor::Last, None, Some(5));
    check("$ block 0 2 MAX_COUNT 2", Cursor::New, Some((0, 2)), Some(2));
    for (words, expected) in [
        ("x", "TSDB: invalid timestamp"),
        ("-1", "TSDB: invalid timestamp"),
        ("$ BLOCK x 1", "TSDB: BLOCK milliseconds must be a non-negative integer"),
        ("$ BLOCK", "TSDB: BLOCK milliseconds must be a non-negative integer"),
        ("$ BLOCK 10 0", "TSDB: BLOCK min_count must be a positive integer"),
        ("$ BLOCK 10 5 MAX_COUNT 2", "TSDB: BLOCK min_count must be <= MAX_COUNT"),
        ("$ MAX_COUNT 2 BLOCK 10 5", "TSDB: BLOCK min_count must be <= MAX_COUNT"),
        ("- MAX_COUNT 0", "TSDB: MAX_COUNT must be a positive integer"),
    ] {
        assert_eq!(why(read(&format!("TS.READ k {words}"), Read::parse)), expected, "{words}");
    }
}
