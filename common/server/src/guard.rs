//! The one place a panic stops: every callback of this crate runs inside [`guard`].

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use crate::log::{self, Level};

thread_local! {
    /// Where and why this thread panicked last.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps panics off the server's stderr; [`guard`] logs them.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(remember));
}

fn remember(info: &PanicHookInfo<'_>) {
    // A thread that is ending has no place for it any more; the line is then logged without it.
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = info.to_string().replace('\n', " ");
        }
    });
}

/// Runs `body`; a panic becomes one log line that names `what`, and `None`.
#[inline]
pub(crate) fn guard<T>(what: &str, body: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // A payload whose own drop panics must not unwind into the server either.
            std::mem::forget(payload);
            report(what);
            None
        }
    }
}

#[cold]
fn report(what: &str) {
    let last =
        LAST.try_with(|last| last.try_borrow_mut().map(|mut last| std::mem::take(&mut *last)));
    let last = last.ok().and_then(Result::ok).unwrap_or_default();
    log::line(Level::Warning, &format!("internal error in {what}: {last}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_here_and_a_value_passes() {
        assert_eq!(guard("test", || 5), Some(5));
        assert_eq!(guard::<()>("test", || panic!("on purpose")), None);
    }
}
