//! Indexes as part of a server: everything that happens to keys, and to the server itself.

use keyspan_tests::{
    Client, Outcome, Protocol, Server, Spec, acl, ensure, fixture, on_each_server, persistence,
    pubsub::Tracker, replication, same,
};

fn search(spec: Spec) -> Spec {
    spec.module("search", &[])
}

fn both(spec: Spec) -> Spec {
    spec.module("search", &[]).module("json", &[])
}

/// The keys a query finds, in order of their names.
fn found(client: &mut Client, query: &str) -> Outcome<String> {
    let reply = client.value(&format!("FT.SEARCH {query} NOCONTENT"))?;
    let mut keys = reply
        .elements()?
        .iter()
        .skip(1)
        .map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()))
        .collect::<Outcome<Vec<_>>>()?;
    keys.sort();
    Ok(keys.join(" "))
}

fn check(client: &mut Client, query: &str, expected: &str) -> Outcome<()> {
    let got = found(client, query)?;
    ensure(got == expected, || format!("{query}: found [{got}], not [{expected}]"))
}

fn run(client: &mut Client, lines: &[&str]) -> Outcome<()> {
    lines.iter().try_for_each(|line| client.line(line).map(drop))
}

#[test]
fn the_module_says_who_it_is() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        let list = client.value("MODULE LIST")?.to_string();
        ensure(list.contains("search") && list.contains("80800"), || list.clone())?;
        run(&mut client, &["FT.CREATE i SCHEMA t TAG", "HSET k t a"])?;
        let info = client.info("search_number_of_indexes")?;
        ensure(info == "1", || format!("INFO: {info} indexes"))?;
        let info = client.info("search_number_of_documents")?;
        ensure(info == "1", || format!("INFO: {info} documents"))
    })
}

/// Commands, and what the index over `d:` then finds.
const CHANGES: &[(&[&str], &str)] = &[
    (&["HSET d:1 t a", "HSET d:2 t a", "HSET e:3 t a"], "d:1 d:2"),
    (&["HSET d:1 t b"], "d:2"),
    (&["HSET d:1 t a", "HINCRBY d:3 n 1", "HSETNX d:3 t a"], "d:1 d:2 d:3"),
    (&["DEL d:1", "UNLINK d:3"], "d:2"),
    (&["COPY d:2 d:1", "COPY e:3 d:4", "COPY d:2 e:5"], "d:1 d:2 d:4"),
    (&["RENAME d:1 d:7", "RENAME d:2 e:2", "RENAME e:3 d:3"], "d:3 d:4 d:7"),
    (&["HSET d:8 t b", "RENAME d:8 d:7"], "d:3 d:4"),
    (&["RENAME d:3 d:4", "RENAMENX d:4 d:3"], "d:3"),
    (&["HSET d:4 n x", "HDEL d:3 t"], ""),
    (&["HSET d:1 t a", "SET d:1 x"], ""),
    (&["DEL d:1", "HSET d:1 t a", "EXPIRE d:1 -1"], ""),
    (&["HSET d:1 t a", "EXPIRE d:1 1000", "PERSIST d:1"], "d:1"),
    (&["MOVE d:1 1"], ""),
    (&["SELECT 1", "HSET d:2 t a", "SELECT 0"], ""),
    (&["MULTI", "HSET d:1 t a", "HSET d:2 t b", "HSET d:2 t a", "EXEC"], "d:1 d:2"),
    (&["EVAL \"redis.call('HSET', 'd:3', 't', 'a'); redis.call('DEL', 'd:1')\" 0"], "d:2 d:3"),
    (&["RPUSH l 1", "SORT l STORE d:3"], "d:2"),
    (&["HSET d:5 t a", "HDEL d:5 t"], "d:2"),
    (&["SWAPDB 0 1"], "d:1 d:2"),
    (&["SWAPDB 0 1"], "d:2"),
    (&["SELECT 1", "FLUSHDB", "SELECT 0"], "d:2"),
];

#[test]
fn documents_follow_their_keys() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        client.expect("FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "+OK")?;
        for (lines, expected) in CHANGES {
            run(&mut client, lines)?;
            check(&mut client, "i @t:{a}", expected)
                .map_err(|failure| failure.during(&lines.join("; ")))?;
        }
        client.expect("FLUSHALL", "+OK")?;
        client.expect("FT._LIST", "*0")
    })
}

