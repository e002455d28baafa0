//! Documents against the plainest model: `serde_json::Value`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failed test panics"
)]

use std::collections::BTreeSet;

use keyspan_json_core::node::{Kind, Node, Number};
use keyspan_json_core::{Document, ValueRef, print};
use proptest::prelude::*;
use serde_json::{Map, Value};

fn text(document: &Document) -> String {
    let mut out = Vec::new();
    print::compact(document.root(), &mut out, usize::MAX).unwrap();
    String::from_utf8(out).unwrap()
}

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().as_bytes()).unwrap()
}

/// The model of a value: objects as lists of pairs, since serde_json's map sorts its keys.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    Scalar(Value),
    Array(Vec<Model>),
    Object(Vec<(String, Model)>),
}

impl Model {
    fn text(&self) -> String {
        match self {
            Self::Scalar(Value::Number(number)) if number.is_f64() => {
                let mut out = Vec::new();
                print::number(Number::Double(number.as_f64().unwrap()), &mut out);
                String::from_utf8(out).unwrap()
            }
            Self::Scalar(value) => value.to_string(),
            Self::Array(elements) => {
                let texts: Vec<String> = elements.iter().map(Self::text).collect();
                format!("[{}]", texts.join(","))
            }
            Self::Object(members) => {
                let member = |(key, value): &(String, Self)| {
                    format!("{}:{}", Value::from(key.as_str()), value.text())
                };
                let texts: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", texts.join(","))
            }
        }
    }

    fn document(&self) -> Document {
        let document = Document::parse(self.text().as_bytes()).unwrap();
        document.validate().unwrap();
        document
    }

    fn children(&self) -> usize {
        match self {
            Self::Scalar(_) => 0,
            Self::Array(elements) => elements.len(),
            Self::Object(members) => members.len(),
        }
    }

    fn child(&mut self, step: usize) -> &mut Self {
        match self {
            Self::Scalar(_) => unreachable!("scalars have no children"),
            Self::Array(elements) => &mut elements[step],
            Self::Object(members) => &mut members[step].1,
        }
    }

    fn at(&mut self, steps: &[u32]) -> &mut Self {
        steps.iter().fold(self, |value, step| value.child(*step as usize))
    }

    /// Some path that exists, led by `choices`; stops at scalars.
    fn walk(&mut self, choices: &[u32]) -> Vec<u32> {
        let mut steps = Vec::new();
        let mut here = self;
        for choice in choices {
            let children = here.children() as u32;
            if children == 0 {
                break;
            }
            steps.push(choice % children);
            here = here.child((choice % children) as usize);
        }
        steps
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let mut positions = 0..;
        let mut keeps = || positions.next().is_some_and(&keep);
        match self {
            Self::Scalar(_) => {}
            Self::Array(elements) => elements.retain(|_| keeps()),
            Self::Object(members) => members.retain(|_| keeps()),
        }
    }

    fn merge(&mut self, patch: &Self) {
        let Self::Object(patch) = patch else {
            *self = patch.clone();
            return;
        };
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(members) = self else { unreachable!() };
        for (key, value) in patch {
            let position = members.iter().position(|(mine, _)| mine == key);
            match (position, value) {
                (Some(position), Self::Scalar(Value::Null)) => {
                    members.remove(position);
                }
                (None, Self::Scalar(Value::Null)) => {}
                (Some(position), value) => members[position].1.merge(value),
                (None, value) => {
                    let mut fresh = Self::Scalar(Value::Null);
                    fresh.merge(value);
                    members.push((key.clone(), fresh));
                }
            }
        }
    }
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[a-e]", 2 => "[a-z]{6,20}", 1 => "\\PC{0,9}"]
}

fn scalar() -> impl Strategy<Value = Model> {
    let integer =
        prop_oneof![-130..130i64, any::<i64>(), Just(i64::MAX), Just(i64::MIN), -40_000..70_000i64];
    let double = prop_oneof![
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        (-1000..1000i32).prop_map(|value| f64::from(value) / 8.0),
        any::<f32>().prop_filter("finite", |value| value.is_finite()).prop_map(f64::from),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        integer.prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        double.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z]{240,270}".prop_map(Value::from),
    ]
    .prop_map(Model::Scalar)
}

