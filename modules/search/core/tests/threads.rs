//! An index that several threads change, search and settle at once.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use keyspan_search_core::engine::Index;
use keyspan_search_core::index::vector::{Cancel, Scratch};
use support::{Draws, Hash, index, keys, query, search, settle};

const DIMENSION: usize = 8;

fn schema(algorithm: &str) -> String {
    format!("SCHEMA t TAG v VECTOR {algorithm} TYPE FLOAT32 DIM {DIMENSION} DISTANCE_METRIC L2")
}

/// One change after the other, as the main thread makes them; what was put is found at once.
fn change(index: &Index, steps: usize) -> BTreeMap<String, Hash> {
    let (mut draws, mut model, mut scratch) = (Draws(1), BTreeMap::new(), Scratch::default());
    for step in 0..steps {
        let key = format!("k{}", draws.below(150));
        match draws.below(8) {
            0 => {
                index.remove(key.as_bytes());
                model.remove(&key);
            }
            1 => {
                let to = format!("k{}", draws.below(150));
                index.rename(key.as_bytes(), to.as_bytes());
                if let Some(hash) = model.remove(&key) {
                    model.insert(to, hash);
                }
            }
            _ => {
                let tag = format!("t{}", draws.below(3)).into_bytes();
                let hash = Hash::of([("t", tag), ("v", draws.vector(DIMENSION))]);
                index.put(key.as_bytes(), &hash).unwrap();
                if step % 16 == 0 {
                    let query = query("*=>[KNN 1 @v $b]", &hash.0["v"]);
                    let answer = search(index, &query, &mut scratch);
                    assert_eq!(
                        (keys(&answer)[0].as_str(), answer.hits[0].distances[0]),
                        (&*key, Some(0.0))
                    );
                }
                model.insert(key, hash);
            }
        }
    }
    model
}

/// Whatever the moment, an answer is one that some moment could give.
fn ask(index: &Index, seed: u64, done: &AtomicBool) -> usize {
    let (mut draws, mut scratch, mut count) = (Draws(seed), Scratch::default(), 0);
    while !done.load(Relaxed) {
        let filter = ["*", "@t:{t1}", "(-@t:{t1})"][draws.below(3)];
        let query = query(&format!("{filter}=>[KNN 20 @v $b]"), &draws.vector(DIMENSION));
        let answer = search(index, &query, &mut scratch);
        let mut keys = keys(&answer);
        let distances: Vec<f64> = answer.hits.iter().filter_map(|hit| hit.distances[0]).collect();
        assert!(distances.is_sorted() && distances.len() == keys.len() && keys.len() <= 20);
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), distances.len());
        count += 1;
    }
    count
}

fn work(index: &Index, done: &AtomicBool) {
    let mut scratch = Scratch::default();
    while !done.load(Relaxed) {
        index.settle(3, &mut scratch, &Cancel::new());
    }
}

/// The nearest 10 of what is left, one by one.
fn check(index: &Index, model: &BTreeMap<String, Hash>) {
    let (mut draws, mut scratch) = (Draws(9), Scratch::default());
    assert_eq!(index.info().documents, model.len() as u64);
    for _ in 0..20 {
        let blob = draws.vector(DIMENSION);
        let numbers = |blob: &[u8]| -> Vec<f32> {
            blob.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect()
        };
        let to = |other: &[u8]| -> f32 {
            numbers(&blob).iter().zip(numbers(other)).map(|(a, b)| (a - b).powi(2)).sum()
        };
        let mut truth: Vec<(f32, &str)> =
            model.iter().map(|(key, hash)| (to(&hash.0["v"]), key.as_str())).collect();
        truth.sort_by(|a, b| a.0.total_cmp(&b.0));
        let nearest: Vec<&str> = truth.iter().take(10).map(|(_, key)| *key).collect();
        let query = query("*=>[KNN 10 @v $b EF_RUNTIME 300]", &blob);
        assert_eq!(keys(&search(index, &query, &mut scratch)), nearest);
    }
}

#[test]
fn all_at_once() {
    let index = index(&schema("HNSW 10 M 6 EF_CONSTRUCTION 40"));
    let done = AtomicBool::new(false);
    let model = std::thread::scope(|scope| {
        let searches = [2, 3].map(|seed| {
            scope.spawn({
                let (index, done) = (&index, &done);
                move || ask(index, seed, done)
            })
        });
        for _ in 0..2 {
            scope.spawn(|| work(&index, &done));
        }
        let model = change(&index, 4000);
        done.store(true, Relaxed);
        assert!(searches.into_iter().all(|search| search.join().unwrap() > 0));
        model
    });
    check(&index, &model);
    settle(&index);
    assert_eq!(index.backlog(), 0);
    check(&index, &model);
}
