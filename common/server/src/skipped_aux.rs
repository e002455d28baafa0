//! Records another module left in an RDB file, read to their end and dropped.
//!
//! A server refuses a file with a record of a type it does not know; registering the type with a
//! loader that drops it lets the file open. Nothing is ever written under these types.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use keyspan_common::rdb::search_aux::Aux;

use crate::guard::guard;
use crate::log::{self, Level};
use crate::raw::{self, Api};
use crate::rdb::Reader;
use crate::value::{self, BEFORE_KEYS, NO_METHODS};

/// One type whose records are dropped.
#[derive(Clone, Copy, Debug)]
pub struct SkippedAux {
    name: &'static str,
    version: u32,
    methods: fn() -> raw::TypeMethods,
}

impl SkippedAux {
    /// The type of the records of `A`.
    pub const fn of<A: Aux>() -> Self {
        Self { name: A::TYPE_NAME, version: A::VERSION, methods: methods::<A> }
    }

    /// # Errors
    /// What to log.
    ///
    /// # Safety
    /// `ctx` is that of `OnLoad`.
    pub(crate) unsafe fn register(&self, api: &Api, ctx: *mut raw::Ctx) -> Result<(), String> {
        // SAFETY: the caller's promise.
        unsafe { value::create(api, ctx, self.name, self.version, &mut (self.methods)()) }
            .map(|_| ())
    }
}

fn methods<A: Aux>() -> raw::TypeMethods {
    raw::TypeMethods {
        rdb_load: Some(load_key::<A>),
        rdb_save: Some(save_key),
        free: Some(free_key),
        aux_load: Some(load::<A>),
        ..NO_METHODS
    }
}

/// # Safety
/// Called by the server with a stream to read from.
unsafe extern "C" fn load<A: Aux>(io: *mut raw::Io, version: c_int, when: c_int) -> c_int {
    let name = A::TYPE_NAME;
    let skipped = guard("aux_load", || {
        // SAFETY: the stream of this callback.
        let mut reader = unsafe { Reader::new(io) };
        A::skip(&mut reader, u32::try_from(version).ok()?, when == BEFORE_KEYS).ok()
    });
    let (level, text, answer) = match skipped.flatten() {
        Some(count) => (Level::Notice, format!("skipped {count} entries of '{name}'"), raw::OK),
        None => (Level::Warning, format!("a record of '{name}' cannot be read"), raw::ERR),
    };
    log::line(level, &text);
    answer
}

/// Keys of these types are found in files of RediSearch 1 only, and are not read.
unsafe extern "C" fn load_key<A: Aux>(_io: *mut raw::Io, _version: c_int) -> *mut c_void {
    log::line(Level::Warning, &format!("a key of the type '{}' cannot be read", A::TYPE_NAME));
    null_mut()
}

unsafe extern "C" fn save_key(_io: *mut raw::Io, _value: *mut c_void) {}

unsafe extern "C" fn free_key(_value: *mut c_void) {}
