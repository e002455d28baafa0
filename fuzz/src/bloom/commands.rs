//! BF.*, CF.*, CMS.*, TOPK.* and TDIGEST.*: command lines on a keyspace, see [`crate::lines`]. In front
//! of them stands a byte that chooses the settings.

use keyspan_bloom::{commands, settings};
use keyspan_common::{
    command::Row,
    keyspace::Keyspace,
    resp::Protocol,
    settings::{Kind, Setting},
};

use super::{bound_memory, probes::ROWS, values};
use crate::lines::{self, Module, States};

/// Sizes up to this are small enough for many values of them, and from [`REFUSED`] on every command
/// refuses them; those between are brought down.
const SIZE_MAX: u64 = 512;
/// The least size that no server has the memory for, or that is over a limit.
const REFUSED: u64 = 1 << 31;
/// The least error that CMS.INITBYPROB is given.
const ERROR_MIN: f64 = 0.002;

/// Runs the lines.
pub fn check(input: &[u8]) {
    let Some((profile, lines)) = input.split_first() else { return };
    bound_memory();
    lines::check::<Bloom>(*profile, lines);
}

struct Bloom;

impl Module for Bloom {
    fn rows() -> &'static [Row] {
        &ROWS
    }

    fn dispatch(keyspace: &mut Keyspace, words: &[&[u8]], protocol: Protocol) -> Option<Vec<u8>> {
        commands::dispatch(keyspace, words, protocol)
    }

    fn states(keyspace: &Keyspace) -> States {
        values::states(keyspace)
    }

    /// Each bit of `profile` decides about one setting, or about several.
    fn set(profile: u8) {
        for (place, setting) in settings::SETTINGS.iter().enumerate() {
            let is_changed = profile >> (place % 8) & 1 == 1;
            let value = if is_changed { changed(setting) } else { setting.default };
            // Two keyspaces that get the same lines would differ.
            let value = if setting.name == "bloom-use-random-seed" { 0 } else { value };
            assert!(setting.set(value), "{} = {value}", setting.name);
        }
    }

    fn tame(row: &Row, words: &mut [Vec<u8>]) {
        let name = row.name.to_ascii_uppercase();
        let command = name.split_once('.').map_or("", |(_, command)| command);
        match command {
            "RESERVE" | "INSERT" | "INSERTNX" | "INITBYDIM" | "INITBYPROB" | "CREATE" | "MERGE" => {
                words.iter_mut().skip(2).for_each(bring_down);
            }
            _ => {}
        }
    }

    fn is_exact(row: &Row) -> bool {
        // What a chunk brings is not compared with what is there.
        !row.name.to_ascii_uppercase().ends_with("LOADCHUNK")
    }
}

/// A value other than the default, and small.
fn changed(setting: &Setting) -> i64 {
    match setting.kind {
        Kind::Bool | Kind::Choice(_) => 1 - setting.default,
        // Bloom has none.
        Kind::Text(_) => setting.default,
        Kind::Integer { min, max } => (setting.default + 3).clamp(min, max.min(300)),
        Kind::Memory { .. } => 1 << 10,
        Kind::Ratio => 0.125_f64.to_bits().cast_signed(),
    }
}

/// Makes a size that would cost much a small one.
fn bring_down(word: &mut Vec<u8>) {
    let Ok(text) = std::str::from_utf8(word) else { return };
    if let Ok(size) = text.parse::<u64>() {
        if (SIZE_MAX + 1..REFUSED).contains(&size) {
            *word = (size % SIZE_MAX).to_string().into();
        }
    } else if let Ok(error) = text.parse::<f64>()
        && 0.0 < error
        && error < ERROR_MIN
    {
        *word = ERROR_MIN.to_string().into();
    }
}
