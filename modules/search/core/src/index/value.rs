//! What a document has for a field.

use keyspan_common::number::parse_f64;

use super::geohash::LATITUDE_MAX;
use super::tag::lower;
use super::vector::Refused;
use crate::code::lossy;
use crate::documents::SortValue;
use crate::schema::{Field, Kind, Options, Tag};

/// A place on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// -180 to 180.
    pub longitude: f64,
    /// -85.05 to 85.05.
    pub latitude: f64,
}

/// What a document has for a field, ready to be indexed.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Missing,
    /// Numbers; several from a JSON array.
    Numbers(Vec<f64>),
    /// Places.
    Places(Vec<Place>),
    /// Something that is not indexed here.
    Skipped,
    /// Tags as written, blanks around them gone.
    Tags(Vec<Box<[u8]>>),
    /// A vector of the right size; it goes to the vector index.
    Vector,
}

/// Why a document is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Bytes of the blob, and of a vector.
    BlobSize(u64, u64),
    /// No `longitude,latitude`.
    Geo,
    /// An array where none can stand.
    JsonArray,
    /// A boolean that is no tag.
    JsonBool,
    /// A number in a field of another kind.
    JsonNumber,
    /// An object.
    JsonObject,
    /// A string in a field of another kind.
    JsonText,
    /// No array of numbers of the element's type.
    JsonVector,
    /// No number.
    Number(Box<[u8]>),
    /// A vector the index cannot take.
    Vector(Refused),
}

impl Reject {
    /// The text FT.INFO shows, RediSearch's.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::BlobSize(got, expected) => {
                format!("Could not add vector with blob size {got} (expected size {expected})")
            }
            Self::Geo => "Invalid geo string".to_owned(),
            Self::JsonArray => "Invalid JSON type: Array type can represent only TEXT, TAG, GEO, \
                                NUMERIC or VECTOR field"
                .to_owned(),
            Self::JsonBool => {
                "Invalid JSON type: Boolean type can be represented only as TAG field".to_owned()
            }
            Self::JsonNumber => {
                "Invalid JSON type: Numeric type can represent only NUMERIC field".to_owned()
            }
            Self::JsonObject => "Invalid JSON type: Object type is not supported".to_owned(),
            Self::JsonText => "Invalid JSON type: String type can represent only TEXT, TAG, GEO \
                               or GEOMETRY field"
                .to_owned(),
            Self::JsonVector => "Invalid JSON type: Vector must be an array of numbers of its \
                                 type"
                .to_owned(),
            Self::Number(text) => format!("Invalid numeric value: '{}'", lossy(text)),
            Self::Vector(refused) => refused.text().to_owned(),
        }
    }
}

impl Value {
    /// The value of a field of a hash.
    ///
    /// # Errors
    /// [`Reject`]: the document is left out.
    pub fn from_hash(field: &Field, text: Option<&[u8]>) -> Result<Self, Reject> {
        let Some(text) = text else { return Ok(Self::Missing) };
        match &field.kind {
            Kind::Geo => place(text).map(|place| Self::Places(vec![place])).ok_or(Reject::Geo),
            Kind::Numeric => {
                let number = parse_f64(text).ok_or_else(|| Reject::Number(text.into()))?;
                Ok(Self::Numbers(vec![number]))
            }
            Kind::Shape { .. } | Kind::Text(_) => Ok(Self::Skipped),
            Kind::Tag(tag) => Ok(Self::Tags(tags(tag, field.options, text))),
            Kind::Vector(vector) => {
                let (got, expected) = (text.len() as u64, vector.blob_size());
                let fits = got == expected;
                if fits { Ok(Self::Vector) } else { Err(Reject::BlobSize(got, expected)) }
            }
        }
    }
}

/// The tags in a text, blanks around each gone. Empty ones only if they are indexed.
#[must_use]
pub fn tags(tag: &Tag, options: Options, text: &[u8]) -> Vec<Box<[u8]>> {
    text.split(|byte| *byte == tag.separator && tag.separator != Tag::UNSEPARATED)
        .map(<[u8]>::trim_ascii)
        .filter(|tag| !tag.is_empty() || options.has(Options::EMPTY))
        .map(Box::from)
        .collect()
}

