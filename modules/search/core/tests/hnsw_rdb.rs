//! Saving and loading graphs; whatever is broken in one is refused.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use keyspan_common::rdb::payload::Strings;
use keyspan_common::rdb::{Error, Field, Memory, PayloadReader, PayloadWriter};
use keyspan_search_core::index::vector::{
    Cancel, Dimension, Element, Flat, Hnsw, Metric, Params, Quantization, Scratch, Space,
};
use proptest::prelude::*;

const ELEMENTS: [Element; 6] = [
    Element::Float32,
    Element::Float64,
    Element::Float16,
    Element::Bfloat16,
    Element::Int8,
    Element::Uint8,
];

fn space(element: Element, metric: Metric, quantization: Quantization) -> Space {
    Space::new(element, metric, Dimension::new(4).unwrap(), quantization)
}

fn params() -> Params {
    Params::new(4, 20).unwrap()
}

/// The blob of small numbers, whatever the element: the bytes 0 and 1 to 63 in the highest place.
fn blob(space: &Space, seed: u32) -> Vec<u8> {
    let width = space.blob_bytes() / 4;
    let high = |place: usize| u8::try_from((seed as usize * 31 + place * 17) % 63 + 1).unwrap();
    (0..4 * width).map(|at| if at % width == width - 1 { high(at / width) } else { 0 }).collect()
}

fn built(space: Space, count: u32) -> Hnsw {
    let (mut hnsw, mut scratch) = (Hnsw::new(space, params()), Scratch::default());
    for seed in 0..count {
        let probe = hnsw.space().probe(&blob(hnsw.space(), seed)).unwrap();
        hnsw.add(seed * 3 % 256, &probe, &mut scratch).unwrap();
    }
    (0..count / 5).for_each(|label| {
        hnsw.remove(label * 7, &mut scratch);
    });
    hnsw
}

fn saved(hnsw: &Hnsw) -> Vec<Field> {
    let mut memory = Memory::default();
    hnsw.save(|label| label, &mut memory);
    memory.fields().cloned().collect()
}

/// The documents: all vectors that [`built`] knows, under all labels it may give.
fn documents(space: &Space) -> Flat {
    let mut documents = Flat::new(space.clone());
    for seed in 0..150 {
        let probe = space.probe(&blob(space, seed)).unwrap();
        documents.add(seed * 3 % 256, &probe).unwrap();
    }
    documents
}

fn load_from(fields: &[Field], space: Space, params: Params) -> Result<Hnsw, Error> {
    let mut memory: Memory = fields.iter().cloned().collect();
    let mut documents = documents(&space);
    let take = |label, digest| Some((label, documents.take(label, digest)?));
    let hnsw = Hnsw::load(&mut memory, (space, params), 150, take).map_err(|(error, _)| error)?;
    assert_eq!(memory.fields().count(), 0);
    Ok(hnsw)
}

fn load(fields: &[Field], space: Space) -> Result<Hnsw, Error> {
    load_from(fields, space, params())
}

#[test]
fn graphs_come_back_as_they_were() {
    for element in ELEMENTS {
        for metric in [Metric::L2, Metric::Ip, Metric::Cosine] {
            for quantization in [Quantization::None, Quantization::Sq8] {
                let space = space(element, metric, quantization);
                let mut hnsw = built(space.clone(), 150);
                let fields = saved(&hnsw);
                let mut loaded = load(&fields, space.clone()).unwrap();
                assert_eq!(saved(&loaded), fields);
                let (mut scratch, cancel) = (Scratch::default(), Cancel::new());
                // Both draw the same heights from then on.
                for seed in 500..520 {
                    let probe = space.probe(&blob(&space, seed)).unwrap();
                    let found = hnsw.search(&probe, 5, 20, &mut scratch, &cancel);
                    assert_eq!(loaded.search(&probe, 5, 20, &mut scratch, &cancel), found);
                    hnsw.add(seed, &probe, &mut scratch).unwrap();
                    loaded.add(seed, &probe, &mut scratch).unwrap();
                }
                assert_eq!(saved(&loaded), saved(&hnsw));
            }
        }
    }
}

#[test]
fn empty_and_foreign_graphs() {
    let here = space(Element::Float32, Metric::L2, Quantization::None);
    let empty = saved(&Hnsw::new(here.clone(), params()));
    assert!(load(&empty, here.clone()).unwrap().is_empty());
    let fields = saved(&built(here.clone(), 9));
    for other in [
        space(Element::Int8, Metric::L2, Quantization::None),
        space(Element::Float32, Metric::Ip, Quantization::None),
        space(Element::Float32, Metric::L2, Quantization::Sq8),
    ] {
        assert_eq!(load(&fields, other).err(), Some(Error::Invalid));
    }
    let params = Params::new(5, 20).unwrap();
    assert_eq!(load_from(&fields, here.clone(), params).err(), Some(Error::Invalid));
    for end in 0..fields.len() {
        assert_eq!(load(&fields[..end], here.clone()).err(), Some(Error::Truncated));
    }
    let mut fields = fields;
    fields[0] = Field::Unsigned(2);
    assert_eq!(load(&fields, here).err(), Some(Error::Version));
}

