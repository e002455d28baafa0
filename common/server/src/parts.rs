//! Whether many lines may be replied as one simple string.
//!
//! Valkey's `RM_ReplyWithSimpleString` writes `+`, the text as it is, and the end of a line (observed:
//! 8.0.1, 8.1.1, 9.1.2; also to scripts, transactions, and clients that were blocked). So a text with
//! ends of lines in it is several replies, for the price of one call. Redis makes blanks of them (7.0,
//! 8.0.2 and 8.6.3 as Debian has them): there each line stays a call.
//!
//! A server that changed the text would break the client's stream, and the next release may. So before
//! the first time the server is asked, by a call of one of the module's own commands, which then
//! answers with such a text instead of doing what it does; INFO COMMANDSTATS counts that call.

use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::slice;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::entry::{Entry, fits};
use crate::raw::{self, Api};

use keyspan_common::command::Keys;

/// Nobody asked.
const UNKNOWN: u8 = 0;
/// The call is under way.
const ASKING: u8 = 1;
const TAKEN: u8 = 2;
const REFUSED: u8 = 3;

/// What is known. Changed under the server's lock alone, like everything a command does.
static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// The command that is called.
static ASKED: OnceLock<CString> = OnceLock::new();

/// What it answers: an array of four lines, written with two calls.
const LINES: c_int = 4;
const TEXT: &CStr = c"a\r\n*1\r\n:-1\r\n+b\r\n+";
const EXPECTED: &[u8] = b"*4\r\n+a\r\n*1\r\n:-1\r\n+b\r\n+\r\n";

/// Picks the command to call: one without keys, which a cluster's node runs wherever keys are, of two
/// words.
pub(crate) fn pick(commands: &[Entry]) {
    let can_be = |entry: &&Entry| matches!(entry.row.keys, Keys::None) && fits(entry.row.arity, 2);
    if let Some(entry) = commands.iter().find(can_be)
        && let Ok(name) = CString::new(entry.row.name)
    {
        ASKED.get_or_init(|| name);
    }
}

/// Whether lines may be replied together.
///
/// # Safety
/// `ctx` is the context of the running callback.
#[inline]
pub(crate) unsafe fn are_taken(api: &Api, ctx: *mut raw::Ctx) -> bool {
    match STATE.load(Relaxed) {
        TAKEN => true,
        // SAFETY: the caller's promise.
        UNKNOWN => unsafe { ask(api, ctx) },
        _ => false,
    }
}

/// # Safety
/// As for [`are_taken`].
#[cold]
unsafe fn ask(api: &Api, ctx: *mut raw::Ctx) -> bool {
    let Some(command) = ASKED.get() else { return false };
    STATE.store(ASKING, Relaxed);
    // SAFETY: the caller's promise; a format with its one text; the reply's bytes live as long as it.
    let is_taken = unsafe {
        let reply = (api.call)(ctx, command.as_ptr(), c"c".as_ptr(), c"".as_ptr());
        let found = !reply.is_null() && bytes_of(api, reply) == EXPECTED;
        if !reply.is_null() {
            (api.free_call_reply)(reply);
        }
        found
    };
    STATE.store(if is_taken { TAKEN } else { REFUSED }, Relaxed);
    is_taken
}

/// # Safety
/// `reply` is a whole reply, not freed while the bytes are in use.
unsafe fn bytes_of<'reply>(api: &Api, reply: *mut raw::CallReply) -> &'reply [u8] {
    let mut len = 0;
    // SAFETY: the caller's promise, and a place for the length.
    unsafe {
        let start = (api.call_reply_bytes)(reply, ptr::from_mut(&mut len));
        if start.is_null() { &[] } else { slice::from_raw_parts(start.cast(), len) }
    }
}

/// Whether the command that is running was called to find out, and answered.
///
/// # Safety
/// `ctx` is the context of the call of a command that wrote nothing.
#[inline]
pub(crate) unsafe fn answer(api: &Api, ctx: *mut raw::Ctx) -> bool {
    let is_asked = STATE.load(Relaxed) == ASKING;
    if is_asked {
        // SAFETY: the caller's promise.
        unsafe {
            (api.reply_array)(ctx, LINES.into());
            (api.reply_simple)(ctx, TEXT.as_ptr());
        }
    }
    is_asked
}
