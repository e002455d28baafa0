//! Encoding 0, of RedisJSON 1: a value is its type as an unsigned field, then its content.
//!
//! ```text
//! 1 null    2 string: bytes    4 double: double    8 integer: signed    16 bool: bytes "1" or "0"
//! 32 object: count, then (128, key bytes, value)...    64 array: count, then values
//! ```

use keyspan_common::rdb::{Error, Read};

use crate::Document;
use crate::document::DEPTH_MAX;
use crate::document::store::{Store, TooLarge, with_store};
use crate::node::Number;

const MEMBER: u64 = 128;

/// Reads a document.
pub(super) fn load<R: Read>(reader: &mut R) -> Result<Document, Error> {
    with_store(|store| {
        push(reader, store, 0)?;
        Ok(store.finish())
    })
}

fn push<R: Read>(reader: &mut R, store: &mut Store, depth: usize) -> Result<(), Error> {
    match reader.unsigned()? {
        1 => store.null(),
        2 => store.string(utf8(reader.bytes()?.as_ref())?).map_err(invalid)?,
        4 => store.number(Number::Double(finite(reader.double()?)?)),
        8 => store.number(Number::Int(reader.signed()?)),
        16 => store.bool(truth(reader.bytes()?.as_ref())?),
        32 if depth < DEPTH_MAX => push_object(reader, store, depth + 1)?,
        64 if depth < DEPTH_MAX => push_array(reader, store, depth + 1)?,
        _ => return Err(Error::Invalid),
    }
    Ok(())
}

fn push_object<R: Read>(reader: &mut R, store: &mut Store, depth: usize) -> Result<(), Error> {
    let begun = store.begin_object();
    for _ in 0..reader.unsigned()? {
        if reader.unsigned()? != MEMBER {
            return Err(Error::Invalid);
        }
        store.key(utf8(reader.bytes()?.as_ref())?).map_err(invalid)?;
        push(reader, store, depth)?;
    }
    store.end_object(begun).map_err(invalid)
}

fn push_array<R: Read>(reader: &mut R, store: &mut Store, depth: usize) -> Result<(), Error> {
    let begun = store.begin_array();
    for _ in 0..reader.unsigned()? {
        push(reader, store, depth)?;
    }
    store.end_array(begun).map_err(invalid)
}

fn truth(bytes: &[u8]) -> Result<bool, Error> {
    match bytes {
        b"1" => Ok(true),
        b"0" => Ok(false),
        _ => Err(Error::Invalid),
    }
}

fn utf8(bytes: &[u8]) -> Result<&[u8], Error> {
    std::str::from_utf8(bytes).map(str::as_bytes).map_err(|_| Error::Invalid)
}

fn finite(value: f64) -> Result<f64, Error> {
    if value.is_finite() { Ok(value) } else { Err(Error::Invalid) }
}

fn invalid(_: TooLarge) -> Error {
    Error::Invalid
}
