//! Cuckoo filters against the plainest model: a multiset.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

use std::{collections::HashMap, num::NonZeroU8};

use keyspan_bloom_core::cuckoo::{
    BadChunk, BadHeader, CHUNK_MAX, Cuckoo, Layout, Mode, Refused, TABLES_MAX,
};
use keyspan_common::{
    data_type::{DataType, Mover, Progress},
    rdb::{Field, Memory},
};
use proptest::{collection::vec, prelude::*};

fn filter(capacity: u64, size: u8, iterations: u16, expansion: u16) -> Cuckoo {
    let layout = Layout::new(capacity, NonZeroU8::new(size).unwrap(), iterations, expansion);
    Cuckoo::new(layout.unwrap()).unwrap()
}

fn digest(filter: &Cuckoo) -> Vec<u8> {
    let mut digest = Vec::new();
    filter.digest(&mut |part| digest.extend_from_slice(part));
    digest
}

/// One with a 32-bit hash: what RedisBloom 2.0 would have saved.
fn narrow(buckets: usize) -> Cuckoo {
    let numbers = [1, u64::try_from(buckets).unwrap(), 0].map(Field::Unsigned);
    let fields = numbers.into_iter().chain([Field::Bytes(vec![0; 2 * buckets])]);
    fields.collect::<Memory>().load(3).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8),
    AddNew(u8),
    Remove(u8),
    Compact,
    Batch(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u8>().prop_map(Step::Add),
        2 => any::<u8>().prop_map(Step::AddNew),
        3 => any::<u8>().prop_map(Step::Remove),
        1 => Just(Step::Compact),
        2 => vec(any::<u8>(), 0..40).prop_map(Step::Batch),
    ]
}

fn item(number: u8) -> [u8; 5] {
    [b'i', b't', b'e', b'm', number]
}

/// Runs steps on both and compares after each.
fn check_steps(mut filter: Cuckoo, steps: Vec<Step>) {
    let mut model = HashMap::<u8, u64>::new();
    for step in steps {
        let before = digest(&filter);
        match step {
            Step::Add(number) => match filter.add(&item(number), Mode::Always, 8) {
                Ok(added) => {
                    assert!(added);
                    *model.entry(number).or_default() += 1;
                }
                Err(refused) => {
                    assert_eq!(refused, Refused::Full);
                    assert!(digest(&filter) == before, "a refused item changed something");
                }
            },
            Step::AddNew(number) => {
                let held = filter.contains(&item(number));
                match filter.add(&item(number), Mode::IfAbsent, 8) {
                    Ok(true) => {
                        assert!(!held);
                        *model.entry(number).or_default() += 1;
                    }
                    Ok(false) => assert!(held && digest(&filter) == before),
                    Err(_) => assert!(!held && digest(&filter) == before),
                }
            }
            Step::Remove(number) => {
                // Only what was added may be removed.
                if let Some(count) = model.get_mut(&number).filter(|count| **count > 0) {
                    assert!(filter.remove(&item(number)), "{number} was lost");
                    *count -= 1;
                }
            }
            Step::Compact => {
                let changed = filter.compact();
                assert_eq!(changed, digest(&filter) != before);
            }
            Step::Batch(numbers) => {
                let items: Vec<_> = numbers.iter().map(|&number| item(number)).collect();
                let mut added = Vec::new();
                let each = items.iter().map(|item| &item[..]);
                filter.add_many(each, Mode::Always, 8, |outcome| added.push(outcome.is_ok()));
                assert_eq!(added.len(), numbers.len());
                for (number, _) in numbers.iter().zip(added).filter(|(_, added)| *added) {
                    *model.entry(*number).or_default() += 1;
                }
            }
        }
        check_members(&filter, &model);
    }
}

fn check_members(filter: &Cuckoo, model: &HashMap<u8, u64>) {
    assert_eq!(filter.items(), model.values().sum::<u64>());
    for (&number, &count) in model {
        assert!(filter.count(&item(number)) >= count, "{number}");
        assert!(count == 0 || filter.contains(&item(number)), "{number}");
    }
    let slots: u64 = digest(filter)[38..].iter().map(|&slot| u64::from(slot != 0)).sum();
    assert_eq!(slots, filter.items());
}

