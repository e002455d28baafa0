//! scripts/migrate-check and scripts/migrate-copy, as a person types them.

use std::process::{Command, Output};

use keyspan_tests::{
    Client, Failure, Name, Outcome, Server, Spec, bloom, ensure,
    migrate::{self, Road},
    on_each_of, on_each_server, servers, workspace,
};
use serde_json::Value as Json;

fn run(script: &str, words: &[&str]) -> Outcome<Output> {
    Ok(Command::new(workspace().join("scripts").join(script)).args(words).output()?)
}

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

/// The report as JSON, and the exit status.
fn report(url: &str, words: &[&str]) -> Outcome<(Json, Option<i32>)> {
    let Output { status, stdout, stderr } =
        run("migrate-check", &[&["--json", url], words].concat())?;
    let told = String::from_utf8_lossy(&stderr).into_owned();
    ensure(told.is_empty(), || told)?;
    Ok((serde_json::from_slice(&stdout)?, status.code()))
}

/// Fails unless the two values are one.
fn is(got: &Json, wanted: &Json, what: &str) -> Outcome<()> {
    ensure(got == wanted, || format!("{what}: {got}, not {wanted}"))
}

/// The entries whose `name` is this.
fn with<'a>(entries: &'a Json, name: &str, value: &str) -> Vec<&'a Json> {
    let entries = entries.as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().filter(|entry| entry[name] == value).collect()
}

/// For what depends on the server little: processes take their time to start.
fn oldest_and_newest() -> Outcome<Vec<Name>> {
    let names = servers()?;
    Ok(names.first().into_iter().chain(names.last()).copied().collect())
}

