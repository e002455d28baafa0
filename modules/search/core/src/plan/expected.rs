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
/// A walk takes so much of what the planner reckons, which compares ways and need not know more.
const WALK: f64 = 0.8;

/// Nanoseconds to answer `query` with `hits` results at most. O(nodes), as nothing is looked for.
/// A query that is wrong is soon answered.
#[must_use]
pub fn expected_ns(view: &View<'_>, query: &Node, hits: usize) -> f64 {
    let expected = Expected { evaluation: Evaluation::new(view), view };
    let matches = expected.matches(query);
    let sorted = if matches!(query.kind, Kind::Knn(_)) { 0.0 } else { matches * DOCUMENT_NS };
    let hits = matches.min(hits as f64) * HIT_NS;
    BASE_NS + expected.node(query) + sorted + hits
}

struct Expected<'a> {
    evaluation: Evaluation<'a>,
    view: &'a View<'a>,
}

impl Expected<'_> {
    fn all(&self) -> f64 {
        self.view.documents.len() as f64
    }

    /// How many documents the node matches, about.
    fn matches(&self, node: &Node) -> f64 {
        match &node.kind {
            Kind::Knn(knn) => (knn.k as f64).min(self.all()),
            // What looks like a pattern is not known before it is looked for.
            Kind::Tags(_, tags) if !are_words(tags) => self.all(),
            Kind::And(children) => {
                children.iter().map(|child| self.matches(child)).fold(self.all(), f64::min)
            }
            Kind::Or(children) => {
                children.iter().map(|child| self.matches(child)).sum::<f64>().min(self.all())
            }
            Kind::All
            | Kind::Exact(_)
            | Kind::Geo(_)
            | Kind::Keys(_)
            | Kind::Missing(_)
            | Kind::Not(_)
            | Kind::Nothing
            | Kind::Numeric(_)
            | Kind::Optional(_)
            | Kind::Tags(..)
            | Kind::Text(_)
            | Kind::Within(_) => {
                self.evaluation.estimate(node).min(self.view.documents.len()) as f64
            }
        }
    }

    /// Nanoseconds to find what the node matches.
    fn node(&self, node: &Node) -> f64 {
        match &node.kind {
            Kind::All | Kind::Exact(_) | Kind::Missing(_) | Kind::Nothing | Kind::Text(_) => 0.0,
            Kind::Geo(_) | Kind::Numeric(_) => self.matches(node) * RANGED_NS,
            Kind::Keys(keys) => keys.len() as f64 * HIT_NS,
            Kind::Knn(knn) => self.knn(knn),
            Kind::Tags(_, tags) => {
                self.matches(node) * if tags.len() == 1 { 1.0 } else { DOCUMENT_NS }
            }
            Kind::And(_) | Kind::Not(_) | Kind::Optional(_) | Kind::Or(_) => {
                let children = node.children().iter().map(|child| self.node(child));
                children.sum::<f64>() + self.matches(node) * DOCUMENT_NS
            }
            // Everything may be near.
            Kind::Within(_) => self.all() * DOCUMENT_NS * DOCUMENT_NS,
        }
    }

    /// Nanoseconds to find the nearest of what passes the filter.
    fn knn(&self, knn: &Knn) -> f64 {
        let filter = knn.filter.as_ref();
        let Ok(Some(search)) = self.evaluation.search(knn) else { return 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let allowed = filter.map(|filter| self.matches(filter) as u64);
        let choice = search.choice(allowed);
        let [scan, two_hops, all_links, batches] = choice.costs;
        let search = match choice.strategy {
            Strategy::Scan => scan,
            Strategy::TwoHops => WALK * two_hops,
            Strategy::AllLinks | Strategy::Unfiltered => WALK * all_links,
            Strategy::Batches => WALK * batches,
        };
        search + filter.map_or(0.0, |filter| self.node(filter))
    }
}

fn are_words(tags: &[Pattern]) -> bool {
    tags.iter().all(|tag| matches!(tag, Pattern::Word(_)))
}
