//! Runs the demos as a person does, on every server.

use std::process::{Command, Output};

use keyspan_tests::{Name, Outcome, ensure, servers, workspace};

fn ask(server: Name, words: &[&str]) -> Outcome<Output> {
    let mut demo = Command::new(workspace().join("scripts/demo"));
    Ok(demo.args(["search", "--server", server.as_str()]).args(words).output()?)
}

/// The first word of each line but the last, which counts them.
fn names(answer: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(answer);
    let mut names: Vec<_> = text
        .lines()
        .map(|line| line.split_whitespace().next().unwrap_or_default().to_owned())
        .collect();
    names.pop();
    names
}

#[test]
fn search_finds_packages_like_another() -> Outcome<()> {
    for server in servers()? {
        let words = ["--like", "vim", "--section", "editors", "--count", "3"];
        let Output { status, stdout, stderr } = ask(server, &words)?;
        let stderr = String::from_utf8_lossy(&stderr);
        ensure(status.success(), || format!("{server}: {stderr}"))?;
        let found = names(&stdout);
        ensure(found == ["vim-tiny", "vim-athena", "vis"], || format!("{server}: {found:?}"))?;
        ensure(stderr.contains("979 of 979 packages indexed"), || format!("{server}: {stderr}"))?;
    }
    Ok(())
}

#[test]
fn search_says_what_there_is_not() -> Outcome<()> {
    for server in servers()?.into_iter().take(1) {
        for words in [&["--like", "vimm"][..], &["--like", "vim", "--section", "vimm"]] {
            let Output { status, stderr, .. } = ask(server, words)?;
            let stderr = String::from_utf8_lossy(&stderr);
            let is_told = status.code() == Some(1) && stderr.contains("there is no ");
            ensure(is_told, || format!("{words:?}: {status}, {stderr}"))?;
        }
    }
    Ok(())
}
