//! The cache as async callers see it, of any runtime: hits do not wait, misses wake by the I/O thread.

use std::any::Any;
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

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
///
/// A future may be dropped at any time: what it has asked for is cached all the same, and others who
/// wait for it are served.
#[derive(Clone)]
pub struct AsyncL1 {
    core: Arc<Core>,
}

impl AsyncL1 {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Memory, then the server.
    async fn entry(&self, lookup: Lookup<'_>) -> Result<Entry, Error> {
        match self.core.hit(lookup) {
            Some(entry) => Ok(entry),
            None => self.core.miss(lookup).await,
        }
    }

    /// The value of a key; None when there is none. Memory, then the server.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] when the key holds another type; else what kept the server from answering.
    pub async fn get(&self, key: impl CacheKey + Send) -> Result<Option<Payload>, Error> {
        self.entry(key.lookup()).await.map(Payload::of)
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
    pub async fn with<R>(
        &self,
        key: impl CacheKey + Send,
        read: impl FnOnce(Option<&[u8]>) -> R,
    ) -> Result<R, Error> {
        let (lookup, mut read) = (key.lookup(), Some(read));
        let hit = self.core.with(lookup, |entry| read.take().map(|read| read(entry.string())));
        if let Some(done) = hit.flatten() {
            return Ok(done);
        }
        let entry = self.core.miss(lookup).await?;
        // It was taken only to be called, which would have given something.
        let read = read.ok_or_else(|| Error::Decode("nothing was read".into()))?;
        Ok(read(entry.string()))
    }

    /// The values of many keys, in their order; those that are missed are asked for at once.
    ///
    /// # Errors
    ///
    /// As [`Self::get`], if any key has one.
    pub async fn get_many<K: CacheKey + Sync>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Option<Payload>>, Error> {
        let lookups: Vec<_> = keys.iter().map(CacheKey::lookup).collect();
        self.core.get_many(&lookups).await
    }

    /// What `decode` makes of the value of a key; None when there is none. Decoded once for each
    /// change of the key, shared by all who ask with the same decoder.
    ///
    /// The decoder is a function or a closure that captures nothing; others do not compile.
    ///
    /// # Errors
    ///
    /// As [`Self::get`], and [`Error::Decode`]; that is not remembered.
    pub async fn decode<T, E>(
        &self,
        key: impl CacheKey + Send,
        decode: impl Fn(&[u8]) -> Result<T, E> + 'static,
    ) -> Result<Option<Arc<T>>, Error>
    where
        T: Any + Send + Sync,
        E: Display,
    {
        let entry = self.entry(key.lookup()).await?;
        decode::object(&entry, decode)
    }

    /// `JSON.GET key path`, decoded: once for each change of the document. None when there is no
    /// such key (or, by a path without `$`, no such value). A path with `$` gives a list of all
    /// values that it names, so `T` is a `Vec`.
    ///
    /// # Errors
    ///
    /// As [`Self::decode`].
    pub async fn json<T>(&self, key: &str, path: &str) -> Result<Option<Arc<T>>, Error>
    where
        T: DeserializeOwned + Any + Send + Sync,
    {
        let (key, path) = (key.as_bytes(), path.as_bytes());
        let packed = packed(&[b"JSON.GET", key, path]);
        let entry = match self.core.hit_command(&packed) {
            Some(entry) => entry,
            None => self.core.miss_command(&packed, &[key]).await?,
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
    pub async fn command<W: AsRef<[u8]> + Sync>(&self, words: &[W]) -> Result<Reply, Error> {
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        let packed = packed(&words);
        match self.core.hit_command(&packed) {
            Some(entry) => Ok(Reply::new(entry)),
            None => self.core.run(&words, &packed).await.map(Reply::new),
        }
    }

    /// Sets a key. Every read in this process that starts after it has returned sees it.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] when the connection ended before the answer: the key may have been set.
    pub async fn set(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl AsRef<[u8]> + Send,
    ) -> Result<(), Error> {
        self.core.set(key.as_ref(), value.as_ref(), None).await
    }

    /// Sets a key that expires (in whole milliseconds, at least one).
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub async fn set_for(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl AsRef<[u8]> + Send,
        life: Duration,
    ) -> Result<(), Error> {
        self.core.set(key.as_ref(), value.as_ref(), Some(life)).await
    }

    /// Deletes keys; how many there were.
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub async fn del<K: AsRef<[u8]> + Sync>(&self, keys: &[K]) -> Result<u64, Error> {
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        self.core.delete(&keys).await
    }

    /// The value of a key: from memory, from the server, or else from `loader`, whose value is
    /// written to the server (to expire after `life`, if given) and kept in memory.
    ///
    /// However many ask at once in this process, one loader runs; the others get what it gives, its
    /// error too. If it panics or its caller goes away, the next one who waits runs its own. That the
    /// loader found nothing is remembered for [`Builder::max_null_ttl`](crate::Builder::max_null_ttl), or until somebody
    /// writes the key. While the server cannot be reached, loaders are called and nothing is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] of the loader; [`Error::Server`].
    pub async fn get_or_load<R, E>(
        &self,
        key: impl CacheKey + Send,
        life: Option<Duration>,
        loader: impl FnOnce() -> R + Send,
    ) -> Result<Option<Payload>, Error>
    where
        R: Future<Output = Result<Option<Vec<u8>>, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        self.core.load(key.lookup(), life, loader).await
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

    /// The same cache for blocking callers.
    #[must_use]
    pub fn to_sync(&self) -> crate::L1 {
        crate::L1::new(Arc::clone(&self.core))
    }
}
