//! Talking to a Docker daemon, one that `scripts/servers` finds or starts.

use std::process::Command;

use crate::server::script;
use crate::{Name, Outcome, ensure};

/// Fails, saying why, where no daemon answers and none can be started.
pub fn available() -> Outcome<()> {
    script(&["docker-up"]).map(|_| ())
}

/// The image of a server under test, pulled or built if need be.
pub fn server_image(name: Name) -> Outcome<String> {
    script(&["image", name.as_str()])
}

/// The `docker` program, set to talk to a daemon that answers.
pub fn command() -> Outcome<Command> {
    let mut command = Command::new("docker");
    address(&mut command)?;
    Ok(command)
}

fn address(command: &mut Command) -> Outcome<()> {
    let host = script(&["docker-up"])?;
    command.env("DOCKER_HOST", host.trim_start_matches("DOCKER_HOST="));
    Ok(())
}

/// Runs `docker` with these words and returns what it prints, without the last line break.
pub fn run(words: &[&str]) -> Outcome<String> {
    let output = command()?.args(words).output()?;
    ensure(output.status.success(), || {
        format!("docker {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim())
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `docker build` with BuildKit (which builds only the stages that are needed); false where
/// no client on this machine can.
pub fn build(words: &[&str]) -> Outcome<bool> {
    // A client may stand first on PATH without its build plugin, and Debian's own beside it.
    for client in ["docker", "/usr/bin/docker"] {
        let mut command = Command::new(client);
        address(&mut command)?;
        let Ok(output) = command.env("DOCKER_BUILDKIT", "1").arg("build").args(words).output()
        else {
            continue;
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        if !errors.contains("buildx component is missing") {
            ensure(output.status.success(), || format!("docker build: {}", errors.trim()))?;
            return Ok(true);
        }
    }
    Ok(false)
}
