//! Answering queries.

use std::cell::RefCell;
use std::sync::Arc;

use super::Index;
use crate::documents::SortValue;
use crate::index::vector::{Cancel, Scratch};
use crate::plan::{
    Choice, Hit, Matches, Order, Page, Scoring, evaluate, page, plan, sorted, unknown_values,
    unsorted,
};
use crate::query::{Error, Node};
use crate::schema::Field;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The query.
    pub query: &'a Node,
    /// What results are sorted by, if not by score.
    pub order: Option<&'a Order>,
    /// How matches are scored.
    pub scoring: Scoring,
    /// How many results are passed over, and how many answered.
    pub limit: (u64, u64),
}

/// Values of documents that the index does not keep.
pub trait Values {
    /// What the document at `key` is sorted by in `field`. Called while no lock is held.
    fn value(&self, key: &[u8], field: &Field) -> SortValue;
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How many documents match.
    pub total: u64,
    /// Those asked for, in order.
    pub hits: Vec<Hit>,
    /// The names of distances; each hit has one of each at the same place.
    pub distances: Vec<Box<[u8]>>,
    /// How the nearest vectors were found, and why so.
    pub choice: Option<Choice>,
    /// Whether it was given up before the end: there may be more.
    pub is_partial: bool,
}

impl Index {
    /// Answers `request`. Any thread; it sees every change that was made before the call.
    ///
    /// # Errors
    /// [`Error`]: what the query asks of the index that it does not have.
    pub fn search(
        &self,
        request: &Request<'_>,
        scratch: &mut Scratch,
        cancel: &Cancel,
        values: &impl Values,
    ) -> Result<Answer, Error> {
        let cell = RefCell::new(std::mem::take(scratch));
        let answer = self.answer(request, &cell, cancel, values);
        *scratch = cell.into_inner();
        answer
    }

    /// How the nearest vectors would be found, if `query` asks for them, and why so: its filter is
    /// evaluated for that. As [`Self::search`].
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn plan(&self, query: &Node, cancel: &Cancel) -> Result<Option<Choice>, Error> {
        let (state, scratch) = (self.ledger.current(), RefCell::default());
        plan(&state.view(self.settings.expansion, &scratch, cancel), query)
    }

    fn answer(
        &self,
        request: &Request<'_>,
        scratch: &RefCell<Scratch>,
        cancel: &Cancel,
        values: &impl Values,
    ) -> Result<Answer, Error> {
        let state = self.ledger.current();
        let view = state.view(self.settings.expansion, scratch, cancel);
        let matches = evaluate(&view, request.query)?;
        let limit = limit(request);
        let place = unknown_values(&view, &matches, request.order)?;
        let Some((place, order)) = place.zip(request.order) else {
            let page = page(&view, &matches, request.order, request.scoring, limit)?;
            return Ok(finish(page, matches, cancel));
        };
        let mut hits = unsorted(&view, &matches, request.scoring);
        let schema = Arc::clone(&state.schema);
        drop(state);
        let Some(field) = schema.fields.get(place) else {
            return Err(Error::UnknownProperty(order.property.clone()));
        };
        for hit in &mut hits {
            if cancel.is_raised() {
                break;
            }
            hit.sort_value = values.value(&hit.key, field);
        }
        Ok(finish(sorted(hits, order.descending, limit), matches, cancel))
    }
}

fn limit(request: &Request<'_>) -> (usize, usize) {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    (number(request.limit.0), number(request.limit.1))
}

fn finish(page: Page, matches: Matches, cancel: &Cancel) -> Answer {
    Answer {
        total: page.total,
        hits: page.hits,
        distances: matches.distances.into_iter().map(|distances| distances.name).collect(),
        choice: matches.choice,
        is_partial: matches.is_partial || cancel.is_raised(),
    }
}
