//! What peers wrote, opened by every road, and what goes back to them: our files and payloads, field
//! for field what theirs are for the same commands.

use std::collections::{BTreeMap, BTreeSet};

use keyspan_common::rdb::file::{Family, Magic, Reader, Record, Stored, Writer};
use keyspan_common::rdb::{Field, payload};
use keyspan_tests::{
    Client, Failure, Name, Outcome, Server, Spec, Value, ensure,
    fixture::{self, elements, text},
    migrate::{self, Cell, View},
    on_each_server, servers,
};
use serde_json::Value as Json;

/// What a server with several modules writes: the values and records of these files in one.
const COMPOSED: [(Family, u16, &[&str]); 4] = [
    // As Redis Stack 6.2.
    (
        Family::Redis,
        9,
        &["redisbloom-2.0.3-redis6.0", "rejson-1.0.8-redis6.0", "redistimeseries-1.4.14-redis6.0"],
    ),
    // As Redis Stack 7.2.
    (
        Family::Redis,
        11,
        &[
            "redisearch-2.10.32-valkey8.0",
            "redisbloom-2.8.20-redis7.0",
            "valkeyjson-1.0.2-valkey8.0",
            "redistimeseries-8.8.0-redis7.0",
        ],
    ),
    // As Redis 8 with the modules of its line 8.8.
    (
        Family::Redis,
        12,
        &["redisbloom-8.8.0-redis8.0", "rejson-8.8.0-redis8.0", "redistimeseries-8.8.0-redis7.0"],
    ),
    // As a valkey-bundle.
    (Family::Valkey, 80, &["valkeyjson-1.0.2-valkey9.1", "valkeybloom-2024-10-valkey8.0"]),
];

fn odd(error: keyspan_common::rdb::Error) -> Failure {
    Failure::new(format!("{error:?}"))
}

/// One file of several, and how many keys it has.
fn composed(family: Family, version: u16, files: &[&str]) -> Outcome<(Vec<u8>, usize)> {
    let mut writer = Writer::new(Magic { family, version });
    let mut seen = BTreeSet::new();
    for file in files {
        let content = fixture::file(&format!("{file}.rdb"))?;
        writer.database(0);
        let mut current = 0;
        for record in Reader::new(&content).map_err(odd)? {
            match record.map_err(odd)? {
                Record::ModuleAux { type_id, when, body } => writer.module_aux(type_id, when, body),
                Record::Entry(entry) => {
                    let Stored::Module { type_id, body } = entry.stored else { continue };
                    if !seen.insert((entry.database, entry.key.to_vec())) {
                        continue;
                    }
                    if entry.database != current {
                        current = entry.database;
                        writer.database(current);
                    }
                    writer.module(&entry.key, entry.expires_at_ms, type_id, body);
                }
                Record::Aux { .. } | Record::Function(_) => {}
            }
        }
    }
    Ok((writer.finish(), seen.len()))
}

/// Starts the server on the file by the cell's road; what it holds.
fn opened(file: &[u8], cell: &Cell) -> Outcome<View> {
    let spec = migrate::on_road(migrate::spec(Spec::new(cell.to)?), file, cell)?;
    let mut server = spec.start()?;
    migrate::view(&server).map_err(|failure| server.explain(&failure))
}

#[test]
fn files_of_several_modules_open_as_the_page_says() -> Outcome<()> {
    let cells = migrate::cells("Files")?;
    for (family, version, files) in COMPOSED {
        let (file, count) = composed(family, version, files)?;
        let magic = String::from_utf8_lossy(file.get(..9).unwrap_or_default()).into_owned();
        let mut first = None;
        for cell in cells.iter().filter(|cell| cell.from == magic) {
            if !cell.to.is_chosen()? {
                continue;
            }
            let step = format!("{magic} of {files:?} on {}", cell.to);
            let view = opened(&file, cell).map_err(|failure| failure.during(&step))?;
            let keys = view.keys().filter(|key| key.starts_with("0 ") || key.starts_with("3 "));
            let keys = keys.count();
            ensure(keys == count, || format!("{step}: {keys} keys, not {count}"))?;
            let wanted = first.get_or_insert_with(|| view.clone());
            migrate::equal(&view, wanted).map_err(|failure| failure.during(&step))?;
        }
    }
    Ok(())
}

