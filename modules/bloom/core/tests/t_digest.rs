//! Digests out of dumps by real producers and back, and against a sorted list of all observations.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test panics"
)]

use std::f64::consts::TAU;

use keyspan_bloom_core::t_digest::{Compression, Overflow, TDigest};
use keyspan_common::data_type::{DataType, Mover, Progress, allocated};
use keyspan_common::rdb::payload::fields;
use keyspan_common::rdb::{Error, Field, Memory, dump, load_dump, save_dump};
use proptest::prelude::*;
use serde_json::Value;

fn fixtures(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/rdb/");
    let lines = std::fs::read_to_string(format!("{folder}{name}.jsonl")).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|fixture: &Value| fixture["type"] == "TDIS-TYPE").collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

fn content(payload: &[u8]) -> Vec<Field> {
    fields(dump::parse(payload).unwrap().body).unwrap()
}

fn saved(digest: &TDigest) -> Vec<Field> {
    content(&save_dump(digest, 0, 9).unwrap())
}

fn digest_of(digest: &TDigest) -> Vec<u8> {
    let mut all = Vec::new();
    digest.digest(&mut |bytes| all.extend(bytes));
    all
}

fn new(compression: i64) -> TDigest {
    TDigest::new(Compression::new(compression).unwrap())
}

fn of(compression: i64, values: &[f64]) -> TDigest {
    let mut digest = new(compression);
    digest.add(values).unwrap();
    digest
}

/// The words of a command as numbers, those that are none left out.
fn numbers(command: &Value) -> Vec<f64> {
    let words = command.as_array().unwrap().iter().skip(2);
    words.filter_map(|word| word.as_str().unwrap().parse().ok()).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "ranks are small")]
fn integer(number: f64) -> i64 {
    number as i64
}

/// Runs a recorded command; the numbers of its reply in order.
fn run(digest: &mut Option<TDigest>, command: &Value) -> Vec<f64> {
    let words = numbers(command);
    let name = command[0].as_str().unwrap();
    if name == "TDIGEST.CREATE" {
        *digest = Some(new(words.first().map_or(100, |&word| integer(word))));
        return Vec::new();
    }
    let digest = digest.as_mut().unwrap();
    if name == "TDIGEST.ADD" {
        digest.add(&words).unwrap();
        return Vec::new();
    }
    ask(digest, name, &words)
}

/// Asks what a command that reads asks.
fn ask(digest: &TDigest, name: &str, words: &[f64]) -> Vec<f64> {
    let each = |reply: &dyn Fn(f64) -> f64| words.iter().map(|&word| reply(word)).collect();
    match name {
        "TDIGEST.BYRANK" => each(&|rank| digest.value_of_rank(integer(rank))),
        "TDIGEST.BYREVRANK" => each(&|rank| digest.value_of_reverse_rank(integer(rank))),
        "TDIGEST.CDF" => each(&|value| digest.summary().cdf(value)),
        "TDIGEST.INFO" => info(digest),
        "TDIGEST.MAX" => vec![digest.max()],
        "TDIGEST.MIN" => vec![digest.min()],
        "TDIGEST.QUANTILE" => digest.summary().quantiles(words).collect(),
        "TDIGEST.RANK" => each(&|value| digest.rank(value) as f64),
        "TDIGEST.REVRANK" => each(&|value| digest.reverse_rank(value) as f64),
        "TDIGEST.TRIMMED_MEAN" => vec![digest.summary().trimmed_mean(words[0], words[1])],
        other => panic!("{other}"),
    }
}

fn info(digest: &TDigest) -> Vec<f64> {
    let counts = digest.counts();
    let compression = digest.compression();
    vec![
        compression.as_double(),
        compression.capacity() as f64,
        counts.merged_nodes as f64,
        counts.unmerged_nodes as f64,
        counts.merged_weight as f64,
        counts.unmerged_weight as f64,
        digest.weight() as f64,
        counts.compressions as f64,
    ]
}

/// The numbers of a recorded reply, those of INFO without the bytes.
fn recorded(reply: &Value) -> Vec<f64> {
    match reply {
        Value::Array(replies) => replies.iter().flat_map(recorded).collect(),
        Value::Number(number) => vec![number.as_f64().unwrap()],
        Value::String(text) => vec![text.parse().unwrap()],
        Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
    }
}

