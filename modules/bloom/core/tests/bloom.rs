//! Bloom filters against the plainest models: sets, the formulas written out, and the crate that
//! valkey-bloom uses.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test panics"
)]

use std::collections::HashSet;

use bloomfilter::Bloom;
use keyspan_bloom_core::{
    bloom::{Filter, Refusal, redis, valkey},
    hash::{murmur32, murmur64},
};
use keyspan_common::{
    data_type::{DataType, Mover, Progress},
    rdb::{Field, Memory, Value as _},
};
use proptest::{collection::vec, prelude::*};

fn redis_chain(error: f64, capacity: u64, growth: u32, scales: bool) -> redis::Chain {
    redis::Chain::new(redis::Shape { error, capacity, growth, scales }).unwrap()
}

fn valkey_chain(error: f64, capacity: u64, expansion: u32, seed: Option<[u8; 32]>) -> Filter {
    let shape = valkey::Shape { error, capacity, expansion, tightening: 0.5, seed };
    Filter::Valkey(valkey::Chain::new(shape, u64::MAX).unwrap())
}

fn version(filter: &Filter) -> u32 {
    if filter.type_index() == 0 { 4 } else { 1 }
}

fn fields(filter: &Filter) -> Vec<Field> {
    Memory::of(filter, version(filter)).fields().cloned().collect()
}

fn digest(filter: &Filter) -> Vec<u8> {
    let mut digest = Vec::new();
    filter.digest(&mut |bytes| digest.extend_from_slice(bytes));
    digest
}

/// The filter a rewrite makes again.
fn rewritten(filter: &Filter) -> Filter {
    let mut made = None;
    filter.rewrite(&mut |name, words| match (name, &mut made) {
        ("BF.LOAD", made) => *made = valkey::Chain::from_blob(words[0]).map(Filter::Valkey),
        ("BF.LOADCHUNK", made @ None) => {
            assert_eq!(words[0], b"1");
            *made = redis::Chain::from_header(words[1]).map(Filter::Redis);
        }
        ("BF.LOADCHUNK", Some(Filter::Redis(chain))) => {
            let cursor = std::str::from_utf8(words[0]).unwrap().parse().unwrap();
            chain.load_chunk(cursor, words[1]).unwrap();
        }
        other => panic!("{other:?}"),
    });
    made.unwrap()
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let shape = (0.0001..0.4_f64, 1..60_u64, 1..4_u32, any::<bool>());
    (shape, any::<Option<[u8; 32]>>(), any::<bool>()).prop_map(|(shape, seed, is_redis)| {
        let (error, capacity, growth, scales) = shape;
        if is_redis {
            Filter::Redis(redis_chain(error, capacity, growth, scales))
        } else {
            valkey_chain(error, capacity, if scales { growth } else { 0 }, seed)
        }
    })
}

fn any_items() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..20), 0..300)
}

