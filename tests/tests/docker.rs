//! The same transcripts with the server in a container: one Redis and one Valkey at least.

use std::fs;

use keyspan_tests::replication::wait;
use keyspan_tests::{
    Kind, Name, Outcome, Protocol, Spec, Transcript, docker, ensure, modules_folder, workspace,
};

/// Says on stderr why containers cannot run, where they cannot.
fn can_run() -> bool {
    let available = docker::available();
    if let Err(reason) = &available {
        eprintln!("NOT TESTED in Docker, which cannot run here: {reason}");
    }
    available.is_ok()
}

fn play(folder: &str, module: Option<&str>, server: &str) -> Outcome<()> {
    if !can_run() {
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

#[test]
fn bloom_on_redis() -> Outcome<()> {
    play("bloom", Some("bloom"), "redis-8.0")
}

#[test]
fn bloom_on_valkey() -> Outcome<()> {
    play("bloom", Some("bloom"), "valkey-8.1")
}

/// Builds the image of the Dockerfile from ready libraries and an image of a server, so that no
/// registry is needed, and asks the server in it.
#[test]
fn the_image_has_the_modules_loaded() -> Outcome<()> {
    if !can_run() {
        return Ok(());
    }
    let native = docker::server_image(Name::parse("valkey-8.1")?)?;
    let context = std::env::temp_dir().join(format!("keyspan-image-{}", std::process::id()));
    let modules = context.join("target/modules");
    fs::create_dir_all(&modules)?;
    for module in ["bloom", "json", "search", "timeseries"] {
        let module = format!("libkeyspan_{module}.so");
        fs::copy(modules_folder().join(&module), modules.join(&module))?;
    }
    let tag = format!("keyspan-test/image-{}", std::process::id());
    let file = workspace().join("Dockerfile");
    let built = docker::build(&[
        "--build-arg",
        "MODULES=prebuilt",
        "--build-arg",
        &format!("SERVER={native}"),
        "--file",
        &file.to_string_lossy(),
        "--tag",
        &tag,
        &context.to_string_lossy(),
    ]);
    fs::remove_dir_all(&context)?;
    if !built? {
        eprintln!("NOT TESTED: no Docker client on this machine has BuildKit");
        return Ok(());
    }
    let asked = ask(&tag);
    docker::run(&["rmi", "--force", &tag])?;
    asked
}

/// Starts a container of the image as a user would, without a network, and asks it from inside.
fn ask(image: &str) -> Outcome<()> {
    let container = docker::run(&["run", "--detach", "--rm", "--network", "none", image])?;
    let entry = docker::run(&["inspect", "--format", "{{join .Config.Entrypoint \" \"}}", image])?;
    let client = entry.replace("-server", "-cli");
    let call = |words: &[&str]| {
        let mut line = vec!["exec", container.as_str()];
        line.extend(client.split(' '));
        line.extend(words);
        docker::run(&line)
    };
    let answers = || -> Outcome<()> {
        wait("the server in the container", || Ok(call(&["PING"]).is_ok_and(|r| r == "PONG")))?;
        call(&["JSON.SET", "d", "$", "[1,2]"])?;
        let reply = call(&["JSON.GET", "d", "$[1]"])?;
        ensure(reply == "[2]", || format!("JSON.GET in the container: {reply}"))?;
        let reply = call(&["BF.ADD", "f", "item"])?;
        ensure(reply == "1", || format!("BF.ADD in the container: {reply}"))?;
        let reply = call(&["FT.CREATE", "i", "SCHEMA", "t", "TAG"])?;
        ensure(reply == "OK", || format!("FT.CREATE in the container: {reply}"))?;
        let reply = call(&["TS.ADD", "s", "1", "2"])?;
        ensure(reply == "1", || format!("TS.ADD in the container: {reply}"))
    };
    let outcome = answers();
    let log = docker::run(&["logs", &container]).unwrap_or_default();
    docker::run(&["kill", &container])?;
    outcome.map_err(|failure| failure.during(&log))
}