#[test]
fn keys_and_fields_that_expire_or_are_evicted_go() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        client.expect("FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "+OK")?;
        run(&mut client, &["HSET d:1 t a", "PEXPIRE d:1 20", "HSET d:2 t a"])?;
        replication::wait("expiry", || Ok(found(&mut client, "i @t:{a}")? == "d:2"))?;
        run(&mut client, &["HSET d:3 t a n 1"])?;
        if client.line("HPEXPIRE d:3 20 FIELDS 1 t")?.starts_with(b"*") {
            replication::wait("the field's expiry", || {
                Ok(found(&mut client, "i @t:{a}")? == "d:2")
            })?;
        }
        run(
            &mut client,
            &["CONFIG SET maxmemory-policy allkeys-random", "CONFIG SET maxmemory 1"],
        )?;
        client.line("SET x 1")?;
        client.expect("CONFIG SET maxmemory 0", "+OK")?;
        check(&mut client, "i *", "")
    })
}

#[test]
fn restored_keys_are_documents() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        client.expect("FT.CREATE i PREFIX 1 d: SCHEMA t TAG n NUMERIC", "+OK")?;
        client.line("HSET d:1 t a n 5")?;
        persistence::survives_restore(server, "d:1")?;
        check(&mut client, "i '@t:{a} @n:[5 5]'", "d:1")
    })
}

#[test]
fn keys_that_were_there_are_scanned() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        let commands: Vec<Vec<String>> = (0..20_000)
            .map(|n| ["HSET", &format!("d:{n}"), "n", &n.to_string()].map(str::to_owned).to_vec())
            .collect();
        client.pipeline(&commands)?;
        client.expect("FT.CREATE i PREFIX 1 d: SCHEMA n NUMERIC", "+OK")?;
        client.expect("FT.CREATE none PREFIX 1 d: SKIPINITIALSCAN SCHEMA n NUMERIC", "+OK")?;
        // Changes during the scan are neither lost nor undone.
        run(&mut client, &["HSET d:5 n -5", "DEL d:6", "RENAME d:7 d:700000"])?;
        replication::wait("the scan", || {
            let info = client.value("FT.INFO i")?.to_string();
            Ok(info.contains("percent_indexed, \"1\""))
        })?;
        client.expect("FT.SEARCH i * LIMIT 0 0", "*1\r\n:19999")?;
        check(&mut client, "i '@n:[-5 8]'", "d:0 d:1 d:2 d:3 d:4 d:5 d:700000 d:8")?;
        client.expect("FT.SEARCH none * LIMIT 0 0", "*1\r\n:2")
    })
}

/// A vector of two numbers, as `redis-cli` quotes it.
fn vector(x: f32, y: f32) -> String {
    let bytes = [x, y].map(f32::to_le_bytes);
    bytes.as_flattened().iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn nearest(client: &mut Client, x: f32, k: usize) -> Outcome<Vec<String>> {
    let blob = vector(x, 0.0);
    let line = format!(
        "FT.SEARCH v \"*=>[KNN {k} @v $b AS s]\" PARAMS 2 b \"{blob}\" SORTBY s NOCONTENT DIALECT 2"
    );
    let reply = client.value(&line)?;
    let keys = reply.elements()?.iter().skip(1);
    keys.map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned())).collect()
}

const VECTORS: &str =
    "FT.CREATE v PREFIX 1 v: SCHEMA v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 t TAG";

fn add_vectors(client: &mut Client, range: std::ops::Range<u16>) -> Outcome<()> {
    range.into_iter().try_for_each(|n| {
        let line = format!("HSET v:{n} v \"{}\" t even", vector(f32::from(n), 0.0));
        client.line(&line).map(drop)
    })
}

/// Every index answers as before a restart, whatever is read then.
fn survives(server: &mut Server, step: impl Fn(&mut Server) -> Outcome<()>) -> Outcome<()> {
    let mut client = server.client()?;
    run(&mut client, &[VECTORS, "FT.CREATE i PREFIX 1 d: SCHEMA t TAG SORTABLE n NUMERIC"])?;
    run(&mut client, &["FT.ALTER i SCHEMA ADD g GEO", "FT.ALIASADD al i", "HSET d:1 t a n 1"])?;
    add_vectors(&mut client, 0..300)?;
    let before = (nearest(&mut client, 100.2, 3)?, definition(&mut client)?);
    step(server)?;
    let mut client = server.client()?;
    check(&mut client, "al @t:{a}", "d:1")?;
    let after = (nearest(&mut client, 100.2, 3)?, definition(&mut client)?);
    ensure(before == after, || format!("{before:?} before, {after:?} after"))?;
    client.line("DEL v:100")?;
    let after = nearest(&mut client, 100.2, 2)?;
    ensure(after == ["v:101", "v:99"], || format!("{after:?}"))
}

