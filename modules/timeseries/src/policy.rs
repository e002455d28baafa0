//! Rules that series get which a sample makes, as the setting `ts-compaction-policy` says:
//! `aggregator:bucket:retention[:alignment];...`, times with a unit.

use std::num::NonZeroU64;

use keyspan_timeseries_core::aggregate::Aggregator;
use keyspan_timeseries_core::rule::Grid;

/// One of these rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// How a bucket is made one value.
    pub aggregator: Aggregator,
    /// Where buckets are.
    pub grid: Grid,
    /// Milliseconds for which the destination keeps them; 0 for ever.
    pub retention_ms: u64,
}

impl Compaction {
    /// The key of the destination of a series at `key`.
    pub fn destination(&self, key: &[u8]) -> Vec<u8> {
        let (name, bucket) = (self.aggregator.upper_name(), self.grid.bucket);
        let tail = match self.grid.alignment {
            0 => format!("_{name}_{bucket}"),
            alignment => format!("_{name}_{bucket}_{alignment}"),
        };
        [key, tail.as_bytes()].concat()
    }
}

/// Reads a policy; `None` if it is none.
pub fn parse(text: &str) -> Option<Vec<Compaction>> {
    text.split(';').filter(|rule| !rule.is_empty()).map(rule).collect()
}

fn rule(text: &str) -> Option<Compaction> {
    let mut parts = text.split(':');
    let aggregator = Aggregator::parse(parts.next()?.as_bytes())?;
    let bucket = NonZeroU64::new(time(parts.next()?)?)?;
    let retention_ms = time(parts.next()?)?;
    let alignment = parts.next().map_or(Some(0), time)?;
    let is_whole = parts.next().is_none();
    is_whole.then_some(Compaction { aggregator, grid: Grid::new(bucket, alignment), retention_ms })
}

/// Milliseconds of a time with its unit, which 0 needs not.
fn time(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let (number, factor) =
        [("m", 1), ("s", 1000), ("M", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
            .into_iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
    let time = is_plain.then(|| number.parse::<u64>().ok()).flatten()?.checked_mul(factor)?;
    i64::try_from(time).is_ok().then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read() {
        let check = |text: &str, expected: Option<&[(&str, u64)]>| {
            let found = parse(text).map(|rules| {
                let told = |rule: &Compaction| {
                    (String::from_utf8(rule.destination(b"k")).unwrap(), rule.retention_ms)
                };
                rules.iter().map(told).collect::<Vec<_>>()
            });
            let expected = expected.map(|rules| {
                rules.iter().map(|(key, kept)| ((*key).to_owned(), *kept)).collect::<Vec<_>>()
            });
            assert_eq!(found, expected, "{text}");
        };
        check("", Some(&[]));
        check("max:1M:1h", Some(&[("k_MAX_60000", 3_600_000)]));
        check("avg:2h:10d:0;", Some(&[("k_AVG_7200000", 864_000_000)]));
        check("Std.P:5s:0:1s;twa:7m:0m", Some(&[("k_STD.P_5000_1000", 0), ("k_TWA_7", 0)]));
        for bad in [
            "foo",
            "max",
            "max:1M",
            "max:0:0",
            "max:1:1h",
            "bad:1M:1h",
            "max:1M:1h:0:0",
            "max:1x:1h",
            "max:-1M:1h",
            "max:+1M:1h",
            "max:M:1h",
            "max:99999999999999999d:0",
        ] {
            check(bad, None);
        }
    }
}
