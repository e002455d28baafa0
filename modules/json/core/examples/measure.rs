//! Prints bytes per document and nanoseconds per operation: `cargo run --release --example measure`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use keyspan_json_core::node::Node;
use keyspan_json_core::{Document, print};

fn main() {
    println!(
        "{:16}{:>10}{:>10}{:>7}{:>12}{:>12}",
        "document", "text", "memory", "times", "parse", "print"
    );
    measure("small", 2000, true, small);
    measure("middle", 300, true, middle);
    measure("ever different", 20_000, false, different);
    measure("large", 2, true, |seed| large(seed, 39_000));
}

/// Makes `count` documents of different content and keeps the best of five runs over them.
fn measure(name: &str, count: usize, repeated: bool, text: impl Fn(usize) -> String) {
    let texts: Vec<String> = (0..count).map(text).collect();
    let parse = || texts.iter().filter_map(|text| Document::parse(text.as_bytes()).ok()).collect();
    if repeated {
        // The second documents of a structure are the ones that share it.
        let _: Vec<Document> = parse();
    }
    let documents: Vec<Document> = parse();
    let parsing = best(|| drop(black_box(parse())));
    let mut out = Vec::new();
    let printing = best(|| {
        for document in &documents {
            out.clear();
            let printed = print::compact(document.root(), &mut out, usize::MAX);
            black_box((printed.is_ok(), &out));
        }
    });
    let bytes: usize = texts.iter().map(String::len).sum();
    let memory: usize = documents.iter().map(Document::memory).sum();
    #[expect(clippy::cast_precision_loss, reason = "a ratio to print")]
    let times = memory as f64 / bytes as f64;
    println!(
        "{name:16}{:>10}{:>10}{times:>7.2}{:>9} ns{:>9} ns",
        bytes / count,
        memory / count,
        parsing / count as u128,
        printing / count as u128,
    );
    find(&documents);
}

/// The cost of one look-up and of reading the kind, over all documents.
fn find(documents: &[Document]) {
    let found = best(|| {
        for document in documents {
            black_box(document.root().find(b"address").map(|(_, value)| value.kind()));
        }
    });
    println!("{:16}one look-up: {} ns", "", found / documents.len() as u128);
}

fn best(mut work: impl FnMut()) -> u128 {
    let mut best = u128::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_nanos());
    }
    best
}

fn small(seed: usize) -> String {
    format!(
        "{{\"id\":{seed},\"name\":\"Customer {seed}\",\"email\":\"customer{seed}@example.com\",\
         \"age\":{},\"active\":true,\"score\":{}.25,\"address\":{{\"street\":\"{} Main Street\",\
         \"city\":\"Springfield\",\"zip\":\"{:05}\",\"geo\":{{\"lat\":40.7128,\"lon\":-74.006}}}},\
         \"tags\":[\"alpha\",\"beta\"],\"meta\":{{\"created\":\"2024-01-01T00:00:00Z\",\"v\":3}}}}",
        20 + seed % 60,
        seed % 100,
        seed % 500,
        seed % 100_000,
    )
}

fn middle(seed: usize) -> String {
    let mut items = String::new();
    for index in 0..20 {
        let separator = if index == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(
            items,
            "{separator}{{\"sku\":\"SKU-{:06}\",\"title\":\"Product number {index} of the catalogue\",\
             \"quantity\":{},\"price\":{}.99,\"discount\":0.{},\"options\":{{\"color\":\"dark green\",\
             \"size\":\"XL\",\"gift\":false}},\"warehouse\":\"central-{}\",\"weight\":{}.5}}",
            seed * 20 + index,
            1 + index % 5,
            10 + seed % 990,
            1 + index % 9,
            index % 4,
            index,
        );
    }
    format!(
        "{{\"order\":{seed},\"customer\":{},\"items\":[{items}],\"total\":{}.5}}",
        small(seed),
        seed * 3
    )
}

fn different(seed: usize) -> String {
    let members: Vec<String> = (0..10)
        .map(|index| {
            let number = (seed * 10 + index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!("\"k{number:012.12x}\":\"value{}\"", number % 1000)
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn large(seed: usize, records: usize) -> String {
    let record = |index: usize| {
        format!(
            "{{\"id\":{index},\"uuid\":\"{:032x}\",\"name\":\"record {index}\",\"value\":{}.125,\
             \"flags\":[1,2,{}],\"nested\":{{\"a\":{},\"b\":\"text {index}\",\"c\":null,\"ok\":true}},\
             \"time\":\"2024-05-06T07:08:09Z\",\"note\":\"lorem ipsum dolor sit\"}}",
            (index as u128 + seed as u128) * 0x9e37_79b9_7f4a_7c15_1234_5678,
            index % 1000,
            index % 100,
            index * 7,
        )
    };
    let records: Vec<String> = (0..records).map(record).collect();
    format!("{{\"records\":[{}]}}", records.join(","))
}
