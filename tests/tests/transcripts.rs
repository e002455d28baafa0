//! Every transcript on every server in both protocols.

use std::collections::BTreeSet;
use std::fs;

use keyspan_tests::{
    Failure, Name, Outcome, Protocol, SERVERS, Spec, Transcript, ensure, workspace,
};

/// Plays every transcript of a folder on fresh servers.
fn play(folder: &str, module: Option<&str>, server: &str) -> Outcome<()> {
    let name = Name::parse(server)?;
    if !name.is_chosen()? {
        eprintln!("{server} is not among KEYSPAN_SERVERS");
        return Ok(());
    }
    let mut failures = Vec::new();
    let transcripts = Transcript::read_folder(&workspace().join("tests/transcripts").join(folder))?;
    ensure(!transcripts.is_empty(), || format!("no transcript in {folder}"))?;
    for transcript in transcripts {
        for protocol in Protocol::BOTH {
            let spec =
                module.map_or_else(|| Spec::new(name), |m| Ok(Spec::new(name)?.module(m, &[])));
            let mut server = spec?.start()?;
            let outcome = transcript.play(&mut server.client_in(protocol)?, name, protocol);
            failures.extend(outcome.err().map(|failure| server.explain(&failure).to_string()));
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))
}

macro_rules! on_servers {
    ($($test:ident $server:literal)*) => {
        mod native {
            $(#[test] fn $test() -> super::Outcome<()> { super::play("native", None, $server) })*
        }
        mod json {
            $(#[test] fn $test() -> super::Outcome<()> { super::play("json", Some("json"), $server) })*
        }
        mod bloom {
            $(#[test] fn $test() -> super::Outcome<()> { super::play("bloom", Some("bloom"), $server) })*
        }
        mod search {
            $(#[test] fn $test() -> super::Outcome<()> { super::play("search", Some("search"), $server) })*
        }
        mod timeseries {
            $(#[test] fn $test() -> super::Outcome<()> { super::play("timeseries", Some("timeseries"), $server) })*
        }
    };
}

on_servers! {
    redis_7_0 "redis-7.0"
    redis_8_0 "redis-8.0"
    redis_8_6 "redis-8.6"
    valkey_8_0 "valkey-8.0"
    valkey_8_1 "valkey-8.1"
    valkey_9_1 "valkey-9.1"
}

#[test]
fn a_wrong_reply_is_told_with_its_line() -> Outcome<()> {
    let Some(&name) = keyspan_tests::servers()?.first() else { return Ok(()) };
    let server = Spec::new(name)?.start()?;
    let wrong = Transcript::parse("wrong.txt", b"> PING\n+PONG\n\n> ECHO a\n$1\nb\n")?;
    let outcome = wrong.play(&mut server.client()?, name, Protocol::Resp2);
    let told = outcome.err().map(|failure| failure.to_string()).unwrap_or_default();
    for part in ["wrong.txt:4", "> ECHO a", "  - b", "  + a"] {
        ensure(told.contains(part), || format!("{part:?} is not in: {told}"))?;
    }
    ensure(!told.contains("PING"), || told.clone())
}

/// The README says how many commands are played where; every one of them is, above.
#[test]
fn the_readme_tells_what_is_played() -> Outcome<()> {
    let readme = fs::read_to_string(workspace().join("README.md"))?;
    for module in ["json", "bloom", "search", "timeseries"] {
        let folder = workspace().join("tests/transcripts").join(module);
        let transcripts = Transcript::read_folder(&folder)?;
        let steps: usize = transcripts.iter().map(|transcript| transcript.steps.len()).sum();
        let cells = format!(" {steps} x 2 |").repeat(SERVERS.len());
        let row = format!("| `libkeyspan_{module}.so` |{cells}");
        ensure(readme.lines().any(|line| line == row), || format!("README.md lacks: {row}"))?;
    }
    Ok(())
}

#[test]
fn every_difference_has_its_reason() -> Outcome<()> {
    let mut slugs = BTreeSet::new();
    for folder in fs::read_dir(workspace().join("tests/transcripts"))? {
        for transcript in Transcript::read_folder(&folder?.path())? {
            slugs.extend(transcript.steps.into_iter().filter_map(|step| step.differs));
        }
    }
    let reasons = fs::read_to_string(workspace().join("docs/differences.md")).unwrap_or_default();
    let headings: BTreeSet<_> =
        reasons.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let missing: Vec<_> = slugs.iter().filter(|slug| !headings.contains(slug.as_str())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("docs/differences.md gives no reason for {missing:?}")))
}
