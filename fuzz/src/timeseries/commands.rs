//! TS.*: command lines on a keyspace, see [`crate::lines`]. In front of them stands a byte that chooses
//! the settings.

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

/// Runs the lines.
pub fn check(input: &[u8]) {
    let Some((profile, lines)) = input.split_first() else { return };
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
            assert_stored(series);
            assert_eq!(series.name(), key, "a series does not know its key");
            let rules = series.rules().iter().map(|rule| format!("{rule:?}")).collect::<String>();
            let source = series.source().unwrap_or_default();
            (key.to_vec(), [&digest(series), source, rules.as_bytes()].concat())
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
    }

    fn is_exact(row: &Row) -> bool {
        // What TS.ALTER is told is not compared with what is there.
        !row.name.eq_ignore_ascii_case("ts.alter")
    }
}

/// Gives a setting its default, or another value.
fn set(setting: &Setting, is_changed: bool) {
    if let Kind::Integer { min, max } = setting.kind {
        let other = (setting.default + 8).clamp(min, max.min(296));
        assert!(setting.set(if is_changed { other } else { setting.default }), "{}", setting.name);
        return;
    }
    let (default, other) = match setting.name {
        "ts-compaction-policy" => ("", "max:10m:1h;twa:7m:0:3m"),
        "ts-duplicate-policy" => ("block", "sum"),
        "ts-encoding" => ("compressed", "uncompressed"),
        _ => ("0", "2.5"),
    };
    let text = if is_changed { other } else { default };
    assert_eq!(setting.set_text(text), Ok(()), "{} = {text}", setting.name);
}
