//! What the pages say of each command beyond its table: reply, errors, events, and a session.
//!
//! ```text
//! # JSON.ARRLEN
//! Reply: the length
//! Errors: a path of the old kind that finds no array
//! Events: none
//! > JSON.SET d $ '[1]'
//! OK
//! > JSON.ARRLEN d
//! (integer) 1
//! ```

use std::fmt::Write;
use std::fs;

use crate::session::{self, Exchange};
use crate::{Failure, Outcome, workspace};

/// One command's.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its name, in upper case.
    pub command: String,
    /// What it replies.
    pub reply: String,
    /// What it refuses.
    pub errors: String,
    /// The events it sends, `none` if there are none.
    pub events: String,
    /// On an empty database.
    pub session: Vec<Exchange>,
}

impl Example {
    /// The examples of a module, in the order of its page.
    ///
    /// # Errors
    /// A part that is missing.
    pub fn read(page: &str) -> Outcome<Vec<Self>> {
        let file = format!("tests/examples/{page}.txt");
        let text = fs::read_to_string(workspace().join(&file))?;
        let parts = text.split("\n# ").map(|part| part.trim_start_matches("# "));
        parts.map(|part| Self::parse(part).map_err(|failure| failure.during(&file))).collect()
    }

    fn parse(part: &str) -> Outcome<Self> {
        let mut lines = part.lines();
        let mut next = |prefix: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(prefix));
            line.map(str::to_owned).ok_or_else(|| Failure::new(format!("no {prefix:?} in: {part}")))
        };
        let (command, reply) = (next("")?, next("Reply: ")?);
        let (errors, events) = (next("Errors: ")?, next("Events: ")?);
        Ok(Self { command, reply, errors, events, session: session::exchanges(lines) })
    }

    /// As it stands on the page.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Self { reply, errors, events, session, .. } = self;
        let mut text =
            format!("* Reply: {reply}.\n* Errors: {errors}.\n* Events: {events}.\n\n```\n");
        for Exchange { typed, printed } in session {
            let _ = write!(text, "> {typed}\n{printed}");
        }
        text.push_str("```\n");
        text
    }
}
