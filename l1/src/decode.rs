//! Objects out of replies: decoded once for each change, shared by all who ask.

use std::any::Any;
use std::fmt::Display;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::entry::Entry;
use crate::error::Error;

/// The object that `decode` makes of a string reply; None of a null.
///
/// Objects are told apart by the type of their decoder, which therefore must be all there is to it:
/// a function, or a closure that captures nothing. Others do not compile.
pub(crate) fn object<T, E, F>(entry: &Entry, decode: F) -> Result<Option<Arc<T>>, Error>
where
    T: Any + Send + Sync,
    E: Display,
    F: Fn(&[u8]) -> Result<T, E> + 'static,
{
    const { assert!(size_of::<F>() == 0, "a decoder may not capture anything") };
    if entry.is_null() {
        return Ok(None);
    }
    let decode = move |entry: &Entry| {
        let string = entry.string().ok_or_else(|| Error::Decode("not a string".into()))?;
        decode(string).map_err(|error| Error::Decode(error.to_string().into()))
    };
    entry.object::<F, T, Error>(decode).map(Some)
}

/// The decoder of JSON.
pub(crate) fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(text)
}
