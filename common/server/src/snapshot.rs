//! Whether a whole file is being written: an RDB file, a stream to a replica, the base of a log.
//!
//! A value is saved by the same callback for a file and for DUMP, which does not say which it is. Redis
//! from 8.4 on moves slots by a child process that sends values as DUMP gives them: they have to be whole as
//! in a file, and clients' DUMPs are done by no child.

use std::ffi::c_void;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use redis_module::raw::{
    REDISMODULE_EVENT_PERSISTENCE, REDISMODULE_SUBEVENT_PERSISTENCE_ENDED,
    REDISMODULE_SUBEVENT_PERSISTENCE_FAILED,
};

use crate::raw::{self, Api};

/// Set in the process that writes: in the child alone where there is one (observed in Redis 7.0 to
/// 8.6 and Valkey 8.0 to 9.1: each tells the start in the process that then saves).
static IS_WRITTEN: AtomicBool = AtomicBool::new(false);

/// The server's own process.
static SERVER: OnceLock<u32> = OnceLock::new();

/// Whether what is saved now goes into a whole file, or to another server with all of its slot.
pub(crate) fn is_written() -> bool {
    IS_WRITTEN.load(Relaxed) || SERVER.get().is_some_and(|server| *server != process::id())
}

/// Starts to listen. A server that cannot tell writes every value as for DUMP.
///
/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn follow(api: &Api, ctx: *mut raw::Ctx) {
    SERVER.get_or_init(process::id);
    let event = raw::Event { id: REDISMODULE_EVENT_PERSISTENCE, dataver: 1 };
    // SAFETY: the caller's promise; the callback lives as long as the library.
    unsafe { (api.subscribe_server)(ctx, event, Some(changed)) };
}

/// Called by the server, on the main thread.
unsafe extern "C" fn changed(
    _ctx: *mut raw::Ctx,
    _event: raw::Event,
    subevent: u64,
    _data: *mut c_void,
) {
    let ends = [REDISMODULE_SUBEVENT_PERSISTENCE_ENDED, REDISMODULE_SUBEVENT_PERSISTENCE_FAILED];
    IS_WRITTEN.store(!ends.contains(&subevent), Relaxed);
}
