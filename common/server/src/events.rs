//! What happens in the server, told to the module: changes of keys, and of whole databases.
//!
//! Names of events as measured on Redis 7.0 to 8.6 and Valkey 8.0 to 9.1: a key that a command
//! removed by its way (the source of RENAME or MOVE, a hash that lost its last field) has an event of
//! its own, and a key that is overwritten has that of the command. What a key holds is to be looked
//! up: the state is already the new one when an event comes.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use redis_module::raw::{
    REDISMODULE_EVENT_FLUSHDB, REDISMODULE_EVENT_FORK_CHILD, REDISMODULE_EVENT_LOADING,
    REDISMODULE_EVENT_SWAPDB, REDISMODULE_NOTIFY_ALL, REDISMODULE_NOTIFY_LOADED,
    REDISMODULE_NOTIFY_MODULE, REDISMODULE_SUBEVENT_FLUSHDB_START,
    REDISMODULE_SUBEVENT_FORK_CHILD_BORN, REDISMODULE_SUBEVENT_LOADING_ENDED,
    REDISMODULE_SUBEVENT_LOADING_FAILED, RedisModuleFlushInfo, RedisModuleSwapDbInfo,
};

use crate::astray;
use crate::guard::guard;
use crate::key::bytes_of;
use crate::raw::{self, Api};
use crate::rewrite;
use crate::server::Server;

/// A step of loading a file or a primary's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loading {
    /// It begins.
    Begun,
    /// It is done.
    Ended,
    /// It broke off.
    Failed,
}

/// What a module does when something happens.
#[derive(Clone, Copy, Debug)]
pub struct Events {
    /// A key of the selected database changed: the event, and the key. Called for each write of the
    /// server: it must find out fast that the key does not matter.
    pub key: fn(&Server<'_>, &[u8], &[u8]),
    /// A database is about to be emptied, or all.
    pub flush: fn(&Server<'_>, Option<c_int>),
    /// Two databases changed places.
    pub swap: fn(&Server<'_>, c_int, c_int),
    /// Data is being loaded.
    pub load: fn(&Server<'_>, Loading),
    /// The append-only file is being rewritten as commands: what is replicated now stands in the new
    /// file, behind its keys, as records beside the keys do not.
    pub rewrite: fn(&Server<'_>),
}

/// Set when the module is loaded first; it is the same if it is loaded again.
static EVENTS: OnceLock<Events> = OnceLock::new();

/// Redis from 8.4 on tells only those who ask for it that the keys of a slot which it has moved are gone.
/// No header we build with has it; other servers have no event of that kind.
const NOTIFY_KEY_TRIMMED: c_int = 1 << 17;

/// All kinds of events of keys but misses.
const KINDS: c_int = REDISMODULE_NOTIFY_ALL
    | REDISMODULE_NOTIFY_LOADED
    | REDISMODULE_NOTIFY_MODULE
    | NOTIFY_KEY_TRIMMED;

/// # Errors
/// What to log.
///
/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn register(api: &Api, ctx: *mut raw::Ctx, events: Events) -> Result<(), String> {
    EVENTS.get_or_init(|| events);
    // SAFETY: the caller's promise.
    unsafe { astray::register(api, ctx) };
    let event = |id, dataver| raw::Event { id, dataver };
    // SAFETY: the caller's promise.
    let taken = unsafe {
        [
            (api.subscribe_keys)(ctx, KINDS, Some(key)),
            (api.subscribe_server)(ctx, event(REDISMODULE_EVENT_FLUSHDB, 1), Some(flush)),
            (api.subscribe_server)(ctx, event(REDISMODULE_EVENT_SWAPDB, 1), Some(swap)),
            (api.subscribe_server)(ctx, event(REDISMODULE_EVENT_LOADING, 1), Some(load)),
            (api.subscribe_server)(ctx, event(REDISMODULE_EVENT_FORK_CHILD, 1), Some(fork)),
        ]
    };
    if taken == [raw::OK; 5] { Ok(()) } else { Err("the server refuses to tell events".into()) }
}

/// Runs `body` with the server and the module's functions.
fn told(what: &str, ctx: *mut raw::Ctx, body: impl FnOnce(&Server<'_>, &Events)) {
    guard(what, || {
        if let Some(events) = EVENTS.get() {
            // SAFETY: the context of the running callback.
            body(&unsafe { Server::new(ctx) }, events);
        }
    });
}

/// # Safety
/// Called by the server; the texts live for the call. Likewise below.
unsafe extern "C" fn key(
    ctx: *mut raw::Ctx,
    _kind: c_int,
    event: *const c_char,
    key: *mut raw::Word,
) -> c_int {
    told("an event", ctx, |server, events| {
        // SAFETY: see above.
        let (event, key) = unsafe { (CStr::from_ptr(event), bytes_of(server.api, key)) };
        (events.key)(server, event.to_bytes(), key);
        astray::bring_back(server, event.to_bytes(), key);
    });
    raw::OK
}

unsafe extern "C" fn flush(ctx: *mut raw::Ctx, _: raw::Event, step: u64, data: *mut c_void) {
    if step == REDISMODULE_SUBEVENT_FLUSHDB_START {
        told("a flush", ctx, |server, events| {
            // SAFETY: the data of this event; -1 stands for all.
            let info = unsafe { data.cast::<RedisModuleFlushInfo>().as_ref() };
            let database = info.map(|info| info.dbnum).filter(|number| *number >= 0);
            (events.flush)(server, database);
        });
    }
}

unsafe extern "C" fn swap(ctx: *mut raw::Ctx, _: raw::Event, _step: u64, data: *mut c_void) {
    told("a swap", ctx, |server, events| {
        // SAFETY: the data of this event.
        if let Some(info) = unsafe { data.cast::<RedisModuleSwapDbInfo>().as_ref() } {
            (events.swap)(server, info.dbnum_first, info.dbnum_second);
        }
    });
}

unsafe extern "C" fn load(ctx: *mut raw::Ctx, _: raw::Event, step: u64, _data: *mut c_void) {
    let step = match step {
        REDISMODULE_SUBEVENT_LOADING_ENDED => Loading::Ended,
        REDISMODULE_SUBEVENT_LOADING_FAILED => Loading::Failed,
        _ => Loading::Begun,
    };
    told("loading", ctx, |server, events| (events.load)(server, step));
}

/// On the process that forked, before it does anything else.
unsafe extern "C" fn fork(ctx: *mut raw::Ctx, _: raw::Event, step: u64, _data: *mut c_void) {
    if step == REDISMODULE_SUBEVENT_FORK_CHILD_BORN {
        told("a fork", ctx, |server, events| {
            if rewrite::is_as_commands(server) {
                (events.rewrite)(server);
            }
        });
    }
}
