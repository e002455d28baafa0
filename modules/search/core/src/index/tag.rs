//! Tags and the documents that have them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::forward::{Forward, Values};
use super::wildcard;
use super::{DocId, DocSet};
use crate::query::Pattern;
use crate::schema::Tag;

/// How many bytes of a tag are kept, as RediSearch bounds them.
pub const TAG_MAX: usize = 4096;

/// How far a pattern may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The shortest text of a pattern; shorter ones match nothing. 2.
    pub length_min: usize,
    /// How many tags one pattern may stand for; the rest is left out. 200.
    pub tags_max: usize,
}

impl Default for Expansion {
    fn default() -> Self {
        Self { length_min: 2, tags_max: 200 }
    }
}

/// The documents of one tag.
#[derive(Clone, Debug)]
enum Documents {
    /// Most tags of some fields (titles, numbers of orders) have one.
    One(DocId),
    Many(DocSet),
}

impl Documents {
    fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Many(set) => set.len(),
        }
    }

    fn add(&mut self, document: DocId) {
        match self {
            Self::One(one) => *self = Self::Many([*one, document].into_iter().collect()),
            Self::Many(set) => drop(set.insert(document)),
        }
    }

    fn contains(&self, document: DocId) -> bool {
        match self {
            Self::One(one) => *one == document,
            Self::Many(set) => set.contains(document),
        }
    }

    fn add_to(&self, set: &mut DocSet) {
        match self {
            Self::One(one) => drop(set.insert(*one)),
            Self::Many(many) => *set |= many,
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Many(set) => set.serialized_size(),
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    text: Arc<[u8]>,
    documents: Documents,
}

/// The index of a `TAG` field: the documents of each tag, and the tags of each document.
#[derive(Clone, Debug)]
pub struct TagIndex {
    options: Tag,
    /// Places in `entries`, in the order of the texts.
    places: BTreeMap<Arc<[u8]>, u32>,
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    forward: Forward<u32>,
}

impl TagIndex {
    /// An index without tags.
    #[must_use]
    pub fn new(options: Tag) -> Self {
        Self {
            options,
            places: BTreeMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            forward: Forward::default(),
        }
    }

    /// A tag as it is kept: in lower case unless case matters, and not too long.
    #[must_use]
    pub fn normalised<'a>(&self, tag: &'a [u8]) -> Cow<'a, [u8]> {
        let tag = tag.get(..TAG_MAX).unwrap_or(tag);
        if self.options.case_sensitive { Cow::Borrowed(tag) } else { lower(tag) }
    }

    /// Gives `document` these tags instead of those it has.
    pub fn put(&mut self, document: DocId, tags: &[Box<[u8]>]) {
        self.remove(document);
        let mut places = Values::new();
        for tag in tags {
            let tag = self.normalised(tag);
            if let Some(place) = self.add(&tag, document)
                && !places.contains(&place)
            {
                places.push(place);
            }
        }
        self.forward.put(document, places);
    }

    fn add(&mut self, tag: &[u8], document: DocId) -> Option<u32> {
        if let Some(place) = self.places.get(tag).copied() {
            let entry = self.entries.get_mut(place as usize)?.as_mut()?;
            if !entry.documents.contains(document) {
                entry.documents.add(document);
            }
            return Some(place);
        }
        let text: Arc<[u8]> = tag.into();
        let entry = Entry { text: Arc::clone(&text), documents: Documents::One(document) };
        let place = match self.free.pop() {
            Some(place) => {
                *self.entries.get_mut(place as usize)? = Some(entry);
                place
            }
            None => {
                self.entries.push(Some(entry));
                u32::try_from(self.entries.len() - 1).ok()?
            }
        };
        self.places.insert(text, place);
        Some(place)
    }

    /// Takes `document` out, and tags nobody has any more.
    pub fn remove(&mut self, document: DocId) {
        for place in self.forward.take(document) {
            let Some(slot) = self.entries.get_mut(place as usize) else { continue };
            let Some(entry) = slot else { continue };
            let left = match &mut entry.documents {
                Documents::One(_) => 0,
                Documents::Many(set) => {
                    set.remove(document);
                    set.len()
                }
            };
            if left == 0 {
                self.places.remove(&entry.text);
                *slot = None;
                self.free.push(place);
            }
        }
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        self.entries.get(place as usize)?.as_ref()
    }

    /// The documents of the tags that look like `pattern`.
    #[must_use]
    pub fn documents(&self, pattern: &Pattern, expansion: &Expansion) -> DocSet {
        let mut set = DocSet::new();
        for entry in self.expand(pattern, expansion) {
            entry.documents.add_to(&mut set);
        }
        set
    }

    /// How many documents those are at most: exact for a word, documents with several tags count
    /// several times for others.
    #[must_use]
    pub fn estimate(&self, pattern: &Pattern, expansion: &Expansion) -> u64 {
        self.expand(pattern, expansion).map(|entry| entry.documents.len()).sum()
    }

    /// The tags that look like `pattern`. O(log tags) for a word, O(tags found) for a prefix,
    /// O(tags) for others.
    fn expand<'a>(
        &'a self,
        pattern: &Pattern,
        expansion: &Expansion,
    ) -> Box<dyn Iterator<Item = &'a Entry> + 'a> {
        if let Pattern::Word(word) = pattern {
            let place = self.places.get(&*self.normalised(word));
            return Box::new(place.and_then(|place| self.entry(*place)).into_iter());
        }
        let Some((text, test)) = test(pattern) else { return Box::new(std::iter::empty()) };
        if text.len() < expansion.length_min {
            return Box::new(std::iter::empty());
        }
        let text = self.normalised(text).into_owned();
        let start = if matches!(pattern, Pattern::Prefix(_)) { text.clone() } else { Vec::new() };
        let is_prefix = !start.is_empty();
        let behind = self.places.range::<[u8], _>((Bound::Included(&*start), Bound::Unbounded));
        let found = behind
            .take_while(move |(tag, _)| !is_prefix || tag.starts_with(&start))
            .filter(move |(tag, _)| test(&text, tag))
            .filter_map(|(_, place)| self.entry(*place));
        Box::new(found.take(expansion.tags_max))
    }

    /// All tags in order: FT.TAGVALS.
    pub fn tags(&self) -> impl Iterator<Item = &[u8]> {
        self.places.keys().map(AsRef::as_ref)
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Pairs of a tag and a document. O(documents).
    #[must_use]
    pub fn records(&self) -> u64 {
        self.entries.iter().flatten().map(|entry| entry.documents.len()).sum()
    }

    /// Bytes on the heap, about: the sets and the tree do not say exactly. O(documents + tags).
    #[must_use]
    pub fn memory(&self) -> usize {
        /// Counts in front of a shared text, and a node's share of the tree when two thirds full.
        const PER_TAG: usize = 16 + (size_of::<Arc<[u8]>>() + 4) * 3 / 2;
        let tags = self.entries.iter().flatten();
        let tags = tags.map(|entry| entry.text.len() + entry.documents.memory() + PER_TAG);
        self.entries.capacity() * size_of::<Option<Entry>>()
            + self.free.capacity() * size_of::<u32>()
            + self.forward.memory()
            + tags.sum::<usize>()
    }
}

