//! Paths over documents. Input: a byte for the dialect, the path, a line end, the document.

use keyspan_json_core::{
    Document, ValueRef,
    path::{Budget, Dialect, Locations, Path, Steps},
};

use super::split;

/// Small enough that no input takes long.
const BUDGET: Budget = Budget::new(50_000, 2_000);
/// Documents longer than this teach nothing new.
const DOCUMENT_MAX: usize = 16 << 10;

/// Parses the path, and compares its evaluations over the document with each other.
pub fn check(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let dialect = if first & 1 == 0 { Dialect::Redis } else { Dialect::Strict };
    let (path, document) = split(rest, b'\n');
    let Ok(path) = Path::parse(path, dialect).inspect_err(|error| drop(error.to_string())) else {
        return;
    };
    assert!(!path.is_root() || path.is_definite());
    assert!(!path.is_legacy() || dialect == Dialect::Redis);
    if document.len() > DOCUMENT_MAX {
        return;
    }
    if let Ok(document) = Document::parse(document) {
        evaluate(&path, &document);
    }
}

fn evaluate(path: &Path, document: &Document) {
    let (mut values, mut places) = (Vec::new(), Locations::new());
    let selected = path.select(document.root(), &mut BUDGET.clone(), &mut values);
    let located = path.locate(document.root(), &mut BUDGET.clone(), &mut places);
    assert_eq!(selected, located, "values and places cost alike");
    assert_eq!(values.len(), places.len());
    for (value, steps) in values.iter().zip(places.iter()) {
        assert_same(document.at(steps), Some(*value));
    }
    if path.is_definite() && selected.is_ok() {
        resolve(path, document, &values, &places);
    } else {
        assert_same(path.resolve(document.root()).filter(|_| !path.is_definite()), None);
    }
}

/// The shortcut of definite paths leads where the evaluation does.
fn resolve(path: &Path, document: &Document, values: &[ValueRef<'_>], places: &Locations) {
    assert!(values.len() <= 1, "a definite path matches once at most");
    let mut steps = Steps::from_slice(&[7]);
    assert_same(path.resolve(document.root()), values.first().copied());
    assert_same(path.resolve_steps(document.root(), &mut steps), values.first().copied());
    assert_eq!(&steps[1..], places.at(0).unwrap_or_default());
    let Some((above, _)) = path.parent() else { return assert!(path.is_root()) };
    if let Some((_, leading)) = places.at(0).and_then(<[u32]>::split_last) {
        steps.clear();
        assert_same(above.resolve_steps(document.root(), &mut steps), document.at(leading));
        assert_eq!(&steps[..], leading);
    }
}

/// Panics unless both are values of one text, or nothing.
fn assert_same(left: Option<ValueRef<'_>>, right: Option<ValueRef<'_>>) {
    assert_eq!(left.map(super::text), right.map(super::text));
}
