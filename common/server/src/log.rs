//! Lines in the server's log.

use std::ptr::null_mut;
use std::sync::OnceLock;

use crate::raw;
use crate::text::with_c_str;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something the operator should know.
    Notice,
    /// Something is wrong.
    Warning,
}

/// The module's name, which every line begins with: without a context the server knows none.
static NAME: OnceLock<&'static str> = OnceLock::new();

/// Every line from now on is this module's.
pub(crate) fn name(name: &'static str) {
    NAME.get_or_init(|| name);
}

/// One line in the server's log. Without a server (in tests) nothing happens.
pub fn line(level: Level, text: &str) {
    if let Some(api) = raw::try_api() {
        let name = NAME.get().copied().unwrap_or_default();
        with_c_str(&format!("{name}: {text}"), |text| {
            // SAFETY: the log takes no context, a level and a format with its one argument.
            unsafe { (api.log)(null_mut(), level_name(level), c"%s".as_ptr(), text) };
        });
    }
}

const fn level_name(level: Level) -> *const std::ffi::c_char {
    match level {
        Level::Notice => c"notice".as_ptr(),
        Level::Warning => c"warning".as_ptr(),
    }
}
