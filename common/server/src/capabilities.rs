//! What the server can do, told by the functions it has.

use std::ffi::c_void;
use std::sync::OnceLock;

use crate::raw::{self, Api};

/// Which family of servers this is. Version numbers of the two collide and say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

/// What not every supported server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The family.
    pub family: Family,
    /// Modules can add ACL categories (not in Redis 7.0).
    pub acl_categories: bool,
    /// Values can be moved by active defragmentation.
    pub defrag: bool,
}

static FOUND: OnceLock<Capabilities> = OnceLock::new();

/// What the server can do, `None` without a server.
pub fn capabilities() -> Option<&'static Capabilities> {
    FOUND.get()
}

/// # Safety
/// `get_api` is a server's own.
pub(crate) unsafe fn probe(get_api: raw::GetApi, api: &Api) {
    // SAFETY: looked for and never called; only Valkey has functions of this name.
    let valkey = unsafe { raw::find::<*mut c_void>(get_api, c"ValkeyModule_Alloc") };
    FOUND.get_or_init(|| Capabilities {
        family: if valkey.is_some() { Family::Valkey } else { Family::Redis },
        acl_categories: api.add_acl_category.is_some() && api.set_acl_categories.is_some(),
        defrag: api.defrag_alloc.is_some() && api.defrag_should_stop.is_some(),
    });
}
