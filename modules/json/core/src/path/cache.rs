//! Compiled paths by their text.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Dialect, Path, PathError};

/// Most paths in the cache.
pub(super) const ENTRIES_MAX: usize = 1024;
/// Most memory the cached paths take, about, in bytes.
pub(super) const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The last used paths, compiled. What is not used between two rounds of a clock hand goes.
#[derive(Debug, Default)]
pub struct Cache {
    hasher: DefaultHashBuilder,
    /// Positions in `slots`.
    index: HashTable<usize>,
    slots: Vec<Slot>,
    hand: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    hash: u64,
    text: Box<[u8]>,
    dialect: Dialect,
    path: Arc<Path>,
    used: bool,
}

impl Slot {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.path.weight()
    }
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many paths it holds. O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it holds none. O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// About how much memory the paths take, in bytes; at most 16 MiB. O(1).
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The compiled path of `text`. O(length of `text`) for a known one. Errors are not kept.
    ///
    /// # Errors
    /// As [`Path::parse`].
    pub fn get_or_parse(&mut self, text: &[u8], dialect: Dialect) -> Result<Arc<Path>, PathError> {
        let hash = self.hasher.hash_one(text);
        let slots = &mut self.slots;
        let same = |at: &usize| {
            slots.get(*at).is_some_and(|slot| slot.dialect == dialect && *slot.text == *text)
        };
        let found = self.index.find(hash, same).copied();
        if let Some(slot) = found.and_then(|at| slots.get_mut(at)) {
            slot.used = true;
            return Ok(Arc::clone(&slot.path));
        }
        let path = Arc::new(Path::parse(text, dialect)?);
        let slot = Slot { hash, text: text.into(), dialect, path: Arc::clone(&path), used: false };
        self.keep(slot);
        Ok(path)
    }

    fn keep(&mut self, slot: Slot) {
        let bytes = slot.bytes();
        if bytes > BYTES_MAX / 8 {
            return;
        }
        while self.slots.len() >= ENTRIES_MAX || self.bytes + bytes > BYTES_MAX {
            self.evict();
        }
        self.bytes += bytes;
        let slots = &self.slots;
        let hash_at = |at: &usize| slots.get(*at).map_or(0, |slot| slot.hash);
        self.index.insert_unique(slot.hash, slots.len(), hash_at);
        self.slots.push(slot);
    }

    /// Removes the next slot that was not used since the hand passed it.
    fn evict(&mut self) {
        loop {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.used => slot.used = false,
                Some(_) => break,
                None => return,
            }
            self.hand += 1;
        }
        let slot = self.slots.swap_remove(self.hand);
        self.bytes = self.bytes.saturating_sub(slot.bytes());
        self.forget(slot.hash, self.hand);
        self.renumber(self.slots.len(), self.hand);
    }

    fn forget(&mut self, hash: u64, at: usize) {
        if let Ok(entry) = self.index.find_entry(hash, |position| *position == at) {
            entry.remove();
        }
    }

    /// The slot that was at `from` is now at `to`.
    fn renumber(&mut self, from: usize, to: usize) {
        let Some(hash) = self.slots.get(to).map(|slot| slot.hash) else { return };
        if let Some(position) = self.index.find_mut(hash, |position| *position == from) {
            *position = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(cache: &mut Cache, range: std::ops::Range<usize>) {
        for at in range {
            let text = format!("$.member{at}");
            let path = cache.get_or_parse(text.as_bytes(), Dialect::Redis).unwrap();
            assert!(path.is_definite());
        }
    }

    #[test]
    fn known_path_is_the_same_object() {
        let mut cache = Cache::new();
        let first = cache.get_or_parse(b"$.a", Dialect::Redis).unwrap();
        let second = cache.get_or_parse(b"$.a", Dialect::Redis).unwrap();
        let strict = cache.get_or_parse(b"$.a", Dialect::Strict).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &strict));
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn used_paths_outlive_unused_ones() {
        let mut cache = Cache::new();
        let kept = cache.get_or_parse(b"$.kept", Dialect::Redis).unwrap();
        for round in 0..20 {
            fill(&mut cache, round * 500..(round + 1) * 500);
            let again = cache.get_or_parse(b"$.kept", Dialect::Redis).unwrap();
            assert!(Arc::ptr_eq(&kept, &again), "round {round}");
        }
        assert_eq!(cache.len(), ENTRIES_MAX);
        assert_eq!(cache.index.len(), ENTRIES_MAX);
        for (at, slot) in cache.slots.iter().enumerate() {
            let found = cache.index.find(slot.hash, |position| *position == at);
            assert!(found.is_some());
        }
    }

    #[test]
    fn bytes_are_bounded_and_errors_not_kept() {
        let mut cache = Cache::new();
        for at in 0..200 {
            let text = format!("$.{}{at}", "x".repeat(100_000));
            assert!(cache.get_or_parse(text.as_bytes(), Dialect::Redis).is_ok());
            assert!(cache.bytes() <= BYTES_MAX);
        }
        let sum: usize = cache.slots.iter().map(Slot::bytes).sum();
        assert_eq!(cache.bytes(), sum);
        assert!(cache.len() > 15);
        let before = cache.len();
        assert!(cache.get_or_parse(b"$[", Dialect::Redis).is_err());
        assert_eq!(cache.len(), before);
    }
}
