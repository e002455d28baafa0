//! The sessions of README.md, typed into each server's own client: it prints what is written there.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use keyspan_tests::{Name, Outcome, ensure, on_each_server, workspace};

/// A line that is typed, and what is printed below it.
struct Exchange {
    typed: String,
    printed: String,
}

/// The sessions: blocks whose first line starts with a prompt.
fn sessions() -> Outcome<Vec<Exchange>> {
    let readme = fs::read_to_string(workspace().join("README.md"))?;
    let mut exchanges: Vec<Exchange> = Vec::new();
    for block in readme.split("```\n").filter(|block| block.starts_with("> ")) {
        for line in block.lines() {
            if let Some(typed) = line.strip_prefix("> ") {
                exchanges.push(Exchange { typed: typed.to_owned(), printed: String::new() });
            } else if let Some(last) = exchanges.last_mut() {
                last.printed.push_str(line);
                last.printed.push('\n');
            }
        }
    }
    Ok(exchanges)
}

/// What the client of this server prints for a line.
fn printed(client: &str, port: u16, typed: &str) -> Outcome<String> {
    let mut command = Command::new(client);
    command
        .args(["--no-raw", "-p", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "{typed}")?;
    }
    Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
}

fn client(name: Name) -> Outcome<String> {
    let mut command = Command::new(workspace().join("scripts/servers"));
    let output = command.args(["cli", name.as_str()]).output()?;
    ensure(output.status.success(), || format!("there is no client of {name}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn sessions_print_what_is_written() -> Outcome<()> {
    let exchanges = sessions()?;
    ensure(exchanges.len() > 10, || format!("README.md has {} commands", exchanges.len()))?;
    on_each_server(
        |spec| {
            ["json", "bloom", "search", "timeseries"]
                .iter()
                .fold(spec, |spec, name| spec.module(name, &[]))
        },
        |server| {
            let client = client(server.name())?;
            for Exchange { typed, printed: expected } in &exchanges {
                let found = printed(&client, server.port(), typed)?;
                // A newer client ends its output with one more line break.
                ensure(found.trim_end() == expected.trim_end(), || format!("> {typed}\n{found}"))?;
            }
            Ok(())
        },
    )
}
