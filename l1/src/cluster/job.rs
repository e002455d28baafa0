//! What may have to be asked of more than one node, one after the other.

use redis::Value;

use super::share::Share;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::Key;
use crate::link::{Link, Order, uncached};
use crate::request::Question;

/// The end at which to wait for what a node makes of a job.
pub(super) type Doing<T> = oneshot::AsyncReceiver<Result<T, Error>>;

/// Something to ask of the node that serves its keys.
pub(super) trait Job {
    /// What comes of it.
    type Out;

    /// Whether it only reads, so that it may be asked again.
    const READS: bool;

    /// Asks a node; None while there is no connection.
    fn start(&self, link: &Link<Share>) -> Option<Doing<Self::Out>>;

    /// The command alone, packed, and the keys that it may change.
    fn bare(&self) -> (Vec<u8>, &[Key]);

    /// The reply to the command alone.
    fn out(value: Value) -> Self::Out;
}

/// A read whose reply may be kept.
pub(super) struct Read<'a>(pub(super) &'a Question);

impl Job for Read<'_> {
    type Out = Entry;
    const READS: bool = true;

    fn start(&self, link: &Link<Share>) -> Option<Doing<Self::Out>> {
        link.start_fetch(self.0)
    }

    fn bare(&self) -> (Vec<u8>, &[Key]) {
        let mut bare = Vec::new();
        self.0.pack_bare(&mut bare);
        (bare, &[])
    }

    fn out(value: Value) -> Self::Out {
        uncached(value)
    }
}

/// A command that changes keys, or reads what is not kept.
pub(super) struct Run<'a> {
    pub(super) packed: &'a [u8],
    pub(super) keys: &'a [Key],
}

impl Job for Run<'_> {
    type Out = Value;
    const READS: bool = false;

    fn start(&self, link: &Link<Share>) -> Option<Doing<Self::Out>> {
        let (packed, keys) = (self.packed, self.keys);
        link.start_command(&Order { packed, keys, everything: false, asking: false })
    }

    fn bare(&self) -> (Vec<u8>, &[Key]) {
        (self.packed.to_vec(), self.keys)
    }

    fn out(value: Value) -> Value {
        value
    }
}
