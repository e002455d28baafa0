//! The JSONPath compliance suite (RFC 9535), through JSON.GET.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic; that is how it fails"
)]

use std::fs;

use keyspan_tests::{Client, Outcome, Spec, Value, ensure, on_each_server, workspace};
use serde_json::Value as Json;

fn cases() -> Vec<Json> {
    let text = fs::read(workspace().join("tests/fixtures/jsonpath/cts.json")).unwrap();
    let suite: Json = serde_json::from_slice(&text).unwrap();
    suite["tests"].as_array().unwrap().clone()
}

/// Whether the reply to one case is one of those it allows.
fn passes(client: &mut Client, case: &Json) -> Outcome<bool> {
    let selector = case["selector"].as_str().unwrap();
    if case["invalid_selector"] == true {
        client.line("JSON.SET d $ {}")?;
        return Ok(client.call(&["JSON.GET", "d", selector])?.starts_with(b"-"));
    }
    let document = case["document"].to_string();
    client.call(&["JSON.SET", "d", "$", &document])?;
    let Value::Bulk(text) = Value::decode(&client.call(&["JSON.GET", "d", selector])?)? else {
        return Ok(false);
    };
    let got: Json = serde_json::from_slice(&text)?;
    Ok(case["result"] == got || case["results"].as_array().is_some_and(|all| all.contains(&got)))
}

#[test]
fn the_strict_dialect_is_the_rfc_to_the_letter() -> Outcome<()> {
    let cases = cases();
    ensure(cases.len() == 703, || format!("{} cases", cases.len()))?;
    on_each_server(
        |spec: Spec| spec.module("json", &["path-dialect", "strict"]).options(&["--save", ""]),
        |server| {
            let mut client = server.client()?;
            let mut failed = Vec::new();
            for case in &cases {
                if !passes(&mut client, case)? {
                    failed.push(format!("{}: {}", case["name"], case["selector"]));
                }
            }
            ensure(failed.is_empty(), || format!("{} of 703 failed: {failed:#?}", failed.len()))
        },
    )
}

#[test]
fn the_dialect_changes_at_run_time() -> Outcome<()> {
    on_each_server(
        |spec: Spec| spec.module("json", &[]).options(&["--save", ""]),
        |server| {
            let mut client = server.client()?;
            client.expect("JSON.SET d $ [1,2,3]", "+OK")?;
            client.expect("JSON.GET d $[::-1]", "-Error occurred at position 4, Error at position 4: expected one of the following: pos_number")?;
            client.expect("CONFIG SET ReJSON.path-dialect strict", "+OK")?;
            client.expect("JSON.GET d $[::-1]", "$7\r\n[3,2,1]")?;
            client.expect("JSON.GET d", "$7\r\n[1,2,3]")?;
            client.expect("CONFIG SET ReJSON.path-dialect redis", "+OK")?;
            client.expect("JSON.GET d .[0]", "$1\r\n1")
        },
    )
}