fn numbers() -> impl Strategy<Value = Model> {
    let list = |numbers: Vec<Value>| Model::Array(numbers.into_iter().map(Model::Scalar).collect());
    prop_oneof![
        prop::collection::vec((-200..300i64).prop_map(Value::from), 0..12),
        prop::collection::vec(any::<i32>().prop_map(Value::from), 0..12),
        prop::collection::vec((0..60i32).prop_map(|n| Value::from(f64::from(n) / 4.0)), 0..12),
    ]
    .prop_map(list)
}

/// Members with keys made distinct: the first of a name stays.
fn members(list: Vec<(String, Model)>) -> Model {
    let mut kept: Vec<(String, Model)> = Vec::new();
    for (key, value) in list {
        if !kept.iter().any(|(mine, _)| *mine == key) {
            kept.push((key, value));
        }
    }
    Model::Object(kept)
}

fn model() -> impl Strategy<Value = Model> {
    prop_oneof![6 => scalar(), 1 => numbers()].prop_recursive(5, 120, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Model::Array),
            prop::collection::vec((key(), inner.clone()), 0..8).prop_map(members),
            prop::collection::vec(("[a-z]{1,9}", inner), 30..45).prop_map(members),
        ]
    })
}

#[derive(Clone, Debug)]
enum Edit {
    Replace(Model),
    Member(String, Model),
    Remove,
    RemoveMany(Vec<u32>),
    Insert(u32, Vec<Model>),
    Keep(u32, u32),
    SetNumber(i64),
    SetDouble(f64),
    SetBool(bool),
    Append(String),
    Clear,
    Merge(Model),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        model().prop_map(Edit::Replace),
        (key(), model()).prop_map(|(key, value)| Edit::Member(key, value)),
        (key(), scalar()).prop_map(|(key, value)| Edit::Member(key, value)),
        Just(Edit::Remove),
        Just(Edit::Remove),
        prop::collection::vec(any::<u32>(), 0..40).prop_map(Edit::RemoveMany),
        (any::<u32>(), prop::collection::vec(scalar(), 0..4))
            .prop_map(|(index, values)| Edit::Insert(index, values)),
        (
            any::<u32>(),
            prop::collection::vec((-300..300i64).prop_map(|n| Model::Scalar(n.into())), 0..4)
        )
            .prop_map(|(index, values)| Edit::Insert(index, values)),
        (any::<u32>(), any::<u32>()).prop_map(|(start, end)| Edit::Keep(start, end)),
        any::<i64>().prop_map(Edit::SetNumber),
        (0..64i32).prop_map(|n| Edit::SetDouble(f64::from(n) / 16.0)),
        any::<bool>().prop_map(Edit::SetBool),
        "[a-z]{0,9}".prop_map(Edit::Append),
        Just(Edit::Clear),
        model().prop_map(Edit::Merge),
    ]
}