/// A value in a file: its type, when it expires, its fields.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    kind: String,
    expires_at_ms: Option<i64>,
    fields: Vec<Field>,
}

type Values = BTreeMap<(u64, Vec<u8>), Written>;

/// The modules' values of a file, and the fields of RediSearch's record.
fn read(file: &[u8]) -> Outcome<(Values, Vec<Field>)> {
    let (mut values, mut definitions) = (Values::new(), Vec::new());
    for record in Reader::new(file).map_err(odd)? {
        match record.map_err(odd)? {
            Record::Entry(entry) => {
                let Stored::Module { type_id, body } = entry.stored else { continue };
                let fields = payload::fields(body).map_err(odd)?;
                let fields = comparable(&type_id.name(), type_id.version(), fields)?;
                let written =
                    Written { kind: type_id.name(), expires_at_ms: entry.expires_at_ms, fields };
                values.insert((entry.database, entry.key.to_vec()), written);
            }
            Record::ModuleAux { type_id, body, .. } if type_id.name() == "ft_index0" => {
                definitions = payload::fields(body).map_err(odd)?;
            }
            Record::ModuleAux { .. } | Record::Aux { .. } | Record::Function(_) => {}
        }
    }
    Ok((values, definitions))
}

/// Fields without what means nothing: addresses, what a version adds that follows from the rest.
fn comparable(kind: &str, version: u32, fields: Vec<Field>) -> Outcome<Vec<Field>> {
    match (kind, version) {
        ("TopK-TYPE", _) => Ok(without_addresses(fields)),
        ("ReJSON-RL", 3) => fields.into_iter().map(canonical).collect(),
        ("TSDB-TYPE", 8 | 9) => series(fields, version),
        _ => Ok(fields),
    }
}

/// Heap slots: fingerprint, length of the item, 8 bytes of pointer, count, padding.
fn without_addresses(mut fields: Vec<Field>) -> Vec<Field> {
    if let Some(Field::Bytes(heap)) = fields.get_mut(5) {
        for slot in heap.chunks_mut(24) {
            slot.iter_mut().skip(8).take(8).for_each(|byte| *byte = 0);
        }
    }
    fields
}

/// A text of JSON as one printer writes it.
fn canonical(field: Field) -> Outcome<Field> {
    let Field::Bytes(text) = &field else { return Ok(field) };
    let value: Json = serde_json::from_slice(text)?;
    Ok(Field::Bytes(plain(&value).to_string().into_bytes()))
}

/// Members by name, and integers that are written as doubles as integers.
fn plain(value: &Json) -> Json {
    match value {
        Json::Array(elements) => elements.iter().map(plain).collect(),
        Json::Object(members) => members.iter().map(|(k, v)| (k.clone(), plain(v))).collect(),
        Json::Number(number) => number.as_f64().map_or(Json::Null, Json::from),
        Json::Null | Json::Bool(_) | Json::String(_) => value.clone(),
    }
}

