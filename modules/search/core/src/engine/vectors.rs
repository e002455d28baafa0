//! The vectors of a field: a graph, and those that are not in it yet.
//!
//! ```text
//! fresh   vectors that came lately: every search measures them all
//! graph   the others, and some that are gone or changed (`stale`), which no search answers with
//! ```
//! A document that is put goes to `fresh` at once, one that goes leaves a stale number in the graph.
//! Both are settled later, one vector at a time ([`super::Index::settle`]). Without a graph (FLAT)
//! all vectors are in `fresh` for good.

use keyspan_common::rdb::{Error, Read, Write};

use super::allowing::Allowing;
use crate::index::vector::{
    Dimension, Element as UnitElement, Flat, Found, Hnsw, Label, Metric as UnitMetric, Params,
    Placement, Probe, Quantization, Refused, Scratch, Space,
};
use crate::index::{DocId, DocSet};
use crate::plan::{Costs, Nearest, Neighbour, Search, Way};
use crate::schema::{Algorithm, Element, Metric, Vector};

/// What vectors are declared as, in the terms of their index; `None` if it cannot hold them.
pub(super) fn space(vector: &Vector) -> Option<Space> {
    let element = match vector.element {
        Element::Float32 => UnitElement::Float32,
        Element::Float64 => UnitElement::Float64,
        Element::Bfloat16 => UnitElement::Bfloat16,
        Element::Float16 => UnitElement::Float16,
        Element::Int8 => UnitElement::Int8,
        Element::Uint8 => UnitElement::Uint8,
    };
    let metric = match vector.metric {
        Metric::L2 => UnitMetric::L2,
        Metric::Ip => UnitMetric::Ip,
        Metric::Cosine => UnitMetric::Cosine,
    };
    let quantization = if vector.quantized { Quantization::Sq8 } else { Quantization::None };
    Some(Space::new(element, metric, Dimension::new(vector.dimension)?, quantization))
}

/// The vectors of a field.
#[derive(Clone, Debug)]
pub(super) struct VectorField {
    fresh: Flat,
    graph: Option<Hnsw>,
    stale: DocSet,
    /// How much further than its radius a range search looks unless it says otherwise.
    epsilon: f64,
    costs: Costs,
    /// Whether a document has ever had several vectors.
    several: bool,
}

impl VectorField {
    /// No vectors yet; `None` if they cannot be held.
    pub(super) fn new(vector: &Vector) -> Option<Self> {
        let space = space(vector)?;
        let (graph, epsilon) = match vector.algorithm {
            Algorithm::Flat { .. } => (None, 0.0),
            Algorithm::Hnsw { m, ef_construction, ef_runtime: _, epsilon } => {
                let params = Params::new(m, ef_construction)?;
                (Some(Hnsw::new(space.clone(), params)), epsilon)
            }
        };
        let bytes = if vector.quantized { vector.dimension } else { vector.blob_size() };
        let costs = Costs::of(bytes, graph.is_some());
        Some(Self {
            fresh: Flat::new(space),
            graph,
            stale: DocSet::new(),
            epsilon,
            costs,
            several: false,
        })
    }

    /// Gives `document` these vectors instead of those it has. Where they are the same, nothing is
    /// done.
    ///
    /// # Errors
    /// [`Refused`]; the document then has no vectors here.
    pub(super) fn put(&mut self, document: DocId, probes: &[Probe]) -> Result<(), Refused> {
        if self.has(document, probes) {
            return Ok(());
        }
        self.remove(document);
        self.several |= probes.len() > 1;
        for probe in probes {
            if let Err(refused) = self.fresh.add(document, probe) {
                self.fresh.remove(document);
                return Err(refused);
            }
        }
        Ok(())
    }

    /// Whether `document` has these vectors and no others.
    fn has(&self, document: DocId, probes: &[Probe]) -> bool {
        let graph = self.graph.as_ref().filter(|_| !self.stale.contains(document));
        match graph.filter(|graph| graph.contains(document)) {
            None => self.fresh.has(document, probes),
            // In both: being settled. Then it is put anew.
            Some(graph) => !self.fresh.contains(document) && graph.has(document, probes),
        }
    }

    /// Takes the vectors of `document` away.
    pub(super) fn remove(&mut self, document: DocId) {
        self.fresh.remove(document);
        if self.graph.as_ref().is_some_and(|graph| graph.contains(document)) {
            self.stale.insert(document);
        }
    }

    /// How many vectors and stale numbers wait to be settled.
    pub(super) fn unsettled(&self) -> u64 {
        let fresh = self.graph.as_ref().map_or(0, |_| self.fresh.len() as u64);
        self.stale.len() + fresh
    }

    /// The first stale number.
    pub(super) fn first_stale(&self) -> Option<DocId> {
        self.stale.min()
    }

