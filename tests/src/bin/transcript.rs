//! Turns recorded replies into transcripts: `transcript convert FILE.jsonl > FILE.txt`.
//!
//! Each line of the input is an object with `command` (words), `resp2` and `resp3` (raw replies),
//! all in latin-1, and optionally `section`.

use std::env;
use std::fs;
use std::process::ExitCode;

use keyspan_tests::{Failure, Outcome, transcript};
use serde_json::Value;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [verb, file] if verb == "convert" => convert(file),
        _ => Err(Failure::new("usage: transcript convert FILE.jsonl")),
    };
    match outcome {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("transcript: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn convert(file: &str) -> Outcome<String> {
    let mut lines = vec![format!("# Recorded from {}.", file.rsplit('/').next().unwrap_or(file))];
    let mut section = String::new();
    for row in fs::read_to_string(file)?.lines() {
        let row: Value = serde_json::from_str(row)?;
        let heading = row.get("section").and_then(Value::as_str).unwrap_or_default();
        if heading != section {
            section = heading.to_owned();
            lines.extend([String::new(), format!("# {}", section.trim_start_matches(['-', ' ']))]);
        }
        let words = row.get("command").and_then(Value::as_array);
        let words = words.ok_or_else(|| Failure::new("a row without a command"))?;
        let words = words.iter().map(latin1).collect::<Outcome<Vec<_>>>()?;
        lines.extend([String::new(), transcript::command(&words)]);
        let reply = |key| row.get(key).map_or(Err(Failure::new("a row without replies")), latin1);
        lines.extend(transcript::reply_lines(&reply("resp2")?, &reply("resp3")?, ""));
    }
    Ok(lines.join("\n") + "\n")
}

/// The bytes that a latin-1 text stands for.
fn latin1(text: &Value) -> Outcome<Vec<u8>> {
    let text = text.as_str().ok_or_else(|| Failure::new("a word that is no text"))?;
    let byte =
        |letter: char| u8::try_from(u32::from(letter)).map_err(|_| Failure::new("not latin-1"));
    text.chars().map(byte).collect()
}
