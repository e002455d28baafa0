//! What evaluating a query did, part by part, in the words of RediSearch's iterators.
//!
//! There are no iterators here: a part is computed as a set, and its counter is how many documents
//! it gave. Parts that were narrowed document by document count those that were left.

use std::cell::RefCell;

use hashbrown::HashMap;

use super::cost::Strategy;
use super::{Matches, View};
use crate::index::FieldIndex;
use crate::print::general;
use crate::query::{Kind, Knn, Node, Pattern};

/// Digits of numbers, as RediSearch prints ranges.
const DIGITS: usize = 6;

/// How much a part did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Documents it gave.
    pub documents: u64,
    /// Nanoseconds it took, its children included.
    pub ns: u64,
}

/// What a profile says of a part beside its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A number.
    Number(u64),
    /// A text.
    Text(Box<[u8]>),
}

/// The parts of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Children {
    /// It has none.
    None,
    /// It is made of one other.
    One(Box<Part>),
    /// It is made of several.
    Several(Vec<Part>),
    /// So many, which are shown only in a profile that is not limited.
    Expanded(Vec<Part>),
}

/// A part of a query and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// RediSearch's name of what walks over its documents.
    pub kind: &'static str,
    /// What it asks for, shown before the figures.
    pub asks: Vec<(&'static str, Detail)>,
    /// How much it did.
    pub figures: Figures,
    /// How it did it, shown behind the figures.
    pub says: Vec<(&'static str, Detail)>,
    /// What it is made of.
    pub children: Children,
}

/// What a search did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The query.
    pub root: Part,
    /// Nanoseconds until all changes were made that were asked for before.
    pub waited_ns: u64,
    /// Nanoseconds of sorting and cutting the page out.
    pub sorted_ns: u64,
}

/// Notes of an evaluation, by the address of each node.
#[derive(Debug)]
pub struct Trace {
    clock: fn() -> u64,
    nodes: RefCell<HashMap<usize, Figures>>,
    /// Nanoseconds until all changes were made that were asked for before.
    pub(crate) waited_ns: u64,
}

impl Trace {
    /// Without notes; `clock` tells nanoseconds.
    #[must_use]
    pub fn new(clock: fn() -> u64) -> Self {
        Self { clock, nodes: RefCell::default(), waited_ns: 0 }
    }

    /// Nanoseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Notes what a node gave that began at `begin`. The last note of a node counts.
    pub(super) fn note(&self, node: &Node, documents: u64, begin: u64) {
        let figures = Figures { documents, ns: self.now().saturating_sub(begin) };
        self.nodes.borrow_mut().insert(std::ptr::from_ref(node).addr(), figures);
    }

    fn figures(&self, node: &Node) -> Figures {
        let nodes = self.nodes.borrow();
        nodes.get(&std::ptr::from_ref(node).addr()).copied().unwrap_or_default()
    }
}

/// The parts of `query` as `trace` saw them evaluated.
#[must_use]
pub fn profile(view: &View<'_>, query: &Node, matches: &Matches, trace: &Trace) -> Part {
    Reader { view, matches, trace }.part(query)
}

struct Reader<'a> {
    view: &'a View<'a>,
    matches: &'a Matches,
    trace: &'a Trace,
}