/// Applies `edit` to both; they must agree on whether it is possible.
fn apply(edit: &Edit, steps: &[u32], document: &mut Document, model: &mut Model) {
    let target = model.at(steps);
    match edit {
        Edit::Replace(value) => {
            assert!(document.replace(steps, value.document().root()));
            *target = value.clone();
        }
        Edit::Member(key, value) => {
            let done = document.insert_member(steps, key.as_bytes(), value.document().root());
            let possible = matches!(target, Model::Object(members)
                if !members.iter().any(|(mine, _)| mine == key));
            assert_eq!(done, possible);
            if let (true, Model::Object(members)) = (possible, target) {
                members.push((key.clone(), value.clone()));
            }
        }
        Edit::Remove => {
            let done = document.remove(steps);
            let Some((last, parents)) = steps.split_last() else {
                assert!(!done);
                return;
            };
            assert!(done);
            match model.at(parents) {
                Model::Array(elements) => drop(elements.remove(*last as usize)),
                Model::Object(members) => drop(members.remove(*last as usize)),
                Model::Scalar(_) => unreachable!(),
            }
        }
        Edit::RemoveMany(choices) => {
            let len = target.children() as u32;
            let choices = choices.iter().filter_map(|choice| choice.checked_rem(len));
            let positions: BTreeSet<u32> = choices.collect();
            let list: Vec<u32> = positions.iter().copied().collect();
            assert_eq!(document.remove_many(steps, &list), positions.len());
            target.retain(|position| !positions.contains(&position));
        }
        Edit::Insert(..) | Edit::Keep(..) => apply_to_array(edit, steps, document, target),
        Edit::SetNumber(_) | Edit::SetDouble(_) | Edit::SetBool(_) | Edit::Append(_) => {
            apply_to_scalar(edit, steps, document, target);
        }
        Edit::Clear => {
            let cleared = match target {
                Model::Array(elements) if !elements.is_empty() => Model::Array(Vec::new()),
                Model::Object(members) if !members.is_empty() => Model::Object(Vec::new()),
                Model::Scalar(Value::Number(number)) if *number != 0i64.into() => {
                    Model::Scalar(0.into())
                }
                Model::Array(_) | Model::Object(_) | Model::Scalar(_) => {
                    assert!(!document.clear(steps));
                    return;
                }
            };
            assert!(document.clear(steps));
            *target = cleared;
        }
        Edit::Merge(patch) => {
            let before = target.clone();
            let changed = document.merge(steps, patch.document().root());
            target.merge(patch);
            assert_eq!(changed, before != *target, "{}", before.text());
        }
    }
}

fn apply_to_array(edit: &Edit, steps: &[u32], document: &mut Document, target: &mut Model) {
    if let Edit::Insert(index, values) = edit {
        let documents: Vec<Document> = values.iter().map(Model::document).collect();
        let index = *index as usize % (target.children() + 1);
        let len = document.array_insert(steps, index, &documents);
        if let Model::Array(elements) = target {
            elements.splice(index..index, values.iter().cloned());
            assert_eq!(len, Some(elements.len()));
        } else {
            assert_eq!(len, None);
        }
    } else if let Edit::Keep(start, end) = edit {
        let len = target.children() + 1;
        let (start, end) = (*start as usize % len, *end as usize % len);
        let kept = document.array_keep(steps, start..end);
        if let Model::Array(elements) = target {
            elements.truncate(end);
            elements.drain(..start.min(end));
            assert_eq!(kept, Some(elements.len()));
        } else {
            assert_eq!(kept, None);
        }
    }
}

fn apply_to_scalar(edit: &Edit, steps: &[u32], document: &mut Document, target: &mut Model) {
    match edit {
        Edit::SetNumber(number) => {
            set(steps, Number::Int(*number), (*number).into(), document, target)
        }
        Edit::SetDouble(number) => {
            set(steps, Number::Double(*number), (*number).into(), document, target)
        }
        Edit::SetBool(value) => {
            let possible = matches!(target, Model::Scalar(Value::Bool(_)));
            assert_eq!(document.set_bool(steps, *value), possible);
            if possible {
                *target = Model::Scalar((*value).into());
            }
        }
        Edit::Append(tail) => {
            let len = document.string_append(steps, tail.as_bytes());
            if let Model::Scalar(Value::String(text)) = target {
                text.push_str(tail);
                assert_eq!(len, Some(text.len()));
            } else {
                assert_eq!(len, None);
            }
        }
        Edit::Replace(_)
        | Edit::Member(..)
        | Edit::Remove
        | Edit::RemoveMany(_)
        | Edit::Insert(..)
        | Edit::Keep(..)
        | Edit::Clear
        | Edit::Merge(_) => unreachable!(),
    }
}

fn set(steps: &[u32], number: Number, value: Value, document: &mut Document, target: &mut Model) {
    let possible = matches!(target, Model::Scalar(Value::Number(_)));
    assert_eq!(document.set_number(steps, number), possible);
    if possible {
        *target = Model::Scalar(value);
    }
}