fn check(digest: &mut Option<TDigest>, expect: &Value, reply: &Value, id: &Value) {
    let (ours, theirs) = (run(digest, &expect["command"]), recorded(reply));
    let same = ours.iter().zip(&theirs).all(|(a, b)| a == b || a.is_nan() && b.is_nan());
    assert!(same && ours.len() == theirs.len(), "{id} {}: {ours:?} {theirs:?}", expect["command"]);
    digest.as_ref().unwrap().validate().unwrap();
}

/// The whole life of a recorded digest: built, loaded, asked, changed.
fn live(fixture: &Value) {
    let id = &fixture["id"];
    let mut built = None;
    for command in fixture["commands"].as_array().unwrap() {
        run(&mut built, command);
    }
    let theirs = bytes(&fixture["dump_hex"]);
    let mut loaded = Some(load_dump::<TDigest>(&theirs).unwrap());
    let ours = saved(built.as_ref().unwrap());
    assert_eq!(saved(loaded.as_ref().unwrap()), ours, "{id}");
    // The peer loses the only observation.
    let is_comparable = id != "td-single";
    if is_comparable {
        assert_eq!(content(&theirs), ours, "{id}");
    }
    for expect in fixture["expect"].as_array().unwrap() {
        check(&mut built, expect, &expect["reply"], id);
        check(&mut loaded, expect, &expect["reply"], id);
    }
    for after in fixture["after"].as_array().into_iter().flatten() {
        let kept = after.get("reply_without_roundtrip");
        check(&mut loaded, after, kept.unwrap_or(&after["reply"]), id);
    }
    if let Some(dumps) = fixture["after_dump_hex"].as_object()
        && is_comparable
    {
        let theirs = content(&bytes(dumps.values().next().unwrap()));
        assert_eq!(saved(&loaded.unwrap()), theirs, "{id}");
    }
}

#[test]
fn digests_of_the_peer_live_on_field_for_field() {
    for name in ["redisbloom-2.8.20-redis7.0", "redisbloom-8.8.0-redis8.0"] {
        let fixtures = fixtures(name);
        assert_eq!(fixtures.len(), 6, "{name}");
        fixtures.iter().for_each(live);
    }
}

#[test]
fn an_observation_the_peer_lost_is_found_again() {
    // What the peer saved after it loaded a digest of 42.5 alone, and then added 10 and 20.
    let fixtures = fixtures("redisbloom-8.8.0-redis8.0");
    let single = fixtures.iter().find(|fixture| fixture["id"] == "td-single").unwrap();
    let dump = bytes(single["after_dump_hex"].as_object().unwrap().values().next().unwrap());
    let digest: TDigest = load_dump(&dump).unwrap();
    digest.validate().unwrap();
    assert_eq!(digest.weight(), 3);
    assert_eq!(ask(&digest, "TDIGEST.QUANTILE", &[0.0, 0.5, 1.0]), [10.0, 20.0, 42.5]);
    // The same with the lost one the least.
    let mut fields = content(&dump);
    fields[1] = Field::Double(5.0);
    fields[2] = Field::Double(20.0);
    let digest: TDigest = Memory::from_iter(fields).load(0).unwrap();
    assert_eq!(ask(&digest, "TDIGEST.QUANTILE", &[0.0, 0.5, 1.0]), [5.0, 10.0, 20.0]);
}

#[test]
fn a_single_observation_is_written_with_its_node() {
    let digest = of(100, &[42.5]);
    let written = saved(&digest);
    let double = Field::Double;
    assert_eq!(written[4..6], [Field::Unsigned(1), Field::Unsigned(0)]);
    assert_eq!(written[7..], [double(1.0), double(0.0), double(42.5), double(1.0)]);
    for version in [0, 1] {
        let again = Memory::round_trip(&digest, version).unwrap();
        assert_eq!((again.counts(), digest_of(&again)), (digest.counts(), digest_of(&digest)));
    }
}

