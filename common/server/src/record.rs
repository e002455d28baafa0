//! A [`Record`] as a type of the server's, under which nothing is stored at keys.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use keyspan_common::record::Record;

use crate::guard::guard;
use crate::log::{self, Level};
use crate::raw::{self, Api};
use crate::rdb::{Reader, Writer};
use crate::value::{self, AFTER_KEYS, BEFORE_KEYS, NO_METHODS};

/// One kind of record of a module.
#[derive(Clone, Copy, Debug)]
pub struct RecordEntry {
    name: &'static str,
    version: u32,
    methods: fn() -> raw::TypeMethods,
}

impl RecordEntry {
    /// The records of `T`.
    pub const fn of<T: Record>() -> Self {
        Self { name: T::TYPE_NAME, version: T::VERSION, methods: methods::<T> }
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

/// The first version of a type's methods with which a server leaves out records without a field.
const LEAVES_OUT: c_int = 5;

/// Whether the server leaves out records without a field (from 7.2 on). Others write them, and their
/// reader finds no field to read.
pub fn leaves_out_empty_records() -> bool {
    let version = raw::try_api().and_then(|api| api.type_method_version);
    // SAFETY: a function of the server's that reads a constant.
    version.is_some_and(|version| unsafe { version() } >= LEAVES_OUT)
}

fn methods<T: Record>() -> raw::TypeMethods {
    let before = if T::BEFORE_KEYS { BEFORE_KEYS } else { 0 };
    let after = if T::AFTER_KEYS { AFTER_KEYS } else { 0 };
    let saves = before | after != 0;
    raw::TypeMethods {
        rdb_load: Some(load_key::<T>),
        rdb_save: Some(save_key),
        free: Some(free_key),
        aux_load: Some(load::<T>),
        aux_save: if saves { Some(save::<T>) } else { None },
        // Older servers know only the one above, and newer ones prefer this.
        aux_save2: if saves { Some(save::<T>) } else { None },
        aux_save_triggers: before | after,
        ..NO_METHODS
    }
}

/// # Safety
/// Called by the server with a stream to read from.
unsafe extern "C" fn load<T: Record>(io: *mut raw::Io, version: c_int, when: c_int) -> c_int {
    let loaded = guard("aux_load", || {
        // SAFETY: the stream of this callback.
        let mut reader = unsafe { Reader::new(io) };
        let version = u32::try_from(version).ok()?;
        T::load(&mut reader, version, when == BEFORE_KEYS).ok().filter(|()| !reader.failed())
    });
    if loaded.flatten().is_some() {
        return raw::OK;
    }
    let name = T::TYPE_NAME;
    log::line(Level::Warning, &format!("a record of '{name}' cannot be read"));
    raw::ERR
}

/// # Safety
/// Called by the server with a stream to write to.
unsafe extern "C" fn save<T: Record>(io: *mut raw::Io, when: c_int) {
    guard("aux_save", || {
        // SAFETY: the stream of this callback.
        let mut writer = unsafe { Writer::new(io) };
        T::save(&mut writer, when == BEFORE_KEYS);
    });
}

/// Keys of these types are found in files of the oldest producers only, and are not read.
unsafe extern "C" fn load_key<T: Record>(_io: *mut raw::Io, _version: c_int) -> *mut c_void {
    log::line(Level::Warning, &format!("a key of the type '{}' cannot be read", T::TYPE_NAME));
    null_mut()
}

unsafe extern "C" fn save_key(_io: *mut raw::Io, _value: *mut c_void) {}

unsafe extern "C" fn free_key(_value: *mut c_void) {}
