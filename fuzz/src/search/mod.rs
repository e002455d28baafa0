//! Search: query texts, argument lists, records beside the keys of RDB files, graphs.

pub mod arguments;
pub mod aux;
pub mod graph;
pub mod query;

use keyspan_search_core::{
    documents::SortValue,
    engine::{Answer, Index, Input, Record, Request, Settings, Settled, Values},
    index::vector::{Cancel, Scratch},
    plan::{Order, Scoring},
    query::{Error, Node},
    schema::{Create, Field, Limits, Schema},
};

/// What schemas may not exceed here: enough to be wrong in every way.
const LIMITS: Limits = Limits {
    fields: 16,
    prefixes: 8,
    stopwords: 16,
    dimension: 16,
    m: 16,
    effort: 1000,
    capacity: 1 << 32,
};

/// A schema with every kind of field, its vectors of two floats.
const EVERYTHING: &str = "SCHEMA t TAG INDEXMISSING INDEXEMPTY SORTABLE c TAG CASESENSITIVE \
                          n NUMERIC g GEO SORTABLE v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 \
                          DISTANCE_METRIC L2 f VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC IP";

/// A document by its number: what fits into each kind of field, some of it missing.
struct Document<'a>(&'a Schema, u8);

impl Record for Document<'_> {
    fn value(&self, identifier: &[u8]) -> Option<Input> {
        use keyspan_search_core::schema::Kind;
        let field = self.0.fields.iter().find(|field| field.identifier() == identifier)?;
        let (Self(_, number), text) =
            (self, |text: String| Some(Input::Text(text.into_bytes().into())));
        match &field.kind {
            _ if number % 4 == 3 => None,
            Kind::Geo => text(format!("{number},{number}")),
            Kind::Numeric => text(number.to_string()),
            Kind::Shape { .. } | Kind::Text(_) | Kind::Tag(_) => text(format!("tag{number}, Two,")),
            Kind::Vector(vector) => {
                let size = usize::try_from(vector.blob_size()).expect("a small vector");
                Some(Input::Text(vec![number % 60 + 1; size].into()))
            }
        }
    }
}

/// No values but those of the index.
struct NoValues;

impl Values for NoValues {
    fn value(&self, key: &[u8], _: &Field) -> SortValue {
        SortValue::Text(key.into())
    }
}

fn words(line: &str) -> Vec<&[u8]> {
    line.split_whitespace().map(str::as_bytes).collect()
}

/// An index with a few documents, some of their vectors in graphs.
fn filled(schema: Schema) -> Index {
    let index = Index::new(schema, Settings::default());
    for number in 0..12 {
        if number == 8 {
            settle(&index);
        }
        let schema = index.schema();
        // What is refused is left out.
        let _ = index.put(&[b'k', number], &Document(&schema, number));
    }
    index
}

fn everything() -> Index {
    filled(Create::parse(&words(EVERYTHING), &LIMITS).expect("a schema").schema)
}

fn settle(index: &Index) {
    while index.settle(64, &mut Scratch::default(), &Cancel::new()) == Settled::Part {}
}

/// The answer to a query, which must be in order.
fn ask(
    index: &Index,
    query: &Node,
    order: Option<&Order>,
    limit: (u64, u64),
) -> Result<Answer, Error> {
    let request = Request { query, order, scoring: Scoring::Words, limit };
    let answer = index.search(&request, &mut Scratch::default(), &Cancel::new(), &NoValues)?;
    assert!(answer.total <= index.len() && answer.hits.len() as u64 <= answer.total.min(limit.1));
    let mut keys: Vec<_> = answer.hits.iter().map(|hit| &hit.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), answer.hits.len(), "a document stands twice");
    Ok(answer)
}
