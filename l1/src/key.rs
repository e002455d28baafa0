//! What a key may be given as.

use std::sync::Arc;

use crate::id::{Id, Kind, Lookup};

/// A key of the server: bytes, text, or a [`KeyHandle`], whose hash is known already.
pub trait CacheKey {
    /// The name of `GET` of this key.
    fn lookup(&self) -> Lookup<'_>;
}

impl CacheKey for [u8] {
    fn lookup(&self) -> Lookup<'_> {
        Lookup::new(Kind::Get, self)
    }
}

impl<const N: usize> CacheKey for [u8; N] {
    fn lookup(&self) -> Lookup<'_> {
        self.as_slice().lookup()
    }
}

impl CacheKey for Vec<u8> {
    fn lookup(&self) -> Lookup<'_> {
        self.as_slice().lookup()
    }
}

impl CacheKey for str {
    fn lookup(&self) -> Lookup<'_> {
        self.as_bytes().lookup()
    }
}

impl CacheKey for String {
    fn lookup(&self) -> Lookup<'_> {
        self.as_bytes().lookup()
    }
}

impl<K: CacheKey + ?Sized> CacheKey for &K {
    fn lookup(&self) -> Lookup<'_> {
        (**self).lookup()
    }
}

/// A key with its hash, for those that are read most: a hit by it hashes nothing.
///
/// Good for any cache of the process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyHandle(Id);

impl KeyHandle {
    /// Hashes the key, once for all.
    #[must_use]
    pub fn new(key: impl AsRef<[u8]>) -> Self {
        Self(Id::new(Kind::Get, Arc::from(key.as_ref())))
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl CacheKey for KeyHandle {
    fn lookup(&self) -> Lookup<'_> {
        self.0.lookup()
    }
}
