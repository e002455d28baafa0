//! How a cache is set up; filled in by its builder.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::Value;

use crate::address::{Address, Place};
use crate::error::Error;
use crate::request::said;
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
    /// The key whose value tells databases apart, if `SWAPDB` is to be noticed.
    pub(crate) guard: Option<Arc<Guard>>,
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

    /// What the greeting asks besides: a server found by sentinels must be a primary.
    pub(crate) fn role(&self) -> Option<&'static [&'static [u8]]> {
        self.sentinels.is_some().then_some(&[b"ROLE"])
    }

    /// What heartbeats ask, when it is not what is usual.
    pub(crate) fn beat(&self) -> Option<Vec<&[u8]>> {
        let guard = self.guard.as_ref().map(|guard| guard.words());
        guard.or_else(|| self.role().map(<[_]>::to_vec))
    }

    /// Whether the reply to [`Self::role`] is what it must be.
    pub(crate) fn check_role(&self, reply: &Value) -> Result<(), Error> {
        let role = if let Value::Array(parts) = reply { parts.first() } else { None };
        let primary = matches!(role, Some(Value::BulkString(role)) if role == b"master");
        if self.sentinels.is_none() || primary {
            return Ok(());
        }
        Err(Error::Down("the server is not a primary".into()))
    }
}

/// Notices that the database is another one: see [`Builder::guard_swapdb`](crate::Builder::guard_swapdb).
#[derive(Debug)]
pub(crate) struct Guard {
    key: Vec<u8>,
    /// What this cache writes where there is nothing yet.
    token: String,
    seen: Mutex<Option<Value>>,
}

impl Guard {
    pub(crate) fn new(key: &[u8]) -> Self {
        let random = foldhash::fast::RandomState::default().hash_one(key);
        let token = format!("{}-{random:016x}", std::process::id());
        Self { key: key.to_vec(), token, seen: Mutex::new(None) }
    }

    /// Gives the value that the key has; gives it one if it has none.
    fn words(&self) -> Vec<&[u8]> {
        vec![b"SET", &self.key, self.token.as_bytes(), b"NX", b"GET"]
    }

    /// Whether the database may be another one than at the last call.
    pub(crate) fn check(&self, reply: &Value) -> Result<bool, Error> {
        if let Value::ServerError(error) = reply {
            return Err(Error::Server(said(error)));
        }
        // Where it had none it has ours now.
        let ours = || Value::BulkString(self.token.clone().into_bytes());
        let now = if matches!(reply, Value::Nil) { ours() } else { reply.clone() };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let same = seen.as_ref() == Some(&now) && !matches!(reply, Value::Nil);
        *seen = Some(now);
        Ok(!same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_has_another_token() {
        let guard = Guard::new(b"g");
        let check = |reply: Value, changed| assert_eq!(guard.check(&reply).unwrap(), changed);
        let token = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        check(Value::Nil, true);
        check(token(&guard.token), false);
        check(token("another's"), true);
        check(token("another's"), false);
        check(Value::Nil, true);
        check(Value::Nil, true);
        assert_ne!(guard.token, Guard::new(b"g").token);
    }

    #[test]
    fn modes() {
        let check = |mode: &Mode, words: &str, covered: &str, not: &str| {
            let start = mode.start().join(&b" "[..]);
            assert_eq!(String::from_utf8(start).unwrap(), words);
            assert!(!words.contains("NOLOOP"), "an own write would make deaf");
            assert!(mode.covers(covered.as_bytes()));
            assert!(not.is_empty() || !mode.covers(not.as_bytes()));
        };
        check(&Mode::Tracking, "CLIENT TRACKING ON", "k", "");
        check(&Mode::OptIn, "CLIENT TRACKING ON OPTIN", "k", "");
        let mode = Mode::Broadcast(vec![b"a:".to_vec(), b"b:".to_vec()]);
        check(&mode, "CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:", "b:1", "c:1");
    }
}
