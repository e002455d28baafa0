//! Keys as documents: what an index reads of them.

use keyspan_search_core::engine::{Input, Json, Record};
use keyspan_search_core::schema::Source;
use keyspan_server::{Held, OpenKey, Step, Wanted};

/// Deepest nesting of arrays that is read; what lies below is no vector anyway.
const DEPTH_MAX: usize = 8;

/// A name and a value of a result.
pub(crate) type Pair = (Box<[u8]>, Box<[u8]>);

/// An open key of the kind an index is of.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    key: &'a OpenKey<'a>,
    source: Source,
}

impl<'a> Document<'a> {
    /// The key as a document; `None` if it holds something else.
    pub(crate) fn of(key: &'a OpenKey<'a>, source: Source) -> Option<Self> {
        let is_document = match source {
            Source::Hash => key.held() == Held::Hash,
            // Any path tells whether it is a document.
            Source::Json => key.document(b"$.x", Wanted::Steps, &mut |_| ()).is_ok(),
        };
        is_document.then_some(Self { key, source })
    }

    /// Every field of a hash with its value, or the whole JSON document as `$`.
    pub(crate) fn all(&self) -> Vec<Pair> {
        let mut fields = Vec::new();
        match self.source {
            Source::Hash => {
                self.key.fields(&mut |name, value| fields.push((name.into(), value.into())));
            }
            Source::Json => {
                if let Some(text) = self.texts(b"$").into_iter().next() {
                    fields.push((Box::from(*b"$"), text));
                }
            }
        }
        fields
    }

    /// The value at `identifier` as replies have it. With `is_multi` (dialects 3 and 4) all matches
    /// of a JSON path, as an array; else the first, strings without quotes.
    pub(crate) fn text(&self, identifier: &[u8], is_multi: bool) -> Option<Box<[u8]>> {
        match self.source {
            Source::Hash => {
                let value = self.key.field(&self.key.name(identifier))?;
                Some(value.as_ref().into())
            }
            Source::Json if is_multi => {
                let texts = self.texts(identifier);
                (!texts.is_empty()).then(|| array(&texts))
            }
            Source::Json => self.first_text(identifier),
        }
    }

    /// The matches of a path as JSON texts.
    fn texts(&self, path: &[u8]) -> Vec<Box<[u8]>> {
        let mut texts = Vec::new();
        let mut sink = |step: Step<'_>| {
            if let Step::Json(text) = step {
                texts.push(text.into());
            }
        };
        // A path that cannot be read matches nothing.
        let _ = self.key.document(path, Wanted::Json, &mut sink);
        texts
    }

    fn first_text(&self, path: &[u8]) -> Option<Box<[u8]>> {
        match self.json(path).first()? {
            Json::Text(text) => Some(text.clone()),
            Json::Array(_) | Json::Bool(_) | Json::Null | Json::Number(_) | Json::Object => {
                self.texts(path).into_iter().next()
            }
        }
    }

    fn json(&self, path: &[u8]) -> Vec<Json> {
        let mut open = Open::default();
        let _ = self.key.document(path, Wanted::Steps, &mut |step| open.take(step));
        open.done
    }
}

fn array(texts: &[Box<[u8]>]) -> Box<[u8]> {
    let mut array = vec![b'['];
    for (place, text) in texts.iter().enumerate() {
        if place > 0 {
            array.push(b',');
        }
        array.extend_from_slice(text);
    }
    array.push(b']');
    array.into()
}

impl Record for Document<'_> {
    fn value(&self, identifier: &[u8]) -> Option<Input> {
        match self.source {
            Source::Hash => {
                let value = self.key.field(&self.key.name(identifier))?;
                Some(Input::Text(value.as_ref().into()))
            }
            Source::Json => {
                let values = self.json(identifier);
                (!values.is_empty()).then_some(Input::Json(values))
            }
        }
    }
}

/// Values that are being put together from steps.
#[derive(Default)]
struct Open {
    done: Vec<Json>,
    /// Arrays not at their end: how many values they lack, and those they have.
    arrays: Vec<(usize, Vec<Json>)>,
}

impl Open {
    fn take(&mut self, step: Step<'_>) {
        let value = match step {
            Step::Array(len) if len > 0 => {
                self.arrays.push((len, Vec::new()));
                return;
            }
            Step::Array(_) => Json::Array(Vec::new()),
            Step::Bool(value) => Json::Bool(value),
            Step::Null => Json::Null,
            Step::Number(number) => Json::Number(number),
            Step::Text(text) => Json::Text(text.into()),
            Step::Object | Step::Json(_) => Json::Object,
        };
        self.put(value);
    }

    /// Puts a value where it belongs, and every array that it completes.
    fn put(&mut self, mut value: Json) {
        while let Some((lacking, values)) = self.arrays.last_mut() {
            values.push(value);
            *lacking -= 1;
            if *lacking > 0 {
                return;
            }
            let values = std::mem::take(values);
            self.arrays.pop();
            value = if self.arrays.len() < DEPTH_MAX { Json::Array(values) } else { Json::Object };
        }
        self.done.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_make_values() {
        let mut open = Open::default();
        for step in [
            Step::Array(2),
            Step::Array(0),
            Step::Array(2),
            Step::Number(1.0),
            Step::Object,
            Step::Text(b"x"),
        ] {
            open.take(step);
        }
        let inner = Json::Array(vec![Json::Number(1.0), Json::Object]);
        let outer = Json::Array(vec![Json::Array(vec![]), inner]);
        assert_eq!(open.done, [outer, Json::Text(Box::from(*b"x"))]);
        assert!(open.arrays.is_empty());
    }
}
