//! A document as it comes, and what is indexed of it.

use half::{bf16, f16};

use keyspan_common::number::parse_f64;

use super::vectors::space;
use crate::documents::SortValue;
use crate::index::value::{place, sort_value, tags};
use crate::index::vector::{Probe, Space};
use crate::index::{Reject, Value};
use crate::schema::{Element, Field, Kind, Schema, Vector};

/// A value in a JSON document.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// An array.
    Array(Vec<Self>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A number.
    Number(f64),
    /// An object: whatever is in it, it cannot be indexed.
    Object,
    /// A string.
    Text(Box<[u8]>),
}

/// What a document has for a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The text of a hash field.
    Text(Box<[u8]>),
    /// What a JSON path matches, in order.
    Json(Vec<Json>),
}

/// A document that is to be indexed.
pub trait Record {
    /// The value of the hash field, or what the JSON path matches; `None` if there is nothing.
    fn value(&self, identifier: &[u8]) -> Option<Input>;
}

/// Why a document is left out, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The place of the field in the schema.
    pub place: usize,
    /// What is wrong with it.
    pub reject: Reject,
}

/// What is indexed of a document.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    pub(super) score: f64,
    pub(super) sortables: Vec<SortValue>,
    pub(super) values: Vec<Value>,
    /// The vectors of each vector field, by the field's place.
    pub(super) vectors: Vec<(usize, Vec<Probe>)>,
}

impl Parsed {
    /// Reads what `schema` declares out of `record`.
    pub(super) fn read(schema: &Schema, record: &impl Record) -> Result<Self, Failure> {
        let mut parsed = Self {
            score: score(schema, record),
            sortables: vec![SortValue::Missing; schema.sort_slots()],
            values: Vec::with_capacity(schema.fields.len()),
            vectors: Vec::new(),
        };
        for (place, field) in schema.fields.iter().enumerate() {
            let taken = parsed.take(place, field, record.value(field.identifier()));
            taken.map_err(|reject| Failure { place, reject })?;
        }
        Ok(parsed)
    }

    fn take(&mut self, place: usize, field: &Field, input: Option<Input>) -> Result<(), Reject> {
        let (value, sorted) = match &input {
            None => (Value::Missing, SortValue::Missing),
            Some(Input::Text(text)) => {
                (Value::from_hash(field, Some(text))?, sort_value(field, Some(text)))
            }
            Some(Input::Json(values)) => (from_json(field, values)?, sort_json(field, values)),
        };
        if let (Kind::Vector(vector), Value::Vector, Some(input)) = (&field.kind, &value, &input)
            && let Some(space) = space(vector)
        {
            self.vectors.push((place, probes(vector, &space, input)?));
        }
        let slot = field.sort_slot.and_then(|slot| self.sortables.get_mut(slot as usize));
        if let Some(slot) = slot {
            *slot = sorted;
        }
        self.values.push(value);
        Ok(())
    }
}

/// The score of a document: that of its field if it is a number from 0 to 1, else the index's.
fn score(schema: &Schema, record: &impl Record) -> f64 {
    let number = |input| match input {
        Input::Text(text) => parse_f64(&text),
        Input::Json(values) => match values.first() {
            Some(Json::Number(number)) => Some(*number),
            Some(Json::Array(_) | Json::Bool(_) | Json::Null | Json::Object | Json::Text(_))
            | None => None,
        },
    };
    let own = schema.score_field.as_ref().and_then(|field| record.value(field)).and_then(number);
    own.filter(|score| (0.0..=1.0).contains(score)).unwrap_or(schema.score)
}

/// What a path matched: one value, or several as if they stood in an array.
fn items(values: &[Json]) -> &[Json] {
    match values {
        [Json::Array(items)] => items,
        values => values,
    }
}

/// The value of a field of a JSON document. `null` is as good as nothing.
fn from_json(field: &Field, values: &[Json]) -> Result<Value, Reject> {
    if matches!(values, [] | [Json::Null]) {
        return Ok(Value::Missing);
    }
    match &field.kind {
        Kind::Geo => {
            let texts = texts(values, false)?;
            let places = texts.iter().map(|text| place(text).ok_or(Reject::Geo));
            places.collect::<Result<_, _>>().map(Value::Places)
        }
        Kind::Numeric => numbers(items(values)).map(Value::Numbers),
        Kind::Shape { .. } | Kind::Text(_) => Ok(Value::Skipped),
        Kind::Tag(tag) => {
            let texts = texts(values, true)?;
            let all = texts.iter().flat_map(|text| tags(tag, field.options, text));
            Ok(Value::Tags(all.collect()))
        }
        Kind::Vector(_) => Ok(Value::Vector),
    }
}

