//! Measures what changing every vector, again and again, leaves of a graph.
//!
//! `churn DIRECTORY [COUNT] [none|sq8] [ROUNDS]`: builds a graph of the first COUNT rows of
//! `base_f16.npy` and replaces every vector ROUNDS times (10), each time in another random order: by
//! a blend with the row of another document, in the last round by the row itself. Prints, after each
//! round and for a graph built at once of what is there at the end, CPU time of a replacement (or
//! insertion), memory for each vector, links, and recall of the nearest 10 of `query_f32.npy`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for measurements"
)]

mod support;

use keyspan_search_core::index::vector::{
    Cancel, Dimension, Element, Hnsw, Metric, Params, Quantization, Scratch, Space,
};

const K: usize = 10;
const EF: [usize; 4] = [10, 20, 50, 100];
const QUERIES: usize = 500;

/// How much of a blend is the other row.
const SHARE: f32 = 0.3;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let count = args.get(1).map_or(usize::MAX, |count| count.parse().unwrap());
    let sq8 = args.get(2).is_some_and(|name| name == "sq8");
    let rounds: u64 = args.get(3).map_or(10, |rounds| rounds.parse().unwrap());
    let base = support::base(&args[0], count);
    let mut queries = support::queries(&args[0]);
    queries.truncate(QUERIES);
    let dimension = Dimension::new(base[0].len() as u64 / 4).unwrap();
    let quantization = if sq8 { Quantization::Sq8 } else { Quantization::None };
    let space = Space::new(Element::Float32, Metric::Cosine, dimension, quantization);
    println!("round, us, B/vector, links, recall at ef {EF:?} of {} vectors", base.len());
    let (mut index, us) = built(&space, &base, 0);
    report("start", us, &index, &queries);
    for round in 1..=rounds {
        let blend = (round < rounds).then_some(round);
        let us = replaced(&mut index, &base, round, blend);
        report(&round.to_string(), us, &index, &queries);
    }
    assert!(index.is_valid());
    drop(index);
    let (fresh, us) = built(&space, &base, rounds + 1);
    report("fresh", us, &fresh, &queries);
}

/// A graph of all rows, in the random order of a round, and the time of an insertion.
fn built(space: &Space, base: &[Vec<u8>], round: u64) -> (Hnsw, f64) {
    let (mut index, mut scratch) =
        (Hnsw::new(space.clone(), Params::new(16, 200).unwrap()), Scratch::default());
    let start = support::cpu_us();
    for place in order(base.len(), round) {
        let probe = space.probe(&base[place]).unwrap();
        index.add(label(place), &probe, &mut scratch).unwrap();
    }
    (index, (support::cpu_us() - start) / base.len() as f64)
}

/// Replaces every vector once; the time of a replacement.
fn replaced(index: &mut Hnsw, base: &[Vec<u8>], round: u64, blend: Option<u64>) -> f64 {
    let mut scratch = Scratch::default();
    let start = support::cpu_us();
    for place in order(base.len(), round) {
        let row = match blend {
            Some(round) => {
                let other = mixed(place as u64 ^ round << 40) % base.len() as u64;
                blended(&base[place], &base[usize::try_from(other).unwrap()])
            }
            None => base[place].clone(),
        };
        let probe = index.space().probe(&row).unwrap();
        index.replace(label(place), &probe, &mut scratch).unwrap();
    }
    (support::cpu_us() - start) / base.len() as f64
}

fn blended(row: &[u8], other: &[u8]) -> Vec<u8> {
    let pairs = row.as_chunks::<4>().0.iter().zip(other.as_chunks::<4>().0);
    let blend = |(a, b): (&[u8; 4], &[u8; 4])| {
        let (a, b) = (f32::from_le_bytes(*a), f32::from_le_bytes(*b));
        (a + SHARE * (b - a)).to_le_bytes()
    };
    pairs.flat_map(blend).collect()
}

fn label(place: usize) -> u32 {
    u32::try_from(place).unwrap()
}

/// The finalizer of SplitMix64.
const fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The numbers below `count` in a random order.
fn order(count: usize, round: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|place| mixed(mixed(round) ^ *place as u64));
    order
}

fn report(name: &str, us: f64, index: &Hnsw, queries: &[Vec<u8>]) {
    let (mut scratch, cancel) = (Scratch::default(), Cancel::new());
    let mut hits = [0; EF.len()];
    for query in queries {
        let probe = index.space().probe(query).unwrap();
        let truth = index.search_all(&probe, K, &|_| true, &mut scratch, &cancel);
        for (hits, ef) in hits.iter_mut().zip(EF) {
            let found = index.search(&probe, K, ef, &mut scratch, &cancel);
            *hits += found.neighbours.iter().filter(|one| truth.neighbours.contains(one)).count();
        }
    }
    let recalls = hits.map(|hits| format!(" {:.4}", hits as f64 / (queries.len() * K) as f64));
    let bytes = index.memory() / index.len();
    println!("{name} {us:.1} {bytes} {:.2}{}", index.mean_links(), recalls.concat());
}
