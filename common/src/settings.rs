//! A module's settings: one table read by load arguments, CONFIG GET/SET and the documents.

use std::sync::atomic::{AtomicI64, Ordering};

/// The kind and the range of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`, stored as 1 and 0.
    Bool,
    /// One of these words; stored as its index.
    Choice(&'static [&'static str]),
    /// An integer from `min` to `max`.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A number of bytes from 0 to `max`; the server takes units (`100mb`).
    Memory {
        /// Greatest value.
        max: i64,
    },
}

/// One setting and its present value.
#[derive(Debug)]
pub struct Setting {
    /// Name without the module's prefix.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Kind and range.
    pub kind: Kind,
    /// Value when nothing is said.
    pub default: i64,
    /// Fixed once the module is loaded: only load arguments and the configuration file set it.
    pub fixed: bool,
    value: AtomicI64,
}

impl Setting {
    /// A setting at its default.
    pub const fn new(name: &'static str, about: &'static str, kind: Kind, default: i64) -> Self {
        Self { name, about, kind, default, fixed: false, value: AtomicI64::new(default) }
    }

    /// A setting that cannot change once the module is loaded.
    pub const fn fixed(self) -> Self {
        Self { fixed: true, ..self }
    }

    /// The present value.
    pub fn get(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }

    /// Sets the value.
    ///
    /// # Errors
    /// `false`, and nothing changed, if it is out of range.
    pub fn set(&self, value: i64) -> bool {
        let fits = match self.kind {
            Kind::Bool => (0..=1).contains(&value),
            Kind::Choice(words) => usize::try_from(value).is_ok_and(|index| index < words.len()),
            Kind::Integer { min, max } => (min..=max).contains(&value),
            Kind::Memory { max } => (0..=max).contains(&value),
        };
        if fits {
            self.value.store(value, Ordering::Relaxed);
        }
        fits
    }

    /// Reads the value from a word of the load arguments: a choice's name, `yes`/`no`, a number.
    pub fn parse(&self, word: &str) -> Option<i64> {
        match self.kind {
            Kind::Bool => ["no", "yes"].iter().position(|w| w.eq_ignore_ascii_case(word)),
            Kind::Choice(words) => words.iter().position(|w| w.eq_ignore_ascii_case(word)),
            Kind::Integer { .. } => return word.parse().ok(),
            Kind::Memory { .. } => return bytes(word),
        }
        .and_then(|index| i64::try_from(index).ok())
    }
}

/// A number of bytes with the servers' units: `k m g` are powers of 1000, `kb mb gb` of 1024.
fn bytes(word: &str) -> Option<i64> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = word.split_at_checked(digits)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// The value of one line of INFO.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure<'a> {
    /// A count, or a number of bytes.
    Count(u64),
    /// Text.
    Text(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, word: &str, expected: Option<i64>) {
        assert_eq!(Setting::new("x", "", kind, 0).parse(word), expected, "{kind:?} {word}");
    }

    #[test]
    fn words_are_read_by_kind() {
        let memory = Kind::Memory { max: i64::MAX };
        for (word, expected) in [
            ("0", Some(0)),
            ("17b", Some(17)),
            ("2k", Some(2000)),
            ("2KB", Some(2048)),
            ("100mb", Some(100 << 20)),
            ("1g", Some(1_000_000_000)),
            ("1gb", Some(1 << 30)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775807k", None),
            ("mb", None),
            ("-1", None),
            ("1tb", None),
            ("", None),
        ] {
            check(memory, word, expected);
        }
        check(Kind::Bool, "YES", Some(1));
        check(Kind::Bool, "1", None);
        check(Kind::Choice(&["compatible", "strict"]), "Strict", Some(1));
        check(Kind::Choice(&["compatible", "strict"]), "lax", None);
        check(Kind::Integer { min: 0, max: 9 }, "-3", Some(-3));
    }

    #[test]
    fn a_value_out_of_range_changes_nothing() {
        let setting = Setting::new("x", "", Kind::Integer { min: 1, max: 5 }, 2);
        assert!(!setting.set(0) && !setting.set(6) && setting.get() == 2);
        assert!(setting.set(5) && setting.get() == 5);
    }
}
