//! Measures filtered searches on embeddings in NumPy's format.
//!
//! `filters DIRECTORY [COUNT] [none|sq8]`: builds a graph of the first COUNT rows of `base_f16.npy`
//! (kept in the target folder for the next time), and asks `query_f32.npy` for the nearest 10 among
//! the documents of filters of several sizes: drawn at random, and those nearest to a point that the
//! query is near to or far from. For each way to search: recall, and the time of a query.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for measurements"
)]

mod support;

use std::time::Instant;

use keyspan_common::rdb::payload::Strings;
use keyspan_common::rdb::{PayloadReader, PayloadWriter};
use keyspan_search_core::index::vector::{
    Cancel, Dimension, Element, Flat, Found, Hnsw, Metric, Params, Probe, Quantization, Scratch,
    Space,
};

const K: usize = 10;

/// A way to search.
type Way<'a> = (&'a str, &'a mut dyn FnMut(&Probe, &mut Scratch) -> Found);

struct Bench {
    index: Hnsw,
    queries: Vec<Probe>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let directory = args.first().unwrap();
    let count: usize = args.get(1).map_or(20_000, |count| count.parse().unwrap());
    let sq8 = args.get(2).is_some_and(|name| name == "sq8");
    let quantization = if sq8 { Quantization::Sq8 } else { Quantization::None };
    let base = support::base(directory, count);
    let dimension = Dimension::new(base[0].len() as u64 / 4).unwrap();
    let space = Space::new(Element::Float32, Metric::Cosine, dimension, quantization);
    let queries = support::queries(directory);
    let queries: Vec<Probe> = queries.iter().map(|row| space.probe(row).unwrap()).collect();
    let bench = Bench { index: graph(space, &base), queries };
    for (name, order) in [("random", random(base.len())), ("region", region(&bench, &base[7]))] {
        for share in [1000, 100, 10, 2] {
            bench.filtered(name, &order, base.len() / share);
        }
    }
}

/// The graph, from a file if there is one.
fn graph(space: Space, base: &[Vec<u8>]) -> Hnsw {
    let params = Params::new(16, 200).unwrap();
    let path = format!("target/filters-{}-{:?}", base.len(), space.quantization());
    let mut flat = Flat::new(space.clone());
    for (label, row) in (0..).zip(base) {
        flat.add(label, &space.probe(row).unwrap()).unwrap();
    }
    if let Ok(file) = std::fs::read(&path) {
        let take = |label, digest| Some((label, flat.take(label, digest).unwrap()));
        return Hnsw::load(&mut PayloadReader::new(&file), (space, params), base.len(), take)
            .unwrap();
    }
    let (mut index, mut scratch) = (Hnsw::new(space.clone(), params), Scratch::default());
    for (label, row) in (0..).zip(base) {
        index.add(label, &space.probe(row).unwrap(), &mut scratch).unwrap();
    }
    let mut writer = PayloadWriter::new(Strings::Plain);
    index.save(|label| label, &mut writer);
    std::fs::write(path, writer.into_body()).unwrap();
    index
}

/// The documents in an order that has nothing to do with their vectors.
fn random(count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(count).unwrap()).collect();
    order.sort_by_key(|label| label.wrapping_mul(2_654_435_761).rotate_left(11).wrapping_mul(7919));
    order
}

/// The documents by how near they are to `point`.
fn region(bench: &Bench, point: &[u8]) -> Vec<u32> {
    let probe = bench.index.space().probe(point).unwrap();
    let all = bench.index.len();
    let found =
        bench.index.search_all(&probe, all, &|_| true, &mut Scratch::default(), &Cancel::new());
    found.neighbours.iter().map(|one| one.label).collect()
}

impl Bench {
    fn filtered(&self, name: &str, order: &[u32], allowed: usize) {
        let mut labels = order[..allowed].to_vec();
        labels.sort_unstable();
        let mut bits = vec![0_u64; self.index.len() / 64 + 1];
        labels.iter().for_each(|label| bits[*label as usize / 64] |= 1 << (label % 64));
        let allows = |label: u32| bits[label as usize / 64] >> (label % 64) & 1 == 1;
        let seeds: Vec<u32> = labels.iter().copied().step_by(allowed.div_ceil(24)).collect();
        let (index, cancel) = (&self.index, Cancel::new());
        let truth: Vec<Found> = self
            .queries
            .iter()
            .map(|probe| {
                let labels = labels.iter().copied();
                index.search_among(probe, K, labels, &mut Scratch::default(), &cancel)
            })
            .collect();
        println!("{name} {:.1} %", 100.0 * allowed as f64 / index.len() as f64);
        let mut scan = |probe: &Probe, scratch: &mut Scratch| {
            index.search_among(probe, K, labels.iter().copied(), scratch, &cancel)
        };
        self.measure(("scan", &mut scan), &truth);
        for ef in [10, 20, 50, 100] {
            let mut two = |probe: &Probe, scratch: &mut Scratch| {
                let seeds = seeds.iter().copied();
                index.search_two_hops(probe, (K, ef), &allows, seeds, scratch, &cancel)
            };
            self.measure((&format!("two hops, ef {ef}"), &mut two), &truth);
        }
        for ef in [10, 20, 50] {
            let mut walk = |probe: &Probe, scratch: &mut Scratch| {
                index.search_allowed(probe, K, ef, &allows, scratch, &cancel)
            };
            if allowed * 50 > index.len() {
                self.measure((&format!("all links, ef {ef}"), &mut walk), &truth);
            }
        }
    }

    /// Wall-clock time, for each query the best of three rounds, as others share the machine.
    fn measure(&self, (name, way): Way<'_>, truth: &[Found]) {
        let (mut hits, mut all) = (0, 0);
        let mut scratch = Scratch::default();
        let mut best = vec![f64::INFINITY; self.queries.len().min(300)];
        for _ in 0..3 {
            for ((probe, truth), best) in self.queries.iter().zip(truth).zip(&mut best) {
                let start = Instant::now();
                let found = way(probe, &mut scratch);
                *best = best.min(start.elapsed().as_secs_f64() * 1e6);
                all += truth.neighbours.len();
                hits += found.neighbours.iter().filter(|n| truth.neighbours.contains(n)).count();
            }
        }
        let us = best.iter().sum::<f64>() / best.len() as f64;
        println!("  {name:18} recall {:.4}  {us:7.1} us", hits as f64 / all.max(1) as f64);
    }
}
