//! How series are made and altered.

use super::words::Words;
use crate::chunk::{ChunkSize, Encoding};
use crate::error::Error;
use crate::label::{self, Label};
use crate::series::{Alteration, DuplicatePolicy, Ignore, Options};

/// What a command says of a series; the rest is left to the settings, or to what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// RETENTION.
    pub retention_ms: Option<u64>,
    /// CHUNK_SIZE.
    pub chunk_size: Option<ChunkSize>,
    /// ENCODING.
    pub encoding: Option<Encoding>,
    /// DUPLICATE_POLICY.
    pub duplicate_policy: Option<DuplicatePolicy>,
    /// IGNORE.
    pub ignore: Option<Ignore>,
    /// LABELS.
    pub labels: Option<Vec<Label>>,
}

impl Given {
    /// Reads options from anywhere in `words`.
    ///
    /// # Errors
    /// What is wrong, in the order in which RedisTimeSeries looks.
    pub fn parse(words: Words<'_>) -> Result<Self, Error> {
        let all = words;
        let words = words.behind_key();
        let labels =
            words.find("LABELS").map(|place| label::parse(words.part(place + 1, words.len())));
        Ok(Self {
            labels: labels.transpose()?,
            retention_ms: retention(words)?,
            chunk_size: chunk_size(words)?,
            encoding: encoding(words)?,
            duplicate_policy: duplicate_policy(all, "DUPLICATE_POLICY")?,
            ignore: ignore(words)?,
        })
    }

    /// A new series of these options, and of `defaults` for the rest.
    pub fn over(self, defaults: Options) -> Options {
        Options {
            retention_ms: self.retention_ms.unwrap_or(defaults.retention_ms),
            chunk_size: self.chunk_size.unwrap_or(defaults.chunk_size),
            encoding: self.encoding.unwrap_or(defaults.encoding),
            duplicate_policy: self.duplicate_policy.or(defaults.duplicate_policy),
            ignore: self.ignore.unwrap_or(defaults.ignore),
            labels: self.labels.unwrap_or(defaults.labels),
        }
    }

    /// What they change of a series; its encoding stays.
    pub fn alteration(self) -> Alteration {
        Alteration {
            retention_ms: self.retention_ms,
            chunk_size: self.chunk_size,
            duplicate_policy: self.duplicate_policy,
            ignore: self.ignore,
            labels: self.labels,
        }
    }
}

fn retention(words: Words<'_>) -> Result<Option<u64>, Error> {
    let Some(place) = words.find("RETENTION") else { return Ok(None) };
    let retention = words.integer(place + 1).ok_or(Error::Retention)?;
    u64::try_from(retention).map(Some).map_err(|_| Error::RetentionNegative)
}

fn chunk_size(words: Words<'_>) -> Result<Option<ChunkSize>, Error> {
    let Some(place) = words.find("CHUNK_SIZE") else { return Ok(None) };
    let bytes = words.integer(place + 1).ok_or(Error::ChunkSize)?;
    let size = u64::try_from(bytes).ok().and_then(ChunkSize::new);
    size.map(Some).ok_or(Error::ChunkSizeRange)
}

fn encoding(words: Words<'_>) -> Result<Option<Encoding>, Error> {
    let legacy = words.find("UNCOMPRESSED").map(|_| Encoding::Uncompressed);
    let Some(place) = words.find("ENCODING") else { return Ok(legacy) };
    let name = words.get(place + 1).unwrap_or_default();
    parse_encoding(name).map(Some).ok_or(Error::Encoding)
}

/// The encoding of a name, in whatever case.
pub fn parse_encoding(name: &[u8]) -> Option<Encoding> {
    let encodings =
        [("compressed", Encoding::Compressed), ("uncompressed", Encoding::Uncompressed)];
    let is_it = |known: &(&str, _)| known.0.as_bytes().eq_ignore_ascii_case(name);
    encodings.into_iter().find(is_it).map(|(_, encoding)| encoding)
}

/// The policy behind `keyword`.
///
/// # Errors
/// That there is none, or none of this name.
pub fn duplicate_policy(words: Words<'_>, keyword: &str) -> Result<Option<DuplicatePolicy>, Error> {
    let words = words.behind_key();
    let Some(place) = words.find(keyword) else { return Ok(None) };
    let name = words.get(place + 1).ok_or(Error::DuplicatePolicy)?;
    DuplicatePolicy::parse(name).map(Some).ok_or(Error::DuplicatePolicyUnknown)
}

fn ignore(words: Words<'_>) -> Result<Option<Ignore>, Error> {
    let Some(place) = words.find("IGNORE") else { return Ok(None) };
    let (time, value) = (words.integer(place + 1), words.number(place + 2));
    let (time, value) = time.zip(value).ok_or(Error::Ignore)?;
    let time_ms_max = u64::try_from(time).map_err(|_| Error::IgnoreNegative)?;
    if value < 0.0 {
        return Err(Error::IgnoreNegative);
    }
    Ok(Some(Ignore { time_ms_max, value_max: value }))
}
