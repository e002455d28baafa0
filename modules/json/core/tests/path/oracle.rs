//! `serde_json::Value` as a document for the path engine.

use keyspan_json_core::node::{Kind, Node, Number};
use keyspan_json_core::path::{Budget, Path};
use serde_json::Value;

/// A handle to a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(pub(crate) &'a Value);

impl<'a> Node<'a> for Json<'a> {
    fn kind(self) -> Kind<'a> {
        match self.0 {
            Value::Null => Kind::Null,
            Value::Bool(truth) => Kind::Bool(*truth),
            Value::Number(number) => Kind::Number(match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Number::Int(value),
                (None, Some(value)) => Number::Uint(value),
                (None, None) => Number::Double(number.as_f64().unwrap()),
            }),
            Value::String(text) => Kind::String(text.as_bytes()),
            Value::Array(elements) => Kind::Array(elements.len()),
            Value::Object(members) => Kind::Object(members.len()),
        }
    }

    fn element(self, index: usize) -> Option<Self> {
        self.0.as_array()?.get(index).map(Json)
    }

    fn member(self, position: usize) -> Option<(&'a [u8], Self)> {
        let (name, value) = self.0.as_object()?.iter().nth(position)?;
        Some((name.as_bytes(), Json(value)))
    }

    fn find(self, name: &[u8]) -> Option<(usize, Self)> {
        let mut members = self.0.as_object()?.iter().enumerate();
        let found = members.find(|(_, (key, _))| key.as_bytes() == name);
        found.map(|(position, (_, value))| (position, Json(value)))
    }
}

/// The child at `step`.
pub(crate) fn down<'a>(node: Json<'a>, step: u32) -> Option<Json<'a>> {
    let position = step as usize;
    node.element(position).or_else(|| node.member(position).map(|(_, member)| member))
}

/// What `path` selects, as an array.
pub(crate) fn selected(path: &Path, document: &Value) -> Value {
    let mut out = Vec::new();
    path.select(Json(document), &mut Budget::default(), &mut out).unwrap();
    Value::Array(out.iter().map(|node| node.0.clone()).collect())
}