/// Whether a tag looks like a text.
type Test = fn(&[u8], &[u8]) -> bool;

/// The text of a pattern that is no word, and how it is compared.
fn test(pattern: &Pattern) -> Option<(&[u8], Test)> {
    Some(match pattern {
        Pattern::Prefix(text) => (text, |text, tag| tag.starts_with(text)),
        Pattern::Suffix(text) => (text, |text, tag| tag.ends_with(text)),
        Pattern::Infix(text) => {
            (text, |text, tag| tag.windows(text.len().max(1)).any(|window| window == text))
        }
        Pattern::Wildcard(text) => (text, wildcard::matches),
        // Tags have no distance.
        Pattern::Fuzzy(..) | Pattern::Word(_) => return None,
    })
}

/// In lower case: letters of all scripts if it is UTF-8, else ASCII.
pub(crate) fn lower(text: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(text) {
        Ok(utf8) if !text.is_ascii() => Cow::Owned(utf8.to_lowercase().into_bytes()),
        _ if text.iter().any(u8::is_ascii_uppercase) => Cow::Owned(text.to_ascii_lowercase()),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(tags: &str) -> Vec<Box<[u8]>> {
        tags.split(',').map(|tag| tag.as_bytes().into()).collect()
    }

    fn index(exact: bool) -> TagIndex {
        let mut index = TagIndex::new(Tag { separator: b',', case_sensitive: exact });
        for (document, tags) in
            [(1, "Red,blue"), (2, "red"), (3, "\u{c4}pfel,green"), (4, "blue,blue")]
        {
            index.put(document, &boxed(tags));
        }
        index
    }

    fn check(index: &TagIndex, pattern: &Pattern, expected: &[DocId]) {
        let found = index.documents(pattern, &Expansion::default());
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{pattern:?}");
    }

    fn text(text: &str) -> Box<[u8]> {
        text.as_bytes().into()
    }

    #[test]
    fn documents_are_found_by_tags_and_patterns() {
        let index = index(false);
        check(&index, &Pattern::Word(text("RED")), &[1, 2]);
        check(&index, &Pattern::Word(text("\u{e4}pfel")), &[3]);
        check(&index, &Pattern::Word(text("none")), &[]);
        check(&index, &Pattern::Prefix(text("BL")), &[1, 4]);
        check(&index, &Pattern::Prefix(text("b")), &[]);
        check(&index, &Pattern::Suffix(text("ee")), &[]);
        check(&index, &Pattern::Suffix(text("een")), &[3]);
        check(&index, &Pattern::Infix(text("lu")), &[1, 4]);
        check(&index, &Pattern::Wildcard(text("r?d")), &[1, 2]);
        check(&index, &Pattern::Fuzzy(text("red"), 1), &[]);
        let few = Expansion { tags_max: 1, ..Expansion::default() };
        assert_eq!(index.documents(&Pattern::Infix(text("re")), &few).len(), 1);
        assert_eq!(index.estimate(&Pattern::Word(text("blue")), &few), 2);
    }

    #[test]
    fn case_matters_if_declared() {
        let index = index(true);
        check(&index, &Pattern::Word(text("red")), &[2]);
        check(&index, &Pattern::Word(text("Red")), &[1]);
        assert_eq!(index.tags().next(), Some(&b"Red"[..]));
    }

    #[test]
    fn tags_nobody_has_are_gone() {
        let mut index = index(false);
        assert_eq!((index.len(), index.records()), (4, 6));
        index.remove(2);
        index.remove(9);
        check(&index, &Pattern::Word(text("red")), &[1]);
        index.put(1, &boxed("pink"));
        assert_eq!(
            index.tags().collect::<Vec<_>>(),
            [&b"blue"[..], b"green", b"pink", "\u{e4}pfel".as_bytes()]
        );
        for document in [1, 3, 4] {
            index.remove(document);
        }
        assert!(
            index.is_empty() && index.records() == 0 && index.free.len() == index.entries.len()
        );
    }
}
