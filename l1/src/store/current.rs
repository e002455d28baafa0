//! The seat of the calling thread.

use super::readers::{Chair, Pin, Readers};

/// All threads of the process that read, whatever they read.
pub(super) static READERS: Readers = Readers::new();

thread_local! {
    static CHAIR: Chair = READERS.sit();
}

/// Runs `read` while what it finds is not freed. None in a thread that is about to end: it has no
/// seat any more.
#[inline]
pub(super) fn reading<R>(read: impl FnOnce(&Pin<'_>) -> R) -> Option<R> {
    CHAIR.try_with(|chair| read(&chair.pin())).ok()
}
