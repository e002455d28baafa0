//! The part of the matches that is answered.

use std::cmp::Ordering;

use super::{Matches, View};
use crate::documents::SortValue;
use crate::index::{DocId, FieldIndex};
use crate::query::Error;

/// What results are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// A distance, or a field of the schema.
    pub property: Box<[u8]>,
    /// The greatest first.
    pub descending: bool,
}

/// How matches are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scoring {
    /// By the words of the query in them: 0 where there is no text.
    #[default]
    Words,
    /// By the score the document was given.
    Document,
}

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The document.
    pub document: DocId,
    /// Its key.
    pub key: Box<[u8]>,
    /// Its score.
    pub score: f64,
    /// Its distances, each at the place of its name in [`Matches::distances`].
    pub distances: Vec<Option<f64>>,
    /// What it was sorted by.
    pub sort_value: SortValue,
    /// When it came or changed.
    pub sequence: u64,
}

/// Some of the results.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// How many matches there are.
    pub total: u64,
    /// Those of the page, in order.
    pub hits: Vec<Hit>,
}

/// The results from an offset on, at most a number of them.
///
/// Without an order the best score is first; at equal scores, the document that came or changed
/// first. At equal values of an order the same, and the other way round if it descends; documents
/// without a value are last in either. O(matches + page log page), but O(page) where all scores are
/// equal and the documents came in the order of their numbers.
///
/// # Errors
/// [`Error::UnknownProperty`].
pub fn page(
    view: &View<'_>,
    matches: &Matches,
    order: Option<&Order>,
    scoring: Scoring,
    (offset, limit): (usize, usize),
) -> Result<Page, Error> {
    let sorter = Sorter { view, matches, scoring, by: By::of(view, matches, order)? };
    let total = matches.documents.len();
    let in_place = order.is_none() && scoring == Scoring::Words && view.documents.is_ordered();
    let ranked: Vec<Ranked> = if limit == 0 {
        Vec::new()
    } else if in_place {
        matches.documents.iter().skip(offset).take(limit).map(|id| sorter.ranked(id)).collect()
    } else {
        sorter.best(offset.saturating_add(limit)).into_iter().skip(offset).collect()
    };
    Ok(Page { total, hits: ranked.into_iter().filter_map(|one| sorter.hit(one)).collect() })
}

/// The place of the field whose values only the documents themselves have, if results are sorted by
/// one.
///
/// # Errors
/// [`Error::UnknownProperty`].
pub fn unknown_values(
    view: &View<'_>,
    matches: &Matches,
    order: Option<&Order>,
) -> Result<Option<usize>, Error> {
    Ok(match By::of(view, matches, order)?.0 {
        By::Field(place) => Some(place),
        By::Score | By::Distance(_) | By::Slot(_) | By::Number(_) => None,
    })
}

/// All results, not sorted. O(matches).
#[must_use]
pub fn unsorted(view: &View<'_>, matches: &Matches, scoring: Scoring) -> Vec<Hit> {
    let sorter = Sorter { view, matches, scoring, by: (By::Score, false) };
    let all = matches.documents.iter().map(|id| sorter.ranked(id));
    all.filter_map(|ranked| sorter.hit(ranked)).collect()
}

/// Sorts results by their sort values and cuts a page out. O(hits log hits).
#[must_use]
pub fn sorted(mut hits: Vec<Hit>, is_descending: bool, (offset, limit): (usize, usize)) -> Page {
    let total = hits.len() as u64;
    hits.sort_by(|one, other| {
        by_value(
            (&one.sort_value, one.sequence),
            (&other.sort_value, other.sequence),
            is_descending,
        )
    });
    Page { total, hits: hits.into_iter().skip(offset).take(limit).collect() }
}

/// The order of two values and when their documents came.
fn by_value(
    (one, came): (&SortValue, u64),
    (other, other_came): (&SortValue, u64),
    is_descending: bool,
) -> Ordering {
    let sequence = came.cmp(&other_came);
    match (one, other) {
        (SortValue::Missing, SortValue::Missing) => sequence,
        (SortValue::Missing, _) => Ordering::Greater,
        (_, SortValue::Missing) => Ordering::Less,
        (one, other) => {
            let order = one.order(other).then(sequence);
            if is_descending { order.reverse() } else { order }
        }
    }
}

/// Documents between two looks at whether to give up.
const STEP: usize = 256;