proptest! {
    #[test]
    fn holds_what_was_added(mut filter in any_filter(), items in any_items()) {
        let (mut set, mut new) = (HashSet::new(), 0);
        for item in &items {
            match filter.insert(item, u64::MAX) {
                Ok(added) => {
                    prop_assert!(!(added && set.contains(item)), "added twice");
                    set.insert(item.clone());
                    new += u64::from(added);
                }
                Err(refusal) => {
                    prop_assert_eq!((refusal, filter.expansion()), (Refusal::Full, None));
                    prop_assert!(filter.items() >= filter.capacity());
                }
            }
            prop_assert_eq!(filter.contains(item), set.contains(item) || filter.contains(item));
        }
        prop_assert!(set.iter().all(|item| filter.contains(item)));
        prop_assert_eq!(filter.items(), new);
        prop_assert!(new <= set.len() as u64);
    }

    #[test]
    fn many_at_once_are_as_one_by_one(filter in any_filter(), items in any_items()) {
        let (mut one, mut all, mut outcomes) = (filter.clone(), filter, Vec::new());
        all.insert_many(&items, u64::MAX, |outcome| outcomes.push(outcome));
        for (item, outcome) in items.iter().zip(&outcomes) {
            prop_assert_eq!(one.insert(item, u64::MAX), *outcome);
        }
        let refused = outcomes.iter().position(Result::is_err);
        prop_assert_eq!(outcomes.len(), refused.map_or(items.len(), |place| place + 1));
        prop_assert_eq!(fields(&one), fields(&all));
        let mut found = Vec::new();
        all.contains_many(&items, |is| found.push(is));
        prop_assert_eq!(found, items.iter().map(|item| one.contains(item)).collect::<Vec<_>>());
    }

    #[test]
    fn every_format_gives_it_back(mut filter in any_filter(), items in any_items()) {
        filter.insert_many(&items, u64::MAX, |_| ());
        let before = fields(&filter);
        let loaded = Memory::round_trip(&filter, version(&filter)).unwrap();
        prop_assert_eq!(&fields(&loaded), &before);
        prop_assert_eq!(&fields(&rewritten(&filter)), &before);
        prop_assert_eq!(digest(&loaded), digest(&filter));
        prop_assert_eq!(loaded.memory(), loaded.clone().memory());
    }

    #[test]
    fn damaged_blobs_are_refused_or_whole(
        mut filter in any_filter(), items in any_items(), place: prop::sample::Index, byte: u8,
    ) {
        filter.insert_many(&items, u64::MAX, |_| ());
        let check = |mut made: Filter| {
            made.insert_many(&items, u64::MAX, |_| ());
            made.contains(b"x") || made.items() > 0 || made.size_bytes() > 0
        };
        let mut bytes = match &filter {
            Filter::Redis(chain) => chain.header(),
            Filter::Valkey(chain) => chain.blob(),
        };
        let cut = &bytes[..place.index(bytes.len())];
        prop_assert!(redis::Chain::from_header(cut).is_none() || cut.is_empty());
        prop_assert!(valkey::Chain::from_blob(cut).is_none());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Some(chain) = redis::Chain::from_header(&bytes) {
            prop_assert!(check(Filter::Redis(chain)));
        }
        if let Some(chain) = valkey::Chain::from_blob(&bytes) {
            prop_assert!(check(Filter::Valkey(chain)));
        }
    }

    #[test]
    fn valkey_bits_are_those_of_the_crate(
        seed: [u8; 32], error in 0.00001..0.9_f64, capacity in 1..200_u64, items in any_items(),
    ) {
        let mut filter = valkey_chain(error, capacity, 0, Some(seed));
        let count = usize::try_from(capacity).unwrap();
        let mut crates = Bloom::<[u8]>::new_for_fp_rate_with_seed(count, error, &seed).unwrap();
        for item in items.iter().take(count) {
            let known = crates.check_and_set(item);
            prop_assert_eq!(filter.insert(item, u64::MAX), Ok(!known));
        }
        prop_assert_eq!(&fields(&filter)[5], &Field::Bytes(crates.to_bytes()));
        prop_assert!(items.iter().all(|item| filter.contains(item) == crates.check(item)));
    }

    #[test]
    fn redis_bits_are_those_of_the_formula(
        error in 0.00001..0.9_f64, capacity in 1..200_u64, items in any_items(),
    ) {
        let chain = redis_chain(error, capacity, 2, false);
        let mut filter = Filter::Redis(chain);
        filter.insert_many(&items, u64::MAX, |_| ());
        let stored = fields(&filter);
        let (Field::Unsigned(probes), Field::Unsigned(bits)) = (&stored[6], &stored[8]) else {
            panic!("{stored:?}")
        };
        let mut expected = vec![0; usize::try_from(bits / 8).unwrap()];
        let mut size = 0;
        for item in &items {
            let positions = wide_positions(item, *probes, *bits);
            if size < capacity && positions.iter().any(|&x| expected[x / 8] >> (x % 8) & 1 == 0) {
                size += 1;
                positions.iter().for_each(|&x| expected[x / 8] |= 1 << (x % 8));
            } else if size == capacity {
                // The first that finds no room ends the batch.
                let is_known = positions.iter().all(|&x| expected[x / 8] >> (x % 8) & 1 == 1);
                if !is_known { break }
            }
        }
        prop_assert_eq!(&stored[10], &Field::Bytes(expected));
        prop_assert_eq!(filter.items(), size);
    }

    #[test]
    fn old_bits_are_those_of_the_formula(
        log2 in 3..12_u32, hash_64: bool, items in any_items(), version in 2..4_u32,
    ) {
        let options = if hash_64 { 4 } else { 0 };
        let mut filter = old_filter(version, options, 1 << 40, log2, 1 << log2 >> 3).unwrap();
        filter.insert_many(&items, u64::MAX, |_| ());
        let mut expected = vec![0; 1 << log2 >> 3];
        for item in &items {
            for x in old_positions(item, 7, 1 << log2, hash_64) {
                expected[x / 8] |= 1 << (x % 8);
            }
        }
        prop_assert_eq!(&fields(&filter)[10], &Field::Bytes(expected));
    }
}

