//! JSON texts, and edits of what they hold. Input: the text, a byte 0xff, which no text has, and what
//! decides about the edits.

use arbitrary::{Result, Unstructured};
use keyspan_json_core::{
    Document, FloatKind,
    node::Number,
    print::{self, Style},
};
use serde_json::Value;

use super::model::{self, assert_same};
use super::{split, text, validate};

const TEXT_MAX: usize = 16 << 10;
const EDITS_MAX: usize = 24;
const FLOATS: [FloatKind; 4] = [FloatKind::Bf16, FloatKind::F16, FloatKind::F32, FloatKind::F64];

/// New values: of every form that a document keeps apart, and at the borders between them.
const VALUES: [&str; 28] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "127",
    "-129",
    "255",
    "65536",
    "2147483648",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "0.0",
    "-0.0",
    "0.5",
    "1e300",
    "0.1",
    "\"\"",
    "\"1234567\"",
    "\"12345678\"",
    "[]",
    "{}",
    "[1,2,3]",
    "[0.5,300]",
    "{\"a\":1,\"b\":null}",
    "{\"b\":{\"a\":[null]}}",
    "[[[\"12345678\"],{\"long name\":{}}]]",
];

/// Parses, prints and edits; serde_json does the same beside it.
pub fn check(input: &[u8]) {
    let (bytes, edits) = split(input, 0xff);
    if bytes.len() > TEXT_MAX {
        return;
    }
    let document = Document::parse(bytes);
    let Ok(utf8) = std::str::from_utf8(bytes) else { return assert!(document.is_err()) };
    let model: serde_json::Result<Value> = serde_json::from_str(utf8);
    match (document, model) {
        (Ok(document), Ok(model)) => {
            prints(&document, &model);
            // The decisions ran out: all edits are made.
            let _ = edited(document, model, Unstructured::new(edits));
        }
        (Err(error), Err(model)) => assert_eq!(error.to_string(), model.to_string()),
        (document, model) => panic!("{document:?} and {model:?}"),
    }
    FLOATS.into_iter().for_each(|kind| rounded(bytes, kind));
}

/// The document reads as the model does, and its texts read as itself.
fn prints(document: &Document, model: &Value) {
    validate(document);
    assert_same(document.root(), model);
    let compact = text(document.root());
    assert_same(document.root(), &model::parsed(&compact));
    let mut pretty = Vec::new();
    let style = Style { indent: b"\t", newline: b"\r\n", space: b" " };
    print::pretty(document.root(), &style, 1, &mut pretty, usize::MAX).expect("no limit");
    assert_same(document.root(), &model::parsed(&pretty));
    assert_eq!(print::compact(document.root(), &mut Vec::new(), compact.len()), Ok(()));
    assert!(print::compact(document.root(), &mut Vec::new(), compact.len() - 1).is_err());
    assert_eq!(text(document.clone().root()), compact);
    assert_eq!(document.root().to_document(), *document);
}

/// FPHA gives a document in order, whose text reads back as equal.
fn rounded(bytes: &[u8], kind: FloatKind) {
    let Ok(document) = Document::parse_as(bytes, Some(kind)) else { return };
    validate(&document);
    let text = text(document.root());
    assert_same(document.root(), &model::parsed(&text));
    let again = Document::parse_as(&text, Some(kind)).expect("a text of its own");
    assert_eq!(again, document);
}

fn edited(mut document: Document, mut model: Value, mut choices: Unstructured<'_>) -> Result<()> {
    for _ in 0..EDITS_MAX {
        if choices.is_empty() {
            break;
        }
        let steps = place(&model, &mut choices)?;
        edit(&mut document, &mut model, &steps, &mut choices)?;
        validate(&document);
        assert_same(document.root(), &model);
        if text(document.root()).len() > TEXT_MAX {
            break;
        }
    }
    let copy = document.root().to_document();
    validate(&copy);
    assert_same(copy.root(), &model);
    Ok(())
}

