//! Keys of types that are not the module's: opened for reading, without a trace.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use redis_module::raw::{
    REDISMODULE_HASH_NONE, REDISMODULE_KEYTYPE_HASH, REDISMODULE_KEYTYPE_MODULE,
    REDISMODULE_OPEN_KEY_NOEFFECTS, REDISMODULE_OPEN_KEY_NONOTIFY, REDISMODULE_OPEN_KEY_NOSTATS,
    REDISMODULE_OPEN_KEY_NOTOUCH, REDISMODULE_READ,
};

use crate::guard::guard;
use crate::raw::{self, Api};
use crate::server::{NO_CONTEXT, Server};

/// Flags a server does not know it ignores (Redis 7.0 knows only that of touching).
const QUIETLY: c_int = (REDISMODULE_READ
    | REDISMODULE_OPEN_KEY_NOTOUCH
    | REDISMODULE_OPEN_KEY_NONOTIFY
    | REDISMODULE_OPEN_KEY_NOSTATS
    | REDISMODULE_OPEN_KEY_NOEFFECTS)
    .cast_signed();
const HASH: c_int = raw::code(REDISMODULE_KEYTYPE_HASH);
const MODULE: c_int = raw::code(REDISMODULE_KEYTYPE_MODULE);

/// The bytes of a string of the server's.
///
/// # Safety
/// `word` lives and stays as it is for `'a`.
pub(crate) unsafe fn bytes_of<'a>(api: &Api, word: *const raw::Word) -> &'a [u8] {
    let mut len = 0;
    // SAFETY: the caller's promise.
    unsafe {
        let start = (api.string_ptr_len)(word, &raw mut len);
        std::slice::from_raw_parts(start.cast(), len)
    }
}

/// A string of the server's that this crate made or was given; freed on drop, on the main thread.
#[derive(Debug)]
pub struct Name {
    api: &'static Api,
    word: *mut raw::Word,
}

impl Name {
    pub(crate) fn new(api: &'static Api, bytes: &[u8]) -> Self {
        // SAFETY: the server copies the bytes.
        let word = unsafe { (api.create_string)(NO_CONTEXT, bytes.as_ptr().cast(), bytes.len()) };
        Self { api, word }
    }

    pub(crate) fn word(&self) -> *mut raw::Word {
        self.word
    }
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: owned, and never changed.
        unsafe { bytes_of(self.api, self.word) }
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { (self.api.free_string)(NO_CONTEXT, self.word) };
    }
}

/// What an open key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A hash.
    Hash,
    /// A value of a module's type.
    Module,
    /// Anything else.
    Other,
}

/// An open key, closed on drop.
#[derive(Debug)]
pub struct OpenKey<'call> {
    server: &'call Server<'call>,
    key: *mut raw::Key,
}

impl<'call> OpenKey<'call> {
    pub(crate) fn open(server: &'call Server<'call>, name: &Name) -> Option<Self> {
        // SAFETY: the context of the running callback.
        let key = unsafe { (server.api.open_key)(server.ctx, name.word(), QUIETLY) };
        (!key.is_null()).then(|| Self { server, key })
    }

    /// What it holds.
    pub fn held(&self) -> Held {
        // SAFETY: the key is open; likewise below.
        match unsafe { (self.server.api.key_type)(self.key) } {
            HASH => Held::Hash,
            MODULE => Held::Module,
            _ => Held::Other,
        }
    }

    /// The key's handle, for another module's functions.
    pub(crate) fn raw(&self) -> *mut raw::Key {
        self.key
    }

    /// The server it is open in.
    pub(crate) fn server(&self) -> &'call Server<'call> {
        self.server
    }

    /// The value of a field of a hash; `None` of anything else.
    pub fn field(&self, name: &Name) -> Option<Name> {
        if self.held() != Held::Hash {
            return None;
        }
        let api = self.server.api;
        let mut value: *mut raw::Word = null_mut();
        let end = null_mut::<c_void>();
        let flags = REDISMODULE_HASH_NONE.cast_signed();
        // SAFETY: pairs of a name and a place for the value, ended by null. The value is ours.
        unsafe { (api.hash_get)(self.key, flags, name.word(), &raw mut value, end) };
        (!value.is_null()).then(|| Name { api, word: value })
    }

    /// The name of a field, which may be asked for of many keys.
    pub fn name(&self, bytes: &[u8]) -> Name {
        Name::new(self.server.api, bytes)
    }

    /// Calls `each` with the fields of a hash and their values, in the server's order.
    pub fn fields(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        if self.held() != Held::Hash {
            return;
        }
        let api = self.server.api;
        let mut visit = Visit { each };
        let data = (&raw mut visit).cast::<c_void>();
        // SAFETY: a cursor made and freed here; `visit` outlives the calls.
        unsafe {
            let cursor = (api.scan_cursor)();
            while (api.scan_key)(self.key, cursor, Some(visit_field), data) != 0 {}
            (api.free_scan_cursor)(cursor);
        }
    }
}

impl Drop for OpenKey<'_> {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once.
        unsafe { (self.server.api.close_key)(self.key) };
    }
}

struct Visit<'a> {
    each: &'a mut dyn FnMut(&[u8], &[u8]),
}

/// # Safety
/// Called by the server within [`OpenKey::fields`], with its data. A server calls it for elements
/// without a value too, of other types.
unsafe extern "C" fn visit_field(
    _key: *mut raw::Key,
    field: *mut raw::Word,
    value: *mut raw::Word,
    data: *mut c_void,
) {
    if value.is_null() {
        return;
    }
    guard("a hash", || {
        // SAFETY: see above; both strings live for the call.
        unsafe {
            let (api, visit) = (raw::api(), &mut *data.cast::<Visit<'_>>());
            (visit.each)(bytes_of(api, field), bytes_of(api, value));
        }
    });
}
