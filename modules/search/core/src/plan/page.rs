//! The part of the matches that is answered.

use std::cmp::Ordering;

use super::{Matches, View};
use crate::documents::SortValue;
use crate::index::DocId;
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

/// Where values come from that the index does not keep.
pub trait Source {
    /// The value of the field at `place` in the schema.
    fn value(&self, document: DocId, place: usize) -> SortValue;
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
    source: &dyn Source,
) -> Result<Page, Error> {
    let sorter = Sorter { view, matches, scoring, source, by: By::of(view, matches, order)? };
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

/// What is compared.
enum By {
    Score,
    /// The distance at this place of [`Matches::distances`].
    Distance(usize),
    /// The value documents keep in this slot.
    Slot(u32),
    /// The field at this place of the schema.
    Field(usize),
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
        Ok((slot.map_or(Self::Field(place), Self::Slot), *descending))
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
    source: &'a dyn Source,
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
            By::Field(place) => self.source.value(document, place),
        }
    }

    fn distance(&self, document: DocId, place: usize) -> Option<f64> {
        self.matches.distances.get(place)?.of.get(&document).copied()
    }

    fn order(&self, one: &Ranked, other: &Ranked) -> Ordering {
        let sequence = one.sequence.cmp(&other.sequence);
        match (&one.value, &other.value, &self.by) {
            (_, _, (By::Score, _)) => other.score.total_cmp(&one.score).then(sequence),
            (SortValue::Missing, SortValue::Missing, _) => sequence,
            (SortValue::Missing, ..) => Ordering::Greater,
            (_, SortValue::Missing, _) => Ordering::Less,
            (one, other, (_, descending)) => {
                let order = one.order(other).then(sequence);
                if *descending { order.reverse() } else { order }
            }
        }
    }

    /// The first `count` in order. Holds at most twice as many at a time.
    fn best(&self, count: usize) -> Vec<Ranked> {
        let mut best = Vec::new();
        for document in &self.matches.documents {
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
        })
    }
}
