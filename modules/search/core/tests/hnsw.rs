//! HNSW against measuring every vector: random steps on small graphs, recall and churn on larger.

#![expect(clippy::unwrap_used, reason = "tests")]

use keyspan_search_core::index::vector::{
    Cancel, Dimension, Element, Flat, Found, Hnsw, Metric, Params, Probe, Quantization, Scratch,
    Space,
};
use proptest::prelude::*;

/// Numbers from -1 to 1, the same for the same seed.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f32::from(u16::try_from(x >> 48).unwrap()) / 32_768.0 - 1.0
    }

    /// A vector around one of 40 centres that are far from one another and from 0.
    fn clustered(&mut self, dim: usize) -> Vec<u8> {
        let centre = (self.next().abs() * 40.0).floor();
        let mut centres = Draws(centre.to_bits().into());
        (0..dim).flat_map(|_| (centres.next() * 9.0 + self.next()).to_le_bytes()).collect()
    }
}

fn space(metric: Metric, quantization: Quantization, dim: u64) -> Space {
    Space::new(Element::Float32, metric, Dimension::new(dim).unwrap(), quantization)
}

/// A graph, and the same vectors without.
struct Pair {
    hnsw: Hnsw,
    flat: Flat,
    scratch: Scratch,
    cancel: Cancel,
}

impl Pair {
    fn new(metric: Metric, quantization: Quantization, dim: u64, params: (u64, u64)) -> Self {
        let params = Params::new(params.0, params.1).unwrap();
        Self {
            hnsw: Hnsw::new(space(metric, quantization, dim), params),
            flat: Flat::new(space(metric, Quantization::None, dim)),
            scratch: Scratch::default(),
            cancel: Cancel::new(),
        }
    }

    fn probes(&self, blob: &[u8]) -> (Probe, Probe) {
        (self.hnsw.space().probe(blob).unwrap(), self.flat.space().probe(blob).unwrap())
    }

    fn add(&mut self, label: u32, blob: &[u8]) {
        let (near, exact) = self.probes(blob);
        self.hnsw.add(label, &near, &mut self.scratch).unwrap();
        self.flat.add(label, &exact).unwrap();
    }

    fn replace(&mut self, label: u32, blob: &[u8]) {
        let (near, exact) = self.probes(blob);
        self.hnsw.replace(label, &near, &mut self.scratch).unwrap();
        self.flat.replace(label, &exact).unwrap();
    }

    fn remove(&mut self, label: u32) {
        assert_eq!(self.hnsw.remove(label, &mut self.scratch), self.flat.remove(label));
        assert!(!self.hnsw.contains(label));
    }

    /// What the graph finds and what there is.
    fn search(&mut self, blob: &[u8], k: usize, ef: usize) -> (Found, Found) {
        let (near, exact) = self.probes(blob);
        let (scratch, cancel) = (&mut self.scratch, &self.cancel);
        let found = self.hnsw.search(&near, k, ef, scratch, cancel);
        (found, self.flat.search(&exact, k, &|_| true, scratch, cancel))
    }

    /// The same among even labels: through the graph, in two hops, one by one, and what there is.
    fn search_even(&mut self, blob: &[u8], k: usize, ef: usize) -> [Found; 4] {
        let (near, exact) = self.probes(blob);
        let (scratch, cancel) = (&mut self.scratch, &self.cancel);
        let even = |label: u32| label.is_multiple_of(2);
        let labels = (0..100_000).step_by(2);
        [
            self.hnsw.search_allowed(&near, k, ef, &even, scratch, cancel),
            self.hnsw.search_two_hops(&near, (k, ef), &even, (0..40).step_by(4), scratch, cancel),
            self.hnsw.search_among(&near, k, labels, scratch, cancel),
            self.flat.search(&exact, k, &even, scratch, cancel),
        ]
    }

    fn range(&mut self, blob: &[u8], radius: f64, ef: usize) -> (Found, Found) {
        let (near, exact) = self.probes(blob);
        let (scratch, cancel) = (&mut self.scratch, &self.cancel);
        let found = self.hnsw.range(&near, (radius, 0.2), ef, scratch, cancel);
        (found, self.flat.range(&exact, radius, &|_| true, cancel))
    }

