//! The keyspace as one call of a command sees it.

use std::ffi::c_int;
use std::marker::PhantomData;

use keyspan_common::{
    args::Arg,
    data_type::DataType,
    host::{Host, WrongType},
    reply::Reply,
};
use redis_module::raw::{
    REDISMODULE_CTX_FLAGS_LOADING, REDISMODULE_CTX_FLAGS_REPLICATED, REDISMODULE_KEYTYPE_EMPTY,
    REDISMODULE_NOTIFY_MODULE, REDISMODULE_READ, REDISMODULE_WRITE,
};

use crate::key::Name;
use crate::raw::{self, Api};
use crate::replication::To;
use crate::text::with_c_str;
use crate::wait::{self, Waiting};
use crate::{acl, job, replication, value};

const READ: c_int = REDISMODULE_READ.cast_signed();
const READ_WRITE: c_int = (REDISMODULE_READ | REDISMODULE_WRITE).cast_signed();
/// A command of the AOF or of the primary.
const OBEYED: u32 = REDISMODULE_CTX_FLAGS_LOADING | REDISMODULE_CTX_FLAGS_REPLICATED;
const EMPTY: c_int = raw::code(REDISMODULE_KEYTYPE_EMPTY);

/// One call of a command on values of type `V`.
///
/// Every key is closed again before a method returns. A value outlives its key's handle: it is
/// freed only by a command, on this thread, and a reference to it borrows the whole context.
pub(crate) struct Context<'call, V> {
    api: &'static Api,
    ctx: *mut raw::Ctx,
    words: &'call [*mut raw::Word],
    blocked: bool,
    value: PhantomData<V>,
}

/// A string of the server's for a key.
enum Word {
    /// A word of the command line.
    Given(*mut raw::Word),
    /// Made for a key that no word names.
    Made(Name),
}

impl Word {
    #[inline]
    fn raw(&self) -> *mut raw::Word {
        match self {
            Self::Given(word) => *word,
            Self::Made(name) => name.word(),
        }
    }
}

/// An open key, closed on drop.
struct OpenKey {
    api: &'static Api,
    key: *mut raw::Key,
}

impl Drop for OpenKey {
    fn drop(&mut self) {
        // SAFETY: opened by this context; a null key is ignored by the server.
        unsafe { (self.api.close_key)(self.key) };
    }
}

impl<'call, V: DataType> Context<'call, V> {
    /// # Safety
    /// `ctx` and `words` are those of the running callback, and the table is filled.
    pub(crate) unsafe fn new(ctx: *mut raw::Ctx, words: &'call [*mut raw::Word]) -> Self {
        // SAFETY: the caller's promise.
        Self { api: unsafe { raw::api() }, ctx, words, blocked: false, value: PhantomData }
    }

    /// Whether the client waits for a job, which will answer it.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// The server's own string for a word, or one made for a key that no word names.
    #[inline]
    fn word(&self, key: Arg<'_>) -> Word {
        match self.words.get(key.position) {
            Some(word) => Word::Given(*word),
            None => Word::Made(Name::new(self.api, key.bytes)),
        }
    }

    /// Opens a key, `None` if it does not exist and is opened for reading only.
    #[inline]
    fn open(&self, key: Arg<'_>, mode: c_int) -> Option<OpenKey> {
        let word = self.word(key);
        // SAFETY: the context of the running callback and a string of the server's.
        let key = unsafe { (self.api.open_key)(self.ctx, word.raw(), mode) };
        (!key.is_null()).then_some(OpenKey { api: self.api, key })
    }

    /// The value at a key, `None` if there is none.
    #[inline]
    fn stored(&self, key: Arg<'_>, mode: c_int) -> Result<Option<*mut V>, WrongType> {
        let Some(open) = self.open(key, mode) else { return Ok(None) };
        // SAFETY: the key is open.
        let found = unsafe { (self.api.module_type)(open.key) };
        if found.is_null() || !value::is_type_of::<V>(found) {
            // SAFETY: the key is open.
            let kind = unsafe { (self.api.key_type)(open.key) };
            return if kind == EMPTY { Ok(None) } else { Err(WrongType) };
        }
        // SAFETY: the key is open and holds a value of the type registered for `V`.
        Ok(Some(unsafe { (self.api.module_value)(open.key) }.cast()))
    }
}

