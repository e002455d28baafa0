//! Documents of one module read by another: the function they share, and both its ends.
//!
//! The module of documents exports one C function under a name with a version; others find it by
//! that name, in whatever order the two were loaded. A document's values come as a flat sequence:
//! an array says how many values follow, and an object is told but not entered.

use std::ffi::{CStr, c_int, c_void};

use keyspan_common::data_type::DataType;

use crate::guard::guard;
use crate::key::{Held, OpenKey};
use crate::raw::{self, Api};
use crate::server::Server;
use crate::value;

/// The shared function's name; another signature gets another one.
const NAME: &CStr = c"KeyspanJSON_Read1";

/// A step of a document's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// An array; so many values follow.
    Array(usize),
    /// `true` or `false`.
    Bool(bool),
    /// A whole match as JSON text.
    Json(&'a [u8]),
    /// `null`
    Null,
    /// A number.
    Number(f64),
    /// An object, whatever it holds.
    Object,
    /// A string.
    Text(&'a [u8]),
}

/// What is wanted of the matches of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Each as one [`Step::Json`].
    Json,
    /// Each as steps.
    Steps,
}

/// Why there is nothing to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The key holds no document.
    NotADocument,
    /// The path cannot be read.
    Path,
}

/// A module's documents, for other modules to read.
pub trait Documents {
    /// The data type.
    type Value: DataType;

    /// Calls `sink` with what is wanted of each match of `path`.
    ///
    /// # Errors
    /// [`Unread::Path`].
    fn read(
        value: &Self::Value,
        path: &[u8],
        wanted: Wanted,
        sink: &mut dyn FnMut(Step<'_>),
    ) -> Result<(), Unread>;
}

/// Called with the sink, a kind of step, its number, and its text.
type Emit = unsafe extern "C" fn(*mut c_void, c_int, f64, *const u8, usize);
/// Called with an open key, a path, what is wanted, and where the steps go.
type ReadDocument =
    unsafe extern "C" fn(*mut raw::Key, *const u8, usize, c_int, *mut c_void, Emit) -> c_int;

const READ: c_int = 0;
const NOT_A_DOCUMENT: c_int = 1;
const BAD_PATH: c_int = 2;

/// What a module shares.
#[derive(Clone, Copy, Debug)]
pub struct SharedDocuments {
    read: ReadDocument,
}

impl SharedDocuments {
    /// The documents of `D`.
    pub const fn of<D: Documents>() -> Self {
        Self { read: read::<D> }
    }

    /// # Errors
    /// What to log.
    ///
    /// # Safety
    /// `ctx` is that of `OnLoad`.
    pub(crate) unsafe fn export(&self, api: &Api, ctx: *mut raw::Ctx) -> Result<(), String> {
        let function = self.read as *mut c_void;
        // SAFETY: the caller's promise; the name lives for ever.
        match unsafe { (api.export_shared)(ctx, NAME.as_ptr(), function) } {
            raw::OK => Ok(()),
            _ => Err("another module already shares documents".to_owned()),
        }
    }
}

/// # Safety
/// Called by another module, on the main thread, with a key it has open, a path of this length and
/// a place `emit` understands.
unsafe extern "C" fn read<D: Documents>(
    key: *mut raw::Key,
    path: *const u8,
    len: usize,
    wanted: c_int,
    sink: *mut c_void,
    emit: Emit,
) -> c_int {
    let outcome = guard("a shared document", || {
        // SAFETY: see above; this module's own table.
        let kind = unsafe { (raw::api().module_type)(key) };
        if kind.is_null() || !value::is_type_of::<D::Value>(kind) {
            return NOT_A_DOCUMENT;
        }
        // SAFETY: the key holds a value of the type registered for `D::Value`.
        let (value, path) = unsafe {
            let value = (raw::api().module_value)(key).cast::<D::Value>();
            (&*value, std::slice::from_raw_parts(path, len))
        };
        let wanted = if wanted == 0 { Wanted::Steps } else { Wanted::Json };
        let read = D::read(value, path, wanted, &mut |step| {
            let (kind, number, text) = encode(step);
            // SAFETY: see above; the text is read at once.
            unsafe { emit(sink, kind, number, text.as_ptr(), text.len()) };
        });
        if read.is_ok() { READ } else { BAD_PATH }
    });
    outcome.unwrap_or(NOT_A_DOCUMENT)
}

fn encode(step: Step<'_>) -> (c_int, f64, &[u8]) {
    match step {
        Step::Null => (0, 0.0, b""),
        Step::Bool(value) => (1, f64::from(u8::from(value)), b""),
        Step::Number(number) => (2, number, b""),
        Step::Text(text) => (3, 0.0, text),
        // Exact: no document has 2^53 elements.
        Step::Array(len) => (4, len as f64, b""),
        Step::Object => (5, 0.0, b""),
        Step::Json(text) => (6, 0.0, text),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length, made from one; whatever else comes saturates"
)]
fn decode(kind: c_int, number: f64, text: &[u8]) -> Step<'_> {
    match kind {
        0 => Step::Null,
        1 => Step::Bool(number != 0.0),
        2 => Step::Number(number),
        3 => Step::Text(text),
        4 => Step::Array(number as usize),
        6 => Step::Json(text),
        _ => Step::Object,
    }
}

/// Whether a module that shares its documents is loaded.
pub fn has_documents(server: &Server<'_>) -> bool {
    !server.shared(NAME).is_null()
}

impl OpenKey<'_> {
    /// Calls `sink` with what is wanted of each match of `path` in the document the key holds.
    ///
    /// # Errors
    /// [`Unread`]: no document, no module of documents, or no path.
    pub fn document(
        &self,
        path: &[u8],
        wanted: Wanted,
        sink: &mut dyn FnMut(Step<'_>),
    ) -> Result<(), Unread> {
        if self.held() != Held::Module {
            return Err(Unread::NotADocument);
        }
        let function = self.server().shared(NAME);
        if function.is_null() {
            return Err(Unread::NotADocument);
        }
        // SAFETY: what is shared under this name has this signature.
        let read: ReadDocument = unsafe { std::mem::transmute(function) };
        let mut place = Place { sink };
        let wanted = c_int::from(wanted == Wanted::Json);
        let data = (&raw mut place).cast::<c_void>();
        // SAFETY: the key is open, and `place` outlives the call.
        match unsafe { read(self.raw(), path.as_ptr(), path.len(), wanted, data, emit) } {
            READ => Ok(()),
            BAD_PATH => Err(Unread::Path),
            _ => Err(Unread::NotADocument),
        }
    }
}

struct Place<'a> {
    sink: &'a mut dyn FnMut(Step<'_>),
}

/// # Safety
/// Called within [`OpenKey::document`] with its data and a text of this length.
unsafe extern "C" fn emit(
    data: *mut c_void,
    kind: c_int,
    number: f64,
    text: *const u8,
    len: usize,
) {
    guard("a document", || {
        // SAFETY: see above.
        let (place, text) =
            unsafe { (&mut *data.cast::<Place<'_>>(), std::slice::from_raw_parts(text, len)) };
        (place.sink)(decode(kind, number, text));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_pass_as_they_are() {
        for step in [
            Step::Null,
            Step::Bool(true),
            Step::Bool(false),
            Step::Number(-2.5),
            Step::Text(b"a\0b"),
            Step::Array(3),
            Step::Object,
            Step::Json(b"[1]"),
        ] {
            let (kind, number, text) = encode(step);
            assert_eq!(decode(kind, number, text), step);
        }
    }
}
