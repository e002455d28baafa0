//! Why a test failed, and the checks that say so.

use std::fmt;

/// Why a test failed, in words for the person who reads its output.
pub struct Failure(String);

/// What every step of a test gives.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same failure with the step that met it put in front.
    #[must_use]
    pub fn during(self, step: &str) -> Self {
        Self(format!("{step}: {}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// A test function's error is printed with `Debug`: line breaks must stay line breaks there.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Fails with `text` unless `condition` holds.
pub fn ensure(condition: bool, text: impl FnOnce() -> String) -> Outcome<()> {
    if condition { Ok(()) } else { Err(Failure::new(text())) }
}

/// Fails, printing both as transcript lines, unless the reply is exactly the expected bytes.
pub fn same(got: &[u8], expected: &[u8], what: &str) -> Outcome<()> {
    ensure(got == expected, || {
        let (got, expected) = (crate::transcript::lines(got), crate::transcript::lines(expected));
        format!("{what}\n  expected {}\n  got      {}", expected.join(" | "), got.join(" | "))
    })
}
