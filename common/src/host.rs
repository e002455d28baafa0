//! What a command asks of the server it runs in.

use crate::args::Arg;

/// The key holds a value of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

/// The keyspace as one command sees it: the server's own, or a map in tests and fuzz targets.
///
/// Keys are named by the words of the command line ([`Arg`]).
pub trait Host {
    /// The module's data type.
    type Value;

    /// The value at `key` for reading, `None` if there is none.
    ///
    /// # Errors
    /// [`WrongType`] if another type is stored there.
    fn read(&mut self, key: Arg<'_>) -> Result<Option<&Self::Value>, WrongType>;

    /// The value at `key` for changing in place. A change is announced by [`Host::changed`].
    ///
    /// # Errors
    /// [`WrongType`] if another type is stored there.
    fn write(&mut self, key: Arg<'_>) -> Result<Option<&mut Self::Value>, WrongType>;

    /// Stores `value` at `key`, over whatever was there.
    fn insert(&mut self, key: Arg<'_>, value: Self::Value);

    /// Deletes `key`. No event is sent.
    fn remove(&mut self, key: Arg<'_>);

    /// Tells watchers, tracking clients and subscribers that `key` changed by `event`.
    /// Called only when something changed.
    fn changed(&mut self, key: Arg<'_>, event: &'static str);

    /// Hands the command to replicas and to the AOF as it was received.
    /// Called once, only when something changed.
    fn replicate(&mut self);
}
