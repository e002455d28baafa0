//! What a search is expected to take, roughly: short ones are done where they come up, as handing one
//! to another thread and back takes longer.

use keyspan_search_core::plan::Costs;
use keyspan_search_core::query::{Kind, Node};
use keyspan_search_core::schema::{Algorithm, Schema, Vector};

/// Nanoseconds of any search, as measured: parsing, the page, the lock.
const BASE_NS: f64 = 3000.0;
/// Nanoseconds a document of a set costs at most: sets are compressed, but results are sorted.
const DOCUMENT_NS: f64 = 10.0;

/// Nanoseconds to find what `query` matches among so many documents.
pub(super) fn estimate(query: &Node, schema: &Schema, documents: u64) -> f64 {
    BASE_NS + node(query, schema, documents as f64)
}

fn node(query: &Node, schema: &Schema, documents: f64) -> f64 {
    let vector = |field: &[u8]| schema.field(field).and_then(|field| field.vector());
    match &query.kind {
        Kind::Knn(knn) => {
            let filter = knn.filter.as_ref().map(|filter| node(filter, schema, documents));
            let walk = vector(&knn.field).map_or(0.0, |vector| {
                // Filters pass over all at worst, and options may ask for as much.
                let is_plain = filter.is_none() && knn.options.is_empty();
                let k = if is_plain { knn.k as f64 } else { documents };
                search(vector, documents, k)
            });
            filter.unwrap_or(0.0) + walk + k_results(knn.k, documents)
        }
        Kind::Within(within) => {
            vector(&within.field).map_or(0.0, |vector| search(vector, documents, documents))
        }
        Kind::All
        | Kind::And(_)
        | Kind::Exact(_)
        | Kind::Geo(_)
        | Kind::Keys(_)
        | Kind::Missing(_)
        | Kind::Not(_)
        | Kind::Nothing
        | Kind::Numeric(_)
        | Kind::Optional(_)
        | Kind::Or(_)
        | Kind::Tags(..)
        | Kind::Text(_) => {
            let children = query.children().iter().map(|child| node(child, schema, documents));
            documents * DOCUMENT_NS + children.sum::<f64>()
        }
    }
}

fn k_results(k: u64, documents: f64) -> f64 {
    (k as f64).min(documents) * DOCUMENT_NS
}

/// Nanoseconds to find the `k` nearest: a walk over a graph, or all compared.
fn search(vector: &Vector, documents: f64, k: f64) -> f64 {
    let costs = |has_graph| Costs::of(vector.blob_size(), has_graph);
    let all = documents * costs(false).row;
    match vector.algorithm {
        Algorithm::Flat { .. } => all,
        Algorithm::Hnsw { ef_runtime, .. } => {
            let visits = 8.0 * (ef_runtime as f64).max(k) + 10.0 * documents.max(2.0).log2();
            visits.min(documents) * costs(true).hop
        }
    }
}

#[cfg(test)]
mod tests {
    use keyspan_search_core::query::{Params, Reading, Stopwords, parse};
    use keyspan_search_core::schema::{Create, Limits};

    use super::*;

    fn check(query: &str, dimension: u32, documents: u64, is_quick: bool) {
        let line =
            format!("SCHEMA v VECTOR HNSW 6 TYPE FLOAT32 DIM {dimension} DISTANCE_METRIC L2 t TAG");
        let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
        let schema = Create::parse(&words, &Limits::default()).unwrap().schema;
        let mut params = Params::default();
        params.add(b"q", b"");
        let stopwords = Stopwords::none();
        let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
        let query_of = parse(query.as_bytes(), &reading).unwrap();
        let us = estimate(&query_of, &schema, documents) / 1000.0;
        assert_eq!(us < 25.0, is_quick, "{query} over {documents}: {us} us");
    }

    #[test]
    fn short_searches_are_told_from_long_ones() {
        check("*=>[KNN 10 @v $q]", 64, 20_000, true);
        check("*=>[KNN 10 @v $q]", 768, 20_000, false);
        check("*=>[KNN 500 @v $q]", 64, 20_000, false);
        check("@t:{a}=>[KNN 10 @v $q]", 64, 200, true);
        check("*=>[KNN 10 @v $q EF_RUNTIME 100000]", 64, 20_000, false);
        check("@t:{a}=>[KNN 10 @v $q]", 64, 20_000, false);
        check("@t:{a}", 64, 1000, true);
        check("@t:{a} | @t:{b}", 64, 1_000_000, false);
        check("@v:[VECTOR_RANGE 1 $q]", 64, 20_000, false);
    }
}