    /// Takes a vector of a stale number out of the graph; the number, once it has none left. A few
    /// thousand distances.
    pub(super) fn remove_stale(&mut self, document: DocId, scratch: &mut Scratch) {
        let graph = self.graph.as_mut().filter(|_| self.stale.contains(document));
        let is_left = graph.is_some_and(|graph| {
            graph.remove_one(document, scratch);
            graph.contains(document)
        });
        if !is_left {
            self.stale.remove(document);
        }
    }

    /// A fresh vector that could go into the graph, of a document that `takes` takes.
    pub(super) fn next_fresh(&self, takes: impl FnMut(DocId) -> bool) -> Option<(DocId, Probe)> {
        self.graph.as_ref()?;
        self.fresh.last_of(takes)
    }

    /// Where a vector would go in the graph: the slow part, which changes nothing.
    pub(super) fn place(&self, probe: &Probe, scratch: &mut Scratch) -> Option<Placement> {
        Some(self.graph.as_ref()?.place(probe, scratch))
    }

    /// Moves a vector of `document` to where it was placed, if the document still has it. When the
    /// graph cannot grow, it stays fresh, and that is said.
    ///
    /// # Errors
    /// [`Refused`]
    pub(super) fn settle(
        &mut self,
        document: DocId,
        probe: &Probe,
        placement: &Placement,
    ) -> Result<(), Refused> {
        // What is stale goes first: a number names vectors of one document only.
        let is_there = self.fresh.contains_vector(document, probe);
        let Some(graph) = &mut self.graph else { return Ok(()) };
        if is_there && !self.stale.contains(document) {
            graph.add_at(document, probe, placement)?;
            self.fresh.take_vector(document, probe);
        }
        Ok(())
    }

    /// Whether the field has a graph.
    pub(super) const fn has_graph(&self) -> bool {
        self.graph.is_some()
    }

    /// Writes the graph; `number` gives documents the numbers they have in the record.
    pub(super) fn save<W: Write>(&self, number: impl Fn(DocId) -> u32, writer: &mut W) {
        if let Some(graph) = &self.graph {
            graph.save(number, writer);
        }
    }

    /// Reads a graph, and moves the fresh vectors that are in it there; `id` knows documents by the
    /// numbers of the record.
    pub(super) fn load<R: Read>(
        &mut self,
        reader: &mut R,
        id: impl Fn(u32) -> Option<DocId>,
    ) -> Result<(), Error> {
        let Some(graph) = self.graph.as_ref().filter(|graph| graph.is_empty()) else {
            return Err(Error::Invalid);
        };
        let (space, params) = (graph.space().clone(), graph.params());
        let vectors = self.fresh.len();
        let take = |number, digest| {
            let label = id(number)?;
            Some((label, self.fresh.take(label, digest)?))
        };
        match Hnsw::load(reader, (space, params), vectors, take) {
            Ok(graph) => {
                self.adopt(graph);
                Ok(())
            }
            Err((error, mut graph)) => {
                while let Some((label, probe)) = graph.pop() {
                    if label != graph.lost() {
                        self.fresh.add(label, &probe).map_err(|_| Error::Invalid)?;
                    }
                }
                Err(error)
            }
        }
    }

    /// Takes a graph that was read.
    fn adopt(&mut self, graph: Hnsw) {
        if graph.contains(graph.lost()) {
            self.stale.insert(graph.lost());
        }
        self.graph = Some(graph);
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        let graph = self.graph.as_ref().map_or(0, Hnsw::memory);
        self.fresh.memory() + graph + self.stale.serialized_size()
    }

    /// Documents that are gone but still in the graph: FT.INFO's `marked_deleted`.
    pub(super) fn stale(&self) -> u64 {
        self.stale.len()
    }

    fn in_graph(
        &self,
        graph: &Hnsw,
        probe: &Probe,
        k: usize,
        how: &Search<'_>,
        scratch: &mut Scratch,
    ) -> Found {
        let ef = usize::try_from(how.effort).unwrap_or(usize::MAX);
        let (stale, cancel) = (&self.stale, how.cancel);
        let is_live = |label: Label| stale.is_empty() || !stale.contains(label);
        let Some(allowed) = how.allowed else {
            return match how.way {
                Way::Scan => graph.search_all(probe, k, &is_live, scratch, cancel),
                Way::AllLinks | Way::TwoHops if stale.is_empty() => {
                    graph.search(probe, k, ef, scratch, cancel)
                }
                Way::AllLinks | Way::TwoHops => {
                    graph.search_allowed(probe, k, ef, &is_live, scratch, cancel)
                }
            };
        };
        let set = Allowing::new(allowed, stale);
        match how.way {
            Way::AllLinks => graph.search_allowed(probe, k, ef, &set, scratch, cancel),
            Way::Scan => {
                let labels = allowed.iter().filter(|label| is_live(*label));
                graph.search_among(probe, k, labels, scratch, cancel)
            }
            Way::TwoHops => {
                let seeds = seeds(allowed).filter(|label| is_live(*label));
                graph.search_two_hops(probe, (k, ef), &set, seeds, scratch, cancel)
            }
        }
    }

