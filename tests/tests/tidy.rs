//! Rules of the house that matter enough to be tests.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files git tracks or would add, relative to the root.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git ls-files failed");
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn rust_files() -> Vec<String> {
    files().into_iter().filter(|file| file.ends_with(".rs") && root().join(file).exists()).collect()
}

#[test]
fn core_crates_know_no_server() {
    for manifest in files().iter().filter(|file| file.ends_with("core/Cargo.toml")) {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        for forbidden in ["keyspan-server", "redis-module"] {
            assert!(!text.contains(forbidden), "{manifest} depends on {forbidden}");
        }
    }
    let common = fs::read_to_string(root().join("common/Cargo.toml")).unwrap();
    assert!(!common.contains("keyspan-server") && !common.contains("redis-module"));
}

#[test]
fn unsafe_lives_in_three_places() {
    for file in rust_files() {
        let table = file == "l1/src/store/table.rs";
        if table || file.starts_with("common/server/") || file.contains("/core/src/simd/") {
            continue;
        }
        for (number, line) in fs::read_to_string(root().join(&file)).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let word = ["unsafe", " {"].concat();
            assert!(!code.contains(&word), "{file}:{}: unsafe", number + 1);
        }
    }
}

#[test]
fn sources_are_short_plain_and_finished() {
    let leftovers = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["todo", "!("].concat()];
    for file in rust_files() {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        assert!(text.lines().count() <= 700, "{file} is longer than 700 lines");
        for (number, line) in text.lines().enumerate() {
            assert!(line.is_ascii(), "{file}:{}: not ASCII", number + 1);
            for leftover in &leftovers {
                assert!(!line.contains(leftover.as_str()), "{file}:{}: {leftover}", number + 1);
            }
        }
        if text.lines().next().is_none_or(|line| !line.starts_with("//!"))
            && !file.contains("build.rs")
        {
            panic!("{file} does not say what it is for");
        }
    }
}

/// The names of the tests of the client-side cache.
fn l1_tests() -> Vec<String> {
    let files = rust_files().into_iter().filter(|file| file.contains("tests/l1_"));
    let texts: Vec<String> =
        files.map(|file| fs::read_to_string(root().join(file)).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let mut names = Vec::new();
    let mut marked = false;
    for line in lines {
        if let Some(rest) = line.strip_prefix("fn ").filter(|_| marked) {
            names.extend(rest.split('(').next().map(str::to_owned));
        }
        marked = line == "#[test]" || (marked && line.starts_with('#'));
    }
    names
}

/// Every fact and every failure mode that the client-side cache is built on has a test, and
/// docs/l1.md names it.
#[test]
fn facts_and_failure_modes_have_tests() {
    let page = fs::read_to_string(root().join("docs/l1.md")).unwrap();
    let tests = l1_tests();
    let facts = (1..=23).map(|number| format!("T{number}"));
    let facts = facts.chain((1..=8).map(|number| format!("M{number}")));
    let modes = ('a'..='n').map(|letter| format!("({letter})"));
    for what in facts.chain(modes) {
        let row = page.lines().find(|line| line.starts_with(&format!("| {what} |")));
        let row = row.unwrap_or_else(|| panic!("docs/l1.md has no row of {what}"));
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{what} has no test");
        for name in names {
            assert!(tests.iter().any(|test| test == name), "{what}: there is no test {name}");
        }
    }
}