/// Asks everything of a digest that anything can be asked of.
fn ask_everything(digest: &TDigest) {
    let probes = [0.0, 0.001, 0.25, 0.5, 0.999, 1.0];
    for name in ["TDIGEST.QUANTILE", "TDIGEST.CDF", "TDIGEST.RANK", "TDIGEST.REVRANK"] {
        ask(digest, name, &probes);
    }
    for name in ["TDIGEST.BYRANK", "TDIGEST.BYREVRANK", "TDIGEST.INFO", "TDIGEST.MIN"] {
        ask(digest, name, &[0.0, 1.0, 5.0, 1e18]);
    }
    ask(digest, "TDIGEST.TRIMMED_MEAN", &[0.1, 0.9]);
    digest_of(digest);
}

#[test]
fn damaged_payloads_are_refused_or_whole() {
    let (mut accepted, mut refused) = (0, 0);
    for payload in fixtures("corrupt") {
        let Ok(mut digest) = load_dump::<TDigest>(&bytes(&payload["dump_hex"])) else {
            refused += 1;
            continue;
        };
        assert_eq!(payload["peer_result"], "OK", "{}", payload["mutation"]);
        digest.validate().unwrap();
        ask_everything(&digest);
        digest.add(&[1.0; 1000]).unwrap();
        digest.validate().unwrap();
        assert_eq!(digest_of(&Memory::round_trip(&digest, 0).unwrap()), digest_of(&digest));
        accepted += 1;
    }
    assert!(accepted >= 5 && refused >= 50, "{accepted} accepted, {refused} refused");
}

/// The fields of a digest of 1, 2 and 3 with one of them changed, loaded.
/// From 2^53 on one more is the same double: nothing says that an observation was lost, and a sum of
/// all 63 bits has no room for it.
#[test]
fn nothing_is_found_again_in_sums_that_are_rounded() {
    for weights in [[1 << 62, 1 << 61], [(1 << 63) - 1024, 1023]] {
        let weights: [i64; 2] = weights.map(|weight: u64| weight.cast_signed());
        let total = weights[0] + weights[1];
        let head = [100.0, 1.0, 9.0].map(Field::Double);
        let counts = [610, 2, 0].map(Field::Unsigned);
        let rest = [total as f64, 0.0, 2.0, 3.0, weights[0] as f64, weights[1] as f64];
        let fields = head.into_iter().chain(counts).chain([Field::Unsigned(1)]);
        let fields = fields.chain(rest.map(Field::Double));
        let digest: TDigest = Memory::from_iter(fields).load(0).unwrap();
        assert_eq!((digest.weight(), digest.counts().merged_nodes), (total, 2));
        digest.validate().unwrap();
    }
}

fn load_with(place: usize, field: Field) -> Result<TDigest, Error> {
    let mut fields = saved(&of(100, &[1.0, 2.0, 3.0]));
    fields[place] = field;
    Memory::from_iter(fields).load(0)
}

#[test]
fn compression_that_is_nan_is_refused() {
    assert_eq!(load_with(0, Field::Double(f64::NAN)).err(), Some(Error::Invalid));
}

#[test]
fn compression_that_is_negative_is_refused() {
    assert_eq!(load_with(0, Field::Double(-1.0)).err(), Some(Error::Invalid));
    assert_eq!(load_with(0, Field::Double(-0.0)).err(), Some(Error::Invalid));
}

#[test]
fn counts_and_capacities_that_lie_are_refused_before_anything_is_allocated() {
    for (place, value) in [(3, 609), (3, u64::MAX), (4, 2), (4, 611), (4, u64::MAX), (5, 1)] {
        assert!(load_with(place, Field::Unsigned(value)).is_err(), "{place} {value}");
    }
    let mut fields = saved(&of(100, &[1.0, 2.0, 3.0]));
    fields[0] = Field::Double(357_913_939.0);
    fields[3] = Field::Unsigned(2_147_483_644);
    fields[4] = Field::Unsigned(2_147_483_644);
    // Read to where they end; nothing was made for two billion.
    assert_eq!(Memory::from_iter(fields).load::<TDigest>(0).err(), Some(Error::Truncated));
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    let check = |place: usize, values: &[f64]| {
        for &value in values {
            assert!(load_with(place, Field::Double(value)).is_err(), "{place} {value}");
        }
    };
    check(0, &[0.0, 99.5, 101.0, f64::INFINITY]);
    check(1, &[f64::NAN, f64::NEG_INFINITY, 4.0]);
    check(2, &[f64::NAN, f64::INFINITY, 0.0]);
    check(7, &[f64::NAN, 2.0, 5.0, -1.0, f64::INFINITY]);
    check(8, &[f64::NAN, 1.0, -1.0]);
    check(9, &[f64::NAN, f64::INFINITY]);
    // A weight and a half is no place, three parts of 2^31 are one that is not next.
    check(12, &[-1.0, f64::NAN, f64::INFINITY, 1e19, 1.5, 1.0 + 3.0 / 2_147_483_648.0]);
    assert_eq!(load_with(0, Field::Double(100.0)).map(|digest| digest.weight()), Ok(3));
    assert!(load_with(6, Field::Unsigned(u64::MAX)).is_err(), "compressions");
}

