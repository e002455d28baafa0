//! The plainest store, for tests: a map that forgets nothing by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::Store;
use crate::entry::Entry;
use crate::id::{Id, Lookup};

/// A map behind a lock, without a capacity.
#[derive(Debug, Default)]
pub(crate) struct Plain(Mutex<HashMap<Id, Arc<Entry>>>);

impl Store for Plain {
    fn find(&self, lookup: Lookup<'_>) -> Option<Arc<Entry>> {
        self.0.lock().unwrap().get(&lookup.to_id()).cloned()
    }

    fn insert(&self, id: Id, entry: Arc<Entry>) {
        self.0.lock().unwrap().insert(id, entry);
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
