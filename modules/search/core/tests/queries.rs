//! Queries against looking at every document: random documents, random trees.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use keyspan_search_core::engine::{Index, Input, Json, Record};
use keyspan_search_core::index::vector::Scratch;
use keyspan_search_core::query::{
    Circle, Kind, Knn, Node, Pattern, Range, Unit, VectorOption, Within,
};
use proptest::prelude::*;
use support::{index, keys, search, settle_some};

const TAGS: [&str; 6] = ["red", "Rose", "rot", "blue", "blau", "x"];

/// Places hundreds of kilometres apart.
const PLACES: [(f64, f64); 5] =
    [(13.4, 52.5), (2.35, 48.85), (-0.12, 51.5), (12.5, 41.9), (179.9, -16.8)];

/// A document: any field may be missing, and there may be several vectors.
#[derive(Clone, Debug, Default)]
struct Document {
    tags: Option<Vec<usize>>,
    number: Option<i8>,
    place: Option<usize>,
    points: Vec<[i8; 2]>,
}

fn blob(point: [i8; 2]) -> Vec<u8> {
    point.iter().flat_map(|x| f32::from(*x).to_le_bytes()).collect()
}

impl Record for Document {
    fn value(&self, identifier: &[u8]) -> Option<Input> {
        let text = |text: String| Input::Text(text.into_bytes().into());
        match identifier {
            b"t" => {
                let tags: Vec<&str> = self.tags.as_ref()?.iter().map(|tag| TAGS[*tag]).collect();
                Some(text(tags.join(", ")))
            }
            b"n" => self.number.map(|number| text(number.to_string())),
            b"g" => {
                self.place.map(|place| text(format!("{},{}", PLACES[place].0, PLACES[place].1)))
            }
            _ => {
                let number = |x: i8| Json::Number(x.into());
                let points =
                    self.points.iter().map(|point| Json::Array(point.map(number).to_vec()));
                (!self.points.is_empty()).then(|| Input::Json(points.collect()))
            }
        }
    }
}

impl Document {
    fn distance(&self, to: &[u8]) -> Option<f64> {
        let numbers = to.as_chunks::<4>().0.iter().map(|x| f64::from(f32::from_le_bytes(*x)));
        let to: Vec<f64> = numbers.collect();
        let far = |point: &[i8; 2]| -> f64 {
            point.iter().zip(&to).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum()
        };
        self.points.iter().map(far).min_by(f64::total_cmp)
    }

    fn has_tag(&self, pattern: &Pattern) -> bool {
        let tags = self.tags.iter().flatten().map(|tag| TAGS[*tag].to_lowercase());
        let text = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap().to_lowercase();
        tags.into_iter().any(|tag| match pattern {
            Pattern::Prefix(prefix) => prefix.len() >= 2 && tag.starts_with(&text(prefix)),
            Pattern::Infix(infix) => infix.len() >= 2 && tag.contains(&text(infix)),
            Pattern::Suffix(suffix) => suffix.len() >= 2 && tag.ends_with(&text(suffix)),
            Pattern::Word(word) => tag == text(word),
            other @ (Pattern::Fuzzy(..) | Pattern::Wildcard(_)) => unreachable!("{other:?}"),
        })
    }

    fn is_in(&self, circle: &Circle) -> bool {
        let radians =
            |(longitude, latitude): (f64, f64)| (longitude.to_radians(), latitude.to_radians());
        let Some(place) = self.place else { return false };
        let (a, b) = (radians(PLACES[place]), radians((circle.longitude, circle.latitude)));
        let haversine = ((a.1 - b.1) / 2.0).sin().powi(2)
            + a.1.cos() * b.1.cos() * ((a.0 - b.0) / 2.0).sin().powi(2);
        2.0 * 6_372.797_560_856 * haversine.sqrt().asin() <= circle.radius
    }
}

