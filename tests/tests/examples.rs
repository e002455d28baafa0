//! The examples of docs/commands, typed into each server's own client; and the events that they send.

use std::collections::BTreeSet;

use keyspan_tests::example::Example;
use keyspan_tests::pubsub::Events;
use keyspan_tests::session::play;
use keyspan_tests::{Outcome, ensure, on_each_server};

const MODULES: [&str; 4] = ["json", "bloom", "search", "timeseries"];

/// The events of native commands in the sessions, and of an empty database.
const NATIVE: [&str; 3] = ["hset", "new", "keymiss"];

/// The names of events in a sentence: they stand before a word that says when.
fn names(events: &str) -> impl Iterator<Item = &str> {
    events.split([' ', ';', ',']).filter(|word| word.contains('.') || *word == "del")
}

/// The events of all commands that a session types: who reads the page finds each there.
fn told(examples: &[Example], example: &Example) -> BTreeSet<String> {
    let typed = example.session.iter().filter_map(|exchange| exchange.typed.split(' ').next());
    let of = |command: &str| examples.iter().find(|other| other.command == command);
    let all = typed.filter_map(of).flat_map(|other| names(&other.events));
    all.chain(NATIVE).map(str::to_owned).collect()
}

/// Whether something in it was done, rather than refused.
fn does_something(example: &Example) -> bool {
    let own = |typed: &str| typed.split(' ').next() == Some(&example.command);
    let mut own = example.session.iter().filter(|exchange| own(&exchange.typed));
    own.any(|exchange| !exchange.printed.starts_with("(error)"))
}

fn check(module: &str) -> Outcome<()> {
    let examples = Example::read(module)?;
    on_each_server(
        |spec| MODULES.iter().fold(spec, |spec, module| spec.module(module, &[])),
        |server| {
            let mut events = Events::new(server)?;
            for example in &examples {
                server.client()?.expect("FLUSHALL", "+OK")?;
                events.seen(server)?;
                let during = |failure: keyspan_tests::Failure| failure.during(&example.command);
                play(server.name(), server.port(), &example.session).map_err(during)?;
                let seen = events.seen(server)?;
                let seen: BTreeSet<_> = seen
                    .iter()
                    .filter_map(|event| event.split(' ').next())
                    .map(str::to_owned)
                    .collect();
                let told = told(&examples, example);
                ensure(seen.is_subset(&told), || {
                    format!("{}: {seen:?}, the page says {told:?}", example.command)
                })?;
                let own: Vec<_> = names(&example.events).collect();
                let is_seen = own.is_empty() || own.iter().any(|name| seen.contains(*name));
                ensure(is_seen || !does_something(example), || {
                    format!("{}: {seen:?}, the page says {own:?}", example.command)
                })?;
            }
            Ok(())
        },
    )
}

#[test]
fn json() -> Outcome<()> {
    check("json")
}

#[test]
fn bloom() -> Outcome<()> {
    check("bloom")
}

#[test]
fn search() -> Outcome<()> {
    check("search")
}

#[test]
fn timeseries() -> Outcome<()> {
    check("timeseries")
}
