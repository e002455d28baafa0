//! Filters and sketches of other producers: every recorded payload loads, answers, changes as its
//! producer's own does, and survives.

#![expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic; that is how it fails"
)]

use keyspan_common::rdb::{Field, dump};
use keyspan_tests::{
    Client, Outcome, Server, Spec, Value, ensure,
    fixture::{self, answers, elements, text},
    on_each_server,
    persistence::{self, Base},
    replication, same, servers,
};
use serde_json::{Value as Json, json};

const FIXTURES: [&str; 7] = [
    "redisbloom-1.0.3-redis6.0",
    "redisbloom-1.1.0-redis6.0",
    "redisbloom-2.0.3-redis6.0",
    "redisbloom-2.8.20-redis7.0",
    "redisbloom-8.8.0-redis8.0",
    "valkeybloom-2024-10-valkey8.0",
    "valkeybloom-1.0-synthetic",
];

fn bloom(spec: Spec) -> Spec {
    spec.module("bloom", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

/// The fixtures of a file, each with the name that its key has in these tests.
fn fixtures(file: &str) -> Outcome<Vec<(Vec<u8>, Json)>> {
    let rows = fixture::rows(&format!("{file}.jsonl"))?;
    let named = |row: Json| (format!("{file}:{}", text(&row["keys"][0]["key"])).into_bytes(), row);
    Ok(rows.into_iter().map(named).collect())
}

fn every_fixture() -> Outcome<Vec<(Vec<u8>, Json)>> {
    let files = FIXTURES.iter().map(|file| fixtures(file)).collect::<Outcome<Vec<_>>>()?;
    Ok(files.into_iter().flatten().collect())
}

fn restore_all(client: &mut Client) -> Outcome<usize> {
    let fixtures = every_fixture()?;
    for (key, fixture) in &fixtures {
        let payload = fixture::bytes(&fixture["keys"][0]["dump_hex_footer9"])?;
        fixture::restore(client, key, &payload)?;
    }
    Ok(fixtures.len())
}

/// The recorded command on the key's name in this test.
fn renamed(step: &Json, key: &[u8]) -> Outcome<Vec<Vec<u8>>> {
    let mut words = fixture::words(&step["command"])?;
    words[1] = key.to_vec();
    Ok(words)
}

/// Whether the reply is what was recorded, or what its producer would have replied had it no fault.
fn fits(fixture: &Json, step: &Json, reply: &Value) -> bool {
    let command = text(&step["command"][0]);
    if fixture["module"] == "RedisBloom" && fixture["module_version"].as_i64() < Some(20_200) {
        return match command {
            "BF.DEBUG" if fixture["module_version"].as_i64() < Some(20_000) => {
                answers(&without_width(reply), &step["reply"])
            }
            // The first versions named no iterations and no expansion.
            "CF.DEBUG" => reply.to_string().starts_with(&format!("\"{} ", text(&step["reply"]))),
            _ => answers(reply, &step["reply"]),
        };
    }
    // RedisBloom saves an only observation without its node: what it replied without the detour.
    answers(reply, step.get("reply_without_roundtrip").unwrap_or(&step["reply"]))
}

/// A reply of BF.DEBUG as it was before it told how wide the hashes are.
fn without_width(reply: &Value) -> Value {
    let line = |value: &Value| match value {
        Value::Bulk(line) => {
            let line = String::from_utf8_lossy(line).into_owned();
            let words = line.split(' ').filter(|word| !word.starts_with("hashwidth:"));
            Value::Bulk(words.collect::<Vec<_>>().join(" ").into_bytes())
        }
        other => other.clone(),
    };
    match reply {
        Value::Array(lines) => Value::Array(lines.iter().map(line).collect()),
        other => other.clone(),
    }
}

/// Asks what was asked of the producer; how many questions there were.
fn check_replies(client: &mut Client, key: &[u8], fixture: &Json) -> Outcome<usize> {
    let steps = elements(&fixture["expect"]);
    let commands =
        steps.iter().map(|step| renamed(step, key)).collect::<Outcome<Vec<Vec<Vec<u8>>>>>()?;
    for (step, reply) in steps.iter().zip(client.pipeline(&commands)?) {
        check_reply(fixture, step, &reply)
            .map_err(|f| f.during(&key.escape_ascii().to_string()))?;
    }
    Ok(steps.len())
}

fn check_reply(fixture: &Json, step: &Json, reply: &[u8]) -> Outcome<()> {
    let reply = Value::decode(reply)?;
    ensure(fits(fixture, step, &reply), || {
        let command = step["command"].to_string();
        let command = command.get(..200).unwrap_or(&command);
        let short = |text: String| text.chars().take(600).collect::<String>();
        format!(
            "{}: {command}\n  expected {}\n  got      {}",
            text(&fixture["id"]),
            short(step["reply"].to_string()),
            short(reply.to_string())
        )
    })
}

/// Checks the replies of all; one failure that names each fixture that does not fit.
fn check_all(server: &Server) -> Outcome<usize> {
    let (mut client, mut checked, mut failures) = (server.client()?, 0, Vec::new());
    for (key, fixture) in every_fixture()? {
        match check_replies(&mut client, &key, &fixture) {
            Ok(count) => checked += count,
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))?;
    Ok(checked)
}

#[test]
fn every_recorded_payload_answers_and_survives() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let restored = restore_all(&mut client)?;
        let checked = check_all(server)?;
        ensure(restored >= 87 && checked >= 1_300, || {
            format!("{restored} payloads, {checked} replies")
        })?;
        let again = |step: &str| {
            check_all(server)
                .map(|_| ())
                .map_err(|failure| failure.during(&format!("after {step}")))
        };
        for (key, _) in every_fixture()? {
            let key = String::from_utf8_lossy(&key).into_owned();
            persistence::survives_restore(server, &key)?;
            copies(&mut client, &key)?;
        }
        again("DUMP and RESTORE")?;
        persistence::survives_reload(server)?;
        check_all(server).map_err(|failure| failure.during("after DEBUG RELOAD"))?;
        for base in Base::BOTH {
            let step = format!("a rewrite to {base:?}");
            persistence::survives_rewrite(server, base).map_err(|f| f.during(&step))?;
            check_all(server).map_err(|failure| failure.during(&step))?;
        }
        let replica = bloom(Spec::new(server.name())?).start()?;
        replication::attach(&replica, server)?;
        replication::converge(&replica, server)?;
        check_all(&replica).map(|_| ()).map_err(|failure| failure.during("on a replica"))
    })
}

