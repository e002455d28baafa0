//! Count-Min sketches against recorded values and against plain counters.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test panics"
)]

#[path = "../../../../tests/fixtures/recorded.rs"]
mod fixture;

use std::collections::HashMap;

use fixture::{bytes, content, number, of_type, words};
use keyspan_bloom_core::count_min::{CountMin, Merge, dimensions};
use keyspan_common::rdb::{Error, Field, Memory, load_dump, save_dump};
use proptest::prelude::*;
use serde_json::{Value, json};

const PRODUCERS: [&str; 3] =
    ["redisbloom-2.0.3-redis6.0", "redisbloom-2.8.20-redis7.0", "redisbloom-8.8.0-redis8.0"];

/// Does what a recorded command does; its reply.
fn play(sketch: &mut Option<CountMin>, command: &Value) -> Value {
    let words = words(command);
    let arguments = &words[2..];
    let name = String::from_utf8(words[0].clone()).unwrap();
    let count = |count: u32| match count {
        u32::MAX => json!({"error": "CMS: INCRBY overflow"}),
        count => json!(count),
    };
    match name.as_str() {
        "CMS.INITBYDIM" => {
            *sketch = CountMin::new(number(&arguments[0]), number(&arguments[1])).ok();
            json!({"status": "OK"})
        }
        "CMS.INITBYPROB" => {
            let (width, depth) = dimensions(number(&arguments[0]), number(&arguments[1]));
            *sketch = CountMin::new(width, depth).ok();
            json!({"status": "OK"})
        }
        "CMS.INCRBY" => {
            let sketch = sketch.as_mut().unwrap();
            let pairs = arguments.chunks(2);
            pairs.map(|pair| count(sketch.increase(&pair[0], number(&pair[1])))).collect()
        }
        "CMS.QUERY" => {
            let sketch = sketch.as_ref().unwrap();
            arguments.iter().map(|item| json!(sketch.count(item))).collect()
        }
        "CMS.INFO" => {
            let sketch = sketch.as_ref().unwrap();
            let status = |name: &str| json!({"status": name});
            json!([
                status("width"),
                sketch.width(),
                status("depth"),
                sketch.depth(),
                status("count"),
                sketch.total()
            ])
        }
        _ => panic!("{name}"),
    }
}

fn play_all(sketch: &mut Option<CountMin>, steps: &Value) {
    for step in steps.as_array().into_iter().flatten() {
        assert_eq!(play(sketch, &step["command"]), step["reply"], "{}", step["command"]);
    }
}

/// The payload after the further commands, if it was recorded.
fn after_dump(fixture: &Value) -> Option<Vec<u8>> {
    fixture["after_dump_hex"].as_object()?.values().next().map(bytes)
}

#[test]
fn recorded_values_are_made_again_field_for_field() {
    let mut compared = 0;
    for fixture in PRODUCERS.iter().flat_map(|file| of_type(file, "CMSk-TYPE")) {
        let id = &fixture["id"];
        let theirs = bytes(&fixture["keys"][0]["dump_hex_footer9"]);
        let mut made = None;
        for command in fixture["commands"].as_array().unwrap() {
            play(&mut made, command);
        }
        assert!(content(&save_dump(&made.unwrap(), 0, 9).unwrap()) == content(&theirs), "{id}");

        let mut loaded = Some(load_dump::<CountMin>(&theirs).unwrap());
        play_all(&mut loaded, &fixture["expect"]);
        play_all(&mut loaded, &fixture["after"]);
        let after = after_dump(&fixture);
        let ours = save_dump(&loaded.unwrap(), 0, 9).unwrap();
        assert!(content(&ours) == content(&after.unwrap_or(theirs)), "{id} after");
        compared += 1;
    }
    assert_eq!(compared, 9);
}

