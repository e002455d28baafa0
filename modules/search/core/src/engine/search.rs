//! Answering queries.

use std::cell::RefCell;
use std::sync::Arc;

use super::Index;
use super::ledger::Reading;
use super::state::State;
use crate::documents::SortValue;
use crate::index::vector::{Cancel, Scratch};
use crate::plan::{
    Choice, Hit, Matches, Order, Page, Profile, Scoring, Trace, evaluate, expected_ns, page, plan,
    profile, sorted, unknown_values, unsorted,
};
use crate::query::{Error, Node};
use crate::schema::{Field, Schema};

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

    /// Gives all hits their sort values, until `cancel` is raised.
    fn fill(&self, hits: &mut [Hit], field: &Field, cancel: &Cancel) {
        for hit in hits {
            if cancel.is_raised() {
                return;
            }
            hit.sort_value = self.value(&hit.key, field);
        }
    }
}

/// What a search found in the index.
#[derive(Debug)]
pub enum Found {
    /// All of it, and what was done if that was asked.
    Answer(Answer, Option<Profile>),
    /// All but the order, which values decide that the index does not keep.
    Unsorted(Unsorted),
}

/// Results that wait for what they are sorted by.
#[derive(Debug)]
pub struct Unsorted {
    hits: Vec<Hit>,
    matches: Matches,
    schema: Arc<Schema>,
    place: usize,
    order: Order,
    limit: (usize, usize),
    profile: Option<Profile>,
}

impl Unsorted {
    /// The answer, once all values are there or `cancel` is raised. `clock` tells nanoseconds.
    ///
    /// # Errors
    /// [`Error::UnknownProperty`].
    pub fn sorted(
        mut self,
        values: &impl Values,
        cancel: &Cancel,
        clock: fn() -> u64,
    ) -> Result<(Answer, Option<Profile>), Error> {
        let came = self.profile.as_ref().map_or(0, |_| clock());
        let Some(field) = self.schema.fields.get(self.place) else {
            return Err(Error::UnknownProperty(self.order.property));
        };
        values.fill(&mut self.hits, field, cancel);
        let page = sorted(self.hits, self.order.descending, self.limit);
        if let Some(profile) = &mut self.profile {
            profile.sorted_ns = profile.sorted_ns.saturating_add(clock().saturating_sub(came));
        }
        Ok((finish(page, self.matches, cancel), self.profile))
    }
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
        let found = self.find(request, scratch, cancel, None)?;
        found.sorted(values, cancel, || 0).map(|(answer, _)| answer)
    }

    /// As [`Self::search`], if that is expected to take less than so many nanoseconds and nobody has
    /// to be waited for; else `None`, and nothing was done.
    pub fn search_within(
        &self,
        limit_ns: f64,
        request: &Request<'_>,
        scratch: &mut Scratch,
        cancel: &Cancel,
        values: &impl Values,
    ) -> Option<Result<Answer, Error>> {
        if self.backlog() > 0 {
            return None;
        }
        let state = self.ledger.glance();
        let cell = RefCell::new(std::mem::take(scratch));
        let view = state.view(self.settings.expansion, &cell, cancel);
        let is_quick = expected_ns(&view, request.query, limit(request).1) < limit_ns;
        let found = is_quick.then(|| self.found((state, 0), request, &cell, cancel, None));
        *scratch = cell.into_inner();
        let answer = found?.and_then(|found| found.sorted(values, cancel, || 0));
        Some(answer.map(|(answer, _)| answer))
    }

    /// Finds what `request` asks for; [`Found::sorted`] makes the answer of it, for which no lock is
    /// held. With a `clock`, which tells nanoseconds, what was done is told too.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn find(
        &self,
        request: &Request<'_>,
        scratch: &mut Scratch,
        cancel: &Cancel,
        clock: Option<fn() -> u64>,
    ) -> Result<Found, Error> {
        let now = || clock.map_or(0, |clock| clock());
        let came = now();
        let state = self.ledger.current();
        let waited_ns = now().saturating_sub(came);
        let (cell, trace) = (RefCell::new(std::mem::take(scratch)), clock.map(Trace::new));
        let found = self.found((state, waited_ns), request, &cell, cancel, trace.as_ref());
        *scratch = cell.into_inner();
        found
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

    fn found(
        &self,
        (state, waited_ns): (Reading<'_, State>, u64),
        request: &Request<'_>,
        scratch: &RefCell<Scratch>,
        cancel: &Cancel,
        trace: Option<&Trace>,
    ) -> Result<Found, Error> {
        let now = || trace.map_or(0, Trace::now);
        let view = state.view(self.settings.expansion, scratch, cancel);
        let matches = evaluate(&view, request.query, trace)?;
        let root = trace.map(|trace| profile(&view, request.query, &matches, trace));
        let evaluated = now();
        let told = || {
            let sorted_ns = now().saturating_sub(evaluated);
            root.map(|root| Profile { root, waited_ns, sorted_ns })
        };
        let limit = limit(request);
        let place = unknown_values(&view, &matches, request.order)?;
        let Some((place, order)) = place.zip(request.order) else {
            let page = page(&view, &matches, request.order, request.scoring, limit)?;
            return Ok(Found::Answer(finish(page, matches, cancel), told()));
        };
        let hits = unsorted(&view, &matches, request.scoring);
        let (schema, order, profile) = (Arc::clone(&state.schema), order.clone(), told());
        Ok(Found::Unsorted(Unsorted { hits, matches, schema, place, order, limit, profile }))
    }
}

impl Found {
    /// The answer, with the values that it takes; `clock` tells nanoseconds.
    ///
    /// # Errors
    /// [`Error::UnknownProperty`].
    pub fn sorted(
        self,
        values: &impl Values,
        cancel: &Cancel,
        clock: fn() -> u64,
    ) -> Result<(Answer, Option<Profile>), Error> {
        match self {
            Self::Answer(answer, profile) => Ok((answer, profile)),
            Self::Unsorted(unsorted) => unsorted.sorted(values, cancel, clock),
        }
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