    /// The share of the nearest 10 that is found, over 200 searches.
    fn recall(&mut self, dim: usize, ef: usize) -> f64 {
        let mut draws = Draws(77);
        let mut hits = 0;
        for _ in 0..200 {
            let (found, truth) = self.search(&draws.clustered(dim), 10, ef);
            hits += common(&found, &truth);
        }
        f64::from(u32::try_from(hits).unwrap()) / 2000.0
    }
}

fn common(found: &Found, truth: &Found) -> usize {
    let labels: Vec<u32> = truth.neighbours.iter().map(|n| n.label).collect();
    found.neighbours.iter().filter(|n| labels.contains(&n.label)).count()
}

#[derive(Clone, Debug)]
enum Step {
    Add(u32, [i8; 2]),
    Replace(u32, [i8; 2]),
    Remove(u32),
    Search(usize, [i8; 2]),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (label, point) = (0u32..60, prop::array::uniform2(-20i8..20));
    let step = prop_oneof![
        8 => (label.clone(), point.clone()).prop_map(|(l, v)| Step::Add(l, v)),
        2 => (label.clone(), point.clone()).prop_map(|(l, v)| Step::Replace(l, v)),
        3 => label.prop_map(Step::Remove),
        2 => (0usize..30, point).prop_map(|(k, v)| Step::Search(k, v)),
    ];
    prop::collection::vec(step, 1..200)
}

fn blob(point: &[i8]) -> Vec<u8> {
    point.iter().flat_map(|x| f32::from(*x).to_le_bytes()).collect()
}

/// Who of those that are equally far comes last is a matter of the order they came in.
fn distances(found: &Found) -> Vec<f64> {
    found.neighbours.iter().map(|n| n.distance).collect()
}

