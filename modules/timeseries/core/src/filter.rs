//! Filters: which labels a series must have, and must not.

use std::collections::BTreeSet;

/// What one expression asks of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `l=`: there is none of this name.
    Absent,
    /// `l=v`, `l=(v,w)`: it has one of these values.
    OneOf(BTreeSet<Box<[u8]>>),
    /// `l!=v`, `l!=(v,w)`: it has none of these values, or is not there.
    NoneOf(BTreeSet<Box<[u8]>>),
    /// `l!=`: there is one of this name.
    Present,
}

/// One expression of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label's name.
    pub label: Box<[u8]>,
    /// What is asked of it.
    pub wanted: Wanted,
}

/// Expressions that must all hold; at least one asks for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    matchers: Vec<Matcher>,
}

/// Why words are no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFilter {
    /// A word is no expression.
    Expression,
    /// No expression asks for a value.
    NoMatcher,
}

impl Filter {
    /// Reads expressions, in O(bytes * log(values)).
    ///
    /// # Errors
    /// The first [`NoFilter`] there is.
    pub fn parse(words: &[&[u8]]) -> Result<Self, NoFilter> {
        let matchers: Option<Vec<Matcher>> =
            words.iter().map(|word| Matcher::parse(word)).collect();
        let matchers = matchers.ok_or(NoFilter::Expression)?;
        if matchers.iter().any(|matcher| matches!(matcher.wanted, Wanted::OneOf(_))) {
            Ok(Self { matchers })
        } else {
            Err(NoFilter::NoMatcher)
        }
    }

    /// The expressions, in the order they were written.
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }
}

impl Matcher {
    /// Reads one expression. The first `!=(`, else `!=`, else `=(`, else `=` parts it, wherever it
    /// stands, as in RedisTimeSeries.
    fn parse(word: &[u8]) -> Option<Self> {
        let (label, wanted) = if let Some((label, list)) = split(word, b"!=(") {
            (label, Wanted::NoneOf(values(list)?))
        } else if let Some((label, value)) = split(word, b"!=") {
            (label, one(value).map_or(Wanted::Present, Wanted::NoneOf))
        } else if let Some((label, list)) = split(word, b"=(") {
            (label, Wanted::OneOf(values(list)?))
        } else {
            let (label, value) = split(word, b"=")?;
            (label, one(value).map_or(Wanted::Absent, Wanted::OneOf))
        };
        (!label.is_empty()).then(|| Self { label: label.into(), wanted })
    }
}

/// What stands before and behind the first `separator`.
fn split<'a>(word: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = word.windows(separator.len()).position(|window| window == separator)?;
    let (before, behind) = word.split_at_checked(place)?;
    Some((before, behind.get(separator.len()..)?))
}

/// A value alone; none if it is empty.
fn one(value: &[u8]) -> Option<BTreeSet<Box<[u8]>>> {
    (!value.is_empty()).then(|| BTreeSet::from([value.into()]))
}

/// The values of a list, behind its opening parenthesis. A list may be empty, a value may not.
fn values(list: &[u8]) -> Option<BTreeSet<Box<[u8]>>> {
    if list.is_empty() {
        return Some(BTreeSet::new());
    }
    let list = list.strip_suffix(b")")?;
    if list.is_empty() {
        return Some(BTreeSet::new());
    }
    let value = |value: &[u8]| (!value.is_empty()).then(|| value.into());
    list.split(|byte| *byte == b',').map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: &[&str]) -> BTreeSet<Box<[u8]>> {
        values.iter().map(|value| value.as_bytes().into()).collect()
    }

    fn check(word: &str, expected: Option<(&str, Wanted)>) {
        let expected =
            expected.map(|(label, wanted)| Matcher { label: label.as_bytes().into(), wanted });
        assert_eq!(Matcher::parse(word.as_bytes()), expected, "{word}");
    }

    #[test]
    fn expressions_are_read() {
        check("l=v", Some(("l", Wanted::OneOf(set(&["v"])))));
        check("l!=v", Some(("l", Wanted::NoneOf(set(&["v"])))));
        check("l=", Some(("l", Wanted::Absent)));
        check("l!=", Some(("l", Wanted::Present)));
        check("l=(v,w)", Some(("l", Wanted::OneOf(set(&["v", "w"])))));
        check("l!=(v,w,v)", Some(("l", Wanted::NoneOf(set(&["v", "w"])))));
        check("l=()", Some(("l", Wanted::OneOf(set(&[])))));
        check("l=(", Some(("l", Wanted::OneOf(set(&[])))));
        check("l!=()", Some(("l", Wanted::NoneOf(set(&[])))));
        check("l=a=b", Some(("l", Wanted::OneOf(set(&["a=b"])))));
        check("l=v)", Some(("l", Wanted::OneOf(set(&["v)"])))));
        for bad in ["", "bad", "=v", "!=v", "l=(v", "l=(v,,w)", "l=(,)", "l!=(v,"] {
            check(bad, None);
        }
    }

    #[test]
    fn a_filter_asks_for_a_value() {
        let check = |words: &[&[u8]], expected: Result<usize, NoFilter>| {
            let filter = Filter::parse(words);
            assert_eq!(filter.map(|filter| filter.matchers().len()), expected, "{words:?}");
        };
        check(&[b"a=1", b"b!="], Ok(2));
        check(&[b"a=()"], Ok(1));
        check(&[b"a!=1", b"b!=", b"c="], Err(NoFilter::NoMatcher));
        check(&[], Err(NoFilter::NoMatcher));
        check(&[b"a!=1", b"b"], Err(NoFilter::Expression));
    }

    /// A word of a megabyte, and a list of as many values: read once, nothing quadratic.
    #[test]
    fn long_words_are_read() {
        let long = [b"l=".as_slice(), &b"x".repeat(1 << 20)].concat();
        assert!(Filter::parse(&[&long]).is_ok());
        let list = [b"l=(".as_slice(), &b"x,".repeat(1 << 19), b"x)"].concat();
        assert!(Filter::parse(&[&list]).is_ok());
    }
}