    fn in_fresh(&self, probe: &Probe, k: usize, how: &Search<'_>, scratch: &mut Scratch) -> Found {
        match how.allowed {
            Some(allowed) if allowed.len() < self.fresh.len() as u64 => {
                self.fresh.search_among(probe, k, allowed.iter(), scratch, how.cancel)
            }
            Some(allowed) => {
                let allows = |label: Label| allowed.contains(label);
                self.fresh.search(probe, k, &allows, scratch, how.cancel)
            }
            None => self.fresh.search(probe, k, &|_| true, scratch, how.cancel),
        }
    }
}

/// Up to so many documents are measured one by one rather than looked for in a radius.
const FEW: u64 = 512;

/// Documents to begin a walk with.
const SEEDS: u64 = 24;

/// Some of the documents, from all over.
fn seeds(allowed: &DocSet) -> impl Iterator<Item = Label> + Clone {
    let step = allowed.len().div_ceil(SEEDS).max(1);
    let ranks = (0..SEEDS).map_while(move |place| u32::try_from(place * step).ok());
    ranks.map_while(|rank| allowed.select(rank))
}

/// The nearest of both. A document with several vectors may be in both for a while.
fn merged(one: Found, other: Found, k: usize, several: bool) -> Vec<Neighbour> {
    let mut all: Vec<Neighbour> = one
        .neighbours
        .into_iter()
        .chain(other.neighbours)
        .map(|found| Neighbour { document: found.label, distance: found.distance })
        .collect();
    all.sort_unstable_by(|one, other| {
        one.distance.total_cmp(&other.distance).then(one.document.cmp(&other.document))
    });
    if several {
        let mut seen = hashbrown::HashSet::new();
        all.retain(|one| seen.insert(one.document));
    }
    all.truncate(k);
    all
}

impl Nearest for VectorField {
    fn len(&self) -> usize {
        let graph = self.graph.as_ref().map_or(0, Hnsw::len);
        let stale = usize::try_from(self.stale.len()).unwrap_or(usize::MAX);
        self.fresh.len() + graph.saturating_sub(stale)
    }

    fn documents(&self) -> u64 {
        let graph = self.graph.as_ref().map_or(0, |graph| graph.documents() as u64);
        let (fresh, graph) =
            (self.fresh.documents() as u64, graph.saturating_sub(self.stale.len()));
        if self.several { fresh.max(graph) } else { fresh.saturating_add(graph) }
    }

    fn check(&self, query: &[u8]) -> Result<(), Refused> {
        self.fresh.space().probe(query).map(|_| ())
    }

    fn search(&self, query: &[u8], k: usize, how: &Search<'_>) -> Vec<Neighbour> {
        let Ok(probe) = self.fresh.space().probe(query) else { return Vec::new() };
        let scratch = &mut *how.scratch.borrow_mut();
        let fresh = self.in_fresh(&probe, k, how, scratch);
        let graph = self.graph.as_ref().map(|graph| self.in_graph(graph, &probe, k, how, scratch));
        merged(graph.unwrap_or_default(), fresh, k, self.several)
    }

    fn range(&self, query: &[u8], radius: f64, how: &Search<'_>) -> Vec<Neighbour> {
        let Ok(probe) = self.fresh.space().probe(query) else { return Vec::new() };
        let scratch = &mut *how.scratch.borrow_mut();
        let allows = |label: Label| how.allowed.is_none_or(|allowed| allowed.contains(label));
        let fresh = self.fresh.range(&probe, radius, &allows, how.cancel);
        let graph = self.graph.as_ref().map(|graph| {
            let is_live = |label: &Label| !self.stale.contains(*label);
            if let Some(allowed) = how.allowed.filter(|allowed| allowed.len() <= FEW) {
                let labels = allowed.iter().filter(is_live);
                return graph.range_among(&probe, radius, labels, how.cancel);
            }
            let ef = usize::try_from(how.effort).unwrap_or(usize::MAX);
            let epsilon = how.epsilon.unwrap_or(self.epsilon);
            let mut found = graph.range(&probe, (radius, epsilon), ef, scratch, how.cancel);
            found.neighbours.retain(|one| allows(one.label) && is_live(&one.label));
            found
        });
        merged(graph.unwrap_or_default(), fresh, usize::MAX, self.several)
    }

