//! Commands handed to replicas and to the AOF in place of the one that came in.

use std::ptr::null_mut;

use crate::raw::{self, Api};
use crate::text::with_c_str;

/// Whom a command is handed to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    /// Replicas and the AOF.
    All,
    /// The AOF alone.
    Log,
}

/// Propagates `command` with `args`, which are copied.
///
/// # Safety
/// `ctx` is that of the running command.
pub(crate) unsafe fn replicate(
    api: &Api,
    ctx: *mut raw::Ctx,
    to: To,
    command: &str,
    args: &[&[u8]],
) {
    let format = match to {
        To::All => c"v",
        To::Log => c"Rv",
    };
    // SAFETY: the strings are made, read and freed here; "v" is a vector of strings and its length,
    // "R" leaves out replicas.
    unsafe {
        let make = |arg: &&[u8]| (api.create_string)(null_mut(), arg.as_ptr().cast(), arg.len());
        let mut words: Vec<*mut raw::Word> = args.iter().map(make).collect();
        with_c_str(command, |command| {
            (api.replicate)(ctx, command, format.as_ptr(), words.as_mut_ptr(), words.len());
        });
        for word in words {
            (api.free_string)(null_mut(), word);
        }
    }
}
