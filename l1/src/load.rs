//! Single flight of loaders: however many miss at once, one loads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use oneshot::{AsyncReceiver, Sender};

use crate::error::Error;
use crate::id::Key;
use crate::payload::Payload;

/// What a loader has led to, for all who wait.
pub(crate) type Loaded = Result<Option<Payload>, Error>;

/// The loads that are under way, by key.
#[derive(Debug, Default)]
pub(crate) struct Loads(Mutex<HashMap<Key, Vec<Sender<Loaded>>>>);

/// What somebody who misses is to do.
pub(crate) enum Turn<'a> {
    /// Load, and tell the others.
    Lead(Lead<'a>),
    /// Wait. Nothing comes when the one who loads gives up: then try again.
    Follow(AsyncReceiver<Loaded>),
}

/// The right to load one key. Dropped unfinished (a panic, a future given up), it lets the next one
/// try.
pub(crate) struct Lead<'a> {
    loads: &'a Loads,
    key: Option<Key>,
}

impl Loads {
    /// Whether to load this key or to wait for who does.
    pub(crate) fn enter(&self, key: &Key) -> Turn<'_> {
        let mut loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(followers) = loads.get_mut(key) {
            let (sender, receiver) = oneshot::async_channel();
            followers.push(sender);
            return Turn::Follow(receiver);
        }
        loads.insert(Key::clone(key), Vec::new());
        Turn::Lead(Lead { loads: self, key: Some(Key::clone(key)) })
    }

    fn leave(&self, key: &Key) -> Vec<Sender<Loaded>> {
        let mut loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loads.remove(key).unwrap_or_default()
    }
}

impl Lead<'_> {
    /// Tells all who wait.
    pub(crate) fn finish(mut self, loaded: &Loaded) {
        // Taken: from now on the next load of this key is not ours to end.
        let key = self.key.take();
        for follower in key.map(|key| self.loads.leave(&key)).unwrap_or_default() {
            // One who does not wait any more is no error.
            let _ = follower.send(loaded.clone());
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            drop(self.loads.leave(&key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        b"k"[..].into()
    }

    fn lead(loads: &Loads) -> Lead<'_> {
        if let Turn::Lead(lead) = loads.enter(&key()) { lead } else { panic!("not the first") }
    }

    fn follow(loads: &Loads) -> AsyncReceiver<Loaded> {
        if let Turn::Follow(receiver) = loads.enter(&key()) {
            receiver
        } else {
            panic!("the first")
        }
    }

    #[test]
    fn the_first_leads_and_all_hear() {
        let loads = Loads::default();
        let first = lead(&loads);
        let (second, third) = (follow(&loads), follow(&loads));
        drop(third);
        first.finish(&Ok(None));
        assert!(matches!(pollster::block_on(second), Ok(Ok(None))));
        drop(lead(&loads));
    }

    #[test]
    fn one_who_gives_up_leaves_nothing() {
        let loads = Loads::default();
        let first = lead(&loads);
        let second = follow(&loads);
        drop(first);
        assert!(pollster::block_on(second).is_err());
        let next = lead(&loads);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _next = next;
            panic!("a loader's");
        }));
        assert!(panicked.is_err());
        drop(lead(&loads));
    }
}
