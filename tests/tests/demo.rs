//! Runs the demos as a person does, on every server.

use std::process::{Command, Output};

use keyspan_tests::{Name, Outcome, ensure, servers, workspace};

fn run(demo: &str, server: Name, words: &[&str]) -> Outcome<Output> {
    let mut command = Command::new(workspace().join("scripts/demo"));
    Ok(command.args([demo, "--server", server.as_str()]).args(words).output()?)
}

fn ask(server: Name, words: &[&str]) -> Outcome<Output> {
    run("search", server, words)
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

/// Parts of what it prints: charts, groups by host, and what compaction made of a day.
const OF_A_DAY: [&str; 9] = [
    "cpu, %: mean of 3 hosts, 15 minutes a column",
    "  52.0 |                                                   . .# .",
    "        00h         03h         06h         09h         12h         15h         18h         21h",
    "  web-2    |:::-:.:--=+%%@%*=:.:.:::|  least  28.6  mean  47.1  greatest  88.3  \
     from cpu:web-2:0:hours,cpu:web-2:1:hours",
    "temperature, C: avg of each hour, by host",
    "  web-3    |....:......:-+#@@%*=-...|  least  39.5  mean  44.2  greatest  57.7  \
     from temperature:web-3:0:hours",
    "77,760 samples in 9 series, ",
    "12,951 minutes in 9 series, ",
    "207 hours in 9 series, ",
];

#[test]
fn timeseries_draws_a_day() -> Outcome<()> {
    for server in servers()? {
        let Output { status, stdout, stderr } = run("timeseries", server, &[])?;
        let stderr = String::from_utf8_lossy(&stderr);
        ensure(status.success(), || format!("{server}: {stderr}"))?;
        let text = String::from_utf8_lossy(&stdout);
        for part in OF_A_DAY {
            ensure(text.lines().any(|line| line.starts_with(part)), || {
                format!("{server}: no {part} in\n{text}")
            })?;
        }
        ensure(stderr.contains("8,640 of 8,640 moments written"), || {
            format!("{server}: {stderr}")
        })?;
    }
    Ok(())
}

#[test]
fn json_asks_and_edits_documents() -> Outcome<()> {
    for server in servers()? {
        let Output { status, stdout, stderr } = run("json", server, &[])?;
        let (text, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        ensure(status.success(), || format!("{server}: {stderr}"))?;
        for part in [
            "1,002 packages in 6 documents: 177 kB of text, ",
            "vcs: git, gittuf, gitsign",
            r#"{"$.packages[0].tags":[["free","small","old"]],"$.packages[0].installed_kib":[1252]}"#,
        ] {
            ensure(text.lines().any(|line| line.starts_with(part)), || {
                format!("{server}: no {part} in\n{text}")
            })?;
        }
    }
    Ok(())
}

/// What does not depend on the server's allocator, nor on what a Top-K draws.
#[test]
fn bloom_counts_a_day() -> Outcome<()> {
    for server in servers()? {
        let Output { status, stdout, stderr } = run("bloom", server, &[])?;
        let (text, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        ensure(status.success(), || format!("{server}: {stderr}"))?;
        for part in [
            "54,482 of 54,482 visitors known, 0.33% of strangers taken for one",
            "4,999 pages, 0.48% of the views counted too many",
            "/page/0, ",
            "p50 20.0 ms (exactly 20.0), p95 64.0 ms (exactly 63.4), p99 103.3 ms (exactly 103.3)",
        ] {
            ensure(text.contains(part), || format!("{server}: no {part} in\n{text}"))?;
        }
    }
    Ok(())
}
