//! `scripts/parity` itself: that it finds a changed reply and says it short, keeps and compares recorded
//! replies, empties nobody's server, and that its page is up to date. What it says of our modules is a part
//! of `scripts/test`.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;

use keyspan_tests::{Outcome, Server, Spec, ensure, servers, workspace};

fn parity(words: &[&str]) -> Outcome<Output> {
    Ok(Command::new(workspace().join("scripts/parity")).args(words).output()?)
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

/// A server with our filters, of the first kind that is to be tested.
fn filters() -> Outcome<Option<Server>> {
    let Some(name) = servers()?.into_iter().next() else { return Ok(None) };
    Ok(Some(Spec::new(name)?.module("bloom", &[]).start()?))
}

/// What is changed on its way, and into what.
const CHANGED: (&[u8], &[u8]) = (b"-ERR item exists", b"-ERR item exIsts");

/// The port of a proxy that changes one error text.
fn changing(server: u16) -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let joined = client.and_then(|client| {
                join(client, TcpStream::connect((Ipv4Addr::LOCALHOST, server))?)
            });
            // Whoever connected sees an end.
            drop(joined);
        }
    });
    Ok(port)
}

fn join(client: TcpStream, server: TcpStream) -> std::io::Result<()> {
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || pump(from, to, |_| {}));
    thread::spawn(move || {
        pump(server, client, |bytes| {
            let places = 0..bytes.len().saturating_sub(CHANGED.0.len() - 1);
            for at in places {
                if let Some(text) = bytes.get_mut(at..at + CHANGED.0.len())
                    && text == CHANGED.0
                {
                    text.copy_from_slice(CHANGED.1);
                }
            }
        });
    });
    Ok(())
}

/// Passes bytes on until one side ends.
fn pump(mut from: TcpStream, mut to: TcpStream, change: impl Fn(&mut [u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let Some(bytes) = buffer.get_mut(..count) else { break };
        change(bytes);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // It may have ended by itself.
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_changed_reply_is_found_and_told_short() -> Outcome<()> {
    let (Some(theirs), Some(ours)) = (filters()?, filters()?) else { return Ok(()) };
    let (theirs, ours) = (url(changing(theirs.port())?), url(ours.port()));
    let words = ["--reference", &theirs, "--ours", &ours, "--family", "cf", "--count", "100"];
    let Output { status, stderr, stdout } = parity(&words)?;
    let (told, counts) = (String::from_utf8_lossy(&stderr), String::from_utf8_lossy(&stdout));
    ensure(status.code() == Some(1), || format!("{status}: {told}{counts}"))?;
    let is_count = |line: &str| line.contains(" cf: ") && !line.contains(", 0 failed");
    ensure(counts.lines().any(is_count), || counts.to_string())?;
    let report = told.split("On an empty server:").nth(1).unwrap_or_default();
    let commands: Vec<&str> = report
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .take_while(|line| line.starts_with("CF."))
        .collect();
    let is_short = commands.len() == 2 && commands.iter().all(|line| line.split(' ').count() <= 3);
    ensure(is_short && report.contains("item exIsts"), || told.to_string())
}

#[test]
fn recorded_replies_are_compared() -> Outcome<()> {
    let Some(server) = filters()? else { return Ok(()) };
    let (url, file) = (url(server.port()), server.folder().join("replies.jsonl"));
    let place = file.to_string_lossy();
    let played = ["--ours", &url, "--family", "topk", "--family", "cms", "--count", "100"];
    let recorded = parity(&[&played[..], &["--record", &place]].concat())?;
    let told = String::from_utf8_lossy(&recorded.stderr);
    ensure(recorded.status.success() && told.contains(" commands of "), || told.to_string())?;
    let replayed = |expected: i32| -> Outcome<()> {
        let Output { status, stderr, .. } =
            parity(&["--ours", &url, "--replay", &place, "--flush"])?;
        let told = String::from_utf8_lossy(&stderr);
        ensure(status.code() == Some(expected), || format!("{status}: {told}"))
    };
    replayed(0)?;
    let text = fs::read_to_string(&file)?;
    fs::write(&file, text.replace("-TopK: key already exists", "-TopK: key is there"))?;
    replayed(1)
}

#[test]
fn a_server_that_holds_keys_is_left_alone() -> Outcome<()> {
    let Some(server) = filters()? else { return Ok(()) };
    let (mut client, url) = (server.client()?, url(server.port()));
    client.expect("SET precious 1", "+OK")?;
    let Output { status, stderr, .. } = parity(&["--ours", &url, "--ours", &url])?;
    let told = String::from_utf8_lossy(&stderr);
    ensure(status.code() == Some(2) && told.contains("holds keys"), || told.to_string())?;
    client.expect("GET precious", "$1\r\n1")
}

#[test]
fn the_page_is_what_the_tables_say() -> Outcome<()> {
    let Output { status, stderr, .. } = parity(&["--check-page"])?;
    ensure(status.success(), || String::from_utf8_lossy(&stderr).into_owned())
}