/// Rules in the order of their destinations, and without the number that version 9 adds to each; what
/// lies behind the samples of uncompressed chunks cut off.
fn series(fields: Vec<Field>, version: u32) -> Outcome<Vec<Field>> {
    let mut rest = fields.into_iter();
    let mut out: Vec<Field> = rest.by_ref().take(9).collect();
    let take = |rest: &mut dyn Iterator<Item = Field>, count: u64, out: &mut Vec<Field>| {
        let count = usize::try_from(count).unwrap_or_default();
        out.extend(rest.take(count));
    };
    let number = |out: &[Field]| match out.last() {
        Some(Field::Unsigned(number)) => Ok(*number),
        other => Err(Failure::new(format!("no number: {other:?}"))),
    };
    let compressed = out.get(3) != Some(&Field::Unsigned(1));
    let source = number(&out)?;
    take(&mut rest, source + 3, &mut out);
    let labels = number(&out)?;
    take(&mut rest, labels * 2 + 1, &mut out);
    let mut rules = Vec::new();
    for _ in 0..number(&out)? {
        let mut rule: Vec<Field> = rest.by_ref().take(5).collect();
        let context = match rule.get(3) {
            Some(Field::Unsigned(1 | 2 | 6 | 8)) => 2,
            Some(Field::Unsigned(3 | 5 | 7 | 14 | 15)) => 1,
            Some(Field::Unsigned(4 | 9..=12)) => 3,
            Some(Field::Unsigned(13)) => 10,
            other => return Err(Failure::new(format!("no aggregator: {other:?}"))),
        };
        take(&mut rest, u64::from(version == 9), &mut Vec::new());
        take(&mut rest, context, &mut rule);
        rules.push(format!("{rule:?}"));
    }
    rules.sort_unstable();
    out.extend(rules.into_iter().map(|rule| Field::Bytes(rule.into_bytes())));
    take(&mut rest, 1, &mut out);
    let chunks: Vec<Field> = rest.collect();
    out.extend(chunks.into_iter().scan(0, |samples, field| {
        Some(match field {
            Field::Unsigned(count) => {
                // The last two integers of an uncompressed chunk: samples, and bytes.
                *samples = *samples << 32 | count & 0xffff_ffff;
                field
            }
            Field::Bytes(mut bytes) if !compressed => {
                let used = usize::try_from(*samples >> 32 & 0xffff_ffff).unwrap_or_default();
                bytes.truncate(used.saturating_mul(16));
                Field::Bytes(bytes)
            }
            Field::Bytes(_) | Field::Double(_) | Field::Float(_) => field,
        })
    }));
    Ok(out)
}

/// Files of the newest writers, and how documents are to be saved for them.
const NEWEST: [(&str, &str); 7] = [
    ("redisbloom-2.8.20-redis7.0", "3"),
    ("redisbloom-8.8.0-redis8.0", "3"),
    ("rejson-8.8.0-valkey8.0", "4"),
    ("rejson-8.8.0-redis8.0", "4"),
    ("valkeyjson-1.0.2-valkey8.0", "3"),
    ("valkeyjson-1.0.2-valkey9.1", "3"),
    ("redistimeseries-8.8.0-redis7.0", "3"),
];

/// As for a peer: nothing in the file that it does not know.
fn for_peers(name: Name, json: &str) -> Outcome<Spec> {
    let spec = Spec::new(name)?.module("json", &["rdb-encoding", json]);
    let spec = spec.module("bloom", &[]).module("timeseries", &[]);
    Ok(spec.module("search", &["rdb-graph", "no"]))
}

fn saved(server: &Server) -> Outcome<Vec<u8>> {
    server.client()?.expect("SAVE", "+OK")?;
    Ok(std::fs::read(server.folder().join("dump.rdb"))?)
}

/// The first field that differs.
fn difference(got: &Written, wanted: &Written) -> String {
    let pairs = got.fields.iter().zip(&wanted.fields);
    let at = pairs.clone().position(|(got, wanted)| got != wanted);
    let shown = |field: Option<&Field>| format!("{field:?}").chars().take(300).collect::<String>();
    format!(
        "{} {:?} with {} fields, not {} {:?} with {}; field {at:?}: {}, not {}",
        got.kind,
        got.expires_at_ms,
        got.fields.len(),
        wanted.kind,
        wanted.expires_at_ms,
        wanted.fields.len(),
        shown(at.and_then(|at| got.fields.get(at))),
        shown(at.and_then(|at| wanted.fields.get(at))),
    )
}

#[test]
fn files_are_written_as_they_were_read() -> Outcome<()> {
    let mut failures = Vec::new();
    for (file, json) in NEWEST {
        let content = fixture::file(&format!("{file}.rdb"))?;
        let (theirs, _) = read(&content)?;
        for name in fixture::readers(&content)?.0 {
            if !name.is_chosen()? {
                continue;
            }
            let server = for_peers(name, json)?.file("dump.rdb", &content).start()?;
            let (ours, _) = read(&saved(&server)?)?;
            ensure(ours.len() == theirs.len(), || format!("{file}: {} keys", ours.len()))?;
            for (place, wanted) in &theirs {
                let got = ours.get(place).ok_or_else(|| Failure::new(format!("{place:?}")))?;
                // An only observation that its producer saved without its node, and an item whose
                // length there counts what its producer cut off.
                let is_known = [b"td:one".as_slice(), b"tk:nul"].contains(&place.1.as_slice());
                if got != wanted && !is_known {
                    let key = place.1.escape_ascii();
                    failures.push(format!("{file} on {name}: {key}: {}", difference(got, wanted)));
                }
            }
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))
}