proptest! {
    #[test]
    fn nothing_added_is_lost(
        capacity in 2_u64..40,
        size in 1_u8..6,
        iterations in 0_u16..30,
        expansion in 0_u16..4,
        steps in vec(step(), 1..80),
    ) {
        check_steps(filter(capacity, size, iterations, expansion), steps);
    }

    #[test]
    fn nothing_added_to_old_filters_is_lost(
        log in 0_u32..5,
        steps in vec(step(), 1..80),
    ) {
        check_steps(narrow(1 << log), steps);
    }

    #[test]
    fn batches_do_what_single_items_do(
        items in vec(vec(any::<u8>(), 0..12), 0..120),
        unique in any::<bool>(),
    ) {
        let mode = if unique { Mode::IfAbsent } else { Mode::Always };
        let (mut one, mut many) = (filter(16, 2, 5, 2), filter(16, 2, 5, 2));
        let singly: Vec<_> = items.iter().map(|item| one.add(item, mode, 3)).collect();
        let mut together = Vec::new();
        many.add_many(items.iter().map(Vec::as_slice), mode, 3, |added| together.push(added));
        prop_assert_eq!(singly, together);
        prop_assert!(one == many);
        let asked: Vec<_> = items.iter().map(|item| one.contains(item)).collect();
        let mut found = Vec::new();
        many.contains_many(items.iter().map(Vec::as_slice), |has| found.push(has));
        prop_assert_eq!(asked, found);
    }

    #[test]
    fn every_way_out_and_in_keeps_the_filter(
        size in 1_u8..6,
        expansion in 0_u16..4,
        items in vec(any::<u16>(), 0..200),
        removed in 0_usize..50,
        old in any::<bool>(),
    ) {
        let mut filter = if old { narrow(8) } else { filter(20, size, 10, expansion) };
        for number in &items {
            let _ = filter.add(&number.to_le_bytes(), Mode::Always, 20);
        }
        for number in items.iter().take(removed) {
            filter.remove(&number.to_le_bytes());
        }
        let copy = filter.clone();
        prop_assert!(copy == filter && digest(&copy) == digest(&filter));
        prop_assert_eq!(Memory::round_trip(&filter, 4), Ok(copy));
        prop_assert!(in_chunks(&filter) == filter);
        let loaded = Memory::round_trip(&filter, 4).unwrap();
        for number in items {
            let item = number.to_le_bytes();
            prop_assert_eq!(loaded.count(&item), filter.count(&item));
        }
    }

    #[test]
    fn no_header_and_no_chunk_does_harm(
        numbers in vec(prop_oneof![0_u64..5, Just(1 << 30), any::<u64>()], 4),
        short in vec(prop_oneof![0_u16..5, any::<u16>()], 3),
        extra in 0_usize..2,
        position in any::<u64>(),
        chunk in vec(any::<u8>(), 0..20),
    ) {
        let mut header: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        header.extend(short.iter().flat_map(|number| number.to_le_bytes()));
        header.extend(vec![0; extra]);
        if let Ok(mut filter) = Cuckoo::from_header(&header) {
            prop_assert_eq!(&filter.header()[..], header);
            let _ = filter.load_chunk(position, &chunk);
            let _ = filter.load_chunk(position % 64, &chunk);
            filter.remove(b"item");
        }
    }
}

/// By SCANDUMP and LOADCHUNK.
fn in_chunks(filter: &Cuckoo) -> Cuckoo {
    let mut made = Cuckoo::from_header(&filter.header()).unwrap();
    let mut position = 1;
    while let Some((behind, chunk)) = filter.chunk(position) {
        assert!(behind > position && chunk.len() <= CHUNK_MAX);
        made.load_chunk(behind, chunk).unwrap();
        position = behind;
    }
    made
}

