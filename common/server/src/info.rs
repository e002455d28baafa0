//! The module's section of INFO.

use std::ffi::c_int;
use std::ptr::null;
use std::sync::OnceLock;

use keyspan_common::settings::Figure;

use crate::guard::guard;
use crate::raw::{self, Api};
use crate::text::with_c_str;

/// Writes the lines of the section: a name and a figure each.
pub type Figures = fn(&mut dyn FnMut(&str, Figure<'_>));

/// Set when the module is loaded first; it is the same if it is loaded again.
static FIGURES: OnceLock<Figures> = OnceLock::new();

/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn register(api: &Api, ctx: *mut raw::Ctx, figures: Figures) {
    FIGURES.get_or_init(|| figures);
    // SAFETY: the caller's promise. A server that refuses shows no section, no more.
    unsafe { (api.register_info)(ctx, Some(section)) };
}

/// # Safety
/// Called by the server. In a crash report nothing is safe to do, and nothing is done.
unsafe extern "C" fn section(ctx: *mut raw::InfoCtx, crash_report: c_int) {
    if crash_report != 0 {
        return;
    }
    guard("INFO", || {
        // SAFETY: a callback this crate registered.
        let api = unsafe { raw::api() };
        // SAFETY: the context of this callback. Refused if the caller wants other sections.
        if unsafe { (api.info_section)(ctx, null()) } != raw::OK {
            return;
        }
        if let Some(figures) = FIGURES.get() {
            figures(&mut |name, figure| add(api, ctx, name, figure));
        }
    });
}

fn add(api: &Api, ctx: *mut raw::InfoCtx, name: &str, figure: Figure<'_>) {
    with_c_str(name, |name| match figure {
        // SAFETY: the context of the running callback and texts that end in NUL.
        Figure::Count(count) => unsafe {
            (api.info_count)(ctx, name, count);
        },
        Figure::Text(text) => with_c_str(text, |text| {
            // SAFETY: as above.
            unsafe { (api.info_text)(ctx, name, text) };
        }),
    });
}