/// COPY, and a look whether both hold the same.
fn copies(client: &mut Client, key: &str) -> Outcome<()> {
    same(&client.call(&["COPY", key, "copy", "REPLACE"])?, b":1\r\n", &format!("COPY {key}"))?;
    let value = client.call(&["DEBUG", "DIGEST-VALUE", key])?;
    same(&client.call(&["DEBUG", "DIGEST-VALUE", "copy"])?, &value, &format!("copy of {key}"))?;
    client.expect("DEL copy", ":1")
}

/// Fields with what cannot be compared taken out: addresses, and what old encodings do not hold.
fn comparable(payload: &[u8]) -> Outcome<(String, Vec<Field>)> {
    let (name, version, mut fields) = fixture::decoded(payload)?;
    match name.as_str() {
        "TopK-TYPE" => {
            if let Some(Field::Bytes(heap)) = fields.get_mut(5) {
                // A slot: fingerprint, length of the item, 8 bytes of pointer, count, padding.
                heap.chunks_mut(24).for_each(|slot| slot[8..16].fill(0));
            }
        }
        "MBbloom--" => {
            let head = match version {
                0 | 1 => 2,
                2 | 3 => 3,
                _ => 4,
            };
            let links = fields.split_off(head.min(fields.len()));
            fields.truncate(2);
            for link in links.chunks(8) {
                // Round filters have no count of bits in the old encodings.
                fields.extend(link[..4].iter().chain(&link[5..]).cloned());
            }
        }
        _ => {}
    }
    Ok((name, fields))
}