/// A place in the model, at times one that is not there.
fn place(model: &Value, choices: &mut Unstructured<'_>) -> Result<Vec<u32>> {
    let mut steps = Vec::new();
    while let Some(value) = model::at(model, &steps) {
        let len = match value {
            Value::Array(elements) => elements.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        let choice = choices.int_in_range(0..=len + 1)?;
        // The last two choices: stay here, or go where nothing is (a single scalar stays).
        if choice == len || (len == 0 && choice == 1 && !choices.ratio(1, 8)?) {
            break;
        }
        steps.push(u32::try_from(choice.min(len)).expect("a small document"));
    }
    Ok(steps)
}

fn value(choices: &mut Unstructured<'_>) -> Result<(Document, Value)> {
    let text = choices.choose(&VALUES)?;
    let document = Document::parse(text.as_bytes()).expect("a constant");
    Ok((document, model::parsed(text.as_bytes())))
}

/// A name, mostly one that is there.
fn name(model: Option<&Value>, choices: &mut Unstructured<'_>) -> Result<String> {
    let names: Vec<String> = match model {
        Some(Value::Object(members)) => members.keys().cloned().collect(),
        _ => Vec::new(),
    };
    if names.is_empty() || choices.ratio(2, 3)? {
        return Ok(["a", "b", "1234567", "12345678"][choices.int_in_range(0..=3)?].to_owned()
            + &"x".repeat(choices.int_in_range(0..=3)?));
    }
    choices.choose(&names).cloned()
}

/// One edit, on both; what it says must be the same.
fn edit(
    document: &mut Document,
    model: &mut Value,
    steps: &[u32],
    choices: &mut Unstructured<'_>,
) -> Result<()> {
    match choices.int_in_range(0..=9)? {
        0 => replace(document, model, steps, value(choices)?),
        1 => {
            let name = name(model::at(model, steps), choices)?;
            insert_member(document, model, steps, &name, value(choices)?);
        }
        2 => assert_eq!(document.remove(steps), model::remove(model, steps)),
        3 => array_insert(document, model, steps, choices)?,
        4 => array_keep(document, model, steps, choices)?,
        5 => {
            let (patch, patch_model) = patch(model, steps, choices)?;
            merge(document, model, steps, (&patch, &patch_model));
        }
        6 => clear(document, model, steps),
        7 => {
            let tail =
                ["", "x", "1234567", "\u{e9}\u{1f600}\"\\\n"][choices.int_in_range(0..=3)?];
            string_append(document, model, steps, tail);
        }
        8 => set_number(document, model, steps, value(choices)?.1),
        _ => {
            let set = document.set_bool(steps, true);
            let target = model::at_mut(model, steps).filter(|target| target.is_boolean());
            assert_eq!(set, target.map(|target| *target = Value::Bool(true)).is_some());
        }
    }
    Ok(())
}

fn replace(
    document: &mut Document,
    model: &mut Value,
    steps: &[u32],
    (value, new): (Document, Value),
) {
    let fits = model::fits(steps.len(), &new);
    let target = model::at_mut(model, steps).filter(|_| fits);
    let expected = target.map(|target| *target = new).is_some();
    assert_eq!(document.replace(steps, value.root()), expected);
}

fn insert_member(
    document: &mut Document,
    model: &mut Value,
    steps: &[u32],
    name: &str,
    (value, new): (Document, Value),
) {
    let fits = model::fits(steps.len() + 1, &new);
    let members = model::at_mut(model, steps).and_then(Value::as_object_mut);
    let members = members.filter(|members| fits && !members.contains_key(name));
    let expected = members.map(|members| members.insert(name.to_owned(), new)).is_some();
    assert_eq!(document.insert_member(steps, name.as_bytes(), value.root()), expected);
}

fn array_insert(
    document: &mut Document,
    model: &mut Value,
    steps: &[u32],
    choices: &mut Unstructured<'_>,
) -> Result<()> {
    let mut values = Vec::new();
    let mut new = Vec::new();
    for _ in 0..choices.int_in_range(0..=3)? {
        let (value, model) = value(choices)?;
        values.push(value);
        new.push(model);
    }
    let elements = model::at_mut(model, steps).and_then(Value::as_array_mut);
    let len = elements.as_ref().map_or(0, |elements| elements.len());
    let index = choices.int_in_range(0..=len + 1)?;
    let fits = index <= len && new.iter().all(|new| model::fits(steps.len() + 1, new));
    let expected = elements.filter(|_| fits).map(|elements| {
        elements.splice(index..index, new);
        elements.len()
    });
    assert_eq!(document.array_insert(steps, index, &values), expected);
    Ok(())
}

fn array_keep(
    document: &mut Document,
    model: &mut Value,
    steps: &[u32],
    choices: &mut Unstructured<'_>,
) -> Result<()> {
    let elements = model::at_mut(model, steps).and_then(Value::as_array_mut);
    let len = elements.as_ref().map_or(0, |elements| elements.len());
    let (start, end) = (choices.int_in_range(0..=len + 1)?, choices.int_in_range(0..=len + 1)?);
    let expected = elements.map(|elements| {
        elements.truncate(end);
        elements.drain(..start.min(elements.len()));
        elements.len()
    });
    assert_eq!(document.array_keep(steps, start..end), expected);
    Ok(())
}

/// A patch: one of the values, or a part of the document below a name of its own.
fn patch(
    model: &Value,
    steps: &[u32],
    choices: &mut Unstructured<'_>,
) -> Result<(Document, Value)> {
    if choices.ratio(1, 2)? {
        return value(choices);
    }
    let below = model::at(model, &place(model, choices)?).cloned().unwrap_or_default();
    let name = name(model::at(model, steps), choices)?;
    let patch = Value::Object([(name, below)].into_iter().collect());
    match Document::parse(patch.to_string().as_bytes()) {
        Ok(document) => Ok((document, patch)),
        // One level too deep.
        Err(_) => value(choices),
    }
}

fn merge(
    document: &mut Document,
    model: &mut Value,
    steps: &[u32],
    (patch, patch_model): (&Document, &Value),
) {
    let before = text(document.root());
    let changed = document.merge(steps, patch.root());
    assert_eq!(changed, text(document.root()) != before, "merge of {patch_model}");
    if let Some(target) = model::at_mut(model, steps) {
        model::merge(target, patch_model, steps.len());
    }
}

fn clear(document: &mut Document, model: &mut Value, steps: &[u32]) {
    let mut cleared = false;
    if let Some(target) = model::at_mut(model, steps) {
        let empty = match target {
            Value::Array(_) => Value::Array(Vec::new()),
            Value::Object(_) => Value::Object(serde_json::Map::new()),
            Value::Number(_) => Value::from(0),
            _ => target.clone(),
        };
        cleared = *target != empty;
        *target = empty;
    }
    assert_eq!(document.clear(steps), cleared);
}

fn string_append(document: &mut Document, model: &mut Value, steps: &[u32], tail: &str) {
    let expected = match model::at_mut(model, steps) {
        Some(Value::String(text)) => {
            text.push_str(tail);
            Some(text.len())
        }
        _ => None,
    };
    assert_eq!(document.string_append(steps, tail.as_bytes()), expected);
}

fn set_number(document: &mut Document, model: &mut Value, steps: &[u32], new: Value) {
    let Value::Number(number) = &new else { return };
    let stored = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(int), _, _) => Number::Int(int),
        (_, Some(uint), _) => Number::Uint(uint),
        (_, _, double) => Number::Double(double.expect("every number has a double")),
    };
    let target = model::at_mut(model, steps).filter(|target| target.is_number());
    let expected = target.map(|target| *target = new.clone()).is_some();
    assert_eq!(document.set_number(steps, stored), expected);
}
