//! The server as a callback sees it that works on keys of any type: [`Server`].

use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::ptr::null_mut;

use keyspan_common::data_type::DataType;
use redis_module::raw::{
    REDISMODULE_CTX_FLAGS_CLUSTER, REDISMODULE_CTX_FLAGS_LOADING, REDISMODULE_CTX_FLAGS_LUA,
    REDISMODULE_CTX_FLAGS_REPLICATED, REDISMODULE_CTX_FLAGS_SLAVE, mstime_t,
};

use crate::guard::guard;
use crate::key::{Name, OpenKey};
use crate::raw::{self, Api};
use crate::replication::To;
use crate::{acl, replication, value};

/// The server during one callback on its main thread.
///
/// Cannot be kept: it lives as long as the callback runs.
#[derive(Debug)]
pub struct Server<'call> {
    pub(crate) api: &'static Api,
    pub(crate) ctx: *mut raw::Ctx,
    call: PhantomData<&'call ()>,
}

impl Server<'_> {
    /// # Safety
    /// `ctx` is the context of the running callback, alive as long as the value is used, and the
    /// table is filled.
    pub(crate) unsafe fn new(ctx: *mut raw::Ctx) -> Self {
        // SAFETY: the caller's promise.
        Self { api: unsafe { raw::api() }, ctx, call: PhantomData }
    }

    fn has_flags(&self, flags: u32) -> bool {
        // SAFETY: the context of the running callback; likewise in this whole block.
        unsafe { (self.api.context_flags)(self.ctx) }.cast_unsigned() & flags != 0
    }

    /// Whether the command comes from a primary or from the AOF, and must be obeyed.
    pub fn is_replicated(&self) -> bool {
        self.has_flags(REDISMODULE_CTX_FLAGS_LOADING | REDISMODULE_CTX_FLAGS_REPLICATED)
    }

    /// Whether this server follows a primary, which decides when keys expire.
    pub fn is_replica(&self) -> bool {
        self.has_flags(REDISMODULE_CTX_FLAGS_SLAVE)
    }

    /// Whether this server is a node of a cluster.
    pub fn is_cluster(&self) -> bool {
        self.has_flags(REDISMODULE_CTX_FLAGS_CLUSTER)
    }

    /// The number of the database that is selected.
    pub fn database(&self) -> c_int {
        // SAFETY: see above.
        unsafe { (self.api.selected_db)(self.ctx) }
    }

    /// Whether a script runs.
    pub(crate) fn is_script(&self) -> bool {
        self.has_flags(REDISMODULE_CTX_FLAGS_LUA)
    }

    /// Selects another database.
    pub(crate) fn go(&self, database: c_int) {
        // SAFETY: see above.
        unsafe { (self.api.select_db)(self.ctx, database) };
    }

    /// Runs `body` with another database selected, and selects the old one again.
    pub fn in_database<T>(&self, number: c_int, body: impl FnOnce(&Self) -> T) -> T {
        let before = self.database();
        if before == number {
            return body(self);
        }
        self.go(number);
        let outcome = body(self);
        self.go(before);
        outcome
    }

    /// Keys in the selected database.
    pub fn key_count(&self) -> u64 {
        // SAFETY: see above.
        unsafe { (self.api.db_size)(self.ctx) }
    }

    /// Opens a key for reading. Nothing is noted of it: no hit, no access, no expiry. `None` if
    /// there is no such key.
    pub fn open(&self, key: &[u8]) -> Option<OpenKey<'_>> {
        let name = Name::new(self.api, key);
        OpenKey::open(self, &name)
    }

    /// What `body` makes of the value at a key, `None` if there is none of type `V`. Nothing is noted
    /// of it, and nobody is told of what `body` changes.
    pub fn with_value<V: DataType, T>(
        &self,
        key: &[u8],
        body: impl FnOnce(&mut V) -> T,
    ) -> Option<T> {
        let open = self.open(key)?;
        // SAFETY: the key is open.
        let kind = unsafe { (self.api.module_type)(open.raw()) };
        if kind.is_null() || !value::is_type_of::<V>(kind) {
            return None;
        }
        // SAFETY: the key is open and holds a value of the type registered for `V`, which nobody else
        // borrows: no command runs while a callback does.
        let value = unsafe { (self.api.module_value)(open.raw()).cast::<V>().as_mut() };
        value.map(body)
    }

    /// Whether a file is being loaded.
    pub fn is_loading(&self) -> bool {
        self.has_flags(REDISMODULE_CTX_FLAGS_LOADING)
    }

    /// Tells watchers and tracking clients that what is called `name` changed.
    pub fn signal(&self, name: &[u8]) {
        let name = Name::new(self.api, name);
        // SAFETY: see above; a string of the server's.
        unsafe { (self.api.signal_modified_key)(self.ctx, name.word()) };
    }

    /// Deletes a key as DEL does: with its event, on replicas and in the AOF too.
    pub fn delete(&self, key: &[u8]) {
        let (name, format) = (c"DEL".as_ptr(), c"!b".as_ptr());
        // SAFETY: see above; "b" is followed by a buffer and its length, and the reply is freed.
        unsafe {
            let reply = (self.api.call)(self.ctx, name, format, key.as_ptr(), key.len());
            if !reply.is_null() {
                (self.api.free_call_reply)(reply);
            }
        }
    }

    /// Hands the running command to replicas and to the AOF as it was received.
    pub fn replicate(&self) {
        // SAFETY: see above.
        unsafe { (self.api.replicate_verbatim)(self.ctx) };
    }

    /// Hands replicas and the AOF `command` with `args`.
    pub fn replicate_as(&self, command: &str, args: &[&[u8]]) {
        // SAFETY: see above.
        unsafe { replication::replicate(self.api, self.ctx, To::All, command, args) };
    }

    /// Hands the AOF alone `command` with `args`.
    pub(crate) fn log_as(&self, command: &str, args: &[&[u8]]) {
        // SAFETY: see above.
        unsafe { replication::replicate(self.api, self.ctx, To::Log, command, args) };
    }

    /// Whether the user of this call may read every key that begins with one of `prefixes`.
    pub fn may_read<'a>(&self, prefixes: impl Iterator<Item = &'a [u8]>) -> bool {
        // SAFETY: see above.
        unsafe { acl::may_read(self.api, self.ctx, prefixes) }
    }

    /// The function another module shares under this name, null if there is none.
    pub(crate) fn shared(&self, name: &std::ffi::CStr) -> *mut c_void {
        // SAFETY: see above; a text that ends in NUL.
        unsafe { (self.api.shared)(self.ctx, name.as_ptr()) }
    }

    /// Runs `body` on the main thread in `delay_ms` milliseconds.
    pub fn after(&self, delay_ms: u32, body: impl FnOnce(&Server<'_>) + Send + 'static) {
        let body: Later = Box::new(body);
        let data = Box::into_raw(Box::new(body)).cast::<c_void>();
        // SAFETY: see above; the timer, which runs once, takes the data back.
        unsafe { (self.api.create_timer)(self.ctx, mstime_t::from(delay_ms), Some(ring), data) };
    }
}