/// `longitude,latitude` or with a blank between them.
#[must_use]
pub fn place(text: &[u8]) -> Option<Place> {
    let middle = text.iter().position(|byte| matches!(byte, b',' | b' '))?;
    let (longitude, latitude) = text.split_at_checked(middle)?;
    let number = |text: &[u8]| parse_f64(text.trim_ascii());
    let place = Place { longitude: number(longitude)?, latitude: number(latitude.get(1..)?)? };
    let on_map = place.longitude.abs() <= 180.0 && place.latitude.abs() <= LATITUDE_MAX;
    on_map.then_some(place)
}

/// What a field with this text is sorted by.
#[must_use]
pub fn sort_value(field: &Field, text: Option<&[u8]>) -> SortValue {
    let Some(text) = text else { return SortValue::Missing };
    match field.kind {
        Kind::Numeric => parse_f64(text).map_or(SortValue::Missing, SortValue::Number),
        Kind::Tag(_) | Kind::Text(_) if !field.options.has(Options::UNNORMALISED) => {
            SortValue::Text(lower(text).into())
        }
        Kind::Geo | Kind::Shape { .. } | Kind::Tag(_) | Kind::Text(_) | Kind::Vector(_) => {
            SortValue::Text(text.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Create, Limits};

    fn field(line: &str) -> Field {
        let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
        Create::parse(&words, &Limits::default()).unwrap().schema.fields.remove(0)
    }

    fn check(line: &str, text: &str, expected: Result<Value, &str>) {
        let value = Value::from_hash(&field(line), Some(text.as_bytes()));
        assert_eq!(
            value.map_err(|reject| reject.text()),
            expected.map_err(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn texts_of_hashes_become_values() {
        let tags =
            |tags: &[&str]| Ok(Value::Tags(tags.iter().map(|tag| tag.as_bytes().into()).collect()));
        check("SCHEMA t TAG", " A, b c ,,", tags(&["A", "b c"]));
        check("SCHEMA t TAG", "", tags(&[]));
        check("SCHEMA t TAG INDEXEMPTY", "", tags(&[""]));
        check("SCHEMA t TAG SEPARATOR ;", "a,b;c", tags(&["a,b", "c"]));
        check("SCHEMA n NUMERIC", "inf", Ok(Value::Numbers(vec![f64::INFINITY])));
        check("SCHEMA n NUMERIC", "abc", Err("Invalid numeric value: 'abc'"));
        check("SCHEMA n NUMERIC", "nan", Err("Invalid numeric value: 'nan'"));
        let place = Place { longitude: -13.5, latitude: 38.0 };
        check("SCHEMA g GEO", "-13.5, 38", Ok(Value::Places(vec![place])));
        check("SCHEMA g GEO", "-13.5 38", Ok(Value::Places(vec![place])));
        for text in ["bad", "1,2,3", "181,0", "0,86", "1", ""] {
            check("SCHEMA g GEO", text, Err("Invalid geo string"));
        }
        let vector = "SCHEMA v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";
        check(vector, "12345678", Ok(Value::Vector));
        check(vector, "1234", Err("Could not add vector with blob size 4 (expected size 8)"));
        assert_eq!(Value::from_hash(&field(vector), None), Ok(Value::Missing));
    }

    #[test]
    fn fields_are_sorted_as_declared() {
        let check = |line: &str, text: &str, expected: SortValue| {
            assert_eq!(sort_value(&field(line), Some(text.as_bytes())), expected);
        };
        check("SCHEMA t TAG SORTABLE", "A,b", SortValue::Text(Box::from(*b"a,b")));
        check("SCHEMA t TAG SORTABLE UNF", "A,b", SortValue::Text(Box::from(*b"A,b")));
        check("SCHEMA n NUMERIC SORTABLE", "2.5", SortValue::Number(2.5));
        assert_eq!(sort_value(&field("SCHEMA n NUMERIC"), None), SortValue::Missing);
    }
}