/// Definitions with fields of full text, which are kept for the way back.
#[test]
fn definitions_are_written_as_redisearch_wrote_them() -> Outcome<()> {
    let content = fixture::file("redisearch-2.10.32-valkey8.0.rdb")?;
    let (_, theirs) = read(&content)?;
    ensure(theirs.len() > 50, || format!("{} fields", theirs.len()))?;
    for name in fixture::readers(&content)?.0 {
        if name.is_chosen()? {
            let server = for_peers(name, "3")?.file("dump.rdb", &content).start()?;
            let (_, ours) = read(&saved(&server)?)?;
            let (ours, theirs) = (by_index(&ours), by_index(&theirs));
            ensure(ours == theirs, || format!("{name}: {ours:?}, not {theirs:?}"))?;
        }
    }
    Ok(())
}

/// The fields of each definition: their order there is that of a hash table.
fn by_index(fields: &[Field]) -> BTreeMap<Vec<u8>, Vec<Field>> {
    let mut definitions = BTreeMap::new();
    let mut current: Option<&mut Vec<Field>> = None;
    for field in fields.iter().skip(1) {
        match (field, &mut current) {
            (Field::Bytes(name), _) if name.starts_with(b"idx:") => {
                current = Some(definitions.entry(name.clone()).or_insert_with(Vec::new));
            }
            (_, Some(definition)) => definition.push(field.clone()),
            (_, None) => {}
        }
    }
    definitions
}

/// The records beside the keys, by the names of their types.
fn records(file: &[u8]) -> Outcome<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for record in Reader::new(file).map_err(odd)? {
        if let Record::ModuleAux { type_id, .. } = record.map_err(odd)? {
            names.insert(type_id.name());
        }
    }
    Ok(names)
}

/// The page's steps before a file goes to a peer: RediSearch's record alone, and without indexes none.
#[test]
fn files_for_peers_hold_no_records_of_ours() -> Outcome<()> {
    on_each_server(migrate::spec, |server| {
        let mut client = server.client()?;
        migrate::fill(&mut client)?;
        let before = records(&saved(server)?)?;
        ensure(before.contains("KspGraphs"), || format!("{before:?}"))?;
        client.expect("CONFIG SET search.rdb-graph no", "+OK")?;
        let with_indexes = records(&saved(server)?)?;
        for index in ["places", "docs"] {
            client.expect(&format!("FT.DROPINDEX {index}"), "+OK")?;
        }
        let without = records(&saved(server)?)?;
        // Servers before 7.2 write every record, with nothing in it.
        if server.name().as_str() == "redis-7.0" {
            return ensure(without.contains("KspGraphs"), || format!("{without:?}"));
        }
        let names: Vec<&str> = with_indexes.iter().map(String::as_str).collect();
        ensure(names == ["ft_index0"], || format!("{names:?}"))?;
        ensure(without.is_empty(), || format!("{without:?}"))
    })
}

/// Recordings whose commands leave something else here, as docs/differences.md says.
const DIFFERING: [(&str, &str); 6] = [
    // t-digest-single, topk-items, topk-draws.
    ("redisbloom", "td-single"),
    ("redisbloom", "topk-nul-item"),
    ("redisbloom", "topk-default-dims"),
    // An error rate that 8.8 lowers, and so do we.
    ("redisbloom-2.8.20", "bf-error-big"),
    // Doubles that are parsed one unit off there.
    ("rejson", "json-users"),
    ("rejson", "json-vector-f32like"),
];