impl<V: DataType> Host<V> for Context<'_, V> {
    #[inline]
    fn read(&mut self, key: Arg<'_>) -> Result<Option<&V>, WrongType> {
        // SAFETY: alive while the context is borrowed, see the type.
        Ok(self.stored(key, READ)?.map(|value| unsafe { &*value }))
    }

    #[inline]
    fn write(&mut self, key: Arg<'_>) -> Result<Option<&mut V>, WrongType> {
        // SAFETY: alive while the context is borrowed, and borrowed only by it.
        Ok(self.stored(key, READ_WRITE)?.map(|value| unsafe { &mut *value }))
    }

    fn insert(&mut self, key: Arg<'_>, value: V) {
        let Some(open) = self.open(key, READ_WRITE) else { return };
        let kind = value::registered(&value);
        let stored = value::give(value);
        // SAFETY: the key is open for writing; the value belongs to the server if it takes it.
        unsafe {
            if (self.api.set_module_value)(open.key, kind, stored) != raw::OK {
                drop(value::take::<V>(stored));
            }
        }
    }

    fn remove(&mut self, key: Arg<'_>) {
        if let Some(open) = self.open(key, READ_WRITE) {
            // SAFETY: the key is open for writing.
            unsafe { (self.api.delete_key)(open.key) };
        }
    }

    fn changed(&mut self, key: Arg<'_>, event: &'static str) {
        let word = self.word(key);
        with_c_str(event, |event| {
            // SAFETY: the context of the running callback, a string of the server's, a text with NUL.
            unsafe {
                (self.api.signal_modified_key)(self.ctx, word.raw());
                (self.api.notify)(self.ctx, REDISMODULE_NOTIFY_MODULE, event, word.raw());
            }
        });
    }

    fn touched(&mut self, key: Arg<'_>) {
        let word = self.word(key);
        // SAFETY: the context of the running callback and a string of the server's.
        unsafe { (self.api.signal_modified_key)(self.ctx, word.raw()) };
    }

    fn replicate(&mut self) {
        // SAFETY: the context of the running callback.
        unsafe { (self.api.replicate_verbatim)(self.ctx) };
    }

    fn replicate_as(&mut self, command: &'static str, args: &[&[u8]]) {
        // SAFETY: the context of the running callback.
        unsafe { replication::replicate(self.api, self.ctx, To::All, command, args) };
    }

    fn is_replicated(&self) -> bool {
        // SAFETY: the context of the running callback.
        let flags = unsafe { (self.api.context_flags)(self.ctx) };
        flags.cast_unsigned() & OBEYED != 0
    }

    fn database(&self) -> i32 {
        // SAFETY: the context of the running callback.
        unsafe { (self.api.selected_db)(self.ctx) }
    }

    fn may_read_keys(&self, keys: &mut dyn Iterator<Item = &[u8]>) -> bool {
        // SAFETY: the context of the running callback.
        unsafe { acl::may_read_keys(self.api, self.ctx, keys) }
    }

    fn can_wait(&self) -> bool {
        // SAFETY: the context of the running callback.
        unsafe { wait::can_wait(self.api, self.ctx) }
    }

    fn wait(
        &mut self,
        key: Arg<'_>,
        timeout_ms: u64,
        attempt: impl FnMut(Option<&V>, &mut dyn Reply) -> bool + Send + 'static,
        late: impl FnMut(Option<&V>, &mut dyn Reply) + Send + 'static,
    ) {
        let word = self.word(key);
        let waiting = Waiting::new::<V>(key.bytes, attempt, late);
        // SAFETY: the context of the running callback, which writes no reply after this.
        self.blocked = unsafe { waiting.block(self.api, self.ctx, word.raw(), timeout_ms) };
    }

    fn wake(&mut self, key: Arg<'_>) {
        if wait::is_anyone_waiting() {
            let word = self.word(key);
            // SAFETY: the context of the running callback and a string of the server's.
            unsafe { (self.api.signal_key_as_ready)(self.ctx, word.raw()) };
        }
    }

    fn spawn<T: Send + 'static>(
        &mut self,
        reply: &mut dyn Reply,
        job: impl FnOnce() -> T + Send + 'static,
        finish: impl FnOnce(T, &mut dyn Reply) + Send + 'static,
    ) {
        // SAFETY: the context of the running callback.
        let blocking = unsafe { job::Blocking::of(self.ctx) };
        match blocking {
            Some(blocking) => {
                self.blocked = true;
                blocking.run(job, finish);
            }
            None => finish(job(), reply),
        }
    }
}
