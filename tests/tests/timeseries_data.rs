//! Series of other producers: every recorded payload loads, answers, changes as its producer's own
//! does, and goes back; whole files keep their compaction rules.

#![expect(clippy::indexing_slicing, reason = "a test may panic; that is how it fails")]

use keyspan_tests::{
    Client, Outcome, Server, Spec, Value, ensure,
    fixture::{self, answers, elements, text},
    on_each_server,
    persistence::{self, Base},
    replication, servers, timeseries,
};
use serde_json::Value as Json;

const FIXTURES: [&str; 5] = [
    "redistimeseries-1.0.3-redis6.0",
    "redistimeseries-1.2.7-redis6.0",
    "redistimeseries-1.4.14-redis6.0",
    "redistimeseries-8.8.0-redis7.0",
    "redistimeseries-synthetic",
];

fn fixtures(file: &str) -> Outcome<Vec<Json>> {
    fixture::rows(&format!("{file}.jsonl"))
}

fn is_old(fixture: &Json) -> bool {
    fixture["module_version"].as_i64().is_some_and(|version| version < 80_000)
}

/// A number in a reply, however it is printed.
fn number(reply: &Value) -> Option<f64> {
    let Value::Simple(text) = reply else { return None };
    text.parse().ok()
}

fn recorded_number(recorded: &Json) -> Option<f64> {
    recorded.get("status").unwrap_or(recorded).as_str()?.parse().ok()
}

/// Whether a reply is what was recorded. Old producers print numbers with fewer digits, and as bulk
/// strings.
fn fits(reply: &Value, recorded: &Json, is_old: bool) -> bool {
    if !is_old {
        return answers(reply, recorded);
    }
    if let (Some(got), Some(wanted)) = (number(reply), recorded_number(recorded)) {
        return (got - wanted).abs() <= got.abs() * 1e-14;
    }
    match (reply, recorded) {
        (Value::Array(got), Json::Array(wanted)) => {
            got.len() == wanted.len() && got.iter().zip(wanted).all(|(g, w)| fits(g, w, true))
        }
        _ => answers(reply, recorded),
    }
}

/// Whether TS.INFO tells all that an old producer told: it told less, and one thing that is no more.
fn tells(reply: &Value, recorded: &Json) -> bool {
    let Ok(fields) = reply.elements() else { return false };
    elements(recorded).chunks(2).all(|pair| {
        let [name, wanted] = pair else { return false };
        let found = fields.chunks(2).find(|field| answers(&field[0], name));
        name["status"] == "maxSamplesPerChunk"
            // A policy that was not named is the setting's.
            || found.is_some_and(|field| answers(&field[1], wanted))
    })
}

fn check_step(client: &mut Client, fixture: &Json, step: &Json, is_whole: bool) -> Outcome<()> {
    let words = fixture::words(&step["command"])?;
    let reply = Value::decode(&client.call(&words)?)?;
    let recorded = match step.get("reply_before_dump") {
        Some(before) if is_whole => before,
        _ => &step["reply"],
    };
    let is_info = words[0] == b"TS.INFO";
    let is_right = if is_info && is_old(fixture) {
        tells(&reply, recorded)
    } else {
        fits(&reply, recorded, is_old(fixture))
    };
    ensure(is_right, || {
        let short = |text: String| text.chars().take(700).collect::<String>();
        format!(
            "{}: {}\n  expected {}\n  got      {}",
            text(&fixture["id"]),
            step["command"],
            short(recorded.to_string()),
            short(reply.to_string())
        )
    })
}

/// Asks what was asked of the producer; how many questions there were.
fn check_replies(client: &mut Client, fixture: &Json, is_whole: bool) -> Outcome<usize> {
    let steps = elements(&fixture["expect"]);
    for step in steps {
        check_step(client, fixture, step, is_whole)?;
    }
    Ok(steps.len())
}

fn restore(client: &mut Client, fixture: &Json) -> Outcome<()> {
    client.expect("FLUSHALL SYNC", "+OK")?;
    for key in elements(&fixture["keys"]) {
        let payload = fixture::bytes(&key["dump_hex_footer9"])?;
        fixture::restore(client, text(&key["key"]).as_bytes(), &payload)?;
    }
    Ok(())
}

