//! Which series carry which labels, in one database: an inverted index over dense numbers.
//!
//! ```text
//! key -> number     number -> key, labels
//! label -> { all numbers; value -> numbers }
//! ```
//!
//! A set of numbers is one number, or a compressed bitmap. Numbers of series that are gone are given
//! again. Names and values are kept once, however many series carry them.

use std::sync::Arc;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use crate::filter::{Filter, Matcher, Wanted};
use crate::label::Label;

/// A key, a name or a value, shared by all who name it.
pub type Text = Arc<[u8]>;

/// The index of one database.
#[derive(Debug, Default)]
pub struct Index {
    numbers: HashMap<Text, u32>,
    series: Vec<Option<Entry>>,
    free: Vec<u32>,
    labels: HashMap<Text, Named>,
}

/// A series that is indexed.
#[derive(Debug)]
struct Entry {
    key: Text,
    /// Name and value of each label, in the order of the series.
    labels: Box<[(Text, Text)]>,
}

/// What is known of the labels of one name.
#[derive(Debug, Default)]
struct Named {
    all: RoaringBitmap,
    values: HashMap<Text, Set>,
}

/// Numbers of series; values that one series alone carries are common.
#[derive(Debug)]
enum Set {
    One(u32),
    Many(RoaringBitmap),
}

impl Set {
    fn insert(&mut self, number: u32) {
        match self {
            Self::One(one) if *one == number => (),
            Self::One(one) => *self = Self::Many([*one, number].into_iter().collect()),
            Self::Many(many) => _ = many.insert(number),
        }
    }

    /// Whether nothing is left.
    fn remove(&mut self, number: u32) -> bool {
        match self {
            Self::One(one) => *one == number,
            Self::Many(many) => {
                many.remove(number);
                many.is_empty()
            }
        }
    }

    fn add_to(&self, sum: &mut RoaringBitmap) {
        match self {
            Self::One(one) => _ = sum.insert(*one),
            Self::Many(many) => *sum |= many,
        }
    }

    fn take_from(&self, rest: &mut RoaringBitmap) {
        match self {
            Self::One(one) => _ = rest.remove(*one),
            Self::Many(many) => *rest -= many,
        }
    }

    fn keep_in(&self, found: &mut RoaringBitmap) {
        match self {
            Self::One(one) => {
                let has = found.contains(*one);
                found.clear();
                if has {
                    found.insert(*one);
                }
            }
            Self::Many(many) => *found &= many,
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Many(many) => many.len(),
        }
    }
}

impl Index {
    /// An index of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many series are indexed.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether no series is.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Whether the key is indexed. O(1).
    pub fn contains(&self, key: &[u8]) -> bool {
        self.numbers.contains_key(key)
    }

    /// Says that the key holds a series with these labels. O(labels).
    pub fn put(&mut self, key: &[u8], labels: &[Label]) {
        if self.is_same(key, labels) {
            return;
        }
        self.remove(key);
        let Some(number) = self.next_number() else { return };
        let key = Text::from(key);
        let labels: Box<[(Text, Text)]> =
            labels.iter().map(|label| self.mark(label, number)).collect();
        self.numbers.insert(Arc::clone(&key), number);
        if let Some(place) = self.series.get_mut(number as usize) {
            *place = Some(Entry { key, labels });
        }
    }

    /// Says that the key holds no series. O(labels).
    pub fn remove(&mut self, key: &[u8]) {
        let Some(number) = self.numbers.remove(key) else { return };
        let entry = self.series.get_mut(number as usize).and_then(Option::take);
        self.free.push(number);
        for (name, value) in entry.iter().flat_map(|entry| &entry.labels) {
            self.unmark(name, value, number);
        }
    }

    /// The keys of the series that a filter lets through, in the order of their bytes.
    pub fn query(&self, filter: &Filter) -> Vec<Text> {
        let mut keys = self.matching(filter);
        keys.sort_unstable();
        keys
    }

    /// As [`Self::query`], in no order: for whoever sorts them elsewhere.
    pub fn matching(&self, filter: &Filter) -> Vec<Text> {
        let Some(found) = self.find(filter) else { return Vec::new() };
        found.iter().filter_map(|number| Some(Arc::clone(&self.entry(number)?.key))).collect()
    }