fn check_afterwards(client: &mut Client, key: &[u8], fixture: &Json) -> Outcome<bool> {
    let steps = elements(&fixture["after"]);
    for step in steps {
        let reply = client.call(&renamed(step, key)?)?;
        check_reply(fixture, step, &reply).map_err(|failure| failure.during("afterwards"))?;
    }
    let got = Value::decode(&client.call(&[b"DUMP".as_slice(), key])?)?;
    let got = comparable(got.bytes()?)?;
    let id = text(&fixture["id"]);
    if let Some(filters) = fixture.get("after_filters") {
        return check_filters(&got.1, elements(filters)).map_err(|f| f.during(id));
    }
    let recorded = fixture["after_dump_hex"].as_object().and_then(|all| all.values().next());
    // Its producer's payload has a node that nobody observed.
    let Some(recorded) = recorded.filter(|_| id != "td-single") else { return Ok(false) };
    let recorded = comparable(&fixture::bytes(recorded)?)?;
    ensure(got == recorded, || format!("{id}: {}", difference(&got.1, &recorded.1)))?;
    Ok(true)
}

/// The first field that differs.
fn difference(got: &[Field], recorded: &[Field]) -> String {
    let at = got.iter().zip(recorded).position(|(a, b)| a != b);
    let Some(at) = at else { return format!("{} fields, not {}", got.len(), recorded.len()) };
    if let (Field::Bytes(a), Field::Bytes(b)) = (&got[at], &recorded[at]) {
        let byte = a.iter().zip(b).position(|(a, b)| a != b);
        return format!("field {at}: {} bytes, not {}, byte {byte:?}", a.len(), b.len());
    }
    format!("field {at}: {:?}, not {:?}", got[at], recorded[at])
}

/// Compares the fields of a filter of valkey-bloom with what the crate it uses made of the items.
fn check_filters(got: &[Field], filters: &[Json]) -> Outcome<bool> {
    let mut wanted = Vec::new();
    for (index, filter) in filters.iter().enumerate() {
        let number = |name: &str| filter[name].as_u64().map(Field::Unsigned);
        let raw = filter["raw_hex"].is_string().then(|| fixture::bytes(&filter["raw_hex"]));
        wanted.push(raw.transpose()?.map(Field::Bytes));
        wanted.push(number("capacity"));
        if index + 1 == filters.len() {
            wanted.push(number("num_items"));
        }
    }
    let got = got.get(5..).unwrap_or_default();
    ensure(got.len() == wanted.len(), || format!("{} fields, not {}", got.len(), wanted.len()))?;
    for (at, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        let fits = wanted.as_ref().is_none_or(|wanted| wanted == got);
        ensure(fits, || format!("field {}: {got:?}, not {wanted:?}", at + 5))?;
    }
    Ok(true)
}

#[test]
fn recorded_changes_end_as_the_producers_did() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        restore_all(&mut client)?;
        let (mut compared, mut failures) = (0, Vec::new());
        for (key, fixture) in every_fixture()? {
            match check_afterwards(&mut client, &key, &fixture) {
                Ok(done) => compared += usize::from(done),
                Err(failure) => failures.push(failure.to_string()),
            }
        }
        ensure(failures.is_empty(), || failures.join("\n"))?;
        ensure(compared >= 42, || format!("only {compared} were compared"))
    })
}

