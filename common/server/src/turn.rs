//! Other threads at the server's data: one at a time, and never beside the main thread.

use std::sync::OnceLock;
use std::thread::{self, ThreadId};

use crate::raw::{self, Api};
use crate::server::Server;

/// The context of threads, used by whoever has the turn.
struct Context {
    ctx: *mut raw::Ctx,
    /// The thread that always has the turn while its code runs.
    main: ThreadId,
}

// SAFETY: a context that belongs to no client; only who has the turn uses it.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

static CONTEXT: OnceLock<Context> = OnceLock::new();

/// Makes the context of threads. It lives as long as the process.
///
/// # Safety
/// `ctx` is that of `OnLoad`, which runs on the main thread.
pub(crate) unsafe fn register(api: &Api, ctx: *mut raw::Ctx) {
    // SAFETY: the caller's promise.
    let own = || unsafe { (api.detached_context)(ctx) };
    CONTEXT.get_or_init(|| Context { ctx: own(), main: thread::current().id() });
}

/// Gives the turn back.
struct Turn<'a>(&'a Context);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // SAFETY: this thread has the turn.
        unsafe { (raw::api().unlock_context)(self.0.ctx) };
    }
}

/// Whether this is the main thread of the server; `false` if the module is not loaded.
pub fn is_main_thread() -> bool {
    CONTEXT.get().is_some_and(|context| thread::current().id() == context.main)
}

/// Runs `body` while the main thread waits; on the main thread itself, at once. Not within itself, and
/// not where a fork is waited for (see [`crate::between_forks`]): the main thread forks in its turn.
/// `None` if the module is not loaded.
///
/// To be left after some hundred microseconds, and to be come back to only after as long a pause: the
/// lock is not fair.
pub fn in_turn<T>(body: impl FnOnce(&Server<'_>) -> T) -> Option<T> {
    let context = CONTEXT.get()?;
    let _turn = (thread::current().id() != context.main).then(|| {
        // SAFETY: the table is filled, as there is a context; not the main thread, which would wait
        // for itself.
        unsafe { (raw::api().lock_context)(context.ctx) };
        Turn(context)
    });
    // SAFETY: nobody else uses the context while this thread has the turn.
    Some(body(&unsafe { Server::new(context.ctx) }))
}