#[test]
fn means_out_of_order_or_out_of_range_are_put_right() {
    let digest = load_with(9, Field::Double(2.5)).unwrap();
    digest.validate().unwrap();
    assert_eq!(ask(&digest, "TDIGEST.QUANTILE", &[0.4]), [2.5]);
    load_with(10, Field::Double(1e9)).unwrap().validate().unwrap();
}

#[test]
fn versions_nobody_writes_are_refused() {
    let memory = Memory::of(&of(100, &[1.0, 2.0]), 0);
    assert!(memory.clone().load::<TDigest>(1).is_ok());
    assert_eq!(memory.load::<TDigest>(2).err(), Some(Error::Version));
}

#[test]
fn merging_is_that_of_the_peer() {
    // From the transcript: the first source is merged when the second comes.
    let fifteen = [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5].map(f64::from);
    let (first, second) = (of(100, &fifteen), of(200, &[10.0, 20.0, 30.0]));
    let mut merged = new(200);
    merged.merge(&first).unwrap();
    merged.merge(&second).unwrap();
    merged.validate().unwrap();
    assert_eq!(info(&merged), [200.0, 1210.0, 15.0, 3.0, 15.0, 3.0, 18.0, 1.0]);
    assert_eq!((merged.min(), merged.max(), merged.peer_memory()), (1.0, 30.0, 19_440));
    assert_eq!(first.peer_memory(), 9840);
}

#[test]
fn weights_never_pass_63_bits() {
    let mut digest = of(100, &[1.0, 2.0, 3.0]);
    let doubled = (0..100).find_map(|_| {
        let twin = digest.clone();
        digest.merge(&twin).err()
    });
    assert_eq!(doubled, Some(Overflow));
    digest.validate().unwrap();
    let again = Memory::round_trip(&digest, 0).unwrap();
    again.validate().unwrap();
    ask_everything(&again);
}

#[test]
fn a_reset_digest_is_a_new_one() {
    let mut digest = of(30, &[1.0; 500]);
    digest.summary();
    digest.reset();
    assert_eq!(digest_of(&digest), digest_of(&new(30)));
    assert_eq!(digest.counts(), new(30).counts());
}

/// Moves every block.
struct EveryBlock(usize);

impl Mover for EveryBlock {
    fn relocate<T>(&mut self, block: Vec<T>) -> Vec<T> {
        self.0 += 1;
        let mut moved = Vec::with_capacity(block.len());
        moved.extend(block);
        moved
    }

    fn should_stop(&mut self) -> bool {
        true
    }
}

#[test]
fn memory_is_what_was_allocated_and_every_block_moves() {
    let mut digest = new(100);
    assert_eq!(digest.memory(), 0);
    digest.add(&[1.0]).unwrap();
    assert_eq!(digest.memory(), 64);
    digest.add(&[1.0; 608]).unwrap();
    assert_eq!(digest.memory(), allocated(9760), "no more than the capacity");
    digest.summary();
    let with_view = digest.memory();
    assert!(with_view > 10_240 && with_view < 12_480, "{with_view}");
    let before = digest_of(&digest);
    let mut mover = EveryBlock(0);
    assert_eq!((digest.defrag(&mut mover, 0), mover.0), (Progress::Done, 2));
    assert_eq!((digest_of(&digest), digest.counts().unmerged_nodes), (before, 0));
}

/// The value a dump or a rewrite leads to.
fn rewritten(digest: &TDigest) -> TDigest {
    let mut again = None;
    digest.rewrite(&mut |command, words| {
        assert_eq!((command, words[0]), ("RESTORE", &b"0"[..]));
        again = Some(load_dump(words[1]).unwrap());
    });
    again.unwrap()
}