/// The value rebuilt through the node interface.
fn rebuilt(value: ValueRef<'_>) -> Model {
    match value.kind() {
        Kind::Null => Model::Scalar(Value::Null),
        Kind::Bool(value) => Model::Scalar(value.into()),
        Kind::Number(Number::Int(value)) => Model::Scalar(value.into()),
        Kind::Number(Number::Uint(value)) => Model::Scalar(value.into()),
        Kind::Number(Number::Double(value)) => Model::Scalar(value.into()),
        Kind::String(text) => Model::Scalar(String::from_utf8(text.to_vec()).unwrap().into()),
        Kind::Array(len) => {
            Model::Array((0..len).map(|index| rebuilt(value.element(index).unwrap())).collect())
        }
        Kind::Object(len) => {
            let member = |position| {
                let (key, member) = value.member(position).unwrap();
                assert_eq!(value.find(key).map(|(position, _)| position), Some(position));
                (String::from_utf8(key.to_vec()).unwrap(), rebuilt(member))
            };
            Model::Object((0..len).map(member).collect())
        }
    }
}

#[test]
fn the_struct_is_small() {
    assert_eq!(size_of::<Document>(), 48);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn parses_prints_and_reads(model in model()) {
        for _ in 0..3 {
            let document = model.document();
            prop_assert_eq!(text(&document), model.text());
            prop_assert_eq!(&rebuilt(document.root()), &model);
            prop_assert!(document.memory() >= document.used());
            prop_assert_eq!(text(&document.root().to_document()), model.text());
            prop_assert!(document == document.clone());
        }
    }

    #[test]
    fn edits_as_the_model(
        model in model(),
        edits in prop::collection::vec((prop::collection::vec(any::<u32>(), 0..5), edit()), 1..12),
    ) {
        let mut model = model;
        let mut document = model.document();
        for (choices, edit) in edits {
            let steps = model.walk(&choices);
            apply(&edit, &steps, &mut document, &mut model);
            prop_assert_eq!(document.validate(), Ok(()), "after {:?} at {:?}", edit, steps);
            prop_assert_eq!(text(&document), model.text(), "after {:?} at {:?}", edit, steps);
        }
    }

    #[test]
    fn equality_ignores_order(model in model()) {
        let Model::Object(mut members) = model.clone() else { return Ok(()) };
        members.reverse();
        let other = Model::Object(members);
        prop_assert!(other.document() == model.document());
    }

    #[test]
    fn decimals_as_ryu_prints_them(
        digits in prop_oneof![-99_999..100_000i64, -(1i64 << 60)..(1i64 << 60)],
        places in 0..20,
    ) {
        let value: f64 = format!("{digits}e-{places}").parse().unwrap();
        let mut out = Vec::new();
        print::number(Number::Double(value), &mut out);
        let mut buffer = ryu::Buffer::new();
        prop_assert_eq!(String::from_utf8(out).unwrap(), buffer.format_finite(value));
    }

    #[test]
    fn doubles_are_exact(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            let mut out = Vec::new();
            print::number(Number::Double(value), &mut out);
            let document = Document::parse(&out).unwrap();
            let Kind::Number(Number::Double(back)) = document.root().kind() else { panic!() };
            prop_assert_eq!(back.to_bits(), bits);
        }
    }
}

