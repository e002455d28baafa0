//! What a command asks of the server it runs in.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{args::Arg, reply::Reply};

/// The key holds a value of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

/// The keyspace as one command sees it: the server's own, or a map in tests and fuzz targets.
///
/// `V` is the data type of the command, one of the module's. Keys are named by the words of the
/// command line ([`Arg`]).
pub trait Host<V> {
    /// The value at `key` for reading, `None` if there is none.
    ///
    /// # Errors
    /// [`WrongType`] if another type is stored there.
    fn read(&mut self, key: Arg<'_>) -> Result<Option<&V>, WrongType>;

    /// The value at `key` for changing in place. A change is announced by [`Host::changed`].
    ///
    /// # Errors
    /// [`WrongType`] if another type is stored there.
    fn write(&mut self, key: Arg<'_>) -> Result<Option<&mut V>, WrongType>;

    /// Stores `value` at `key`, over whatever was there.
    fn insert(&mut self, key: Arg<'_>, value: V);

    /// Deletes `key`. No event is sent.
    fn remove(&mut self, key: Arg<'_>);

    /// Tells watchers, tracking clients and subscribers that `key` changed by `event`.
    /// Called only when something changed.
    fn changed(&mut self, key: Arg<'_>, event: &'static str);

    /// As [`Host::changed`], for what no event tells of.
    fn touched(&mut self, _key: Arg<'_>) {}

    /// Hands the command to replicas and to the AOF as it was received.
    /// Called once, only when something changed.
    fn replicate(&mut self);

    /// Hands replicas and the AOF `command` with `args` in place of the command as it was received,
    /// once or several times in this order, only when something changed. For commands whose effect
    /// depends on what a replica need not have: the settings, a random draw.
    fn replicate_as(&mut self, command: &'static str, args: &[&[u8]]);

    /// Whether the command comes from a primary or from the AOF: it was accepted there, and what
    /// was accepted must not be refused here.
    fn is_replicated(&self) -> bool;

    /// The number of the database that is selected.
    fn database(&self) -> i32 {
        0
    }

    /// Whether the user of this call may read every one of these keys.
    fn may_read_keys(&self, _keys: &mut dyn Iterator<Item = &[u8]>) -> bool {
        true
    }

    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether the client of this call can wait: not in MULTI, not in a script.
    fn can_wait(&self) -> bool {
        false
    }

    /// Has the client wait until `attempt` answers it, which is asked each time [`Host::wake`] names
    /// the key or the key is made, and writes either a whole reply, or nothing and returns false.
    /// When the time is up (0 for never) or the key is deleted, `late` answers. The last thing a
    /// command does, and only where the client [can wait](Host::can_wait).
    fn wait(
        &mut self,
        _key: Arg<'_>,
        _timeout_ms: u64,
        _attempt: impl FnMut(Option<&V>, &mut dyn Reply) -> bool + Send + 'static,
        _late: impl FnMut(Option<&V>, &mut dyn Reply) + Send + 'static,
    ) where
        V: 'static,
    {
    }

    /// Asks those who [wait](Host::wait) for the key again.
    fn wake(&mut self, _key: Arg<'_>) {}

    /// Runs `job`, which must need nothing of the server, and answers with what `finish` writes of
    /// its outcome. A server runs it on another thread while other clients are served, and blocks
    /// this client; where a client cannot be blocked (MULTI, scripts), and by default, it runs at
    /// once. The last thing a command does: nothing may be written to `reply` after it.
    fn spawn<T: Send + 'static>(
        &mut self,
        reply: &mut dyn Reply,
        job: impl FnOnce() -> T + Send + 'static,
        finish: impl FnOnce(T, &mut dyn Reply) + Send + 'static,
    ) {
        finish(job(), reply);
    }
}