/// What is compared.
enum By {
    Score,
    /// The distance at this place of [`Matches::distances`].
    Distance(usize),
    /// The value documents keep in this slot.
    Slot(u32),
    /// The field at this place of the schema, which the index has no values of.
    Field(usize),
    /// The numbers of the field at this place.
    Number(usize),
}

impl By {
    /// And whether it descends.
    fn of(
        view: &View<'_>,
        matches: &Matches,
        order: Option<&Order>,
    ) -> Result<(Self, bool), Error> {
        let Some(Order { property, descending }) = order else {
            return Ok((Self::Score, false));
        };
        let distance = matches.distances.iter().position(|one| one.name == *property);
        if let Some(place) = distance {
            return Ok((Self::Distance(place), *descending));
        }
        let place = view.schema.position(property);
        let place = place.ok_or_else(|| Error::UnknownProperty(property.clone()))?;
        let slot = view.schema.fields.get(place).and_then(|field| field.sort_slot);
        let by = match (slot, view.fields.at(place)) {
            (Some(slot), _) => Self::Slot(slot),
            (None, FieldIndex::Numeric(_)) => Self::Number(place),
            (None, FieldIndex::Geo(_) | FieldIndex::None | FieldIndex::Tag(_)) => {
                Self::Field(place)
            }
        };
        Ok((by, *descending))
    }
}

/// A document with all that is compared.
struct Ranked {
    document: DocId,
    score: f64,
    value: SortValue,
    sequence: u64,
}

struct Sorter<'a> {
    view: &'a View<'a>,
    matches: &'a Matches,
    scoring: Scoring,
    by: (By, bool),
}

impl Sorter<'_> {
    fn ranked(&self, document: DocId) -> Ranked {
        let score = match self.scoring {
            Scoring::Words => 0.0,
            Scoring::Document => self.view.documents.score(document),
        };
        let sequence = self.view.documents.sequence(document);
        Ranked { document, score, value: self.value(document), sequence }
    }

    fn value(&self, document: DocId) -> SortValue {
        match self.by.0 {
            By::Score => SortValue::Missing,
            By::Distance(place) => {
                self.distance(document, place).map_or(SortValue::Missing, SortValue::Number)
            }
            By::Slot(slot) => self.view.documents.sortable(document, slot).clone(),
            By::Field(_) => SortValue::Missing,
            By::Number(place) => {
                self.number(document, place).map_or(SortValue::Missing, SortValue::Number)
            }
        }
    }

    fn number(&self, document: DocId, place: usize) -> Option<f64> {
        match self.view.fields.at(place) {
            FieldIndex::Numeric(numeric) => numeric.first(document),
            FieldIndex::Geo(_) | FieldIndex::None | FieldIndex::Tag(_) => None,
        }
    }

    fn distance(&self, document: DocId, place: usize) -> Option<f64> {
        self.matches.distances.get(place)?.of.get(&document).copied()
    }

    fn order(&self, one: &Ranked, other: &Ranked) -> Ordering {
        if let (By::Score, _) = self.by {
            let sequence = one.sequence.cmp(&other.sequence);
            return other.score.total_cmp(&one.score).then(sequence);
        }
        by_value((&one.value, one.sequence), (&other.value, other.sequence), self.by.1)
    }

    /// The first `count` in order. Holds at most twice as many at a time.
    fn best(&self, count: usize) -> Vec<Ranked> {
        let mut best = Vec::new();
        for (count_so_far, document) in self.matches.documents.iter().enumerate() {
            if count_so_far % STEP == 0 && self.view.cancel.is_raised() {
                break;
            }
            best.push(self.ranked(document));
            if best.len() >= count.saturating_mul(2).max(64) {
                self.cut(&mut best, count);
            }
        }
        self.cut(&mut best, count);
        best.sort_by(|one, other| self.order(one, other));
        best
    }

    fn cut(&self, best: &mut Vec<Ranked>, count: usize) {
        if (1..best.len()).contains(&count) {
            best.select_nth_unstable_by(count - 1, |one, other| self.order(one, other));
        }
        best.truncate(count);
    }

    fn hit(&self, ranked: Ranked) -> Option<Hit> {
        let document = ranked.document;
        let distances = 0..self.matches.distances.len();
        Some(Hit {
            document,
            key: self.view.documents.key(document)?.into(),
            score: ranked.score,
            distances: distances.map(|place| self.distance(document, place)).collect(),
            sort_value: ranked.value,
            sequence: ranked.sequence,
        })
    }
}
