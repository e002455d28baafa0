//! The documents a query matches.
//!
//! Sets are computed whole. Of children that must all match, the one with the fewest documents goes
//! first; the others narrow what is left, document by document where that is less work than their
//! own set.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::View;
use super::cost::Choice;
use super::filtered::Filtered;
use super::nearest::{Nearest, Neighbour, Search, Way};
use super::options::{Purpose, VectorOptions};
use super::profile::Trace;
use crate::index::geo::Geo;
use crate::index::numeric::Numeric;
use crate::index::tag::TagIndex;
use crate::index::vector::Probe;
use crate::index::{DocId, DocSet, FieldIndex};
use crate::query::{Error, Kind, Knn, Node, Pattern, Within};
use crate::schema::{Options, Vector};

/// From so many documents of a range for one that is left, the documents are asked instead.
const PROBE: u64 = 4;

/// Distances that a part of the query found, under the name they have in results.
#[derive(Clone, Debug, PartialEq)]
pub struct Distances {
    /// The name.
    pub name: Box<[u8]>,
    /// The distance of each document that part matched.
    pub of: HashMap<DocId, f64>,
}

/// What a query matches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// The documents.
    pub documents: DocSet,
    /// Distances, in the order their parts were asked.
    pub distances: Vec<Distances>,
    /// How the nearest vectors were found, and why so.
    pub choice: Option<Choice>,
    /// Whether it was given up before the end: there may be more.
    pub is_partial: bool,
}

/// The documents `query` matches; what was done for it is noted in `trace`, if there is one.
///
/// # Errors
/// [`Error`]: what the query asks of the index that it does not have.
pub fn evaluate(view: &View<'_>, query: &Node, trace: Option<&Trace>) -> Result<Matches, Error> {
    let mut evaluation = Evaluation { trace, ..Evaluation::new(view) };
    let documents = evaluation.set(query)?.into_owned();
    Ok(Matches { documents, ..evaluation.matches })
}

/// How the nearest vectors would be found, if `query` asks for them, and why so.
///
/// # Errors
/// As [`evaluate`].
pub fn plan(view: &View<'_>, query: &Node) -> Result<Option<Choice>, Error> {
    let Kind::Knn(knn) = &query.kind else { return Ok(None) };
    let mut evaluation = Evaluation::new(view);
    let Some((search, _)) = evaluation.nearest(knn)? else { return Ok(None) };
    let allowed = evaluation.filter(knn)?;
    Ok(Some(search.choice(allowed.map(|allowed| allowed.len()))))
}

pub(super) struct Evaluation<'a> {
    view: &'a View<'a>,
    matches: Matches,
    trace: Option<&'a Trace>,
}

type Set<'a> = Result<Cow<'a, DocSet>, Error>;

