//! Bloom filters out of dumps by real producers: rebuilt, answering, grown on, and written back.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test panics"
)]

use keyspan_bloom_core::bloom::{Filter, Refusal, redis, valkey};
use keyspan_common::rdb::{Field, Memory, Value as _, dump, load_dump, payload::fields, save_dump};
use serde_json::{Value, json};

fn fixtures(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/rdb/");
    let lines = std::fs::read_to_string(format!("{folder}{name}.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_type(name: &str, kind: &str) -> Vec<Value> {
    fixtures(name).into_iter().filter(|fixture| fixture["type"] == kind).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

/// A word of a command or the bytes of a reply.
fn word(value: &Value) -> Vec<u8> {
    value.as_str().map_or_else(|| bytes(&value["hex"]), |text| text.as_bytes().to_vec())
}

fn command(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(word).collect()
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(word: &[u8]) -> T {
    std::str::from_utf8(word).unwrap().parse().unwrap()
}

/// The fields of a payload.
fn content(payload: &[u8]) -> Vec<Field> {
    fields(dump::parse(payload).unwrap().body).unwrap()
}

/// The fields this filter is written in.
fn written(filter: &Filter) -> Vec<Field> {
    let version = if filter.type_index() == 0 { 4 } else { 1 };
    content(&save_dump(filter, version, 11).unwrap())
}

/// A filter by the words of BF.RESERVE or BF.INSERT, error rates to `error_max`.
fn created(words: &[Vec<u8>], error_max: f64) -> Filter {
    let after = |name: &[u8]| {
        let place = words.iter().position(|word| word == name)?;
        words.get(place + 1).cloned()
    };
    let is_reserve = words[0] == b"BF.RESERVE";
    let error = if is_reserve { words[2].clone() } else { after(b"ERROR").unwrap() };
    let capacity = if is_reserve { words[3].clone() } else { after(b"CAPACITY").unwrap() };
    let growth = after(b"EXPANSION").map_or(2, |word| number(&word));
    let scales = !words.contains(&b"NONSCALING".to_vec());
    let (error, capacity) = (f64::min(number(&error), error_max), number(&capacity));
    match after(b"TIGHTENING") {
        None => {
            let shape = redis::Shape { error, capacity, growth, scales };
            Filter::Redis(redis::Chain::new(shape).unwrap())
        }
        Some(tightening) => {
            let seed = Some(after(b"SEED").unwrap().try_into().unwrap());
            let expansion = if scales { growth } else { 0 };
            let tightening = number(&tightening);
            let shape = valkey::Shape { error, capacity, expansion, tightening, seed };
            Filter::Valkey(valkey::Chain::new(shape, u64::MAX).unwrap())
        }
    }
}

/// What BF.DEBUG says, with the width of the hashes only where `template` has it, and the error as
/// `template` has it if it is that.
fn debug(filter: &Filter, template: &Value) -> Value {
    let mut lines = vec![format!("size:{}", filter.items())];
    for (line, error) in filter.debug_lines() {
        let theirs = template[lines.len()].as_str().unwrap();
        let ratio = theirs.split("ratio:").nth(1).unwrap();
        let known: f64 = ratio.parse().unwrap();
        assert!((known - error).abs() < error * 1e-5, "{known} {error}");
        let line = if theirs.contains("hashwidth") {
            line
        } else {
            line.replace(" hashwidth:32", "").replace(" hashwidth:64", "")
        };
        lines.push(format!("{line} ratio:{ratio}"));
    }
    json!(lines)
}

fn added(outcome: Result<bool, Refusal>) -> Value {
    outcome.map_or(json!({"error": "ERR non scaling filter is full"}), |new| json!(i32::from(new)))
}

/// Runs one command; its reply. `recorded` helps where the producer prints what we do not.
fn run(filter: &mut Filter, words: &[Vec<u8>], recorded: &Value) -> Value {
    let items = words.get(2..).unwrap_or_default();
    let mut many = Vec::new();
    match words[0].as_slice() {
        b"BF.ADD" => added(filter.insert(&items[0], u64::MAX)),
        b"BF.MADD" => {
            filter.insert_many(items, u64::MAX, |outcome| many.push(added(outcome)));
            json!(many)
        }
        b"BF.EXISTS" => json!(i32::from(filter.contains(&items[0]))),
        b"BF.MEXISTS" => {
            filter.contains_many(items, |found| many.push(json!(i32::from(found))));
            let single = items.iter().map(|item| json!(i32::from(filter.contains(item))));
            assert_eq!(many, single.collect::<Vec<_>>());
            json!(many)
        }
        b"BF.CARD" => json!(filter.items()),
        b"BF.DEBUG" => debug(filter, recorded),
        b"BF.INFO" => json!([match items[0].as_slice() {
            b"CAPACITY" => json!(filter.capacity()),
            b"SIZE" => json!(filter.size_bytes()),
            b"FILTERS" => json!(filter.links()),
            b"ITEMS" => json!(filter.items()),
            b"EXPANSION" => json!(filter.expansion()),
            other => panic!("INFO {other:?}"),
        }]),
        b"BF.SCANDUMP" => scan(filter, number(&items[0]), recorded),
        other => panic!("{other:?}"),
    }
}

fn scan(filter: &Filter, cursor: i64, recorded: &Value) -> Value {
    let Filter::Redis(chain) = filter else { panic!("RedisBloom's only") };
    let header = chain.header();
    let (next, data) = if cursor == 0 { (1, &header[..]) } else { chain.chunk(cursor).unwrap() };
    assert_eq!(data, word(&recorded[1]));
    json!([next, recorded[1]])
}

/// Plays recorded commands; whether every reply was as recorded.
fn play(filter: &mut Filter, steps: &Value, id: &Value) {
    for step in steps.as_array().into_iter().flatten() {
        let words = command(&step["command"]);
        if words[0] == b"BF.INFO" && words.len() == 2 {
            continue;
        }
        let reply = run(filter, &words, &step["reply"]);
        assert_eq!(reply, step["reply"], "{id}: {}", step["command"]);
    }
}

fn check_current(name: &str, error_max: f64) {
    let fixtures = of_type(name, "MBbloom--");
    assert!(fixtures.len() > 5, "{name}");
    for fixture in fixtures {
        let id = &fixture["id"];
        let commands: Vec<_> =
            fixture["commands"].as_array().unwrap().iter().map(command).collect();
        let mut built = created(&commands[0], error_max);
        for words in &commands[1..] {
            run(&mut built, words, &Value::Null);
        }
        let theirs = bytes(&fixture["dump_hex"]);
        assert!(written(&built) == content(&theirs), "{id}: built");
        let mut filter: Filter = load_dump(&theirs).unwrap();
        assert!(written(&filter) == content(&theirs), "{id}: written back");
        play(&mut filter, &fixture["expect"], id);
        play(&mut filter, &fixture["after"], id);
        if let Some(after) = fixture["after_dump_hex"].as_str() {
            assert!(written(&filter) == content(&bytes(&json!(after))), "{id}: after");
        }
    }
}

#[test]
fn redisbloom_8_8() {
    check_current("redisbloom-8.8.0-redis8.0", 0.25);
}

#[test]
fn redisbloom_2_8() {
    check_current("redisbloom-2.8.20-redis7.0", 1.0);
}

/// The fields of an old filter, in the encoding it came in.
fn old_fields(filter: &Filter, version: u64) -> Vec<Field> {
    let fields = written(filter);
    let mut old = fields[..2].to_vec();
    if version >= 2 {
        old.push(fields[2].clone());
    }
    for link in fields[4..].chunks(8) {
        old.extend(link.iter().cloned());
        // Bits are not said.
        let place = old.len() - 4;
        old[place] = Field::Unsigned(0);
    }
    old
}

/// The first link of an old filter, with nothing in it.
fn old_empty(fields: &[Field], version: u64) -> Filter {
    let head = if version >= 2 { 3 } else { 2 };
    let mut first = fields[..head + 8].to_vec();
    (first[0], first[1]) = (Field::Unsigned(0), Field::Unsigned(1));
    let Field::Bytes(bits) = &mut first[head + 6] else { panic!("no bits") };
    bits.fill(0);
    first[head + 7] = Field::Unsigned(0);
    load(&first, u32::try_from(version).unwrap()).unwrap()
}

fn load(fields: &[Field], version: u32) -> Result<Filter, keyspan_common::rdb::Error> {
    fields.iter().cloned().collect::<Memory>().load(version)
}

#[test]
fn redisbloom_before_2_2() {
    let mut grown = 0;
    for name in
        ["redisbloom-1.0.3-redis6.0", "redisbloom-1.1.0-redis6.0", "redisbloom-2.0.3-redis6.0"]
    {
        for fixture in of_type(name, "MBbloom--") {
            let (id, version) = (&fixture["id"], fixture["keys"][0]["encver"].as_u64().unwrap());
            let theirs = content(&bytes(&fixture["dump_hex"]));
            let mut built = old_empty(&theirs, version);
            for words in fixture["commands"].as_array().unwrap().iter().map(command) {
                if words[0] != b"BF.RESERVE" {
                    run(&mut built, &words, &Value::Null);
                }
            }
            assert!(old_fields(&built, version) == theirs, "{id}: built");
            grown += built.links() - 1;
            let filter: Filter = load_dump(&bytes(&fixture["dump_hex"])).unwrap();
            // What was saved again in the newest encoding goes on in the same way.
            let again = load_dump(&save_dump(&filter, 4, 11).unwrap()).unwrap();
            for mut filter in [filter, again] {
                play(&mut filter, &fixture["expect"], id);
                play(&mut filter, &fixture["after"], id);
                if let Some(after) = fixture["after_dump_hex"].as_str() {
                    let after = content(&bytes(&json!(after)));
                    assert!(old_fields(&filter, version) == after, "{id}: after");
                }
            }
        }
    }
    assert_eq!(grown, 3, "a chain of each release has grown");
}

#[test]
fn old_filters_are_written_as_redisbloom_accepts_them() {
    for fixture in of_type("redisbloom-1.0.3-redis6.0", "MBbloom--") {
        let fields = written(&load_dump(&bytes(&fixture["dump_hex"])).unwrap());
        for link in fields[4..].chunks(8) {
            let (Field::Unsigned(bits), Field::Unsigned(log2)) = (&link[4], &link[5]) else {
                panic!("{link:?}")
            };
            let Field::Bytes(bytes) = &link[6] else { panic!("{link:?}") };
            assert!(*bits == 8 * bytes.len() as u64 && *bits >= 1 << log2);
        }
    }
}

/// The fields before the first release have another order.
fn from_before_release(fields: &[Field]) -> Vec<(Vec<u8>, u64)> {
    let links = fields[3..fields.len() - 1].chunks(4);
    links
        .map(|link| match (&link[0], &link[3]) {
            (Field::Bytes(bits), Field::Unsigned(capacity)) => {
                (bits.iter().map(|byte| byte.reverse_bits()).collect(), *capacity)
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn valkey_bloom_before_its_release() {
    let fixtures = of_type("valkeybloom-2024-10-valkey8.0", "bloomfltr");
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        let theirs = bytes(&fixture["dump_hex"]);
        let mut filter: Filter = load_dump(&theirs).unwrap();
        let Filter::Valkey(chain) = &filter else { panic!("another family") };
        assert_eq!(chain.error().to_string().len(), 4, "not 0.01 in 32 bits");
        let links = from_before_release(&content(&theirs));
        let ours = written(&filter);
        for (link, (bits, capacity)) in ours[5..].chunks(2).zip(links) {
            let Field::Bytes(block) = &link[0] else { panic!("{link:?}") };
            assert_eq!((&block[45..], &link[1]), (&bits[..], &Field::Unsigned(capacity)));
        }
        play(&mut filter, &fixture["expect"], &fixture["id"]);
    }
}

#[test]
fn valkey_bloom_1_0() {
    for fixture in of_type("valkeybloom-1.0-synthetic", "bloomfltr") {
        let id = &fixture["id"];
        let theirs = bytes(&fixture["dump_hex"]);
        let mut filter: Filter = load_dump(&theirs).unwrap();
        assert!(written(&filter) == content(&theirs), "{id}: written back");
        let commands = fixture["commands"].as_array().unwrap();
        if commands[0] != json!(["(omitted)"]) {
            let words = command(&commands[0]);
            let items = words.iter().position(|word| word == b"ITEMS").unwrap();
            let mut built = created(&words[..items], 1.0);
            built.insert_many(&words[items + 1..], u64::MAX, |added| assert!(added.is_ok()));
            assert!(written(&built) == content(&theirs), "{id}: built");
        }
        play(&mut filter, &fixture["expect"], id);
        play(&mut filter, &fixture["after"], id);
        let Filter::Valkey(chain) = &filter else { panic!("another family") };
        let again = valkey::Chain::from_blob(&chain.blob()).unwrap();
        let ours = written(&Filter::Valkey(again));
        assert!(ours == written(&filter));
        for (link, after) in ours[5..].chunks(2).zip(fixture["after_filters"].as_array().unwrap()) {
            if after["raw_hex"].is_string() {
                assert!(link[0] == Field::Bytes(bytes(&after["raw_hex"])), "{id}: after");
            }
            assert_eq!(link[1], Field::Unsigned(after["capacity"].as_u64().unwrap()), "{id}");
        }
    }
}

#[test]
fn damaged_payloads_are_refused_or_whole() {
    let (mut accepted, mut refused) = (0, 0);
    for payload in of_type("corrupt", "MBbloom--") {
        match load_dump::<Filter>(&bytes(&payload["dump_hex"])) {
            Ok(mut filter) => {
                assert_eq!(payload["peer_result"], "OK", "{}", payload["mutation"]);
                for item in 0..2000 {
                    let item = format!("more {item}");
                    if filter.insert(item.as_bytes(), u64::MAX).is_ok() {
                        assert!(filter.contains(item.as_bytes()));
                    }
                }
                assert!(filter.size_bytes() > 0 && filter.links() > 0);
                assert!(load_dump::<Filter>(&save_dump(&filter, 4, 11).unwrap()).is_ok());
                accepted += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(accepted > 15 && refused > 50, "{accepted} accepted, {refused} refused");
}