/// A payload that was loaded and not changed is written with the fields it had.
#[test]
fn what_is_not_changed_is_written_as_it_was() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        restore_all(&mut client)?;
        for file in ["redisbloom-2.8.20-redis7.0", "redisbloom-8.8.0-redis8.0"] {
            for (key, fixture) in fixtures(file)? {
                let id = text(&fixture["id"]);
                // An only observation that its producer saved without its node, and an item whose
                // length there counts what its producer cut off.
                if ["td-single", "topk-nul-item"].contains(&id) {
                    continue;
                }
                let got = Value::decode(&client.call(&[b"DUMP".as_slice(), &key])?)?;
                let recorded = fixture::bytes(&fixture["keys"][0]["dump_hex_footer9"])?;
                let (got, recorded) = (comparable(got.bytes()?)?, comparable(&recorded)?);
                ensure(got == recorded, || format!("{id}: {}", difference(&got.1, &recorded.1)))?;
            }
        }
        Ok(())
    })
}

#[test]
fn whole_files_open_at_start_up() -> Outcome<()> {
    let mut opened = 0;
    for file in FIXTURES.iter().filter(|file| !file.ends_with("synthetic")) {
        let content = fixture::file(&format!("{file}.rdb"))?;
        let manifest = fixture::file(&format!("{file}.rdb.manifest.json"))?;
        let manifest: Json = serde_json::from_slice(&manifest)?;
        let (strict, relaxed) = fixture::readers(&content)?;
        let relaxing = ["--rdb-version-check", "relaxed"];
        for (names, options) in [(strict, &[][..]), (relaxed, &relaxing)] {
            for name in names {
                if !servers()?.contains(&name) {
                    continue;
                }
                let spec = bloom(Spec::new(name)?).options(options).file("dump.rdb", &content);
                let mut server = spec.start().map_err(|f| f.during(file))?;
                let checked = check_file(&server, file, elements(&manifest["keys"]));
                checked.map_err(|failure| server.explain(&failure).during(file))?;
                persistence::survives_save(&mut server)?;
                check_file(&server, file, elements(&manifest["keys"]))?;
                opened += 1;
            }
        }
    }
    ensure(opened >= 20 || servers()?.len() < 6, || format!("only {opened} were opened"))
}

fn check_file(server: &Server, file: &str, keys: &[Json]) -> Outcome<()> {
    let fixtures = fixtures(file)?;
    let mut client = server.client()?;
    for key in keys {
        client.expect(&format!("SELECT {}", key["db"]), "+OK")?;
        let name = text(&key["key"]);
        let Some((_, fixture)) = fixtures.iter().find(|(_, row)| row["id"] == key["fixture"])
        else {
            let kind = client.call(&["TYPE", name])?;
            let wanted: &[u8] = if name == "plain:hash" { b"+hash\r\n" } else { b"+string\r\n" };
            same(&kind, wanted, name)?;
            continue;
        };
        let kind = format!("+{}\r\n", text(&fixture["type"]));
        same(&client.call(&["TYPE", name])?, kind.as_bytes(), name)?;
        check_replies(&mut client, name.as_bytes(), fixture)?;
        let expires = key["expire_at_ms"].as_i64().unwrap_or(-1);
        same(&client.call(&["PEXPIRETIME", name])?, format!(":{expires}\r\n").as_bytes(), name)?;
    }
    Ok(())
}

/// Every command on a Bloom filter `c`.
const BLOOM: [&str; 16] = [
    "BF.INFO c",
    "BF.INFO c CAPACITY",
    "BF.INFO c ERROR",
    "BF.INFO c TIGHTENING",
    "BF.INFO c MAXSCALEDCAPACITY",
    "BF.CARD c",
    "BF.DEBUG c",
    "BF.EXISTS c x",
    "BF.MEXISTS c x y z",
    "BF.SCANDUMP c 0",
    "BF.SCANDUMP c 1",
    "BF.LOADCHUNK c 2 x",
    "BF.ADD c new",
    "BF.MADD c 1 2 3 4 5 6 7 8 9",
    "BF.INSERT c ITEMS 1 2 3 10 11 12",
    "BF.EXISTS c new",
];

