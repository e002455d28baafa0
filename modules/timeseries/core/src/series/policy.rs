//! What becomes of a sample that is there already, or is too much like the last one.

/// What to do with a sample at a time that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicatePolicy {
    /// Refuse it.
    Block,
    /// Keep the first.
    First,
    /// Keep the last.
    Last,
    /// Keep the lesser.
    Min,
    /// Keep the greater.
    Max,
    /// Keep the sum.
    Sum,
}

/// Every policy with its name, in the order of their numbers in payloads, from 1 on.
const NAMES: [(DuplicatePolicy, &str); 6] = [
    (DuplicatePolicy::Block, "block"),
    (DuplicatePolicy::Last, "last"),
    (DuplicatePolicy::First, "first"),
    (DuplicatePolicy::Min, "min"),
    (DuplicatePolicy::Max, "max"),
    (DuplicatePolicy::Sum, "sum"),
];

impl DuplicatePolicy {
    /// The policy of a name, in whatever case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let mut names = NAMES.iter();
        names.find(|row| row.1.as_bytes().eq_ignore_ascii_case(name)).map(|row| row.0)
    }

    /// Its name, lower case.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Its number in payloads; 0 is none.
    pub(crate) fn number(policy: Option<Self>) -> u64 {
        let place = NAMES.iter().position(|row| Some(row.0) == policy);
        place.and_then(|place| u64::try_from(place + 1).ok()).unwrap_or(0)
    }

    /// The policy of a number other than 0.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        NAMES.get(place).map(|row| row.0)
    }

    /// The value that is kept; `None` if the new one is refused. NaN is neither less nor greater,
    /// and has no sum.
    pub fn merge(self, old: f64, new: f64) -> Option<f64> {
        let is_number = !old.is_nan() && !new.is_nan();
        match self {
            Self::Block => None,
            Self::First => Some(old),
            Self::Last => Some(new),
            Self::Min => is_number.then_some(if old < new { old } else { new }),
            Self::Max => is_number.then_some(if old > new { old } else { new }),
            Self::Sum => is_number.then_some(old + new),
        }
    }
}

/// How near to the last sample one must be to be dropped, under [`DuplicatePolicy::Last`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ignore {
    /// Milliseconds behind it, at most.
    pub time_ms_max: u64,
    /// Difference of the values, at most; not negative.
    pub value_max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_peers() {
        for (number, name) in (1..).zip(["BLOCK", "last", "First", "min", "max", "sum"]) {
            let policy = DuplicatePolicy::parse(name.as_bytes());
            assert_eq!(DuplicatePolicy::of_number(number), policy, "{name}");
            assert_eq!(DuplicatePolicy::number(policy), number);
            assert_eq!(policy.map(DuplicatePolicy::name), Some(&*name.to_lowercase()));
        }
        assert_eq!(DuplicatePolicy::of_number(0), None);
        assert_eq!(DuplicatePolicy::of_number(7), None);
        assert_eq!(DuplicatePolicy::number(None), 0);
    }

    #[test]
    fn one_of_two_samples_is_kept() {
        let check = |policy: DuplicatePolicy, old: f64, new: f64, expected: Option<f64>| {
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            assert_eq!(bits(policy.merge(old, new)), bits(expected), "{policy:?} {old} {new}");
        };
        check(DuplicatePolicy::Block, 1.0, 1.0, None);
        for (old, new) in [(1.0, 2.0), (2.0, 1.0), (f64::NAN, 1.0), (1.0, f64::NAN)] {
            let number = |value: f64| (!old.is_nan() && !new.is_nan()).then_some(value);
            check(DuplicatePolicy::First, old, new, Some(old));
            check(DuplicatePolicy::Last, old, new, Some(new));
            check(DuplicatePolicy::Min, old, new, number(1.0));
            check(DuplicatePolicy::Max, old, new, number(2.0));
            check(DuplicatePolicy::Sum, old, new, number(3.0));
        }
    }
}
