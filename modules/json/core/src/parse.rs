//! Documents from JSON text, through serde_json: its error texts are those of RedisJSON.

use std::fmt;

use keyspan_common::number::parse_i64;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::document::store::{Store, TooLarge, with_store};
use crate::document::{DEPTH_MAX, Document, FloatKind, unsigned};
use crate::node::Number;

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// It is not UTF-8.
    Utf8,
    /// It is not JSON, or cannot be stored: the parser's words.
    Text(String),
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Observed in RedisJSON 8.8.
            Self::Utf8 => formatter.write_str("Couldn't parse as UTF-8 string"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for ParseError {}

impl Document {
    /// The document of a JSON text: one value, nested at most 127 deep. Of members of one name the
    /// last counts, in the place of the first. O(len); no allocation per value.
    ///
    /// # Errors
    /// [`ParseError`]
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        Self::parse_as(text, None)
    }

    /// As [`Self::parse`], with the doubles in arrays rounded to the type of RedisJSON's `FPHA`, and
    /// arrays of nothing but numbers packed as that type.
    ///
    /// # Errors
    /// [`ParseError`], also when such a number is out of the type's range.
    pub fn parse_as(text: &[u8], floats: Option<FloatKind>) -> Result<Self, ParseError> {
        // A bare integer, as counters and flags are, needs no parser: this reader is as strict.
        if let Some(document) = parse_i64(text).and_then(Self::of_integer) {
            return Ok(document);
        }
        let text = std::str::from_utf8(text).map_err(|_| ParseError::Utf8)?;
        Self::read(serde_json::Deserializer::from_str(text), floats)
    }

    /// A text that was stored: it may be nested [`DEPTH_MAX`] deep, one more than what can be set.
    pub(crate) fn parse_stored(text: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(text).map_err(|_| ParseError::Utf8)?;
        let mut source = serde_json::Deserializer::from_str(text);
        source.disable_recursion_limit();
        Self::read(source, None)
    }

    fn read<'a>(
        mut source: serde_json::Deserializer<serde_json::de::StrRead<'a>>,
        floats: Option<FloatKind>,
    ) -> Result<Self, ParseError> {
        with_store(|store| {
            let seed = Value { store, floats, room: DEPTH_MAX };
            seed.deserialize(&mut source)?;
            source.end()?;
            Ok(store.finish())
        })
        .map_err(|error: serde_json::Error| ParseError::Text(error.to_string()))
    }
}

/// Pushes one value on the stack of a store.
struct Value<'a> {
    store: &'a mut Store,
    floats: Option<FloatKind>,
    /// How many containers may be opened yet.
    room: usize,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.store.null();
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.store.bool(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.store.number(Number::Int(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.store.number(unsigned(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.store.number(Number::Double(value));
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.store.string(value.as_bytes()).map_err(too_large)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<(), A::Error> {
        let room = self.opened()?;
        let Self { store, floats, .. } = self;
        let begun = store.begin_array();
        while source.next_element_seed(Value { store, floats, room })?.is_some() {
            if let Some(kind) = floats
                && !store.round_last(kind)
            {
                return Err(out_of_range(kind));
            }
        }
        match floats {
            Some(kind) => store.end_array_rounded(begun, kind),
            None => store.end_array(begun),
        }
        .map_err(too_large)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<(), A::Error> {
        let room = self.opened()?;
        let Self { store, floats, .. } = self;
        let begun = store.begin_object();
        while source.next_key_seed(Key { store })?.is_some() {
            source.next_value_seed(Value { store, floats, room })?;
        }
        store.end_object(begun).map_err(too_large)
    }
}

impl Value<'_> {
    /// The room in a container that begins now.
    fn opened<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.room.checked_sub(1).ok_or_else(|| E::custom("recursion limit exceeded"))
    }
}

/// Pushes one key.
struct Key<'a> {
    store: &'a mut Store,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<(), E> {
        self.store.key(key.as_bytes()).map_err(too_large)
    }
}

fn too_large<E: serde::de::Error>(_: TooLarge) -> E {
    E::custom("value too large")
}

/// Observed in RedisJSON 8.8: `value out of range for F16 at line 1 column 11`.
fn out_of_range<E: serde::de::Error>(kind: FloatKind) -> E {
    E::custom(format_args!("value out of range for {}", kind.name()))
}
