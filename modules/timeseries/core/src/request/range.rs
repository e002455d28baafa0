//! What RANGE and its kin ask: times, filters, buckets.

use std::num::NonZeroU64;

use super::words::Words;
use crate::aggregate::Aggregator;
use crate::error::Error;
use crate::range::{Aggregation, BucketTimestamp, Query};
use crate::rule::Grid;

/// Most aggregators of one AGGREGATION: each of them once.
const AGGREGATORS_MAX: usize = 15;

/// What one series is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Times, filters, buckets.
    pub query: Query,
    /// Whether the open bucket of a compaction is told.
    pub latest: bool,
}

/// An end of a range, and whether it was named and not left open.
type End = (u64, bool);

fn from(word: Option<&[u8]>) -> Result<End, Error> {
    match word {
        Some(b"-") => Ok((0, false)),
        word => time(word).map(|time| (time, true)).ok_or(Error::From),
    }
}

fn to(word: Option<&[u8]>) -> Result<End, Error> {
    match word {
        Some(b"+") => Ok((u64::MAX, false)),
        word => time(word).map(|time| (time, true)).ok_or(Error::To),
    }
}

fn time(word: Option<&[u8]>) -> Option<u64> {
    u64::try_from(keyspan_common::number::parse_i64(word?)?).ok()
}

/// The first and the last millisecond that DEL is given.
///
/// # Errors
/// Which of them is none.
pub fn ends(words: Words<'_>, place: usize) -> Result<(u64, u64), Error> {
    Ok((from(words.get(place))?.0, to(words.get(place + 1))?.0))
}

/// How many words AGGREGATION has before the bucket: one, or one a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// One list for all.
    One,
    /// One for each of so many keys.
    Each(usize),
}

impl Range {
    /// Reads the range that begins at `place`, from anywhere in `words`.
    ///
    /// # Errors
    /// What is wrong, in the order in which RedisTimeSeries looks.
    pub fn parse(words: Words<'_>, place: usize) -> Result<Self, Error> {
        let (mut range, mut lists) = Self::parse_lists(words, place, Lists::One)?;
        if let Some(aggregation) = &mut range.query.aggregation {
            aggregation.aggregators = lists.pop().unwrap_or_default();
        }
        Ok(range)
    }

    /// As [`Self::parse`], with a list of aggregators for each key, which are returned apart.
    ///
    /// # Errors
    /// As for [`Self::parse`].
    pub fn parse_lists(
        words: Words<'_>,
        place: usize,
        lists: Lists,
    ) -> Result<(Self, Vec<Vec<Aggregator>>), Error> {
        let (from, to) = (from(words.get(place))?, to(words.get(place + 1))?);
        let latest = words.find("LATEST").is_some();
        let count = count(words)?;
        let aggregation = aggregation(words, lists)?;
        let values = values(words)?;
        let timestamps = timestamps(words)?;
        let alignment = alignment(words, from, to, aggregation.is_some())?;
        let (lists, aggregation) = aggregation.unzip();
        let aligned = |aggregation: Aggregation| Aggregation {
            grid: Grid::new(aggregation.grid.bucket, alignment),
            ..aggregation
        };
        let query = Query {
            from: from.0,
            to: to.0,
            times: timestamps,
            values,
            count,
            aggregation: aggregation.map(aligned),
            is_reverse: false,
        };
        Ok((Self { query, latest }, lists.unwrap_or_default()))
    }
}

/// COUNT, which is an aggregator too.
fn count(words: Words<'_>) -> Result<Option<u64>, Error> {
    let Some(mut place) = words.find("COUNT") else { return Ok(None) };
    if words.is(place.saturating_sub(1), "AGGREGATION") {
        let rest = Words(words.part(place, words.len()));
        match rest.find("COUNT") {
            Some(next) => place += next,
            None => return Ok(None),
        }
    }
    if place + 1 == words.len() {
        return Err(Error::CountMissing);
    }
    let count = words.integer(place + 1).ok_or(Error::Count)?;
    let count = u64::try_from(count).ok().filter(|count| *count > 0);
    count.map(Some).ok_or(Error::CountRange)
}

/// Aggregators with commas between.
///
/// # Errors
/// What is wrong with the list.
pub fn aggregators(list: &[u8]) -> Result<Vec<Aggregator>, Error> {
    let mut found = Vec::new();
    for name in list.split(|byte| *byte == b',') {
        if name.is_empty() {
            return Err(Error::AggregationEmpty);
        }
        found.push(Aggregator::parse(name).ok_or(Error::AggregationUnknown)?);
        if found.len() > AGGREGATORS_MAX {
            return Err(Error::AggregationsTooMany);
        }
    }
    Ok(found)
}

