//! An index and documents for it, made in a line.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;

use keyspan_search_core::documents::SortValue;
use keyspan_search_core::engine::{
    Answer, Index, Input, Record, Request, Settings, Settled, Values,
};
use keyspan_search_core::index::vector::{Cancel, Scratch};
use keyspan_search_core::plan::{Order, Scoring};
use keyspan_search_core::query::{Node, Params, Reading, Stopwords, parse};
use keyspan_search_core::schema::{Create, Field, Limits};

/// Numbers from 0 to 1, the same for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f32::from(u16::try_from(x >> 48).unwrap()) / 65_536.0
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let below = (self.next() * end as f32).floor();
        (0..end).find(|number| *number as f32 >= below).unwrap_or(0)
    }

    /// The blob of a vector.
    pub(crate) fn vector(&mut self, dimension: usize) -> Vec<u8> {
        (0..dimension).flat_map(|_| (self.next() * 2.0 - 1.0).to_le_bytes()).collect()
    }
}

/// A hash.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hash(pub(crate) BTreeMap<&'static str, Vec<u8>>);

impl Hash {
    pub(crate) fn of<const N: usize>(fields: [(&'static str, Vec<u8>); N]) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl Record for Hash {
    fn value(&self, identifier: &[u8]) -> Option<Input> {
        let name = std::str::from_utf8(identifier).unwrap();
        self.0.get(name).map(|text| Input::Text(text.as_slice().into()))
    }
}

/// No values but those of the index.
pub(crate) struct NoValues;

impl Values for NoValues {
    fn value(&self, _: &[u8], _: &Field) -> SortValue {
        SortValue::Missing
    }
}

pub(crate) fn index(line: &str) -> Index {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    Index::new(Create::parse(&words, &Limits::default()).unwrap().schema, Settings::default())
}

/// The query of a text in dialect 2, with `b` as the parameter.
pub(crate) fn query(text: &str, blob: &[u8]) -> Node {
    let mut params = Params::default();
    params.add(b"b", blob);
    let stopwords = Stopwords::none();
    let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
    parse(text.as_bytes(), &reading).unwrap()
}

/// Up to 10,000 results; those of vectors the nearest first.
pub(crate) fn search(index: &Index, query: &Node, scratch: &mut Scratch) -> Answer {
    let order = Order { property: Box::from(*b"__v_score"), descending: false };
    let order = matches!(query.kind, keyspan_search_core::query::Kind::Knn(_)).then_some(&order);
    let request = Request { query, order, scoring: Scoring::Words, limit: (0, 10_000) };
    index.search(&request, scratch, &Cancel::new(), &NoValues).unwrap()
}

pub(crate) fn settle(index: &Index) {
    while index.settle(64, &mut Scratch::default(), &Cancel::new()) != Settled::All {}
}

pub(crate) fn settle_some(index: &Index, budget: usize) {
    index.settle(budget, &mut Scratch::default(), &Cancel::new());
}

pub(crate) fn keys(answer: &Answer) -> Vec<String> {
    answer.hits.iter().map(|hit| String::from_utf8(hit.key.to_vec()).unwrap()).collect()
}
