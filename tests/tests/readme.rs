//! The sessions of README.md, typed into each server's own client: it prints what is written there.

use std::fs;

use keyspan_tests::session::{Exchange, exchanges, play};
use keyspan_tests::{Outcome, ensure, on_each_server, workspace};

/// The sessions: blocks whose first line starts with a prompt.
fn sessions() -> Outcome<Vec<Exchange>> {
    let readme = fs::read_to_string(workspace().join("README.md"))?;
    let blocks = readme.split("```\n").filter(|block| block.starts_with("> "));
    Ok(exchanges(blocks.flat_map(str::lines)))
}

#[test]
fn sessions_print_what_is_written() -> Outcome<()> {
    let sessions = sessions()?;
    ensure(sessions.len() > 10, || format!("README.md has {} commands", sessions.len()))?;
    let modules = ["json", "bloom", "search", "timeseries"];
    on_each_server(
        |spec| modules.iter().fold(spec, |spec, module| spec.module(module, &[])),
        |server| play(server.name(), server.port(), &sessions),
    )
}