#[test]
fn long_tables_go_in_pieces() {
    let mut filter = filter(40 << 20, 2, 20, 1);
    filter.add(b"item", Mode::Always, 32).unwrap();
    let mut position = 1;
    let mut lens = Vec::new();
    while let Some((behind, chunk)) = filter.chunk(position) {
        lens.push(chunk.len());
        position = behind;
    }
    assert_eq!(lens, [CHUNK_MAX; 4]);
    assert_eq!(filter.chunk(0), None);
    assert_eq!(filter.chunk(u64::MAX), None);
    let mut emitted = 0;
    filter.rewrite(&mut |_, _| emitted += 1);
    // The header and the two chunks an item can be in, one of which is all zeros.
    assert_eq!(emitted, 2);
}

#[test]
fn chunks_lie_within_one_table() {
    let mut filter = filter(8, 2, 0, 1);
    // Both of its buckets are one here.
    filter.add_many([&b"a"[..]; 5], Mode::Always, 32, |added| assert_eq!(added, Ok(true)));
    assert_eq!((filter.tables(), filter.size()), (3, 40 + 3 * (16 + 8)));
    let mut check = |position, chunk: &[u8], expected| {
        let before = digest(&filter);
        assert_eq!(filter.load_chunk(position, chunk), expected, "{position}");
        assert!(expected.is_ok() || digest(&filter) == before);
    };
    check(9, b"12345678", Ok(()));
    check(17, b"1", Ok(()));
    check(25, b"12345678", Ok(()));
    check(26, b"12345678", Err(BadChunk));
    check(10, b"12345678", Err(BadChunk));
    check(8, b"12345678", Err(BadChunk));
    check(9, b"123456789", Err(BadChunk));
    check(9, b"", Err(BadChunk));
    check(0, b"", Err(BadChunk));
    check(0, b"x", Err(BadChunk));
    check(u64::MAX, b"x", Err(BadChunk));
}

/// One after the other, each was looked for from the first table on: 2^31 steps.
#[test]
fn many_tables_go_in_pieces() {
    let tables = u64::try_from(TABLES_MAX).unwrap();
    let mut filter = Cuckoo::from_header(&header([1, 8, 0, tables], [2, 20, 1])).unwrap();
    for (table, position) in (0..tables).zip((1..).step_by(16)) {
        let [low, high, ..] = table.to_le_bytes();
        filter.load_chunk(position + 16, &[[low, high]; 8].concat()).unwrap();
        let (behind, chunk) = filter.chunk(position).unwrap();
        assert_eq!((behind, &chunk[14..]), (position + 16, &[low, high][..]));
    }
    assert_eq!(filter.chunk(tables * 16 + 1), None);
    assert_eq!(filter.load_chunk(tables * 16 + 17, &[0; 16]), Err(BadChunk));
}

