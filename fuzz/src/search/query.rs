//! Query texts. Input: a byte for the dialect, the text up to [`MARK`], and the vector of its
//! parameter.

use keyspan_search_core::query::{Kind, Node, Params, Reading, Stopwords, explain, parse};

use super::{ask, everything};

/// Ends the text.
const MARK: u8 = 0xff;
/// Longer texts teach nothing new.
const INPUT_MAX: usize = 4 << 10;

/// Reads the text, prints its tree, and asks an index with every kind of field.
pub fn check(input: &[u8]) {
    let [dialect, rest @ ..] = input else { return };
    let rest = &rest[..rest.len().min(INPUT_MAX)];
    let end = rest.iter().position(|byte| *byte == MARK).unwrap_or(rest.len());
    let (text, blob) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let mut params = Params::default();
    for (name, value) in [("b", blob), ("vec", &[1; 8]), ("n", b"3"), ("t", b"two")] {
        params.add(name.as_bytes(), value);
    }
    let stopwords = Stopwords::of(None);
    let reading = Reading { dialect: dialect % 4 + 1, params: &params, stopwords: &stopwords };
    let Ok(query) = parse(text, &reading) else { return };
    let index = everything();
    assert!(!explain(&query, &index.schema()).is_empty());
    answer(&query);
}

fn answer(query: &Node) {
    let index = everything();
    let Ok(answer) = ask(&index, query, None, (0, 100)) else { return };
    if let Kind::Knn(knn) = &query.kind {
        assert!(answer.total <= knn.k);
        return;
    }
    // The rest is what its opposite is not.
    let opposite = Kind::Not(Box::new(query.clone())).into();
    let rest = ask(&index, &opposite, None, (0, 100)).expect("as right as the query");
    assert_eq!(answer.total + rest.total, index.len());
    assert!(!rest.hits.iter().any(|hit| answer.hits.iter().any(|other| other.key == hit.key)));
}
