//! Labels: names and values that a series carries, and is found by.

pub use crate::series::Label;

/// Words that are no labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLabels;

/// A label, unless a part is empty or the value holds what a filter could not name.
fn label(name: &[u8], value: &[u8]) -> Option<Label> {
    let is_reserved = |byte: &u8| matches!(byte, b'(' | b')' | b',');
    if name.is_empty() || value.is_empty() || value.iter().any(is_reserved) {
        return None;
    }
    Some(Label { name: name.into(), value: value.into() })
}

/// Labels from words in pairs; a word without its pair is left out, as in RedisTimeSeries.
///
/// # Errors
/// [`NotLabels`] if one of them is none.
pub fn parse(words: &[&[u8]]) -> Result<Vec<Label>, NotLabels> {
    let (pairs, _rest) = words.as_chunks::<2>();
    pairs.iter().map(|[name, value]| label(name, value).ok_or(NotLabels)).collect()
}

/// The value of the first label of this name.
pub fn value_of<'a>(labels: &'a [Label], name: &[u8]) -> Option<&'a [u8]> {
    labels.iter().find(|label| *label.name == *name).map(|label| &*label.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: Result<&[(&str, &str)], NotLabels>) {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let expected = expected.map(|pairs| {
            pairs
                .iter()
                .map(|(name, value)| Label {
                    name: name.as_bytes().into(),
                    value: value.as_bytes().into(),
                })
                .collect()
        });
        assert_eq!(parse(&bytes), expected, "{words:?}");
    }

    #[test]
    fn pairs_of_words_are_labels() {
        check(&[], Ok(&[]));
        check(&["a"], Ok(&[]));
        check(&["a", "b"], Ok(&[("a", "b")]));
        check(&["a", "b", "c"], Ok(&[("a", "b")]));
        check(&["l", "v", "l", "w"], Ok(&[("l", "v"), ("l", "w")]));
        check(&["(a,)", "x=y"], Ok(&[("(a,)", "x=y")]));
        for bad in [["", "b"], ["a", ""], ["a", "x("], ["a", ")"], ["a", "x,y"]] {
            check(&bad, Err(NotLabels));
        }
    }

    #[test]
    fn the_first_value_counts() {
        let labels = parse(&[b"l", b"v", b"l", b"w"]).unwrap();
        assert_eq!(value_of(&labels, b"l"), Some(&b"v"[..]));
        assert_eq!(value_of(&labels, b"m"), None);
    }
}
