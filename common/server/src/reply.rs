//! A reply written straight to the client.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_long};

use keyspan_common::{lines::Part, reply::Reply};
use redis_module::raw::REDISMODULE_CTX_FLAGS_RESP3;

use crate::parts;
use crate::raw::{self, Api};
use crate::text::{with_c_str, with_line};

/// The text of a panic that reached the guard, and of a command that broke its own reply.
const INTERNAL_ERROR: &str = "ERR internal error, please report it";

/// Writes one reply to one client.
///
/// What RESP2 lacks the servers convert themselves, all of those supported alike: a map to an array
/// of keys and values, a set to an array, a boolean to an integer, the others to bulk strings.
///
/// The writer counts how many replies it still owes, so that a command that fails halfway, or
/// writes too much, cannot break the stream for the client: [`ClientReply::end`] fills the rest.
pub(crate) struct ClientReply {
    api: &'static Api,
    ctx: *mut raw::Ctx,
    /// Replies owed: 1 at first, `n` more behind each array of `n`, one less behind each reply.
    owed: u64,
    /// Whether the client speaks RESP3, once asked: asking costs more than most replies.
    resp3: Cell<Option<bool>>,
}

impl ClientReply {
    /// # Safety
    /// `ctx` is the context of the running callback, and the table is filled.
    pub(crate) unsafe fn new(ctx: *mut raw::Ctx) -> Self {
        // SAFETY: the caller's promise.
        Self { api: unsafe { raw::api() }, ctx, owed: 1, resp3: Cell::new(None) }
    }

    /// Nothing more is owed: another callback answers.
    pub(crate) fn leave(&mut self) {
        self.owed = 0;
    }

    /// Completes a reply whose command stopped before its end: an error, then nulls.
    #[inline]
    pub(crate) fn end(&mut self) {
        if self.owed != 0 {
            self.fill();
        }
    }

    #[cold]
    fn fill(&mut self) {
        self.error(INTERNAL_ERROR);
        while self.owed != 0 {
            self.null();
        }
    }

    /// Counts one reply that is followed by `within` replies of its own; `false` if none is owed.
    #[inline]
    fn owes(&mut self, within: usize) -> bool {
        let owes = self.owed != 0;
        if owes {
            self.owed = self.owed - 1 + within as u64;
        }
        owes
    }

    #[inline]
    fn plain(&mut self, write: unsafe extern "C" fn(*mut raw::Ctx) -> c_int) {
        if self.owes(0) {
            // SAFETY: the context of the running callback.
            unsafe { write(self.ctx) };
        }
    }

    #[inline]
    fn buffer(
        &mut self,
        write: unsafe extern "C" fn(*mut raw::Ctx, *const c_char, usize) -> c_int,
        bytes: &[u8],
    ) {
        if self.owes(0) {
            // SAFETY: the context of the running callback; the server copies the bytes.
            unsafe { write(self.ctx, bytes.as_ptr().cast(), bytes.len()) };
        }
    }

    #[inline]
    fn aggregate(
        &mut self,
        write: unsafe extern "C" fn(*mut raw::Ctx, c_long) -> c_int,
        len: usize,
        within: usize,
    ) {
        // No reply is as long as `c_long::MAX`; a length over it would be a broken command's.
        let Ok(len) = c_long::try_from(len) else { return };
        if self.owes(within) {
            // SAFETY: the context of the running callback.
            unsafe { write(self.ctx, len) };
        }
    }
}

impl Reply for ClientReply {
    fn is_resp3(&self) -> bool {
        if let Some(known) = self.resp3.get() {
            return known;
        }
        // SAFETY: the context of the running callback.
        let flags = unsafe { (self.api.context_flags)(self.ctx) };
        let resp3 = flags.cast_unsigned() & REDISMODULE_CTX_FLAGS_RESP3 != 0;
        self.resp3.set(Some(resp3));
        resp3
    }

    fn null(&mut self) {
        self.plain(self.api.reply_null);
    }

    fn null_array(&mut self) {
        self.plain(self.api.reply_null_array);
    }

    #[cold]
    fn error(&mut self, text: &str) {
        if self.owes(0) {
            with_c_str(text, |text| {
                // SAFETY: the context of the running callback and a text that ends in NUL.
                unsafe { (self.api.reply_error)(self.ctx, text) };
            });
        }
    }

    fn simple(&mut self, text: &'static str) {
        if self.owes(0) {
            with_c_str(text, |text| {
                // SAFETY: the context of the running callback and a text that ends in NUL.
                unsafe { (self.api.reply_simple)(self.ctx, text) };
            });
        }
    }

    fn line(&mut self, text: &[u8]) {
        if self.owes(0) {
            with_line(text, |text| {
                // SAFETY: the context of the running callback and a text that ends in NUL.
                unsafe { (self.api.reply_simple)(self.ctx, text) };
            });
        }
    }

    #[inline]
    fn bulk(&mut self, bytes: &[u8]) {
        self.buffer(self.api.reply_bulk, bytes);
    }

    #[inline]
    fn integer(&mut self, number: i64) {
        if self.owes(0) {
            // SAFETY: the context of the running callback.
            unsafe { (self.api.reply_integer)(self.ctx, number) };
        }
    }

    fn double(&mut self, number: f64) {
        if self.owes(0) {
            // SAFETY: the context of the running callback.
            unsafe { (self.api.reply_double)(self.ctx, number) };
        }
    }

    fn takes_parts(&mut self) -> bool {
        // SAFETY: the context of the running callback.
        !self.is_resp3() && unsafe { parts::are_taken(self.api, self.ctx) }
    }

    fn part(&mut self, part: &mut Part) {
        let Some(owed) = part.owed_behind(self.owed) else { return };
        if let Ok(text) = CStr::from_bytes_with_nul(part.c_text()) {
            // SAFETY: the context of the running callback.
            unsafe { (self.api.reply_simple)(self.ctx, text.as_ptr()) };
            self.owed = owed;
        }
    }

    fn boolean(&mut self, value: bool) {
        if self.owes(0) {
            // SAFETY: the context of the running callback.
            unsafe { (self.api.reply_bool)(self.ctx, c_int::from(value)) };
        }
    }

    fn big_number(&mut self, digits: &str) {
        self.buffer(self.api.reply_big_number, digits.as_bytes());
    }

    #[inline]
    fn array(&mut self, len: usize) {
        self.aggregate(self.api.reply_array, len, len);
    }

    fn map(&mut self, len: usize) {
        self.aggregate(self.api.reply_map, len, len.saturating_mul(2));
    }

    fn set(&mut self, len: usize) {
        self.aggregate(self.api.reply_set, len, len);
    }

    fn ok(&mut self) {
        if self.owes(0) {
            // SAFETY: the context of the running callback and a literal that ends in NUL.
            unsafe { (self.api.reply_simple)(self.ctx, c"OK".as_ptr()) };
        }
    }
}
