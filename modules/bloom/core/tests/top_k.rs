//! Top-K against recorded values and against plain counters.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test panics"
)]

#[path = "../../../../tests/fixtures/recorded.rs"]
mod fixture;

use std::collections::HashMap;
use std::num::NonZero;

use fixture::{bytes, content, number, of_type, words};
use keyspan_bloom_core::top_k::{Decay, TopK};
use keyspan_common::data_type::DataType;
use keyspan_common::rdb::{Error, Field, Memory, load_dump, save_dump};
use proptest::prelude::*;
use serde_json::{Value, json};

const PRODUCERS: [&str; 2] = ["redisbloom-2.8.20-redis7.0", "redisbloom-8.8.0-redis8.0"];

fn top(k: u32, width: u64, depth: u64, decay: f64) -> TopK {
    TopK::new(NonZero::new(k).unwrap(), width, depth, Decay::new(decay).unwrap()).unwrap()
}

fn text(item: &[u8]) -> Value {
    std::str::from_utf8(item).unwrap().into()
}

fn list(top: &TopK) -> Vec<(String, u32)> {
    let text = |item: &[u8]| String::from_utf8(item.to_vec()).unwrap();
    top.list().into_iter().map(|(item, count)| (text(item), count)).collect()
}

/// Does what a recorded command does; its reply.
fn play(value: &mut Option<TopK>, command: &Value) -> Value {
    let words = words(command);
    let arguments = &words[2..];
    let name = String::from_utf8(words[0].clone()).unwrap();
    if name == "TOPK.RESERVE" {
        let word = |place: usize| arguments.get(place).map(Vec::as_slice);
        *value = Some(top(
            number(&arguments[0]),
            number(word(1).unwrap_or(b"8")),
            number(word(2).unwrap_or(b"7")),
            number(word(3).unwrap_or(b"0.9")),
        ));
        return json!({"status": "OK"});
    }
    let top = value.as_mut().unwrap();
    let mut add = |item: &[u8], units: u32| top.add(item, units).expelled.map(|item| text(&item));
    match name.as_str() {
        "TOPK.ADD" => arguments.iter().map(|item| add(item, 1)).collect(),
        "TOPK.INCRBY" => arguments.chunks(2).map(|pair| add(&pair[0], number(&pair[1]))).collect(),
        "TOPK.QUERY" => arguments.iter().map(|item| json!(i32::from(top.contains(item)))).collect(),
        "TOPK.COUNT" => arguments.iter().map(|item| json!(top.count(item))).collect(),
        "TOPK.LIST" if arguments.is_empty() => {
            top.list().into_iter().map(|(item, _)| text(item)).collect()
        }
        "TOPK.LIST" => {
            let pair = |(item, count)| [text(item), json!(count)];
            top.list().into_iter().flat_map(pair).collect()
        }
        "TOPK.INFO" => json!([top.k(), top.width(), top.depth(), top.decay()]),
        _ => panic!("{name}"),
    }
}

/// A reply without names, and with numbers for the texts of doubles.
fn comparable(reply: &Value) -> Value {
    let Some(replies) = reply.as_array() else { return reply.clone() };
    let is_info = replies.first().is_some_and(|first| first["status"] == "k");
    if !is_info {
        return reply.clone();
    }
    let values = replies.iter().skip(1).step_by(2);
    values
        .map(|value| {
            value.as_str().map_or(value.clone(), |text| json!(number::<f64>(text.as_bytes())))
        })
        .collect()
}

fn play_all(value: &mut Option<TopK>, steps: &Value) {
    for step in steps.as_array().into_iter().flatten() {
        let expected = comparable(&step["reply"]);
        assert_eq!(play(value, &step["command"]), expected, "{}", step["command"]);
    }
}

/// The fields of a payload without the addresses that RedisBloom leaves in them.
fn without_addresses(payload: &[u8]) -> Vec<Field> {
    let mut fields = content(payload);
    if let Some(Field::Bytes(heap)) = fields.get_mut(5) {
        for slot in heap.as_chunks_mut::<24>().0 {
            slot[8..16].fill(0);
        }
    }
    fields
}

#[test]
fn recorded_values_answer_and_are_saved_field_for_field() {
    let mut compared = 0;
    for fixture in PRODUCERS.iter().flat_map(|file| of_type(file, "TopK-TYPE")) {
        let id = fixture["id"].as_str().unwrap();
        let theirs = bytes(&fixture["keys"][0]["dump_hex_footer9"]);
        let loaded = load_dump::<TopK>(&theirs).unwrap();
        // Its items were cut by the producer, so that their lengths are others.
        if id != "topk-nul-item" {
            let ours = content(&save_dump(&loaded, 0, 9).unwrap());
            assert!(ours == without_addresses(&theirs), "{id}");
        }
        let mut loaded = Some(loaded);
        play_all(&mut loaded, &fixture["expect"]);
        play_all(&mut loaded, &fixture["after"]);
        compared += 1;
    }
    assert_eq!(compared, 10);
}