/// Doubles of which many are equal, so that their order after sorting counts.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![3 => (0..20_i32).prop_map(f64::from), 1 => -1e3..1e3_f64];
    prop::collection::vec(value, 0..400)
}

proptest! {
    /// Also where what was merged in is heavier than the weights that are saved with their places.
    #[test]
    fn heavy_digests_go_on_alike_from_any_file(
        turns in prop::collection::vec((values(), 0..9, 0..4_u8), 1..6),
        compression in 20..40_i64,
    ) {
        let (mut primary, mut replica) = (new(compression), new(compression));
        for (batch, doublings, what) in &turns {
            for digest in [&mut primary, &mut replica] {
                digest.add(batch).unwrap();
                for _ in 0..*doublings {
                    let twin = digest.clone();
                    digest.merge(&twin).unwrap();
                }
                digest.add(batch).unwrap();
            }
            match what {
                0 => ask_everything(&primary),
                1 => replica = rewritten(&replica),
                2 => replica = Memory::round_trip(&replica, 1).unwrap(),
                _ => primary = Memory::round_trip(&primary, 1).unwrap(),
            }
            primary.validate().unwrap();
            prop_assert_eq!(&primary, &replica);
            prop_assert_eq!(digest_of(&primary), digest_of(&replica));
        }
    }

    #[test]
    fn whoever_reads_or_starts_again_goes_on_alike(
        batches in prop::collection::vec(values(), 1..6),
        compression in 1..40_i64,
    ) {
        let (mut primary, mut replica) = (new(compression), new(compression));
        for (turn, batch) in batches.iter().enumerate() {
            primary.add(batch).unwrap();
            replica.add(batch).unwrap();
            match turn % 3 {
                0 => ask_everything(&primary),
                1 => replica = rewritten(&replica),
                _ => replica = replica.clone(),
            }
            primary.validate().unwrap();
            replica.validate().unwrap();
            prop_assert_eq!(digest_of(&primary), digest_of(&replica));
            prop_assert_eq!(saved(&primary), saved(&replica));
        }
    }

    #[test]
    fn merges_go_on_alike(parts in prop::collection::vec(values(), 1..5)) {
        let parts: Vec<_> = parts.iter().map(|part| of(20, part)).collect();
        let (mut primary, mut replica) = (new(30), new(30));
        for part in &parts {
            primary.merge(part).unwrap();
            replica.merge(&rewritten(part)).unwrap();
            replica = rewritten(&replica);
        }
        primary.validate().unwrap();
        prop_assert_eq!(digest_of(&primary), digest_of(&replica));
    }

    #[test]
    fn merged_dumps_hold_the_same_answers(values in values()) {
        let digest = of(25, &values);
        let again = Memory::round_trip(&digest, 0).unwrap();
        again.validate().unwrap();
        prop_assert_eq!(digest_of(&again), digest_of(&digest));
        prop_assert_eq!(saved(&again), saved(&digest));
        for name in ["TDIGEST.QUANTILE", "TDIGEST.CDF", "TDIGEST.RANK"] {
            let ask = |digest| ask(digest, name, &[0.0, 0.3, 0.9, 1.0]);
            let bits = |reply: Vec<f64>| reply.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(bits(ask(&again)), bits(ask(&digest)));
        }
    }

    #[test]
    fn few_distinct_observations_are_exact(
        values in prop::collection::btree_set(-1000..1000_i32, 2..60),
    ) {
        // Of a power of two, so that no share is rounded.
        let len = 1 << values.len().ilog2();
        let sorted: Vec<f64> = values.into_iter().take(len).map(f64::from).collect();
        let digest = of(1000, &sorted);
        for (rank, &value) in sorted.iter().enumerate() {
            let rank = i64::try_from(rank).unwrap();
            let last = i64::try_from(sorted.len()).unwrap() - 1;
            prop_assert_eq!(digest.value_of_rank(rank), value);
            prop_assert_eq!(digest.rank(value), rank);
            prop_assert_eq!(digest.value_of_reverse_rank(last - rank), value);
            prop_assert_eq!(digest.reverse_rank(value), last - rank);
        }
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        prop_assert!((digest.summary().trimmed_mean(0.0, 1.0) - mean).abs() < 1e-9);
    }

    #[test]
    fn answers_are_monotone_and_in_range(
        values in values(),
        mut probes in prop::collection::vec(0.0..=1.0_f64, 2..20),
    ) {
        prop_assume!(values.len() > 1);
        let digest = of(15, &values);
        let summary = digest.summary();
        probes.sort_by(f64::total_cmp);
        let quantiles: Vec<f64> = summary.quantiles(&probes).collect();
        prop_assert!(quantiles.is_sorted(), "{:?}", quantiles);
        prop_assert!(quantiles.iter().all(|it| (digest.min()..=digest.max()).contains(it)));
        let each: Vec<f64> = probes.iter().map(|&probe| summary.quantile(probe)).collect();
        prop_assert_eq!(&quantiles, &each, "a shared cursor changes nothing");
        let shares: Vec<f64> = quantiles.iter().map(|&value| summary.cdf(value)).collect();
        prop_assert!(shares.is_sorted(), "{:?}", shares);
        prop_assert!(shares.iter().all(|it| (0.0..=1.0).contains(it)));
        let mean = summary.trimmed_mean(0.2, 0.8);
        prop_assert!((digest.min()..=digest.max()).contains(&mean));
    }

    #[test]
    fn ranks_are_near_those_of_a_sorted_list(
        shares in prop::collection::vec(0.0..1.0_f64, 500..3000),
        shape in 0..3_u8,
    ) {
        let shaped = |share: f64| match shape {
            0 => share,
            1 => -(1.0 - share).ln(),
            _ => (4.0 * share).exp() + 100.0 * f64::from(share > 0.99),
        };
        let mut sorted: Vec<f64> = shares.into_iter().map(shaped).collect();
        let digest = of(100, &sorted);
        sorted.sort_by(f64::total_cmp);
        let len = sorted.len() as f64;
        for quantile in [0.001, 0.1, 0.5, 0.99, 0.999] {
            // What the scale function lets one centroid hold, and an observation at either end.
            let error = quantile * (1.0 - quantile) * TAU * len.ln() / 100.0 + 2.0 / len;
            let value = digest.summary().quantile(quantile);
            let below = sorted.partition_point(|&it| it < value) as f64 / len;
            let up_to = sorted.partition_point(|&it| it <= value) as f64 / len;
            let near = below - error..=up_to + error;
            prop_assert!(near.contains(&quantile), "{quantile} {near:?}");
            let share = digest.summary().cdf(value);
            prop_assert!(near.contains(&share), "{quantile} {share} {near:?}");
        }
    }

    #[test]
    fn payloads_of_any_fields_never_break_anything(
        seed in values(),
        place in any::<prop::sample::Index>(),
        bits in any::<u64>(),
        weight in 0..5_u32,
    ) {
        let mut fields = saved(&of(10, &seed));
        let place = place.index(fields.len());
        let changed = match fields[place] {
            Field::Unsigned(_) => Field::Unsigned(u64::from(weight)),
            Field::Float(_) | Field::Double(_) | Field::Bytes(_) if bits % 2 == 0 => {
                Field::Double(f64::from(weight))
            }
            Field::Float(_) | Field::Double(_) | Field::Bytes(_) => {
                Field::Double(f64::from_bits(bits))
            }
        };
        fields[place] = changed;
        if let Ok(mut digest) = Memory::from_iter(fields).load::<TDigest>(0) {
            digest.validate().unwrap();
            ask_everything(&digest);
            digest.add(&seed).unwrap();
            digest.validate().unwrap();
            ask_everything(&digest);
        }
    }
}

/// What replicas of another version must read: the places of what is not merged, to the bit.
#[test]
fn observations_are_saved_with_their_places() {
    let mut digest = TDigest::new(Compression::new(100).unwrap());
    digest.add(&[3.0, 1.0, 2.0]).unwrap();
    let saved = Memory::of(&digest, 1);
    let last: Vec<f64> = saved
        .fields()
        .skip(9)
        .map(|field| if let Field::Double(double) = field { *double } else { f64::NAN })
        .collect();
    let place = |place: f64| 1.0 + place / 2_147_483_648.0;
    assert_eq!(last, [1.0, 2.0, 3.0, place(2.0), place(3.0), place(1.0)]);
}
