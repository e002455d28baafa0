//! One tracking connection: its state, and the ends at which callers and the I/O thread hold it.
//!
//! The I/O thread ([`pilot`]) alone reads the socket. Callers write to it themselves, under the lock
//! that also orders the questions; what the socket has no room for, the I/O thread writes later.

mod greeting;
pub(crate) mod pilot;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;
use redis::Value;

use crate::clock::Moment;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::{Key, Kind, Lookup};
use crate::request::{Question, packed};
use crate::settings::{Mode, Settings};
use crate::stats::Counts;
use crate::store::bounded::Bounded;
use crate::tracking::{Freshness, Sole, Tracking, Validity, find, with};

pub(crate) use wire::Order;
use wire::Wire;

/// What heartbeats ask, and what replies prove.
pub(crate) trait Pulse: Validity {
    /// The words of a heartbeat.
    const BEAT: &[&[u8]];

    /// A reply has been applied; what was asked when, and the reply if it was a heartbeat's. An
    /// error is the end of the connection.
    fn heard(&self, sent: Moment, beat: Option<Value>) -> Result<(), Error>;
}

impl Pulse for Sole {
    const BEAT: &[&[u8]] = &[b"PING"];

    fn heard(&self, sent: Moment, _beat: Option<Value>) -> Result<(), Error> {
        self.prove(sent);
        Ok(())
    }
}

/// What the connections of a cache have in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) store: Arc<Bounded>,
    pub(crate) counts: Arc<Counts>,
}

impl Common {
    pub(crate) fn new(settings: &Settings) -> Self {
        let store = Arc::new(Bounded::new(settings.capacity_bytes));
        Self { store, counts: Arc::default() }
    }
}

/// What callers and the I/O thread share.
pub(crate) struct Link<V = Sole> {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<Bounded>,
    pub(crate) freshness: Arc<V>,
    pub(crate) counts: Arc<Counts>,
    wire: Mutex<Wire<V>>,
    waker: Waker,
    closing: AtomicBool,
    /// A heartbeat is wanted at once.
    hurried: AtomicBool,
    /// Why the connection is to be given up, if it is.
    leaving: Mutex<Option<Error>>,
}

impl Link {
    /// Of a server that is alone.
    pub(crate) fn sole(settings: &Settings) -> Arc<Sole> {
        Arc::new(Freshness::new(settings.staleness_max))
    }
}

impl<V: Pulse> Link<V> {
    fn new(settings: Settings, common: Common, freshness: Arc<V>, waker: Waker) -> Self {
        let Common { store, counts } = common;
        let tracking =
            Tracking::new(Arc::clone(&store), Arc::clone(&freshness), settings.lifetimes);
        let (wire, closing) = (Mutex::new(Wire::new(tracking)), AtomicBool::new(false));
        let (hurried, leaving) = (AtomicBool::new(false), Mutex::new(None));
        Self { settings, store, freshness, counts, wire, waker, closing, hurried, leaving }
    }

    fn wire(&self) -> MutexGuard<'_, Wire<V>> {
        // A panic while the lock was held is a bug, but no reason for all others to panic.
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a connection.
    pub(crate) fn is_up(&self) -> bool {
        self.wire().is_up()
    }

    /// Why there is no connection.
    pub(crate) fn cause(&self) -> Error {
        self.wire().cause()
    }

    /// Has a heartbeat sent at once.
    pub(crate) fn hurry(&self) {
        self.hurried.store(true, Ordering::Release);
        // A thread that cannot be woken sends the next one in its time.
        let _ = self.waker.wake();
    }

    fn take_hurry(&self) -> bool {
        self.hurried.swap(false, Ordering::AcqRel)
    }

    /// Has the connection given up, and another one made.
    pub(crate) fn leave(&self, why: Error) {
        *self.leaving.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        // A thread that cannot be woken sees it at its next heartbeat.
        let _ = self.waker.wake();
    }

