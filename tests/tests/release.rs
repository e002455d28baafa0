//! What `scripts/release` makes: the same bytes each time, and libraries that load from where they lie.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyspan_tests::{
    Failure, Outcome, Spec, TOO_OLD, ensure, modules_folder, on_each_server, workspace,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs a program and returns what it prints.
fn run(command: &mut Command) -> Outcome<String> {
    let output = command.current_dir(workspace()).output()?;
    ensure(output.status.success(), || {
        format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A folder of this test process, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("keyspan-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A release of the libraries under test.
fn release(output: &Path) -> Outcome<()> {
    let mut command = Command::new("scripts/release");
    command.args([VERSION, "--no-build", "--output"]).arg(output);
    run(command.env("KEYSPAN_MODULES_DIR", modules_folder().canonicalize()?)).map(|_| ())
}

/// The one file in `folder` whose name ends so.
fn only(folder: &Path, suffix: &str) -> Outcome<PathBuf> {
    let names =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    let found: Vec<_> =
        names.iter().filter(|name| name.to_string_lossy().ends_with(suffix)).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        _ => Err(Failure::new(format!("*{suffix} in {}: {found:?}", folder.display()))),
    }
}

/// The lines of `keyspan.conf` under `root`, as options that load from there.
fn options(root: &Path) -> Outcome<Vec<String>> {
    let text = fs::read_to_string(root.join("etc/keyspan/keyspan.conf"))?;
    let mut words = Vec::new();
    for path in text.lines().filter_map(|line| line.strip_prefix("loadmodule ")) {
        let library = root.join(path.trim_start_matches('/'));
        words.extend(["--loadmodule".into(), library.to_string_lossy().into_owned()]);
    }
    ensure(words.len() == 8, || format!("keyspan.conf loads {words:?}"))?;
    Ok(words)
}

/// Both packages hold the same files, with the sums that are told, and are the same when made again.
#[test]
fn packages_are_reproducible_and_alike() -> Outcome<()> {
    let (first, again) = (Folder::new("release-first")?, Folder::new("release-again")?);
    release(&first.at("out"))?;
    release(&again.at("out"))?;
    let sums = |folder: &Folder| fs::read_to_string(folder.at("out/SHA256SUMS"));
    ensure(sums(&first)? == sums(&again)?, || "two releases differ".to_owned())?;
    run(Command::new("sh")
        .args(["-c", "cd \"$0\" && sha256sum -c SHA256SUMS"])
        .arg(first.at("out")))?;
    let (tar, deb) = (first.at("tar"), first.at("deb"));
    fs::create_dir_all(&tar)?;
    let archive = only(&first.at("out"), ".tar.gz")?;
    run(Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .arg("--strip-components=1")
        .arg("-C")
        .arg(&tar))?;
    run(Command::new("dpkg-deb").arg("-x").arg(only(&first.at("out"), ".deb")?).arg(&deb))?;
    run(Command::new("diff").arg("-r").arg(&tar).arg(&deb))?;
    let told = run(Command::new("dpkg-deb")
        .arg("-f")
        .arg(only(&first.at("out"), ".deb")?)
        .arg("Version"))?;
    ensure(told.trim() == VERSION, || format!("the package says version {told}"))
}

#[test]
fn released_libraries_load_on_each_server() -> Outcome<()> {
    let folder = Folder::new("release-load")?;
    release(&folder.at("out"))?;
    let root = folder.at("root");
    run(Command::new("dpkg-deb").arg("-x").arg(only(&folder.at("out"), ".deb")?).arg(&root))?;
    let words = options(&root)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    on_each_server(
        |spec| spec.options(&words),
        |server| {
            let mut client = server.client()?;
            for (line, expected) in [
                ("JSON.SET d $ [1]", &b"+OK\r\n"[..]),
                ("BF.ADD f x", b":1\r\n"),
                ("FT.CREATE i SCHEMA t TAG", b"+OK\r\n"),
                ("TS.ADD s 1 2", b":1\r\n"),
            ] {
                let reply = client.line(line)?;
                ensure(reply == expected, || {
                    format!("{line}: {}", String::from_utf8_lossy(&reply))
                })?;
            }
            Ok(())
        },
    )
}

/// Debian 11's linker takes the libraries (its C library is of 2020); they then say what they need.
#[test]
fn a_server_too_old_is_told_which_it_has_to_be() -> Outcome<()> {
    for module in ["bloom", "json", "search", "timeseries"] {
        let failure = Spec::new(TOO_OLD)?.module(module, &[]).start().map(|_| ()).err();
        let log = failure.map(|failure| failure.to_string()).unwrap_or_default();
        let expected =
            "not loaded: this server is too old: Redis 7.0 or Valkey 8.0, or later, is needed";
        ensure(log.contains(expected), || format!("{module} on {TOO_OLD}: {log}"))?;
    }
    Ok(())
}

/// A version that is not this workspace's is refused.
#[test]
fn a_wrong_version_is_refused() -> Outcome<()> {
    let output = Command::new("scripts/release").arg("9.9.9").current_dir(workspace()).output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure(!output.status.success() && errors.contains("Cargo.toml says"), || errors)
}