/// Loads a fixture, asks, takes it through DUMP and a reload, asks again, and changes it.
fn check_fixture(server: &mut Server, fixture: &Json) -> Outcome<usize> {
    let mut client = server.client()?;
    restore(&mut client, fixture)?;
    let mut checked = check_replies(&mut client, fixture, false)?;
    for key in elements(&fixture["keys"]) {
        persistence::survives_restore(server, text(&key["key"]))?;
    }
    persistence::survives_reload(server)?;
    checked += check_replies(&mut client, fixture, false)?;
    for step in elements(&fixture["after"]) {
        check_step(&mut client, fixture, step, false).map_err(|f| f.during("afterwards"))?;
    }
    Ok(checked)
}

#[test]
fn every_recorded_payload_answers_and_survives() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let (mut checked, mut failures) = (0, Vec::new());
        for file in FIXTURES {
            for fixture in fixtures(file)? {
                match check_fixture(server, &fixture) {
                    Ok(count) => checked += count,
                    Err(failure) => failures.push(failure.to_string()),
                }
            }
        }
        ensure(failures.is_empty(), || failures.join("\n"))?;
        ensure(checked >= 300, || format!("only {checked} replies"))
    })
}

fn check_file(server: &Server, file: &str, keys: &[Json]) -> Outcome<()> {
    let fixtures = fixtures(file)?;
    let mut client = server.client()?;
    for key in keys {
        client.expect(&format!("SELECT {}", key["db"]), "+OK")?;
        let name = text(&key["key"]);
        let Some(fixture) = fixtures.iter().find(|row| row["id"] == key["fixture"]) else {
            continue;
        };
        let kind = client.value(&format!("TYPE {name}"))?.to_string();
        ensure(kind == "TSDB-TYPE", || format!("{name}: {kind}"))?;
        let expires = key["expire_at_ms"].as_i64().unwrap_or(-1);
        client.expect(&format!("PEXPIRETIME {name}"), &format!(":{expires}"))?;
        // Once for all keys of a fixture; a copy in another database has another name.
        if fixture["keys"][0]["key"] == key["key"] {
            check_replies(&mut client, fixture, true)?;
        } else if key["db"] != 0 {
            let range = client.value(&format!("TS.RANGE {name} - +"))?;
            let is_empty = range.elements()?.is_empty();
            ensure(is_empty == name.ends_with("empty"), || format!("{name}: {is_empty}"))?;
        }
    }
    Ok(())
}

#[test]
fn whole_files_open_and_keep_their_rules() -> Outcome<()> {
    let mut opened = 0;
    for file in FIXTURES.iter().filter(|file| !file.ends_with("synthetic")) {
        let content = fixture::file(&format!("{file}.rdb"))?;
        let manifest = fixture::file(&format!("{file}.rdb.manifest.json"))?;
        let manifest: Json = serde_json::from_slice(&manifest)?;
        let keys = elements(&manifest["keys"]);
        for name in fixture::readers(&content)?.0 {
            if !servers()?.contains(&name) {
                continue;
            }
            let spec = timeseries::spec(Spec::new(name)?).file("dump.rdb", &content);
            let mut server = spec.start().map_err(|f| f.during(file))?;
            let checked = check_file(&server, file, keys);
            checked.map_err(|failure| server.explain(&failure).during(file))?;
            persistence::survives_save(&mut server)?;
            check_file(&server, file, keys).map_err(|f| f.during("after SAVE"))?;
            for base in Base::BOTH {
                persistence::survives_rewrite(&mut server, base)?;
                let again = check_file(&server, file, keys);
                again.map_err(|f| f.during(&format!("after a rewrite to {base:?}")))?;
            }
            let replica = timeseries::spec(Spec::new(name)?).start()?;
            replication::attach(&replica, &server)?;
            replication::converge(&replica, &server)?;
            check_file(&replica, file, keys).map_err(|f| f.during("on a replica"))?;
            opened += 1;
        }
    }
    ensure(opened >= 20 || servers()?.len() < 6, || format!("only {opened} were opened"))
}
