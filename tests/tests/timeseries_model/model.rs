//! The plainest model: a sorted map of samples a key; what rules made is made anew each time it is
//! asked for.

use std::collections::BTreeMap;

use crate::aggregate::{self, Bucket};

/// Samples with as many values as aggregators.
pub(crate) type Rows = Vec<(u64, Vec<f64>)>;

/// What happens to a sample at a moment that has one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Block,
    First,
    Last,
    Max,
    Min,
    Sum,
}

impl Policy {
    /// All, with their names.
    pub(crate) const ALL: [(Self, &'static str); 6] = [
        (Self::Block, "BLOCK"),
        (Self::First, "FIRST"),
        (Self::Last, "LAST"),
        (Self::Max, "MAX"),
        (Self::Min, "MIN"),
        (Self::Sum, "SUM"),
    ];

    fn merged(self, old: f64, new: f64) -> Option<f64> {
        match self {
            Self::Block => None,
            Self::First => Some(old),
            Self::Last => Some(new),
            Self::Max => Some(old.max(new)),
            Self::Min => Some(old.min(new)),
            Self::Sum => Some(old + new),
        }
    }
}

/// How samples become buckets.
#[derive(Clone, Copy)]
pub(crate) struct Buckets {
    pub(crate) length: u64,
    pub(crate) align: u64,
}

impl Buckets {
    /// Where the bucket of a moment starts; no moment here is less than the alignment.
    pub(crate) fn start(self, moment: u64) -> u64 {
        moment - (moment - self.align) % self.length
    }
}

/// A rule that a series has.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) target: String,
    pub(crate) aggregator: &'static str,
    pub(crate) buckets: Buckets,
}

/// A series.
#[derive(Clone)]
pub(crate) struct Series {
    pub(crate) samples: BTreeMap<u64, f64>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) policy: Policy,
    pub(crate) retention: u64,
    /// Milliseconds and difference within which a sample is ignored.
    pub(crate) ignore: (u64, f64),
    pub(crate) rules: Vec<Rule>,
    pub(crate) source: Option<String>,
}

/// What came of a sample.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Added {
    At(u64),
    Blocked,
    TooOld,
}

impl Series {
    /// The last sample.
    pub(crate) fn last(&self) -> Option<(u64, f64)> {
        self.samples.last_key_value().map(|(moment, value)| (*moment, *value))
    }

    /// Adds a sample as TS.ADD does.
    pub(crate) fn add(&mut self, moment: u64, value: f64, policy: Option<Policy>) -> Added {
        let policy = policy.unwrap_or(self.policy);
        if let Some((last, held)) = self.last() {
            if self.retention > 0 && moment < last.saturating_sub(self.retention) {
                return Added::TooOld;
            }
            let near = moment >= last && moment - last <= self.ignore.0;
            if policy == Policy::Last && near && (value - held).abs() <= self.ignore.1 {
                return Added::At(last);
            }
        }
        let Some(old) = self.samples.get(&moment) else {
            self.samples.insert(moment, value);
            return Added::At(moment);
        };
        let Some(merged) = policy.merged(*old, value) else { return Added::Blocked };
        self.samples.insert(moment, merged);
        Added::At(moment)
    }

    /// Adds to the last value as TS.INCRBY does, the sum being a sample as any other; None where the
    /// moment is before the last.
    pub(crate) fn increase(&mut self, moment: u64, by: f64) -> Option<u64> {
        let (last, held) = self.last().unwrap_or((0, 0.0));
        if moment < last {
            return None;
        }
        match self.add(moment, held + by, Some(Policy::Last)) {
            Added::At(moment) => Some(moment),
            Added::Blocked | Added::TooOld => None,
        }
    }

    /// Removes samples; how many.
    pub(crate) fn remove(&mut self, from: u64, to: u64) -> usize {
        let before = self.samples.len();
        self.samples.retain(|moment, _| !(from..=to).contains(moment));
        before - self.samples.len()
    }

    /// What queries see.
    pub(crate) fn visible(&self) -> Vec<(u64, f64)> {
        let least = match self.last() {
            Some((last, _)) if self.retention > 0 => last.saturating_sub(self.retention),
            _ => 0,
        };
        self.samples.range(least..).map(|(moment, value)| (*moment, *value)).collect()
    }

    /// What a rule has made of the samples: all buckets but the one that is open.
    pub(crate) fn compacted(&self, rule: &Rule) -> Vec<(u64, f64)> {
        let Some((last, _)) = self.last() else { return Vec::new() };
        let open = rule.buckets.start(last);
        let whole = buckets(&self.visible(), rule.buckets, &[rule.aggregator]);
        whole
            .into_iter()
            .filter(|(start, _)| *start < open)
            .map(|(start, row)| (start, row[0]))
            .collect()
    }
}

/// The rows of all buckets that have samples.
pub(crate) fn buckets(samples: &[(u64, f64)], buckets: Buckets, aggregators: &[&str]) -> Rows {
    let same =
        |left: &(u64, f64), right: &(u64, f64)| buckets.start(left.0) == buckets.start(right.0);
    let row = |own: &[(u64, f64)]| {
        let (start, length) = (buckets.start(own[0].0), buckets.length);
        let bucket = Bucket { start, length, own, all: samples };
        (start, aggregators.iter().map(|name| aggregate::of(name, &bucket)).collect())
    };
    // No sample is NaN here, and a bucket in which nothing counts is none.
    let nothing_counts = aggregators.iter().all(|name| *name == "countNaN");
    if nothing_counts { Vec::new() } else { samples.chunk_by(same).map(row).collect() }
}

/// Puts rows where buckets between others have no samples.
pub(crate) fn filled(rows: Rows, buckets: Buckets, aggregators: &[&str]) -> Rows {
    let mut filled: Rows = Vec::new();
    for (start, row) in rows {
        while let Some((before, values)) = filled.last() {
            if before + buckets.length == start {
                break;
            }
            let empty = aggregators
                .iter()
                .zip(values)
                .map(|(name, value)| aggregate::of_nothing(name, *value));
            let empty = (before + buckets.length, empty.collect());
            filled.push(empty);
        }
        filled.push((start, row));
    }
    filled
}
