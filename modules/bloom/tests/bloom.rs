//! BF.* on whole command lines, without a server. A program of its own: settings are global, and
//! its tests take turns.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use keyspan_bloom::{commands, settings};
use keyspan_bloom_core::bloom::Filter;
use keyspan_common::{
    keyspace::Keyspace,
    rdb::{Memory, Value as _},
    resp::Protocol,
};

static TURN: Mutex<()> = Mutex::new(());

/// Waits for the settings, and puts them back to their defaults.
fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for setting in settings::SETTINGS {
        assert!(setting.set(setting.default));
    }
    turn
}

fn run(keyspace: &mut Keyspace, line: &str) -> String {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let reply = commands::dispatch(keyspace, &words, Protocol::Resp2).unwrap_or_default();
    String::from_utf8_lossy(&reply).replace("\r\n", " ").trim_end().to_owned()
}

/// Runs lines that must reply what stands with them.
fn check(keyspace: &mut Keyspace, lines: &[(&str, &str)]) {
    for (line, reply) in lines {
        assert_eq!(run(keyspace, line), *reply, "{line}");
    }
}

/// Replays on a replica with other settings what a primary says of `lines`; both must be equal.
fn check_replica(is_valkey: bool, lines: &[&str]) {
    assert!(settings::FAMILY.set(is_valkey.into()));
    let (mut primary, mut replica) = (Keyspace::default(), Keyspace::default());
    replica.is_replica = true;
    for line in lines {
        let said = primary.replicated.len();
        let _ = run(&mut primary, line);
        let received: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let defaults = settings::SETTINGS.map(settings_value);
        assert!(settings::BF_EXPANSION_FACTOR.set(7) && settings::BF_INITIAL_SIZE.set(5));
        assert!(settings::FAMILY.set((!is_valkey).into()));
        for command in &primary.replicated[said..] {
            let command = if command.is_empty() { &received } else { command };
            let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            let reply = commands::dispatch(&mut replica, &words, Protocol::Resp2).unwrap();
            assert!(!reply.starts_with(b"-"), "{line}: {}", reply.escape_ascii());
        }
        for (setting, value) in settings::SETTINGS.iter().zip(defaults) {
            assert!(setting.set(value));
        }
        assert_eq!(fields(&primary), fields(&replica), "{line}");
    }
}

fn settings_value(setting: &keyspan_common::settings::Setting) -> i64 {
    setting.get()
}

/// All keys, and the fields they are saved in.
fn fields(keyspace: &Keyspace) -> Vec<(Vec<u8>, usize, Memory)> {
    let values = keyspace.values::<Filter>();
    let mut all: Vec<_> = values
        .map(|(key, filter)| (key.to_vec(), filter.type_index(), Memory::of(filter, 4)))
        .collect();
    all.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    all
}

#[test]
fn replicas_with_other_settings_agree() {
    let _turn = turn();
    let lines = [
        "BF.ADD auto x",
        "BF.ADD auto x",
        "BF.MADD many 1 2 3 4 5",
        "BF.RESERVE made 0.01 3",
        "BF.RESERVE fixed 0.01 3 NONSCALING",
        "BF.RESERVE none 0.5 3 EXPANSION 0",
        "BF.MADD made 1 2 3 4 5 6 7 8 9 10 11 12",
        "BF.MADD fixed 1 2 3 4 5 6 7 8 9 10 11 12",
        "BF.INSERT short CAPACITY 2 NONSCALING ITEMS 1 2 3 4 5 6",
        "BF.INSERT some ERROR 0.3 ITEMS 1 2",
        "BF.INSERT some ERROR 0.3 ITEMS 1 2 3",
        "BF.INSERT empty",
        "BF.INSERT sharp TIGHTENING 0.7 ITEMS 1 2 3",
        "BF.INSERT seeded SEED 0123456789abcdef0123456789abcdef ITEMS 1 2 3",
    ];
    check_replica(false, &lines);
    check_replica(true, &lines);
    // What a limit refused, a replica without it must not take.
    assert!(settings::BLOOM_MEMORY_USAGE_LIMIT.set(500));
    check_replica(true, &["BF.RESERVE v 0.01 4", "BF.MADD v 1 2 3 4 5 6 7 8 9 a b c d e"]);
}

#[test]
fn only_changes_are_announced() {
    let _turn = turn();
    let mut keyspace = Keyspace::default();
    for (line, events) in [
        ("BF.RESERVE b 0.01 100", &["bloom.reserve"][..]),
        ("BF.RESERVE b 0.01 100", &[]),
        ("BF.ADD b x", &["bloom.add"]),
        ("BF.ADD b x", &[]),
        ("BF.MADD b x y", &["bloom.add"]),
        ("BF.MADD b x y", &[]),
        ("BF.INSERT b ITEMS x y", &[]),
        ("BF.INSERT none NOCREATE ITEMS x y", &[]),
        ("BF.MADD new x y", &["bloom.reserve", "bloom.add"]),
        ("BF.INSERT empty", &["bloom.reserve"]),
        ("BF.EXISTS b x", &[]),
    ] {
        let (seen, said) = (keyspace.events.len(), keyspace.replicated.len());
        let _ = run(&mut keyspace, line);
        let new: Vec<_> = keyspace.events[seen..].iter().map(|(_, event)| *event).collect();
        assert_eq!(new, events, "{line}");
        assert_eq!(keyspace.replicated.len() - said, usize::from(!events.is_empty()), "{line}");
    }
}

#[test]
fn valkey_blooms_own_words_have_its_errors() {
    let _turn = turn();
    assert!(settings::FAMILY.set(1));
    let limit = "-ERR operation exceeds bloom object memory limit";
    let mut keyspace = Keyspace::default();
    check(
        &mut keyspace,
        &[
            ("BF.RESERVE k 0.001 1000000000", limit),
            ("BF.INSERT k CAPACITY 1000000000 ITEMS x", limit),
            ("BF.INSERT k SEED short ITEMS x", "-ERR invalid seed"),
            ("BF.INSERT k TIGHTENING nan ITEMS x", "-ERR bad tightening ratio"),
            ("BF.INSERT k TIGHTENING 2.0 ITEMS x", "-ERR (0 < tightening ratio range < 1)"),
            (
                "BF.INSERT k NONSCALING VALIDATESCALETO 1000",
                "-ERR cannot use NONSCALING and VALIDATESCALETO options together",
            ),
            (
                "BF.INSERT k VALIDATESCALETO 9223372036854775807",
                "-ERR provided VALIDATESCALETO causes bloom object to exceed memory limit",
            ),
            (
                "BF.INSERT k TIGHTENING 1e-200 VALIDATESCALETO 10000",
                "-ERR provided VALIDATESCALETO causes false positive to degrade to 0",
            ),
            ("BF.LOAD k x", "-ERR bloom object decoding failed"),
            ("BF.EXISTS k x", ":0"),
        ],
    );
    assert!(keyspace.events.is_empty() && keyspace.replicated.is_empty());
    check(
        &mut keyspace,
        &[
            ("BF.ADD k x", ":1"),
            ("BF.INFO k ERROR", "*1 $4 0.01"),
            ("BF.INFO k TIGHTENING", "*1 $3 0.5"),
            ("BF.INFO k MAXSCALEDCAPACITY", "*1 :26214300"),
            ("BF.RESERVE fixed 0.01 2 NONSCALING", "+OK"),
            ("BF.INFO fixed TIGHTENING", "-Invalid information value"),
            ("BF.LOAD k x", "-BUSYKEY Target key name already exists."),
        ],
    );
}
