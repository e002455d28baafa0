//! Cuckoo filters out of dumps by real producers: the same commands give the same bytes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

use std::num::NonZeroU8;

use keyspan_bloom_core::cuckoo::{Cuckoo, Layout, Mode};
use keyspan_common::{
    data_type::DataType,
    rdb::{Field, Memory, Value as _, dump, load_dump, payload::fields, save_dump},
};
use serde_json::{Value, json};

fn lines(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/rdb/");
    let text = std::fs::read_to_string(format!("{folder}{name}.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == "MBbloomCF").collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn content(payload: &[u8]) -> Vec<Field> {
    fields(dump::parse(payload).unwrap().body).unwrap()
}

fn content_of(filter: &Cuckoo) -> Vec<Field> {
    content(&save_dump(filter, 4, 9).unwrap())
}

fn words(command: &Value) -> Vec<&str> {
    command.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

fn reserve(words: &[&str]) -> Cuckoo {
    let (mut size, mut iterations, mut expansion) = (2, 20, 1);
    for option in words[3..].chunks(2) {
        match option[0] {
            "BUCKETSIZE" => size = option[1].parse().unwrap(),
            "MAXITERATIONS" => iterations = option[1].parse().unwrap(),
            "EXPANSION" => expansion = option[1].parse().unwrap(),
            other => unreachable!("{other}"),
        }
    }
    let size = NonZeroU8::new(size).unwrap();
    let layout = Layout::new(words[2].parse().unwrap(), size, iterations, expansion);
    Cuckoo::new(layout.unwrap()).unwrap()
}

fn default() -> Cuckoo {
    reserve(&["CF.RESERVE", "key", "1024"])
}

fn debug(filter: &Cuckoo) -> String {
    let layout = filter.layout();
    format!(
        "bktsize:{} buckets:{} items:{} deletes:{} filters:{} max_iterations:{} expansion:{}",
        layout.bucket_size(),
        layout.buckets(),
        filter.items(),
        filter.deletes(),
        filter.tables(),
        layout.iterations(),
        layout.expansion(),
    )
}

fn info(filter: &Cuckoo) -> Value {
    let layout = filter.layout();
    let status = |text: &str| json!({"status": text});
    json!([
        status("Size"),
        {"any": true},
        status("Number of buckets"),
        layout.buckets(),
        status("Number of filters"),
        filter.tables(),
        status("Number of items inserted"),
        filter.items(),
        status("Number of items deleted"),
        filter.deletes(),
        status("Bucket size"),
        layout.bucket_size(),
        status("Expansion rate"),
        layout.expansion(),
        status("Max iterations"),
        layout.iterations(),
    ])
}

/// What a producer would reply to a command.
fn play(filter: &mut Cuckoo, words: &[&str]) -> Value {
    let mut replies = Vec::new();
    let items = |from: usize| words[from..].iter().map(|item| item.as_bytes());
    match words[0] {
        "CF.ADD" => json!(u8::from(filter.add(words[2].as_bytes(), Mode::Always, 32).unwrap())),
        "CF.ADDNX" => json!(u8::from(filter.add(words[2].as_bytes(), Mode::IfAbsent, 32).unwrap())),
        "CF.INSERT" | "CF.INSERTNX" => {
            let mode = if words[0] == "CF.INSERT" { Mode::Always } else { Mode::IfAbsent };
            let first = words.iter().position(|&word| word == "ITEMS").unwrap() + 1;
            let answer = |outcome: Result<_, _>| replies.push(outcome.map_or(-1, i64::from));
            filter.add_many(items(first), mode, 65_535, answer);
            json!(replies)
        }
        "CF.EXISTS" => json!(u8::from(filter.contains(words[2].as_bytes()))),
        "CF.MEXISTS" => {
            filter.contains_many(items(2), |found| replies.push(i64::from(found)));
            json!(replies)
        }
        "CF.COUNT" => json!(filter.count(words[2].as_bytes())),
        "CF.DEL" => json!(u8::from(filter.remove(words[2].as_bytes()))),
        "CF.COMPACT" => {
            filter.compact();
            json!({"status": "OK"})
        }
        "CF.INFO" => info(filter),
        "CF.DEBUG" => json!(debug(filter)),
        "CF.SCANDUMP" if words[2] == "0" => {
            json!([1, text(&filter.header())])
        }
        "CF.SCANDUMP" => {
            let (position, chunk) = filter.chunk(words[2].parse().unwrap()).unwrap();
            json!([position, text(chunk)])
        }
        other => unreachable!("{other}"),
    }
}

/// Bytes as the fixtures write them: text if it is, else hexadecimal.
fn text(bytes: &[u8]) -> Value {
    let hex = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    std::str::from_utf8(bytes).map_or_else(|_| json!({"hex": hex()}), |text| json!(text))
}

#[test]
fn the_same_commands_leave_the_same_bytes() {
    for name in ["redisbloom-2.8.20-redis7.0", "redisbloom-8.8.0-redis8.0"] {
        let fixtures = lines(name);
        assert!(fixtures.len() > 7);
        for fixture in fixtures {
            let id = &fixture["id"];
            let mut filter = default();
            for command in fixture["commands"].as_array().unwrap() {
                match words(command).as_slice() {
                    words @ ["CF.RESERVE", ..] => filter = reserve(words),
                    words => drop(play(&mut filter, words)),
                }
            }
            let theirs = bytes(&fixture["dump_hex"]);
            assert!(content_of(&filter) == content(&theirs), "{id}");
            let loaded: Cuckoo = load_dump(&theirs).unwrap();
            assert!(loaded == filter, "{id}");
            check_afterwards(loaded, &fixture);
        }
    }
}

fn check_afterwards(mut filter: Cuckoo, fixture: &Value) {
    let id = &fixture["id"];
    for expect in fixture["expect"].as_array().unwrap() {
        let words = words(&expect["command"]);
        assert_eq!(play(&mut filter, &words), expect["reply"], "{id} {}", words[0]);
    }
    let Some(after) = fixture["after"].as_array() else { return };
    for step in after {
        let words = words(&step["command"]);
        assert_eq!(play(&mut filter, &words), step["reply"], "{id} {}", words[0]);
    }
    let dump = fixture["after_dump_hex"].as_object().unwrap().values().next().unwrap();
    assert!(content_of(&filter) == content(&bytes(dump)), "{id} afterwards");
}

/// Filters with 32-bit hashes, which newer RedisBloom answers wrongly.
#[test]
fn old_filters_answer_right_and_stay_so() {
    for name in ["redisbloom-1.1.0-redis6.0", "redisbloom-2.0.3-redis6.0"] {
        let fixtures = lines(name);
        assert_eq!(fixtures.len(), 2);
        for fixture in fixtures {
            let mut filter: Cuckoo = load_dump(&bytes(&fixture["dump_hex"])).unwrap();
            check_old(&mut filter, &fixture);
            let saved = save_dump(&filter, 4, 9).unwrap();
            check_old(&mut load_dump(&saved).unwrap(), &fixture);
            check_old(&mut filter.clone(), &fixture);
            check_old(&mut rewritten(&filter), &fixture);
        }
    }
}

fn check_old(filter: &mut Cuckoo, fixture: &Value) {
    for expect in fixture["expect"].as_array().unwrap() {
        let words = words(&expect["command"]);
        let mut reply = play(filter, &words);
        if words[0] == "CF.DEBUG" {
            // These producers have no settings, and say so.
            let numbers = reply.as_str().unwrap().strip_suffix(" max_iterations:20 expansion:1");
            reply = json!(numbers.unwrap());
        }
        assert_eq!(reply, expect["reply"], "{} {words:?}", fixture["id"]);
    }
}

fn rewritten(filter: &Cuckoo) -> Cuckoo {
    let mut made = None;
    filter.rewrite(&mut |command, words| {
        assert_eq!(command, "CF.LOADCHUNK");
        let position = std::str::from_utf8(words[0]).unwrap().parse().unwrap();
        match &mut made {
            None => made = Some(Cuckoo::from_header(words[1]).unwrap()),
            Some(filter) => filter.load_chunk(position, words[1]).unwrap(),
        }
    });
    made.unwrap()
}

#[test]
fn old_filters_still_change() {
    for fixture in lines("redisbloom-2.0.3-redis6.0") {
        let mut filter: Cuckoo = load_dump(&bytes(&fixture["dump_hex"])).unwrap();
        let before = filter.items();
        let items: Vec<String> = (0..300).map(|number| format!("new{number}")).collect();
        let each = || items.iter().map(String::as_bytes);
        filter.add_many(each(), Mode::Always, 32, |added| assert_eq!(added, Ok(true)));
        filter.contains_many(each(), |found| assert!(found));
        check_members(&filter, &fixture);
        filter.compact();
        check_members(&filter, &fixture);
        each().for_each(|item| assert!(filter.remove(item)));
        assert_eq!(filter.items(), before);
        assert!(rewritten(&filter) == filter && load_copy(&filter) == filter);
    }
}

fn check_members(filter: &Cuckoo, fixture: &Value) {
    let commands = fixture["commands"].as_array().unwrap();
    let insert = words(commands.iter().find(|command| command[0] == "CF.INSERT").unwrap());
    assert!(insert[3..].iter().all(|item| filter.contains(item.as_bytes())), "{}", fixture["id"]);
}

fn load_copy(filter: &Cuckoo) -> Cuckoo {
    Memory::round_trip(filter, 4).unwrap()
}

#[test]
fn damaged_payloads_are_refused_or_work() {
    let mut accepted = 0;
    let corrupt = lines("corrupt");
    assert!(corrupt.len() > 10);
    for line in corrupt {
        let payload = bytes(&line["dump_hex"]);
        let Ok(mut filter) = load_dump::<Cuckoo>(&payload) else { continue };
        accepted += 1;
        assert!(line["peer_result"] == "OK", "{}", line["mutation"]);
        filter.remove(b"x");
        filter.compact();
        filter.add(b"x", Mode::Always, 32).unwrap();
        assert!(filter.contains(b"x") && filter.count(b"x") >= 1);
        assert!(rewritten(&filter) == filter && load_copy(&filter) == filter);
    }
    assert!(accepted > 0);
}

/// Each field of a payload at its extremes.
#[test]
fn mutated_fields_are_refused_or_work() {
    let mut filter = default();
    filter.add_many((0..2000).map(|_| &b"x"[..]), Mode::Always, 32, |_| ());
    assert!(filter.tables() > 2);
    let fields: Vec<Field> = Memory::of(&filter, 4).fields().cloned().collect();
    let numbers = [0, 1, 3, 255, 256, 65_536, 1 << 32, 1 << 48, 0x3233 << 48, 1 << 63, u64::MAX];
    for place in 0..fields.len() {
        let number = numbers.map(Field::Unsigned).into_iter();
        for field in number.chain([Field::Bytes(vec![1; 3]), Field::Double(f64::NAN)]) {
            let mut mutated = fields.clone();
            mutated[place] = field;
            for version in [0, 1, 2, 3, 4, 5] {
                let Ok(mut filter) = Memory::from_iter(mutated.clone()).load::<Cuckoo>(version)
                else {
                    continue;
                };
                assert_eq!(version, 4);
                filter.compact();
                filter.remove(b"y");
                let _ = filter.add(b"y", Mode::IfAbsent, 32);
                assert!(load_copy(&filter) == filter && rewritten(&filter) == filter);
            }
        }
    }
    assert_eq!(Cuckoo::TYPE_NAMES, ["MBbloomCF"]);
}
