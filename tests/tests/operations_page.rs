//! docs/operations.md names every field of INFO, and the dashboard asks for none that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use keyspan_tests::{Client, Failure, Outcome, ensure, on_each_server, together, workspace};
use serde_json::Value as Json;

/// The dashboard's metrics of the server itself, and what redis_exporter 1.45.0 makes them from: fields
/// of INFO, or its sections of commands.
const EXPORTED: [(&str, &str); 18] = [
    ("redis_aof_last_bgrewrite_status", "aof_last_bgrewrite_status"),
    ("redis_aof_last_write_status", "aof_last_write_status"),
    ("redis_commands_duration_seconds_total", "cmdstat_info"),
    ("redis_commands_failed_calls_total", "cmdstat_info"),
    ("redis_commands_total", "cmdstat_info"),
    ("redis_connected_slaves", "connected_slaves"),
    ("redis_evicted_keys_total", "evicted_keys"),
    ("redis_expired_keys_total", "expired_keys"),
    ("redis_latency_percentiles_usec", "latency_percentiles_usec_info"),
    ("redis_latest_fork_seconds", "latest_fork_usec"),
    ("redis_lazyfree_pending_objects", "lazyfree_pending_objects"),
    ("redis_mem_fragmentation_ratio", "mem_fragmentation_ratio"),
    ("redis_memory_max_bytes", "maxmemory"),
    ("redis_memory_used_bytes", "used_memory"),
    ("redis_memory_used_rss_bytes", "used_memory_rss"),
    ("redis_rdb_last_bgsave_status", "rdb_last_bgsave_status"),
    ("redis_replica_resyncs_full", "sync_full"),
    ("redis_up", "redis_version"),
];

fn text(path: &str) -> Outcome<String> {
    let error = |error| Failure::from(error).during(path);
    fs::read_to_string(workspace().join(path)).map_err(error)
}

/// The fields of INFO and what they say.
fn fields(client: &mut Client, line: &str) -> Outcome<BTreeMap<String, String>> {
    let reply = client.value(line)?;
    let text = String::from_utf8_lossy(reply.bytes()?).into_owned();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(name, said)| (name.to_owned(), said.to_owned())).collect())
}

/// The words between two marks, of those that begin after `before`.
fn between(text: &str, before: &str, mark: char) -> BTreeSet<String> {
    let parts = text.split(before).skip(1);
    parts.filter_map(|part| part.split(mark).next()).map(str::to_owned).collect()
}

#[test]
fn every_field_is_on_the_page() -> Outcome<()> {
    let page = text("docs/operations.md")?;
    let rows = page.lines().filter(|line| line.matches('|').count() == 4);
    let rows: String = rows.map(|line| format!("{line}\n")).collect();
    let is_ours = |name: &String| {
        ["ReJSON_", "bf_", "search_", "timeseries_"].iter().any(|module| name.starts_with(module))
    };
    let named: BTreeSet<String> =
        between(&rows, "\n| `", '`').into_iter().filter(is_ours).collect();
    on_each_server(together::spec, |server| {
        let told = fields(&mut server.client()?, "INFO modules")?;
        // The server has lines of its own there: `module:name=...`.
        let told: BTreeSet<String> = told.into_keys().filter(|name| name != "module").collect();
        ensure(told == named, || {
            let differing: Vec<&String> = told.symmetric_difference(&named).collect();
            format!("told but not named, or named but not told: {differing:?}")
        })
    })
}

#[test]
fn the_dashboard_asks_for_what_there_is() -> Outcome<()> {
    let dashboard = text("packaging/grafana/keyspan.json")?;
    let script = text("packaging/grafana/keyspan.lua")?;
    let json: Json = serde_json::from_str(&dashboard)?;
    let panels = json["panels"].as_array().ok_or_else(|| Failure::new("no panels"))?;
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let asked: String = targets
        .filter_map(|target| target["expr"].as_str())
        .map(|text| format!(" {text}"))
        .collect();
    let is_name = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    let metrics: BTreeSet<&str> =
        asked.split(|letter| !is_name(letter)).filter(|word| word.starts_with("redis_")).collect();
    let keys = between(&asked, "key=\"", '"');
    ensure(keys.len() > 20 && metrics.len() > 10, || format!("{metrics:?} {keys:?}"))?;
    on_each_server(together::spec, |server| {
        let mut client = server.client()?;
        client.line("INFO")?;
        let told = fields(&mut client, "INFO everything")?;
        for metric in metrics.iter().filter(|metric| **metric != "redis_script_values") {
            let field = EXPORTED.iter().find(|(name, _)| name == metric).map(|(_, field)| *field);
            let there = field.is_some_and(|field| told.contains_key(field));
            ensure(there, || format!("{metric} is made from {field:?}, which is not told"))?;
        }
        let reply = client.call(&["EVAL", &script, "0"])?;
        let pairs = keyspan_tests::Value::decode(&reply)?;
        let words = pairs.elements()?.iter().map(ToString::to_string).collect::<Vec<_>>();
        let handed: BTreeSet<&str> =
            words.iter().step_by(2).map(|word| word.trim_matches('"')).collect();
        let missing: Vec<&String> =
            keys.iter().filter(|key| !handed.contains(key.as_str())).collect();
        ensure(missing.is_empty(), || format!("the script does not hand over {missing:?}"))
    })
}
