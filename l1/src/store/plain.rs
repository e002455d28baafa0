//! The plainest store, for tests: a map that forgets nothing by itself.

use std::collections::HashMap;
use std::sync::Mutex;

use super::Store;
use crate::entry::Entry;
use crate::id::{Id, Lookup};

/// A map behind a lock, without a capacity.
#[derive(Debug, Default)]
pub(crate) struct Plain(Mutex<HashMap<Id, Entry>>);

impl Store for Plain {
    fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        self.0.lock().unwrap().get(&lookup.to_id()).map(read)
    }

    fn insert(&self, entry: Entry) {
        self.0.lock().unwrap().insert(entry.lookup().to_id(), entry);
    }

    fn remove(&self, lookup: Lookup<'_>) -> bool {
        self.0.lock().unwrap().remove(&lookup.to_id()).is_some()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    fn contains(&self, lookup: Lookup<'_>) -> bool {
        self.0.lock().unwrap().contains_key(&lookup.to_id())
    }
}
