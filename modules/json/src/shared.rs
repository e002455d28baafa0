//! What other modules may read of documents.

use keyspan_common::args::Arg;
use keyspan_json_core::{
    Document, ValueRef,
    node::{Kind, Node, Number},
};
use keyspan_server::{Documents, Step, Unread, Wanted};

use crate::access;

/// The documents of this module.
#[derive(Debug)]
pub(crate) struct Shared;

impl Documents for Shared {
    type Value = Document;

    fn read(
        value: &Document,
        path: &[u8],
        wanted: Wanted,
        sink: &mut dyn FnMut(Step<'_>),
    ) -> Result<(), Unread> {
        let path = access::path(Some(Arg { bytes: path, position: 0 }));
        let path = path.map_err(|_| Unread::Path)?;
        // A search that gives up finds nothing.
        for found in access::select(value, &path).unwrap_or_default() {
            match wanted {
                Wanted::Steps => steps(found, sink),
                Wanted::Json => access::with_text(|text| {
                    if access::print(found, text).is_ok() {
                        sink(Step::Json(text));
                    }
                }),
            }
        }
        Ok(())
    }
}

/// The value, and behind an array its elements. As deep as documents may be.
fn steps(value: ValueRef<'_>, sink: &mut dyn FnMut(Step<'_>)) {
    match value.kind() {
        Kind::Null => sink(Step::Null),
        Kind::Bool(value) => sink(Step::Bool(value)),
        Kind::Number(Number::Int(number)) => sink(Step::Number(number as f64)),
        Kind::Number(Number::Uint(number)) => sink(Step::Number(number as f64)),
        Kind::Number(Number::Double(number)) => sink(Step::Number(number)),
        Kind::String(text) => sink(Step::Text(text)),
        Kind::Array(len) => {
            sink(Step::Array(len));
            (0..len).filter_map(|place| value.element(place)).for_each(|one| steps(one, sink));
        }
        Kind::Object(_) => sink(Step::Object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, path: &str, wanted: Wanted, expected: &[&str]) {
        let document = Document::parse(json.as_bytes()).unwrap();
        let mut found = Vec::new();
        let mut sink = |step: Step<'_>| found.push(format!("{step:?}"));
        assert_eq!(Shared::read(&document, path.as_bytes(), wanted, &mut sink), Ok(()));
        assert_eq!(found, expected, "{json} {path}");
    }

    #[test]
    fn documents_are_read_by_path() {
        let json = r#"{"a":[1,2.5,null],"b":"x","c":{"d":[true]},"e":18446744073709551615}"#;
        let array = ["Array(3)", "Number(1.0)", "Number(2.5)", "Null"];
        check(json, "$.a", Wanted::Steps, &array);
        check(json, "$.a[*]", Wanted::Steps, &array[1..]);
        check(json, "$.c", Wanted::Steps, &["Object"]);
        check(json, "$.c.d[0]", Wanted::Steps, &["Bool(true)"]);
        check(json, "$.e", Wanted::Steps, &["Number(1.8446744073709552e19)"]);
        check(json, ".b", Wanted::Steps, &["Text([120])"]);
        check(json, "$.none", Wanted::Steps, &[]);
        check(json, "$.b", Wanted::Json, &["Json([34, 120, 34])"]);
        let document = Document::parse(b"1").unwrap();
        let read = Shared::read(&document, b"$[", Wanted::Steps, &mut |_| ());
        assert_eq!(read, Err(Unread::Path));
    }
}