/// `(a + i * b) mod 2^64 mod bits`, in numbers that do not wrap.
fn wide_positions(item: &[u8], probes: u64, bits: u64) -> Vec<usize> {
    let first = murmur64(item, 0xc6a4_a793_5bd1_e995);
    let second = u128::from(murmur64(item, first));
    let position = |index: u64| {
        let hash = (u128::from(first) + u128::from(index) * second) % (1 << 64);
        usize::try_from(hash % u128::from(bits)).unwrap()
    };
    (0..probes).map(position).collect()
}

/// The same for a link whose bits are a power of two, in 64 or 32 bits.
fn old_positions(item: &[u8], probes: u64, bits: u64, hash_64: bool) -> Vec<usize> {
    if hash_64 {
        return wide_positions(item, probes, bits);
    }
    let first = murmur32(item, 0x9747_b28c);
    let second = u64::from(murmur32(item, first));
    let position = |index: u64| (u64::from(first) + index * second) % (1 << 32) % bits;
    (0..probes).map(|index| usize::try_from(position(index)).unwrap()).collect()
}

/// A filter of one link as RedisBloom 1 and 2.0 store it, at an error of 0.01.
fn old_filter(
    version: u32,
    options: u64,
    entries: u64,
    log2: u32,
    bytes: usize,
) -> Result<Filter, keyspan_common::rdb::Error> {
    let mut fields = vec![Field::Unsigned(0), Field::Unsigned(1)];
    if version >= 2 {
        fields.push(Field::Unsigned(options));
    }
    let bits_per_entry = -0.01_f64.ln() / 0.480_453_013_918_201;
    fields.extend([
        Field::Unsigned(entries),
        Field::Double(0.01),
        Field::Unsigned(7),
        Field::Double(bits_per_entry),
    ]);
    if version >= 1 {
        fields.extend([Field::Unsigned(0), Field::Unsigned(log2.into())]);
    }
    fields.extend([Field::Bytes(vec![0; bytes]), Field::Unsigned(0)]);
    fields.into_iter().collect::<Memory>().load(version)
}

#[test]
fn filters_of_encoding_0_keep_bits_that_fill_no_byte() {
    // 10 items: 95 bits in 12 bytes.
    let mut filter = old_filter(0, 0, 10, 0, 12).unwrap();
    let items = ["a", "b", "c", "d", "e"];
    filter.insert_many(&items, u64::MAX, |added| assert_eq!(added, Ok(true)));
    let mut expected = vec![0; 12];
    for item in items {
        let first = murmur32(item.as_bytes(), 0x9747_b28c);
        let second = u64::from(murmur32(item.as_bytes(), first));
        for index in 0..7 {
            let x = usize::try_from((u64::from(first) + index * second) % 95).unwrap();
            expected[x / 8] |= 1 << (x % 8);
        }
    }
    for filter in [&filter, &Memory::round_trip(&filter, 4).unwrap(), &rewritten(&filter)] {
        let fields = fields(filter);
        assert_eq!(
            (&fields[8], &fields[10]),
            (&Field::Unsigned(95), &Field::Bytes(expected.clone()))
        );
        assert!(items.iter().all(|item| filter.contains(item.as_bytes())));
    }
}

