//! Every aggregator as its definition says it, over all samples of a bucket at once.

/// The names, as commands take them.
pub(crate) const NAMES: [&str; 15] = [
    "avg", "sum", "min", "max", "range", "count", "first", "last", "std.p", "std.s", "var.p",
    "var.s", "twa", "countNaN", "countAll",
];

/// Those that TS.MRANGE reduces groups with.
pub(crate) const REDUCERS: [&str; 10] =
    ["avg", "sum", "min", "max", "range", "count", "std.p", "std.s", "var.p", "var.s"];

/// What an aggregator makes of samples in order; one at least.
///
/// `samples` is the whole series, which only `twa` looks at beyond the bucket's own.
pub(crate) fn of(name: &str, bucket: &Bucket<'_>) -> f64 {
    let values: Vec<f64> = bucket.own.iter().map(|(_, value)| *value).collect();
    match name {
        "first" => values[0],
        "last" => values[values.len() - 1],
        "twa" => time_weighted(bucket),
        "countNaN" => 0.0,
        "countAll" => reduce("count", &values),
        reducer => reduce(reducer, &values),
    }
}

/// What stands for a bucket without samples, behind one whose value was `before`.
pub(crate) fn of_nothing(name: &str, before: f64) -> f64 {
    match name {
        "sum" | "count" | "countNaN" | "countAll" => 0.0,
        "last" => before,
        _ => f64::NAN,
    }
}

/// A bucket, and the series that it is of.
pub(crate) struct Bucket<'a> {
    /// From here.
    pub(crate) start: u64,
    /// So long.
    pub(crate) length: u64,
    /// Its samples.
    pub(crate) own: &'a [(u64, f64)],
    /// All samples.
    pub(crate) all: &'a [(u64, f64)],
}

/// What is made of values whose order does not matter.
pub(crate) fn reduce(name: &str, values: &[f64]) -> f64 {
    let count = f64::from(u32::try_from(values.len()).unwrap());
    let sum: f64 = values.iter().sum();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = sum / count;
    let spread: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let of_sample = if count > 1.0 { spread / (count - 1.0) } else { 0.0 };
    match name {
        "avg" => mean,
        "sum" => sum,
        "min" => least,
        "max" => greatest,
        "range" => greatest - least,
        "count" => count,
        "var.p" => spread / count,
        "std.p" => (spread / count).sqrt(),
        "var.s" => of_sample,
        "std.s" => of_sample.sqrt(),
        other => panic!("no reducer {other}"),
    }
}

/// The area below the straight lines between samples, over its length; a bucket at an end of the
/// series begins or ends with the series.
fn time_weighted(bucket: &Bucket<'_>) -> f64 {
    let (first, last) = (bucket.all[0].0, bucket.all[bucket.all.len() - 1].0);
    let (from, to) = (bucket.start.max(first), (bucket.start + bucket.length).min(last));
    if to <= from {
        return bucket.own[0].1;
    }
    let mut area = 0.0;
    for pair in bucket.all.windows(2) {
        let (left, right) = (pair[0].0.max(from), pair[1].0.min(to));
        if left < right {
            area += (between(pair, left) + between(pair, right)) / 2.0 * span(left, right);
        }
    }
    area / span(from, to)
}

/// The value at a moment on the line between two samples.
fn between(pair: &[(u64, f64)], moment: u64) -> f64 {
    let [(left, low), (right, high)] = pair else { panic!("two samples") };
    low + (high - low) * span(*left, moment) / span(*left, *right)
}

fn span(from: u64, to: u64) -> f64 {
    f64::from(u32::try_from(to - from).unwrap())
}