/// What the page's table says, in the report's words.
fn road(road: &Road, rewritten: &'static str) -> &'static str {
    match road {
        Road::No(_) => "no",
        Road::Relaxed(_) => "relaxed",
        Road::Rewritten(_) => rewritten,
        Road::Yes => "yes",
    }
}

/// The roads to each target are those of docs/migrate.md.
fn check_roads(found: &Json, server: Name) -> Outcome<()> {
    let version = found["rdb_version"].as_u64().unwrap_or_default();
    let magic =
        if version >= 80 { format!("VALKEY{version:03}") } else { format!("REDIS{version:04}") };
    let tables = [
        ("Files", magic, "file", "rewritten"),
        ("Payloads", version.to_string(), "restore", "re-signed"),
        ("Replication", server.to_string(), "replicaof", "no"),
    ];
    for (heading, from, name, rewritten) in tables {
        let cells = migrate::cells(heading)?;
        let cells: Vec<_> = cells.iter().filter(|cell| cell.from == from).collect();
        ensure(cells.len() == 6, || format!("{heading} has {} cells of {from}", cells.len()))?;
        for cell in cells {
            let target = with(&found["targets"], "name", cell.to.as_str());
            let target = target.first().ok_or_else(|| Failure::new("no such target"))?;
            is(
                &target[name],
                &road(&cell.road, rewritten).into(),
                &format!("{heading} to {}", cell.to),
            )?;
        }
    }
    Ok(())
}

const MODULE_TYPES: [(&str, u64, &str); 8] = [
    ("ReJSON-RL", 3, "libkeyspan_json.so"),
    ("MBbloom--", 3, "libkeyspan_bloom.so"),
    ("bloomfltr", 1, "libkeyspan_bloom.so"),
    ("MBbloomCF", 2, "libkeyspan_bloom.so"),
    ("CMSk-TYPE", 1, "libkeyspan_bloom.so"),
    ("TopK-TYPE", 1, "libkeyspan_bloom.so"),
    ("TDIS-TYPE", 2, "libkeyspan_bloom.so"),
    ("TSDB-TYPE", 5, "libkeyspan_timeseries.so"),
];

#[test]
fn everything_is_found_and_nothing_changed() -> Outcome<()> {
    on_each_server(migrate::spec, |server| {
        let mut client = server.client()?;
        migrate::fill(&mut client)?;
        let (before, dirty) = (migrate::view(server)?, client.info("rdb_changes_since_last_save")?);
        let (found, status) = report(&url(server), &[])?;
        for (name, count, needs) in MODULE_TYPES {
            let kinds = with(&found["types"], "type", name);
            let kind = kinds.first().ok_or_else(|| Failure::new(format!("no {name}")))?;
            is(&kind["looked_at"], &count.into(), name)?;
            is(&kind["needs"], &needs.into(), name)?;
            ensure(kind["bytes_about"].as_u64() > Some(40), || format!("{kind}"))?;
            ensure(kind["encodings"].as_array().is_some_and(|all| all.len() == 1), || {
                format!("{kind}")
            })?;
        }
        let indexes = with(&found["indexes"], "on", "HASH").len()
            + with(&found["indexes"], "on", "JSON").len();
        ensure(indexes == 2, || format!("{}", found["indexes"]))?;
        is(&found["server"]["role"], &"primary".into(), "role")?;
        is(&found["databases"][1]["database"], &3.into(), "the second database")?;
        is(&found["not_seen"], &Json::Array(Vec::new()), "not seen")?;
        // Everything there moves to everywhere: no sets of words, no streams.
        ensure(status == Some(0), || format!("{status:?}: {found}"))?;
        check_roads(&found, server.name())?;
        migrate::equal(&migrate::view(server)?, &before)?;
        let after = client.info("rdb_changes_since_last_save")?;
        ensure(after == dirty, || format!("{dirty} changes before, {after} after"))?;
        let only = report(&url(server), &["--to", "valkey-8.0"])?.0;
        ensure(only["targets"].as_array().is_some_and(|all| all.len() == 1), || format!("{only}"))
    })
}

/// Values of the server's own, and targets that do not read them.
const OWN: [(&str, &[&str], &str, &str); 4] = [
    ("SADD set a b", &["redis-7.0"], "sets of words", "redis-7.0"),
    ("XADD s 1-1 a 1", &["redis-7.0"], "streams", "redis-7.0"),
    (
        "HSETEX h EX 1000 FIELDS 1 a 1",
        &["valkey-8.0", "valkey-8.1"],
        "hashes with fields that expire",
        "",
    ),
    ("VADD v VALUES 2 1 0 a", &["valkey-9.1", "redis-7.0"], "vector sets", "redis"),
];

#[test]
fn what_stays_behind_is_told() -> Outcome<()> {
    on_each_server(migrate::spec, |server| {
        let mut client = server.client()?;
        for (line, targets, what, native_to) in OWN {
            client.expect("FLUSHALL SYNC", "+OK")?;
            if client.line(line)?.starts_with(b"-ERR unknown command") {
                continue;
            }
            let (found, status) = report(&url(server), &[])?;
            for target in targets {
                let to = with(&found["targets"], "name", target);
                let told = to.first().map(|to| with(&to["stays"], "what", what).len());
                let wanted = usize::from(server.name().as_str() != native_to);
                ensure(told == Some(wanted), || format!("{line} to {target}: {found}"))?;
            }
            let wanted = i32::from(server.name().as_str() != native_to);
            ensure(status == Some(wanted), || format!("{line}: {status:?}"))?;
        }
        client.expect("FLUSHALL SYNC", "+OK")
    })
}

/// What a peer has and we have not: fields of full text, commands, functions that call them.
#[test]
fn what_is_left_out_is_told() -> Outcome<()> {
    let file = keyspan_tests::fixture::file("redisearch-2.10.32-valkey8.0.rdb")?;
    let readers = keyspan_tests::fixture::readers(&file)?.0;
    let readers: Vec<Name> =
        readers.into_iter().filter(|name| name.is_chosen().unwrap_or(false)).collect();
    on_each_of(
        &readers,
        |spec| migrate::spec(spec).file("dump.rdb", &file),
        |server| {
            let mut client = server.client()?;
            bloom::succeeds(
                &mut client,
                r##"FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return redis.call('ft.aggregate', 'i', '*') end)""##,
            )?;
            let (found, status) = report(&url(server), &["--to", "valkey-9.1"])?;
            let left_out: Vec<String> = with(&found["findings"], "level", "left out")
                .iter()
                .map(|finding| finding["what"].as_str().unwrap_or_default().to_owned())
                .collect();
            let wanted = [
                "suggestions (FT.SUGADD)",
                "field title of index idx:text",
                "field body of index idx:text",
                "field nm of index idx:vec",
                "function library lib",
            ];
            ensure(left_out == wanted, || format!("{left_out:?}"))?;
            ensure(status == Some(1), || format!("{status:?}"))
        },
    )
}

#[test]
fn servers_without_modules_are_looked_at() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut client = server.client()?;
            client.expect("SET a 1", "+OK")?;
            client.expect("HSET b c 1", ":1")?;
            let (found, status) = report(&url(server), &[])?;
            ensure(status == Some(0), || format!("{status:?}: {found}"))?;
            is(&found["indexes"], &Json::Array(Vec::new()), "indexes")?;
            check_roads(&found, server.name())?;
            let text = run("migrate-check", &[&url(server)])?;
            let text = String::from_utf8_lossy(&text.stdout).into_owned();
            for part in ["RDB version", "database 0: 2 keys, 2 looked at", "its file at start-up"] {
                ensure(text.contains(part), || format!("no {part:?} in {text}"))?;
            }
            Ok(())
        },
    )
}