/// Every command on a Cuckoo filter `c`.
const CUCKOO: [&str; 15] = [
    "CF.INFO c",
    "CF.DEBUG c",
    "CF.EXISTS c x",
    "CF.MEXISTS c x y",
    "CF.COUNT c x",
    "CF.SCANDUMP c 0",
    "CF.SCANDUMP c 1",
    "CF.LOADCHUNK c 2 x",
    "CF.ADD c new",
    "CF.ADDNX c new",
    "CF.INSERT c ITEMS 1 2 3 4 5 6 7 8 9",
    "CF.INSERTNX c ITEMS 1 2 10",
    "CF.DEL c new",
    "CF.COMPACT c",
    "CF.DEL c 1",
];

/// Every command on a Count-Min sketch `c`.
const COUNT_MIN: [&str; 6] = [
    "CMS.INFO c",
    "CMS.QUERY c a b",
    "CMS.INCRBY c a 1 b 4294967295",
    "CMS.INCRBY c b 5",
    "CMS.MERGE c 1 c WEIGHTS 2",
    "CMS.QUERY c a b",
];

/// Every command on a Top-K `c`.
const TOP_K: [&str; 8] = [
    "TOPK.INFO c",
    "TOPK.LIST c",
    "TOPK.LIST c WITHCOUNT",
    "TOPK.QUERY c a b",
    "TOPK.COUNT c a b",
    "TOPK.ADD c a b c d e f g h a b c",
    "TOPK.INCRBY c a 1000 z 100000",
    "TOPK.LIST c WITHCOUNT",
];

/// Every command on a t-digest `c`.
const T_DIGEST: [&str; 16] = [
    "TDIGEST.INFO c",
    "TDIGEST.MIN c",
    "TDIGEST.MAX c",
    "TDIGEST.QUANTILE c 0 0.5 1",
    "TDIGEST.CDF c -1 0 1",
    "TDIGEST.RANK c -1 0 1",
    "TDIGEST.REVRANK c -1 0 1",
    "TDIGEST.BYRANK c 0 1 100",
    "TDIGEST.BYREVRANK c 0 1 100",
    "TDIGEST.TRIMMED_MEAN c 0.1 0.9",
    "TDIGEST.ADD c 1 2 3 4 5 6 7 8 9 -1 1e300",
    "TDIGEST.QUANTILE c 0.5",
    "TDIGEST.MERGE c 2 c c",
    "TDIGEST.MERGE m 1 c",
    "DEL m",
    "TDIGEST.INFO c",
];

/// Every command of the family that reads or changes `c`, for a value that nobody has seen before.
fn every_command(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "MBbloom--" | "bloomfltr" => &BLOOM,
        "MBbloomCF" => &CUCKOO,
        "CMSk-TYPE" => &COUNT_MIN,
        "TopK-TYPE" => &TOP_K,
        _ => &T_DIGEST,
    }
}

/// Plays every command of the family; each replies something, none ends the server.
fn exercise(client: &mut Client, type_name: &str) -> Outcome<()> {
    for line in every_command(type_name) {
        Value::decode(&client.line(line)?).map_err(|failure| failure.during(line))?;
    }
    for line in ["MEMORY USAGE c", "DEBUG DIGEST-VALUE c", "OBJECT ENCODING c", "COPY c d REPLACE"]
    {
        let reply = client.line(line)?;
        ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))?;
    }
    client.expect("DEL d", ":1")
}

#[test]
fn corrupt_payloads_are_refused_or_valid() -> Outcome<()> {
    let types = ["MBbloom--", "MBbloomCF", "CMSk-TYPE", "TopK-TYPE", "TDIS-TYPE"];
    let mut corrupt = fixture::rows("corrupt.jsonl")?;
    corrupt.retain(|row| types.contains(&text(&row["type"])));
    ensure(corrupt.len() >= 221, || format!("only {} payloads", corrupt.len()))?;
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for row in &corrupt {
            let payload = fixture::bytes(&row["dump_hex"])?;
            check_corrupt(server, &mut client, &payload)
                .map_err(|f| f.during(&format!("{} {}", row["type"], row["mutation"])))?;
        }
        client.expect("PING", "+PONG")
    })
}

