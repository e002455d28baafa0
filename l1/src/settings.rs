//! How a cache is set up; filled in by its builder.

use std::time::Duration;

use crate::address::Address;
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
