//! Command lines without a server: what they announce, and lines that mean harm.
#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use keyspan_common::{keyspace::Keyspace, resp::Protocol};
use keyspan_timeseries::commands::dispatch;
use keyspan_timeseries_core::series::Series;

/// A database of its own: the index of labels is the process's.
fn keyspace(database: i32) -> Keyspace {
    let mut keyspace = Keyspace::default();
    (keyspace.database, keyspace.now_ms) = (database, 1000);
    keyspace
}

fn run(keyspace: &mut Keyspace, line: &str) -> String {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let reply = dispatch(keyspace, &words, Protocol::Resp2).unwrap();
    String::from_utf8(reply).unwrap().replace("\r\n", " ").trim_end().to_owned()
}

/// What replicas get for a line, `=` for the line itself.
fn replicated(keyspace: &mut Keyspace, line: &str) -> String {
    keyspace.replicated.clear();
    run(keyspace, line);
    let lines = keyspace.replicated.iter().map(|words| {
        let words = words.iter().map(|word| String::from_utf8_lossy(word).into_owned());
        let line = words.collect::<Vec<_>>().join(" ");
        if line.is_empty() { "=".to_owned() } else { line }
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn what_the_clock_and_settings_decide_is_replicated() {
    let mut keys = keyspace(1001);
    let rest = "ENCODING compressed CHUNK_SIZE 4096 IGNORE 0 0 DUPLICATE_POLICY block";
    for (line, expected) in [
        (
            "TS.CREATE s RETENTION 5 LABELS a b",
            format!("TS.CREATE s RETENTION 5 {rest} LABELS a b"),
        ),
        ("TS.ADD s 1000 1", "=".to_owned()),
        ("TS.ADD s 1000 1", String::new()),
        ("TS.ADD s 1000 2 ON_DUPLICATE LAST", "=".to_owned()),
        ("TS.ADD s 1000 2 ON_DUPLICATE LAST", String::new()),
        ("TS.ADD t 5 1.50", format!("TS.CREATE t RETENTION 0 {rest}; TS.ADD t 5 1.50")),
        ("TS.ADD t * 1.50", "TS.ADD t 1000 1.50".to_owned()),
        ("TS.INCRBY t 2", "ts.incrby t 2 TIMESTAMP 1000".to_owned()),
        ("TS.INCRBY t 0", String::new()),
        (
            "TS.DECRBY u 2 TIMESTAMP 7",
            format!("TS.CREATE u RETENTION 0 {rest}; ts.decrby u 2 TIMESTAMP 7"),
        ),
        ("TS.MADD s 1001 1 t 1001 1", "=".to_owned()),
        ("TS.MADD s 1002 1 t * 1 none 1 1", "TS.ADD s 1002 1".to_owned()),
        ("TS.MADD s 1001 9", String::new()),
        ("TS.DEL s 5000 6000", String::new()),
        ("TS.DEL s 1001 1001", "=".to_owned()),
        ("TS.ALTER s", String::new()),
        ("TS.CREATERULE s t AGGREGATION avg 10", "=".to_owned()),
        ("TS.MADD s 1010 1 s 1020 1", "=".to_owned()),
    ] {
        assert_eq!(replicated(&mut keys, line), expected, "{line}");
    }
}

#[test]
fn destinations_follow_and_forget() {
    let mut keys = keyspace(1002);
    for line in ["TS.CREATE s", "TS.CREATE d", "TS.CREATERULE s d AGGREGATION sum 10"] {
        assert_eq!(run(&mut keys, line), "+OK");
    }
    assert_eq!(run(&mut keys, "TS.MADD s 1 1 s 2 2 s 11 5"), "*3 :1 :2 :11");
    assert_eq!(run(&mut keys, "TS.RANGE d - +"), "*1 *2 :0 +3");
    assert_eq!(run(&mut keys, "TS.RANGE d - + LATEST"), "*2 *2 :0 +3 *2 :10 +5");
    assert_eq!(run(&mut keys, "TS.ADD s 5 1"), ":5");
    assert_eq!(run(&mut keys, "TS.GET d"), "*2 :0 +4");
    assert_eq!(run(&mut keys, "TS.DEL s 1 5"), ":3");
    assert_eq!(run(&mut keys, "TS.GET d"), "*0");
    let told = keys.events.iter().filter(|event| event.1 == "ts.add:dest");
    assert_eq!(told.count(), 1);
    // A chain, a rule that points at itself, and several at once.
    for (line, error) in [
        ("d s AGGREGATION sum 10", "the source key already has a source rule"),
        ("s s AGGREGATION sum 10", "the source key and destination key should be different"),
        ("s d AGGREGATION sum,min 10", "CREATERULE requires exactly one aggregation type"),
        ("s d AGGREGATION sum 10 -1", "alignTimestamp should be greater or equal to 0"),
    ] {
        let reply = run(&mut keys, &format!("TS.CREATERULE {line}"));
        assert_eq!(reply, format!("-ERR TSDB: {error}"), "{line}");
    }
}

/// Numbers at the ends of their ranges, and lines that would take all memory if they were believed.
#[test]
fn numbers_at_their_ends_do_no_harm() {
    let mut keys = keyspace(1003);
    let max = i64::MAX;
    for line in [
        "TS.CREATE s LABELS l v",
        "TS.CREATE d",
        &format!("TS.CREATERULE s d AGGREGATION twa {max} {max}"),
        "TS.ADD s 0 1e308",
        &format!("TS.ADD s {max} -1e308"),
        "TS.ADD s 1 5",
    ] {
        assert!(!run(&mut keys, line).starts_with('-'), "{line}");
    }
    for line in [
        format!("TS.RANGE s - + COUNT {max}"),
        format!("TS.RANGE s - + AGGREGATION avg {max}"),
        format!("TS.RANGE s - {max} ALIGN {max} AGGREGATION twa {max} EMPTY"),
        format!("TS.REVRANGE s 0 {max} ALIGN end AGGREGATION sum 1 BUCKETTIMESTAMP end COUNT 3"),
        format!("TS.RANGE s {max} 0"),
        format!("TS.RANGE s - + FILTER_BY_TS{}", " 7".repeat(100_000)),
        format!("TS.MRANGE - + COUNT {max} FILTER l=v GROUPBY l REDUCE sum"),
        "TS.NRANGE 9223372036854775807 s - +".to_owned(),
        "TS.NRANGE 18446744073709551615 s - +".to_owned(),
        format!("TS.READ s 0 MAX_COUNT {max}"),
        format!("TS.DEL s {max} {max}"),
        format!("TS.QUERYINDEX l=({}v)", "v,".repeat(100_000)),
        "TS.INCRBY s 1e308".to_owned(),
        "TS.ADD s 9223372036854775808 1".to_owned(),
    ] {
        let reply = run(&mut keys, &line);
        assert!(!reply.is_empty() && reply.len() < 1 << 20, "{line:.80}");
    }
}

/// More buckets of nothing than a reply may have are refused before they are made.
#[test]
fn empty_buckets_have_a_limit() {
    let mut keys = keyspace(1004);
    assert_eq!(run(&mut keys, "TS.ADD e 0 1"), ":0");
    assert_eq!(run(&mut keys, "TS.ADD e 9223372036854775807 2"), ":9223372036854775807");
    let reply = run(&mut keys, "TS.RANGE e - + AGGREGATION sum 1 EMPTY");
    assert_eq!(reply, "-ERR TSDB: EMPTY asks for too many buckets");
}

/// Flaws of this kind of module that were published: a chunk size of 0 or between multiples of 8, and
/// sizes that overflow when labels are added up.
#[test]
fn published_flaws_are_not_here() {
    let mut keys = keyspace(1005);
    for size in ["0", "-1", "7", "49", "47", "18446744073709551615", "9223372036854775800"] {
        for command in ["TS.CREATE s", "TS.ALTER s", "TS.ADD s 1 1"] {
            let reply = run(&mut keys, &format!("{command} CHUNK_SIZE {size}"));
            assert!(reply.starts_with("-ERR TSDB: "), "{command} {size}: {reply}");
        }
    }
    assert!(keys.value::<Series>(b"s").is_none());
    let many: String = (0..5000).map(|number| format!(" l{number} v")).collect();
    assert_eq!(run(&mut keys, &format!("TS.CREATE s LABELS{many}")), "+OK");
    let reply = run(&mut keys, "TS.MGET WITHLABELS FILTER l4999=v");
    assert!(reply.starts_with("*1 *3 $1 s *5000 *2 $2 l0 $1 v"), "{reply:.60}");
    for (count, expected) in [
        (50, "*1 *3 $1 s *50 *2 $2 m0 $-1"),
        (51, "-ERR TSDB: reached max size for SELECT_LABELS"),
        (5000, "-ERR TSDB: reached max size for SELECT_LABELS"),
    ] {
        let selected: String = (0..count).map(|number| format!(" m{number}")).collect();
        let reply = run(&mut keys, &format!("TS.MGET SELECTED_LABELS{selected} FILTER l1=v"));
        assert!(reply.starts_with(expected), "{count}: {reply:.60}");
    }
}