/// What FT.INFO says of the schema.
fn definition(client: &mut Client) -> Outcome<String> {
    let info = client.value("FT.INFO i")?;
    Ok(info.elements()?.iter().take(8).map(ToString::to_string).collect())
}

#[test]
fn indexes_outlive_a_restart() -> Outcome<()> {
    for graph in ["yes", "no"] {
        let with_graph = |spec: Spec| spec.module("search", &["rdb-graph", graph]);
        on_each_server(with_graph, |server| survives(server, persistence::survives_save))?;
    }
    on_each_server(search, |server| survives(server, persistence::survives_reload))?;
    on_each_server(search, |server| {
        survives(server, |server| persistence::survives_rewrite(server, persistence::Base::Rdb))
    })
}

#[test]
fn a_graph_is_loaded_and_not_built() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        client.expect(VECTORS, "+OK")?;
        add_vectors(&mut client, 0..300)?;
        replication::wait("the graph", || Ok(client.info("search_backlog")? == "0"))?;
        client.expect("SAVE", "+OK")?;
        server.restart()?;
        let log = server.log()?;
        ensure(!log.contains("is built again"), || "a graph was refused".into())?;
        let found = nearest(&mut server.client()?, 7.1, 2)?;
        ensure(found == ["v:7", "v:8"], || format!("{found:?}"))
    })
}

