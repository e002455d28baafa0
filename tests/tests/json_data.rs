//! Documents of other producers: every recorded payload loads, answers, and survives.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic; that is how it fails"
)]

use std::fs;

use keyspan_tests::{
    Client, Failure, Outcome, Server, Spec, Value, ensure,
    fixture::{self, answers},
    on_each_server,
    persistence::{self, Base},
    replication, servers,
};
use serde_json::Value as Json;

const FIXTURES: [&str; 4] = [
    "rejson-8.8.0-valkey8.0",
    "rejson-2.x-synthetic",
    "rejson-1.0.8-redis6.0",
    "valkeyjson-1.0.2-valkey8.0",
];

fn lines(file: &str) -> Vec<Json> {
    fixture::rows(file).unwrap()
}

fn bytes(hex: &Json) -> Vec<u8> {
    fixture::bytes(hex).unwrap()
}

/// Whether two texts are the same JSON value; the producers print numbers differently.
fn same_json(got: &Value, recorded: &Json) -> bool {
    let (Value::Bulk(got), Some(text)) = (got, recorded.as_str()) else {
        return answers(got, recorded);
    };
    let parse = |text: &[u8]| serde_json::from_slice::<Json>(text).ok();
    match (parse(got), parse(text.as_bytes())) {
        (Some(got), Some(recorded)) => equal(&got, &recorded) || equal(&got, &unmangled(&recorded)),
        _ => false,
    }
}

/// RedisJSON 1.0 printed each byte of a character outside ASCII as a character of its own.
fn unmangled(value: &Json) -> Json {
    let text = |text: &str| {
        let bytes: Option<Vec<u8>> =
            text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
    };
    match value {
        Json::String(string) => Json::String(text(string)),
        Json::Array(elements) => elements.iter().map(unmangled).collect(),
        Json::Object(members) => {
            members.iter().map(|(name, member)| (text(name), unmangled(member))).collect()
        }
        other => other.clone(),
    }
}

fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// Restores every payload of `file`; how many there were.
fn restore_all(client: &mut Client, file: &str) -> Outcome<usize> {
    let fixtures = lines(&format!("{file}.jsonl"));
    for fixture in &fixtures {
        for key in fixture["keys"].as_array().unwrap() {
            let name = format!("{file}:{}", key["key"].as_str().unwrap());
            fixture::restore(client, name.as_bytes(), &bytes(&key["dump_hex_footer9"]))?;
        }
    }
    Ok(fixtures.len())
}

/// The recorded command on the key's name in this test.
fn renamed(command: &Json, file: &str) -> Vec<Vec<u8>> {
    let mut words = fixture::words(command).unwrap();
    words[1] = [file.as_bytes(), b":", &words[1]].concat();
    words
}

fn check_replies(client: &mut Client, file: &str) -> Outcome<usize> {
    let exact = file.starts_with("rejson-8") || file.starts_with("rejson-2");
    let mut checked = 0;
    for fixture in lines(&format!("{file}.jsonl")) {
        for expect in fixture["expect"].as_array().unwrap() {
            let words = renamed(&expect["command"], file);
            if !exact && words[0] != b"JSON.GET" {
                continue;
            }
            let reply = Value::decode(&client.call(&words)?)?;
            let recorded = &expect["reply"];
            let fits = if exact { answers(&reply, recorded) } else { same_json(&reply, recorded) };
            ensure(fits, || {
                format!(
                    "{file} {}: {} replied {reply}, recorded {recorded}",
                    fixture["id"], expect["command"]
                )
            })?;
            checked += 1;
        }
    }
    Ok(checked)
}

/// Plays the commands that were recorded after the first dump, and compares with the second one.
fn check_afterwards(client: &mut Client, file: &str) -> Outcome<usize> {
    let mut checked = 0;
    for fixture in lines(&format!("{file}.jsonl")) {
        let (Some(after), Some(dump)) =
            (fixture["after"].as_array(), fixture.get("after_dump_hex"))
        else {
            continue;
        };
        let Some((name, dump)) = dump.as_object().and_then(|dumps| dumps.iter().next()) else {
            continue;
        };
        for step in after {
            let reply = Value::decode(&client.call(&renamed(&step["command"], file))?)?;
            // By value: the order of members after a deletion is one of the documented differences.
            let fits = answers(&reply, &step["reply"]) || same_json(&reply, &step["reply"]);
            ensure(fits, || format!("{step}: replied {reply}"))?;
        }
        let key = format!("{file}:{name}").into_bytes();
        let dump = keyspan_common::rdb::dump::resign(&bytes(dump), 9);
        fixture::restore(client, b"afterwards", &dump)?;
        let got = Value::decode(&client.call(&[b"JSON.GET".as_slice(), &key])?)?;
        let recorded = Value::decode(&client.call(&[b"JSON.GET".as_slice(), b"afterwards"])?)?;
        let text = Json::from(String::from_utf8_lossy(recorded.bytes()?));
        ensure(same_json(&got, &text), || format!("{file} {}: {got}, {recorded}", fixture["id"]))?;
        checked += 1;
    }
    client.line("DEL afterwards")?;
    Ok(checked)
}

