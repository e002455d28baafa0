//! What definitions and graphs outlive, and what of them is in files.

use keyspan_common::rdb::file::{Reader, Record};
use keyspan_tests::{
    Client, Failure, Outcome, Server, Spec, ensure, on_each_server, persistence, replication,
};

fn search(spec: Spec) -> Spec {
    spec.module("search", &[])
}

/// Both kinds of codes, and one field without.
const CODES: &str = "FT.CREATE v PREFIX 1 v: SCHEMA v VECTOR HNSW 10 TYPE FLOAT32 DIM 2 \
     DISTANCE_METRIC L2 QUANTIZATION SQ8 EPSILON 0.25 f VECTOR FLAT 8 TYPE FLOAT16 DIM 2 \
     DISTANCE_METRIC IP QUANTIZATION SQ8 p VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";

const VECTORS: u16 = 300;

/// A vector of two numbers, as `redis-cli` quotes it.
fn vector(x: f32, y: f32) -> String {
    let bytes = [x, y].map(f32::to_le_bytes);
    bytes.as_flattened().iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn filled(server: &Server) -> Outcome<()> {
    let mut client = server.client()?;
    client.expect(CODES, "+OK")?;
    for n in 0..VECTORS {
        let blob = vector(f32::from(n), 0.0);
        client.line(&format!("HSET v:{n} v \"{blob}\" p \"{blob}\" f \"{:.4}\"", "abcd"))?;
    }
    replication::wait("the graph", || Ok(client.info("search_backlog")? == "0"))
}

/// What FT.INFO says of the fields, and the nearest by each of two.
fn told(client: &mut Client) -> Outcome<[String; 3]> {
    let info = client.value("FT.INFO v")?;
    let attributes = info.elements()?.get(7).map(ToString::to_string).unwrap_or_default();
    let nearest = |client: &mut Client, field| {
        let blob = vector(100.2, 0.0);
        let line = format!(
            "FT.SEARCH v \"*=>[KNN 3 @{field} $b AS s]\" PARAMS 2 b \"{blob}\" SORTBY s NOCONTENT DIALECT 2"
        );
        client.value(&line).map(|found| found.to_string())
    };
    Ok([attributes, nearest(client, "v")?, nearest(client, "p")?])
}

/// Fails unless `reader` has read the graphs, and says what was said before.
fn check(reader: &Server, before: &[String; 3]) -> Outcome<()> {
    let after = told(&mut reader.client()?)?;
    ensure(after == *before, || format!("{before:?} before, {after:?} after"))?;
    let log = reader.log()?;
    let is_read = log.contains("of index 'v' are read, 0 vectors to be linked");
    ensure(is_read && !log.contains("is built again"), || format!("graphs were not read: {log}"))
}

fn survives(server: &mut Server, step: impl Fn(&mut Server) -> Outcome<()>) -> Outcome<()> {
    filled(server)?;
    let before = told(&mut server.client()?)?;
    let codes = before.concat().matches("SQ8").count();
    ensure(codes == 2, || format!("{codes} fields with codes: {before:?}"))?;
    step(server)?;
    check(server, &before)
}

#[test]
fn codes_outlive_a_reload() -> Outcome<()> {
    on_each_server(search, |server| survives(server, persistence::survives_reload))
}

#[test]
fn codes_outlive_a_restart() -> Outcome<()> {
    on_each_server(search, |server| survives(server, persistence::survives_save))?;
    on_each_server(search, |server| {
        survives(server, |server| persistence::survives_rewrite(server, persistence::Base::Rdb))
    })
}

#[test]
fn definitions_outlive_a_rewrite_as_commands() -> Outcome<()> {
    on_each_server(search, |server| {
        filled(server)?;
        server.client()?.expect("FT.ALIASADD al v", "+OK")?;
        let before = told(&mut server.client()?)?;
        for round in 0..2 {
            persistence::survives_rewrite(server, persistence::Base::Commands)?;
            let mut client = server.client()?;
            replication::wait("the scan", || {
                let documents = client.value("FT.SEARCH al * LIMIT 0 0")?.to_string();
                Ok(documents == format!("[{VECTORS}]"))
            })?;
            replication::wait("the graph", || Ok(client.info("search_backlog")? == "0"))?;
            let after = told(&mut client)?;
            ensure(after == before, || format!("round {round}: {before:?}, then {after:?}"))?;
        }
        // One that is dropped since stays so.
        server.client()?.expect("FT.DROPINDEX v", "+OK")?;
        server.restart()?;
        let mut client = server.client()?;
        client.expect("FT._LIST", "*0")?;
        let reply = client.line("FT._RESTOREIFNX a b")?;
        ensure(reply.starts_with(b"-SEARCH_GENERIC"), || reply.escape_ascii().to_string())
    })
}

#[test]
fn codes_reach_replicas() -> Outcome<()> {
    on_each_server(search, |primary| {
        filled(primary)?;
        let replica = search(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        replication::converge(&replica, primary)?;
        check(&replica, &told(&mut primary.client()?)?)
    })
}

/// The records of this module and RediSearch before the keys of `dump.rdb`: names and bodies.
fn records(server: &Server) -> Outcome<Vec<(String, Vec<u8>)>> {
    server.client()?.expect("SAVE", "+OK")?;
    let file = std::fs::read(server.folder().join("dump.rdb"))?;
    let bad = |error| Failure::new(format!("the file cannot be read: {error:?}"));
    let mut records = Vec::new();
    for record in Reader::new(&file).map_err(bad)? {
        if let Record::ModuleAux { type_id, body, .. } = record.map_err(bad)? {
            records.push((type_id.name().to_string(), body.to_vec()));
        }
    }
    Ok(records)
}

#[test]
fn without_graphs_files_hold_what_redisearch_reads() -> Outcome<()> {
    let plain = |spec: Spec| spec.module("search", &["rdb-graph", "no"]);
    on_each_server(plain, |server| {
        filled(server)?;
        let names: Vec<String> = records(server)?.into_iter().map(|(name, _)| name).collect();
        // Older servers write a record whether there is something in it or not.
        let writes_all = server.name().as_str() == "redis-7.0";
        ensure(writes_all || names == ["ft_index0"], || format!("{names:?}"))?;
        let before = told(&mut server.client()?)?;
        server.restart()?;
        let after = told(&mut server.client()?)?;
        ensure(!after.concat().contains("SQ8"), || format!("{after:?}"))?;
        ensure(after.iter().skip(1).eq(before.iter().skip(1)), || {
            format!("{before:?} before, {after:?} after")
        })
    })
}

#[test]
fn bad_additions_leave_the_definition_as_it_is() -> Outcome<()> {
    on_each_server(search, |server| {
        filled(server)?;
        let records = records(server)?;
        let body = records.iter().find(|(name, _)| name == "KspFields").map(|(_, body)| body);
        let body = body.ok_or_else(|| Failure::new("no record"))?;
        let path = server.folder().join("dump.rdb");
        let file = std::fs::read(&path)?;
        let place = file.windows(body.len()).position(|window| window == body.as_slice());
        let place = place.ok_or_else(|| Failure::new("no such bytes"))?;
        let (before, nearest) = (file.len(), told(&mut server.client()?)?);
        // Behind the string's length, and behind the name of the index in it.
        for (offset, value) in [(3, 0xff), (8, 9), (15, 0xff)] {
            let mut bad = file.clone();
            let end = bad.len().saturating_sub(8);
            bad.truncate(end);
            bad.extend([0; 8]);
            if let Some(byte) = bad.get_mut(place.saturating_add(offset)) {
                *byte = value;
            }
            ensure(bad.len() == before && bad != file, || "nothing was changed".into())?;
            server.kill()?;
            std::fs::write(&path, &bad)?;
            server.start_again()?;
            let told = told(&mut server.client()?)?;
            ensure(!told.concat().contains("SQ8"), || format!("byte {offset}: {told:?}"))?;
            ensure(told.iter().skip(1).eq(nearest.iter().skip(1)), || {
                format!("byte {offset}: {told:?}")
            })?;
            let log = server.log()?;
            ensure(log.contains("beyond RediSearch's record"), || log.clone())?;
        }
        Ok(())
    })
}
