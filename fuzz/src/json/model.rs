//! The plainest model of a document: a `serde_json::Value` whose objects keep their order.

use keyspan_json_core::{
    ValueRef,
    node::{Kind, Node, Number},
};
use serde_json::{Map, Value};

/// The deepest nesting that edits make.
const NESTING_MAX: usize = 127;

/// The value of a text that a document printed, however deep.
pub(crate) fn parsed(text: &[u8]) -> Value {
    let mut source = serde_json::Deserializer::from_slice(text);
    source.disable_recursion_limit();
    let value = serde::Deserialize::deserialize(&mut source);
    let value = value.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(text)));
    source.end().expect("one value");
    value
}

/// Panics unless both are the same: kinds, order of members, bits of doubles.
pub(crate) fn assert_same(value: ValueRef<'_>, model: &Value) {
    match (value.kind(), model) {
        (Kind::Null, Value::Null) => {}
        (Kind::Bool(flag), Value::Bool(other)) => assert_eq!(flag, *other),
        (Kind::Number(left), Value::Number(right)) => assert_same_number(left, right),
        (Kind::String(text), Value::String(other)) => assert_eq!(text, other.as_bytes()),
        (Kind::Array(len), Value::Array(elements)) => {
            assert_eq!(len, elements.len());
            value.elements().zip(elements).for_each(|(left, right)| assert_same(left, right));
        }
        (Kind::Object(len), Value::Object(members)) => {
            assert_eq!(len, members.len());
            for ((name, left), (other, right)) in value.members().zip(members) {
                assert_eq!(name, other.as_bytes());
                assert_same(left, right);
            }
        }
        (kind, model) => panic!("{kind:?} and {model:?}"),
    }
}

fn assert_same_number(left: Number, right: &serde_json::Number) {
    match left {
        Number::Int(int) => assert_eq!(Some(int), right.as_i64()),
        Number::Uint(uint) => assert_eq!((Some(uint), None), (right.as_u64(), right.as_i64())),
        Number::Double(double) => {
            let other = right.as_f64().filter(|_| right.is_f64());
            assert_eq!(Some(double.to_bits()), other.map(f64::to_bits));
        }
    }
}

/// The value that `steps` lead to.
pub(crate) fn at<'v>(value: &'v Value, steps: &[u32]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Array(elements) => elements.get(*step as usize),
        Value::Object(members) => members.values().nth(*step as usize),
        _ => None,
    })
}

/// The same, to be changed.
pub(crate) fn at_mut<'v>(value: &'v mut Value, steps: &[u32]) -> Option<&'v mut Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Array(elements) => elements.get_mut(*step as usize),
        Value::Object(members) => members.values_mut().nth(*step as usize),
        _ => None,
    })
}

/// How deep the value is nested.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether `value` may stand below so many containers.
pub(crate) fn fits(steps: usize, value: &Value) -> bool {
    steps + depth(value) <= NESTING_MAX
}

/// Removes a member or element; false for the root and what is not there.
pub(crate) fn remove(value: &mut Value, steps: &[u32]) -> bool {
    let Some((last, above)) = steps.split_last() else { return false };
    let position = *last as usize;
    match at_mut(value, above) {
        Some(Value::Array(elements)) if position < elements.len() => {
            elements.remove(position);
            true
        }
        Some(Value::Object(members)) => {
            let name = members.keys().nth(position).cloned();
            name.is_some_and(|name| members.shift_remove(&name).is_some())
        }
        _ => false,
    }
}

/// RFC 7396, for a value below `above` containers: what would be nested too deeply is left out.
pub(crate) fn merge(value: &mut Value, patch: &Value, above: usize) {
    let Value::Object(patch_members) = patch else {
        if fits(above, patch) && value != patch {
            *value = patch.clone();
        }
        return;
    };
    if !value.is_object() {
        let empty = Value::Object(Map::new());
        if !fits(above, &empty) {
            return;
        }
        *value = empty;
    }
    let Value::Object(members) = value else { return };
    for (name, patch) in patch_members {
        merge_member(members, name, patch, above + 1);
    }
}

fn merge_member(members: &mut Map<String, Value>, name: &str, patch: &Value, above: usize) {
    if patch.is_null() {
        members.shift_remove(name);
    } else if let Some(member) = members.get_mut(name) {
        merge(member, patch, above);
    } else {
        let mut fresh = Value::Null;
        merge(&mut fresh, patch, 0);
        if fits(above, &fresh) {
            members.insert(name.to_owned(), fresh);
        }
    }
}
