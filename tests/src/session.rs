//! What a person types into a server's own client, and what it prints: `redis-cli`, `valkey-cli`.
//!
//! ```text
//! > JSON.SET d $ '[1]'
//! OK
//! ```

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::server::script;
use crate::{Failure, Name, Outcome, ensure};

/// A line that is typed, and what is printed below it.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The line.
    pub typed: String,
    /// What is printed, each line with its end.
    pub printed: String,
}

/// The exchanges in these lines.
pub fn exchanges<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Exchange> {
    let mut found: Vec<Exchange> = Vec::new();
    for line in lines {
        if let Some(typed) = line.strip_prefix("> ") {
            found.push(Exchange { typed: typed.to_owned(), printed: String::new() });
        } else if let Some(last) = found.last_mut() {
            last.printed.push_str(line);
            last.printed.push('\n');
        }
    }
    found
}

/// Types the lines into the client of the server at `port`; it has to print what is expected.
///
/// # Errors
/// What it printed, if that is something else.
pub fn play(name: Name, port: u16, exchanges: &[Exchange]) -> Outcome<()> {
    let mut command = Command::new(script(&["cli", name.as_str()])?);
    command
        .args(["--no-raw", "-p", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().ok_or_else(|| Failure::new("the client has no input"))?;
    for Exchange { typed, .. } in exchanges {
        writeln!(input, "{typed}")?;
    }
    drop(input);
    let printed = String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned();
    let expected: String = exchanges.iter().map(|exchange| exchange.printed.as_str()).collect();
    let typed: Vec<_> = exchanges.iter().map(|exchange| exchange.typed.as_str()).collect();
    ensure(printed.trim_end() == expected.trim_end(), || {
        format!("{}\nprinted:\n{printed}\nexpected:\n{expected}", typed.join("\n"))
    })
}