/// Whether the document at `key` matches.
fn matches(node: &Node, key: &str, document: &Document) -> bool {
    match &node.kind {
        Kind::All | Kind::Optional(_) => true,
        Kind::Nothing => false,
        Kind::And(nodes) => nodes.iter().all(|node| matches(node, key, document)),
        Kind::Or(nodes) => nodes.iter().any(|node| matches(node, key, document)),
        Kind::Not(node) => !matches(node, key, document),
        Kind::Keys(keys) => keys.iter().any(|one| **one == *key.as_bytes()),
        Kind::Missing(_) => document.tags.is_none(),
        Kind::Tags(_, tags) => tags.iter().any(|tag| document.has_tag(tag)),
        Kind::Numeric(range) => document.number.is_some_and(|number| range.contains(number.into())),
        Kind::Geo(circle) => document.is_in(circle),
        Kind::Within(within) => {
            document.distance(&within.blob).is_some_and(|distance| distance <= within.radius)
        }
        other @ (Kind::Exact(_) | Kind::Knn(_) | Kind::Text(_)) => unreachable!("{other:?}"),
    }
}

fn documents() -> impl Strategy<Value = Document> {
    (
        prop::option::of(prop::collection::vec(0..TAGS.len(), 1..3)),
        prop::option::of(-10_i8..10),
        prop::option::of(0..PLACES.len()),
        prop::collection::vec(prop::array::uniform2(-9_i8..9), 0..4),
    )
        .prop_map(|(tags, number, place, points)| Document { tags, number, place, points })
}

fn field(name: &str) -> Box<[u8]> {
    name.as_bytes().into()
}

fn patterns() -> impl Strategy<Value = Pattern> {
    (0..TAGS.len(), 1..4_usize, 0..4_u8).prop_map(|(tag, len, kind)| {
        let tag = TAGS[tag].as_bytes();
        let (start, end) = (&tag[..len.min(tag.len())], &tag[tag.len().saturating_sub(len)..]);
        match kind {
            0 => Pattern::Prefix(start.into()),
            1 => Pattern::Suffix(end.into()),
            2 => Pattern::Infix(start.into()),
            _ => Pattern::Word(tag.into()),
        }
    })
}

fn leaves() -> impl Strategy<Value = Kind> {
    let range = (-11_i8..11, 0_i8..12, any::<bool>(), any::<bool>());
    prop_oneof![
        1 => Just(Kind::All),
        1 => Just(Kind::Nothing),
        1 => Just(Kind::Missing(field("t"))),
        1 => prop::collection::vec(0..20_u8, 0..5).prop_map(|keys| {
            Kind::Keys(keys.into_iter().map(|key| format!("k{key}").as_bytes().into()).collect())
        }),
        4 => prop::collection::vec(patterns(), 1..3).prop_map(|tags| Kind::Tags(field("t"), tags)),
        4 => range.prop_map(|(min, len, above_min, below_max)| Kind::Numeric(Range {
            field: field("n"),
            min: min.into(),
            max: f64::from(min) + f64::from(len),
            above_min,
            below_max,
        })),
        2 => (0..PLACES.len(), 0..4_u8).prop_map(|(place, far)| Kind::Geo(Circle {
            field: field("g"),
            longitude: PLACES[place].0,
            latitude: PLACES[place].1,
            radius: [1.0, 500.0, 1100.0, 30_000.0][usize::from(far)],
            unit: Unit::Kilometres,
        })),
        2 => (prop::array::uniform2(-9_i8..9), 0..200_u8).prop_map(|(point, radius)| {
            Kind::Within(Box::new(Within {
                field: field("v"),
                radius: radius.into(),
                parameter: field("b"),
                blob: blob(point).into(),
                distance: None,
                options: Vec::new(),
            }))
        }),
    ]
}