#[test]
fn impossible_old_filters_are_refused() {
    let is_loaded = |version, log2, bytes| old_filter(version, 4, 100, log2, bytes).is_ok();
    assert!(is_loaded(3, 10, 128) && is_loaded(3, 10, 136) && is_loaded(3, 9, 128));
    assert!(!is_loaded(3, 10, 127) && !is_loaded(3, 10, 0) && !is_loaded(3, 0, 128));
    assert!(!is_loaded(3, 64, 128) && !is_loaded(3, 63, 128) && !is_loaded(3, 200, 128));
    assert!(!is_loaded(3, 300, 128) && !is_loaded(0, 0, 118) && !is_loaded(0, 0, 121));
}

/// Two halves that differ, as those of a seed that somebody draws.
const SEED: [u8; 32] = *b"some 32 bytes that nobody drew..";

/// Of many items that were never added, the part that is found.
fn false_positives(filter: &Filter) -> f64 {
    let absent: Vec<_> = (0..50_000).map(|item| format!("absent {item}")).collect();
    let mut found = 0;
    filter.contains_many(&absent, |is| found += u32::from(is));
    f64::from(found) / 50_000.0
}

#[test]
fn finds_no_more_than_it_promises() {
    let chain = redis_chain(0.01, 1000, 2, true);
    for (mut filter, promised) in [
        (Filter::Redis(chain), 0.01),
        (Filter::Redis(redis_chain(0.01, 20_000, 2, false)), 0.01),
        // The first link of this family is not tightened: the errors sum up to twice the first.
        (valkey_chain(0.01, 1000, 2, Some(SEED)), 0.02),
        (valkey_chain(0.01, 20_000, 0, Some(SEED)), 0.01),
    ] {
        let items: Vec<_> = (0..19_500).map(|item| format!("item {item}")).collect();
        filter.insert_many(&items, u64::MAX, |added| assert!(added.is_ok()));
        let measured = false_positives(&filter);
        assert!(measured < promised * 1.1, "{measured} of {promised}");
        assert!(measured > promised * 0.2, "{measured} of {promised}: more bits than needed");
    }
}

#[test]
fn impossible_shapes_are_refused() {
    for (error, capacity) in [
        (0.0, 1),
        (1.0, 1),
        (-0.1, 1),
        (f64::NAN, 1),
        (f64::INFINITY, 1),
        (0.01, 0),
        (0.01, u64::MAX),
        (0.01, 1 << 60),
        (5e-324, 1 << 62),
    ] {
        for scales in [true, false] {
            let shape = redis::Shape { error, capacity, growth: 2, scales };
            assert_eq!(redis::Chain::new(shape).err(), Some(Refusal::Size), "{shape:?}");
        }
        let shape = valkey::Shape { error, capacity, expansion: 2, tightening: 0.5, seed: None };
        let refusal = valkey::Chain::new(shape, u64::MAX).err();
        assert!(matches!(refusal, Some(Refusal::Size | Refusal::Rate)), "{shape:?}");
    }
    for tightening in [0.0, 1.0, 2.0, -1.0, f64::NAN] {
        let shape = valkey::Shape { error: 0.1, capacity: 1, expansion: 2, tightening, seed: None };
        assert_eq!(valkey::Chain::new(shape, u64::MAX).err(), Some(Refusal::Size));
    }
}

#[test]
fn growth_ends_in_a_refusal_and_changes_nothing() {
    let header = redis_chain(0.01, 100, 2, true).header();
    for (entries, growth) in [(0_u64, 2_u32), (100, 0), (1 << 40, u32::MAX), (1 << 63, 2)] {
        let mut full = header.clone();
        full[16..20].copy_from_slice(&growth.to_le_bytes());
        for place in [0, 36, 64] {
            full[place..place + 8].copy_from_slice(&entries.to_le_bytes());
        }
        let mut filter = Filter::Redis(redis::Chain::from_header(&full).unwrap());
        let before = fields(&filter);
        assert_eq!(filter.insert(b"another", u64::MAX), Err(Refusal::Size));
        assert_eq!(fields(&filter), before);
    }
}

