//! The JSONPath compliance suite: all of RFC 9535 in the strict dialect.

use keyspan_json_core::path::{Dialect, Path};
use serde_json::Value;

const SUITE: &str = include_str!("../../../../../tests/fixtures/jsonpath/cts.json");

#[test]
fn compliance_suite_passes() {
    let suite: Value = serde_json::from_str(SUITE).unwrap();
    let cases = suite["tests"].as_array().unwrap();
    let failed: Vec<String> = cases.iter().filter_map(failure).collect();
    assert_eq!(cases.len(), 703);
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

fn failure(case: &Value) -> Option<String> {
    let selector = case["selector"].as_str().unwrap();
    let refused = case["invalid_selector"] == Value::Bool(true);
    let path = match (Path::parse(selector.as_bytes(), Dialect::Strict), refused) {
        (Err(_), true) => return None,
        (Ok(path), false) => path,
        (Ok(_), true) => return Some(format!("{} {selector}: not refused", case["name"])),
        (Err(error), false) => return Some(format!("{} {selector}: {error}", case["name"])),
    };
    let found = super::oracle::selected(&path, &case["document"]);
    let right = match case.get("results") {
        Some(results) => results.as_array().unwrap().contains(&found),
        None => case["result"] == found,
    };
    (!right).then(|| format!("{} {selector}: {found}", case["name"]))
}
