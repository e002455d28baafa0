//! How the nearest of a filtered set are found, by what it would cost.
//!
//! Four ways, `n` vectors, `a` of them allowed, share `s = a / n`, `k` wanted, effort `ef`:
//!
//! ```text
//! scan        a * row                           every allowed vector is compared, exact
//! two hops    (30 ef (0.15 / s)^0.5 + 10 log2 n) * hop     only the allowed are measured
//! all links   visits(ef) / s^0.75 * hop         the graph is walked, others are passed over
//! batches     visits(max(ef, 1.3 k / s)) * hop  the graph is walked for more, others are dropped
//! visits(ef) = 8 ef + 10 log2 n                 and never more than n
//! a visit takes 0.2 ns more for each that is kept, as they are kept sorted
//! ```
//! Measured on 20,000 and 50,000 real vectors of 384 floats (`examples/filters.rs`): a walk visits
//! about 470 at ef 50; passing over others makes a filter of 10 % 5.5 times as dear, one of 1 % 27
//! times (0.1^-0.75 and 0.01^-0.75 are 5.6 and 32). In two hops about 30 are measured for each that
//! is kept, whatever is allowed; below 15 % more have to be kept for the same recall
//! (`(0.15 / s)^0.5` is 1 above). A scan may be dearer by a fifth, as it is exact. Batches are no
//! choice of ours: where the filter has nothing near the query, they search nearly everything; a
//! query may ask for them. Flat indexes have no graph and always scan.

use std::fmt;

/// What a vector index's work costs, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Comparing a vector in a row of them.
    pub row: f64,
    /// Visiting a vector by a link: it is not in the cache.
    pub hop: f64,
    /// Whether there is a graph to walk.
    pub has_graph: bool,
}

impl Costs {
    /// About what vectors of `bytes` cost, as measured: 60 and 130 ns at 1,536 bytes.
    #[must_use]
    pub fn of(bytes: u64, has_graph: bool) -> Self {
        let bytes = bytes as f64;
        Self { row: 10.0 + bytes / 30.0, hop: 30.0 + bytes / 15.0, has_graph }
    }
}

/// A way to find the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The graph is walked, and what is not allowed is passed over.
    AllLinks,
    /// More are searched than wanted, and those not allowed are dropped.
    Batches,
    /// All that is allowed is compared.
    Scan,
    /// The graph is walked over what is allowed, and over one other vector at most between them.
    TwoHops,
    /// Nothing is filtered: the index does as it always does.
    Unfiltered,
}

impl Strategy {
    /// The name in explanations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllLinks => "filtered traversal over all links",
            Self::Batches => "batches",
            Self::Scan => "brute force",
            Self::TwoHops => "filtered traversal over two hops",
            Self::Unfiltered => "unfiltered search",
        }
    }
}

/// A choice and its reasons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// What was chosen.
    pub strategy: Strategy,
    /// Whether the query said so.
    pub is_forced: bool,
    /// Whether the chosen way found too few, and all that is allowed was compared after it.
    pub fell_back: bool,
    /// Documents that may be found.
    pub allowed: u64,
    /// Vectors there are.
    pub total: u64,
    /// What each way would cost, in nanoseconds: scan, two hops, all links, batches.
    pub costs: [f64; 4],
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, total) = (self.strategy.name(), self.total);
        if self.strategy == Strategy::Unfiltered {
            return write!(out, "{name} over {total} vectors");
        }
        let allowed = self.allowed.min(total);
        let share = allowed as f64 / total.max(1) as f64 * 100.0;
        let [scan, two_hops, all_links, batches] = self.costs.map(|cost| cost / 1000.0);
        let reason = if self.is_forced { "as the query says" } else { "estimated cheapest" };
        let then = if self.fell_back { ", then brute force as too few were found" } else { "" };
        write!(
            out,
            "{name} over {allowed} of {total} vectors ({share:.1} %), {reason}: brute force \
             {scan:.0} us, two hops {two_hops:.0} us, all links {all_links:.0} us, batches \
             {batches:.0} us{then}"
        )
    }
}

/// By how much an exact answer may be dearer.
const EXACT: f64 = 1.2;