/// A header of so many links that hold nothing.
fn long_header(links: u32) -> Vec<u8> {
    let header = redis_chain(0.01, 10, 2, true).header();
    let (head, link) = header.split_at(20);
    let mut long = head.to_vec();
    long[8..12].copy_from_slice(&links.to_le_bytes());
    (0..links).for_each(|_| long.extend(link));
    long
}

#[test]
fn no_chain_has_links_without_end() {
    assert!(redis::Chain::from_header(&long_header(2049)).is_none());
    let mut chain = redis::Chain::from_header(&long_header(2048)).unwrap();
    let refused = (0..100_u32).find_map(|item| chain.insert(&item.to_le_bytes()).err());
    assert_eq!((refused, chain.links()), (Some(Refusal::Size), 2048));
    // Each as large as the last, at nearly the same error.
    let shape =
        valkey::Shape { error: 1e-9, capacity: 1, expansion: 1, tightening: 0.999_999, seed: None };
    assert_eq!(shape.scaled_capacity(None, u64::MAX), Ok(1 << 14));
    assert_eq!(shape.scaled_capacity(Some(1 << 15), u64::MAX), Err(Refusal::Rate));
}

#[test]
fn the_limit_of_a_valkey_filter_holds() {
    let mut filter = valkey_chain(0.01, 100, 2, None);
    let full = filter.size_bytes();
    let items: Vec<_> = (0..200).map(|item: u8| [item]).collect();
    let mut outcomes = Vec::new();
    filter.insert_many(&items, full + 100, |outcome| outcomes.push(outcome));
    assert_eq!(outcomes.last(), Some(&Err(Refusal::Limit)));
    assert_eq!((filter.links(), filter.items()), (1, 100));
    filter.insert_many(&items, u64::MAX, |outcome| assert!(outcome.is_ok()));
    assert_eq!(filter.links(), 2);
    let shape =
        valkey::Shape { error: 0.01, capacity: 100, expansion: 2, tightening: 0.5, seed: None };
    assert_eq!(valkey::Chain::new(shape, 100).err(), Some(Refusal::Limit));
    assert_eq!(shape.scaled_capacity(Some(100), u64::MAX), Ok(100));
    assert_eq!(shape.scaled_capacity(Some(101), u64::MAX), Ok(300));
    assert_eq!(shape.scaled_capacity(Some(700), u64::MAX), Ok(700));
    assert_eq!(shape.scaled_capacity(Some(1 << 40), 128 << 20), Err(Refusal::Limit));
    // As its documentation shows for the default filter.
    assert_eq!(shape.scaled_capacity(None, 128 << 20), Ok(26_214_300));
    let sharp = valkey::Shape { tightening: 1e-200, ..shape };
    assert_eq!(sharp.scaled_capacity(Some(1000), u64::MAX), Err(Refusal::Rate));
    let fixed = valkey::Shape { expansion: 0, ..shape };
    assert_eq!(fixed.scaled_capacity(Some(101), u64::MAX), Err(Refusal::Full));
}

