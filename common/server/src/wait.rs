//! Clients that wait for a key.
//!
//! The server keeps them: it asks again when the key is made or [named](crate::context::Context) as
//! ready, tells when the time is up, and forgets them when they go.

use std::ffi::{c_int, c_longlong, c_void};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use keyspan_common::{args::Arg, data_type::DataType, host::Host, reply::Reply};
use redis_module::raw::{
    REDISMODULE_CTX_FLAGS_DENY_BLOCKING, REDISMODULE_CTX_FLAGS_LOADING, REDISMODULE_CTX_FLAGS_LUA,
    REDISMODULE_CTX_FLAGS_MULTI, REDISMODULE_CTX_FLAGS_REPLICATED,
};

use crate::context::Context;
use crate::guard::guard;
use crate::raw::{self, Api};
use crate::reply::ClientReply;

/// Where a client cannot wait.
const CANNOT: u32 = REDISMODULE_CTX_FLAGS_DENY_BLOCKING
    | REDISMODULE_CTX_FLAGS_LOADING
    | REDISMODULE_CTX_FLAGS_LUA
    | REDISMODULE_CTX_FLAGS_MULTI
    | REDISMODULE_CTX_FLAGS_REPLICATED;

/// How many wait. Naming a key as ready costs a look into tables of the server.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether any client waits.
#[inline]
pub(crate) fn is_anyone_waiting() -> bool {
    COUNT.load(Relaxed) != 0
}

/// Whether the client of this call can wait.
///
/// # Safety
/// `ctx` is the context of the running callback.
pub(crate) unsafe fn can_wait(api: &Api, ctx: *mut raw::Ctx) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (api.context_flags)(ctx) }.cast_unsigned() & CANNOT == 0
}

/// Answers, if it can; with true it must, as the time is up.
type Ask = Box<dyn FnMut(&[u8], *mut raw::Ctx, bool, &mut dyn Reply) -> bool + Send>;

/// A client that waits, as the server keeps it.
pub(crate) struct Waiting {
    key: Vec<u8>,
    ask: Ask,
}

impl Waiting {
    pub(crate) fn new<V: DataType>(
        key: &[u8],
        mut attempt: impl FnMut(Option<&V>, &mut dyn Reply) -> bool + Send + 'static,
        mut late: impl FnMut(Option<&V>, &mut dyn Reply) + Send + 'static,
    ) -> Self {
        let ask = move |key: &[u8], ctx: *mut raw::Ctx, is_late: bool, reply: &mut dyn Reply| {
            // SAFETY: the context of the callback that asks; no word is used.
            let mut context = unsafe { Context::<V>::new(ctx, &[]) };
            // What is no value of this type counts as none.
            let value = context.read(Arg::named(key)).unwrap_or(None);
            if is_late {
                late(value, reply);
                return true;
            }
            attempt(value, reply)
        };
        Self { key: key.to_vec(), ask: Box::new(ask) }
    }

    /// Blocks the client of this call; whether the server does.
    ///
    /// # Safety
    /// `ctx` is the context of the running command, which writes no reply after this; `word` is a
    /// string of the server's, alive for this call.
    pub(crate) unsafe fn block(
        self,
        api: &Api,
        ctx: *mut raw::Ctx,
        word: *mut raw::Word,
        timeout_ms: u64,
    ) -> bool {
        let timeout_ms = c_longlong::try_from(timeout_ms).unwrap_or(c_longlong::MAX / 2);
        // The server adds it to the present time.
        let timeout_ms = timeout_ms.min(c_longlong::MAX / 2);
        let mut keys = [word];
        let data = Box::into_raw(Box::new(self)).cast::<c_void>();
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise; the server copies the key and frees the data by `forget`.
        let client = unsafe {
            (api.block_on_keys)(
                ctx,
                Some(ready),
                Some(late),
                Some(forget),
                timeout_ms,
                keys.as_mut_ptr(),
                1,
                data,
            )
        };
        if client.is_null() {
            // SAFETY: made above; the server did not take it.
            unsafe { forget(ctx, data) };
        }
        !client.is_null()
    }
}

/// Asks the waiting client of this callback; whether it is answered.
///
/// # Safety
/// `ctx` is the context of a callback of a client that `block` blocked.
unsafe fn ask(ctx: *mut raw::Ctx, is_late: bool) -> bool {
    // SAFETY: a callback runs, so that the table is filled; the data is what `block` gave.
    let (waiting, mut reply) = unsafe {
        let data = (raw::api().blocked_private_data)(ctx).cast::<Waiting>();
        (data.as_mut(), ClientReply::new(ctx))
    };
    let Some(Waiting { key, ask }) = waiting else { return false };
    let answered = guard("a client that waits", || ask(key, ctx, is_late, &mut reply));
    if answered == Some(false) {
        reply.leave();
        return false;
    }
    reply.end();
    true
}

/// # Safety
/// Called by the server, on the main thread; likewise below.
unsafe extern "C" fn ready(ctx: *mut raw::Ctx, _: *mut *mut raw::Word, _: c_int) -> c_int {
    // SAFETY: see above.
    if unsafe { ask(ctx, false) } { raw::OK } else { raw::ERR }
}

unsafe extern "C" fn late(ctx: *mut raw::Ctx, _: *mut *mut raw::Word, _: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { ask(ctx, true) };
    raw::OK
}

/// Called once for each client, whatever became of it.
unsafe extern "C" fn forget(_: *mut raw::Ctx, data: *mut c_void) {
    COUNT.fetch_sub(1, Relaxed);
    // SAFETY: what `block` gave.
    guard("a client that waited", || drop(unsafe { Box::from_raw(data.cast::<Waiting>()) }));
}