fn check_corrupt(server: &Server, client: &mut Client, payload: &[u8]) -> Outcome<()> {
    let reply = client.call(&[b"RESTORE".as_slice(), b"c", b"0", payload, b"REPLACE"])?;
    if reply != b"+OK\r\n" {
        return ensure(reply.starts_with(b"-ERR"), || reply.escape_ascii().to_string());
    }
    let (name, ..) = fixture::decoded(payload)?;
    persistence::survives_restore(server, "c")?;
    exercise(client, &name)?;
    persistence::survives_restore(server, "c")
}

/// Every payload cut short after each of its fields, and with each integer at its extremes: what
/// the corpus does for one value of each type, done for small ones of every encoding.
#[test]
fn damaged_payloads_of_every_encoding_are_refused_or_valid() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let (mut tried, mut loaded) = (0, 0);
        for (key, fixture) in every_fixture()? {
            let payload = fixture::bytes(&fixture["keys"][0]["dump_hex_footer9"])?;
            if payload.len() > 600 {
                continue;
            }
            let (name, ..) = fixture::decoded(&payload)?;
            for place in (10..payload.len() - 10).step_by(3) {
                let mut damaged = payload.clone();
                damaged[place] ^= [0x01, 0x80, 0xff, 0x40][place % 4];
                let damaged = dump::resign(&damaged, 9);
                let restore = [b"RESTORE".as_slice(), b"c", b"0", &damaged, b"REPLACE"];
                let reply = client.call(&restore).map_err(|failure| {
                    failure.during(&format!("{} byte {place}", key.escape_ascii()))
                })?;
                tried += 1;
                if reply == b"+OK\r\n" {
                    loaded += 1;
                    exercise(&mut client, &name).map_err(|failure| {
                        failure.during(&format!("{} byte {place}", key.escape_ascii()))
                    })?;
                }
            }
        }
        ensure(tried > 2_000 && loaded > 100, || format!("{tried} tried, {loaded} loaded"))?;
        client.expect("PING", "+PONG")
    })
}

/// What a peer sends to its replicas and into its log makes here what it has there.
#[test]
fn what_a_peer_propagates_makes_the_same_values() -> Outcome<()> {
    let recorded = fixture::file("propagation-redisbloom-2.8.20.json")?;
    let recorded: Json = serde_json::from_slice(&recorded)?;
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for step in elements(&recorded["propagation"]) {
            let reply = Value::decode(&client.call(&fixture::words(&step["command"])?)?)?;
            ensure(answers(&reply, &step["reply"]), || format!("{step}: replied {reply}"))?;
        }
        // The same from the stream, beside the commands themselves.
        client.expect("SELECT 1", "+OK")?;
        for step in elements(&recorded["propagation"]) {
            for command in elements(&step["propagated"]) {
                client.call(&fixture::words(command)?)?;
            }
        }
        client.expect("SELECT 2", "+OK")?;
        for command in elements(&recorded["aof_rewrite"]) {
            let reply = client.call(&fixture::words(command)?)?;
            ensure(!reply.starts_with(b"-"), || format!("{command}: {}", reply.escape_ascii()))?;
        }
        for key in ["b", "r", "i", "c", "m", "m2", "t", "d", "d2"] {
            let mut payloads = Vec::new();
            for database in 0..3 {
                client.expect(&format!("SELECT {database}"), "+OK")?;
                let payload = Value::decode(&client.call(&["DUMP", key])?)?;
                payloads.push(comparable(payload.bytes().map_err(|f| f.during(key))?)?);
            }
            ensure(payloads[0] == payloads[1], || {
                format!("{key} from the stream: {}", difference(&payloads[1].1, &payloads[0].1))
            })?;
            // Two items of `t` share a cell: which of them has it was drawn when it was recorded.
            ensure(payloads[0] == payloads[2] || key == "t", || {
                format!("{key} from the log: {}", difference(&payloads[2].1, &payloads[0].1))
            })?;
        }
        Ok(())
    })
}

