//! Starting, stopping and killing servers.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Client, Failure, Kind, Name, Outcome, Protocol, TOO_OLD, docker};

/// How long a server may take until it answers; a whole `.rdb` of 100 MB loads within it.
const START_MAX: Duration = Duration::from_secs(60);

/// The folder of the workspace's root `Cargo.toml`.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder of `libkeyspan_*.so`: `KEYSPAN_MODULES_DIR`, or `target/modules`.
#[must_use]
pub fn modules_folder() -> PathBuf {
    let named = env::var_os("KEYSPAN_MODULES_DIR").map(PathBuf::from);
    named.unwrap_or_else(|| workspace().join("target/modules"))
}

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct Spec {
    name: Name,
    kind: Kind,
    modules: Vec<(String, Vec<String>)>,
    options: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
    sentinel: bool,
}

impl Spec {
    /// A bare server, of the kind that the environment asks for.
    pub fn new(name: Name) -> Outcome<Self> {
        let kind = Kind::chosen()?;
        Ok(Self {
            name,
            kind,
            modules: Vec::new(),
            options: Vec::new(),
            files: Vec::new(),
            sentinel: false,
        })
    }

    /// A server of this kind, whatever the environment says.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Loads `libkeyspan_<module>.so` with these arguments.
    #[must_use]
    pub fn module(mut self, module: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        self.modules.push((format!("libkeyspan_{module}.so"), arguments));
        self
    }

    /// Adds command line options, such as `["--appendonly", "yes"]`; later ones win.
    #[must_use]
    pub fn options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&word| word.to_owned()));
        self
    }

    /// Puts a file into the server's folder before it starts, such as `dump.rdb`.
    #[must_use]
    pub fn file(mut self, name: &str, content: &[u8]) -> Self {
        self.files.push((name.to_owned(), content.to_vec()));
        self
    }

    /// As a sentinel, who watches others and holds no data.
    #[must_use]
    pub fn sentinel(mut self) -> Self {
        self.sentinel = true;
        self.file("sentinel.conf", b"")
    }

    /// Starts it and waits until it answers.
    pub fn start(&self) -> Outcome<Server> {
        Server::start(self.clone())
    }

    /// Starts it, which has to fail: what it logged. Its folder goes.
    pub fn start_refused(&self) -> Outcome<String> {
        let mut server = Server::launched(self.clone())?;
        let outcome = server.wait_until_ready();
        let log = server.log()?;
        server.keep = outcome.is_ok();
        crate::ensure(outcome.is_err(), || format!("{} started: {log}", server.name()))?;
        Ok(log)
    }

    /// The options that every server under test gets, then its own.
    fn command_line(&self, port: u16, folder: &str, modules: &str) -> Vec<String> {
        let port = port.to_string();
        if self.sentinel {
            let config = format!("{folder}/sentinel.conf");
            return [
                &config,
                "--sentinel",
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--dir",
                folder,
            ]
            .map(str::to_owned)
            .into();
        }
        let base = [
            ["--port", &port],
            ["--bind", "127.0.0.1"],
            ["--dir", folder],
            ["--save", ""],
            ["--repl-diskless-sync-delay", "0"],
        ];
        let mut line: Vec<String> = base.as_flattened().iter().map(|&word| word.into()).collect();
        if self.name != TOO_OLD {
            let gates = ["--enable-debug-command", "yes", "--enable-module-command", "yes"];
            line.extend(gates.map(str::to_owned));
        }
        for (module, arguments) in &self.modules {
            line.extend(["--loadmodule".into(), format!("{modules}/{module}")]);
            line.extend(arguments.iter().cloned());
        }
        line.extend(self.options.iter().cloned());
        line
    }
}

/// A running server in a folder of its own.
///
/// Dropping one kills it. Its folder goes too, but for one that failed: see [`Server::keep`].
#[derive(Debug)]
pub struct Server {
    spec: Spec,
    port: u16,
    folder: PathBuf,
    process: Child,
    container: String,
    keep: bool,
}

/// An option that stands for a port which is free when the server is started, at each attempt another.
pub const A_FREE_PORT: &str = "a free port";

static STARTED: AtomicU32 = AtomicU32::new(0);