fn trees() -> impl Strategy<Value = Node> {
    leaves().prop_map(Node::from).prop_recursive(4, 24, 3, |tree| {
        let many = prop::collection::vec(tree.clone(), 1..4);
        prop_oneof![
            2 => many.clone().prop_map(|nodes| Kind::And(nodes).into()),
            2 => many.prop_map(|nodes| Kind::Or(nodes).into()),
            1 => tree.clone().prop_map(|node| Kind::Not(Box::new(node)).into()),
            1 => tree.prop_map(|node| Kind::Optional(Box::new(node)).into()),
        ]
    })
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Document),
    Remove(u8),
    Rename(u8, u8),
    Settle(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..20_u8;
    let step = prop_oneof![
        8 => (key(), documents()).prop_map(|(key, document)| Step::Put(key, document)),
        2 => key().prop_map(Step::Remove),
        1 => (key(), key()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (0..40_u8).prop_map(Step::Settle),
    ];
    prop::collection::vec(step, 0..60)
}

type Model = BTreeMap<String, Document>;

fn play(index: &Index, steps: Vec<Step>) -> Model {
    let mut model = Model::new();
    let name = |key: u8| format!("k{key}");
    for step in steps {
        match step {
            Step::Put(key, document) => {
                index.put(name(key).as_bytes(), &document).unwrap();
                model.insert(name(key), document);
            }
            Step::Remove(key) => {
                index.remove(name(key).as_bytes());
                model.remove(&name(key));
            }
            Step::Rename(from, to) => {
                index.rename(name(from).as_bytes(), name(to).as_bytes());
                if let Some(document) = model.remove(&name(from)) {
                    model.insert(name(to), document);
                }
            }
            Step::Settle(budget) => settle_some(index, budget.into()),
        }
    }
    model
}

/// The nearest of what a filter leaves, however they are looked for.
fn check_nearest(index: &Index, model: &Model, filter: Node, point: [i8; 2], k: u8) {
    let left = model.iter().filter(|(key, document)| matches(&filter, key, document));
    let mut truth: Vec<f64> =
        left.filter_map(|(_, document)| document.distance(&blob(point))).collect();
    truth.sort_by(f64::total_cmp);
    truth.truncate(k.into());
    for options in [&[][..], &[("HYBRID_POLICY", "ADHOC_BF")], &[("HYBRID_POLICY", "BATCHES")]] {
        let options = options
            .iter()
            .map(|(name, value)| VectorOption { name: field(name), value: field(value) });
        let knn = Knn {
            filter: Some(filter.clone()),
            field: field("v"),
            k: k.into(),
            parameter: field("b"),
            blob: blob(point).into(),
            distance: field("__v_score"),
            named: false,
            options: options.collect(),
        };
        let answer = search(index, &Kind::Knn(Box::new(knn)).into(), &mut Scratch::default());
        let found: Vec<f64> = answer.hits.iter().filter_map(|hit| hit.distances[0]).collect();
        assert_eq!(found, truth, "{:?}", answer.choice);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn documents_are_those_that_match(
        steps in steps(),
        queries in prop::collection::vec(trees(), 4),
        nearest in (trees(), prop::array::uniform2(-9_i8..9), 0..12_u8),
        algorithm in prop::sample::select(vec!["FLAT 6", "HNSW 10 EF_RUNTIME 1000 EPSILON 1000"]),
    ) {
        let index = index(&format!(
            "SCHEMA t TAG INDEXMISSING n NUMERIC g GEO \
             v VECTOR {algorithm} TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2"
        ));
        let model = play(&index, steps);
        for query in queries {
            let answer = search(&index, &query, &mut Scratch::default());
            let found: BTreeSet<String> = keys(&answer).into_iter().collect();
            prop_assert_eq!(found.len(), answer.hits.len());
            prop_assert_eq!(answer.total, answer.hits.len() as u64);
            let expected: BTreeSet<String> = model
                .iter()
                .filter(|(key, document)| matches(&query, key, document))
                .map(|(key, _)| key.clone())
                .collect();
            prop_assert_eq!(found, expected, "{:?}", query);
        }
        let (filter, point, k) = nearest;
        check_nearest(&index, &model, filter, point, k);
    }
}