/// With all in view a search finds what there is, whatever came before.
fn play(metric: Metric, quantization: Quantization, m: u64, steps: &[Step]) {
    let mut pair = Pair::new(metric, quantization, 2, (m, 40));
    for step in steps {
        match step {
            Step::Add(label, point) => pair.add(*label, &blob(point)),
            Step::Replace(label, point) => pair.replace(*label, &blob(point)),
            Step::Remove(label) => pair.remove(*label),
            Step::Search(k, point) => {
                let (found, truth) = pair.search(&blob(point), *k, 1000);
                assert_eq!(distances(&found), distances(&truth));
                let [found, two, among, truth] = pair.search_even(&blob(point), *k, 1000);
                assert_eq!(distances(&found), distances(&truth));
                assert!(two.neighbours.iter().all(|one| one.label % 2 == 0));
                assert_eq!(among.neighbours.len(), truth.neighbours.len());
                let radius = f64::from(u32::try_from(*k).unwrap()) * 20.0;
                let (found, truth) = pair.range(&blob(point), radius, 1000);
                assert_eq!(found, truth);
            }
        }
        assert!(pair.hnsw.is_valid());
        assert_eq!(pair.hnsw.len(), pair.flat.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn finds_what_there_is(steps in steps()) {
        play(Metric::L2, Quantization::None, 4, &steps);
        play(Metric::L2, Quantization::Sq8, 8, &steps);
    }

    #[test]
    fn keeps_its_rules_with_few_links(steps in steps()) {
        let without: Vec<Step> =
            steps.into_iter().filter(|step| !matches!(step, Step::Search(..))).collect();
        play(Metric::L2, Quantization::None, 2, &without);
        play(Metric::Ip, Quantization::None, 2, &without);
    }
}

const DIM: usize = 24;

fn built(metric: Metric, quantization: Quantization, count: u32, seed: u64) -> Pair {
    let mut pair = Pair::new(metric, quantization, DIM as u64, (16, 60));
    let mut draws = Draws(seed);
    (0..count).for_each(|label| pair.add(label, &draws.clustered(DIM)));
    pair
}

#[test]
fn recall() {
    for metric in [Metric::L2, Metric::Cosine, Metric::Ip] {
        for quantization in [Quantization::None, Quantization::Sq8] {
            let mut pair = built(metric, quantization, 600, 1);
            let recall = [10, 40, 120].map(|ef| pair.recall(DIM, ef));
            assert!(recall[1] > 0.95 && recall[2] > 0.98, "{metric:?} {quantization:?} {recall:?}");
        }
    }
}

#[test]
fn filtered_and_range() {
    for quantization in [Quantization::None, Quantization::Sq8] {
        let mut pair = built(Metric::L2, quantization, 800, 2);
        let mut draws = Draws(5);
        let (mut walked, mut hopped, mut measured, mut ranged, mut within) = (0, 0, 0, 0, 0);
        for _ in 0..100 {
            let query = draws.clustered(DIM);
            let [found, two, among, truth] = pair.search_even(&query, 10, 60);
            hopped += common(&two, &truth);
            assert!(found.neighbours.iter().all(|n| n.label.is_multiple_of(2)));
            walked += common(&found, &truth);
            measured += common(&among, &truth);
            let (found, truth) = pair.range(&query, 14.0, 10);
            assert!(found.neighbours.iter().all(|n| n.distance <= 14.0));
            ranged += common(&found, &truth);
            within += truth.neighbours.len();
        }
        assert!(walked > 970 && hopped > 970, "{quantization:?} {walked} {hopped}");
        assert!(measured > 995, "{quantization:?} {measured}");
        assert!(within > 500 && ranged * 100 > within * 98, "{quantization:?} {ranged} {within}");
    }
}

#[test]
fn churn_costs_neither_recall_nor_memory() {
    for quantization in [Quantization::None, Quantization::Sq8] {
        let count = 401;
        let mut pair = built(Metric::L2, quantization, count, 3);
        let mut draws = Draws(4);
        for round in 0..9u64 {
            for place in 0..count {
                // A step without a common divisor visits all, in another order each round.
                let label = u32::try_from(u64::from(place) * (301 + round * 2) % 401).unwrap();
                pair.replace(label, &draws.clustered(DIM));
            }
        }
        let mut fresh = Pair::new(Metric::L2, quantization, DIM as u64, (16, 60));
        for label in (0..count).map(|place| place * 1301 % count) {
            let last = draws.clustered(DIM);
            pair.replace(label, &last);
            fresh.add(label, &last);
        }
        assert!(pair.hnsw.is_valid());
        for ef in [15, 40, 100] {
            let (old, new) = (pair.recall(DIM, ef), fresh.recall(DIM, ef));
            assert!(old > new - 0.01, "{quantization:?} {ef}: {old} {new}");
        }
        let (old, new) = (pair.hnsw.memory(), fresh.hnsw.memory());
        assert!(old < new + new / 10, "{old} {new}");
        (0..count).for_each(|label| pair.remove(label));
        assert!(pair.hnsw.is_empty() && pair.hnsw.memory() < 20_000, "{}", pair.hnsw.memory());
        assert!(pair.hnsw.is_valid());
    }
}

#[test]
fn nothing_is_found_in_nothing() {
    let mut pair = Pair::new(Metric::L2, Quantization::None, 2, (4, 10));
    let empty = Found::default();
    assert_eq!(pair.search(&blob(&[0, 0]), 5, 5), (empty.clone(), empty.clone()));
    pair.add(7, &blob(&[1, 1]));
    assert_eq!(pair.search(&blob(&[0, 0]), 0, 5).0, empty);
    assert_eq!(pair.search(&blob(&[0, 0]), usize::MAX, usize::MAX).0.neighbours.len(), 1);
    pair.cancel.raise();
    assert!(pair.search(&blob(&[0, 0]), 5, 5).0.cancelled);
    for (m, ef, ok) in [
        (1, 10, false),
        (2, 1, true),
        (512, 1_000_000, true),
        (513, 10, false),
        (16, 0, false),
        (16, 1_000_001, false),
        (u64::MAX, u64::MAX, false),
    ] {
        assert_eq!(Params::new(m, ef).is_some(), ok);
    }
}
