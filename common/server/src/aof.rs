//! Commands written to the file of an AOF rewrite.

use std::ptr::null_mut;

use crate::raw;
use crate::text::with_c_str;

/// Writes `command key args...`.
///
/// # Safety
/// `io` and `key` are those of the running `aof_rewrite`.
pub(crate) unsafe fn emit(io: *mut raw::Io, key: *mut raw::Word, command: &str, args: &[&[u8]]) {
    // SAFETY: the table is filled when a callback runs.
    let api = unsafe { raw::api() };
    let part = |arg: &[u8]| (arg.as_ptr(), arg.len());
    with_c_str(command, |command| {
        // SAFETY: each format names what follows it; up to three arguments are not copied.
        unsafe {
            match *args {
                [] => (api.emit_aof)(io, command, c"s".as_ptr(), key),
                [a] => {
                    let a = part(a);
                    (api.emit_aof)(io, command, c"sb".as_ptr(), key, a.0, a.1);
                }
                [a, b] => {
                    let (a, b) = (part(a), part(b));
                    (api.emit_aof)(io, command, c"sbb".as_ptr(), key, a.0, a.1, b.0, b.1);
                }
                [a, b, c] => {
                    let (a, b, c) = (part(a), part(b), part(c));
                    let format = c"sbbb".as_ptr();
                    (api.emit_aof)(io, command, format, key, a.0, a.1, b.0, b.1, c.0, c.1);
                }
                _ => emit_many(io, key, command, args),
            }
        }
    });
}

/// As [`emit`], for any number of arguments: copies them.
///
/// # Safety
/// As for [`emit`]; `command` ends in NUL.
unsafe fn emit_many(
    io: *mut raw::Io,
    key: *mut raw::Word,
    command: *const std::ffi::c_char,
    args: &[&[u8]],
) {
    // SAFETY: the strings are made, read and freed here.
    unsafe {
        let api = raw::api();
        let make = |arg: &&[u8]| (api.create_string)(null_mut(), arg.as_ptr().cast(), arg.len());
        let mut words: Vec<*mut raw::Word> = args.iter().map(make).collect();
        (api.emit_aof)(io, command, c"sv".as_ptr(), key, words.as_mut_ptr(), words.len());
        for word in words {
            (api.free_string)(null_mut(), word);
        }
    }
}
