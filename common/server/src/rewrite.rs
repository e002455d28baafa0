//! An append-only file that is rewritten as commands.
//!
//! Records beside the keys are in RDB files, and in append-only files with an RDB preamble. Without
//! one only keys are rewritten, each by its type. But a server opens the file for the commands to come
//! before it forks, and reads it behind the keys: what is replicated from the fork on stands in the new
//! file, whatever was in the old ones.

use std::ffi::{CStr, c_int};
use std::slice;

use crate::raw::{self, CallReply};
use crate::server::Server;

/// Whether the process that was just forked rewrites the append-only file, and as commands.
pub(crate) fn is_as_commands(server: &Server<'_>) -> bool {
    is_rewriting(server) && setting_is(server, c"aof-use-rdb-preamble", b"no")
}

fn is_rewriting(server: &Server<'_>) -> bool {
    let Server { api, ctx, .. } = *server;
    let mut error: c_int = raw::OK;
    // SAFETY: the context of the running callback; what it gives is freed here.
    unsafe {
        let info = (api.server_info)(ctx, c"persistence".as_ptr());
        let field = c"aof_rewrite_in_progress".as_ptr();
        let rewriting = (api.server_info_field)(info, field, &raw mut error);
        (api.free_server_info)(ctx, info);
        rewriting != 0 && error == raw::OK
    }
}

/// Whether a setting of the server has this value.
fn setting_is(server: &Server<'_>, name: &CStr, value: &[u8]) -> bool {
    let Server { api, ctx, .. } = *server;
    // SAFETY: as above; "c" is followed by a text that ends in NUL.
    unsafe {
        let (config, get) = (c"CONFIG".as_ptr(), c"GET".as_ptr());
        let reply = (api.call)(ctx, config, c"cc".as_ptr(), get, name.as_ptr());
        if reply.is_null() {
            return false;
        }
        let is = element_is(server, reply, value);
        (api.free_call_reply)(reply);
        is
    }
}

/// # Safety
/// `reply` is one of the server's, not freed.
unsafe fn element_is(server: &Server<'_>, reply: *mut CallReply, value: &[u8]) -> bool {
    let api = server.api;
    // SAFETY: the caller's promise; a text lives as long as its reply, and none is null.
    unsafe {
        let element = (api.call_reply_element)(reply, 1);
        if element.is_null() {
            return false;
        }
        let mut len = 0;
        let text = (api.call_reply_text)(element, &raw mut len);
        !text.is_null() && slice::from_raw_parts(text.cast::<u8>(), len) == value
    }
}