    fn costs(&self) -> Costs {
        self.costs
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::index::vector::Cancel;

    /// Points on a line, each twice as far from 0 as its number says, those below `settled` in the
    /// graph.
    fn line(settled: u32, all: u32) -> VectorField {
        let vector = Vector {
            algorithm: Algorithm::Hnsw { m: 8, ef_construction: 60, ef_runtime: 10, epsilon: 0.01 },
            element: Element::Float32,
            dimension: 1,
            metric: Metric::L2,
            initial_capacity: 0,
            multi: false,
            quantized: false,
        };
        let mut field = VectorField::new(&vector).unwrap();
        let scratch = &mut Scratch::default();
        // In an order that is not that of the line.
        for id in (0..settled).map(|id| id * 7 % settled).chain(settled..all) {
            let probe = field.fresh.space().probe(&blob(id)).unwrap();
            field.put(id, std::slice::from_ref(&probe)).unwrap();
            if id < settled {
                let placed = field.place(&probe, scratch).unwrap();
                field.settle(id, &probe, &placed).unwrap();
            }
        }
        field
    }

    fn blob(id: u32) -> [u8; 4] {
        (f32::from(u16::try_from(id).unwrap()) * 2.0).to_le_bytes()
    }

    fn check(field: &VectorField, allowed: Option<&DocSet>, way: Way, expected: &[DocId]) {
        let (scratch, cancel) = (&RefCell::default(), &Cancel::new());
        let how = Search { allowed, effort: 40, epsilon: None, way, scratch, cancel };
        let found = field.search(&blob(100), expected.len(), &how);
        let mut found: Vec<DocId> = found.iter().map(|one| one.document).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{way:?}");
    }

    #[test]
    fn every_way_finds_what_is_allowed_and_there() {
        let mut field = line(900, 920);
        check(&field, None, Way::AllLinks, &[98, 99, 100, 101, 102]);
        [99, 100, 102, 104].into_iter().for_each(|id| field.remove(id));
        assert_eq!((field.stale(), field.unsettled(), field.len()), (4, 24, 916));
        check(&field, None, Way::AllLinks, &[97, 98, 101, 103]);
        let even: DocSet = (0..920).filter(|id| id % 2 == 0).collect();
        // As few as there are seeds: points of a line have no links to any but the next.
        let few: DocSet = (0..920).filter(|id| id % 50 == 0).chain([910]).collect();
        for way in [Way::AllLinks, Way::Scan, Way::TwoHops] {
            check(&field, Some(&even), way, &[90, 92, 94, 96, 98, 106, 108, 110]);
            check(&field, Some(&few), way, &[0, 50, 150, 200]);
        }
        let fresh: DocSet = (890..920).collect();
        check(&field, Some(&fresh), Way::TwoHops, &[890, 891, 892]);
        while let Some(id) = field.first_stale() {
            field.remove_stale(id, &mut Scratch::default());
        }
        check(&field, Some(&even), Way::TwoHops, &[90, 92, 94, 96, 98, 106, 108, 110]);
    }

    #[test]
    fn vectors_that_stay_the_same_stay_where_they_are() {
        let mut field = line(10, 12);
        for id in [3, 11] {
            let probe = field.fresh.space().probe(&blob(id)).unwrap();
            field.put(id, &[probe]).unwrap();
        }
        assert_eq!((field.stale(), field.unsettled()), (0, 2));
        let probe = field.fresh.space().probe(&blob(3)).unwrap();
        field.put(3, &[probe.clone(), probe]).unwrap();
        assert_eq!((field.stale(), field.unsettled()), (1, 5));
    }

    #[test]
    fn several_vectors_of_one_settle_one_by_one() {
        let (mut field, scratch) = (line(10, 10), &mut Scratch::default());
        let probes = [20, 100, 30].map(|id| field.fresh.space().probe(&blob(id)).unwrap());
        field.put(50, &probes).unwrap();
        for left in [3, 2, 1] {
            assert_eq!(field.unsettled(), left);
            check(&field, None, Way::AllLinks, &[8, 9, 50]);
            let (id, probe) = field.next_fresh(|_| true).unwrap();
            let placed = field.place(&probe, scratch).unwrap();
            field.settle(id, &probe, &placed).unwrap();
        }
        assert_eq!((field.unsettled(), field.has(50, &probes)), (0, true));
        field.put(50, &probes[..1]).unwrap();
        check(&field, None, Way::AllLinks, &[8, 9, 50]);
        // Not before what is stale is gone: that would go with it.
        let (id, probe) = field.next_fresh(|_| true).unwrap();
        let placed = field.place(&probe, scratch).unwrap();
        field.settle(id, &probe, &placed).unwrap();
        assert_eq!(field.unsettled(), 2);
        (0..3).for_each(|_| field.remove_stale(50, scratch));
        field.settle(id, &probe, &placed).unwrap();
        assert_eq!((field.unsettled(), field.len()), (0, 11));
    }
}