impl<'a> Evaluation<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        Self { view, matches: Matches::default(), trace: None }
    }

    fn all(&self) -> &'a DocSet {
        self.view.documents.all()
    }

    fn index(&self, field: &[u8]) -> &'a FieldIndex {
        let place = self.view.schema.position(field);
        place.map_or(&FieldIndex::None, |place| self.view.fields.at(place))
    }

    fn geo(&self, field: &[u8]) -> Option<&'a Geo> {
        if let FieldIndex::Geo(geo) = self.index(field) { Some(geo) } else { None }
    }

    fn numeric(&self, field: &[u8]) -> Option<&'a Numeric> {
        if let FieldIndex::Numeric(numeric) = self.index(field) { Some(numeric) } else { None }
    }

    fn tag(&self, field: &[u8]) -> Option<&'a TagIndex> {
        if let FieldIndex::Tag(tag) = self.index(field) { Some(tag) } else { None }
    }

    /// Whether to give up; remembered, as the answer is not whole then.
    fn stops(&mut self) -> bool {
        self.matches.is_partial = self.matches.is_partial || self.view.cancel.is_raised();
        self.matches.is_partial
    }

    fn set(&mut self, node: &Node) -> Set<'a> {
        let Some(trace) = self.trace else { return self.set_of(node) };
        let begin = trace.now();
        let set = self.set_of(node)?;
        trace.note(node, set.len(), begin);
        Ok(set)
    }

    fn set_of(&mut self, node: &Node) -> Set<'a> {
        if self.stops() {
            self.name_distances(node);
            return Ok(Cow::default());
        }
        Ok(match &node.kind {
            Kind::All => Cow::Borrowed(self.all()),
            Kind::And(children) => Cow::Owned(self.and(children)?),
            Kind::Exact(_) | Kind::Text(_) => self.text()?,
            Kind::Geo(circle) => {
                let geo = self.geo(&circle.field);
                geo.map(|geo| Cow::Owned(geo.documents(circle))).unwrap_or_default()
            }
            Kind::Keys(keys) => {
                Cow::Owned(keys.iter().filter_map(|key| self.view.documents.id(key)).collect())
            }
            Kind::Knn(knn) => Cow::Owned(self.knn(knn)?),
            Kind::Missing(field) => Cow::Borrowed(self.missing(field)?),
            Kind::Not(child) => Cow::Owned(self.all() - &*self.set(child)?),
            Kind::Nothing => Cow::default(),
            Kind::Numeric(range) => {
                let numeric = self.numeric(&range.field);
                numeric.map(|numeric| Cow::Owned(numeric.documents(range))).unwrap_or_default()
            }
            Kind::Optional(child) => {
                // For its errors and distances: everything matches.
                self.set(child)?;
                Cow::Borrowed(self.all())
            }
            Kind::Or(children) => {
                let mut set = DocSet::new();
                for child in children {
                    set |= &*self.set(child)?;
                }
                Cow::Owned(set)
            }
            Kind::Tags(field, tags) => self.tags(field, tags)?,
            Kind::Within(within) => Cow::Owned(self.within(within, None)?),
        })
    }

    /// The distances that the node would have found, of no document: results may be sorted by them.
    fn name_distances(&mut self, node: &Node) {
        match &node.kind {
            Kind::And(children) | Kind::Or(children) => {
                children.iter().for_each(|child| self.name_distances(child));
            }
            Kind::Knn(knn) => {
                knn.filter.iter().for_each(|filter| self.name_distances(filter));
                self.yields(&knn.distance, Vec::new());
            }
            Kind::Not(child) | Kind::Optional(child) => self.name_distances(child),
            Kind::Within(within) => {
                within.distance.iter().for_each(|name| self.yields(name, Vec::new()));
            }
            Kind::All
            | Kind::Exact(_)
            | Kind::Geo(_)
            | Kind::Keys(_)
            | Kind::Missing(_)
            | Kind::Nothing
            | Kind::Numeric(_)
            | Kind::Tags(..)
            | Kind::Text(_) => (),
        }
    }

    /// Words are looked for in text fields. Where there are none, as everywhere now, no document
    /// has them; an index of other producers may declare some that are not indexed.
    fn text(&self) -> Set<'a> {
        if self.view.schema.has_text() { Err(Error::Text) } else { Ok(Cow::default()) }
    }

    fn tags(&self, field: &[u8], tags: &[Pattern]) -> Set<'a> {
        let mut set = DocSet::new();
        let Some(index) = self.tag(field) else { return Ok(Cow::default()) };
        let options = self.view.schema.field(field).map(|field| field.options);
        let has_empty = options.is_some_and(|options| options.has(Options::EMPTY));
        for tag in tags {
            if matches!(tag, Pattern::Word(word) if word.is_empty()) && !has_empty {
                return Err(Error::Empty);
            }
            if let [Pattern::Word(word)] = tags
                && let Some(documents) = index.set_of(word)
            {
                return Ok(Cow::Borrowed(documents));
            }
            set |= index.documents(tag, &self.view.expansion);
        }
        Ok(Cow::Owned(set))
    }

    fn missing(&self, field: &[u8]) -> Result<&'a DocSet, Error> {
        let place = self.view.schema.position(field);
        let missing = place.and_then(|place| self.view.fields.missing(place));
        missing.ok_or_else(|| Error::Missing(field.into()))
    }

    /// How many documents the node matches, about.
    pub(super) fn estimate(&self, node: &Node) -> u64 {
        let all = self.view.documents.len();
        let estimate = match &node.kind {
            Kind::All | Kind::Not(_) | Kind::Optional(_) => all,
            Kind::And(children) => {
                children.iter().map(|child| self.estimate(child)).min().unwrap_or(0)
            }
            Kind::Exact(_) | Kind::Nothing | Kind::Text(_) => 0,
            Kind::Geo(circle) => self.geo(&circle.field).map_or(0, |geo| geo.estimate(circle)),
            Kind::Keys(keys) => keys.len() as u64,
            // Last: only what the others leave is measured.
            Kind::Knn(_) | Kind::Within(_) => return u64::MAX,
            Kind::Missing(field) => self.missing(field).map_or(0, DocSet::len),
            Kind::Numeric(range) => {
                self.numeric(&range.field).map_or(0, |numeric| numeric.estimate(range))
            }
            Kind::Or(children) => {
                let children = children.iter().map(|child| self.estimate(child));
                children.fold(0, u64::saturating_add)
            }
            Kind::Tags(field, tags) => self.tag(field).map_or(0, |index| {
                tags.iter().map(|tag| index.estimate(tag, &self.view.expansion)).sum()
            }),
        };
        estimate.min(all)
    }

    /// The nodes, the one with the fewest documents first.
    fn ordered<'b>(&self, nodes: &'b [Node]) -> Vec<&'b Node> {
        let mut order: Vec<&Node> = nodes.iter().collect();
        order.sort_by_cached_key(|node| self.estimate(node));
        order
    }

    fn and(&mut self, children: &[Node]) -> Result<DocSet, Error> {
        let order = self.ordered(children);
        let Some((first, rest)) = order.split_first() else { return Ok(DocSet::new()) };
        let left = self.set(first)?.into_owned();
        rest.iter().try_fold(left, |left, child| self.narrow(child, left))
    }

    /// The documents of `left` that the node matches.
    fn narrow(&mut self, node: &Node, left: DocSet) -> Result<DocSet, Error> {
        let Some(trace) = self.trace else { return self.narrowed(node, left) };
        let begin = trace.now();
        let left = self.narrowed(node, left)?;
        trace.note(node, left.len(), begin);
        Ok(left)
    }

    fn narrowed(&mut self, node: &Node, mut left: DocSet) -> Result<DocSet, Error> {
        match &node.kind {
            Kind::All => return Ok(left),
            Kind::And(children) => {
                let order = self.ordered(children);
                return order.into_iter().try_fold(left, |left, child| self.narrow(child, left));
            }
            Kind::Not(child) => {
                left -= self.narrow(child, left.clone())?;
                return Ok(left);
            }
            Kind::Optional(child) => return self.narrow(child, left.clone()).map(|_| left),
            Kind::Within(within) => return self.within(within, Some(&left)),
            Kind::Geo(circle) => {
                if let Some(geo) = self.geo(&circle.field)
                    && left.len() * PROBE < geo.estimate(circle)
                {
                    return Ok(left.iter().filter(|id| geo.matches(*id, circle)).collect());
                }
            }
            Kind::Numeric(range) => {
                if let Some(numeric) = self.numeric(&range.field)
                    && left.len() * PROBE < numeric.estimate(range)
                {
                    return Ok(left.iter().filter(|id| numeric.matches(*id, range)).collect());
                }
            }
            Kind::Exact(_)
            | Kind::Keys(_)
            | Kind::Knn(_)
            | Kind::Missing(_)
            | Kind::Nothing
            | Kind::Or(_)
            | Kind::Tags(..)
            | Kind::Text(_) => (),
        }
        left &= &*self.set(node)?;
        Ok(left)
    }

    /// The vectors of a field, if it has some.
    fn vectors(&self, field: &[u8]) -> Option<(&'a Vector, &'a dyn Nearest)> {
        let place = self.view.schema.position(field)?;
        let vector = self.view.schema.fields.get(place)?.vector()?;
        Some((vector, self.view.vectors.field(place)?))
    }

    fn within(&mut self, within: &Within, allowed: Option<&DocSet>) -> Result<DocSet, Error> {
        let Some((vector, index)) = self.vectors(&within.field) else { return Ok(DocSet::new()) };
        let probe = probe(&within.blob, vector, index)?;
        if within.radius < 0.0 {
            return Err(Error::NegativeRadius(within.radius));
        }
        let options = VectorOptions::resolve(&within.options, vector, Purpose::Range)?;
        let View { scratch, cancel, .. } = *self.view;
        let epsilon = options.epsilon;
        let way = Way::AllLinks;
        let effort = vector.effort();
        let how = Search { allowed, effort, epsilon, way, scratch, cancel };
        let found = index.range(&probe, within.radius, &how);
        let set = found.iter().map(|neighbour| neighbour.document).collect();
        if let Some(name) = &within.distance {
            self.yields(name, found);
        }
        Ok(set)
    }

    /// The search for the nearest, if there is an index for it, and what it looks for.
    fn nearest(&self, knn: &Knn) -> Result<Option<(Filtered<'a>, Probe)>, Error> {
        let Some((vector, index)) = self.vectors(&knn.field) else { return Ok(None) };
        let probe = probe(&knn.blob, vector, index)?;
        Ok(self.search(knn)?.map(|search| (search, probe)))
    }

    /// The search for the nearest of whatever it is.
    pub(super) fn search(&self, knn: &Knn) -> Result<Option<Filtered<'a>>, Error> {
        let Some((vector, index)) = self.vectors(&knn.field) else { return Ok(None) };
        let purpose = if knn.filter.is_some() { Purpose::Hybrid } else { Purpose::Nearest };
        let options = VectorOptions::resolve(&knn.options, vector, purpose)?;
        let k = usize::try_from(knn.k).unwrap_or(usize::MAX).min(index.len());
        let View { scratch, cancel, .. } = *self.view;
        Ok(Some(Filtered { index, vector, k, options, scratch, cancel }))
    }

    /// What the nearest are chosen from, if not from all.
    fn filter(&mut self, knn: &Knn) -> Result<Option<Cow<'a, DocSet>>, Error> {
        knn.filter.as_ref().map(|filter| self.set(filter)).transpose()
    }

    fn knn(&mut self, knn: &Knn) -> Result<DocSet, Error> {
        let Some((search, probe)) = self.nearest(knn)? else { return Ok(DocSet::new()) };
        let allowed = self.filter(knn)?;
        let (found, choice) = search.run(&probe, allowed.as_deref());
        self.matches.choice = Some(choice);
        self.stops();
        let set = found.iter().map(|neighbour| neighbour.document).collect();
        self.yields(&knn.distance, found);
        Ok(set)
    }

    fn yields(&mut self, name: &[u8], found: Vec<Neighbour>) {
        let of = found.into_iter().map(|neighbour| (neighbour.document, neighbour.distance));
        match self.matches.distances.iter_mut().find(|distances| &*distances.name == name) {
            Some(distances) => distances.of.extend(of),
            None => {
                self.matches.distances.push(Distances { name: name.into(), of: of.collect() });
            }
        }
    }
}

fn probe(blob: &[u8], vector: &Vector, index: &dyn Nearest) -> Result<Probe, Error> {
    let (got, expected) = (blob.len() as u64, vector.blob_size());
    if got != expected {
        return Err(Error::BlobSize(got, expected));
    }
    index.probe(blob).map_err(Error::Blob)
}
