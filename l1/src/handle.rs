//! The cache as blocking callers see it.

use std::any::Any;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use pollster::block_on;
use serde::de::DeserializeOwned;

use crate::builder::Builder;
use crate::core::Core;
use crate::decode;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::Lookup;
use crate::key::CacheKey;
use crate::payload::Payload;
use crate::reply::Reply;
use crate::request::packed;
use crate::stats::Stats;

/// A cache in front of one server. Clones are the same cache; the last one to go ends it.
#[derive(Clone)]
pub struct L1 {
    core: Arc<Core>,
}

impl L1 {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Starts to set up a cache of the server at this address:
    /// `redis://[user[:password]@]host[:port][/database]` (or `valkey://`; `rediss://` or `valkeys://`
    /// for TLS), or
    /// `unix:///path[?db=..&user=..&pass=..]`; or of a
    /// [cluster or by sentinels](crate#clusters-and-sentinels):
    /// `redis+cluster://[user[:password]@]host[:port],...` and
    /// `redis+sentinel://[user[:password]@]host[:port],.../service[/database][?sentinel_user=..&sentinel_pass=..]`
    /// (`valkey+...`, and `rediss+...` or `valkeys+...` for TLS).
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// Memory, then the server.
    fn entry(&self, lookup: Lookup<'_>) -> Result<Entry, Error> {
        match self.core.hit(lookup) {
            Some(entry) => Ok(entry),
            None => block_on(self.core.miss(lookup)),
        }
    }

    /// The value of a key; None when there is none. Memory, then the server.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] when the key holds another type; else what kept the server from answering.
    pub fn get(&self, key: impl CacheKey) -> Result<Option<Payload>, Error> {
        self.entry(key.lookup()).map(Payload::of)
    }

    /// Calls `read` with the value of a key: the cheapest read. On a hit nothing is copied, and no
    /// reference is counted.
    ///
    /// `read` may take its time, and may call the cache: nobody waits for it. Until it returns, what
    /// the cache takes out stays allocated.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn with<R>(
        &self,
        key: impl CacheKey,
        read: impl FnOnce(Option<&[u8]>) -> R,
    ) -> Result<R, Error> {
        let (lookup, mut read) = (key.lookup(), Some(read));
        let hit = self.core.with(lookup, |entry| read.take().map(|read| read(entry.string())));
        if let Some(done) = hit.flatten() {
            return Ok(done);
        }
        let entry = block_on(self.core.miss(lookup))?;
        // It was taken only to be called, which would have given something.
        let read = read.ok_or_else(|| Error::Decode("nothing was read".into()))?;
        Ok(read(entry.string()))
    }

    /// The values of many keys, in their order; those that are missed are asked for at once.
    ///
    /// # Errors
    ///
    /// As [`Self::get`], if any key has one.
    pub fn get_many<K: CacheKey>(&self, keys: &[K]) -> Result<Vec<Option<Payload>>, Error> {
        let lookups: Vec<_> = keys.iter().map(CacheKey::lookup).collect();
        block_on(self.core.get_many(&lookups))
    }

    /// What `decode` makes of the value of a key; None when there is none. Decoded once for each
    /// change of the key, shared by all who ask with the same decoder.
    ///
    /// The decoder is a function or a closure that captures nothing; others do not compile.
    ///
    /// # Errors
    ///
    /// As [`Self::get`], and [`Error::Decode`]; that is not remembered.
    pub fn decode<T, E>(
        &self,
        key: impl CacheKey,
        decode: impl Fn(&[u8]) -> Result<T, E> + 'static,
    ) -> Result<Option<Arc<T>>, Error>
    where
        T: Any + Send + Sync,
        E: Display,
    {
        let entry = self.entry(key.lookup())?;
        decode::object(&entry, decode)
    }

    /// `JSON.GET key path`, decoded: once for each change of the document. None when there is no
    /// such key (or, by a path without `$`, no such value). A path with `$` gives a list of all
    /// values that it names, so `T` is a `Vec`.
    ///
    /// # Errors
    ///
    /// As [`Self::decode`].
    pub fn json<T>(&self, key: &str, path: &str) -> Result<Option<Arc<T>>, Error>
    where
        T: DeserializeOwned + Any + Send + Sync,
    {
        let (key, path) = (key.as_bytes(), path.as_bytes());
        let packed = packed(&[b"JSON.GET", key, path]);
        let entry = match self.core.hit_command(&packed) {
            Some(entry) => entry,
            None => block_on(self.core.miss_command(&packed, &[key]))?,
        };
        decode::object(&entry, decode::json::<T>)
    }

    /// Runs any command. The reply of one that only reads, from keys that the server can name, is
    /// cached until one of them changes. One that writes is seen by every read that starts after
    /// it has returned.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for what would change or block the connection (`MULTI`, `SELECT`,
    /// `SUBSCRIBE`, `BLPOP`, ...); [`Error::Server`]; else what kept the server from answering.
    pub fn command<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<Reply, Error> {
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        let packed = packed(&words);
        match self.core.hit_command(&packed) {
            Some(entry) => Ok(Reply::new(entry)),
            None => block_on(self.core.run(&words, &packed)).map(Reply::new),
        }
    }

    /// Sets a key. Every read in this process that starts after it has returned sees it.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] when the connection ended before the answer: the key may have been set.
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        block_on(self.core.set(key.as_ref(), value.as_ref(), None))
    }

    /// Sets a key that expires (in whole milliseconds, at least one).
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub fn set_for(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        life: Duration,
    ) -> Result<(), Error> {
        block_on(self.core.set(key.as_ref(), value.as_ref(), Some(life)))
    }

    /// Deletes keys; how many there were.
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub fn del<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<u64, Error> {
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        block_on(self.core.delete(&keys))
    }

    /// The value of a key: from memory, from the server, or else from `loader`, whose value is
    /// written to the server (to expire after `life`, if given) and kept in memory.
    ///
    /// However many ask at once in this process, one loader runs; the others get what it gives, its
    /// error too. If it panics or its caller goes away, the next one who waits runs its own. That the
    /// loader found nothing is remembered for [`Builder::max_null_ttl`], or until somebody
    /// writes the key. While the server cannot be reached, loaders are called and nothing is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] of the loader; [`Error::Server`].
    pub fn get_or_load<E>(
        &self,
        key: impl CacheKey,
        life: Option<Duration>,
        loader: impl FnOnce() -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Payload>, Error>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        block_on(self.core.load(key.lookup(), life, || std::future::ready(loader())))
    }

    /// Forgets what is cached of a key, and does not keep what is on its way: for changes that the
    /// server does not tell of.
    pub fn forget(&self, key: impl AsRef<[u8]>) {
        self.core.forget(key.as_ref());
    }

    /// Forgets everything, as after `SWAPDB`, of which no server tells.
    pub fn forget_all(&self) {
        self.core.forget_all();
    }

    /// What the cache has done and holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// The same cache for async callers.
    #[must_use]
    pub fn to_async(&self) -> crate::AsyncL1 {
        crate::AsyncL1::new(Arc::clone(&self.core))
    }
}
