//! What a cache stands in front of: one server, or a cluster.

use std::sync::Arc;

use redis::Value;

use crate::clock::Moment;
use crate::cluster::Cluster;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::{Key, Lookup};
use crate::link::Link;
use crate::request::{Question, packed};
use crate::settings::{Mode, Settings};
use crate::stats::Counts;
use crate::store::bounded::Bounded;

/// One server, or a cluster; all that is done with either.
pub(crate) enum Back {
    Server(Arc<Link>),
    Cluster(Arc<Cluster>),
}

impl Back {
    /// Calls `read` with what is cached and may be served.
    #[inline]
    pub(crate) fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        match self {
            Self::Server(link) => link.with(lookup, read),
            Self::Cluster(cluster) => cluster.with(lookup, read),
        }
    }

    /// A hit: what is cached and may be served.
    #[inline]
    pub(crate) fn find(&self, lookup: Lookup<'_>) -> Option<Entry> {
        match self {
            Self::Server(link) => link.find(lookup),
            Self::Cluster(cluster) => cluster.find(lookup),
        }
    }

    #[inline]
    pub(crate) fn counts(&self) -> &Counts {
        match self {
            Self::Server(link) => &link.counts,
            Self::Cluster(cluster) => &cluster.common.counts,
        }
    }

    pub(crate) fn store(&self) -> &Bounded {
        match self {
            Self::Server(link) => &link.store,
            Self::Cluster(cluster) => &cluster.common.store,
        }
    }

    fn settings(&self) -> &Settings {
        match self {
            Self::Server(link) => &link.settings,
            Self::Cluster(cluster) => &cluster.settings,
        }
    }

    /// Until when what is cached is proven: all of it.
    pub(crate) fn until(&self) -> Moment {
        match self {
            Self::Server(link) => link.freshness.until(),
            Self::Cluster(cluster) => cluster.until(),
        }
    }

    /// Whether the server of this key is connected.
    pub(crate) fn is_up(&self, key: &[u8]) -> bool {
        match self {
            Self::Server(link) => link.is_up(),
            Self::Cluster(cluster) => cluster.is_up(key),
        }
    }

    /// Asks the server, or waits with those who have asked. The reply is cached before this ends.
    pub(crate) async fn fetch(&self, question: &Question) -> Result<Entry, Error> {
        match self {
            Self::Server(link) => link.fetch(question).await,
            Self::Cluster(cluster) => cluster.fetch(question).await,
        }
    }

    /// Asks all at once.
    pub(crate) async fn fetch_many(&self, questions: &[Question]) -> Result<Vec<Entry>, Error> {
        match self {
            Self::Server(link) => link.fetch_many(questions).await,
            Self::Cluster(cluster) => cluster.fetch_many(questions).await,
        }
    }

    /// Runs a command that changes these keys, or everything. What is cached of them goes before it
    /// is sent, and again when it is answered, before this ends.
    pub(crate) async fn command(
        &self,
        packed: &[u8],
        keys: Vec<Key>,
        everything: bool,
    ) -> Result<Value, Error> {
        match self {
            Self::Server(link) => link.command(packed, keys, everything).await,
            Self::Cluster(cluster) => cluster.command(packed, &keys, everything).await,
        }
    }

    /// Runs a command that reads these keys and changes none; its reply is not kept.
    pub(crate) async fn read(&self, packed: &[u8], keys: Vec<Key>) -> Result<Value, Error> {
        match self {
            Self::Server(link) => link.command(packed, Vec::new(), false).await,
            Self::Cluster(cluster) => cluster.read(packed, &keys).await,
        }
    }

    /// A write whose keys only the server knows. It tells of them before it answers what is sent
    /// next, but for [`Mode::Broadcast`], where it may tell later.
    pub(crate) async fn hidden(&self, words: &[&[u8]], packed: &[u8]) -> Result<Value, Error> {
        let link = match self {
            Self::Server(link) => link,
            Self::Cluster(cluster) => return cluster.hidden(words).await,
        };
        if matches!(self.settings().mode, Mode::Broadcast(_)) {
            return link.command(packed, Vec::new(), true).await;
        }
        let value = link.command(packed, Vec::new(), false).await?;
        link.words(&[b"PING"]).await?;
        Ok(value)
    }

    /// A command without keys, packed and run.
    pub(crate) async fn words(&self, words: &[&[u8]]) -> Result<Value, Error> {
        self.command(&packed(words), Vec::new(), false).await
    }

    /// What is cached of this key goes; what is on its way is not kept.
    pub(crate) fn forget(&self, key: &[u8]) {
        match self {
            Self::Server(link) => link.forget(key),
            Self::Cluster(cluster) => cluster.forget(key),
        }
    }

    /// Everything cached goes; what is on its way is not kept.
    pub(crate) fn forget_all(&self) {
        match self {
            Self::Server(link) => link.forget_all(),
            Self::Cluster(cluster) => cluster.forget_all(),
        }
    }

    /// A loader found nothing under this key.
    pub(crate) fn absent(&self, key: &Key) {
        match self {
            Self::Server(link) => link.absent(key),
            Self::Cluster(cluster) => cluster.absent(key),
        }
    }

    /// Ends all connections and their threads.
    pub(crate) fn close(&self) {
        match self {
            Self::Server(link) => link.close(),
            Self::Cluster(cluster) => cluster.close(),
        }
    }
}