#[test]
fn replicas_have_the_same_indexes() -> Outcome<()> {
    on_each_server(search, |primary| {
        let mut client = primary.client()?;
        run(&mut client, &["FT.CREATE old SCHEMA t TAG", "FT.ALIASADD al old", "HSET d:0 t a"])?;
        let replica = search(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        let mut reader = replica.client()?;
        check(&mut reader, "al @t:{a}", "d:0")?;
        run(&mut client, &[VECTORS, "FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "HSET d:1 t a"])?;
        add_vectors(&mut client, 0..20)?;
        run(&mut client, &["FT.ALTER i SCHEMA ADD n NUMERIC", "HSET d:2 t a n 2", "DEL d:0"])?;
        run(&mut client, &["FT.ALIASUPDATE al i", "FT.DROPINDEX old"])?;
        replication::converge(&replica, primary)?;
        check(&mut reader, "al '@t:{a} @n:[2 2]'", "d:2")?;
        client.expect("FT._LIST", "*2\r\n+i\r\n+v")?;
        reader.expect("FT._LIST", "*2\r\n+i\r\n+v")?;
        let found = nearest(&mut reader, 7.1, 2)?;
        ensure(found == ["v:7", "v:8"], || format!("{found:?}"))?;
        client.expect("FT.DROPINDEX i DD", "+OK")?;
        client.expect("FLUSHDB", "+OK")?;
        replication::converge(&replica, primary)?;
        reader.expect("FT._LIST", "*0")
    })
}

#[test]
fn dropping_documents_deletes_them_everywhere() -> Outcome<()> {
    on_each_server(search, |primary| {
        let replica = search(Spec::new(primary.name())?).start()?;
        replication::attach(&replica, primary)?;
        let mut client = primary.client()?;
        run(&mut client, &["FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "FT.CREATE j SCHEMA t TAG"])?;
        run(&mut client, &["HSET d:1 t a", "HSET d:2 t a", "HSET e:1 t a"])?;
        client.expect("FT.DROPINDEX i DD", "+OK")?;
        check(&mut client, "j *", "e:1")?;
        client.expect("DBSIZE", ":1")?;
        replication::converge(&replica, primary)?;
        replica.client()?.expect("DBSIZE", ":1")?;
        client.expect("FT.DROP j", "+OK")?;
        client.expect("DBSIZE", ":0")
    })
}

#[test]
fn json_documents_are_indexed() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = server.client()?;
        let create = "FT.CREATE i ON JSON PREFIX 1 j: SCHEMA $.t AS t TAG $.n AS n NUMERIC \
                      $.g AS g GEO $.v AS v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";
        client.expect(create, "+OK")?;
        client.line(r#"JSON.SET j:1 $ '{"t":["a","b"],"n":1,"g":"2.1,48","v":[1,2]}'"#)?;
        client.line(r#"JSON.SET j:2 $ '{"t":"b","n":[2,3],"v":[0,0.5]}'"#)?;
        run(&mut client, &["HSET j:3 t a", "SET j:4 x", r#"JSON.SET j:5 $ '{"t":7}'"#])?;
        check(&mut client, "i @t:{b}", "j:1 j:2")?;
        check(&mut client, "i @t:{a}", "j:1")?;
        check(&mut client, "i '@n:[3 3]'", "j:2")?;
        check(&mut client, "i '@g:[2 48 20 km]'", "j:1")?;
        let blob = vector(0.0, 0.0);
        let knn = format!("i '*=>[KNN 1 @v $b]' PARAMS 2 b \"{blob}\" DIALECT 2");
        check(&mut client, &knn, "j:2")?;
        run(&mut client, &["JSON.NUMINCRBY j:1 $.n 5", "JSON.ARRAPPEND j:2 $.t 1"])?;
        check(&mut client, "i '@n:[6 6]'", "j:1")?;
        run(&mut client, &[r#"JSON.MERGE j:2 $ '{"t":"c"}'"#, "JSON.DEL j:1"])?;
        check(&mut client, "i *", "j:2")?;
        client.expect(
            "FT.SEARCH i @t:{c} RETURN 4 t $.v AS w",
            "*3\r\n:1\r\n$3\r\nj:2\r\n*4\r\n$1\r\nt\r\n$1\r\nc\r\n$1\r\nw\r\n$7\r\n[0,0.5]",
        )?;
        client.expect(
            "FT.SEARCH i @t:{c} RETURN 1 t DIALECT 3",
            "*3\r\n:1\r\n$3\r\nj:2\r\n*2\r\n$1\r\nt\r\n$5\r\n[\"c\"]",
        )?;
        let whole = client.value("FT.SEARCH i @t:{c}")?.to_string();
        ensure(whole.contains('$') && whole.contains("0.5"), || whole.clone())
    })
}

#[test]
fn documents_meet_the_filter() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = server.client()?;
        client.line("FT.CREATE i PREFIX 1 d: FILTER '@age>16 && exists(@t)' SCHEMA t TAG")?;
        client.line("FT.CREATE k FILTER 'startswith(@__key, \"d:1\")' SCHEMA t TAG")?;
        client.line("FT.CREATE j ON JSON FILTER '@n==1' SCHEMA $.n AS n NUMERIC")?;
        run(&mut client, &["HSET d:1 t a age 17", "HSET d:2 t a age 16", "HSET d:3 age 20"])?;
        run(&mut client, &["JSON.SET j:1 $ '{\"n\":1}'", "JSON.SET j:2 $ '{\"n\":2}'"])?;
        check(&mut client, "i *", "d:1")?;
        check(&mut client, "k *", "d:1")?;
        check(&mut client, "j *", "j:1")?;
        run(&mut client, &["HSET d:2 age 18", "HSET d:1 age 5", "RENAME d:1 d:4"])?;
        check(&mut client, "i *", "d:2")?;
        check(&mut client, "k *", "")?;
        let reply = client.line("FT.CREATE x FILTER '@age >' SCHEMA t TAG")?;
        same(&reply, b"-SEARCH_SYNTAX Invalid expression\r\n", "a bad filter")?;
        persistence::survives_save(server)?;
        check(&mut server.client()?, "i *", "d:2")
    })
}

#[test]
fn a_node_of_a_cluster_serves_its_keys() -> Outcome<()> {
    let node = |spec: Spec| search(spec).options(&["--cluster-enabled", "yes"]);
    on_each_server(node, |server| {
        let mut client = server.client()?;
        client.expect("CLUSTER ADDSLOTSRANGE 0 16383", "+OK")?;
        replication::wait("the cluster", || Ok(client.line("SET x 1")? == b"+OK\r\n"))?;
        run(&mut client, &["FT.CREATE i SCHEMA t TAG", "HSET {a}1 t a", "HSET {b}1 t a"])?;
        check(&mut client, "i @t:{a}", "{a}1 {b}1")?;
        let info = client.value("FT.INFO i")?.to_string();
        ensure(info.contains("keys of this node"), || info.clone())
    })
}

#[test]
fn payloads_and_scores_are_answered() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        run(&mut client, &["FT.CREATE i SCORE_FIELD s PAYLOAD_FIELD p SCHEMA t TAG"])?;
        run(&mut client, &["HSET d:1 t a s 0.25 p x", "HSET d:2 t a s 0.5"])?;
        client.expect(
            "FT.SEARCH i * WITHSCORES WITHPAYLOADS NOCONTENT SCORER DOCSCORE",
            "*7\r\n:2\r\n$3\r\nd:2\r\n$3\r\n0.5\r\n$-1\r\n$3\r\nd:1\r\n$4\r\n0.25\r\n$1\r\nx",
        )
    })
}

#[test]
fn json_needs_its_module() -> Outcome<()> {
    on_each_server(search, |server| {
        let reply = server.client()?.line("FT.CREATE i ON JSON SCHEMA $.t AS t TAG")?;
        ensure(reply.starts_with(b"-SEARCH_GENERIC ON JSON needs a module"), || {
            reply.escape_ascii().to_string()
        })
    })
}

#[test]
fn rights_to_all_prefixes_are_needed() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        run(&mut client, &["FT.CREATE i PREFIX 2 d: e: SCHEMA t TAG", "HSET d:1 t a"])?;
        let mut some = acl::user(server, "some", "~d:* +@all")?;
        let mut all = acl::user(server, "all", "~d:* %R~e:* +@all")?;
        let mut none = acl::user(server, "none", "~d:* ~e:* -@all +get")?;
        for line in ["FT.SEARCH i *", "FT.TAGVALS i t", "FT.PROFILE i SEARCH QUERY *"] {
            acl::refused(&mut some, line)?;
            acl::allowed(&mut all, line)?;
            acl::refused(&mut none, line)?;
        }
        if server.name().as_str() != "redis-7.0" {
            let mut user = acl::user(server, "category", "~* -@all +@search")?;
            acl::allowed(&mut user, "FT.SEARCH i *")?;
        }
        Ok(())
    })
}

