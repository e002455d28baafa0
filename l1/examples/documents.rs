//! JSON documents, decoded once for each change and shared by all who read them.
//!
//! `cargo run -p keyspan-l1 --example documents -- [redis://127.0.0.1:6379]`; with the JSON module
//! loaded it uses documents of the server, else strings that hold JSON.

use std::env;
use std::sync::Arc;
use std::time::Instant;

use keyspan_l1::{Error, L1};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Product {
    name: String,
    price: f64,
    tags: Vec<String>,
}

/// Where the documents are: in the JSON module, or in strings.
#[derive(Clone, Copy, Debug)]
enum Store {
    Module,
    Strings,
}

const READS: u32 = 100_000;

fn document(price: f64) -> String {
    format!(r#"{{"name": "lamp", "price": {price}, "tags": ["light", "desk"]}}"#)
}

fn write(cache: &L1, store: Store, text: &str) -> Result<(), Error> {
    match store {
        Store::Module => cache.command(&["JSON.SET", "product:1", "$", text]).map(drop),
        Store::Strings => cache.set("product:1", text),
    }
}

fn read(cache: &L1, store: Store) -> Result<Option<Arc<Product>>, Error> {
    match store {
        Store::Module => cache.json("product:1", "."),
        Store::Strings => cache.decode("product:1", |text| serde_json::from_slice(text)),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = env::args().nth(1).unwrap_or("redis://127.0.0.1:6379".into());
    let cache = L1::builder(&server).build()?;
    cache.del(&["product:1"])?;
    let has_module = write(&cache, Store::Module, &document(1.0)).is_ok();
    let store = if has_module { Store::Module } else { Store::Strings };
    for price in [20.0, 25.0] {
        write(&cache, store, &document(price))?;
        let first = read(&cache, store)?.ok_or("nobody else deletes it")?;
        let start = Instant::now();
        for _ in 0..READS {
            let again = read(&cache, store)?.ok_or("nobody else deletes it")?;
            assert!(Arc::ptr_eq(&first, &again), "decoded again");
        }
        let took = start.elapsed() / READS;
        let Product { name, price, tags } = &*first;
        println!("{store:?}: {name} at {price}, {tags:?}: decoded once, read in {took:?} each");
    }
    Ok(())
}