#[test]
fn repeated_keys_keep_the_first_place_and_the_last_value() {
    for (given, kept) in [
        (r#"{"a":1,"a":2}"#.to_owned(), r#"{"a":2}"#.to_owned()),
        (
            r#"{"b":"long enough","a":2,"b":[1.5,"another one"],"c":0,"a":{}}"#.to_owned(),
            r#"{"b":[1.5,"another one"],"a":{},"c":0}"#.to_owned(),
        ),
        wide_with_repeated_keys(),
    ] {
        for _ in 0..3 {
            let document = Document::parse(given.as_bytes()).unwrap();
            document.validate().unwrap();
            assert_eq!(text(&document), kept);
        }
    }
}

fn wide_with_repeated_keys() -> (String, String) {
    let member = |number: usize, value: usize| format!("\"key {number}\":\"value {value}\"");
    let mut given: Vec<String> = (0..100).map(|number| member(number, number)).collect();
    given.extend((0..50).map(|number| member(number * 2, number + 1000)));
    let value = |number: usize| if number.is_multiple_of(2) { number / 2 + 1000 } else { number };
    let kept: Vec<String> = (0..100).map(|number| member(number, value(number))).collect();
    (format!("{{{}}}", given.join(",")), format!("{{{}}}", kept.join(",")))
}

#[test]
fn wide_objects_find_what_is_left() {
    let names: Vec<String> = (0..200).map(|number| format!("k{number}")).collect();
    let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":\"{name}\"")).collect();
    let mut document = Document::parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap();
    let mut left: Vec<&String> = names.iter().collect();
    for step in 0..190 {
        let position = [left.len() - 1, 0, step * 7 % left.len()][step % 3];
        left.remove(position);
        assert!(document.remove(&[u32::try_from(position).unwrap()]));
        document.validate().unwrap();
        for (position, name) in left.iter().enumerate() {
            let found = document.root().find(name.as_bytes()).map(|(position, _)| position);
            assert_eq!(found, Some(position), "{name} in step {step}");
        }
        assert!(
            names
                .iter()
                .filter(|name| !left.contains(name))
                .all(|name| { document.root().find(name.as_bytes()).is_none() })
        );
    }
}

#[test]
fn wide_objects_shrink_and_grow() {
    let mut map = Map::new();
    for number in 0..3000 {
        map.insert(format!("key number {number}"), number.into());
    }
    let mut document = document(&Value::Object(map));
    for _ in 0..2990 {
        assert!(document.remove(&[0]));
    }
    document.validate().unwrap();
    assert!(document.used() < 20_000, "{} bytes for 10 members", document.used());
    for number in 0..3000 {
        let value = Document::parse(b"\"a string that needs a block\"").unwrap();
        assert!(document.insert_member(&[], format!("new {number}").as_bytes(), value.root()));
    }
    document.validate().unwrap();
    assert_eq!(document.root().find(b"new 2999").map(|(position, _)| position), Some(3009));
}

/// Removes every `nth` of `len` children of the one member of the object that `child` makes.
fn check_remove_many(len: u32, nth: u32, open: &str, child: impl Fn(u32) -> String, close: &str) {
    let printed = |numbers: &mut dyn Iterator<Item = u32>| {
        let children: Vec<String> = numbers.map(&child).collect();
        format!("{{\"of\":{open}{}{close},\"last\":\"after it\"}}", children.join(","))
    };
    let mut document = Document::parse(printed(&mut (0..len)).as_bytes()).unwrap();
    let gone: Vec<u32> = (0..len).filter(|number| number.is_multiple_of(nth)).collect();
    assert_eq!(document.remove_many(&[0], &gone), gone.len());
    document.validate().unwrap();
    assert_eq!(text(&document), printed(&mut (0..len).filter(|n| !n.is_multiple_of(nth))));
    for number in gone {
        let name = format!("key number {number}");
        assert!(document.at(&[0]).unwrap().find(name.as_bytes()).is_none(), "{name}");
    }
}

/// Few and many, that shrink what they leave or do not, up to all.
#[test]
fn many_are_removed_at_once() {
    for (len, nth) in [(5, 4), (5, 2), (30, 3), (300, 299), (300, 2), (3000, 7), (700, 40), (50, 1)]
    {
        let member = |number: u32| format!("\"key number {number}\":\"value {number}\"");
        check_remove_many(len, nth, "{", member, "}");
        check_remove_many(len, nth, "{", member, "}");
        check_remove_many(len, nth, "[", |number| format!("\"element {number}\""), "]");
        check_remove_many(len, nth, "[", |number| number.to_string(), "]");
        check_remove_many(len, nth, "[", |number| format!("{number}.5"), "]");
    }
}