fn json(spec: Spec) -> Spec {
    spec.module("json", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

#[test]
fn every_recorded_payload_answers_and_survives() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        let (mut restored, mut checked) = (0, 0);
        for file in FIXTURES {
            restored += restore_all(&mut client, file)?;
            checked += check_replies(&mut client, file)?;
        }
        ensure(restored >= 75 && checked >= 300, || {
            format!("{restored} payloads, {checked} replies")
        })?;
        for file in FIXTURES {
            for fixture in lines(&format!("{file}.jsonl")) {
                let key = fixture["keys"][0]["key"].as_str().unwrap();
                persistence::survives_restore(server, &format!("{file}:{key}"))?;
            }
        }
        persistence::survives_reload(server)?;
        for base in Base::BOTH {
            persistence::survives_rewrite(server, base)
                .map_err(|f| f.during(&format!("{base:?}")))?;
        }
        let mut client = server.client()?;
        for file in FIXTURES {
            check_replies(&mut client, file).map_err(|f| f.during("after the restarts"))?;
        }
        let replica = json(Spec::new(server.name())?).start()?;
        replication::attach(&replica, server)?;
        replication::converge(&replica, server)
    })
}

#[test]
fn recorded_changes_end_as_the_producers_did() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        let file = "rejson-8.8.0-valkey8.0";
        restore_all(&mut client, file)?;
        let checked = check_afterwards(&mut client, file)?;
        ensure(checked >= 20, || format!("only {checked} were recorded"))
    })
}

/// Starts each server that reads `file` on it, and checks what it holds.
fn open(file: &str, arguments: &[&str], check: impl Fn(&Server) -> Outcome<()>) -> Outcome<usize> {
    let content = fixture::file(file)?;
    let (strict, relaxed) = fixture::readers(&content)?;
    let mut opened = 0;
    for (names, options) in [(strict, &[][..]), (relaxed, &["--rdb-version-check", "relaxed"][..])]
    {
        for name in names {
            if !servers()?.contains(&name) {
                continue;
            }
            let mut server = Spec::new(name)?
                .module("json", arguments)
                .options(&["--enable-debug-command", "yes"])
                .options(options)
                .file("dump.rdb", &content)
                .start()
                .map_err(|failure| failure.during(&format!("{file} on {}", name.as_str())))?;
            check(&server).map_err(|failure| server.explain(&failure))?;
            persistence::survives_save(&mut server)?;
            opened += 1;
        }
    }
    Ok(opened)
}

#[test]
fn whole_files_open_at_start_up() -> Outcome<()> {
    let mut opened = 0;
    for file in fs::read_dir(fixture::folder())? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".rdb") || !name.contains("json") {
            continue;
        }
        let manifest = fixture::file(&format!("{name}.manifest.json"))?;
        let manifest: Json = serde_json::from_slice(&manifest)?;
        opened += open(&name, &[], |server| {
            let mut client = server.client()?;
            for key in manifest["keys"].as_array().unwrap() {
                let database = key["db"].as_i64().unwrap();
                client.expect(&format!("SELECT {database}"), "+OK")?;
                let key = key["key"].as_str().unwrap();
                let kind = client.call(&["TYPE", key])?;
                let wanted: &[u8] = match key {
                    "plain:string" => b"+string\r\n",
                    "plain:hash" => b"+hash\r\n",
                    _ => b"+ReJSON-RL\r\n",
                };
                keyspan_tests::same(&kind, wanted, key)?;
            }
            Ok(())
        })?;
    }
    ensure(opened > 0 || servers()?.len() < 6, || "no file was opened".into())
}

#[test]
fn files_with_search_records_open_when_told_to_skip_them() -> Outcome<()> {
    let file = "redisearch-2.10.32-valkey8.0.rdb";
    open(file, &["skip-search-aux"], |server| {
        let mut client = server.client()?;
        client.expect("HGET doc:1 title", "$19\r\nTitle number 1 boys")?;
        let log = server.log()?;
        ensure(log.contains("ft_index0"), || "the log does not name what was skipped".into())
    })?;
    // Without the argument the server refuses the file, and says why.
    let content = fixture::file(file)?;
    let (readers, _) = fixture::readers(&content)?;
    for name in servers()?.into_iter().filter(|name| readers.contains(name)) {
        let started = Spec::new(name)?.module("json", &[]).file("dump.rdb", &content).start();
        ensure(started.is_err(), || "a file with unknown records was opened".into())?;
    }
    Ok(())
}

#[test]
fn corrupt_payloads_are_refused_or_valid() -> Outcome<()> {
    let corrupt: Vec<Json> =
        lines("corrupt.jsonl").into_iter().filter(|line| line["type"] == "ReJSON-RL").collect();
    ensure(corrupt.len() >= 100, || format!("only {} payloads", corrupt.len()))?;
    on_each_server(json, |server| {
        let mut client = server.client()?;
        for line in &corrupt {
            let dump = bytes(&line["dump_hex"]);
            let reply = client.call(&[b"RESTORE".as_slice(), b"c", b"0", &dump, b"REPLACE"])?;
            if reply == b"+OK\r\n" {
                let text = Value::decode(&client.call(&["JSON.GET", "c"])?)?;
                serde_json::from_slice::<Json>(text.bytes()?)
                    .map_err(|e| Failure::from(e).during(&line["mutation"].to_string()))?;
                persistence::survives_restore(server, "c")?;
            } else {
                ensure(reply.starts_with(b"-ERR"), || format!("{}", reply.escape_ascii()))?;
            }
        }
        client.expect("PING", "+PONG")
    })
}