    /// Names of labels, in the order of their bytes: of all series, or of those a filter lets
    /// through.
    pub fn names(&self, filter: Option<&Filter>) -> Vec<Text> {
        let mut names: Vec<Text> = match filter {
            None => self.labels.keys().cloned().collect(),
            Some(filter) => self.labels_of(filter).map(|(name, _)| Arc::clone(name)).collect(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Values of a label, likewise.
    pub fn values(&self, label: &[u8], filter: Option<&Filter>) -> Vec<Text> {
        let mut values: Vec<Text> = match filter {
            None => {
                self.labels.get(label).into_iter().flat_map(|l| l.values.keys()).cloned().collect()
            }
            Some(filter) => {
                let of_label = self.labels_of(filter).filter(|(name, _)| **name == *label);
                of_label.map(|(_, value)| Arc::clone(value)).collect()
            }
        };
        values.sort_unstable();
        values.dedup();
        values
    }

    fn labels_of(&self, filter: &Filter) -> impl Iterator<Item = &(Text, Text)> {
        let found = self.find(filter).unwrap_or_default();
        found.into_iter().filter_map(|number| self.entry(number)).flat_map(|entry| &entry.labels)
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.series.get(number as usize)?.as_ref()
    }

    fn is_same(&self, key: &[u8], labels: &[Label]) -> bool {
        let entry = self.numbers.get(key).and_then(|number| self.entry(*number));
        entry.is_some_and(|entry| {
            let ours = entry.labels.iter().map(|(name, value)| (&**name, &**value));
            ours.eq(labels.iter().map(|label| (&*label.name, &*label.value)))
        })
    }

    /// A number that no series has, `None` if 2^32 of them are taken.
    fn next_number(&mut self) -> Option<u32> {
        if let Some(number) = self.free.pop() {
            return Some(number);
        }
        let number = u32::try_from(self.series.len()).ok()?;
        self.series.push(None);
        Some(number)
    }

    fn mark(&mut self, label: &Label, number: u32) -> (Text, Text) {
        let entry = self.labels.entry_ref(&*label.name);
        let name = match &entry {
            hashbrown::hash_map::EntryRef::Occupied(entry) => Arc::clone(entry.key()),
            hashbrown::hash_map::EntryRef::Vacant(_) => Text::from(&*label.name),
        };
        let named = entry.or_default();
        named.all.insert(number);
        if let Some((value, set)) = named.values.get_key_value_mut(&*label.value) {
            set.insert(number);
            return (name, Arc::clone(value));
        }
        let value = Text::from(&*label.value);
        named.values.insert(Arc::clone(&value), Set::One(number));
        (name, value)
    }

    fn unmark(&mut self, name: &Text, value: &Text, number: u32) {
        let Some(named) = self.labels.get_mut(name) else { return };
        named.all.remove(number);
        if named.values.get_mut(value).is_some_and(|set| set.remove(number)) {
            named.values.remove(value);
        }
        if named.values.is_empty() {
            self.labels.remove(name);
        }
    }

    /// The numbers of the series that a filter lets through; `None` for none.
    fn find(&self, filter: &Filter) -> Option<RoaringBitmap> {
        let mut matchers: Vec<&Matcher> = filter.matchers().iter().collect();
        // The fewest first; what takes away comes last.
        matchers.sort_by_cached_key(|matcher| self.most(matcher));
        let (first, rest) = matchers.split_first()?;
        let mut found = RoaringBitmap::new();
        self.add(first, &mut found);
        for matcher in rest {
            if found.is_empty() {
                return None;
            }
            self.narrow(matcher, &mut found);
        }
        Some(found)
    }

    /// How many series the matcher may name at most; none that takes away is less than any that
    /// names, and a filter has one that does.
    fn most(&self, matcher: &Matcher) -> u64 {
        let Some(named) = self.labels.get(&*matcher.label) else {
            return match matcher.wanted {
                Wanted::OneOf(_) | Wanted::Present => 0,
                Wanted::Absent | Wanted::NoneOf(_) => u64::MAX,
            };
        };
        match &matcher.wanted {
            Wanted::OneOf(values) => {
                values.iter().filter_map(|value| named.values.get(&**value)).map(Set::len).sum()
            }
            Wanted::Present => named.all.len(),
            Wanted::Absent | Wanted::NoneOf(_) => u64::MAX,
        }
    }

    /// Adds what a matcher names, which is one that names.
    fn add(&self, matcher: &Matcher, found: &mut RoaringBitmap) {
        let Some(named) = self.labels.get(&*matcher.label) else { return };
        match &matcher.wanted {
            Wanted::OneOf(values) => {
                let sets = values.iter().filter_map(|value| named.values.get(&**value));
                sets.for_each(|set| set.add_to(found));
            }
            Wanted::Present => *found = named.all.clone(),
            Wanted::Absent | Wanted::NoneOf(_) => {}
        }
    }

    /// Leaves what a matcher lets through.
    fn narrow(&self, matcher: &Matcher, found: &mut RoaringBitmap) {
        let named = self.labels.get(&*matcher.label);
        match (&matcher.wanted, named) {
            (Wanted::OneOf(_) | Wanted::Present, None) => found.clear(),
            (Wanted::Absent | Wanted::NoneOf(_), None) => (),
            (Wanted::Absent, Some(named)) => *found -= &named.all,
            (Wanted::Present, Some(named)) => *found &= &named.all,
            (Wanted::NoneOf(values), Some(named)) => {
                let sets = values.iter().filter_map(|value| named.values.get(&**value));
                sets.for_each(|set| set.take_from(found));
            }
            (Wanted::OneOf(values), Some(named)) => {
                let mut sets = values.iter().filter_map(|value| named.values.get(&**value));
                match (sets.next(), sets.next()) {
                    (None, _) => found.clear(),
                    (Some(set), None) => set.keep_in(found),
                    (Some(_), Some(_)) => {
                        let mut sum = RoaringBitmap::new();
                        self.add(matcher, &mut sum);
                        *found &= sum;
                    }
                }
            }
        }
    }
}