/// A user who may do little: what could not be seen is told, and the exit status says so.
#[test]
fn users_with_few_rights_are_told_what_they_did_not_see() -> Outcome<()> {
    on_each_of(&oldest_and_newest()?, migrate::spec, |server| {
        migrate::fill(&mut server.client()?)?;
        let check = |rules: &str, unseen: &[&str]| -> Outcome<()> {
            let line = format!("ACL SETUSER few reset on >secret/1 {rules}");
            server.client()?.expect(&line, "+OK")?;
            let url = format!("redis://few:secret%2F1@127.0.0.1:{}", server.port());
            let (found, status) = report(&url, &["--to", server.name().as_str()])?;
            let told = found["not_seen"].to_string();
            for what in unseen {
                ensure(told.contains(what), || format!("{rules}: no {what} in {told}"))?;
            }
            let wanted = if unseen.is_empty() { 0 } else { 3 };
            ensure(status == Some(wanted), || format!("{rules}: {status:?}, {told}"))
        };
        let all = "+info +module|list +scan +type +dump +memory|usage +select +ft._list +ft.info +function|list";
        check(&format!("~* {all}"), &[])?;
        check(&format!("~doc:* {all}"), &["of the keys that were looked at"])?;
        check(&format!("~* {all} -dump -module|list"), &["encodings", "which modules are loaded"])?;
        check("~* +info", &["which keys there are", "which indexes there are"])?;
        check("~* +ping", &["the server's version, role"])
    })
}

#[test]
fn time_and_sample_are_kept() -> Outcome<()> {
    on_each_of(
        &oldest_and_newest()?,
        |spec| spec,
        |server| {
            let mut client = server.client()?;
            let commands: Vec<Vec<String>> =
                (0..5000).map(|n| vec!["SET".into(), format!("k{n}"), "v".into()]).collect();
            client.pipeline(&commands)?;
            let (found, status) = report(&url(server), &["--sample", "700"])?;
            is(&found["databases"][0]["looked_at"], &700.into(), "looked at")?;
            is(&found["types"][0]["keys_about"], &5000.into(), "about")?;
            ensure(status == Some(0), || format!("{status:?}"))?;
            let (found, _) = report(&url(server), &["--sample", "0"])?;
            is(&found["databases"][0]["looked_at"], &5000.into(), "looked at")?;
            let (found, status) = report(&url(server), &["--seconds", "0.0001"])?;
            ensure(found["not_seen"].to_string().contains("--seconds"), || found.to_string())?;
            ensure(status == Some(3), || format!("{status:?}"))
        },
    )
}

#[test]
fn who_cannot_be_asked_is_told() -> Outcome<()> {
    let server =
        Spec::new(servers()?.into_iter().next().ok_or_else(|| Failure::new("no server"))?)?;
    let server = server.options(&["--requirepass", "secret"]).start()?;
    let locked = url(&server);
    let wrong = format!("redis://nobody:x@127.0.0.1:{}", server.port());
    for (words, said) in [
        (vec!["redis://127.0.0.1:1"], "Connection refused"),
        (vec!["http://127.0.0.1"], "no redis"),
        (vec![wrong.as_str()], "WRONGPASS"),
        (vec![locked.as_str()], "NOAUTH"),
        (vec!["--to", "valkey-7", "redis://127.0.0.1"], "invalid choice"),
    ] {
        let Output { status, stderr, .. } = run("migrate-check", &words)?;
        let told = String::from_utf8_lossy(&stderr);
        ensure(status.code() == Some(2) && told.contains(said), || format!("{words:?}: {told}"))?;
        ensure(!told.contains("Traceback") && !told.contains(":x@"), || told.into_owned())?;
    }
    Ok(())
}

