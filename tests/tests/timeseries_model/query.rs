//! A range query: its words, and what the model answers.

use crate::{
    aggregate::NAMES,
    draw::Draw,
    model::{Buckets, Rows, buckets, filled},
};

/// What samples are gathered into.
struct Aggregation {
    names: Vec<&'static str>,
    buckets: Buckets,
    align: String,
    /// The word after BUCKETTIMESTAMP, and by how much a bucket's moment is more than its start.
    shown: (&'static str, u64),
    empty: bool,
}

/// Everything that TS.RANGE can be told behind the key.
pub(crate) struct Query {
    reverse: bool,
    from: u64,
    to: u64,
    moments: Vec<u64>,
    values: Option<(f64, f64)>,
    count: Option<usize>,
    aggregation: Option<Aggregation>,
}

impl Query {
    /// One over moments between these.
    pub(crate) fn draw(draw: &mut Draw, first: u64, last: u64) -> Self {
        let reverse = draw.once_in(2);
        let mut ends = [first + draw.below(last - first + 1), first + draw.below(last - first + 1)];
        ends.sort_unstable();
        let [from, to] = if draw.once_in(2) { [0, last + 10] } else { ends };
        let moments = if draw.once_in(6) {
            (0..40).map(|_| first + draw.below(last - first + 1)).collect()
        } else {
            Vec::new()
        };
        let values = draw.once_in(5).then(|| (draw.value().min(0.0), draw.value().max(0.0)));
        let count = draw.once_in(3).then(|| usize::try_from(draw.below(12) + 1).unwrap());
        let is_whole = from == 0 && values.is_none() && moments.is_empty();
        let aggregation =
            draw.once_in(2).then(|| Aggregation::draw(draw, [from, to], reverse, is_whole));
        Self { reverse, from, to, moments, values, count, aggregation }
    }

    /// Whether the newest comes first.
    pub(crate) fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// Whether there is one value to a moment.
    pub(crate) fn is_single(&self) -> bool {
        self.aggregation.as_ref().is_none_or(|aggregation| aggregation.names.len() == 1)
    }

    /// The words behind the key.
    pub(crate) fn words(&self) -> String {
        let mut words = format!("{} {}", self.from, self.to);
        if !self.moments.is_empty() {
            words += " FILTER_BY_TS";
            self.moments.iter().for_each(|moment| words += &format!(" {moment}"));
        }
        if let Some((least, greatest)) = self.values {
            words += &format!(" FILTER_BY_VALUE {least} {greatest}");
        }
        if let Some(count) = self.count {
            words += &format!(" COUNT {count}");
        }
        if let Some(aggregation) = &self.aggregation {
            words += &aggregation.words();
        }
        words
    }

    /// What the samples of a series give.
    pub(crate) fn answer(&self, samples: &[(u64, f64)]) -> Rows {
        let mut rows = self.all(samples);
        self.cut(&mut rows);
        rows
    }

    /// Keeps as many rows as are asked for.
    pub(crate) fn cut(&self, rows: &mut Rows) {
        rows.truncate(self.count.unwrap_or(usize::MAX));
    }

    /// The same, however many rows are asked for.
    pub(crate) fn all(&self, samples: &[(u64, f64)]) -> Rows {
        let wanted = |(moment, value): &&(u64, f64)| {
            (self.from..=self.to).contains(moment)
                && (self.moments.is_empty() || self.moments.contains(moment))
                && self.values.is_none_or(|(least, greatest)| (least..=greatest).contains(value))
        };
        let samples: Vec<(u64, f64)> = samples.iter().filter(wanted).copied().collect();
        let mut rows = match &self.aggregation {
            Some(aggregation) => aggregation.rows(&samples),
            None => samples.into_iter().map(|(moment, value)| (moment, vec![value])).collect(),
        };
        if self.reverse {
            rows.reverse();
        }
        rows
    }
}

impl Aggregation {
    fn draw(draw: &mut Draw, [from, to]: [u64; 2], reverse: bool, is_whole: bool) -> Self {
        let length = *draw.one_of(&[7, 10, 50, 100, 333, 500]);
        let (align, at) = match draw.below(5) {
            0 if from > 0 => ("ALIGN start".to_owned(), from),
            1 if from > 0 => ("ALIGN +".to_owned(), to),
            2 => {
                let at = draw.below(2_000);
                (format!("ALIGN {at}"), at)
            }
            _ => (String::new(), 0),
        };
        let empty = draw.once_in(3);
        // What the peer makes of the edges of parts of a series, and of gaps, is not written down.
        let plain = |name: &&str| match *name {
            "twa" => is_whole && !empty,
            "last" => !(reverse && empty),
            // No bucket has one.
            "countNaN" => false,
            _ => true,
        };
        let names: Vec<&'static str> = NAMES.into_iter().filter(plain).collect();
        let count = if draw.once_in(3) { 3 } else { 1 };
        let names = (0..count).map(|_| *draw.one_of(&names)).collect();
        let shown = *draw.one_of(&[("", 0), ("", 0), ("end", length), ("~", length / 2), ("-", 0)]);
        let buckets = Buckets { length, align: at % length };
        Self { names, buckets, align, shown, empty }
    }

    fn words(&self) -> String {
        let mut words =
            format!(" {} AGGREGATION {} {}", self.align, self.names.join(","), self.buckets.length);
        if !self.shown.0.is_empty() {
            words += &format!(" BUCKETTIMESTAMP {}", self.shown.0);
        }
        if self.empty {
            words += " EMPTY";
        }
        words.replace("  ", " ")
    }

    fn rows(&self, samples: &[(u64, f64)]) -> Rows {
        let rows = buckets(samples, self.buckets, &self.names);
        let rows = if self.empty { filled(rows, self.buckets, &self.names) } else { rows };
        rows.into_iter().map(|(start, row)| (start + self.shown.1, row)).collect()
    }
}
