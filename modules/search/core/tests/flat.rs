//! FLAT against the plainest list of vectors.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use keyspan_search_core::index::vector::{
    Cancel, Dimension, Element, Flat, Metric, Quantization, Scratch, Space,
};
use proptest::prelude::*;

const DIM: usize = 3;

fn blob(numbers: &[i8]) -> Vec<u8> {
    numbers.iter().flat_map(|x| f32::from(*x).to_le_bytes()).collect()
}

fn flat(metric: Metric, quantization: Quantization) -> Flat {
    let dimension = Dimension::new(DIM as u64).unwrap();
    Flat::new(Space::new(Element::Float32, metric, dimension, quantization))
}

fn distance(metric: Metric, a: &[i8], b: &[i8]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    match metric {
        Metric::L2 => pairs().map(|(a, b)| (a - b) * (a - b)).sum(),
        Metric::Ip | Metric::Cosine => 1.0 - pairs().map(|(a, b)| a * b).sum::<f64>(),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(u32, [i8; DIM]),
    Replace(u32, [i8; DIM]),
    Remove(u32),
    Search(usize, [i8; DIM]),
    Range(i8, [i8; DIM]),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let label = 0u32..12;
    let step = prop_oneof![
        4 => (label.clone(), any::<[i8; DIM]>()).prop_map(|(l, v)| Step::Add(l, v)),
        2 => (label.clone(), any::<[i8; DIM]>()).prop_map(|(l, v)| Step::Replace(l, v)),
        2 => label.prop_map(Step::Remove),
        2 => (0usize..15, any::<[i8; DIM]>()).prop_map(|(k, v)| Step::Search(k, v)),
        1 => (any::<i8>(), any::<[i8; DIM]>()).prop_map(|(r, v)| Step::Range(r, v)),
    ];
    prop::collection::vec(step, 1..80)
}

type Model = BTreeMap<u32, Vec<[i8; DIM]>>;

/// Labels and distances of all documents, nearest first.
fn ranked(model: &Model, metric: Metric, query: &[i8; DIM]) -> Vec<(u32, f64)> {
    let nearest = |vectors: &Vec<[i8; DIM]>| {
        vectors.iter().map(|v| distance(metric, query, v)).min_by(f64::total_cmp).unwrap()
    };
    let mut all: Vec<(u32, f64)> = model.iter().map(|(l, v)| (*l, nearest(v))).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    all
}

fn play(metric: Metric, quantization: Quantization, steps: &[Step]) {
    let (mut flat, mut model) = (flat(metric, quantization), Model::new());
    let (mut scratch, cancel) = (Scratch::default(), Cancel::new());
    for step in steps {
        match step {
            Step::Add(label, v) => {
                flat.add(*label, &flat.space().probe(&blob(v)).unwrap()).unwrap();
                model.entry(*label).or_default().push(*v);
            }
            Step::Replace(label, v) => {
                flat.replace(*label, &flat.space().probe(&blob(v)).unwrap()).unwrap();
                model.insert(*label, vec![*v]);
            }
            Step::Remove(label) => {
                let count = model.remove(label).map_or(0, |vectors| vectors.len());
                assert_eq!(flat.remove(*label), count);
                assert!(!flat.contains(*label));
            }
            Step::Search(k, v) => {
                let probe = flat.space().probe(&blob(v)).unwrap();
                let even = |label: u32| label.is_multiple_of(2);
                let found = flat.search(&probe, *k, &even, &mut scratch, &cancel);
                let among = [0, 2, 4, 6, 8, 10].into_iter();
                let same = flat.search_among(&probe, *k, among, &mut scratch, &cancel);
                assert_eq!(found, same);
                let mut expected = ranked(&model, metric, v);
                expected.retain(|(label, _)| even(*label));
                assert_eq!(found.neighbours.len(), expected.len().min(*k));
                if quantization == Quantization::None {
                    // Of those that are equally far, any may be the last.
                    let edge = found.neighbours.last().map(|n| n.distance);
                    let (sure, last): (Vec<_>, Vec<_>) = found
                        .neighbours
                        .iter()
                        .map(|n| (n.label, n.distance))
                        .partition(|(_, distance)| Some(*distance) != edge);
                    assert_eq!(expected.get(..sure.len()), Some(sure.as_slice()));
                    assert!(last.iter().all(|one| expected.contains(one)), "{last:?} {expected:?}");
                    assert!(last.is_sorted_by(|one, next| one.0 < next.0), "{last:?}");
                    let next = expected.get(sure.len()).map(|(_, distance)| *distance);
                    assert!(last.is_empty() || next == edge, "{last:?} {expected:?}");
                }
            }
            Step::Range(radius, v) => {
                let radius = f64::from(*radius) * 100.0;
                let probe = flat.space().probe(&blob(v)).unwrap();
                let found = flat.range(&probe, radius, &|_| true, &cancel);
                let mut expected = ranked(&model, metric, v);
                expected.retain(|(_, distance)| *distance <= radius);
                let found: Vec<_> =
                    found.neighbours.iter().map(|n| (n.label, n.distance)).collect();
                assert_eq!(found, expected);
            }
        }
        assert_eq!(flat.len(), model.values().map(Vec::len).sum::<usize>());
    }
}

proptest! {
    #[test]
    fn is_the_plain_list(steps in steps()) {
        for metric in [Metric::L2, Metric::Ip] {
            for quantization in [Quantization::None, Quantization::Sq8] {
                play(metric, quantization, &steps);
            }
        }
    }
}

#[test]
fn a_raised_flag_ends_the_search() {
    let mut flat = flat(Metric::L2, Quantization::None);
    for label in 0..100 {
        flat.add(label, &flat.space().probe(&blob(&[1, 2, 3])).unwrap()).unwrap();
    }
    let (probe, cancel) = (flat.space().probe(&blob(&[0, 0, 0])).unwrap(), Cancel::new());
    cancel.raise();
    let found = flat.search(&probe, 10, &|_| true, &mut Scratch::default(), &cancel);
    assert!(found.cancelled && found.neighbours.is_empty());
}