/// Lists of aggregators, and the buckets they are for.
type Listed = (Vec<Vec<Aggregator>>, Aggregation);

fn aggregation(words: Words<'_>, lists: Lists) -> Result<Option<Listed>, Error> {
    let Some(place) = words.find("AGGREGATION") else { return Ok(None) };
    let behind = place + 1;
    let end = match lists {
        Lists::One => behind + 1,
        Lists::Each(keys) => behind.saturating_add(keys),
    };
    let duration = match (lists, words.integer(end)) {
        (_, Some(duration)) => duration,
        (Lists::One, None) => return Err(Error::Aggregation),
        (Lists::Each(_), None) => return Err(each_lacks(words, behind)),
    };
    // A number in the place of a list is the bucket's, which came too early.
    let list = |word: &&[u8]| match lists {
        Lists::Each(_) if keyspan_common::number::parse_i64(word).is_some() => {
            Err(Error::AggregationCount)
        }
        Lists::Each(_) | Lists::One => aggregators(word),
    };
    let lists: Vec<_> = words.part(behind, end).iter().map(list).collect::<Result<_, _>>()?;
    let duration = u64::try_from(duration).ok().and_then(NonZeroU64::new).ok_or(Error::Bucket)?;
    let (timestamp, with_empty) = shape(words, end)?;
    let (aggregators, grid) = (Vec::new(), Grid::new(duration, 0));
    Ok(Some((lists, Aggregation { aggregators, grid, timestamp, with_empty })))
}

/// Why there is no bucket behind one list a key.
fn each_lacks(words: Words<'_>, behind: usize) -> Error {
    let rest = words.part(behind, words.len());
    let lists = rest.iter().take_while(|word| aggregators(word).is_ok()).count();
    match rest.get(lists).and_then(|word| keyspan_common::number::parse_i64(word)) {
        Some(_) if lists > 0 => Error::AggregationCount,
        _ if rest.len() > lists && lists == 0 => Error::AggregationUnknown,
        _ => Error::Aggregation,
    }
}

/// BUCKETTIMESTAMP and EMPTY, which stand right behind the bucket.
fn shape(words: Words<'_>, bucket: usize) -> Result<(BucketTimestamp, bool), Error> {
    let empty = (1..=3).any(|behind| words.is(bucket + behind, "EMPTY"));
    let mut places = (1..=2).map(|behind| bucket + behind);
    let Some(place) = places.find(|place| words.is(*place, "BUCKETTIMESTAMP")) else {
        return Ok((BucketTimestamp::Start, empty));
    };
    let word = words.get(place + 1).unwrap_or_default().to_ascii_lowercase();
    let timestamp = match word.as_slice() {
        b"-" | b"start" | b"low" => BucketTimestamp::Start,
        b"+" | b"end" | b"high" => BucketTimestamp::End,
        b"~" | b"mid" => BucketTimestamp::Middle,
        _ => return Err(Error::BucketTimestamp),
    };
    Ok((timestamp, empty))
}

fn values(words: Words<'_>) -> Result<Option<(f64, f64)>, Error> {
    let Some(place) = words.find("FILTER_BY_VALUE") else { return Ok(None) };
    if place + 2 >= words.len() {
        return Err(Error::FilterValues);
    }
    let min = words.number(place + 1).ok_or(Error::FilterValuesMin)?;
    let max = words.number(place + 2).ok_or(Error::FilterValuesMax)?;
    Ok(Some((min, max)))
}

fn timestamps(words: Words<'_>) -> Result<Option<Vec<u64>>, Error> {
    let Some(place) = words.find("FILTER_BY_TS") else { return Ok(None) };
    let words = words.part(place + 1, words.len()).iter();
    let times = words.map_while(|word| keyspan_common::number::parse_i64(word));
    let mut count = 0_usize;
    let times = times.inspect(|_| count += 1);
    let mut times: Vec<u64> = times.filter_map(|time| u64::try_from(time).ok()).collect();
    if count == 0 {
        return Err(Error::FilterTimestamps);
    }
    times.sort_unstable();
    times.dedup();
    Ok(Some(times))
}

fn alignment(words: Words<'_>, from: End, to: End, has_buckets: bool) -> Result<u64, Error> {
    let Some(place) = words.find("ALIGN") else { return Ok(0) };
    if !has_buckets {
        return Err(Error::AlignAlone);
    }
    let word = words.get(place + 1).ok_or(Error::AlignUnknown)?;
    match word.to_ascii_lowercase().as_slice() {
        b"-" | b"start" => from.1.then_some(from.0).ok_or(Error::AlignStart),
        b"+" | b"end" => to.1.then_some(to.0).ok_or(Error::AlignEnd),
        _ => time(Some(word)).ok_or(Error::AlignUnknown),
    }
}
