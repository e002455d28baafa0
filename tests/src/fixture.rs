//! What other producers recorded: payloads, commands and replies in `tests/fixtures/rdb`.

use std::fs;
use std::path::PathBuf;

use keyspan_common::rdb::{Field, dump, payload};
use serde_json::Value as Json;

use crate::{Client, Failure, Name, Outcome, Value, same};

/// The folder of the recordings.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/rdb")
}

/// The bytes of a file of the folder.
pub fn file(name: &str) -> Outcome<Vec<u8>> {
    fs::read(folder().join(name)).map_err(|error| Failure::from(error).during(name))
}

/// The objects of a `.jsonl` file, one a line.
pub fn rows(name: &str) -> Outcome<Vec<Json>> {
    let text = String::from_utf8_lossy(&file(name)?).into_owned();
    let rows = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    rows.map_err(|error| Failure::from(error).during(name))
}

/// The elements of an array; none where there is no array.
#[must_use]
pub fn elements(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The text of a string; empty where there is none.
#[must_use]
pub fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// The bytes that a text of hexadecimal digits stands for.
pub fn bytes(hex: &Json) -> Outcome<Vec<u8>> {
    let odd = || Failure::new(format!("no hexadecimal digits: {hex}"));
    let digits = hex.as_str().ok_or_else(odd)?;
    let digit = |letter: char| letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits = digits.chars().map(digit).collect::<Option<Vec<u8>>>().ok_or_else(odd)?;
    let pairs = digits.chunks_exact(2);
    Ok(pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// When a key expires that expired at some time behind its recording: the year 2100.
const LATER_MS: &str = "4102444800000";

/// The words of a recorded command: text, or `{"hex": ..}`. A key that it gives a time to live at the end
/// of lives for longer: the time may be over.
pub fn words(command: &Json) -> Outcome<Vec<Vec<u8>>> {
    let word = |word: &Json| match (word, word.get("hex")) {
        (Json::String(text), _) => Ok(text.clone().into_bytes()),
        (_, Some(hex)) => bytes(hex),
        (_, None) => Err(Failure::new(format!("no word: {word}"))),
    };
    let mut words = elements(command).iter().map(word).collect::<Outcome<Vec<_>>>()?;
    if let [name, _, until] = words.as_mut_slice()
        && name.eq_ignore_ascii_case(b"PEXPIREAT")
    {
        *until = LATER_MS.into();
    }
    Ok(words)
}

/// Whether a reply is the recorded one; doubles by value, since servers print them differently.
#[must_use]
pub fn answers(reply: &Value, recorded: &Json) -> bool {
    let field = |name| recorded.get(name);
    match (reply, recorded) {
        (_, Json::Object(object)) if object.contains_key("any") => true,
        (Value::Null, Json::Null) => true,
        (Value::Integer(got), Json::Number(number)) => number.as_i64() == Some(*got),
        (Value::Bulk(got), Json::String(text)) => got == text.as_bytes() || same_number(got, text),
        (Value::Bulk(got), Json::Object(_)) => {
            field("hex").and_then(|hex| bytes(hex).ok()).is_some_and(|wanted| wanted == *got)
        }
        (Value::Simple(got), Json::Object(_)) => {
            field("status").is_some_and(|wanted| wanted == got)
        }
        (Value::Error(got), Json::Object(_)) => field("error").is_some_and(|wanted| wanted == got),
        (Value::Array(got), Json::Array(wanted)) => {
            got.len() == wanted.len() && got.iter().zip(wanted).all(|(g, w)| answers(g, w))
        }
        _ => false,
    }
}

fn same_number(got: &[u8], text: &str) -> bool {
    let got = str::from_utf8(got).ok().and_then(|got| got.parse::<f64>().ok());
    got.is_some() && text.parse().ok() == got
}

/// Puts a payload in the place of whatever the key holds.
pub fn restore(client: &mut Client, key: &[u8], dump: &[u8]) -> Outcome<()> {
    let reply = client.call(&[b"RESTORE".as_slice(), key, b"0", dump, b"REPLACE"])?;
    same(&reply, b"+OK\r\n", &format!("RESTORE {}", key.escape_ascii()))
}

/// A payload's type name, encoding version and fields.
pub fn decoded(payload: &[u8]) -> Outcome<(String, u32, Vec<Field>)> {
    let odd = |error| Failure::new(format!("no payload of a module value: {error:?}"));
    let dump = dump::parse(payload).map_err(odd)?;
    let fields = payload::fields(dump.body).map_err(odd)?;
    Ok((dump.type_id.name(), dump.type_id.version(), fields))
}

/// The servers that open a whole RDB file, and the ones that do with `rdb-version-check relaxed`.
pub fn readers(file: &[u8]) -> Outcome<(Vec<Name>, Vec<Name>)> {
    let (strict, relaxed): (&[&str], &[&str]) = match file.get(..9).unwrap_or_default() {
        b"REDIS0009" | b"REDIS0010" => (
            &["redis-7.0", "redis-8.0", "redis-8.6", "valkey-8.0", "valkey-8.1", "valkey-9.1"],
            &[],
        ),
        b"REDIS0011" => {
            (&["redis-8.0", "redis-8.6", "valkey-8.0", "valkey-8.1", "valkey-9.1"], &[])
        }
        b"REDIS0012" => (&["redis-8.0", "redis-8.6"], &["valkey-9.1"]),
        b"VALKEY080" => (&["valkey-9.1"], &["valkey-8.1"]),
        other => return Err(Failure::new(format!("who reads {}?", other.escape_ascii()))),
    };
    let names = |names: &[&str]| names.iter().map(|name| Name::parse(name)).collect::<Outcome<_>>();
    Ok((names(strict)?, names(relaxed)?))
}
