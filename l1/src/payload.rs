//! The bytes of a cached value, shared with the cache.

use std::fmt;
use std::ops::Deref;

use crate::entry::Entry;

/// The bytes of a value. Clones and the cache share them; they never change, and they stay as long
/// as somebody holds them, whatever becomes of the key.
#[derive(Clone)]
pub struct Payload(Entry);

impl Payload {
    /// The bytes of a reply, if it is a string.
    pub(crate) fn of(entry: Entry) -> Option<Self> {
        entry.string().is_some().then_some(Self(entry))
    }
}

impl Deref for Payload {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0.string().unwrap_or_default()
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Payload {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.escape_ascii().to_string())
    }
}