/// What a program prints that imports the script's modules.
fn python(program: &str) -> Outcome<String> {
    let done = Command::new("python3")
        .args(["-c", program])
        .env("PYTHONPATH", workspace().join("scripts"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()?;
    ensure(done.status.success(), || String::from_utf8_lossy(&done.stderr).into_owned())?;
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// A survey of what no server here has: foreign types and modules, encodings to come, commands.
const FOREIGN: &str = r#"
from types import SimpleNamespace as Of
from migration import report
from migration.survey import Kind
survey = Of(
    types={"graphdata": Kind(count=3), "ReJSON-RL": Kind(count=2, encodings={("ReJSON-RL", 5): 2})},
    indexes=[{"name": "i", "fields": [{"name": "v", "type": "VECTOR", "algorithm": "SVS-VAMANA"}]}],
    functions=[], modules=[{"name": "graph", "version": 1}], databases={}, looked={}, unseen={},
    info={"cmdstat_FT.AGGREGATE": "calls=7,usec=1", "cmdstat_FT.SEARCH": "calls=1", "cmdstat_get": "calls=9"},
    field_expiry=0, rdb_version=11, hidden_keys=0, time_is_up=False, connection=Of(shown=lambda: "there"))
found = report.of(survey, ["valkey-8.1"])
print([(one["level"], one["what"], one["count"]) for one in found["findings"] if one["level"] != "note"])
print([one["what"] for one in found["findings"] if one["level"] == "note"], report.status(found))
report.text(found)
"#;

#[test]
fn what_is_foreign_is_told() -> Outcome<()> {
    let told = python(FOREIGN)?;
    let wanted = "[('stays', 'ReJSON-RL of encoding 5', 2), ('stays', 'keys of type graphdata', 3), \
        ('left out', 'field v of index i', 1), ('left out', 'command FT.AGGREGATE', 7)]\n\
        ['index definitions', 'module graph'] 1";
    ensure(told == wanted, || told)
}

/// The commands that the script takes for ours are.
#[test]
fn commands_here_are_known() -> Outcome<()> {
    let listed = python("from migration.report import SERVED; print(*sorted(SERVED))")?;
    let name = servers()?.into_iter().next().ok_or_else(|| Failure::new("no server"))?;
    let server = migrate::spec(Spec::new(name)?).start()?;
    let commands = server.client()?.value("COMMAND LIST FILTERBY MODULE search")?;
    let commands = commands.elements()?.iter();
    let mut commands: Vec<String> = commands
        .map(|name| Ok(String::from_utf8_lossy(name.bytes()?).to_uppercase()))
        .collect::<Outcome<_>>()?;
    commands.sort_unstable();
    ensure(commands.join(" ") == listed, || format!("{listed}\n{commands:?}"))
}

/// Keys by way of re-signed payloads, where the target reads neither file nor stream.
#[test]
fn keys_are_copied_between_any_two() -> Outcome<()> {
    let pairs =
        [("redis-8.6", "valkey-8.0"), ("valkey-9.1", "redis-7.0"), ("redis-8.0", "redis-7.0")];
    for (from, to) in pairs {
        let (from, to) = (Name::parse(from)?, Name::parse(to)?);
        if !(from.is_chosen()? && to.is_chosen()?) {
            continue;
        }
        let source = migrate::spec(Spec::new(from)?).start()?;
        let target = migrate::spec(Spec::new(to)?).start()?;
        migrate::fill(&mut source.client()?)?;
        let Output { status, stdout, stderr } =
            run("migrate-copy", &[&url(&source), &url(&target)])?;
        let told = [stdout, stderr].concat();
        ensure(status.success(), || format!("{from} to {to}: {}", String::from_utf8_lossy(&told)))?;
        copied(&source, &target).map_err(|failure| failure.during(&format!("{from} to {to}")))?;
        again(&mut target.client()?, &source, &target)?;
    }
    Ok(())
}

/// Fails unless the target has the source's keys; indexes and rules do not go this way.
fn copied(source: &Server, target: &Server) -> Outcome<()> {
    let values = |server: &Server| -> Outcome<_> {
        let mut view = migrate::view(server)?;
        view.retain(|question, _| {
            // The digest of a series has its rules in it.
            let is_key = question.starts_with("0 ") || question.starts_with("3 ");
            (is_key && !question.contains("ts:")) || question.starts_with("FUNCTION")
        });
        Ok(view)
    };
    migrate::equal(&values(target)?, &values(source)?)?;
    let series = "TS.MRANGE - + FILTER kind=(raw,compacted,plain)";
    let (got, wanted) = (target.client()?.value(series)?, source.client()?.value(series)?);
    ensure(got == wanted, || format!("{got}, not {wanted}"))
}

/// A second copy leaves what is there, unless it is told to replace it.
fn again(client: &mut Client, source: &Server, target: &Server) -> Outcome<()> {
    client.expect("SET plain:string other", "+OK")?;
    let kept = run("migrate-copy", &[&url(source), &url(target)])?;
    ensure(kept.status.success(), || String::from_utf8_lossy(&kept.stderr).into_owned())?;
    client.expect("GET plain:string", "$5\r\nother")?;
    let words = ["--replace", "--match", "plain:*", &url(source), &url(target)];
    let replaced = String::from_utf8_lossy(&run("migrate-copy", &words)?.stdout).into_owned();
    ensure(replaced.trim() == "5 copied", || replaced)?;
    client.expect("GET plain:string", "$4\r\ntext")
}
