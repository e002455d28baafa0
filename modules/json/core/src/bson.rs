//! Documents from BSON, for `FORMAT BSON`.

use bson::raw::{RawArray, RawBsonRef, RawDocument};

use crate::document::NESTING_MAX;
use crate::{Document, ParseError};

/// Inputs of up to this many bytes are too short to be nested dangerously deep: a level takes 8.
const HARMLESS_LEN: usize = 2048;

impl Document {
    /// The first member's value of a BSON document, as relaxed extended JSON; `null` if it has none.
    /// So RedisJSON takes `FORMAT BSON`.
    ///
    /// # Errors
    /// [`ParseError::Text`] in the words of the bson crate.
    pub fn from_bson(bytes: &[u8]) -> Result<Self, ParseError> {
        // The bson crate's own reader recurses without a bound.
        if bytes.len() > HARMLESS_LEN {
            RawDocument::from_bytes(bytes).map_err(text).and_then(|raw| check(raw, NESTING_MAX))?;
        }
        let document = read(bytes).map_err(text)?;
        let Some((_, value)) = document.into_iter().next() else { return Ok(Self::null()) };
        Self::parse(value.into_relaxed_extjson().to_string().as_bytes())
    }
}

/// As the crate reads from a stream: bytes behind the document do not matter. There it makes room for
/// the length that the bytes claim, up to 2 GiB, so it gets those that claim too much as they are.
fn read(bytes: &[u8]) -> bson::de::Result<bson::Document> {
    let claimed = bytes.first_chunk().map(|length| i32::from_le_bytes(*length));
    let is_short = claimed.and_then(|length| usize::try_from(length).ok()) > Some(bytes.len());
    if is_short {
        bson::from_slice(bytes)
    } else {
        bson::Document::from_reader(std::io::Cursor::new(bytes))
    }
}

fn text(error: impl std::fmt::Display) -> ParseError {
    ParseError::Text(error.to_string())
}

/// Checks that `document` is whole and has at most `room` levels below it.
fn check(document: &RawDocument, room: usize) -> Result<(), ParseError> {
    document.iter().try_for_each(|member| check_value(member.map_err(text)?.1, room))
}

fn check_array(array: &RawArray, room: usize) -> Result<(), ParseError> {
    array.into_iter().try_for_each(|element| check_value(element.map_err(text)?, room))
}

fn check_value(value: RawBsonRef<'_>, room: usize) -> Result<(), ParseError> {
    let below = || room.checked_sub(1).ok_or_else(|| text("recursion limit exceeded"));
    if let Some(document) = value.as_document() {
        check(document, below()?)
    } else if let Some(array) = value.as_array() {
        check_array(array, below()?)
    } else if let Some(code) = value.as_javascript_with_scope() {
        check(code.scope, below()?)
    } else {
        Ok(())
    }
}
