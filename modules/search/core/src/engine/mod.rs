//! An index as a server uses it: documents come and go, queries are answered, and both at once.
//!
//! ```text
//! main thread        put, remove, rename, alter     parsed, queued, and made if nobody is in
//! workers            search                         reads; makes what is queued first
//!                    settle                         moves fresh vectors into graphs, step by step
//! ```
//! All methods take `&self`. A change is parsed by who asks for it, without a lock; then it is put
//! in a queue, and made at once if nobody reads or writes. The main thread never waits for a worker
//! with that. A search makes what is queued before it reads, so it sees every change that was
//! acknowledged before it began. Its price: it waits for the searches before it if, and only if,
//! something changed since they began. `ledger` describes the locks and their order; the test
//! `locking` checks them with all interleavings of a model checker's choice.
//!
//! Vectors that come are measured by every search until `settle` has moved them into the graph: the
//! slow part, finding the neighbours, reads; only linking and unlinking writes, one vector at a
//! time, in well under a millisecond. Any number of threads may settle at once.

mod allowing;
mod change;
mod info;
mod ledger;
mod rdb;
mod record;
mod search;
mod settle;
mod state;
mod vectors;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::index::tag::Expansion;
use crate::schema::Schema;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use change::Change;
use info::Failures;
pub use info::{Errors, FieldInfo, Info};
use ledger::Ledger;
pub use record::{Failure, Input, Json, Record};
pub use search::{Answer, Request, Values};
use settle::Claims;
pub use settle::Settled;
use state::{Counts, State};

/// What an index is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How far patterns go.
    pub expansion: Expansion,
    /// How many changes the one who asks for one makes at once at most: some microseconds each. 8.
    pub changes_at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { expansion: Expansion::default(), changes_at_once: 8 }
    }
}

/// An index.
#[derive(Debug)]
pub struct Index {
    ledger: Ledger<State, Change>,
    /// The newest schema: changes of it may still be queued.
    schema: Mutex<Arc<Schema>>,
    /// Kept by the state.
    counts: Arc<Counts>,
    claims: Mutex<Claims>,
    failures: Mutex<Failures>,
    settings: Settings,
}

impl Index {
    /// An index of `schema` without documents.
    #[must_use]
    pub fn new(schema: Schema, settings: Settings) -> Self {
        let (schema, counts) = (Arc::new(schema), Arc::<Counts>::default());
        let state = State::new(Arc::clone(&schema), Arc::clone(&counts));
        Self {
            ledger: Ledger::new(state),
            schema: Mutex::new(schema),
            counts,
            claims: Mutex::default(),
            failures: Mutex::default(),
            settings,
        }
    }

    /// What the index declares. Cheap: shared.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        Arc::clone(&lock(&self.schema))
    }

    /// What the index was made with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn change(&self, change: Change) {
        self.ledger.change(change, self.settings.changes_at_once);
    }

    /// Adds the document at `key`, or changes it. Main thread; never waits.
    ///
    /// # Errors
    /// [`Failure`]: something in it cannot be indexed. It is counted, and the document is left out,
    /// also if it was there before.
    pub fn put(&self, key: &[u8], record: &impl Record) -> Result<(), Failure> {
        let schema = self.schema();
        match record::Parsed::read(&schema, record) {
            Ok(parsed) => {
                self.change(Change::Put(key.into(), Box::new(parsed)));
                Ok(())
            }
            Err(failure) => {
                self.note(&schema, key, &failure);
                self.remove(key);
                Err(failure)
            }
        }
    }

    /// Takes the document at `key` out, if it is there. Main thread; never waits.
    pub fn remove(&self, key: &[u8]) {
        self.change(Change::Remove(key.into()));
    }

    /// Gives the document at `from` the key `to`; a document that was there is taken out. Main
    /// thread; never waits.
    pub fn rename(&self, from: &[u8], to: &[u8]) {
        self.change(Change::Rename(from.into(), to.into()));
    }

    /// Adds the fields that `schema` has behind those there are. Documents have nothing in them
    /// until they are put again. Main thread; never waits.
    pub fn alter(&self, schema: Schema) {
        let schema = Arc::new(schema);
        *lock(&self.schema) = Arc::clone(&schema);
        self.change(Change::Alter(schema));
    }

    /// How many changes are queued, and vectors not settled: 0 means that workers have nothing to
    /// do here. Waits for nobody.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        self.counts.unsettled.load(Relaxed).saturating_add(self.ledger.waiting() as u64)
    }

    /// The tags of the field `name` in order; `None` if it is no tag field. FT.TAGVALS. O(tags).
    #[must_use]
    pub fn tag_values(&self, name: &[u8]) -> Option<Vec<Box<[u8]>>> {
        self.ledger.current().tag_values(name)
    }

    /// Whether `key` is a document here, or will be when all is made that is queued. Main thread;
    /// waits for a step of a writer at most. O(changes queued).
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.ledger.peek(|state, queue| {
            // Going back: the keys the document may have had.
            let mut keys = vec![key];
            for change in queue.iter().rev() {
                match change {
                    Change::Alter(_) => (),
                    Change::Put(put, _) if keys.contains(&&**put) => return true,
                    Change::Put(..) => (),
                    Change::Remove(removed) => keys.retain(|key| *key != &**removed),
                    Change::Rename(from, to) if from != to => {
                        keys.retain(|key| *key != &**from);
                        if keys.contains(&&**to) {
                            keys.push(from);
                        }
                    }
                    Change::Rename(..) => (),
                }
            }
            keys.iter().any(|key| state.contains(key))
        })
    }

    /// How many documents there are, but for changes that are queued. Waits for nobody.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.counts.documents.load(Relaxed)
    }

    /// Whether there are none; as [`Self::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys of all documents, in no order. O(documents).
    #[must_use]
    pub fn keys(&self) -> Vec<Box<[u8]>> {
        self.ledger.current().keys()
    }
}

/// While it is there, nobody changes the index: for the moment of a fork. A process that was forked
/// forgets it instead of dropping it, as the locks of threads it does not have stay locked.
pub struct Hold<'a>(#[expect(dead_code, reason = "held, not read")] ledger::Reading<'a, State>);

impl Index {
    /// Keeps the index as it is. Waits for a step of a writer at most.
    #[must_use]
    pub fn hold(&self) -> Hold<'_> {
        Hold(self.ledger.glance())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