#[test]
fn searches_are_answered_where_clients_cannot_wait() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        run(&mut client, &["FT.CREATE i SCHEMA t TAG", "HSET d:1 t a"])?;
        run(&mut client, &["MULTI", "HSET d:2 t a", "FT.SEARCH i @t:{a} NOCONTENT"])?;
        client.expect("EXEC", "*2\r\n:1\r\n*3\r\n:2\r\n$3\r\nd:1\r\n$3\r\nd:2")?;
        let script = "redis.call('HSET','d:3','t','a') return redis.call('FT.SEARCH','i','@t:{a}','LIMIT','0','0')";
        client.expect(&format!("EVAL \"{script}\" 0"), "*1\r\n:3")?;
        client.expect("CONFIG SET maxmemory 1", "+OK")?;
        let reply = client.line("FT.CREATE j SCHEMA t TAG")?;
        ensure(reply.starts_with(b"-OOM"), || reply.escape_ascii().to_string())
    })
}

/// Commands, and whether clients that track the index by its name, and by its alias, are told.
const TOLD: &[(&str, bool)] = &[
    ("HSET e:1 t a", false),
    ("HSET d:2 t a", true),
    ("HSET d:2 t b", true),
    ("GET nothing", false),
    ("SET e:1 x", false),
    ("RENAME d:2 d:3", true),
    ("RENAME d:3 e:3", true),
    ("COPY e:3 d:3", true),
    ("DEL d:3 e:3", true),
    ("DEL e:3", false),
    ("EVAL \"redis.call('HSET', 'd:4', 't', 'a')\" 0", true),
    ("EXPIRE d:4 -1", true),
    ("FT.ALTER i SCHEMA ADD n NUMERIC", true),
    ("FT.CREATE other SCHEMA t TAG", false),
    ("FT.DROPINDEX other", false),
    ("FT.DROPINDEX i", true),
];

