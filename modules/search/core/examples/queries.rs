//! Measures queries of an index on embeddings in NumPy's format: the nearest 10 under filters.
//!
//! `queries DIRECTORY [COUNT] [none|sq8]`: puts the first COUNT rows of `base_f16.npy` (their graph
//! is kept in the target folder for the next time), and asks `query_f32.npy`. A field `r` numbers
//! documents at random, a field `p` by how near they are to one of them; filters are ranges of
//! these. Prints, for several EF_RUNTIME, recall, the time of a query and what the planner chose.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for measurements"
)]

mod support;

use std::cell::RefCell;
use std::time::Instant;

use keyspan_common::rdb::payload::Strings;
use keyspan_common::rdb::{PayloadReader, PayloadWriter};
use keyspan_search_core::documents::SortValue;
use keyspan_search_core::engine::{
    Answer, Index, Input, Record, Request, Settings, Settled, Values,
};
use keyspan_search_core::index::vector::{Cancel, Scratch};
use keyspan_search_core::plan::{Order, Scoring};
use keyspan_search_core::query::{Params, Reading, Stopwords, parse};
use keyspan_search_core::schema::{Create, Field, Limits};

/// A document: a vector and its numbers.
struct Document<'a>(&'a [u8], usize, usize);

impl Record for Document<'_> {
    fn value(&self, identifier: &[u8]) -> Option<Input> {
        Some(Input::Text(match identifier {
            b"v" => self.0.into(),
            b"r" => self.1.to_string().into_bytes().into(),
            _ => self.2.to_string().into_bytes().into(),
        }))
    }
}

struct None;

impl Values for None {
    fn value(&self, _: &[u8], _: &Field) -> SortValue {
        SortValue::Missing
    }
}

struct Bench {
    index: Index,
    queries: Vec<Vec<u8>>,
    scratch: RefCell<Scratch>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let directory = args.first().unwrap();
    let count: usize = args.get(1).map_or(20_000, |count| count.parse().unwrap());
    let sq8 = args.get(2).is_some_and(|name| name == "sq8");
    let base = support::base(directory, count);
    let queries = support::queries(directory);
    let bench = Bench { index: index(&base, sq8), queries, scratch: RefCell::default() };
    println!("memory {} B/document", bench.index.memory() / base.len() as u64);
    bench.ask("*", 1.0);
    for field in ["r", "p"] {
        for share in [1000, 100, 10, 2] {
            bench.ask(&format!("@{field}:[0 ({}]", count / share), 1.0 / share as f64);
        }
    }
}

/// The index, its graph from a file if there is one.
fn index(base: &[Vec<u8>], sq8: bool) -> Index {
    let count = if sq8 { "8 QUANTIZATION SQ8" } else { "6" };
    let line = format!(
        "SCHEMA r NUMERIC p NUMERIC v VECTOR HNSW {count} TYPE FLOAT32 DIM 384 DISTANCE_METRIC COSINE"
    );
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let schema = Create::parse(&words, &Limits::default()).unwrap().schema;
    let index = Index::new(schema, Settings::default());
    let near = by_distance(base, 7);
    let start = support::cpu_us();
    for (place, row) in base.iter().enumerate() {
        let random = place * 7919 % base.len();
        index.put(format!("doc:{place}").as_bytes(), &Document(row, random, near[place])).unwrap();
    }
    println!("put {:.1} us", (support::cpu_us() - start) / base.len() as f64);
    let path = format!("target/queries-{}-{sq8}", base.len());
    if let Ok(file) = std::fs::read(&path) {
        let start = support::cpu_us();
        index.load(&mut PayloadReader::new(&file)).unwrap();
        println!("load {:.2} us", (support::cpu_us() - start) / base.len() as f64);
        return index;
    }
    let start = support::cpu_us();
    while index.settle(1000, &mut Scratch::default(), &Cancel::new()) != Settled::All {}
    println!("settle {:.1} us", (support::cpu_us() - start) / base.len() as f64);
    let mut writer = PayloadWriter::new(Strings::Plain);
    index.save(&mut writer, false);
    std::fs::write(path, writer.into_body()).unwrap();
    index
}

/// The rank of each row by its inner product with the one at `from`.
fn by_distance(base: &[Vec<u8>], from: usize) -> Vec<usize> {
    let numbers = |row: &[u8]| -> Vec<f32> {
        row.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect()
    };
    let point = numbers(&base[from]);
    let dot = |row: &[u8]| numbers(row).iter().zip(&point).map(|(a, b)| a * b).sum::<f32>();
    let dots: Vec<f32> = base.iter().map(|row| dot(row)).collect();
    let mut order: Vec<usize> = (0..base.len()).collect();
    order.sort_by(|a, b| dots[*b].total_cmp(&dots[*a]));
    let mut ranks = vec![0; base.len()];
    order.iter().enumerate().for_each(|(rank, place)| ranks[*place] = rank);
    ranks
}

impl Bench {
    fn search(&self, text: &str, query: &[u8]) -> Answer {
        let mut params = Params::default();
        params.add(b"b", query);
        let stopwords = Stopwords::none();
        let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
        let query = parse(text.as_bytes(), &reading).unwrap();
        let order = Order { property: Box::from(*b"__v_score"), descending: false };
        let (order, scoring) = (Some(&order), Scoring::Words);
        let request = Request { query: &query, order, scoring, limit: (0, 10) };
        let scratch = &mut *self.scratch.borrow_mut();
        self.index.search(&request, scratch, &Cancel::new(), &None).unwrap()
    }

    /// Time is wall-clock time, for each query the best of three rounds, as others share the
    /// machine; reading the query and finding what is allowed are part of it.
    fn ask(&self, filter: &str, share: f64) {
        let queries = &self.queries[..300];
        let keys =
            |answer: Answer| -> Vec<_> { answer.hits.into_iter().map(|hit| hit.key).collect() };
        let all = if filter == "*" { "@r:[0 inf]" } else { filter };
        let exact = format!("({all})=>[KNN 10 @v $b HYBRID_POLICY ADHOC_BF]");
        let truth: Vec<_> = queries.iter().map(|query| keys(self.search(&exact, query))).collect();
        println!("{filter}, {:.1} %", share * 100.0);
        for ef in [10, 20, 50] {
            let text = if filter == "*" {
                format!("*=>[KNN 10 @v $b EF_RUNTIME {ef}]")
            } else {
                format!("({filter})=>[KNN 10 @v $b EF_RUNTIME {ef}]")
            };
            let (mut hits, mut best) = (0, vec![f64::INFINITY; queries.len()]);
            for _ in 0..3 {
                for ((query, truth), best) in queries.iter().zip(&truth).zip(&mut best) {
                    let start = Instant::now();
                    let answer = self.search(&text, query);
                    *best = best.min(start.elapsed().as_secs_f64() * 1e6);
                    assert_eq!(answer.hits.len(), truth.len());
                    hits += keys(answer).iter().filter(|key| truth.contains(key)).count();
                }
            }
            let recall = hits as f64 / (30.0 * queries.len() as f64);
            let us = best.iter().sum::<f64>() / best.len() as f64;
            let why = self.search(&text, &queries[0]).choice.unwrap();
            println!("  ef {ef:2} recall {recall:.4} {us:7.1} us  {why}");
        }
    }
}
