//! The same transcripts with the server in a container: one Redis and one Valkey at least.

use std::process::Command;

use keyspan_tests::{Kind, Name, Outcome, Protocol, Spec, Transcript, ensure, workspace};

/// Says on stderr why containers cannot run, where they cannot.
fn can_run() -> Outcome<bool> {
    let up = Command::new(workspace().join("scripts/servers")).arg("docker-up").output()?;
    if !up.status.success() {
        let reason = String::from_utf8_lossy(&up.stderr);
        eprintln!("NOT TESTED in Docker, which cannot run here: {}", reason.trim());
    }
    Ok(up.status.success())
}

fn play(folder: &str, module: Option<&str>, server: &str) -> Outcome<()> {
    if !can_run()? {
        return Ok(());
    }
    let name = Name::parse(server)?;
    for transcript in Transcript::read_folder(&workspace().join("tests/transcripts").join(folder))?
    {
        for protocol in Protocol::BOTH {
            let mut spec = Spec::new(name)?.kind(Kind::Docker);
            if let Some(module) = module {
                spec = spec.module(module, &[]);
            }
            let mut server = spec.start()?;
            let played = transcript.play(&mut server.client_in(protocol)?, name, protocol);
            let count = played.map_err(|failure| server.explain(&failure))?;
            ensure(count > 0, || format!("{} has no command", transcript.file))?;
        }
    }
    Ok(())
}

#[test]
fn native_on_redis() -> Outcome<()> {
    play("native", None, "redis-8.0")
}

#[test]
fn native_on_valkey() -> Outcome<()> {
    play("native", None, "valkey-8.1")
}

#[test]
fn json_on_redis() -> Outcome<()> {
    play("json", Some("json"), "redis-8.0")
}

#[test]
fn json_on_valkey() -> Outcome<()> {
    play("json", Some("json"), "valkey-8.1")
}
