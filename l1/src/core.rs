//! What the sync and the async handle both are: reads, writes and loads, written once.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::Value;

use crate::back::Back;
use crate::clock::Moment;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::{Key, Kind, Lookup};
use crate::link::uncached;
use crate::load::{Lead, Loaded, Loads, Turn};
use crate::payload::Payload;
use crate::request::{Question, packed};
use crate::shape::{Fate, Shape, name};
use crate::stats::Stats;

/// A cache with its connections. Dropping it ends both.
pub(crate) struct Core {
    back: Back,
    shapes: RwLock<HashMap<String, Arc<Shape>>>,
    loads: Loads,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.back.close();
    }
}

impl Core {
    pub(crate) fn new(back: Back) -> Self {
        Self { back, shapes: RwLock::default(), loads: Loads::default() }
    }

    /// What is cached under this name and may be served; counted as a read.
    #[inline]
    pub(crate) fn hit(&self, lookup: Lookup<'_>) -> Option<Entry> {
        self.with(lookup, Entry::clone)
    }

    /// Calls `read` with what is cached under this name and may be served; counted as a read.
    #[inline]
    pub(crate) fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        let hit = self.back.with(lookup, read);
        self.back.counts().read(hit.is_some());
        hit
    }

    /// Asks for a key that was looked up in vain.
    #[cfg_attr(
        feature = "tracing",
        tracing::instrument(name = "keyspan_l1.miss", level = "debug", skip_all)
    )]
    pub(crate) async fn miss(&self, lookup: Lookup<'_>) -> Result<Entry, Error> {
        self.back.fetch(&Question::get(lookup)).await
    }

    /// What memory or the server has, now: does not wait for a connection.
    async fn get_now(&self, lookup: Lookup<'_>) -> Result<Entry, Error> {
        match self.back.find(lookup) {
            Some(entry) => Ok(entry),
            None if self.back.is_up(lookup.bytes()) => self.miss(lookup).await,
            None => Err(down()),
        }
    }

    pub(crate) async fn get_many(
        &self,
        lookups: &[Lookup<'_>],
    ) -> Result<Vec<Option<Payload>>, Error> {
        let mut found: Vec<_> = lookups.iter().map(|lookup| self.hit(*lookup)).collect();
        let missed = found.iter().zip(lookups).filter(|(entry, _)| entry.is_none());
        let questions: Vec<_> = missed.map(|(_, lookup)| Question::get(*lookup)).collect();
        let mut answers = self.back.fetch_many(&questions).await?.into_iter();
        for entry in found.iter_mut().filter(|entry| entry.is_none()) {
            *entry = answers.next();
        }
        Ok(found.into_iter().map(|entry| entry.and_then(Payload::of)).collect())
    }

    #[cfg_attr(
        feature = "tracing",
        tracing::instrument(name = "keyspan_l1.set", level = "debug", skip_all)
    )]
    pub(crate) async fn set(
        &self,
        key: &[u8],
        value: &[u8],
        life: Option<Duration>,
    ) -> Result<(), Error> {
        let millis = life.map(|life| life.as_millis().max(1).to_string());
        let mut words: Vec<&[u8]> = vec![b"SET", key, value];
        if let Some(millis) = &millis {
            words.extend([&b"PX"[..], millis.as_bytes()]);
        }
        self.back.command(&packed(&words), vec![key.into()], false).await.map(drop)
    }

    #[cfg_attr(
        feature = "tracing",
        tracing::instrument(name = "keyspan_l1.del", level = "debug", skip_all)
    )]
    pub(crate) async fn delete(&self, keys: &[&[u8]]) -> Result<u64, Error> {
        let words: Vec<&[u8]> = [&b"DEL"[..]].into_iter().chain(keys.iter().copied()).collect();
        let keys = keys.iter().map(|&key| key.into()).collect();
        let reply = self.back.command(&packed(&words), keys, false).await?;
        let Value::Int(count) = reply else {
            return Err(Error::Decode(format!("DEL gave {reply:?}").into()));
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The reply to this command, packed, if it is cached; counted as a read if it is.
    pub(crate) fn hit_command(&self, packed: &[u8]) -> Option<Entry> {
        let hit = self.back.find(Lookup::new(Kind::Command, packed))?;
        self.back.counts().read(true);
        Some(hit)
    }

    /// Asks for a reply of these keys that was looked up in vain.
    #[cfg_attr(
        feature = "tracing",
        tracing::instrument(name = "keyspan_l1.miss_command", level = "debug", skip_all)
    )]
    pub(crate) async fn miss_command(&self, packed: &[u8], keys: &[&[u8]]) -> Result<Entry, Error> {
        self.back.counts().read(false);
        self.back.fetch(&Question::command(packed, keys)).await
    }

    /// Any command that was looked up in vain.
    #[cfg_attr(
        feature = "tracing",
        tracing::instrument(name = "keyspan_l1.command", level = "debug", skip_all)
    )]
    pub(crate) async fn run(&self, words: &[&[u8]], packed: &[u8]) -> Result<Entry, Error> {
        let shape = self.shape(words).await?;
        let value = match shape.fate(words) {
            Fate::Cached(keys) => return self.miss_command(packed, &keys).await,
            Fate::Sent(keys) => {
                let keys = keys.iter().map(|&key| key.into()).collect();
                if shape.has("readonly") {
                    self.back.read(packed, keys).await?
                } else {
                    self.back.command(packed, keys, false).await?
                }
            }
            Fate::Hidden => self.back.hidden(words, packed).await?,
            Fate::Sweeping => self.back.command(packed, Vec::new(), true).await?,
            Fate::Refused => return Err(Error::Refused(name(words).into())),
        };
        Ok(uncached(value))
    }

    /// What the server says of this command; asked once for each name.
    async fn shape(&self, words: &[&[u8]]) -> Result<Arc<Shape>, Error> {
        let name = name(words);
        let known = self.shapes.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(shape) = known {
            return Ok(shape);
        }
        let reply = self.back.words(&[b"COMMAND", b"INFO", name.as_bytes()]).await?;
        let info = if let Value::Array(infos) = &reply { infos.first() } else { None };
        let Some(shape) = info.and_then(Shape::read).map(Arc::new) else {
            // The server will say better what is wrong with it; nothing is remembered.
            return Ok(Arc::default());
        };
        let mut shapes = self.shapes.write().unwrap_or_else(PoisonError::into_inner);
        shapes.insert(name, Arc::clone(&shape));
        Ok(shape)
    }

    /// Memory, then the server, then the loader.
    pub(crate) async fn load<F, R, E>(
        &self,
        lookup: Lookup<'_>,
        life: Option<Duration>,
        loader: F,
    ) -> Loaded
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Option<Vec<u8>>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let key = Question::get(lookup).keys().first().cloned().unwrap_or_else(|| [].into());
        loop {
            if let Some(known) = self.known(lookup, &key, true) {
                return known;
            }
            match self.get_now(lookup).await {
                Ok(entry) if !entry.is_null() => return Ok(Payload::of(entry)),
                // A cache that cannot be reached must not keep the caller from the truth.
                Ok(_) | Err(Error::Down(_) | Error::Lost(_) | Error::Timeout(_)) => {}
                Err(error) => return Err(error),
            }
            match self.loads.enter(&key) {
                Turn::Lead(lead) => return self.lead(lead, lookup, &key, life, loader).await,
                Turn::Follow(loaded) => {
                    if let Ok(loaded) = loaded.await {
                        return loaded;
                    }
                }
            }
        }
    }

    /// What memory knows of the key: a value, or that the loader had none. A null of the server is
    /// neither.
    fn known(&self, lookup: Lookup<'_>, key: &Key, count: bool) -> Option<Loaded> {
        let value = self.back.find(lookup).filter(|entry| !entry.is_null());
        let known = match value {
            Some(entry) => Some(Ok(Payload::of(entry))),
            None => self.back.find(Lookup::new(Kind::Absent, key)).map(|_| Ok(None)),
        };
        if count {
            self.back.counts().read(known.is_some());
        }
        known
    }

    #[cfg_attr(
        feature = "tracing",
        tracing::instrument(name = "keyspan_l1.load", level = "debug", skip_all)
    )]
    async fn lead<F, R, E>(
        &self,
        lead: Lead<'_>,
        lookup: Lookup<'_>,
        key: &Key,
        life: Option<Duration>,
        loader: F,
    ) -> Loaded
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Option<Vec<u8>>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // The one before may have ended between the miss and the turn.
        let loaded = match self.known(lookup, key, false) {
            Some(known) => known,
            None => {
                self.back.counts().load();
                match loader().await {
                    Ok(Some(value)) => Ok(self.publish(lookup, key, &value, life).await),
                    Ok(None) => {
                        self.back.absent(key);
                        Ok(None)
                    }
                    Err(error) => Err(Error::Load(Arc::from(error.into()))),
                }
            }
        };
        lead.finish(&loaded);
        loaded
    }

    /// Writes what was loaded to the server, and reads it back, so that the server watches it. What
    /// is read back may be newer. A server that cannot be written to leaves the value uncached.
    async fn publish(
        &self,
        lookup: Lookup<'_>,
        key: &Key,
        value: &[u8],
        life: Option<Duration>,
    ) -> Option<Payload> {
        let set = if self.back.is_up(key) { self.set(key, value, life).await } else { Err(down()) };
        let read = match set {
            Ok(()) => self.get_now(lookup).await.ok().and_then(Payload::of),
            Err(_) => None,
        };
        read.or_else(|| Payload::of(uncached(Value::BulkString(value.to_vec()))))
    }

    pub(crate) fn forget(&self, key: &[u8]) {
        self.back.forget(key);
    }

    pub(crate) fn forget_all(&self) {
        self.back.forget_all();
    }

    pub(crate) fn stats(&self) -> Stats {
        let store = self.back.store();
        Stats {
            evictions: store.evictions(),
            entries: store.len(),
            bytes: store.bytes(),
            proven_for: self.back.until().since(Moment::now()),
            ..self.back.counts().stats()
        }
    }
}

/// For those who would not wait.
fn down() -> Error {
    Error::Down("no connection at this moment".into())
}