    fn take_leave(&self) -> Option<Error> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Calls `read` with what is cached and may be served.
    #[inline]
    pub(crate) fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        with(&*self.store, &*self.freshness, lookup, Moment::now(), read)
    }

    /// A hit: what is cached and may be served.
    #[inline]
    pub(crate) fn find(&self, lookup: Lookup<'_>) -> Option<Entry> {
        find(&*self.store, &*self.freshness, lookup, Moment::now())
    }

    /// Asks the server, or waits with those who have asked. The reply is cached before this ends.
    pub(crate) async fn fetch(&self, question: &Question) -> Result<Entry, Error> {
        if !question.keys().iter().all(|key| self.settings.mode.covers(key)) {
            return self.fetch_uncached(question).await;
        }
        let first = self.fetch_once(question).await;
        // A read may be asked again: it changes nothing.
        if matches!(first, Err(Error::Lost(_))) { self.fetch_once(question).await } else { first }
    }

    async fn fetch_once(&self, question: &Question) -> Result<Entry, Error> {
        loop {
            if let Some(answer) = self.start_fetch(question) {
                return answer.await.unwrap_or_else(|_| Err(gone()));
            }
            self.arrival().await?;
        }
    }

    /// The end at which to wait for the answer; None while there is no connection.
    pub(crate) fn start_fetch(&self, question: &Question) -> Option<Pending> {
        let mut wire = self.wire();
        if !wire.is_up() {
            return None;
        }
        let answer = self.start(&mut wire, question);
        self.send(&mut wire);
        Some(answer)
    }

    fn start(&self, wire: &mut Wire<V>, question: &Question) -> Pending {
        let (waiter, answer) = oneshot::async_channel();
        // Since it was missed, another's question may have been answered.
        if let Some(entry) = self.find(question.id().lookup()) {
            // The receiver is here: this cannot fail.
            let _ = waiter.send(Ok(entry));
            self.counts.join();
            return answer;
        }
        if wire.ask(question, self.settings.mode == Mode::OptIn, waiter) {
            self.counts.join();
        }
        answer
    }

    /// Asks all at once: one write, and each question is its own.
    pub(crate) async fn fetch_many(&self, questions: &[Question]) -> Result<Vec<Entry>, Error> {
        let all: Vec<&Question> = questions.iter().collect();
        let mut started = self.start_many(&all).into_iter();
        let mut entries = Vec::with_capacity(questions.len());
        for question in questions {
            // What was not started, or was lost, is asked alone.
            let answer = match started.next() {
                Some(answer) => answer.await.unwrap_or_else(|_| Err(gone())),
                None => Err(gone()),
            };
            entries.push(match answer {
                Err(Error::Lost(_)) => self.fetch(question).await?,
                other => other?,
            });
        }
        Ok(entries)
    }

    /// The ends at which to wait for the answers; none while there is no connection, or when keys
    /// are among them that are not watched.
    pub(crate) fn start_many(&self, questions: &[&Question]) -> Vec<Pending> {
        let mut wire = self.wire();
        let covers = |key: &Key| self.settings.mode.covers(key);
        if !wire.is_up() || !questions.iter().flat_map(|question| question.keys()).all(covers) {
            return Vec::new();
        }
        let answers = questions.iter().map(|question| self.start(&mut wire, question)).collect();
        self.send(&mut wire);
        answers
    }

    async fn fetch_uncached(&self, question: &Question) -> Result<Entry, Error> {
        let mut bare = Vec::new();
        question.pack_bare(&mut bare);
        self.command(&bare, Vec::new(), false).await.map(uncached)
    }

    /// Runs a command that changes these keys, or everything. What is cached of them goes before it
    /// is sent, and again when it is answered, before this ends.
    pub(crate) async fn command(
        &self,
        packed: &[u8],
        keys: Vec<Key>,
        everything: bool,
    ) -> Result<Value, Error> {
        let order = Order { packed, keys: &keys, everything, asking: false };
        loop {
            if let Some(answer) = self.start_command(&order) {
                return answer.await.unwrap_or_else(|_| Err(gone()));
            }
            self.arrival().await?;
        }
    }

    /// The end at which to wait for the reply; None while there is no connection.
    pub(crate) fn start_command(&self, order: &Order<'_>) -> Option<Replying> {
        let mut wire = self.wire();
        if !wire.is_up() {
            return None;
        }
        let (waiter, answer) = oneshot::async_channel();
        wire.command(order, waiter);
        self.send(&mut wire);
        Some(answer)
    }

    /// Waits until there is a connection.
    async fn arrival(&self) -> Result<(), Error> {
        match self.start_arrival()? {
            Some(arrived) => arrived.await.unwrap_or_else(|_| Err(gone())),
            None => Ok(()),
        }
    }

    fn start_arrival(&self) -> Result<Option<oneshot::AsyncReceiver<Result<(), Error>>>, Error> {
        let mut wire = self.wire();
        if wire.is_up() {
            return Ok(None);
        }
        if self.is_closing() {
            return Err(wire.cause());
        }
        let (waiter, arrived) = oneshot::async_channel();
        wire.arrive(Moment::now().after(self.settings.timeout), waiter);
        Ok(Some(arrived))
    }

    /// Writes what was just put into the wire. A failure is for the I/O thread to find, which also
    /// tells those who wait.
    fn send(&self, wire: &mut Wire<V>) {
        if wire.write().is_err() {
            // A thread that cannot be woken finds it at its next heartbeat.
            let _ = self.waker.wake();
        }
    }

    /// What is cached of this key goes; what is on its way is not kept.
    pub(crate) fn forget(&self, key: &[u8]) {
        self.wire().tracking.forget(key);
    }

    /// Everything cached goes; what is on its way is not kept.
    pub(crate) fn forget_all(&self) {
        self.wire().tracking.flush();
    }

    /// A loader found nothing under this key.
    pub(crate) fn absent(&self, key: &Key) {
        let lifetime = self.settings.lifetimes.null_max;
        self.wire().tracking.absent(key, Moment::now(), lifetime);
    }

    /// A command without keys, packed and run.
    pub(crate) async fn words(&self, words: &[&[u8]]) -> Result<Value, Error> {
        self.command(&packed(words), Vec::new(), false).await
    }

    /// Ends the connection and the I/O thread.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        // A thread that cannot be woken sees it at its next heartbeat.
        let _ = self.waker.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// The end at which to wait for an entry.
pub(crate) type Pending = oneshot::AsyncReceiver<Result<Entry, Error>>;

/// The end at which to wait for a reply.
pub(crate) type Replying = oneshot::AsyncReceiver<Result<Value, Error>>;

/// A reply that is never served to anybody else.
pub(crate) fn uncached(value: Value) -> Entry {
    Entry::new(Lookup::known(0, Kind::Command, &[]), 0, Moment::ORIGIN, value)
}

/// The I/O thread has ended with the answer owed.
pub(crate) fn gone() -> Error {
    Error::Lost("the cache is closed".into())
}
