//! How a cache is set up; filled in by its builder.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use crate::address::{Address, Place};
use crate::error::Error;
use crate::sentinel::Sentinels;
use crate::socket::Trust;
use crate::tracking::Lifetimes;

/// Which keys the server watches for this cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Those that were read. The server remembers about 100 bytes for each.
    #[default]
    Tracking,
    /// Those that were read, each read announced by `CLIENT CACHING YES`: what other commands on
    /// the connection read is not watched.
    OptIn,
    /// All that start with one of these prefixes, read or not; the server remembers nothing for
    /// each key, but tells of every write below the prefixes. Other keys are not cached.
    Broadcast(Vec<Vec<u8>>),
}

impl Mode {
    /// Whether the server would tell of a change of this key.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        match self {
            Self::Tracking | Self::OptIn => true,
            Self::Broadcast(prefixes) => prefixes.iter().any(|prefix| key.starts_with(prefix)),
        }
    }

    /// The command that starts it.
    pub(crate) fn start(&self) -> Vec<&[u8]> {
        let mut words: Vec<&[u8]> = vec![b"CLIENT", b"TRACKING", b"ON"];
        match self {
            Self::Tracking => {}
            Self::OptIn => words.push(b"OPTIN"),
            Self::Broadcast(prefixes) => {
                words.push(b"BCAST");
                for prefix in prefixes {
                    words.extend([b"PREFIX", prefix.as_slice()]);
                }
            }
        }
        words
    }
}

/// Everything the builder was told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) address: Address,
    /// Whether the server is a node of a cluster whose slots are followed.
    pub(crate) cluster: bool,
    /// Who knows where the server is, if it may change.
    pub(crate) sentinels: Option<Arc<Sentinels>>,
    pub(crate) capacity_bytes: u64,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) mode: Mode,
    pub(crate) staleness_max: Duration,
    pub(crate) timeout: Duration,
    pub(crate) trust: Trust,
}

impl Settings {
    /// How often the connection must be proven, so that one proof may be late.
    pub(crate) fn heartbeat(&self) -> Duration {
        (self.staleness_max / 3).max(Duration::from_millis(10))
    }

    /// Where to connect to now.
    pub(crate) fn place(&self) -> Result<Place, Error> {
        match &self.sentinels {
            Some(sentinels) => sentinels.primary(&self.trust, self.timeout),
            None => Ok(self.address.place.clone()),
        }
    }

    /// What heartbeats ask, when it is not what is usual: a server found by sentinels must still be
    /// a primary.
    pub(crate) fn beat(&self) -> Option<&'static [&'static [u8]]> {
        self.sentinels.is_some().then_some(&[b"ROLE"])
    }

    /// Whether the reply to [`Self::beat`] is what it must be.
    pub(crate) fn check_beat(&self, reply: &Value) -> Result<(), Error> {
        let role = if let Value::Array(parts) = reply { parts.first() } else { None };
        let primary = matches!(role, Some(Value::BulkString(role)) if role == b"master");
        if self.sentinels.is_none() || primary {
            return Ok(());
        }
        Err(Error::Down("the server is not a primary".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        let check = |mode: &Mode, words: &str, covered: &str, not: &str| {
            let start = mode.start().join(&b" "[..]);
            assert_eq!(String::from_utf8(start).unwrap(), words);
            assert!(mode.covers(covered.as_bytes()));
            assert!(not.is_empty() || !mode.covers(not.as_bytes()));
        };
        check(&Mode::Tracking, "CLIENT TRACKING ON", "k", "");
        check(&Mode::OptIn, "CLIENT TRACKING ON OPTIN", "k", "");
        let mode = Mode::Broadcast(vec![b"a:".to_vec(), b"b:".to_vec()]);
        check(&mode, "CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:", "b:1", "c:1");
    }
}