/// The strings of an array, or a single value; booleans as words where they may stand.
fn texts(values: &[Json], with_bool: bool) -> Result<Vec<Box<[u8]>>, Reject> {
    let in_array = matches!(values, [Json::Array(_)] | [_, _, ..]);
    let text = |value: &Json| match value {
        Json::Null => Ok(None),
        Json::Text(text) => Ok(Some(text.clone())),
        Json::Bool(value) if with_bool && !in_array => {
            Ok(Some(if *value { Box::from(*b"true") } else { Box::from(*b"false") }))
        }
        Json::Bool(_) => Err(Reject::JsonBool),
        Json::Number(_) => Err(Reject::JsonNumber),
        Json::Array(_) => Err(Reject::JsonArray),
        Json::Object => Err(Reject::JsonObject),
    };
    items(values).iter().filter_map(|value| text(value).transpose()).collect()
}

fn numbers(values: &[Json]) -> Result<Vec<f64>, Reject> {
    let number = |value: &Json| match value {
        Json::Null => Ok(None),
        Json::Number(number) => Ok(Some(*number)),
        Json::Text(_) => Err(Reject::JsonText),
        Json::Bool(_) => Err(Reject::JsonBool),
        Json::Array(_) => Err(Reject::JsonArray),
        Json::Object => Err(Reject::JsonObject),
    };
    values.iter().filter_map(|value| number(value).transpose()).collect()
}

/// What a field with these values is sorted by: the first of them.
fn sort_json(field: &Field, values: &[Json]) -> SortValue {
    match items(values).first() {
        Some(Json::Number(number)) => SortValue::Number(*number),
        Some(Json::Text(text)) => sort_value(field, Some(text)),
        Some(Json::Bool(value)) => sort_value(field, Some(if *value { b"true" } else { b"false" })),
        Some(Json::Array(_) | Json::Null | Json::Object) | None => SortValue::Missing,
    }
}

/// The vectors of an input.
fn probes(vector: &Vector, space: &Space, input: &Input) -> Result<Vec<Probe>, Reject> {
    match input {
        Input::Text(blob) => probe(space, blob).map(|probe| vec![probe]),
        Input::Json(values) => {
            let several = matches!(values.as_slice(), [Json::Array(items)] if holds_arrays(items));
            let vectors = if several { items(values) } else { values };
            let vectors = vectors.iter().filter(|value| **value != Json::Null);
            vectors.map(|value| probe(space, &blob(vector, value)?)).collect()
        }
    }
}

fn holds_arrays(items: &[Json]) -> bool {
    matches!(items.first(), Some(Json::Array(_)))
}

fn probe(space: &Space, blob: &[u8]) -> Result<Probe, Reject> {
    space.probe(blob).map_err(Reject::Vector)
}

/// The blob of an array of numbers.
fn blob(vector: &Vector, value: &Json) -> Result<Vec<u8>, Reject> {
    let Json::Array(items) = value else { return Err(Reject::JsonVector) };
    let (got, expected) = (items.len() as u64, vector.dimension);
    if got != expected {
        let size = vector.element.size();
        return Err(Reject::BlobSize(got.saturating_mul(size), vector.blob_size()));
    }
    let mut blob = Vec::with_capacity(items.len().saturating_mul(8));
    for item in items {
        let Json::Number(number) = item else { return Err(Reject::JsonVector) };
        element(vector.element, *number, &mut blob)?;
    }
    Ok(blob)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "elements have the precision of their type; integers are checked"
)]
fn element(element: Element, number: f64, blob: &mut Vec<u8>) -> Result<(), Reject> {
    let whole = |least: f64, most: f64| {
        let fits = number.fract() == 0.0 && (least..=most).contains(&number);
        if fits { Ok(number) } else { Err(Reject::JsonVector) }
    };
    match element {
        Element::Float32 => blob.extend((number as f32).to_le_bytes()),
        Element::Float64 => blob.extend(number.to_le_bytes()),
        Element::Bfloat16 => blob.extend(bf16::from_f64(number).to_le_bytes()),
        Element::Float16 => blob.extend(f16::from_f64(number).to_le_bytes()),
        Element::Int8 => blob.push((whole(-128.0, 127.0)? as i8).cast_unsigned()),
        Element::Uint8 => blob.push(whole(0.0, 255.0)? as u8),
    }
    Ok(())
}