/// Chooses a way; `forced` is what the query says.
#[must_use]
pub fn choose(
    costs: &Costs,
    (total, allowed): (u64, u64),
    (k, effort): (u64, u64),
    forced: Option<Strategy>,
) -> Choice {
    let ways = ways(costs, total, allowed, (k, effort));
    let [scan, two_hops, all_links, _] = ways;
    let is_filtered = forced != Some(Strategy::Unfiltered);
    let cheapest = if !is_filtered {
        // Without a graph, or with more wanted than a walk is good for, all are compared as well.
        if costs.has_graph && all_links <= scan { Strategy::Unfiltered } else { Strategy::Scan }
    } else if !costs.has_graph || scan <= EXACT * two_hops.min(all_links) {
        Strategy::Scan
    } else if two_hops <= all_links {
        Strategy::TwoHops
    } else {
        Strategy::AllLinks
    };
    let forced = forced.filter(|_| costs.has_graph && is_filtered);
    let strategy = forced.unwrap_or(cheapest);
    let is_forced = forced.is_some();
    Choice { strategy, is_forced, fell_back: false, allowed, total, costs: ways }
}

/// By how much the effort grows in two hops, if so many of so many are allowed.
pub(super) fn two_hops_effort(allowed: u64, total: u64) -> f64 {
    let share = allowed.clamp(1, total.max(1)) as f64 / total.max(1) as f64;
    (0.15 / share).sqrt().max(1.0)
}

fn ways(costs: &Costs, total: u64, allowed: u64, (k, effort): (u64, u64)) -> [f64; 4] {
    let (n, a) = (total.max(1) as f64, allowed.clamp(1, total.max(1)) as f64);
    let share = a / n;
    let (effort, k) = (effort.max(k) as f64, k as f64);
    let descent = 10.0 * n.log2();
    let visits = |effort: f64| (8.0 * effort + descent).min(n);
    let hop = |kept: f64| costs.hop + 0.2 * kept.min(n);
    let kept = effort * two_hops_effort(allowed, total);
    let batch = effort.max(1.3 * k / share);
    [
        a * costs.row,
        (30.0 * kept).min(a) * hop(kept) + descent * costs.hop,
        (visits(effort) / share.powf(0.75)).min(n) * hop(effort),
        visits(batch) * hop(batch),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: (u64, u64), wanted: (u64, u64), expected: Strategy) {
        let choice = choose(&Costs::of(1536, true), counts, wanted, None);
        assert_eq!(choice.strategy, expected, "{choice}");
    }

    #[test]
    fn small_sets_are_compared_and_large_ones_walked() {
        check((50_000, 50), (10, 50), Strategy::Scan);
        check((50_000, 500), (10, 50), Strategy::Scan);
        check((20_000, 2_000), (10, 50), Strategy::Scan);
        check((50_000, 5_000), (10, 50), Strategy::Scan);
        check((50_000, 5_000), (10, 20), Strategy::TwoHops);
        check((50_000, 45_000), (10, 50), Strategy::AllLinks);
        check((1_000_000, 10_000), (10, 10), Strategy::TwoHops);
        check((1_000_000, 100_000), (10, 200), Strategy::TwoHops);
        check((1_000_000, 500_000), (10, 10), Strategy::AllLinks);
        check((1_000_000, 1_000), (100, 10), Strategy::Scan);
        check((100, 100), (10, 10), Strategy::Scan);
        check((0, 0), (10, 10), Strategy::Scan);
    }

    #[test]
    fn without_a_filter_a_graph_is_walked_unless_too_much_is_wanted() {
        let check = |costs: Costs, total, wanted, expected: Strategy| {
            let choice = choose(&costs, (total, total), wanted, Some(Strategy::Unfiltered));
            assert_eq!(choice.strategy, expected, "{choice}");
        };
        let graph = Costs::of(1536, true);
        check(graph, 50_000, (10, 10), Strategy::Unfiltered);
        check(graph, 1_000_000, (1_000, 10), Strategy::Unfiltered);
        check(graph, 1_000_000, (100_000, 10), Strategy::Scan);
        check(graph, 100, (10, 10), Strategy::Scan);
        check(Costs::of(1536, false), 1_000_000, (10, 10), Strategy::Scan);
    }

    #[test]
    fn a_query_may_say_how_and_a_flat_index_scans() {
        let costs = Costs::of(512, true);
        let forced = choose(&costs, (1000, 10), (10, 10), Some(Strategy::Batches));
        assert_eq!((forced.strategy, forced.is_forced), (Strategy::Batches, true));
        let flat = Costs::of(512, false);
        let flat = choose(&flat, (1_000_000, 900_000), (10, 10), Some(Strategy::Batches));
        assert_eq!((flat.strategy, flat.is_forced), (Strategy::Scan, false));
        assert!(flat.to_string().starts_with(
            "brute force over 900000 of 1000000 vectors (90.0 %), estimated cheapest: brute force"
        ));
    }
}
