//! An index under changes, searches and restarts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::ledger::{Apply, Ledger, OVERTAKES};
use super::*;
use crate::documents::SortValue;
use crate::index::vector::{Cancel, Scratch};
use crate::query::{Params, Reading, Stopwords, parse};
use crate::schema::{Create, Field, Limits};

/// A hash.
struct Hash(BTreeMap<Vec<u8>, Vec<u8>>);

impl Record for Hash {
    fn value(&self, identifier: &[u8]) -> Option<Input> {
        self.0.get(identifier).map(|text| Input::Text(text.as_slice().into()))
    }
}

impl Values for () {
    fn value(&self, key: &[u8], _: &Field) -> SortValue {
        SortValue::Text(key.into())
    }
}

fn index(line: &str) -> Index {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    Index::new(Create::parse(&words, &Limits::default()).unwrap().schema, Settings::default())
}

fn vector(numbers: [f32; 2]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn hash(tag: &str, number: &str, numbers: [f32; 2]) -> Hash {
    let pairs = [("t", tag.into()), ("n", number.into()), ("v", vector(numbers))];
    Hash(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn search(index: &Index, text: &str, near: [f32; 2]) -> Answer {
    let mut params = Params::default();
    params.add(b"b", &vector(near));
    let stopwords = Stopwords::none();
    let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
    let query = parse(text.as_bytes(), &reading).unwrap();
    let order = crate::plan::Order { property: Box::from(*b"__v_score"), descending: false };
    let order = text.contains("KNN").then_some(&order);
    let request =
        Request { query: &query, order, scoring: crate::plan::Scoring::Words, limit: (0, 10) };
    index.search(&request, &mut Scratch::default(), &Cancel::new(), &()).unwrap()
}

fn check(index: &Index, text: &str, expected: &[&str]) {
    let answer = search(index, text, [0.0, 0.0]);
    let keys: Vec<_> = answer.hits.iter().map(|hit| String::from_utf8_lossy(&hit.key)).collect();
    assert_eq!(keys, expected, "{text}");
    assert_eq!(answer.total, expected.len() as u64);
}

const SCHEMA: &str = "SCHEMA t TAG n NUMERIC v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";

#[test]
fn documents_are_found_as_they_come_and_go() {
    let index = index(SCHEMA);
    for (number, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let x = number as f32 + 1.0;
        let tag = if number % 2 == 0 { "even" } else { "odd" };
        index.put(key.as_bytes(), &hash(tag, &number.to_string(), [x, 0.0])).unwrap();
    }
    check(&index, "@t:{even}", &["a", "c"]);
    check(&index, "@n:[1 2]", &["b", "c"]);
    for _ in 0..2 {
        check(&index, "*=>[KNN 2 @v $b]", &["a", "b"]);
        check(&index, "@t:{odd}=>[KNN 2 @v $b]", &["b", "d"]);
        check(&index, "@v:[VECTOR_RANGE 4.5 $b]", &["a", "b"]);
        while index.settle(1, &mut Scratch::default(), &Cancel::new()) != Settled::All {}
        assert_eq!(index.backlog(), 0);
    }
    index.put(b"a", &hash("even", "0", [9.0, 0.0])).unwrap();
    index.remove(b"c");
    index.rename(b"d", b"e");
    for _ in 0..2 {
        check(&index, "*=>[KNN 4 @v $b]", &["b", "e", "a"]);
        check(&index, "@t:{even}=>[KNN 2 @v $b]", &["a"]);
        while index.settle(1, &mut Scratch::default(), &Cancel::new()) != Settled::All {}
    }
    assert_eq!(index.tag_values(b"t").unwrap(), [Box::from(*b"even"), Box::from(*b"odd")]);
}

#[test]
fn a_plan_is_told_without_a_search() {
    let index = index(SCHEMA);
    (0..9).for_each(|key: u8| index.put(&[key], &hash("t", "1", [1.0, 1.0])).unwrap());
    let plan = |text: &str| {
        let mut params = Params::default();
        params.add(b"b", &vector([0.0, 0.0]));
        let stopwords = Stopwords::none();
        let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
        let query = parse(text.as_bytes(), &reading).unwrap();
        index.plan(&query, &Cancel::new()).unwrap().map(|choice| choice.to_string())
    };
    assert_eq!(plan("@t:{t}"), None);
    assert!(plan("*=>[KNN 2 @v $b]").unwrap().starts_with("brute force over 9 of 9 vectors"));
    let filtered = plan("@n:[1 1]=>[KNN 2 @v $b]").unwrap();
    assert!(filtered.starts_with("brute force over 9 of 9 vectors (100.0 %), estimated cheapest"));
}

#[test]
fn what_is_queued_counts_as_there() {
    let index = index(SCHEMA);
    let put = |key: &str| index.put(key.as_bytes(), &hash("t", "1", [1.0, 1.0])).unwrap();
    let check = |expected: &str| {
        let there = |key: &&str| index.contains(key.as_bytes());
        let found: String = ["a", "b", "c", "d"].into_iter().filter(there).collect();
        assert_eq!(found, expected);
    };
    put("a");
    put("b");
    let hold = index.hold();
    index.rename(b"b", b"c");
    check("ac");
    index.rename(b"x", b"a");
    check("ac");
    index.remove(b"a");
    put("d");
    index.rename(b"d", b"a");
    index.rename(b"a", b"a");
    check("ac");
    index.remove(b"c");
    index.rename(b"c", b"b");
    check("a");
    assert_eq!(index.len(), 2);
    drop(hold);
    assert_eq!((index.info().documents, index.len()), (1, 1));
    check("a");
}

#[test]
fn vectors_without_distances_are_refused() {
    use crate::code::Coded;
    let check = |metric: &str, point: [f32; 2], expected: &str| {
        let index = index(&SCHEMA.replace("L2", metric));
        let mut params = Params::default();
        params.add(b"b", &vector(point));
        let stopwords = Stopwords::none();
        let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
        for text in ["*=>[KNN 1 @v $b]", "@v:[VECTOR_RANGE 1 $b]"] {
            let query = parse(text.as_bytes(), &reading).unwrap();
            let scoring = crate::plan::Scoring::Words;
            let request = Request { query: &query, order: None, scoring, limit: (0, 9) };
            let (scratch, cancel) = (&mut Scratch::default(), Cancel::new());
            let found = index.search(&request, scratch, &cancel, &()).map_err(|error| error.text());
            let text = found.err().unwrap_or_default();
            assert!(text.ends_with(expected), "{text}");
        }
    };
    check("COSINE", [0.0, 0.0], "query vector is zero, which has no cosine");
    check("L2", [f32::NAN, 0.0], "query vector has elements that are not finite");
    check("L2", [0.0, 0.0], "");
}

#[test]
fn what_cannot_be_indexed_is_left_out_and_named() {
    let index = index(SCHEMA);
    index.put(b"a", &hash("x", "1", [1.0, 0.0])).unwrap();
    let failure = index.put(b"a", &hash("x", "one", [1.0, 0.0])).unwrap_err();
    assert_eq!(failure.place, 1);
    index.put(b"b", &hash("x", "1", [f32::NAN, 0.0])).unwrap_err();
    let info = index.info();
    assert_eq!((info.documents, info.errors.count, info.fields[1].errors.count), (0, 2, 1));
    assert_eq!(info.errors.key.as_deref(), Some(&b"b"[..]));
    assert_eq!(info.fields[1].errors.last.as_deref(), Some("Invalid numeric value: 'one'"));
}

#[test]
fn graphs_come_back_without_being_built() {
    use keyspan_common::rdb::{Error, Memory};
    let put = |index: &Index, number: u8, x: f32| {
        index.put(&[number], &hash("t", "1", [x, 0.0])).unwrap();
    };
    let saved = index(SCHEMA);
    (0..40).for_each(|number| put(&saved, number, number.into()));
    while saved.settle(8, &mut Scratch::default(), &Cancel::new()) != Settled::All {}
    // In the record, but gone or changed when it is read: 3 and 4. Not in it: 50.
    put(&saved, 3, 90.0);
    let mut record = Memory::default();
    saved.save(&mut record, false);
    let loaded = index(SCHEMA);
    for number in (5..40).rev().chain([3, 50]) {
        put(&loaded, number, number.into());
    }
    loaded.load(&mut record.clone()).unwrap();
    let info = loaded.info();
    assert_eq!((info.fields[2].fresh, info.fields[2].marked_deleted), (1, 1));
    assert_eq!(search(&loaded, "*=>[KNN 3 @v $b]", [0.0, 0.0]).hits.len(), 3);
    while loaded.settle(1, &mut Scratch::default(), &Cancel::new()) != Settled::All {}
    let found = search(&loaded, "*=>[KNN 3 @v $b]", [0.0, 0.0]).hits;
    assert_eq!(found.iter().map(|hit| hit.key[0]).collect::<Vec<_>>(), [3, 5, 6]);
    // A record of another graph: everything stays as it was, and is linked anew.
    let other = index(&SCHEMA.replace("L2", "IP"));
    (0..40).for_each(|number| put(&other, number, number.into()));
    assert_eq!(other.load(&mut record), Err(Error::Invalid));
    assert_eq!(other.info().fields[2].fresh, 40);
}

/// A JSON document: what its paths match.
struct Paths(Vec<(&'static str, Vec<Json>)>);

impl Record for Paths {
    fn value(&self, identifier: &[u8]) -> Option<Input> {
        let paths = self.0.iter().find(|(path, _)| path.as_bytes() == identifier);
        paths.map(|(_, values)| Input::Json(values.clone()))
    }
}

fn text(text: &str) -> Json {
    Json::Text(text.as_bytes().into())
}

fn point(numbers: [f64; 2]) -> Json {
    Json::Array(numbers.map(Json::Number).to_vec())
}

const JSON: &str = "ON JSON SCHEMA $.t AS t TAG $.n AS n NUMERIC SORTABLE $.g AS g GEO \
                    $.v AS v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";

#[test]
fn json_values_are_one_or_several() {
    let index = index(JSON);
    let put = |key: &str, paths: Vec<(&'static str, Vec<Json>)>| {
        index.put(key.as_bytes(), &Paths(paths)).unwrap();
    };
    let array = |items: Vec<Json>| vec![Json::Array(items)];
    put("one", vec![("$.t", vec![text("a,b")]), ("$.n", vec![Json::Number(1.0)])]);
    put(
        "many",
        vec![
            ("$.t", array(vec![text("x"), Json::Null, text("y")])),
            ("$.n", array(vec![Json::Number(5.0), Json::Number(7.0)])),
            ("$.g", array(vec![text("1,2"), text("3,4")])),
            ("$.v", array(vec![point([9.0, 0.0]), point([2.0, 0.0])])),
        ],
    );
    put(
        "path",
        vec![
            ("$.t", vec![text("z"), text("y")]),
            ("$.v", vec![point([1.0, 0.0]), point([8.0, 0.0])]),
        ],
    );
    put("null", vec![("$.t", vec![Json::Bool(true)]), ("$.v", vec![Json::Null])]);
    put("single", vec![("$.v", vec![point([3.0, 0.0])])]);
    check(&index, r"@t:{a\,b}", &["one"]);
    check(&index, "@t:{y}", &["many", "path"]);
    check(&index, "@t:{true}", &["null"]);
    check(&index, "@n:[6 8]", &["many"]);
    check(&index, "@g:[3 4 1 km]", &["many"]);
    check(&index, "*=>[KNN 5 @v $b]", &["path", "many", "single"]);
    let found = search(&index, "@v:[VECTOR_RANGE 9 $b]=>{$yield_distance_as: d}", [0.0, 0.0]);
    let distances: Vec<_> = found.hits.iter().map(|hit| hit.distances[0].unwrap()).collect();
    assert_eq!(distances, [4.0, 1.0, 9.0]);
}

#[test]
fn json_values_of_the_wrong_kind_are_refused() {
    let index = index(JSON);
    let check = |path: &'static str, value: Json, expected: &str| {
        let failure = index.put(b"k", &Paths(vec![(path, vec![value])])).unwrap_err();
        assert!(failure.reject.text().contains(expected), "{}", failure.reject.text());
    };
    check("$.t", Json::Number(1.0), "Numeric type can represent only NUMERIC");
    check("$.t", Json::Object, "Object type is not supported");
    check("$.t", Json::Array(vec![Json::Bool(true)]), "Boolean type");
    check("$.n", text("1"), "String type");
    check("$.n", Json::Bool(true), "Boolean type");
    check("$.g", text("here"), "Invalid geo string");
    check("$.v", text("12345678"), "Vector must be an array");
    check("$.v", Json::Array(vec![text("a"), text("b")]), "Vector must be an array");
    check("$.v", Json::Array(vec![Json::Number(1.0)]), "blob size 4 (expected size 8)");
    check("$.v", point([1e300, 0.0]), "not finite");
    assert_eq!((index.info().errors.count, index.len()), (10, 0));
}

#[test]
fn fields_are_added_and_results_sorted_by_what_documents_have() {
    let index = index("SCHEMA t TAG");
    for key in ["b", "a", "c"] {
        index.put(key.as_bytes(), &hash("x", key, [1.0, 1.0])).unwrap();
    }
    let words: Vec<&[u8]> = "SCHEMA ADD n TAG".split(' ').map(str::as_bytes).collect();
    let schema = index.schema();
    let altered = crate::schema::Alter::parse(&words, &schema, &Limits::default()).unwrap().schema;
    index.alter(altered);
    check(&index, "@n:{a}", &[]);
    index.put(b"a", &hash("x", "a", [1.0, 1.0])).unwrap();
    check(&index, "@n:{a}", &["a"]);
    let stopwords = Stopwords::none();
    let (params, dialect) = (Params::default(), 2);
    let reading = Reading { dialect, params: &params, stopwords: &stopwords };
    let query = parse(b"*", &reading).unwrap();
    // The values are the keys, see above.
    for (descending, expected) in [(false, [b"b", b"c"]), (true, [b"b", b"a"])] {
        let order = crate::plan::Order { property: Box::from(*b"n"), descending };
        let order = Some(&order);
        let scoring = crate::plan::Scoring::Words;
        let request = Request { query: &query, order, scoring, limit: (1, 2) };
        let answer = index.search(&request, &mut Scratch::default(), &Cancel::new(), &()).unwrap();
        let keys: Vec<_> = answer.hits.iter().map(|hit| &*hit.key).collect();
        assert_eq!((keys, answer.total), (expected.map(|key| &key[..]).to_vec(), 3));
    }
}

#[test]
fn a_query_is_given_up_in_time() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static TIME: AtomicU64 = AtomicU64::new(0);
    let index = index(&SCHEMA.replace("HNSW", "FLAT"));
    (0..200).for_each(|number: u8| index.put(&[number], &hash("t", "1", [1.0, 1.0])).unwrap());
    let query = crate::query::Kind::All.into();
    let request =
        Request { query: &query, order: None, scoring: crate::plan::Scoring::Words, limit: (0, 9) };
    let ask = |cancel: Cancel| {
        index.search(&request, &mut Scratch::default(), &cancel, &()).unwrap().is_partial
    };
    assert!(!ask(Cancel::new()));
    assert!(!ask(Cancel::at(|| TIME.load(Relaxed), 5)));
    TIME.store(5, Relaxed);
    assert!(ask(Cancel::at(|| TIME.load(Relaxed), 5)));
    let raised = Cancel::new();
    raised.raise();
    assert!(ask(raised));
}

#[test]
fn what_is_given_up_may_be_sorted_by_its_distances() {
    let index = index(SCHEMA);
    let mut params = Params::default();
    params.add(b"b", &[0; 8]);
    let stopwords = Stopwords::none();
    let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
    for text in [
        "*=>[KNN 2 @v $b AS d]",
        "@t:{a}=>[KNN 2 @v $b AS d]",
        "@v:[VECTOR_RANGE 1 $b]=>{$yield_distance_as: d}",
        "(-@t:{a} ~@v:[VECTOR_RANGE 1 $b]=>{$yield_distance_as: d}) | @t:{b}",
    ] {
        let query = parse(text.as_bytes(), &reading).unwrap();
        let ask = |property: &[u8]| {
            let order = crate::plan::Order { property: property.into(), descending: false };
            let order = Some(&order);
            let scoring = crate::plan::Scoring::Words;
            let request = Request { query: &query, order, scoring, limit: (0, 9) };
            let raised = Cancel::new();
            raised.raise();
            index.search(&request, &mut Scratch::default(), &raised, &())
        };
        assert!(ask(b"d").unwrap().is_partial, "{text}");
        assert!(ask(b"none").is_err(), "{text}");
    }
}

#[test]
fn short_searches_are_answered_at_once() {
    let line = "SCHEMA t TAG n NUMERIC v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";
    let index = index(line);
    let is_quick = |text: &str, limit_ns| {
        let mut params = Params::default();
        params.add(b"b", &vector([0.0, 0.0]));
        let stopwords = Stopwords::none();
        let reading = Reading { dialect: 2, params: &params, stopwords: &stopwords };
        let query = parse(text.as_bytes(), &reading).unwrap();
        let scoring = crate::plan::Scoring::Words;
        let request = Request { query: &query, order: None, scoring, limit: (0, 10) };
        let scratch = &mut Scratch::default();
        let found = index.search_within(limit_ns, &request, scratch, &Cancel::new(), &());
        let searched = index.search(&request, scratch, &Cancel::new(), &());
        assert!(found.as_ref().is_none_or(|found| *found == searched), "{text}");
        found.is_some()
    };
    for number in 0..4000_u16 {
        let tag = if number < 40 { "few,all" } else { "all" };
        let place = f32::from(number);
        let _ =
            index.put(number.to_string().as_bytes(), &hash(tag, &number.to_string(), [place, 1.0]));
    }
    assert!(!is_quick("*=>[KNN 10 @v $b]", f64::MAX), "nothing is settled");
    while index.settle(64, &mut Scratch::default(), &Cancel::new()) == Settled::Part {}
    for (text, is_short) in [
        ("*=>[KNN 10 @v $b]", true),
        ("*=>[KNN 10 @v $b EF_RUNTIME 10]", true),
        ("*=>[KNN 10 @v $b EF_RUNTIME 300]", false),
        ("*=>[KNN 600 @v $b]", false),
        ("@t:{few}=>[KNN 10 @v $b]", true),
        ("@n:[0 50]=>[KNN 10 @v $b EF_RUNTIME 300]", true),
        ("@n:[0 3000]=>[KNN 10 @v $b EF_RUNTIME 300]", false),
        ("@v:[VECTOR_RANGE 1 $b]", false),
        ("@t:{few}", true),
        ("@t:{all}", false),
        ("@t:{all} @t:{few}", true),
        ("@t:{f*}", false),
        ("@n:[3 3] | @t:{few}", true),
        ("@missing:{x}=>[KNN 10 @v $b]", true),
        ("*=>[KNN 10 @v $b NO_OPTION 1]", true),
    ] {
        assert_eq!(is_quick(text, 25_000.0), is_short, "{text}");
        assert!(!is_quick(text, 0.0), "{text}");
    }
}

struct Sum(u64);

impl Apply<u64> for Sum {
    fn apply(&mut self, change: u64) {
        self.0 += change;
    }
}

#[test]
fn readers_overtake_a_writer_so_many_times_and_no_more() {
    let (ledger, entered) = (Ledger::new(Sum(0)), AtomicBool::new(false));
    thread::scope(|scope| {
        let first = ledger.read(true);
        ledger.change(5, 1);
        let writer = scope.spawn(|| ledger.write().apply(1));
        while ledger.writers() == 0 {
            thread::yield_now();
        }
        (0..OVERTAKES).for_each(|_| assert_eq!(ledger.read(true).0, 0));
        let last = scope.spawn(|| {
            let sum = ledger.read(true).0;
            entered.store(true, Relaxed);
            sum
        });
        thread::sleep(Duration::from_millis(50));
        assert!(!entered.load(Relaxed) && !writer.is_finished());
        // Who waits for no reader goes first all the same.
        assert_eq!((ledger.glance().0, ledger.waiting()), (0, 1));
        drop(first);
        assert_eq!(last.join().ok(), Some(5));
    });
    (0..=OVERTAKES).for_each(|_| drop(ledger.read(true)));
}