impl Server {
    fn start(spec: Spec) -> Outcome<Self> {
        for (module, _) in &spec.modules {
            let path = modules_folder().join(module);
            crate::ensure(path.exists(), || {
                format!("there is no {}: build it with scripts/build", path.display())
            })?;
        }
        let mut attempt = Self::start_once(spec.clone());
        for _ in 0..2 {
            // Another process may take the free port before the server does.
            match attempt {
                Err(failure) if failure.to_string().contains("Address already in use") => {
                    attempt = Self::start_once(spec.clone());
                }
                Ok(_) | Err(_) => break,
            }
        }
        attempt
    }

    fn start_once(spec: Spec) -> Outcome<Self> {
        let mut server = Self::launched(spec)?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Its process, which does not answer yet.
    fn launched(mut spec: Spec) -> Outcome<Self> {
        for option in spec.options.iter_mut().filter(|option| *option == A_FREE_PORT) {
            *option = free_port()?.to_string();
        }
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let label = format!("keyspan-{}-{number}-{}", std::process::id(), spec.name);
        let folder = env::temp_dir().join(&label);
        fs::create_dir_all(&folder)?;
        for (name, content) in &spec.files {
            fs::write(folder.join(name), content)?;
        }
        let port = free_port()?;
        let process = launch(&spec, port, &folder, &label)?;
        let keep = env::var_os("KEYSPAN_KEEP").is_some_and(|value| value == "1");
        Ok(Self { spec, port, folder, process, container: label, keep })
    }

    /// Which server this is.
    #[must_use]
    pub fn name(&self) -> Name {
        self.spec.name
    }

    /// Its TCP port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its working folder, where `dump.rdb`, `appendonlydir` and `server.log` are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it has logged so far.
    pub fn log(&self) -> Outcome<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.folder.join("server.log"))?).into_owned())
    }

    /// A new RESP2 connection.
    pub fn client(&self) -> Outcome<Client> {
        Client::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))
    }

    /// A new connection that speaks this protocol.
    pub fn client_in(&self, protocol: Protocol) -> Outcome<Client> {
        let mut client = self.client()?;
        if protocol == Protocol::Resp3 {
            client.speak(protocol)?;
        }
        Ok(client)
    }

    /// Keeps the folder and its log after the server has gone.
    pub fn keep(&mut self) {
        self.keep = true;
    }

    /// The failure with the log's place and its last lines; the folder is kept.
    pub fn explain(&mut self, failure: &Failure) -> Failure {
        self.keep();
        let log = self.log().unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n    ");
        let place = self.folder.join("server.log");
        Failure::new(format!(
            "{}: {failure}\n  log: {}\n    {tail}",
            self.spec.name,
            place.display()
        ))
    }

    /// Kills it with SIGKILL, as a power cut would.
    pub fn kill(&mut self) -> Outcome<()> {
        if self.spec.kind == Kind::Docker {
            docker::run(&["kill", "-s", "KILL", &self.container])?;
        } else {
            self.process.kill()?;
        }
        self.process.wait()?;
        Ok(())
    }

    /// Ends it in order: SHUTDOWN, which saves only where the options or `how` say so.
    pub fn shut_down(&mut self, how: &str) -> Outcome<()> {
        // A server that goes closes the connection instead of a reply; one that stays says why.
        if let Ok(reply) = self.client()?.line(&format!("SHUTDOWN {how}")) {
            return Err(Failure::new(String::from_utf8_lossy(&reply)).during("SHUTDOWN"));
        }
        self.process.wait()?;
        Ok(())
    }

    /// Starts it again in the same folder, on the same port, after [`kill`](Self::kill) or
    /// [`shut_down`](Self::shut_down).
    pub fn start_again(&mut self) -> Outcome<()> {
        self.process = launch(&self.spec, self.port, &self.folder, &self.container)?;
        self.wait_until_ready()
    }

    /// Shuts it down and starts it again.
    pub fn restart(&mut self) -> Outcome<()> {
        self.shut_down("NOSAVE")?;
        self.start_again()
    }

    /// Changes the options for the next start.
    pub fn set_options(&mut self, options: &[&str]) {
        self.spec = self.spec.clone().options(options);
    }

    /// How the server ended, if it has.
    pub fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    fn wait_until_ready(&mut self) -> Outcome<()> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                let ended = Failure::new(format!("the server ended at its start ({status})"));
                return Err(self.explain(&ended));
            }
            if self.answers() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        let silent = Failure::new(format!("no answer within {START_MAX:?}"));
        Err(self.explain(&silent))
    }

    /// Whether it has loaded its data and takes commands (or asks for a password).
    fn answers(&self) -> bool {
        let Ok(mut client) = self.client() else { return false };
        let ready = client.line("PING").is_ok_and(|reply| !reply.starts_with(b"-LOADING"));
        ready && client.line("INFO server").is_ok_and(|reply| self.is_of(&reply))
    }

    /// Whether this INFO is this server's: another one may have taken the port while this one, which
    /// then ends, was about to.
    fn is_of(&self, reply: &[u8]) -> bool {
        let own = format!("process_id:{}\r\n", self.process.id());
        let refused = reply.starts_with(b"-");
        refused || self.spec.kind == Kind::Docker || String::from_utf8_lossy(reply).contains(&own)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let kept = self.keep || thread::panicking();
        if matches!(self.process.try_wait(), Ok(None)) {
            // Nothing can be done about a server that is already gone.
            let _ = self.kill();
        }
        if kept {
            eprintln!("kept: {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A port that was free just now.
pub fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn launch(spec: &Spec, port: u16, folder: &Path, label: &str) -> Outcome<Child> {
    let mut command = match spec.kind {
        Kind::Docker => container(spec, port, folder, label)?,
        Kind::Process => {
            let mut command = Command::new(script(&["path", spec.name.as_str()])?);
            let (folder, modules) = (folder.to_string_lossy(), modules_folder());
            command.args(spec.command_line(port, &folder, &modules.to_string_lossy()));
            command
        }
    };
    let log = File::options().create(true).append(true).open(folder.join("server.log"))?;
    let spawned = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
    spawned.map_err(|error| Failure::from(error).during(&format!("starting {}", spec.name)))
}

/// `docker run` in the foreground, on the host's network, as the owner of the folder.
fn container(spec: &Spec, port: u16, folder: &Path, label: &str) -> Outcome<Command> {
    let image = docker::server_image(spec.name)?;
    let owner = fs::metadata(folder)?;
    let mut command = docker::command()?;
    command.args(["run", "--rm", "--network", "host", "--name", label]);
    command.args(["--user", &format!("{}:{}", owner.uid(), owner.gid())]);
    command.args(["--volume", &format!("{}:/data", folder.display())]);
    if !spec.modules.is_empty() {
        let modules = modules_folder().canonicalize()?;
        command.args(["--volume", &format!("{}:/modules:ro", modules.display())]);
    }
    command.arg(image).args(spec.command_line(port, "/data", "/modules"));
    Ok(command)
}

static ANSWERS: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// What `scripts/servers` prints for these words, asked once in a process.
pub(crate) fn script(words: &[&str]) -> Outcome<String> {
    let key = words.join(" ");
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    let answers = answers.get_or_insert_default();
    if let Some(answer) = answers.get(&key) {
        return Ok(answer.clone());
    }
    let output = Command::new(workspace().join("scripts/servers")).args(words).output()?;
    crate::ensure(output.status.success(), || {
        format!("scripts/servers {key}: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    answers.insert(key, answer.clone());
    Ok(answer)
}

/// Runs `body` on each chosen server, started as `spec` says; every server's failure is in the
/// result, with its log.
pub fn on_each_server(
    spec: impl Fn(Spec) -> Spec,
    body: impl Fn(&mut Server) -> Outcome<()>,
) -> Outcome<()> {
    on_each_of(&crate::servers()?, spec, body)
}

/// As [`on_each_server`], on these.
pub fn on_each_of(
    names: &[Name],
    spec: impl Fn(Spec) -> Spec,
    body: impl Fn(&mut Server) -> Outcome<()>,
) -> Outcome<()> {
    let mut failures = Vec::new();
    for &name in names {
        let outcome = spec(Spec::new(name)?)
            .start()
            .and_then(|mut server| body(&mut server).map_err(|failure| server.explain(&failure)));
        failures.extend(outcome.err().map(|failure| failure.to_string()));
    }
    crate::ensure(failures.is_empty(), || failures.join("\n"))
}