#[test]
fn clients_that_track_an_index_are_told() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        run(&mut client, &["FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "FT.ALIASADD al i"])?;
        client.line("HSET d:1 t a")?;
        // The index's name is no key: rights to keys do not matter to it.
        acl::user(server, "reader", "~d:* +@all -flushall")?;
        for name in ["i", "al"] {
            let mut tracker = Tracker::new(server)?;
            tracker.client().expect("AUTH reader any", "+OK")?;
            for (line, is_told) in TOLD {
                tracker.client().line(&format!("FT.SEARCH {name} *"))?;
                client.line(line)?;
                let told = tracker.invalidated()?;
                let expected: &[&str] = if *is_told { &[name] } else { &[] };
                ensure(told == expected, || format!("{name}: {line}: told of {told:?}"))?;
                // Nobody who did not search again is told again.
                client.line("HSET d:1 t c")?;
                let told = tracker.invalidated()?;
                let expected: &[&str] = if *is_told { &[] } else { &[name] };
                let is_gone = line.starts_with("FT.DROPINDEX i");
                ensure(is_gone || told == expected, || format!("{name}: {line}, then {told:?}"))?;
            }
            run(&mut client, &["FLUSHALL", "FT.CREATE i PREFIX 1 d: SCHEMA t TAG"])?;
            run(&mut client, &["FT.ALIASADD al i", "HSET d:1 t a"])?;
        }
        Ok(())
    })
}

#[test]
fn clients_that_track_an_index_are_told_of_what_expires() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        run(&mut client, &["FT.CREATE i PREFIX 1 d: SCHEMA t TAG", "HSET d:1 t a"])?;
        let mut tracker = Tracker::new(server)?;
        client.line("PEXPIRE d:1 30")?;
        tracker.client().line("FT.SEARCH i *")?;
        replication::wait("the push", || Ok(tracker.invalidated()? == ["i"]))?;
        check(&mut client, "i *", "")
    })
}

/// The file for servers that read no newer version, which have all that is in it: without a checksum.
fn as_version_10(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len().saturating_sub(8);
    file.truncate(end);
    file.extend([0; 8]);
    [b"REDIS0010".as_slice(), file.get(9..).unwrap_or_default()].concat()
}

#[test]
fn files_of_redisearch_open() -> Outcome<()> {
    let file = as_version_10(fixture::file("redisearch-2.10.32-valkey8.0.rdb")?);
    on_each_server(
        |spec| search(spec).file("dump.rdb", &file),
        |server| {
            let mut client = server.client()?;
            client.expect("FT._LIST", "*2\r\n+idx:text\r\n+idx:vec")?;
            let info = client.value("FT.INFO idx:text")?.to_string();
            for wanted in ["tags", "CASESENSITIVE", "SKIPPED", "foo"] {
                ensure(info.contains(wanted), || format!("FT.INFO lacks {wanted}: {info}"))?;
            }
            check(&mut client, "al2 '@tags:{tag2} @price:[0 5]'", "doc:2")?;
            check(&mut client, "al1 '@loc:[2 48 3 km]'", "doc:0 doc:1 doc:2")?;
            let log = server.log()?;
            ensure(log.contains("title, body"), || "skipped fields are not in the log".into())?;
            // What is written again is read again.
            persistence::survives_save(server)?;
            check(&mut server.client()?, "al2 '@tags:{tag2} @price:[0 5]'", "doc:2")
        },
    )
}

#[test]
fn bad_input_is_answered_and_nothing_ends() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = server.client()?;
        run(&mut client, &[VECTORS])?;
        add_vectors(&mut client, 0..5)?;
        let deep = "(".repeat(10_000);
        let long = "a|".repeat(500_000);
        for query in [deep.as_str(), &long, "@v:[VECTOR_RANGE nan $b]", "@t:{\u{fffd}"] {
            for dialect in ["1", "2", "3", "4"] {
                let words =
                    ["FT.SEARCH", "v", query, "PARAMS", "2", "b", "xxxxxxxx", "DIALECT", dialect];
                client.call(&words)?;
            }
        }
        client.call(&[b"FT.SEARCH".as_slice(), b"v", b"\xff\x00*"])?;
        for line in [
            "FT.CREATE x SCHEMA v VECTOR HNSW 6 TYPE FLOAT32 DIM 1000000000 DISTANCE_METRIC L2",
            "FT.SEARCH v * LIMIT 0 99999999999999999999",
            "FT.SEARCH v * LIMIT 9223372036854775807 1",
            "FT.SEARCH v * PARAMS 18446744073709551615 a b",
            "FT.SEARCH v * RETURN 4294967296 a",
            "FT.CREATE x SCHEMA title TEXT",
            "FT.CREATE x SCHEMA shape GEOSHAPE",
        ] {
            let reply = client.line(line)?;
            ensure(reply.starts_with(b"-SEARCH_"), || format!("{line}: {}", reply.escape_ascii()))?;
        }
        for blob in [vector(f32::NAN, 0.0), vector(f32::INFINITY, 0.0)] {
            client.line(&format!("HSET v:9 v \"{blob}\""))?;
        }
        client.expect("FT.SEARCH v * LIMIT 0 0", "*1\r\n:5")?;
        client.expect("PING", "+PONG")
    })
}

