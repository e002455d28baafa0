//! TS.*: command lines on a keyspace, see [`crate::lines`]. In front of them stands a byte that chooses
//! the settings.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::LazyLock;

use keyspan_common::{
    command::Row,
    keyspace::Keyspace,
    resp::Protocol,
    settings::{Kind, Setting},
};
use keyspan_timeseries::{commands, settings};
use keyspan_timeseries_core::series::Series;

use super::values::assert_stored;
use crate::{
    lines::{self, DATABASES, Module, States},
    value::digest,
};

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(commands::rows);

/// Most bytes of a chunk: a payload has as many, whatever is in them.
const CHUNK_SIZE_MAX: u64 = 512;

thread_local! {
    /// What was looked at in this run: four keyspaces hold the same, and most lines leave most as it is.
    static SEEN: RefCell<HashSet<Vec<u8>>> = RefCell::default();
}

/// Runs the lines.
pub fn check(input: &[u8]) {
    let Some((profile, lines)) = input.split_first() else { return };
    SEEN.with_borrow_mut(HashSet::clear);
    DATABASES.into_iter().for_each(commands::forget);
    lines::check::<TimeSeries>(*profile, lines);
}

struct TimeSeries;

impl Module for TimeSeries {
    fn rows() -> &'static [Row] {
        &ROWS
    }

    fn dispatch(keyspace: &mut Keyspace, words: &[&[u8]], protocol: Protocol) -> Option<Vec<u8>> {
        commands::dispatch(keyspace, words, protocol)
    }

    /// What the keys hold; rules and sources too, which belong to no value.
    fn states(keyspace: &Keyspace) -> States {
        let state = |(key, series): (&[u8], &Series)| {
            assert_eq!(series.name(), key, "a series does not know its key");
            let rules = series.rules().iter().map(|rule| format!("{rule:?}")).collect::<String>();
            let source = series.source().unwrap_or_default();
            let state = [&digest(series), source, rules.as_bytes()].concat();
            if is_new(&state, series) {
                assert_stored(series);
            }
            (key.to_vec(), state)
        };
        let mut states: States = keyspace.values::<Series>().map(state).collect();
        states.sort();
        states
    }

    /// Each bit of `profile` decides about one setting.
    fn set(profile: u8) {
        for (place, setting) in settings::SETTINGS.iter().enumerate() {
            let is_changed = profile >> (place % 8) & 1 == 1;
            set(setting, is_changed);
        }
    }

    fn tame(_row: &Row, words: &mut [Vec<u8>]) {
        // All of time in buckets of a millisecond is allowed, but nothing to do often.
        words.iter_mut().filter(|word| word.eq_ignore_ascii_case(b"EMPTY")).for_each(Vec::clear);
        let mut is_size = false;
        for word in words {
            let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<u64>().ok());
            if is_size && number.is_some_and(|bytes| bytes > CHUNK_SIZE_MAX && bytes % 8 == 0) {
                *word = CHUNK_SIZE_MAX.to_string().into();
            }
            is_size = word.eq_ignore_ascii_case(b"CHUNK_SIZE");
        }
    }

    fn is_exact(row: &Row) -> bool {
        // What TS.ALTER is told is not compared with what is there.
        !row.name.eq_ignore_ascii_case("ts.alter")
    }
}

/// Whether a series of this state, in chunks like these, was not looked at yet.
fn is_new(state: &[u8], series: &Series) -> bool {
    let mut shape = state.to_vec();
    for chunk in series.chunks() {
        shape.extend(chunk.count().to_le_bytes());
        shape.extend(chunk.size().to_le_bytes());
    }
    SEEN.with_borrow_mut(|seen| seen.insert(shape))
}

/// Gives a setting its default, or another value.
fn set(setting: &Setting, is_changed: bool) {
    match setting.kind {
        Kind::Text(_) => set_text(setting, is_changed),
        Kind::Integer { min, max } => {
            let other = (setting.default + 8).clamp(min, max.min(296));
            let value = if is_changed { other } else { setting.default.min(CHUNK_SIZE_MAX as i64) };
            assert!(setting.set(value), "{}", setting.name);
        }
        Kind::Bool | Kind::Choice(_) => {
            assert!(setting.set(i64::from(is_changed)), "{}", setting.name);
        }
        Kind::Memory { .. } | Kind::Ratio => {}
    }
}

fn set_text(setting: &Setting, is_changed: bool) {
    let (default, other) = match setting.name {
        "ts-compaction-policy" => ("", "max:10m:1h;twa:7m:0:3m"),
        "ts-duplicate-policy" => ("block", "sum"),
        "ts-encoding" => ("compressed", "uncompressed"),
        _ => ("0", "2.5"),
    };
    let text = if is_changed { other } else { default };
    assert_eq!(setting.set_text(text), Ok(()), "{} = {text}", setting.name);
}