#[test]
fn chunks_go_where_their_cursor_says() {
    let mut chain = redis_chain(0.01, 10, 2, true);
    let items: Vec<_> = (0..25).map(|item: u8| [item]).collect();
    chain.insert_many(&items, |added| assert!(added.is_ok()));
    let first = chain.chunk(1).unwrap();
    let second = chain.chunk(first.0).unwrap();
    assert_eq!(chain.chunk(second.0), None);
    assert_eq!((chain.chunk(0), chain.chunk(-1), chain.chunk(i64::MIN)), (None, None, None));
    // From the middle of a link to its end.
    assert_eq!(chain.chunk(4), Some((first.0, &first.1[3..])));
    let mut made = redis::Chain::from_header(&chain.header()).unwrap();
    assert_eq!(made.load_chunk(second.0, second.1), Ok(()));
    assert_eq!(made.load_chunk(first.0, first.1), Ok(()));
    assert_eq!(fields(&Filter::Redis(made.clone())), fields(&Filter::Redis(chain.clone())));
    assert_eq!(made.load_chunk(1, b"x"), Err(redis::BadChunk::Offset));
    assert_eq!(made.load_chunk(i64::MIN, b"x"), Err(redis::BadChunk::Offset));
    assert_eq!(made.load_chunk(second.0 + 1, b"x"), Err(redis::BadChunk::Offset));
    let long = vec![0; first.1.len() + 1];
    let cursor = i64::try_from(long.len()).unwrap() + 1;
    assert_eq!(made.load_chunk(cursor, &long), Err(redis::BadChunk::Length));
}

#[test]
fn headers_of_2_0_are_read() {
    let new = redis_chain(0.01, 100, 2, true).header();
    let mut old = [&new[..16], &new[20..64], &new[64..68], &new[72..73]].concat();
    assert_eq!((new.len(), old.len()), (73, 65));
    let chain = redis::Chain::from_header(&old).unwrap();
    assert_eq!(chain.header(), new);
    old[0] = 1;
    assert!(redis::Chain::from_header(&old).is_none(), "items that no link has");
}

#[test]
fn hostile_headers_allocate_nothing() {
    let header = redis_chain(0.01, 100, 2, true).header();
    let check = |place: usize, bytes: &[u8]| {
        let mut changed = header.clone();
        changed[place..place + bytes.len()].copy_from_slice(bytes);
        assert!(redis::Chain::from_header(&changed).is_none(), "{place}");
    };
    check(8, &u32::MAX.to_le_bytes());
    check(8, &0_u32.to_le_bytes());
    check(20, &u64::MAX.to_le_bytes());
    check(28, &u64::MAX.to_le_bytes());
    // Lengths that agree with each other, and no memory has.
    check(20, &[(1_u64 << 60).to_le_bytes(), (1_u64 << 63).to_le_bytes()].concat());
    check(20, &[0_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat());
    check(44, &f64::NAN.to_le_bytes());
    check(44, &2.0_f64.to_le_bytes());
    check(52, &f64::INFINITY.to_le_bytes());
    check(60, &0_u32.to_le_bytes());
    check(60, &u32::MAX.to_le_bytes());
    check(72, &[64]);
    check(72, &[255]);
}

/// Moves every block, and asks for a pause after each.
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
fn defragmentation_moves_every_block_in_steps() {
    let chain = Filter::Redis(redis_chain(0.01, 10, 2, true));
    for mut filter in [chain, valkey_chain(0.01, 10, 2, None)] {
        let items: Vec<_> = (0..=255).map(|item: u8| [item]).collect();
        filter.insert_many(&items, u64::MAX, |added| assert!(added.is_ok()));
        let (before, links) = (fields(&filter), usize::try_from(filter.links()).unwrap());
        let (mut mover, mut steps, mut from) = (EveryBlock(0), 1, 0);
        while let Progress::Paused(next) = filter.defrag(&mut mover, from) {
            assert!(next > from, "no progress");
            (from, steps) = (next, steps + 1);
        }
        assert_eq!((mover.0, steps), (links + 1, links));
        assert_eq!(fields(&filter), before);
    }
}

#[test]
fn a_gigabyte_is_reserved_at_once() {
    let start = std::time::Instant::now();
    // 8.6e9 bits.
    let mut filter = Filter::Redis(redis_chain(0.01, 900_000_000, 2, false));
    assert!(filter.size_bytes() > 1 << 30, "{}", filter.size_bytes());
    assert_eq!(filter.insert(b"item", u64::MAX), Ok(true));
    assert!(filter.contains(b"item"));
    let took = start.elapsed();
    assert!(took.as_millis() < 20, "{took:?}");
    assert!(filter.effort() > 64);
}