/// Plays the commands of a recording and compares the payloads they leave; how many.
fn check_commands(client: &mut Client, row: &Json) -> Outcome<usize> {
    client.expect("FLUSHALL SYNC", "+OK")?;
    for command in elements(&row["commands"]) {
        let reply = client.call(&fixture::words(command)?)?;
        ensure(!reply.starts_with(b"-"), || format!("{command}: {}", reply.escape_ascii()))?;
    }
    let keys = elements(&row["keys"]);
    for key in keys {
        let name = text(&key["key"]);
        let payload = Value::decode(&client.call(&["DUMP", name])?)?;
        let written = |payload: &[u8]| -> Outcome<Written> {
            let (kind, version, fields) = fixture::decoded(payload)?;
            let fields = comparable(&kind, version, fields)?;
            Ok(Written { kind, expires_at_ms: None, fields })
        };
        let got = written(payload.bytes()?)?;
        let wanted = written(&fixture::bytes(&key["dump_hex_footer9"])?)?;
        ensure(got == wanted, || format!("{name}: {}", difference(&got, &wanted)))?;
    }
    Ok(keys.len())
}

#[test]
fn commands_leave_the_payloads_of_the_peers() -> Outcome<()> {
    let mut failures = Vec::new();
    for (file, json) in NEWEST {
        if file.ends_with("redis8.0") && json == "4" || file.ends_with("valkey9.1") {
            // Whole files only.
            continue;
        }
        for name in servers()? {
            let server = for_peers(name, json)?.start()?;
            let (mut client, mut compared) = (server.client()?, 0);
            for row in fixture::rows(&format!("{file}.jsonl"))? {
                let id = text(&row["id"]);
                if DIFFERING.iter().any(|(by, what)| file.starts_with(by) && id == *what) {
                    continue;
                }
                match check_commands(&mut client, &row) {
                    Ok(count) => compared += count,
                    Err(failure) => failures.push(format!("{file} {id} on {name}: {failure}")),
                }
            }
            ensure(compared > 20 || !failures.is_empty(), || format!("{file}: {compared}"))?;
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))
}

/// What a replica of the peer's server is sent.
#[test]
fn what_peers_propagate_makes_their_values() -> Outcome<()> {
    let recorded = |file: &str| -> Outcome<Json> {
        Ok(serde_json::from_slice(&fixture::file(&format!("propagation-{file}.json"))?)?)
    };
    let documents = [recorded("rejson-8.8.0")?, recorded("valkeyjson-1.0.2")?];
    let series = recorded("redistimeseries-8.8.0")?;
    on_each_server(migrate::spec, |server| {
        let mut client = server.client()?;
        for recorded in &documents {
            client.expect("FLUSHALL SYNC", "+OK")?;
            for step in elements(&recorded["propagation"]) {
                for command in elements(&step["propagated"]) {
                    let reply = Value::decode(&client.call(&fixture::words(command)?)?)?;
                    let fits = fixture::answers(&reply, &step["reply"]);
                    ensure(fits, || format!("{step}: replied {reply}"))?;
                }
            }
            client.expect("JSON.MGET x y $", "*2\r\n$3\r\n[1]\r\n$3\r\n[2]")?;
        }
        client.expect("FLUSHALL SYNC", "+OK")?;
        for command in
            elements(&series["propagation"]).iter().flat_map(|step| elements(&step["propagated"]))
        {
            let reply = client.call(&fixture::words(command)?)?;
            ensure(!reply.starts_with(b"-"), || format!("{command}: {}", reply.escape_ascii()))?;
        }
        // The other series has samples by the clock of whoever runs TS.INCRBY.
        let rewritten = elements(&series["aof_rewrite"]).iter().find(|words| words[1] == "b");
        let rewritten = rewritten.ok_or_else(|| Failure::new("no series b"))?;
        let recorded = fixture::words(rewritten)?;
        let theirs = fixture::decoded(recorded.get(3).map_or(&[][..], Vec::as_slice))?;
        let ours = Value::decode(&client.line("DUMP b")?)?;
        let ours = fixture::decoded(ours.bytes()?)?;
        let (ours, theirs) = (series_of(ours)?, series_of(theirs)?);
        ensure(ours == theirs, || format!("{ours:?}, not {theirs:?}"))
    })
}

fn series_of((kind, version, fields): (String, u32, Vec<Field>)) -> Outcome<Vec<Field>> {
    comparable(&kind, version, fields)
}