#[test]
fn damaged_payloads_are_refused_or_whole() {
    let (mut accepted, mut refused) = (0, 0);
    for payload in of_type("corrupt", "CMSk-TYPE") {
        match load_dump::<CountMin>(&bytes(&payload["dump_hex"])) {
            Ok(mut sketch) => {
                assert_eq!(payload["peer_result"], "OK", "{}", payload["mutation"]);
                let before = sketch.count(b"a");
                assert!(sketch.increase(b"a", 1) >= before);
                accepted += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(accepted >= 3 && refused >= 10, "{accepted} accepted, {refused} refused");
}

fn load(version: u32, width: u64, depth: u64, cells: &[u8]) -> Result<CountMin, Error> {
    let fields = [Field::Unsigned(width), Field::Unsigned(depth), Field::Unsigned(0)];
    let cells = Field::Bytes(cells.to_vec());
    fields.into_iter().chain([cells]).collect::<Memory>().load(version)
}

#[test]
fn products_that_wrap_are_refused() {
    assert!(load(0, 1, 1, &[0; 4]).is_ok());
    assert_eq!(load(1, 1, 1, &[0; 4]).err(), Some(Error::Version));
    for (width, depth, len) in [
        (1 << 62, 4, 0),
        (1 << 62, 1, 0),
        (1 << 32, 1 << 32, 0),
        (0, 1, 0),
        (1, 0, 0),
        (u64::MAX, u64::MAX, 4),
        (1 << 63, 2, 8),
        (2, 2, 15),
        (2, 2, 17),
        (2, 2, 4),
    ] {
        let loaded = load(0, width, depth, &vec![0; len]);
        assert_eq!(loaded.err(), Some(Error::Invalid), "{width} x {depth} of {len}");
    }
}

type Stream = Vec<(u8, u64)>;

fn stream() -> impl Strategy<Value = Stream> {
    let by = prop_oneof![0..100_u64, Just(u64::from(u32::MAX)), 0..1_u64 << 33];
    prop::collection::vec((any::<u8>(), by), 0..200)
}

fn counted(width: u64, depth: u64, stream: &Stream) -> (CountMin, HashMap<u8, u64>) {
    let mut sketch = CountMin::new(width, depth).unwrap();
    let mut plain = HashMap::new();
    for (item, by) in stream {
        *plain.entry(*item).or_default() += by;
        let least = sketch.increase(&[*item], *by);
        assert_eq!(least, sketch.count(&[*item]));
    }
    (sketch, plain)
}

proptest! {
    #[test]
    fn counts_are_never_too_small(width in 1..400_u64, depth in 1..8_u64, stream in stream()) {
        let (sketch, plain) = counted(width, depth, &stream);
        for (item, count) in &plain {
            let floor = u32::try_from(*count).unwrap_or(u32::MAX);
            prop_assert!(sketch.count(&[*item]) >= floor);
        }
        prop_assert_eq!(sketch.total(), plain.values().sum::<u64>());
    }

    #[test]
    fn counts_are_exact_where_nothing_collides(stream in stream()) {
        let (sketch, plain) = counted(1 << 16, 7, &stream);
        for (item, count) in &plain {
            prop_assert_eq!(sketch.count(&[*item]), u32::try_from(*count).unwrap_or(u32::MAX));
        }
    }

    #[test]
    fn a_merge_is_the_sketch_of_both_streams(
        width in 1..50_u64, depth in 1..5_u64,
        one in prop::collection::vec((any::<u8>(), 0..1000_u64), 0..50),
        two in prop::collection::vec((any::<u8>(), 0..1000_u64), 0..50),
        weights in (0..5_i64, 0..5_i64),
    ) {
        let mut merge = Merge::new(&counted(width, depth, &one).0).unwrap();
        merge.add(&counted(width, depth, &one).0, weights.0).unwrap();
        merge.add(&counted(width, depth, &two).0, weights.1).unwrap();
        let times = |stream: &Stream, weight: i64| -> Stream {
            stream.iter().map(|(item, by)| (*item, by * weight.cast_unsigned())).collect()
        };
        let both = [times(&one, weights.0), times(&two, weights.1)].concat();
        let merged = Memory::of(&merge.finish().unwrap(), 0);
        prop_assert_eq!(merged, Memory::of(&counted(width, depth, &both).0, 0));
    }

    #[test]
    fn what_is_saved_is_loaded(width in 1..50_u64, depth in 1..5_u64, stream in stream()) {
        let sketch = counted(width, depth, &stream).0;
        let again = Memory::round_trip(&sketch, 0).unwrap();
        prop_assert_eq!(Memory::of(&again, 0), Memory::of(&sketch, 0));
    }
}