impl Reader<'_> {
    fn part(&self, node: &Node) -> Part {
        let figures = self.trace.figures(node);
        let plain = |kind| Part {
            kind,
            asks: Vec::new(),
            figures,
            says: Vec::new(),
            children: Children::None,
        };
        let asking = |kind, name, text| Part { asks: vec![(name, text)], ..plain(kind) };
        match &node.kind {
            Kind::All => plain("WILDCARD"),
            Kind::And(_) => Part { children: self.several(node.children()), ..plain("INTERSECT") },
            // Nothing is in full text.
            Kind::Exact(_) | Kind::Nothing | Kind::Text(_) => plain("EMPTY"),
            Kind::Geo(circle) => {
                let number = |number| general(number, DIGITS);
                let (longitude, latitude) = (number(circle.longitude), number(circle.latitude));
                let (radius, unit) = (number(circle.radius), circle.unit.name());
                asking("GEO", "Term", text(&format!("{longitude},{latitude} {radius} {unit}")))
            }
            Kind::Keys(_) => plain("ID-LIST"),
            Kind::Knn(knn) => self.nearest(knn, plain("VECTOR")),
            Kind::Missing(field) => asking("MISSING", "Field", Detail::Text(field.clone())),
            Kind::Not(child) => Part { children: self.one(child), ..plain("NOT") },
            Kind::Numeric(range) => {
                let number = |number| general(number, DIGITS);
                let (min, max) = (number(range.min), number(range.max));
                asking("NUMERIC", "Term", text(&format!("{min} - {max}")))
            }
            Kind::Optional(child) => Part { children: self.one(child), ..plain("OPTIONAL") },
            Kind::Or(_) => Part {
                children: self.several(node.children()),
                ..asking("UNION", "Query type", text("UNION"))
            },
            Kind::Tags(field, tags) => self.tags(field, tags, figures),
            Kind::Within(_) => Part {
                says: vec![("Vector search mode", text("RANGE_QUERY"))],
                ..plain("METRIC - VECTOR DISTANCE")
            },
        }
    }

    fn one(&self, child: &Node) -> Children {
        Children::One(Box::new(self.part(child)))
    }

    fn several(&self, children: &[Node]) -> Children {
        Children::Several(children.iter().map(|child| self.part(child)).collect())
    }

    /// A search for the nearest says how it was done, and why so.
    fn nearest(&self, knn: &Knn, part: Part) -> Part {
        let mut says = Vec::new();
        if let Some(choice) = &self.matches.choice {
            let mode = match (choice.strategy, &knn.filter) {
                (Strategy::Unfiltered, _) | (_, None) => "STANDARD_KNN",
                (Strategy::Scan, _) => "HYBRID_ADHOC_BF",
                (Strategy::Batches, _) if choice.fell_back => "HYBRID_BATCHES_TO_ADHOC_BF",
                (Strategy::Batches, _) => "HYBRID_BATCHES",
                (Strategy::AllLinks, _) => "HYBRID_ALL_LINKS",
                (Strategy::TwoHops, _) => "HYBRID_TWO_HOPS",
            };
            says.push(("Vector search mode", text(mode)));
            says.push(("Vector search choice", text(&choice.to_string())));
        }
        let children = knn.filter.as_ref().map_or(Children::None, |filter| self.one(filter));
        Part { says, children, ..part }
    }

    /// A tag is a list of its own; several, and what looks like them, are united.
    fn tags(&self, field: &[u8], tags: &[Pattern], figures: Figures) -> Part {
        if let [tag] = tags {
            return Part { figures, ..self.tag(field, tag) };
        }
        Part {
            kind: "UNION",
            asks: vec![("Query type", text("TAG"))],
            figures,
            says: Vec::new(),
            children: Children::Expanded(tags.iter().map(|tag| self.tag(field, tag)).collect()),
        }
    }

    fn tag(&self, field: &[u8], pattern: &Pattern) -> Part {
        let terms = self.terms(field, pattern);
        let name = match pattern {
            Pattern::Word(_) => {
                return terms
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| self.part(&Kind::Nothing.into()));
            }
            Pattern::Fuzzy(text, _) => [b"FUZZY - ".as_slice(), text].concat(),
            Pattern::Infix(text) | Pattern::Prefix(text) | Pattern::Suffix(text) => {
                [b"PREFIX - ".as_slice(), text].concat()
            }
            Pattern::Wildcard(text) => [b"WILDCARD - ".as_slice(), text].concat(),
        };
        let documents = terms.iter().map(|term| term.figures.documents).sum();
        let is_cut = terms.len() >= self.view.expansion.tags_max;
        let cut = is_cut.then(|| ("Warning", text("Max prefix expansion reached")));
        Part {
            kind: "UNION",
            asks: vec![("Query type", Detail::Text(name.into()))],
            figures: Figures { documents, ns: 0 },
            says: cut.into_iter().collect(),
            children: Children::Expanded(terms),
        }
    }

    /// The tags that look like the pattern. Their lists are taken whole.
    fn terms(&self, field: &[u8], pattern: &Pattern) -> Vec<Part> {
        let Some(place) = self.view.schema.position(field) else { return Vec::new() };
        let FieldIndex::Tag(index) = self.view.fields.at(place) else { return Vec::new() };
        let term = |(tag, documents): (&[u8], u64)| Part {
            kind: "TAG",
            asks: vec![("Term", Detail::Text(tag.into()))],
            figures: Figures { documents, ns: 0 },
            says: vec![("Size", Detail::Number(documents))],
            children: Children::None,
        };
        index.terms(pattern, &self.view.expansion).map(term).collect()
    }
}

fn text(text: &str) -> Detail {
    Detail::Text(text.as_bytes().into())
}
