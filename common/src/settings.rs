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
            Kind::Integer { .. } | Kind::Memory { .. } => return word.parse().ok(),
        }
        .and_then(|index| i64::try_from(index).ok())
    }
}

/// The value of one line of INFO.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure<'a> {
    /// A count, or a number of bytes.
    Count(u64),
    /// Text.
    Text(&'a str),
}