#[test]
fn what_valkey_bloom_propagates_makes_the_same_values() -> Outcome<()> {
    let recorded = fixture::file("propagation-valkeybloom-2024-10.json")?;
    let recorded: Json = serde_json::from_slice(&recorded)?;
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("CONFIG SET bf.family valkey", "+OK")?;
        for step in elements(&recorded["propagation"]) {
            for command in elements(&step["propagated"]) {
                let reply = Value::decode(&client.call(&fixture::words(command)?)?)?;
                ensure(answers(&reply, &step["reply"]), || format!("{step}: replied {reply}"))?;
            }
        }
        for key in ["b", "r", "i"] {
            client.expect(&format!("TYPE {key}"), "+bloomfltr")?;
        }
        client.expect("BF.MEXISTS b x y", "*2\r\n:1\r\n:0")
    })
}

/// As valkey-bloom 1.0 replicates what made a filter: with everything that its settings decide.
#[test]
fn filters_of_valkey_bloom_replicate_with_their_seed() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("CONFIG SET bf.family valkey", "+OK")?;
        for (_, fixture) in fixtures("valkeybloom-1.0-synthetic")? {
            let id = text(&fixture["id"]);
            let Some(command) = elements(&fixture["commands"]).first() else { continue };
            // What made the largest is not in the record.
            if command == &json!(["(omitted)"]) {
                continue;
            }
            let made = client.call(&fixture::words(command)?)?;
            ensure(made.starts_with(b"*"), || format!("{id}: {}", made.escape_ascii()))?;
            for command in elements(&fixture["commands"]).iter().skip(1) {
                client.call(&fixture::words(command)?)?;
            }
            let key = text(&fixture["keys"][0]["key"]);
            let got = Value::decode(&client.call(&["DUMP", key])?)?;
            let recorded = fixture::bytes(&fixture["keys"][0]["dump_hex_footer9"])?;
            let (got, recorded) = (comparable(got.bytes()?)?, comparable(&recorded)?);
            ensure(got == recorded, || format!("{id}: {}", difference(&got.1, &recorded.1)))?;
        }
        Ok(())
    })
}

/// Filters of RedisBloom before 2.2 that newer ones refuse or misread: members stay members.
#[test]
fn old_filters_keep_answering_after_changes() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        restore_all(&mut client)?;
        for file in ["redisbloom-1.1.0-redis6.0", "redisbloom-2.0.3-redis6.0"] {
            for (key, fixture) in fixtures(file)? {
                if fixture["type"] != "MBbloomCF" {
                    continue;
                }
                let members = members(&fixture);
                let call = |client: &mut Client, command: &str, item: &[u8]| {
                    client.call(&[command.as_bytes(), &key, item])
                };
                for member in members.iter().take(20) {
                    same(&call(&mut client, "CF.DEL", member)?, b":1\r\n", "CF.DEL")?;
                    same(&call(&mut client, "CF.ADD", member)?, b":1\r\n", "CF.ADD")?;
                }
                for number in 0..200 {
                    let item = format!("later{number}");
                    same(&call(&mut client, "CF.ADD", item.as_bytes())?, b":1\r\n", "CF.ADD")?;
                }
                persistence::survives_restore(server, &String::from_utf8_lossy(&key))?;
                for member in &members {
                    let what = format!("{} of {}", member.escape_ascii(), key.escape_ascii());
                    same(&call(&mut client, "CF.EXISTS", member)?, b":1\r\n", &what)?;
                }
            }
        }
        Ok(())
    })
}

/// The items that the producer said are in.
fn members(fixture: &Json) -> Vec<Vec<u8>> {
    let steps = elements(&fixture["expect"]).iter();
    let there = steps.filter(|step| step["command"][0] == "CF.EXISTS" && step["reply"] == json!(1));
    there.map(|step| text(&step["command"][2]).as_bytes().to_vec()).collect()
}