#[test]
fn values_without_a_draw_are_made_again_field_for_field() {
    let mut compared = 0;
    for fixture in PRODUCERS.iter().flat_map(|file| of_type(file, "TopK-TYPE")) {
        // The last two: a producer that draws, and one that cuts items.
        if ["topk-empty", "topk-few", "topk-ttl-decay1"].iter().any(|id| fixture["id"] == *id) {
            let mut made = None;
            for command in fixture["commands"].as_array().unwrap() {
                play(&mut made, command);
            }
            let theirs = without_addresses(&bytes(&fixture["keys"][0]["dump_hex_footer9"]));
            let ours = content(&save_dump(&made.unwrap(), 0, 9).unwrap());
            assert!(ours == theirs, "{}", fixture["id"]);
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
}

/// Asks everything that can be asked.
fn exercise(top: &mut TopK) {
    for round in 0..200_u8 {
        top.add(&[round % 9], u32::from(round) * 7);
        top.add(b"a", 1);
    }
    top.add(b"much", 100_000);
    for (item, _) in top.list() {
        // Not of necessity one that is found: its fingerprint may be damaged.
        top.contains(item);
        top.count(item);
    }
    assert!(top.list().len() <= top.k());
    let again = Memory::round_trip(top, 0).unwrap();
    assert_eq!(Memory::of(&again, 0), Memory::of(top, 0));
}

#[test]
fn damaged_payloads_are_refused_or_whole() {
    let (mut accepted, mut refused) = (0, 0);
    for payload in of_type("corrupt", "TopK-TYPE") {
        match load_dump::<TopK>(&bytes(&payload["dump_hex"])) {
            Ok(mut top) => {
                assert_eq!(payload["peer_result"], "OK", "{}", payload["mutation"]);
                exercise(&mut top);
                accepted += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(accepted >= 6 && refused >= 18, "{accepted} accepted, {refused} refused");
}

/// A value of one cell a row, and `slots` saved slots.
fn load(k: u64, width: u64, depth: u64, slots: usize, items: &[&[u8]]) -> Result<TopK, Error> {
    let mut fields = vec![
        Field::Unsigned(k),
        Field::Unsigned(width),
        Field::Unsigned(depth),
        Field::Double(0.9),
        Field::Bytes(vec![0; 16]),
        Field::Bytes(vec![0; slots]),
    ];
    fields.extend(items.iter().map(|item| Field::Bytes(item.to_vec())));
    fields.into_iter().collect::<Memory>().load(0)
}

#[test]
fn a_huge_k_is_refused() {
    assert!(load(2, 1, 2, 48, &[b"\0", b"\0"]).is_ok());
    for k in [0, 1, 3, 1 << 24, 1 << 32, u64::MAX, (1 << 61) + 2, u64::from(u32::MAX)] {
        let loaded = load(k, 1, 2, 48, &[b"\0", b"\0"]);
        assert_eq!(loaded.err(), Some(Error::Invalid), "{k}");
    }
}

#[test]
fn a_short_heap_is_refused() {
    for slots in [0, 24, 47, 49, 72] {
        let loaded = load(2, 1, 2, slots, &[b"\0", b"\0", b"\0"]);
        assert_eq!(loaded.err(), Some(Error::Invalid), "{slots}");
    }
}

#[test]
fn a_missing_item_is_refused() {
    assert_eq!(load(2, 1, 2, 48, &[b"\0"]).err(), Some(Error::Truncated));
    assert_eq!(load(2, 1, 2, 48, &[]).err(), Some(Error::Truncated));
    assert_eq!(load(2, 1, 2, 48, &[b"\0", b"\0", b"\0"]).err(), Some(Error::Invalid));
}

#[test]
fn cells_of_other_dimensions_are_refused() {
    for (width, depth) in [(2, 2), (1, 1), (1 << 61, 1 << 3), (1 << 63, 2), (0, 2), (2, 0)] {
        let loaded = load(2, width, depth, 48, &[b"\0", b"\0"]);
        assert_eq!(loaded.err(), Some(Error::Invalid), "{width} x {depth}");
    }
}

#[test]
fn items_are_kept_whole() {
    let mut value = top(4, 16, 4, 0.9);
    for item in [&b""[..], b"ab\0cd", b"\0", b"ab"] {
        value.add(item, 2);
    }
    let again = Memory::round_trip(&value, 0).unwrap();
    for item in [&b""[..], b"ab\0cd", b"\0", b"ab"] {
        assert!(again.contains(item), "{item:?}");
        assert_eq!(again.count(item), 2, "{item:?}");
    }
    assert!(!again.contains(b"\0\0"));
    assert_eq!(again.list(), value.list());
    // An empty slot is no empty item.
    assert!(!Memory::round_trip(&top(4, 16, 4, 0.9), 0).unwrap().contains(b""));
}

#[test]
fn no_unit_may_still_take_what_nobody_has() {
    let mut value = top(2, 16, 4, 0.9);
    assert!(value.add(b"e", 0).changed && value.contains(b"e") && value.list().is_empty());
    value.add(b"e", 5);
    assert!(!value.add(b"e", 0).changed);
    assert_eq!(list(&value), [("e".to_owned(), 5)]);
}

/// A rival falls unit by unit on one cell that another item holds with `count`: how many it takes.
fn units_until_taken(count: u32, rival: &[u8]) -> u32 {
    let mut value = top(1, 1, 1, 0.9);
    value.add(b"holder", count);
    let taken = |_: &u32| {
        value.add(rival, 1);
        value.count(rival) > 0
    };
    (1..).find(taken).unwrap()
}

#[test]
fn a_cell_is_taken_as_often_as_the_decay_says() {
    // Units until the count is 0: a sum of independent geometric waits.
    for count in [1_u32, 3, 10, 20] {
        let rivals = 1500_u32;
        let waits = (0..rivals).map(|n| units_until_taken(count, &n.to_le_bytes()));
        let mean = waits.map(f64::from).sum::<f64>() / f64::from(rivals);
        let chances = (1..=count).map(|count| 0.9_f64.powf(f64::from(count)));
        let (expected, variance) = chances.fold((0.0, 0.0), |(mean, variance), chance| {
            (mean + 1.0 / chance, variance + (1.0 - chance) / (chance * chance))
        });
        let deviation = (variance / f64::from(rivals)).sqrt();
        assert!((mean - expected).abs() < 5.0 * deviation, "{count}: {mean}, not {expected}");
    }
}

fn digest(value: &TopK) -> Vec<u8> {
    let mut all = Vec::new();
    value.digest(&mut |text| all.extend(text));
    all
}

type Stream = Vec<(u8, u32)>;

fn stream() -> impl Strategy<Value = Stream> {
    let units = prop_oneof![9 => Just(1_u32), 1 => 0..300_u32];
    // Small numbers more often than large ones.
    let item = (any::<u8>(), any::<u8>()).prop_map(|(one, two)| one & two);
    prop::collection::vec((item, units), 0..400)
}

fn count(value: &mut TopK, stream: &Stream) {
    for (item, units) in stream {
        let before = digest(value);
        let changed = value.add(&[*item], *units).changed;
        assert_eq!(changed, digest(value) != before, "{item} {units}");
    }
}

proptest! {
    #[test]
    fn the_most_frequent_are_exact_where_nothing_collides(stream in stream()) {
        let mut value = top(256, 1 << 13, 4, 0.9);
        let mut plain = HashMap::<u8, u32>::new();
        for (item, units) in &stream {
            *plain.entry(*item).or_default() += units;
            value.add(&[*item], *units);
        }
        for (item, count) in &plain {
            prop_assert_eq!(value.count(&[*item]), *count);
            prop_assert!(*count == 0 || value.contains(&[*item]));
        }
        let listed = value.list();
        prop_assert!(listed.is_sorted_by(|one, two| one.1 >= two.1));
        prop_assert_eq!(listed.len(), plain.values().filter(|count| **count > 0).count());
    }

    #[test]
    fn a_count_is_never_too_large_without_equal_fingerprints(
        width in 1..30_u64, depth in 1..5_u64, stream in stream(),
    ) {
        let mut value = top(5, width, depth, 0.9);
        count(&mut value, &stream);
        for item in 0..=u8::MAX {
            let plain: u32 =
                stream.iter().filter(|(other, _)| *other == item).map(|(_, units)| units).sum();
            prop_assert!(value.count(&[item]) <= plain);
        }
    }

    #[test]
    fn a_replica_that_loads_in_between_ends_alike(
        k in 1..8_u32, width in 1..12_u64, depth in 1..5_u64,
        decay in prop_oneof![Just(0.9), Just(0.5), Just(1.0), 0.01..1.0],
        before in stream(), after in stream(),
    ) {
        let mut primary = top(k, width, depth, decay);
        let mut replica = primary.clone();
        count(&mut primary, &before);
        count(&mut replica, &before);
        prop_assert_eq!(digest(&primary), digest(&replica));
        let mut late = Memory::round_trip(&primary, 0).unwrap();
        prop_assert_eq!(digest(&primary), digest(&late));
        count(&mut primary, &after);
        count(&mut late, &after);
        prop_assert_eq!(digest(&primary), digest(&late));
        prop_assert_eq!(primary.memory() > 0, late.memory() > 0);
    }
}
