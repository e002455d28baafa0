//! [`rdb::Read`] and [`rdb::Write`] over the server's RDB stream.

use std::ffi::{c_char, c_void};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use keyspan_common::rdb::{self, Error};

use crate::alloc;
use crate::raw::{self, Api};

/// A stream the server opened for loading one value. The first error sticks.
pub(crate) struct Reader {
    api: &'static Api,
    io: *mut raw::Io,
    failed: bool,
}

/// A stream the server opened for saving one value. The server itself keeps its errors.
pub(crate) struct Writer {
    api: &'static Api,
    io: *mut raw::Io,
}

/// A string field in the server's own buffer, freed on drop.
pub(crate) struct Bytes {
    api: &'static Api,
    start: NonNull<u8>,
    len: usize,
}

impl Reader {
    /// # Safety
    /// `io` is the stream of the running callback, and the table is filled.
    pub(crate) unsafe fn new(io: *mut raw::Io) -> Self {
        // SAFETY: the caller's promise.
        Self { api: unsafe { raw::api() }, io, failed: false }
    }

    /// Whether a read failed.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// `value`, unless the stream is broken.
    fn checked<T>(&mut self, value: T) -> Result<T, Error> {
        // SAFETY: the stream of the running callback.
        self.failed |= unsafe { (self.api.is_io_error)(self.io) } != 0;
        if self.failed { Err(Error::Truncated) } else { Ok(value) }
    }

    /// What `load` reads, unless the stream broke before or breaks now.
    fn field<T>(&mut self, load: unsafe extern "C" fn(*mut raw::Io) -> T) -> Result<T, Error> {
        if self.failed {
            return Err(Error::Truncated);
        }
        // SAFETY: the stream of the running callback.
        let value = unsafe { load(self.io) };
        self.checked(value)
    }
}

impl rdb::Read for Reader {
    type Bytes = Bytes;

    fn unsigned(&mut self) -> Result<u64, Error> {
        self.field(self.api.load_unsigned)
    }

    fn signed(&mut self) -> Result<i64, Error> {
        self.field(self.api.load_signed)
    }

    fn float(&mut self) -> Result<f32, Error> {
        self.field(self.api.load_float)
    }

    fn double(&mut self) -> Result<f64, Error> {
        self.field(self.api.load_double)
    }

    fn bytes(&mut self) -> Result<Bytes, Error> {
        if self.failed {
            return Err(Error::Truncated);
        }
        let mut len = 0;
        // SAFETY: the stream of the running callback, and a place for the length.
        let start = unsafe { (self.api.load_bytes)(self.io, &raw mut len) };
        // Taken before the check, so that a buffer handed out with an error is freed.
        let bytes =
            NonNull::new(start.cast::<u8>()).map(|start| Bytes { api: self.api, start, len });
        self.checked(bytes)?.ok_or(Error::Truncated)
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the server's buffer of this length, owned by `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl From<Bytes> for Vec<u8> {
    /// The server's buffer itself where this library's memory is the server's as well.
    fn from(bytes: Bytes) -> Self {
        if !alloc::is_server() || bytes.len == 0 {
            return bytes.as_ref().to_vec();
        }
        let bytes = ManuallyDrop::new(bytes);
        // SAFETY: the server's buffer of at least this length, from the function that the global
        // allocator frees it with, and owned by nobody else; bytes need no alignment.
        unsafe { Self::from_raw_parts(bytes.start.as_ptr(), bytes.len, bytes.len) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: the buffer came from the server's allocator, and nobody else frees it.
        unsafe { (self.api.free)(self.start.as_ptr().cast::<c_void>()) };
    }
}

impl Writer {
    /// # Safety
    /// `io` is the stream of the running callback, and the table is filled.
    pub(crate) unsafe fn new(io: *mut raw::Io) -> Self {
        // SAFETY: the caller's promise.
        Self { api: unsafe { raw::api() }, io }
    }
}

impl rdb::Write for Writer {
    fn unsigned(&mut self, value: u64) {
        // SAFETY: the stream of the running callback; likewise below.
        unsafe { (self.api.save_unsigned)(self.io, value) };
    }

    fn signed(&mut self, value: i64) {
        // SAFETY: see above.
        unsafe { (self.api.save_signed)(self.io, value) };
    }

    fn float(&mut self, value: f32) {
        // SAFETY: see above.
        unsafe { (self.api.save_float)(self.io, value) };
    }

    fn double(&mut self, value: f64) {
        // SAFETY: see above.
        unsafe { (self.api.save_double)(self.io, value) };
    }

    fn bytes(&mut self, value: &[u8]) {
        let start = value.as_ptr().cast::<c_char>();
        // SAFETY: see above; the server copies `value`.
        unsafe { (self.api.save_bytes)(self.io, start, value.len()) };
    }
}
