//! Which replies go when a key changes.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::id::{Id, Key, Lookup};

/// From keys to the commands whose replies depend on them. `GET` is not in it: its name is its key.
///
/// Replies that the store has evicted stay named here until [`Watch::sweep`].
#[derive(Debug, Default)]
pub(super) struct Watch {
    ids: HashMap<Key, SmallVec<[Id; 1]>, foldhash::fast::RandomState>,
    names: usize,
    sweep_at: usize,
}

/// As many stale names are always borne.
const SLACK: usize = 1024;

impl Watch {
    /// The reply goes when any of these keys changes.
    pub(super) fn add(&mut self, keys: &[Key], id: &Id) {
        for key in keys {
            let ids = self.ids.entry(Key::clone(key)).or_default();
            if !ids.contains(id) {
                ids.push(id.clone());
                self.names = self.names.saturating_add(1);
            }
        }
    }

    /// Takes out the names of the replies that depend on this key.
    pub(super) fn take(&mut self, key: &[u8]) -> SmallVec<[Id; 1]> {
        let ids = self.ids.remove(key).unwrap_or_default();
        self.names = self.names.saturating_sub(ids.len());
        ids
    }

    /// Forgets all names.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets names that are not `kept` any more, when there may be as many of them as of others:
    /// O(1) for each [`Self::add`] in the mean.
    pub(super) fn sweep(&mut self, kept: impl Fn(Lookup<'_>) -> bool) {
        if self.names < self.sweep_at.max(SLACK) {
            return;
        }
        self.ids.retain(|_, ids| {
            ids.retain(|id| kept(id.lookup()));
            !ids.is_empty()
        });
        self.names = self.ids.values().map(SmallVec::len).sum();
        self.sweep_at = self.names.saturating_mul(2);
    }

    /// How many names there are.
    #[cfg(test)]
    pub(super) fn names(&self) -> usize {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Kind;

    fn id(name: &str) -> Id {
        Id::new(Kind::Command, name.as_bytes().into())
    }

    fn key(name: &str) -> Key {
        name.as_bytes().into()
    }

    #[test]
    fn a_reply_is_named_under_each_of_its_keys() {
        let mut watch = Watch::default();
        for _ in 0..2 {
            watch.add(&[key("a"), key("b")], &id("SINTER a b"));
        }
        watch.add(&[key("a")], &id("HGET a f"));
        assert_eq!(watch.names(), 3);
        assert_eq!(watch.take(b"a").as_slice(), [id("SINTER a b"), id("HGET a f")]);
        assert!(watch.take(b"a").is_empty());
        assert_eq!(watch.take(b"b").as_slice(), [id("SINTER a b")]);
        assert_eq!(watch.names(), 0);
    }

    #[test]
    fn names_of_evicted_replies_are_swept() {
        let mut watch = Watch::default();
        let live = id("HGET live f");
        watch.add(&[key("live")], &live);
        for number in 0..100_000 {
            watch.add(&[key(&number.to_string())], &id(&format!("HGET {number} f")));
            watch.sweep(|name| name == live.lookup());
            assert!(watch.names() <= SLACK, "{} names of 1", watch.names());
        }
        assert_eq!(watch.take(b"live").as_slice(), [live]);
    }
}
