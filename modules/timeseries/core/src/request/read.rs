//! What READ asks.

use super::words::Words;
use crate::error::{Error, ReadFault};

/// From where samples are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// From this time on.
    At(u64),
    /// From the last sample on.
    Last,
    /// Behind the last sample.
    New,
}

/// How long a client waits, and for how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Milliseconds, 0 for ever.
    pub timeout_ms: u64,
    /// Samples that end it.
    pub min_count: u64,
}

/// What READ asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// From where.
    pub cursor: Cursor,
    /// Whether to wait.
    pub wait: Option<Wait>,
    /// How many samples are told at most.
    pub max_count: Option<u64>,
}

impl Read {
    /// Reads what stands behind the key.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(words: Words<'_>) -> Result<Self, Error> {
        let cursor = cursor(words.get(2).unwrap_or_default())?;
        let (mut wait, mut max_count, mut place) = (None, None, 3);
        while place < words.len() {
            if words.is(place, "BLOCK") {
                wait = Some(parse_wait(words, place)?);
                place += 3;
            } else if words.is(place, "MAX_COUNT") {
                max_count = Some(count(words, place + 1, ReadFault::MaxCount)?);
                place += 2;
            } else {
                return Err(Error::Read(ReadFault::Word));
            }
        }
        if wait.is_some_and(|wait| max_count.is_some_and(|most| wait.min_count > most)) {
            return Err(Error::Read(ReadFault::MinOverMax));
        }
        Ok(Self { cursor, wait, max_count })
    }
}

fn cursor(word: &[u8]) -> Result<Cursor, Error> {
    match word {
        b"-" => Ok(Cursor::At(0)),
        b"+" => Ok(Cursor::Last),
        b"$" => Ok(Cursor::New),
        _ => {
            let time = keyspan_common::number::parse_i64(word);
            let time = time.and_then(|time| u64::try_from(time).ok());
            time.map(Cursor::At).ok_or(Error::Read(ReadFault::Timestamp))
        }
    }
}

fn parse_wait(words: Words<'_>, place: usize) -> Result<Wait, Error> {
    let timeout_ms = words.integer(place + 1).and_then(|time| u64::try_from(time).ok());
    let timeout_ms = timeout_ms.ok_or(Error::Read(ReadFault::Milliseconds))?;
    Ok(Wait { timeout_ms, min_count: count(words, place + 2, ReadFault::MinCount)? })
}

fn count(words: Words<'_>, place: usize, fault: ReadFault) -> Result<u64, Error> {
    let count = words.integer(place).and_then(|count| u64::try_from(count).ok());
    count.filter(|count| *count > 0).ok_or(Error::Read(fault))
}
