//! The label index against the plainest model: every series looked at.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use keyspan_timeseries_core::filter::{Filter, Matcher, Wanted};
use keyspan_timeseries_core::index::Index;
use keyspan_timeseries_core::label::{self, Label};
use proptest::prelude::*;

type Model = BTreeMap<String, Vec<Label>>;

/// What happens to a key: labels, or the end.
#[derive(Clone, Debug)]
enum Step {
    Put(String, Vec<(u8, u8)>),
    Remove(String),
}

fn key() -> impl Strategy<Value = String> {
    (0..20_u8).prop_map(|number| format!("k{number}"))
}

fn step() -> impl Strategy<Value = Step> {
    let labels = prop::collection::vec((0..3_u8, 0..4_u8), 0..4);
    prop_oneof![
        3 => (key(), labels).prop_map(|(key, labels)| Step::Put(key, labels)),
        1 => key().prop_map(Step::Remove),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let values = prop::collection::vec(0..5_u8, 0..3);
    (0..4_u8, any::<bool>(), values).prop_map(|(label, is_not, values)| {
        let values: Vec<String> = values.iter().map(|value| format!("v{value}")).collect();
        let not = if is_not { "!" } else { "" };
        match values.as_slice() {
            [] => format!("l{label}{not}="),
            [one] => format!("l{label}{not}={one}"),
            more => format!("l{label}{not}=({})", more.join(",")),
        }
    })
}

fn holds(labels: &[Label], matcher: &Matcher) -> bool {
    let of_name = || labels.iter().filter(|label| label.name == matcher.label);
    match &matcher.wanted {
        Wanted::Absent => of_name().next().is_none(),
        Wanted::Present => of_name().next().is_some(),
        Wanted::OneOf(values) => of_name().any(|label| values.contains(&label.value)),
        Wanted::NoneOf(values) => !of_name().any(|label| values.contains(&label.value)),
    }
}

fn labels(pairs: &[(u8, u8)]) -> Vec<Label> {
    let words = pairs.iter().flat_map(|(name, value)| [format!("l{name}"), format!("v{value}")]);
    let words: Vec<Vec<u8>> = words.map(String::into_bytes).collect();
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    label::parse(&words).unwrap()
}

fn distinct<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = texts.map(<[u8]>::to_vec).collect();
    texts.sort();
    texts.dedup();
    texts
}

proptest! {
    #[test]
    fn finds_what_a_look_at_every_series_finds(
        steps in prop::collection::vec(step(), 0..60),
        expressions in prop::collection::vec(expression(), 1..4),
    ) {
        let (mut index, mut model) = (Index::new(), Model::new());
        for step in &steps {
            match step {
                Step::Put(key, pairs) => {
                    index.put(key.as_bytes(), &labels(pairs));
                    model.insert(key.clone(), labels(pairs));
                }
                Step::Remove(key) => {
                    index.remove(key.as_bytes());
                    model.remove(key);
                }
            }
        }
        prop_assert_eq!(index.len(), model.len());
        let expressions: Vec<&[u8]> = expressions.iter().map(|e| e.as_bytes()).collect();
        let Ok(filter) = Filter::parse(&expressions) else { return Ok(()) };
        let passes = |labels: &[Label]| filter.matchers().iter().all(|m| holds(labels, m));
        let expected: Vec<&[u8]> = model
            .iter()
            .filter(|(_, labels)| passes(labels))
            .map(|(key, _)| key.as_bytes())
            .collect();
        let found = index.query(&filter);
        prop_assert_eq!(found.iter().map(|key| &**key).collect::<Vec<_>>(), expected);
        let matching = || model.values().filter(|labels| passes(labels)).flat_map(|l| l.iter());
        let texts = |texts: &[keyspan_timeseries_core::index::Text]| {
            texts.iter().map(|text| text.to_vec()).collect::<Vec<_>>()
        };
        let names = distinct(matching().map(|label| &*label.name));
        prop_assert_eq!(texts(&index.names(Some(&filter))), names);
        let of_name = matching().filter(|label| *label.name == *b"l1");
        let values = distinct(of_name.map(|label| &*label.value));
        prop_assert_eq!(texts(&index.values(b"l1", Some(&filter))), values);
        let all = distinct(model.values().flat_map(|l| l.iter()).map(|label| &*label.name));
        prop_assert_eq!(texts(&index.names(None)), all);
    }
}