#[test]
fn vectors_that_are_gone_or_others() {
    let space = space(Element::Float32, Metric::L2, Quantization::None);
    let hnsw = built(space.clone(), 40);
    let check = |lost: usize, loads: bool| {
        let mut documents = documents(&space);
        let mut left = hnsw.len() - lost;
        let take = |label, digest| {
            left = left.checked_sub(1)?;
            Some((label, documents.take(label, digest)?))
        };
        let mut memory: Memory = saved(&hnsw).into_iter().collect();
        let mut loaded = Hnsw::load(&mut memory, (space.clone(), params()), 150, take).ok();
        assert_eq!(loaded.is_some(), loads, "{lost}");
        let Some(loaded) = &mut loaded else { return };
        assert_eq!(loaded.remove(loaded.lost(), &mut Scratch::default()), lost);
        assert!(loaded.is_valid() && loaded.len() == hnsw.len() - lost);
    };
    check(0, true);
    check(hnsw.len() / 4, true);
    check(hnsw.len() / 4 + 1, false);
    // More than there are: refused before a vector is read.
    let mut memory: Memory = saved(&hnsw).into_iter().collect();
    let few = hnsw.len() - hnsw.len() / 4 - 1;
    let loaded = Hnsw::load(&mut memory, (space.clone(), params()), few, |_, _| unreachable!());
    assert_eq!(loaded.err().map(|(error, _)| error), Some(Error::Invalid));
    let mut fields = saved(&hnsw);
    let Some(Field::Bytes(names)) = fields.get_mut(10) else { unreachable!() };
    names[4] ^= 1;
    let loaded = load(&fields, space).unwrap();
    assert!(loaded.contains(loaded.lost()));
}

proptest! {
    /// Any change of the links is refused, or makes another graph that keeps the rules; it never
    /// panics and never takes more memory than its bytes ask for.
    #[test]
    fn changed_bytes(changes in prop::collection::vec((any::<u32>(), any::<u8>()), 1..4)) {
        let space = space(Element::Int8, Metric::L2, Quantization::None);
        let mut fields = saved(&built(space.clone(), 60));
        let Some(Field::Bytes(links)) = fields.last_mut() else { unreachable!() };
        for (at, byte) in changes {
            let at = at as usize % links.len();
            links[at] = byte;
        }
        if let Ok(hnsw) = load(&fields, space) {
            prop_assert!(hnsw.is_valid());
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in any::<prop::sample::Index>()) {
        let space = space(Element::Int8, Metric::L2, Quantization::None);
        let mut writer = PayloadWriter::new(Strings::Plain);
        built(space.clone(), 30).save(|label| label, &mut writer);
        let mut whole = writer.into_body();
        let at = cut.index(whole.len());
        whole.truncate(at);
        whole.extend(bytes);
        let mut documents = documents(&space);
        let take = |label, digest| Some((label, documents.take(label, digest)?));
        let _ = Hnsw::load(&mut PayloadReader::new(&whole), (space, params()), 150, take);
    }
}

/// Loads a graph of vectors with these links: for each, its height and the list of each
/// layer.
fn check_links(nodes: &[(u8, &[&[u32]])], entry: u64, expected: bool) {
    let space = space(Element::Int8, Metric::L2, Quantization::None);
    let mut fields = saved(&Hnsw::new(space.clone(), params()));
    let (mut names, mut links) = (Vec::new(), Vec::new());
    for (label, (height, layers)) in (0u32..).zip(nodes) {
        names.extend(label.to_le_bytes());
        names.extend([0; 8]);
        links.push(*height);
        for list in *layers {
            links.extend(u16::try_from(list.len()).unwrap().to_le_bytes());
            links.extend(list.iter().flat_map(|slot| slot.to_le_bytes()));
        }
    }
    fields[7] = Field::Unsigned(nodes.len() as u64);
    fields[8] = Field::Unsigned(entry);
    fields.extend([names, links].map(Field::Bytes));
    let mut memory: Memory = fields.into_iter().collect();
    let probe = space.probe(&[1; 4]).unwrap();
    let take = |label, _| Some((label, probe.clone()));
    let loaded = Hnsw::load(&mut memory, (space, params()), 150, take).map_err(|(error, _)| error);
    assert_eq!(loaded.as_ref().err().copied(), (!expected).then_some(Error::Invalid), "{nodes:?}");
}

#[test]
fn graphs_that_break_a_rule() {
    check_links(&[(0, &[&[1]]), (0, &[&[0]])], 0, true);
    check_links(&[(1, &[&[1], &[1]]), (1, &[&[0], &[0]])], 1, true);
    // One direction only, below and above.
    check_links(&[(0, &[&[1]]), (0, &[&[]])], 0, false);
    check_links(&[(1, &[&[1], &[1]]), (1, &[&[0], &[]])], 0, false);
    // To itself, twice, to a node that is not there, to one that is not on the layer.
    check_links(&[(0, &[&[0]])], 0, false);
    check_links(&[(0, &[&[1, 1]]), (0, &[&[0, 0]])], 0, false);
    check_links(&[(0, &[&[2]]), (0, &[&[]])], 0, false);
    check_links(&[(0, &[&[u32::MAX]]), (0, &[&[]])], 0, false);
    check_links(&[(1, &[&[1], &[1]]), (0, &[&[0]])], 0, false);
    // More than there is room for, more layers than there may be.
    check_links(&[(0, &[&[1, 1, 1, 1, 1, 1, 1, 1, 1]]), (0, &[&[0]])], 0, false);
    check_links(&[(17, &[&[] as &[u32]; 18])], 0, false);
    // An entry of a lower layer, or none.
    check_links(&[(1, &[&[1], &[]]), (0, &[&[0]])], 1, false);
    check_links(&[(0, &[&[1]]), (0, &[&[0]])], 2, false);
}