/// What a timer runs.
type Later = Box<dyn FnOnce(&Server<'_>) + Send>;

/// # Safety
/// Called by the server, once for each timer, with the data `after` gave.
unsafe extern "C" fn ring(ctx: *mut raw::Ctx, data: *mut c_void) {
    guard("a timer", || {
        // SAFETY: see above.
        let (server, body) = unsafe { (Server::new(ctx), Box::from_raw(data.cast::<Later>())) };
        body(&server);
    });
}

/// A walk over all keys of a database, in slices.
///
/// Keys that are there from its beginning to its end are visited, some of them more than once.
#[derive(Debug)]
pub struct Scan {
    api: &'static Api,
    cursor: *mut raw::ScanCursor,
}

// SAFETY: a cursor is a number in a block of memory; it is only used with a `Server`, that is, on
// the main thread, and freed by the server's allocator on any.
unsafe impl Send for Scan {}

/// What the callback of a scan is given.
struct Visit<'a> {
    each: &'a mut dyn FnMut(&Server<'_>, &[u8]),
}

impl Scan {
    /// At the beginning.
    pub fn new(server: &Server<'_>) -> Self {
        // SAFETY: makes a cursor.
        Self { api: server.api, cursor: unsafe { (server.api.scan_cursor)() } }
    }

    /// Visits a few keys of the selected database. False if the walk is at its end.
    pub fn step(&mut self, server: &Server<'_>, each: &mut dyn FnMut(&Server<'_>, &[u8])) -> bool {
        if self.cursor.is_null() {
            return false;
        }
        let mut visit = Visit { each };
        let data = (&raw mut visit).cast::<c_void>();
        // SAFETY: the running callback's context; `visit` outlives the call.
        unsafe { (self.api.scan)(server.ctx, self.cursor, Some(visit_key), data) != 0 }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if !self.cursor.is_null() {
            // SAFETY: made by `new`, freed once.
            unsafe { (self.api.free_scan_cursor)(self.cursor) };
        }
    }
}

/// # Safety
/// Called by the server within [`Scan::step`], with its data.
unsafe extern "C" fn visit_key(
    ctx: *mut raw::Ctx,
    name: *mut raw::Word,
    _key: *mut raw::Key,
    data: *mut c_void,
) {
    guard("a scan", || {
        // SAFETY: see above; the name lives for the call.
        unsafe {
            let server = Server::new(ctx);
            let visit = &mut *data.cast::<Visit<'_>>();
            let name = crate::key::bytes_of(server.api, name);
            (visit.each)(&server, name);
        }
    });
}

/// A null context, for functions that take any.
pub(crate) const NO_CONTEXT: *mut raw::Ctx = null_mut();
