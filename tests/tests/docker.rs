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
/// registry is needed, and hands it over.
fn with_image(body: impl Fn(&str) -> Outcome<()>) -> Outcome<()> {
    if !can_run() {
        return Ok(());
    }
    let native = docker::server_image(Name::parse("valkey-8.1")?)?;
    let tag =
        format!("keyspan-test/image-{}-{:?}", std::process::id(), std::thread::current().id());
    let tag = tag.replace("ThreadId(", "").replace(')', "");
    let context = std::env::temp_dir().join(tag.replace('/', "-"));
    for (from, to) in
        [(modules_folder(), "target/modules"), (workspace().join("packaging"), "packaging")]
    {
        fs::create_dir_all(context.join(to))?;
        for file in fs::read_dir(from)? {
            let file = file?;
            if file.file_type()?.is_file() {
                fs::copy(file.path(), context.join(to).join(file.file_name()))?;
            }
        }
    }
    let (file, server) = (workspace().join("Dockerfile"), format!("SERVER={native}"));
    let (file, place) = (file.to_string_lossy(), context.to_string_lossy());
    let words = [
        "--build-arg",
        "MODULES=prebuilt",
        "--build-arg",
        &server,
        "--file",
        &file,
        "--tag",
        &tag,
        &place,
    ];
    let built = docker::build(&words);
    fs::remove_dir_all(&context)?;
    if !built? {
        eprintln!("NOT TESTED: no Docker client on this machine has BuildKit");
        return Ok(());
    }
    let outcome = body(&tag);
    docker::run(&["rmi", "--force", &tag])?;
    outcome
}

/// A container of the image.
struct Container {
    id: String,
    client: Vec<String>,
}

impl Container {
    fn start(image: &str, options: &[&str], command: &[String]) -> Outcome<Self> {
        let mut line = vec!["run", "--detach", "--rm"];
        line.extend(options);
        line.push(image);
        line.extend(command.iter().map(String::as_str));
        let id = docker::run(&line)?;
        let entry =
            docker::run(&["inspect", "--format", "{{join .Config.Entrypoint \" \"}}", image])?;
        let client = entry.replace("-server", "-cli").split(' ').map(str::to_owned).collect();
        Ok(Self { id, client })
    }

    /// What the server's own client prints for these words.
    fn call(&self, words: &[&str]) -> Outcome<String> {
        let mut line = vec!["exec", self.id.as_str()];
        line.extend(self.client.iter().map(String::as_str));
        line.extend(words);
        docker::run(&line)
    }

    fn answers(&self, words: &[&str], expected: &str) -> Outcome<()> {
        let reply = self.call(words)?;
        ensure(reply == expected, || format!("{words:?} in the container: {reply}"))
    }

    fn wait(&self, words: &[&str], expected: &str) -> Outcome<()> {
        let what = format!("{words:?} in the container");
        wait(&what, || Ok(self.call(words).is_ok_and(|reply| reply == expected)))
    }

    /// Ends it; a failure gets its log.
    fn end(&self, outcome: Outcome<()>) -> Outcome<()> {
        let log = docker::run(&["logs", &self.id]).unwrap_or_default();
        docker::run(&["kill", &self.id])?;
        outcome.map_err(|failure| failure.during(&log))
    }
}

fn all_modules_answer(server: &Container) -> Outcome<()> {
    server.answers(&["JSON.SET", "d", "$", "[1,2]"], "OK")?;
    server.answers(&["JSON.GET", "d", "$[1]"], "[2]")?;
    server.answers(&["BF.ADD", "f", "item"], "1")?;
    server.answers(&["FT.CREATE", "i", "SCHEMA", "t", "TAG"], "OK")?;
    server.answers(&["TS.ADD", "s", "1", "2"], "1")
}

#[test]
fn the_image_has_the_modules_loaded() -> Outcome<()> {
    with_image(|image| {
        let server = Container::start(image, &["--network", "none"], &[])?;
        server.end(server.wait(&["PING"], "PONG").and_then(|()| all_modules_answer(&server)))
    })
}

/// The words that `compose.yaml` gives a service's server.
fn composed(service: &str) -> Outcome<Vec<String>> {
    let text = fs::read_to_string(workspace().join("compose.yaml"))?;
    let from = text.lines().skip_while(|line| *line != format!("  {service}:"));
    let words = from.skip_while(|line| *line != "    command:").skip(1);
    let words = words.map_while(|line| line.strip_prefix("      - "));
    let words: Vec<_> = words.map(|word| word.trim_matches('"').to_owned()).collect();
    ensure(!words.is_empty(), || format!("compose.yaml has no command of {service}"))?;
    Ok(words)
}

/// The primary and the replica of `compose.yaml`, in one network of their own.
#[test]
fn the_composed_replica_follows() -> Outcome<()> {
    with_image(|image| {
        let network = ["--network", "none", "--add-host", "keyspan:127.0.0.1"];
        let primary = Container::start(image, &network, &composed("keyspan")?)?;
        let follow = || -> Outcome<()> {
            primary.wait(&["PING"], "PONG")?;
            all_modules_answer(&primary)?;
            let mut words = composed("replica")?;
            words.extend(["--port".to_owned(), "6380".to_owned()]);
            let joined = format!("container:{}", primary.id);
            let replica = Container::start(image, &["--network", &joined], &words)?;
            let same = || -> Outcome<()> {
                replica.wait(&["-p", "6380", "JSON.GET", "d", "$[1]"], "[2]")?;
                primary.answers(&["JSON.SET", "d", "$[1]", "5"], "OK")?;
                replica.wait(&["-p", "6380", "JSON.GET", "d", "$[1]"], "[5]")
            };
            replica.end(same())
        };
        primary.end(follow())
    })
}