/// An index that is made again and again keeps nothing of what was removed.
#[test]
fn wide_objects_exchange_members() {
    let mut document = Document::parse(b"{}").unwrap();
    let mut names: Vec<String> = Vec::new();
    let value = Document::parse(b"7").unwrap();
    for round in 0..40 {
        for number in names.len()..100 {
            names.push(format!("name {round} {number}"));
            assert!(document.insert_member(&[], names.last().unwrap().as_bytes(), value.root()));
        }
        assert_eq!(document.remove_many(&[], &(0..17).collect::<Vec<u32>>()), 17);
        assert!(document.remove(&[81]));
        names.drain(..17);
        names.remove(81);
        document.validate().unwrap();
        assert_eq!(document.root().find(names[81].as_bytes()).map(|found| found.0), Some(81));
    }
}

#[test]
fn only_ascending_positions_are_removed() {
    let mut document = Document::parse(br#"{"a":[1,2,3,4],"b":"c"}"#).unwrap();
    for (parent, positions, removed) in [
        (&[0u32][..], &[1u32, 0][..], 0),
        (&[0], &[1, 1], 0),
        (&[0], &[], 0),
        (&[0], &[4, 9], 0),
        (&[1], &[0], 0),
        (&[0, 0], &[0], 0),
        (&[2], &[0], 0),
        (&[0], &[0, 3, 4, 9], 2),
        (&[], &[1], 1),
    ] {
        assert_eq!(document.remove_many(parent, positions), removed, "{parent:?} {positions:?}");
        document.validate().unwrap();
    }
    assert_eq!(text(&document), r#"{"a":[2,3]}"#);
}

#[test]
fn merging_nulls_removes_all_of_them() {
    let member = |number: u32, value: &str| format!("\"key {number}\":{value}");
    let object = |members: Vec<String>| format!("{{{}}}", members.join(","));
    let target = object((0..500).map(|number| member(number, "\"long enough\"")).collect());
    let odd = |number: u32| number % 2 == 1;
    let patched = |number| member(number, if odd(number) { "null" } else { "[1]" });
    let patch = object((0..520).rev().map(patched).collect());
    let kept = (0..500).chain((500..520).rev()).filter(|number| !odd(*number));
    let merged = object(kept.map(|number| member(number, "[1]")).collect());
    let mut document = Document::parse(target.as_bytes()).unwrap();
    assert!(document.merge(&[], Document::parse(patch.as_bytes()).unwrap().root()));
    document.validate().unwrap();
    assert_eq!(text(&document), merged);
}

#[test]
fn large_documents_span_chunks() {
    let element = |number: usize| format!("\"element {number} {}\"", "x".repeat(number % 200));
    let list: Vec<String> = (0..40_000).map(element).collect();
    let mut document = Document::parse(format!("[{}]", list.join(",")).as_bytes()).unwrap();
    document.validate().unwrap();
    assert!(document.chunks_mut().count() > 4);
    let expected = Document::parse(list[20_000].as_bytes()).unwrap();
    assert!(document.at(&[20_000]) == Some(expected.root()));

    let values: Vec<Document> =
        (0..3000).map(|number| Document::parse(element(number).as_bytes()).unwrap()).collect();
    assert_eq!(document.array_insert(&[], 39_000, &values), Some(43_000));
    document.validate().unwrap();
    assert!(document.at(&[39_000]) == Some(values[0].root()));

    let huge = Document::parse(format!("\"{}\"", "y".repeat(3 << 20)).as_bytes()).unwrap();
    assert!(document.replace(&[7], huge.root()));
    assert_eq!(document.string_append(&[7], b"end"), Some((3 << 20) + 3));
    document.validate().unwrap();
    for chunk in document.chunks_mut() {
        *chunk = chunk.clone();
    }
    assert_eq!(document.array_keep(&[], 39_000..39_010), Some(10));
    document.validate().unwrap();
    assert!(document.used() < 8192, "{} bytes for 10 elements", document.used());
    assert!(document.memory() < 16_384);
    assert!(document.at(&[9]) == Some(values[9].root()));
}
