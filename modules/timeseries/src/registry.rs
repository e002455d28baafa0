//! Which series carry which labels, database by database.
//!
//! Only the main thread looks and writes; the lock is for the compiler, and never held while the server
//! is called.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyspan_timeseries_core::index::Index;
use keyspan_timeseries_core::series::Label;

static INDEXES: Mutex<BTreeMap<i32, Index>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<i32, Index>> {
    INDEXES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that a key holds a series with these labels.
pub(crate) fn put(database: i32, key: &[u8], labels: &[Label]) {
    lock().entry(database).or_default().put(key, labels);
}

/// Says that a key holds no series.
pub(crate) fn remove(database: i32, key: &[u8]) {
    if let Some(index) = lock().get_mut(&database) {
        index.remove(key);
    }
}

/// Whether a key holds a series, as far as is known.
pub(crate) fn contains(database: i32, key: &[u8]) -> bool {
    lock().get(&database).is_some_and(|index| index.contains(key))
}

/// Forgets a database, or all; what was known is to be freed elsewhere.
pub(crate) fn clear(database: Option<i32>) -> Vec<Index> {
    let mut indexes = lock();
    match database {
        Some(number) => indexes.remove(&number).into_iter().collect(),
        None => std::mem::take(&mut *indexes).into_values().collect(),
    }
}

/// Two databases changed places.
pub(crate) fn swap(one: i32, other: i32) {
    let mut indexes = lock();
    let (first, second) = (indexes.remove(&one), indexes.remove(&other));
    indexes.extend(first.map(|index| (other, index)));
    indexes.extend(second.map(|index| (one, index)));
}

/// What `body` reads from the index of a database.
pub(crate) fn with<T>(database: i32, body: impl FnOnce(&Index) -> T) -> T {
    match lock().get(&database) {
        Some(index) => body(index),
        None => body(&Index::new()),
    }
}