#[test]
fn settings_are_redisearchs() -> Outcome<()> {
    on_each_server(
        |spec| spec.module("search", &["TIMEOUT", "100", "WORKERS", "2"]),
        |server| {
            let mut client = server.client()?;
            let all = client.value("CONFIG GET *search*")?.to_string();
            for wanted in ["search-timeout", "search-workers", "search-default-dialect"] {
                ensure(all.contains(wanted), || format!("CONFIG GET lacks {wanted}: {all}"))?;
            }
            client.expect("FT.CONFIG GET TIMEOUT", "*1\r\n*2\r\n+TIMEOUT\r\n$3\r\n100")?;
            client.expect("FT.CONFIG SET WORKERS 0", "+OK")?;
            run(&mut client, &[VECTORS])?;
            add_vectors(&mut client, 0..20)?;
            let found = nearest(&mut client, 7.1, 2)?;
            ensure(found == ["v:7", "v:8"], || format!("{found:?}"))
        },
    )
}

/// valkey-search answers in RESP3 as in RESP2, and valkey-glide reads nothing else.
#[test]
fn resp3_has_lists_where_asked_for() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client_in(Protocol::Resp3)?;
        run(&mut client, &["FT.CREATE i SCHEMA t TAG SORTABLE", "HSET one t a"])?;
        let lists = "*3\r\n:1\r\n$3\r\none\r\n*2\r\n$1\r\nt\r\n$1\r\na";
        let is_map = |reply: Vec<u8>| {
            ensure(reply.starts_with(b"%5\r\n+attributes"), || format!("{}", reply.escape_ascii()))
        };
        is_map(client.line("FT.SEARCH i @t:{a}")?)?;
        client.expect("CONFIG SET search.resp3-family valkey", "+OK")?;
        client.expect("FT.SEARCH i @t:{a}", lists)?;
        client.expect(
            "FT.SEARCH i @t:{a} NOCONTENT WITHSORTKEYS SORTBY t",
            "*3\r\n:1\r\n$3\r\none\r\n$2\r\n$a",
        )?;
        client.expect("FT._LIST", "*1\r\n+i")?;
        let info = client.line("FT.INFO i")?;
        ensure(info.starts_with(b"*"), || format!("{}", info.escape_ascii()))?;
        let typed = [b"\r\n%".as_slice(), b"\r\n~", b"\r\n,"];
        let has = |mark: &&[u8]| info.windows(3).any(|three| three == *mark);
        ensure(!typed.iter().any(has), || format!("{}", info.escape_ascii()))?;
        let profile = client.line("FT.PROFILE i SEARCH QUERY @t:{a}")?;
        ensure(profile.starts_with(b"%6\r\n"), || format!("{}", profile.escape_ascii()))?;
        client.expect("CONFIG SET search.resp3-family redis", "+OK")?;
        is_map(client.line("FT.SEARCH i @t:{a}")?)
    })
}

#[test]
fn temporary_indexes_go() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        client.expect("FT.CREATE i TEMPORARY 1 SCHEMA t TAG", "+OK")?;
        client.expect("FT._LIST", "*1\r\n+i")?;
        replication::wait("the index's end", || Ok(client.line("FT._LIST")? == b"*0\r\n"))
    })
}

#[test]
fn a_client_that_goes_leaves_nothing_behind() -> Outcome<()> {
    on_each_server(search, |server| {
        let mut client = server.client()?;
        run(&mut client, &[VECTORS])?;
        add_vectors(&mut client, 0..200)?;
        for _ in 0..50 {
            let mut gone = server.client_in(Protocol::Resp3)?;
            for _ in 0..20 {
                gone.send(&["FT.SEARCH", "v", "*", "NOCONTENT"])?;
            }
        }
        let found = nearest(&mut client, 7.1, 1)?;
        same(found.join(" ").as_bytes(), b"v:7", "a search after it")
    })
}
