//! Series out of dumps and files by real producers: the same commands give the same fields.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

#[path = "../../../../tests/fixtures/recorded.rs"]
mod fixture;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use fixture::{bytes, content, number, of_type, words};
use keyspan_common::rdb::dump::load_body;
use keyspan_common::rdb::file::{Entry, Reader, Record, Stored};
use keyspan_common::rdb::{Field, Memory, load_dump, payload::fields, save_dump};
use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::chunk::{ChunkSize, Encoding, Sample};
use keyspan_timeseries_core::range::{Aggregation, BucketTimestamp, Query, Rows};
use keyspan_timeseries_core::rdb::FILE_VERSION;
use keyspan_timeseries_core::rule::{Effect, Grid, Rule};
use keyspan_timeseries_core::series::{DuplicatePolicy, Label, Options, Series};
use serde_json::{Value, json};

const PEER: &str = "redistimeseries-8.8.0-redis7.0";

/// Series by key, and just enough of the commands to build them again.
#[derive(Default)]
struct Keys(BTreeMap<Vec<u8>, Series>);

fn options(words: &[Vec<u8>]) -> Options {
    let mut options =
        Options { duplicate_policy: Some(DuplicatePolicy::Block), ..Options::default() };
    let mut place = 0;
    while let Some(word) = words.get(place) {
        place += 1;
        match word.as_slice() {
            b"RETENTION" => options.retention_ms = number(&words[place]),
            b"CHUNK_SIZE" => options.chunk_size = ChunkSize::new(number(&words[place])).unwrap(),
            b"DUPLICATE_POLICY" => {
                options.duplicate_policy = DuplicatePolicy::parse(&words[place]);
            }
            b"UNCOMPRESSED" => {
                options.encoding = Encoding::Uncompressed;
                continue;
            }
            b"LABELS" => {
                let pairs = words[place..].chunks_exact(2);
                let label = |pair: &[Vec<u8>]| Label {
                    name: pair[0].as_slice().into(),
                    value: pair[1].as_slice().into(),
                };
                options.labels = pairs.map(label).collect();
                break;
            }
            other => unreachable!("{other:?}"),
        }
        place += 1;
    }
    options
}

