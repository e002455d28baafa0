//! Setting up a cache.

use std::sync::Arc;
use std::time::Duration;

use crate::address::{Address, Target};
use crate::back::Back;
use crate::cluster::Cluster;
use crate::core::Core;
use crate::error::Error;
use crate::link::{Common, Link, pilot};
use crate::sentinel::{self, Sentinels};
use crate::settings::{Guard, Mode, Settings};
use crate::socket::Trust;
use crate::tracking::Lifetimes;
use crate::{AsyncL1, L1};

/// How a cache is to be: see [`L1::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `build` or `build_async`"]
pub struct Builder {
    url: String,
    guard: Option<Vec<u8>>,
    capacity_bytes: u64,
    lifetimes: Lifetimes,
    mode: Mode,
    staleness_max: Duration,
    timeout: Duration,
    trust: Trust,
}

impl Builder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            guard: None,
            capacity_bytes: 64 << 20,
            lifetimes: Lifetimes {
                present_max: Duration::from_secs(3600),
                null_max: Duration::from_secs(60),
            },
            mode: Mode::default(),
            staleness_max: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            trust: None,
        }
    }

    /// How many bytes may be kept (64 MiB): see [`Bounded`](crate::store::bounded::Bounded) for what
    /// counts. A reply of more than half of it is not kept; with 0, none is.
    pub fn capacity_bytes(mut self, bytes: u64) -> Self {
        self.capacity_bytes = bytes;
        self
    }

    /// How old a hit may be at most (2 s; at least 50 ms): see [the crate](crate#what-is-promised).
    pub fn max_staleness(mut self, span: Duration) -> Self {
        self.staleness_max = span;
        self
    }

    /// Notices `SWAPDB`, of which no server tells: this key is made in the database of the cache, if
    /// it is not there, with a value that no other database has. Each heartbeat reads it; when the
    /// value is another one, everything that was cached is invisible, so that a hit is no older than
    /// the bound then, too. (Without, call [`L1::forget_all`].)
    ///
    /// The key must be nobody else's. Not for clusters, which have no `SWAPDB`, nor with sentinels.
    pub fn guard_swapdb(mut self, key: impl AsRef<[u8]>) -> Self {
        self.guard = Some(key.as_ref().to_vec());
        self
    }

    /// How long a value is kept at most (an hour), also if the server keeps it for longer.
    pub fn max_ttl(mut self, span: Duration) -> Self {
        self.lifetimes.present_max = span;
        self
    }

    /// How long it is remembered that a key is not there (a minute), on the server or for
    /// [`get_or_load`](L1::get_or_load)'s loader.
    pub fn max_null_ttl(mut self, span: Duration) -> Self {
        self.lifetimes.null_max = span;
        self
    }

    /// Which keys the server watches ([`Mode::Tracking`]).
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How long to wait for a connection, and how long a reply may take until the connection is
    /// given up (5 s; at least 50 ms).
    pub fn timeout(mut self, span: Duration) -> Self {
        self.timeout = span;
        self
    }

    /// Whom to trust, and as whom to appear, at `rediss://` addresses (whom the system trusts, as
    /// nobody).
    pub fn tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.trust = Some(config);
        self
    }

    /// Connects, and starts the thread that reads. Errors if the first connection fails.
    pub fn build(self) -> Result<L1, Error> {
        Ok(L1::new(Arc::new(pollster::block_on(self.connect())?)))
    }

    /// As [`Self::build`], for async callers, of any runtime.
    pub async fn build_async(self) -> Result<AsyncL1, Error> {
        Ok(AsyncL1::new(Arc::new(self.connect().await?)))
    }

    async fn connect(self) -> Result<Core, Error> {
        let target = Target::parse(&self.url)?;
        if self.guard.is_some() && !matches!(target, Target::Server(_)) {
            return Err(Error::Setting("guard_swapdb is for one server".into()));
        }
        let back = match target {
            Target::Server(address) => {
                Self::single(self.settings(address)?).await.map(Back::Server)
            }
            Target::Cluster(seeds) => {
                let first = seeds.first().cloned().ok_or_else(|| Error::Url("no host".into()))?;
                let settings = Settings { cluster: true, ..self.settings(first)? };
                Cluster::connect(settings, seeds).await.map(Back::Cluster)
            }
            Target::Sentinel(sentinels, address) => {
                Self::watched(self.settings(address)?, sentinels).await.map(Back::Server)
            }
        };
        back.map(Core::new)
    }

    async fn single(settings: Settings) -> Result<Arc<Link>, Error> {
        let (ready, connected) = oneshot::async_channel();
        let (common, freshness) = (Common::new(&settings), Link::sole(&settings));
        let link = pilot::start(settings, common, freshness, Some(ready))?;
        let ended = || Error::Down("the thread that reads has ended".into());
        connected.await.unwrap_or_else(|_| Err(ended()))?;
        Ok(link)
    }

    async fn watched(settings: Settings, sentinels: Sentinels) -> Result<Arc<Link>, Error> {
        let sentinels = Arc::new(sentinels);
        let settings = Settings { sentinels: Some(Arc::clone(&sentinels)), ..settings };
        let link = Self::single(settings).await?;
        sentinel::watch(&sentinels, &link)?;
        Ok(link)
    }

    fn settings(self, address: Address) -> Result<Settings, Error> {
        let shortest = Duration::from_millis(50);
        for (name, span) in [("max_staleness", self.staleness_max), ("timeout", self.timeout)] {
            if span < shortest {
                return Err(Error::Setting(format!("{name} is less than {shortest:?}").into()));
            }
        }
        if matches!(&self.mode, Mode::Broadcast(prefixes) if overlap(prefixes)) {
            let why = "a prefix of Mode::Broadcast is the beginning of another, or there is none";
            return Err(Error::Setting(why.into()));
        }
        Ok(Settings {
            address,
            cluster: false,
            sentinels: None,
            guard: self.guard.map(|key| Arc::new(Guard::new(&key))),
            capacity_bytes: self.capacity_bytes,
            lifetimes: self.lifetimes,
            mode: self.mode,
            staleness_max: self.staleness_max,
            timeout: self.timeout,
            trust: self.trust,
        })
    }
}

/// Servers refuse prefixes of which one begins with another.
fn overlap(prefixes: &[Vec<u8>]) -> bool {
    let others = |prefix: &Vec<u8>| {
        prefixes.iter().filter(|other| other.starts_with(prefix.as_slice())).count() != 1
    };
    prefixes.is_empty() || prefixes.iter().any(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be() {
        let check = |builder: Builder, part: &str| {
            let error = pollster::block_on(builder.connect()).err().unwrap().to_string();
            assert!(error.contains(part), "{error}");
        };
        let builder = || Builder::new("redis://h");
        let address = || Address::parse("redis://h").unwrap();
        assert!(builder().settings(address()).is_ok());
        check(builder().max_staleness(Duration::from_millis(49)), "max_staleness");
        check(builder().timeout(Duration::ZERO), "timeout");
        let broadcast = |prefixes: &[&[u8]]| {
            builder().mode(Mode::Broadcast(prefixes.iter().map(|text| text.to_vec()).collect()))
        };
        check(broadcast(&[]), "prefix");
        check(broadcast(&[b"a", b"ab"]), "prefix");
        check(broadcast(&[b"a", b"a"]), "prefix");
        assert!(broadcast(&[b"a:", b"b:"]).settings(address()).is_ok());
        check(Builder::new("no url"), "address");
        check(Builder::new("redis+cluster://h").guard_swapdb("g"), "guard_swapdb");
    }
}
