//! Measures the vector index on embeddings in NumPy's format.
//!
//! `vectors DIRECTORY [COUNT] [none|sq8] [LEVEL] [turns]`: builds from `base_f16.npy` (the first
//! COUNT rows), asks `query_f32.npy`, and prints time to build, memory, and for a row of ef values
//! recall of the nearest 10 and time for a query; with `turns` for each ef that comes in by a line,
//! so that programs can take turns. Times are CPU time of one thread, but for loading and filters
//! (wall clock).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for measurements"
)]

mod support;

use std::time::Instant;

use keyspan_common::rdb::Memory;
use keyspan_search_core::index::vector::{
    Cancel, Dimension, Element, Flat, Hnsw, Metric, Params, Quantization, Scratch, Space,
};
use keyspan_search_core::simd::Level;

const K: usize = 10;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let directory = args.first().unwrap();
    let count = args.get(1).map_or(usize::MAX, |count| count.parse().unwrap());
    let sq8 = args.get(2).is_some_and(|name| name == "sq8");
    let level = match args.get(3).map(String::as_str) {
        Some("portable") => Level::Portable,
        Some("avx2") => Level::Avx2,
        Some("avx512") => Level::Avx512,
        _ => Level::best(),
    };
    let base = support::base(directory, count);
    let queries = support::queries(directory);
    let dimension = Dimension::new(base[0].len() as u64 / 4).unwrap();
    let quantization = if sq8 { Quantization::Sq8 } else { Quantization::None };
    let space = |quantization| {
        Space::with_level(Element::Float32, Metric::Cosine, dimension, quantization, level)
    };
    let truth = truth(space(Quantization::None), &base, &queries);
    let index = build(space(quantization), &base);
    reload(&index, &base);
    if args.get(4).is_some_and(|word| word == "turns") {
        return turns(&index, &queries, &truth);
    }
    filtered(&index, &queries, base.len());
    sweep(&index, &queries, &truth);
}

/// Asks all queries with each ef that comes in.
fn turns(index: &Hnsw, queries: &[Vec<u8>], truth: &[Vec<u32>]) {
    println!("ready");
    for line in std::io::stdin().lines() {
        let ef = line.unwrap().parse().unwrap();
        let (recall, us) = ask(index, queries, truth, ef, 1);
        println!("{ef} {recall:.4} {us:.1}");
    }
}

fn reload(index: &Hnsw, base: &[Vec<u8>]) {
    let mut saved = Memory::default();
    index.save(|label| label, &mut saved);
    let mut documents = Flat::new(index.space().clone());
    for (label, row) in base.iter().enumerate() {
        let probe = index.space().probe(row).unwrap();
        documents.add(u32::try_from(label).unwrap(), &probe).unwrap();
    }
    let start = Instant::now();
    let take = |label, digest| Some((label, documents.take(label, digest).unwrap()));
    let loaded = Hnsw::load(&mut saved, (index.space().clone(), index.params()), base.len(), take);
    let loaded = loaded.map_err(|(error, _)| error).unwrap();
    let us = start.elapsed().as_secs_f64() * 1e6 / loaded.len() as f64;
    println!("load {us:.2} us/vector");
}

/// Searches among one in `step` documents, drawn without regard to the query.
fn filtered(index: &Hnsw, queries: &[Vec<u8>], count: usize) {
    let (mut scratch, cancel) = (Scratch::default(), Cancel::new());
    let count = u32::try_from(count).unwrap();
    for step in [1000, 100, 10, 2] {
        let spread = |label: u32| label.wrapping_mul(2_654_435_761) >> 4;
        let allowed = |label: u32| spread(label).is_multiple_of(step);
        let labels: Vec<u32> = (0..count).filter(|label| allowed(*label)).collect();
        let (mut hits, mut all, mut walked, mut among) = (0, 0, 0.0, 0.0);
        for query in queries.iter().take(200) {
            let probe = index.space().probe(query).unwrap();
            let start = Instant::now();
            let truth =
                index.search_among(&probe, K, labels.iter().copied(), &mut scratch, &cancel);
            among += start.elapsed().as_secs_f64() * 1e6;
            let start = Instant::now();
            let found = index.search_allowed(&probe, K, 20, &allowed, &mut scratch, &cancel);
            walked += start.elapsed().as_secs_f64() * 1e6;
            all += truth.neighbours.len();
            hits += found.neighbours.iter().filter(|n| truth.neighbours.contains(n)).count();
        }
        println!(
            "1/{step} allowed: one by one {:.1} us, ef 20 {:.1} us with recall {:.4}",
            among / 200.0,
            walked / 200.0,
            hits as f64 / all as f64
        );
    }
}

fn sweep(index: &Hnsw, queries: &[Vec<u8>], truth: &[Vec<u32>]) {
    println!("{:.2} links a vector, ef recall us", index.mean_links());
    for ef in [10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 400] {
        let (recall, us) = ask(index, queries, truth, ef, 5);
        println!("{ef} {recall:.4} {us:.1}");
    }
}

fn build(space: Space, base: &[Vec<u8>]) -> Hnsw {
    let mut index = Hnsw::new(space, Params::new(16, 200).unwrap());
    let mut scratch = Scratch::default();
    let start = support::cpu_us();
    for (label, row) in base.iter().enumerate() {
        let probe = index.space().probe(row).unwrap();
        index.add(u32::try_from(label).unwrap(), &probe, &mut scratch).unwrap();
    }
    let us = (support::cpu_us() - start) / base.len() as f64;
    let (memory, overhead) = (index.memory() / base.len(), index.overhead() / base.len());
    println!(
        "{} vectors: build {us:.1} us/vector, {memory} B/vector, {overhead} B besides rows",
        base.len()
    );
    index
}

fn truth(space: Space, base: &[Vec<u8>], queries: &[Vec<u8>]) -> Vec<Vec<u32>> {
    let mut flat = Flat::new(space);
    for (label, row) in base.iter().enumerate() {
        let probe = flat.space().probe(row).unwrap();
        flat.add(u32::try_from(label).unwrap(), &probe).unwrap();
    }
    let (mut scratch, cancel) = (Scratch::default(), Cancel::new());
    let start = Instant::now();
    let truth = queries
        .iter()
        .map(|query| {
            let probe = flat.space().probe(query).unwrap();
            let found = flat.search(&probe, K, &|_| true, &mut scratch, &cancel);
            found.neighbours.iter().map(|n| n.label).collect()
        })
        .collect();
    println!("flat: {:.1} us/query", start.elapsed().as_secs_f64() * 1e6 / queries.len() as f64);
    truth
}

/// Recall and the least time of a query of so many rounds.
fn ask(
    index: &Hnsw,
    queries: &[Vec<u8>],
    truth: &[Vec<u32>],
    ef: usize,
    rounds: usize,
) -> (f64, f64) {
    let (mut scratch, cancel) = (Scratch::default(), Cancel::new());
    let (mut hits, mut best) = (0, f64::INFINITY);
    for _ in 0..rounds {
        hits = 0;
        let start = support::cpu_us();
        for (query, truth) in queries.iter().zip(truth) {
            let probe = index.space().probe(query).unwrap();
            let found = index.search(&probe, K, ef, &mut scratch, &cancel);
            hits += found.neighbours.iter().filter(|n| truth.contains(&n.label)).count();
        }
        best = best.min((support::cpu_us() - start) / queries.len() as f64);
    }
    (hits as f64 / (queries.len() * K) as f64, best)
}