impl Keys {
    fn play(&mut self, words: &[Vec<u8>]) {
        let key = words[1].as_slice();
        match words[0].as_slice() {
            b"TS.CREATE" => {
                self.0.insert(key.into(), Series::new(key, options(&words[2..])));
            }
            b"TS.ADD" => self.add(key, number(&words[2]), number(&words[3])),
            b"TS.MADD" => {
                for words in words[1..].chunks_exact(3) {
                    self.add(&words[0], number(&words[1]), number(&words[2]));
                }
            }
            b"TS.INCRBY" | b"TS.DECRBY" => {
                let time = number(&words[4]);
                let sign = if words[0] == b"TS.INCRBY" { 1.0 } else { -1.0 };
                let series = self.0.get_mut(key).unwrap();
                let value = series.increment_base(time).unwrap() + sign * number::<f64>(&words[2]);
                let sample = Sample { timestamp: time, value };
                let _ = series.add(sample, DuplicatePolicy::Last, &mut Vec::new()).unwrap();
            }
            b"TS.DEL" => {
                let mut effects = Vec::new();
                let series = self.0.get_mut(key).unwrap();
                series.remove(number(&words[2]), number(&words[3]), &mut effects);
                self.follow(key, &effects);
            }
            b"TS.CREATERULE" => {
                let aggregator = Aggregator::parse(&words[4]).unwrap();
                let bucket = NonZeroU64::new(number(&words[5])).unwrap();
                let grid = Grid::new(bucket, words.get(6).map_or(0, |word| number(word)));
                let rule = Rule::new(words[2].as_slice().into(), aggregator, grid);
                self.0.get_mut(key).unwrap().add_rule(rule);
                self.0.get_mut(&words[2]).unwrap().set_source(Some(key));
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn add(&mut self, key: &[u8], timestamp: u64, value: f64) {
        let mut effects = Vec::new();
        let series = self.0.get_mut(key).unwrap();
        let policy = series.duplicate_policy().unwrap();
        let _ = series.add(Sample { timestamp, value }, policy, &mut effects);
        self.follow(key, &effects);
    }

    fn follow(&mut self, key: &[u8], effects: &[Effect]) {
        for effect in effects {
            let destination = self.0[key].rules()[effect.rule].destination().to_vec();
            self.0.get_mut(&destination).unwrap().follow(effect.change);
        }
    }
}

/// The fields of a payload; what lies behind the last bit or sample of a chunk, which the peer does
/// not clear, is cut off.
fn comparable(payload: &[u8]) -> Vec<Field> {
    cut(content(payload))
}

fn cut(mut fields: Vec<Field>) -> Vec<Field> {
    for place in 0..fields.len() {
        let numbers: Vec<u64> = fields[..place]
            .iter()
            .rev()
            .map_while(
                |field| if let Field::Unsigned(number) = field { Some(*number) } else { None },
            )
            .collect();
        let Field::Bytes(data) = &mut fields[place] else { continue };
        match numbers.as_slice() {
            // u first  u samples  u size
            [_, count, _, ..] if numbers.len() < 10 => {
                data.truncate(usize::try_from(*count).unwrap_or(0) * 16);
            }
            // Bits are the eighth field before the data.
            [_, _, _, _, _, _, _, bits, ..] => {
                let bits = usize::try_from(*bits).unwrap();
                data.truncate(bits.div_ceil(8));
                if let (Some(last), rest @ 1..) = (data.last_mut(), bits % 8) {
                    *last &= (1 << rest) - 1;
                }
            }
            _ => {}
        }
    }
    fields
}

fn rows(rows: &Rows) -> Vec<(u64, Vec<u64>)> {
    rows.iter().map(|(time, values)| (time, values.iter().map(|v| v.to_bits()).collect())).collect()
}

/// Replies of old producers have 15 digits.
fn is_close(found: &[(u64, Vec<u64>)], expected: &[(u64, Vec<u64>)]) -> bool {
    let near = |(a, b): (&u64, &u64)| {
        let (a, b) = (f64::from_bits(*a), f64::from_bits(*b));
        a.to_bits() == b.to_bits() || (a - b).abs() <= a.abs() * 1e-14
    };
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            found.0 == expected.0 && found.1.iter().zip(&expected.1).all(near)
        })
}

/// The reply of a query, as rows of numbers' bits.
fn expected(reply: &Value) -> Vec<(u64, Vec<u64>)> {
    let value = |value: &Value| {
        let text = value["status"].as_str().or(value.as_str()).unwrap();
        text.parse::<f64>().unwrap().to_bits()
    };
    let row = |row: &Value| (row[0].as_u64().unwrap(), vec![value(&row[1])]);
    reply.as_array().unwrap().iter().map(row).collect()
}

fn query(words: &[Vec<u8>]) -> Query {
    let time = |word: &[u8], open: &[u8], other: u64| {
        if word == open { other } else { number(word) }
    };
    let mut query = Query {
        from: time(&words[2], b"-", 0),
        to: time(&words[3], b"+", u64::MAX >> 1),
        is_reverse: words[0] == b"TS.REVRANGE",
        ..Query::default()
    };
    match words[4..].iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
        [] => {}
        [b"COUNT", count] => query.count = Some(number(count)),
        [b"AGGREGATION", name, bucket] => {
            query.aggregation = Some(Aggregation {
                aggregators: vec![Aggregator::parse(name).unwrap()],
                grid: Grid::new(NonZeroU64::new(number(bucket)).unwrap(), 0),
                timestamp: BucketTimestamp::Start,
                with_empty: false,
            });
        }
        other => unreachable!("{other:?}"),
    }
    query
}

fn check_reply(series: &Series, command: &Value, reply: &Value, is_rounded: bool) {
    let words = words(command);
    match words[0].as_slice() {
        b"TS.RANGE" | b"TS.REVRANGE" => {
            let query = query(&words);
            let found = series.snapshot(&query, None).run(&query).unwrap();
            let (found, expected) = (rows(&found), expected(reply));
            let is_same = if is_rounded { is_close(&found, &expected) } else { found == expected };
            assert!(is_same, "{command} {found:?} {expected:?}");
        }
        b"TS.GET" => {
            let last = series.last().map(|last| (last.timestamp, vec![last.value.to_bits()]));
            let reply = if reply == &json!([]) { json!([]) } else { json!([reply]) };
            assert_eq!(last.into_iter().collect::<Vec<_>>(), expected(&reply));
        }
        b"TS.INFO" => {
            let info = series.info();
            let pairs = reply.as_array().unwrap().chunks_exact(2);
            for pair in pairs {
                let found = match pair[0]["status"].as_str().unwrap() {
                    "totalSamples" => info.samples,
                    "firstTimestamp" => info.first_timestamp,
                    "lastTimestamp" => info.last_timestamp,
                    "chunkCount" => info.chunks,
                    "chunkSize" => u64::from(series.chunk_size().bytes()),
                    "retentionTime" => series.retention_ms(),
                    _ => continue,
                };
                assert_eq!(json!(found), pair[1], "{}", pair[0]);
            }
        }
        _ => {}
    }
}

/// The peer's later answers; chunk counts are those of its own chunks.
#[test]
fn loaded_series_answer_as_the_peer() {
    let files = [PEER, "redistimeseries-1.4.14-redis6.0", "redistimeseries-synthetic"];
    let old = ["redistimeseries-1.2.7-redis6.0", "redistimeseries-1.0.3-redis6.0"];
    for line in files.iter().chain(&old).flat_map(|file| of_type(file, "TSDB-TYPE")) {
        let key = &line["keys"][0];
        let payload = bytes(&key["dump_hex_footer9"]);
        let series: Series = load_dump(&payload).unwrap();
        for expect in line["expect"].as_array().unwrap() {
            let (command, reply) = (&expect["command"], &expect["reply"]);
            let is_new = line["module_version"].to_string().contains("8");
            // What the first producers tell of chunks depends on theirs.
            let is_asked = words(command).get(1).is_some_and(|key| key == series.name());
            if is_asked && (is_new || command[0] == "TS.RANGE") {
                check_reply(&series, command, reply, !is_new);
            }
        }
    }
}

