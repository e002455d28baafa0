//! The servers under test, and the kinds of places they run in.

use std::env;
use std::fmt;

use crate::{Failure, Outcome};

/// A server under test, as `scripts/servers` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(&'static str);

/// Every server that the modules are made for.
pub const SERVERS: [Name; 6] = [
    Name("redis-7.0"),
    Name("redis-8.0"),
    Name("redis-8.6"),
    Name("valkey-8.0"),
    Name("valkey-8.1"),
    Name("valkey-9.1"),
];

/// Debian 11's server, which lacks what the modules need.
pub const TOO_OLD: Name = Name("redis-6.0");

impl Name {
    /// The server of this name, such as `valkey-8.1`.
    pub fn parse(text: &str) -> Outcome<Self> {
        let known = SERVERS.into_iter().find(|name| name.0 == text);
        known.ok_or_else(|| Failure::new(format!("no server is named {text:?}")))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether this is one of Valkey's.
    #[must_use]
    pub fn is_valkey(self) -> bool {
        self.0.starts_with("valkey")
    }

    /// Whether tests are to run on it, by `KEYSPAN_SERVERS`.
    pub fn is_chosen(self) -> Outcome<bool> {
        Ok(servers()?.contains(&self))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// The servers to test: `KEYSPAN_SERVERS`, or all of them.
pub fn servers() -> Outcome<Vec<Name>> {
    let chosen = env::var("KEYSPAN_SERVERS").unwrap_or_default();
    let words = chosen.split([' ', ',']).filter(|word| !word.is_empty());
    let names: Vec<Name> = words.map(Name::parse).collect::<Outcome<_>>()?;
    Ok(if names.is_empty() { SERVERS.to_vec() } else { names })
}

/// How a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As a container on the host's network.
    Docker,
    /// As a child process.
    Process,
}

impl Kind {
    /// The kind that `KEYSPAN_SERVER_KIND` asks for.
    pub fn chosen() -> Outcome<Self> {
        match env::var("KEYSPAN_SERVER_KIND").as_deref() {
            Err(_) | Ok("" | "process") => Ok(Self::Process),
            Ok("docker") => Ok(Self::Docker),
            Ok(other) => {
                Err(Failure::new(format!("KEYSPAN_SERVER_KIND={other}: process or docker")))
            }
        }
    }
}
