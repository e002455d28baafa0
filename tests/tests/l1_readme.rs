//! The README's program of the client-side cache runs as written, in a new crate with the one line of
//! dependencies that is written there.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::fs;
use std::process::Command;

use keyspan_tests::{Outcome, on_each_server, workspace};

/// The first block of this language after the section's title.
fn block<'a>(readme: &'a str, language: &str) -> &'a str {
    let section = readme.split("## A cache inside your service").nth(1).unwrap();
    let after = section.split(&format!("```{language}\n")).nth(1).unwrap();
    after.split("```").next().unwrap()
}

#[test]
fn the_readme_runs() -> Outcome<()> {
    let readme = fs::read_to_string(workspace().join("README.md"))?;
    let root = workspace().canonicalize()?;
    let here = format!("path = \"{}\"", root.join("l1").display());
    let git = "git = \"https://github.com/keyspan/keyspan\"";
    let line = block(&readme, "toml").replace(git, &here);
    assert!(line.contains(&here) && line.trim().lines().count() == 1, "{line}");
    let folder = std::env::temp_dir().join(format!("keyspan-readme-{}", std::process::id()));
    fs::create_dir_all(folder.join("src"))?;
    let head = "[package]\nname = \"readme\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n";
    fs::write(folder.join("Cargo.toml"), format!("{head}{line}"))?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    on_each_server(
        |spec| spec,
        |server| {
            let address = format!("127.0.0.1:{}", server.port());
            let program = block(&readme, "rust").replace("127.0.0.1:6379", &address);
            fs::write(folder.join("src/main.rs"), program)?;
            let run = Command::new(env!("CARGO"))
                .args(["run", "-q", "--offline", "--target-dir"])
                .arg(root.join("target/readme"))
                .current_dir(&folder)
                .output()?;
            let errors = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{errors}");
            let printed = String::from_utf8_lossy(&run.stdout);
            assert!(printed.starts_with("99.9 of 100"), "{printed}");
            Ok(())
        },
    )?;
    fs::remove_dir_all(folder)?;
    Ok(())
}
