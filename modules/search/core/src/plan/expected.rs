//! What a query is expected to take: short ones are answered where they come up, as handing one to
//! another thread and back takes longer.

use super::View;
use super::cost::Strategy;
use super::evaluate::Evaluation;
use crate::query::{Kind, Knn, Node, Pattern};

/// Any search, as measured: the lock, the page.
const BASE_NS: f64 = 2000.0;
/// A document of a set at most: sets are compressed, but put together from documents in no order,
/// and results are sorted.
const DOCUMENT_NS: f64 = 10.0;
/// A document of a range of numbers or places, which are sorted before they are a set.
const RANGED_NS: f64 = 20.0;
/// A result with its key.
const HIT_NS: f64 = 150.0;
/// A vector of those that may be in a radius.
const ROW_NS: f64 = 100.0;
/// A walk takes so much of what the planner reckons, which compares ways and need not know more.
const WALK: f64 = 0.8;

/// Nanoseconds to answer `query` with `hits` results at most. O(nodes), as nothing is looked for.
/// A query that is wrong is soon answered.
#[must_use]
pub fn expected_ns(view: &View<'_>, query: &Node, hits: usize) -> f64 {
    let expected = Expected { evaluation: Evaluation::new(view), all: view.documents.len() as f64 };
    let Work { matches, ns } = expected.node(query);
    let sorted = if matches!(query.kind, Kind::Knn(_)) { 0.0 } else { matches * DOCUMENT_NS };
    BASE_NS + ns + sorted + matches.min(hits as f64) * HIT_NS
}

/// What a node is expected to match, and to take.
#[derive(Clone, Copy)]
struct Work {
    matches: f64,
    ns: f64,
}

struct Expected<'a> {
    evaluation: Evaluation<'a>,
    /// Documents there are.
    all: f64,
}

impl Expected<'_> {
    /// Each node is looked at once: queries may be long and deep.
    fn node(&self, node: &Node) -> Work {
        let ranged = |per_document: f64| {
            let matches = (self.evaluation.estimate(node) as f64).min(self.all);
            Work { matches, ns: matches * per_document }
        };
        match &node.kind {
            Kind::All | Kind::Exact(_) | Kind::Missing(_) | Kind::Nothing | Kind::Text(_) => {
                ranged(0.0)
            }
            Kind::Geo(_) | Kind::Numeric(_) => ranged(RANGED_NS),
            Kind::Keys(_) => ranged(HIT_NS),
            Kind::Knn(knn) => self.knn(knn),
            Kind::Tags(_, tags) => match tags.as_slice() {
                [Pattern::Word(_)] => ranged(1.0),
                tags if tags.iter().all(|tag| matches!(tag, Pattern::Word(_))) => {
                    ranged(DOCUMENT_NS)
                }
                // What looks like a pattern is not known before it is looked for.
                _ => self.everything(DOCUMENT_NS),
            },
            Kind::And(children) => self.several(children, |one, other| one.min(other), self.all),
            Kind::Or(children) => self.several(children, |one, other| one + other, 0.0),
            Kind::Not(child) | Kind::Optional(child) => {
                let ns = self.node(child).ns;
                Work { ns: ns + self.all * DOCUMENT_NS, matches: self.all }
            }
            // All may be near.
            Kind::Within(_) => self.everything(ROW_NS),
        }
    }

    const fn everything(&self, per_document: f64) -> Work {
        Work { matches: self.all, ns: self.all * per_document }
    }

    fn several(&self, children: &[Node], join: impl Fn(f64, f64) -> f64, none: f64) -> Work {
        let children = children.iter().map(|child| self.node(child));
        let Work { matches, ns } = children.fold(Work { matches: none, ns: 0.0 }, |one, other| {
            Work { matches: join(one.matches, other.matches), ns: one.ns + other.ns }
        });
        let matches = matches.min(self.all);
        Work { matches, ns: ns + matches * DOCUMENT_NS }
    }

    /// The nearest of what passes the filter.
    fn knn(&self, knn: &Knn) -> Work {
        let nothing = Work { matches: 0.0, ns: 0.0 };
        let Ok(Some(search)) = self.evaluation.search(knn) else { return nothing };
        let filter = knn.filter.as_ref().map(|filter| self.node(filter));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let choice = search.choice(filter.map(|filter| filter.matches as u64));
        let [scan, two_hops, all_links, batches] = choice.costs;
        let ns = match choice.strategy {
            Strategy::Scan => scan,
            Strategy::TwoHops => WALK * two_hops,
            Strategy::AllLinks | Strategy::Unfiltered => WALK * all_links,
            Strategy::Batches => WALK * batches,
        };
        let ns = ns + filter.map_or(0.0, |filter| filter.ns);
        Work { matches: (knn.k as f64).min(self.all), ns }
    }
}