#[test]
fn loaded_series_are_written_as_they_were() {
    let mut count = 0;
    for line in of_type(PEER, "TSDB-TYPE") {
        for key in line["keys"].as_array().unwrap() {
            let payload = bytes(&key["dump_hex_footer9"]);
            let series: Series = load_dump(&payload).unwrap();
            let saved = save_dump(&series, 9, 9).unwrap();
            assert_eq!(comparable(&saved), comparable(&payload), "{}", key["key"]);
            let again = Memory::round_trip(&series, 8).unwrap();
            assert_eq!(save_dump(&again, 9, 9).unwrap(), saved);
            count += 1;
        }
    }
    assert!(count > 20);
}

#[test]
fn commands_make_the_peers_series() {
    let mut count = 0;
    for line in of_type(PEER, "TSDB-TYPE") {
        let mut keys = Keys::default();
        line["commands"].as_array().unwrap().iter().for_each(|command| keys.play(&words(command)));
        for key in line["keys"].as_array().unwrap() {
            let series = &keys.0[key["key"].as_str().unwrap().as_bytes()];
            let found = comparable(&save_dump(series, 9, 9).unwrap());
            let expected = comparable(&bytes(&key["dump_hex_footer9"]));
            assert_eq!(found, expected, "{} {}", line["id"], key["key"]);
            count += 1;
        }
    }
    assert!(count > 20);
}

/// In a file, the open buckets of rules stand, too.
#[test]
fn files_keep_rules_field_by_field() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/rdb/");
    let file = std::fs::read(format!("{folder}{PEER}.rdb")).unwrap();
    let line = of_type(PEER, "TSDB-TYPE").into_iter().find(|line| line["id"] == "ts-rules-a");
    let mut keys = Keys::default();
    let commands = &line.unwrap()["commands"];
    commands.as_array().unwrap().iter().for_each(|command| keys.play(&words(command)));
    let mut rules = 0;
    for record in Reader::new(&file).unwrap() {
        let Record::Entry(Entry { key, stored: Stored::Module { type_id, body }, .. }) =
            record.unwrap()
        else {
            continue;
        };
        let expected = cut(fields(body).unwrap());
        let fields_of =
            |series: &Series| cut(Memory::of(series, FILE_VERSION + 1).fields().cloned().collect());
        let series: Series = load_body(type_id, body).unwrap();
        assert_eq!(fields_of(&series), expected, "{key:?}");
        rules += series.rules().len();
        if let Some(built) = keys.0.get(&*key) {
            assert_eq!(fields_of(built), expected, "{key:?}");
        }
        // Version 8 lacks a number, which is counted again.
        let again: Series = Memory::of(&series, FILE_VERSION).load(8).unwrap();
        assert_eq!(again.rules().len(), series.rules().len());
        for (again, rule) in again.rules().iter().zip(series.rules()) {
            assert_eq!(again.latest(), rule.latest());
            assert!(again.latest().is_some());
        }
    }
    assert_eq!(rules, 7);
}

/// What the versions before 9 leave out of a rule is found again.
#[test]
fn rules_of_every_version_go_on() {
    let mut values = Vec::new();
    for line in of_type("redistimeseries-synthetic", "TSDB-TYPE") {
        let series: Series = load_dump(&bytes(&line["keys"][0]["dump_hex_footer9"])).unwrap();
        let latest = |rule: &Rule| {
            // Before version 6 no rule was aligned, though this one's bucket is.
            (rule.destination().to_vec(), rule.latest().unwrap())
        };
        let mut latest: Vec<_> = series.rules().iter().map(latest).collect();
        latest.sort_by(|a, b| a.0.cmp(&b.0));
        if !latest.is_empty() {
            values.push(latest);
        }
    }
    assert_eq!(values.len(), 8);
    assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{values:?}");
}

#[test]
fn damaged_payloads_are_refused_or_valid() {
    let damaged = of_type("corrupt", "TSDB-TYPE");
    assert!(damaged.len() > 100);
    for line in damaged {
        let loaded = load_dump::<Series>(&bytes(&line["dump_hex"]));
        if let Ok(series) = &loaded {
            let again = Memory::round_trip(series, 9).unwrap();
            assert_eq!(save_dump(&again, 9, 9).unwrap(), save_dump(series, 9, 9).unwrap());
        }
        let is_refused_by_the_peer = line["peer_result"] != "OK";
        assert!(!is_refused_by_the_peer || loaded.is_err(), "{}", line["mutation"]);
    }
}