fn header(long: [u64; 4], short: [u16; 3]) -> Vec<u8> {
    let long = long.into_iter().flat_map(u64::to_le_bytes);
    long.chain(short.into_iter().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn headers_are_checked_before_anything_is_allocated() {
    let check = |long, short, expected| {
        let found = Cuckoo::from_header(&header(long, short)).map(|filter| filter.tables());
        assert_eq!(found, expected, "{long:?} {short:?}");
    };
    check([0, 8, 0, 1], [2, 20, 1], Ok(1));
    check([0, 8, 0, 3], [2, 20, 4], Ok(3));
    check([u64::MAX, 8, u64::MAX, 1], [2, 0, 0], Ok(1));
    let refused = Err(BadHeader::Invalid);
    check([0, 0, 0, 1], [2, 20, 1], refused);
    check([0, 7, 0, 1], [2, 20, 1], refused);
    check([0, 8, 0, 0], [2, 20, 1], refused);
    check([0, 8, 0, 2], [2, 20, 0], refused);
    check([0, 8, 0, 1], [0, 20, 1], refused);
    check([0, 8, 0, 1], [256, 20, 1], refused);
    check([0, 8, 0, 1], [2, 20, 3], refused);
    check([0, 8, 0, 65_536], [2, 20, 1], refused);
    check([0, 8, 0, u64::MAX], [2, 20, 1], refused);
    check([0, 1 << 62, 0, 1], [255, 20, 1], refused);
    check([0, 1 << 32, 0, 1], [255, 20, 1], refused);
    check([0, 1 << 30, 0, 300], [2, 20, 1], refused);
    check([0, 8, 0, 9], [2, 20, 32_768], refused);
    assert_eq!(Cuckoo::from_header(b"").err(), Some(BadHeader::Invalid));
}

/// Evictions go through every slot of a full filter and back.
#[test]
fn a_refused_item_leaves_every_fingerprint_where_it_was() {
    for (size, iterations) in [(1, 1), (2, 65_535), (3, 500), (4, 20), (255, 300)] {
        let mut filter = filter(16 * u64::from(size), size, iterations, 0);
        let mut refused = 0;
        for number in 0..40_000_u32 {
            let before = (refused < 10).then(|| digest(&filter));
            if filter.add(&number.to_le_bytes(), Mode::Always, 32) == Err(Refused::Full) {
                refused += 1;
                assert!(before.is_none_or(|before| before == digest(&filter)), "{size}");
            }
            if refused > 12 {
                break;
            }
        }
        assert!(refused > 12);
    }
}

/// The budget of a batch is for items that find no slot: a thousand that find one after many moves
/// are put in as one by one.
#[test]
fn batches_evict_as_single_items_do() {
    let items: Vec<[u8; 4]> = (0..3_930_u32).map(u32::to_le_bytes).collect();
    let (mut batch, mut single) = (filter(4_096, 4, 65_535, 0), filter(4_096, 4, 65_535, 0));
    let slices = items.iter().map(<[u8; 4]>::as_slice);
    batch.add_many(slices, Mode::Always, 32, |added| assert_eq!(added, Ok(true)));
    for item in &items {
        assert_eq!(single.add(item, Mode::Always, 32), Ok(true));
    }
    assert_eq!(digest(&batch), digest(&single));
}

#[test]
fn growth_stops_where_it_is_told_to() {
    let mut filter = filter(2, 2, 1, 1);
    let mut add = |tables_max| filter.add(b"same", Mode::Always, tables_max);
    for tables in 1..=5 {
        assert_eq!(
            (add(tables), add(tables), add(tables)),
            (Ok(true), Ok(true), Err(Refused::Full))
        );
    }
    assert_eq!((add(6), filter.tables()), (Ok(true), 6));
}

#[test]
fn no_filter_has_more_tables_than_the_format_can_say() {
    let tables = u64::try_from(TABLES_MAX).unwrap();
    let head = [tables, 1, 0, 0, 1, 1, 1].map(Field::Unsigned);
    let table = || [Field::Unsigned(1), Field::Bytes(vec![1])];
    let fields = head.into_iter().chain((0..tables).flat_map(|_| table()));
    let mut filter: Cuckoo = fields.collect::<Memory>().load(4).unwrap();
    assert_eq!(filter.add(b"item", Mode::Always, usize::MAX), Err(Refused::Full));
    assert_eq!(filter.tables(), TABLES_MAX);
}

#[test]
fn a_table_nobody_has_memory_for_is_refused() {
    let mut filter = filter(2, 2, 1, 32_768);
    let refused = (0..100).find_map(|_| {
        let before = filter.items();
        let refused = filter.add(b"same", Mode::Always, 32).err()?;
        assert_eq!(filter.items(), before);
        Some(refused)
    });
    assert_eq!(refused, Some(Refused::NoMemory));
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
fn defragmentation_moves_every_block_in_steps_and_changes_nothing() {
    let mut filter = filter(8, 2, 3, 1);
    filter.add_many([&b"a"[..]; 50], Mode::Always, 32, |_| ());
    let (before, memory) = (filter.clone(), filter.memory());
    let (mut mover, mut from) = (EveryBlock(0), 0);
    while let Progress::Paused(next) = filter.defrag(&mut mover, from) {
        assert!(next > from, "no progress");
        from = next;
    }
    assert_eq!(mover.0, filter.tables() + 1);
    assert!(filter == before && memory >= filter.memory());
    assert!(filter.effort() == filter.tables());
}

#[test]
fn memory_is_what_the_tables_take() {
    let filter = filter(1 << 20, 4, 20, 1);
    assert!((1 << 20..(1 << 20) + 1000).contains(&filter.memory()));
    assert_eq!((filter.size(), filter.effort()), ((1 << 20) + 56, 2));
}
