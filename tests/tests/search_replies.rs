//! Replies that no transcript has: profiles, and JSON values as values of the protocol.

use keyspan_tests::{
    Client, Failure, Outcome, Protocol, Server, Spec, Value, ensure, on_each_server, replication,
};

fn both(spec: Spec) -> Spec {
    spec.module("search", &[]).module("json", &[])
}

/// A vector of two numbers, as `redis-cli` quotes it.
fn vector(x: f32, y: f32) -> String {
    let bytes = [x, y].map(f32::to_le_bytes);
    bytes.as_flattened().iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// The value without the times in it: what stands behind a name that ends in `time` or `Time`.
fn timeless(value: &Value) -> String {
    let text = value.to_string();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once("ime") {
        out.push_str(before);
        out.push_str("ime");
        rest = behind;
        let number = behind.trim_start_matches([',', ':', ' ', '"', '=']);
        if number.starts_with(|first: char| first.is_ascii_digit()) {
            let is_number = |one: char| one.is_ascii_digit() || ".e-\"".contains(one);
            rest = number.trim_start_matches(is_number);
        }
    }
    out.push_str(rest);
    out
}

fn profile(client: &mut Client, query: &str) -> Outcome<String> {
    client.value(&format!("FT.PROFILE i SEARCH {query}")).map(|value| timeless(&value))
}

fn check(client: &mut Client, query: &str, expected: &[&str]) -> Outcome<()> {
    let got = profile(client, query)?;
    for part in expected {
        ensure(got.contains(part), || format!("{query}: no [{part}] in\n{got}"))?;
    }
    Ok(())
}

const FILL: &[&str] = &[
    "FT.CREATE i PREFIX 1 d: SCHEMA t TAG n NUMERIC SORTABLE u NUMERIC NOINDEX \
     v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    "HSET d:1 t a,b n 1 u 3",
    "HSET d:2 t a,bc n 2 u 2",
    "HSET d:3 t c n 3 u 1",
];

fn filled(server: &Server) -> Outcome<Client> {
    let mut client = server.client()?;
    for line in FILL {
        client.line(line)?;
    }
    for n in 1..4_u8 {
        client.line(&format!("HSET d:{n} v \"{}\"", vector(f32::from(n), 0.0)))?;
    }
    Ok(client)
}

#[test]
fn profiles_show_the_tree_and_what_became_of_the_matches() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = filled(server)?;
        let tags = "[Type, UNION, Query type, TAG, Time, Counter, 2, Child iterators, \
                    [[Type, TAG, Term, a, Time, Counter, 2, Size, 2], \
                    [Type, TAG, Term, bc, Time, Counter, 1, Size, 1]]]";
        let pages = "[Result processors profile, [Type, Index, Time, Counter, 2], \
                     [Type, Scorer, Time, Counter, 2], [Type, Sorter, Time, Counter, 2], \
                     [Type, Loader, Time, Counter, 2]]";
        check(&mut client, "QUERY '@t:{a|bc}'", &[tags, pages, "[Warning, None]"])?;
        let limited = "Child iterators, The number of iterators in the union is 2]";
        check(&mut client, "LIMITED QUERY '@t:{a|bc}'", &[limited])?;
        let both = "[Type, INTERSECT, Time, Counter, 1, Child iterators, \
                    [[Type, TAG, Term, a, Time, Counter, ";
        let numeric = "[Type, NUMERIC, Term, 2 - inf, Time, Counter, ";
        check(&mut client, "QUERY '@t:{a} @n:[2 +inf]' NOCONTENT", &[both, numeric])?;
        let not = "[Type, NOT, Time, Counter, 2, Child iterator, \
                   [Type, TAG, Term, c, Time, Counter, 1, Size, 1]]";
        check(&mut client, "QUERY '-@t:{c}'", &[not])?;
        let prefix = "[Type, UNION, Query type, PREFIX - bc, Time, Counter, 1, Child iterators, \
                      [[Type, TAG, Term, bc, ";
        check(&mut client, "QUERY '@t:{bc*}'", &[prefix])?;
        let sorted = "[Type, Index, Time, Counter, 3], [Type, Sorter, Time, Counter, 2], \
                      [Type, Pager/Limiter, Time, Counter, 1]]";
        check(&mut client, "QUERY * SORTBY n LIMIT 1 1 NOCONTENT", &[sorted])?;
        let loaded = "[Type, Loader, Time, Counter, 3], [Type, Sorter, Time, Counter, 3]]";
        check(&mut client, "QUERY * SORTBY u NOCONTENT", &["[Type, WILDCARD, ", loaded])?;
        let counted = "[[Type, Index, Time, Counter, 3], [Type, Counter, Time, Counter, 0]]";
        let counted = counted.trim_start_matches('[');
        check(&mut client, "QUERY * LIMIT 0 0", &[counted])?;
        check(&mut client, "QUERY '' ", &["[Type, EMPTY, Time, Counter, 0]"])
    })
}

#[test]
fn profiles_say_how_vectors_were_found() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = filled(server)?;
        replication::wait("the graph", || Ok(client.info("search_backlog")? == "0"))?;
        let tail = format!("PARAMS 2 b \"{}\" DIALECT 2 NOCONTENT", vector(0.0, 0.0));
        let knn = |filter: &str, options: &str| {
            format!("QUERY \"{filter}=>[KNN 2 @v $b{options}]\" {tail}")
        };
        let plain = "[Type, VECTOR, Time, Counter, 2, Vector search mode, STANDARD_KNN, \
                     Vector search choice, ";
        check(&mut client, &knn("*", ""), &[plain, "[Type, Metrics Applier, Time, Counter, 2]"])?;
        let filtered = "Vector search mode, HYBRID_ADHOC_BF, Vector search choice, brute force over \
                        2 of 3 vectors (66.7 %), estimated cheapest: ";
        let child = "Child iterator, [Type, TAG, Term, a, Time, Counter, 2, Size, 2]]";
        check(&mut client, &knn("@t:{a}", ""), &[filtered, child])?;
        let batches =
            "Vector search mode, HYBRID_BATCHES, Vector search choice, batches over 2 of 3";
        check(&mut client, &knn("@t:{a}", " HYBRID_POLICY BATCHES"), &[batches])?;
        let range = format!("QUERY \"@v:[VECTOR_RANGE 4 $b]\" {tail}");
        let within = "[Type, METRIC - VECTOR DISTANCE, Time, Counter, 2, Vector search mode, \
                      RANGE_QUERY]";
        check(&mut client, &range, &[within])
    })
}

/// What stands behind `name` in a map.
fn at<'a>(value: &'a Value, name: &str) -> Outcome<&'a Value> {
    let Value::Map(pairs) = value else {
        return Err(Failure::new(format!("no map: {value}")));
    };
    let found = pairs.iter().find(|(key, _)| key.bytes().is_ok_and(|key| key == name.as_bytes()));
    found.map(|(_, value)| value).ok_or_else(|| Failure::new(format!("no {name} in {value}")))
}

#[test]
fn profiles_are_maps_in_resp3() -> Outcome<()> {
    on_each_server(both, |server| {
        drop(filled(server)?);
        let mut client = server.client_in(Protocol::Resp3)?;
        let reply = client.value("FT.PROFILE i SEARCH QUERY '@t:{a}' NOCONTENT")?;
        ensure(at(&reply, "total_results")?.to_string() == "2", || reply.to_string())?;
        let profile = at(&reply, "profile")?;
        for name in ["Total profile time", "Parsing time", "Pipeline creation time"] {
            ensure(matches!(at(profile, name)?, Value::Double(_)), || reply.to_string())?;
        }
        ensure(at(profile, "Warning")?.bytes()? == b"None", || reply.to_string())?;
        let [iterator] = at(profile, "Iterators profile")?.elements()? else {
            return Err(Failure::new(reply.to_string()));
        };
        ensure(at(iterator, "Type")?.bytes()? == b"TAG", || reply.to_string())?;
        ensure(at(iterator, "Size")?.to_string() == "2", || reply.to_string())?;
        let processors = at(profile, "Result processors profile")?.elements()?;
        let types = processors.iter().map(|one| Ok(at(one, "Type")?.to_string()));
        let types = types.collect::<Outcome<Vec<_>>>()?.join(" ");
        ensure(types.replace('"', "") == "Index Scorer Sorter", || types.clone())
    })
}

/// Queries over JSON documents, and what stands behind `extra_attributes` of the only result.
const EXPANDED: &[(&str, &[u8])] = &[
    (
        "* FORMAT EXPAND DIALECT 3",
        b"%1\r\n$1\r\n$\r\n*1\r\n%6\r\n$1\r\nz\r\n:1\r\n$1\r\na\r\n*3\r\n:1\r\n,2.5\r\n$1\r\nx\r\n\
          $1\r\no\r\n%1\r\n$1\r\nb\r\n:0\r\n$1\r\nn\r\n_\r\n$1\r\ne\r\n*0\r\n$1\r\nf\r\n,0.25\r\n",
    ),
    ("* RETURN 1 z FORMAT EXPAND DIALECT 3", b"%1\r\n$1\r\nz\r\n*1\r\n:1\r\n"),
    (
        "* RETURN 1 $.a[*] FORMAT EXPAND DIALECT 3",
        b"%1\r\n$6\r\n$.a[*]\r\n*3\r\n:1\r\n,2.5\r\n$1\r\nx\r\n",
    ),
    ("* RETURN 1 z FORMAT EXPAND DIALECT 2", b"%1\r\n$1\r\nz\r\n:1\r\n"),
    ("* RETURN 1 $.a FORMAT EXPAND DIALECT 2", b"%1\r\n$3\r\n$.a\r\n$11\r\n[1,2.5,\"x\"]\r\n"),
    ("* RETURN 1 z FORMAT STRING DIALECT 3", b"%1\r\n$1\r\nz\r\n$5\r\n[1.0]\r\n"),
];

#[test]
fn json_values_expand() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = server.client_in(Protocol::Resp3)?;
        client.expect("FT.CREATE i ON JSON SCHEMA $.z AS z NUMERIC", "+OK")?;
        client.line(
            r#"JSON.SET j $ '{"z":1.0,"a":[1,2.5,"x"],"o":{"b":false},"n":null,"e":[],"f":0.25}'"#,
        )?;
        for (query, expected) in EXPANDED {
            let reply = client.line(&format!("FT.SEARCH i {query}"))?;
            let format: &[u8] = if query.contains("STRING") { b"STRING" } else { b"EXPAND" };
            let has = |part: &[u8]| reply.windows(part.len()).any(|window| window == part);
            let wanted = [b"extra_attributes\r\n".as_slice(), expected].concat();
            let is_right = has(&wanted) && has(&[b"+format\r\n+", format].concat());
            ensure(is_right, || format!("{query}: {}", reply.escape_ascii()))?;
        }
        client.line("FT.CREATE h SCHEMA t TAG")?;
        client.expect(
            "FT.SEARCH h * FORMAT EXPAND",
            "-SEARCH_PARSE_ARGS EXPAND format is only supported with JSON",
        )?;
        // In RESP2 it means nothing.
        let reply = server.client()?.line("FT.SEARCH i * RETURN 1 z FORMAT EXPAND")?;
        ensure(reply.ends_with(b"$1\r\nz\r\n$1\r\n1\r\n"), || reply.escape_ascii().to_string())
    })
}

/// Megabytes that FT.INFO says under `name`, in bytes.
fn size(client: &mut Client, name: &str) -> Outcome<f64> {
    let info = client.value("FT.INFO i")?;
    let mut items = info.elements()?.iter();
    let found = items.find(|item| item.bytes().is_ok_and(|item| item == name.as_bytes()));
    found.ok_or_else(|| Failure::new(format!("no {name}")))?;
    let text = items.next().map(|item| item.to_string().replace('"', "")).unwrap_or_default();
    let size = text.parse::<f64>().map_err(|_| Failure::new(format!("{name}: {text}")))?;
    Ok(size * 1_048_576.0)
}

/// Fields over documents that have all of them, and where FT.INFO says the size of their index.
const SIZES: &[(&str, &str)] = &[
    ("v VECTOR HNSW 6 TYPE FLOAT32 DIM 64 DISTANCE_METRIC L2", "vector_index_sz_mb"),
    (
        "v VECTOR HNSW 8 TYPE FLOAT32 DIM 64 DISTANCE_METRIC L2 QUANTIZATION SQ8",
        "vector_index_sz_mb",
    ),
    ("v VECTOR FLAT 6 TYPE FLOAT32 DIM 64 DISTANCE_METRIC L2", "vector_index_sz_mb"),
    ("t TAG", "inverted_sz_mb"),
    ("u TAG", "inverted_sz_mb"),
    ("n NUMERIC", "inverted_sz_mb"),
    ("g GEO", "inverted_sz_mb"),
    ("t TAG SORTABLE n NUMERIC SORTABLE", "inverted_sz_mb"),
];

const SIZED: u32 = 6000;

fn sized(server: &Server) -> Outcome<Client> {
    let mut client = server.client()?;
    for begin in (0..SIZED).step_by(500) {
        let command = |n: u32| {
            let draw = |place: u32| n.wrapping_mul(2_654_435_761).rotate_left(place) % 1000;
            let vector = (0..64).flat_map(|place| (draw(place) as f32).to_le_bytes()).collect();
            let word = |text: String| text.into_bytes();
            let mut words =
                vec![word("HSET".into()), word(format!("d:{n}")), b"v".to_vec(), vector];
            words.extend([b"t".to_vec(), word(format!("tag{}", n % 50)), b"u".to_vec()]);
            words.extend([word(format!("unique tag {n}")), b"n".to_vec(), word(n.to_string())]);
            let place = format!("{}.5,{}.25", n % 170, n % 80);
            words.extend([b"g".to_vec(), word(place)]);
            words
        };
        let commands: Vec<_> = (begin..(begin + 500).min(SIZED)).map(command).collect();
        client.pipeline(&commands)?;
    }
    Ok(client)
}

fn settled(client: &mut Client) -> Outcome<()> {
    replication::wait("the index", || {
        Ok(client.value("FT.INFO i")?.to_string().contains("indexing, 0,"))
    })
}

fn used(client: &mut Client) -> Outcome<f64> {
    client.info("used_memory")?.parse().map_err(|_| Failure::new("used_memory"))
}

/// What FT.INFO says of an index over this field, beside what it took: the error, told in words too.
fn sizing(client: &mut Client, field: &str, name: &str) -> Outcome<(f64, String)> {
    let before = used(client)?;
    client.expect(&format!("FT.CREATE i PREFIX 1 d: SCHEMA {field}"), "+OK")?;
    client.set_patience(std::time::Duration::from_secs(60));
    settled(client)?;
    let (grown, said) = (used(client)? - before, size(client, "total_index_memory_sz_mb")?);
    let own = size(client, name)?;
    ensure(own > 0.0 && own < said, || format!("{field}: {name} is {own} of {said}"))?;
    client.expect("FT.DROPINDEX i", "+OK")?;
    let mut last = f64::MAX;
    replication::wait("the memory", || {
        std::thread::sleep(std::time::Duration::from_millis(30));
        let now = used(client)?;
        let is_steady = now >= last - 4096.0;
        last = now;
        Ok(is_steady)
    })?;
    let error = (said - grown).abs() / grown;
    Ok((error, format!("{field}: {said} said, {grown} used: {error:.3}")))
}

#[test]
fn sizes_are_what_the_server_uses() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = sized(server)?;
        let mut wrong = Vec::new();
        // Threads have what they write on from the first index on.
        if let Some((field, name)) = SIZES.first() {
            sizing(&mut client, field, name)?;
        }
        for (field, name) in SIZES {
            // On a busy machine the index before may still be on its way out.
            let mut tries = Vec::new();
            while tries.len() < 3 && tries.iter().all(|(error, _)| *error >= 0.1) {
                tries.push(sizing(&mut client, field, name)?);
            }
            wrong.extend(tries.into_iter().skip(2).filter(|(error, _)| *error >= 0.1));
        }
        let wrong: Vec<String> = wrong.into_iter().map(|(_, told)| told).collect();
        ensure(wrong.is_empty(), || wrong.join("\n"))
    })
}

#[test]
fn vectors_that_wait_are_told() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = sized(server)?;
        client.expect(
            "FT.CREATE i PREFIX 1 d: SCHEMA v VECTOR HNSW 10 TYPE FLOAT32 DIM 64 DISTANCE_METRIC L2 \
             M 64 EF_CONSTRUCTION 400",
            "+OK",
        )?;
        let mut shares = Vec::new();
        replication::wait("the graph", || {
            let info = client.value("FT.INFO i")?.to_string();
            let share = info.split("percent_indexed, ").nth(1).unwrap_or_default();
            let share = share.split(',').next().unwrap_or_default().replace('"', "");
            let is_done = info.contains("indexing, 0,");
            let share: f64 = share.parse().unwrap_or(-1.0);
            ensure((share >= 1.0) == is_done, || info.clone())?;
            shares.push(share);
            Ok(is_done)
        })?;
        ensure(shares.iter().any(|share| *share < 1.0), || format!("{shares:?}"))?;
        client.expect("FT.SEARCH i * LIMIT 0 0", &format!("*1\r\n:{SIZED}"))
    })
}

#[test]
fn an_order_that_only_documents_know_holds_nobody_up() -> Outcome<()> {
    on_each_server(both, |server| {
        let mut client = sized(server)?;
        client.expect("FT.CREATE i PREFIX 1 d: SCHEMA t TAG u TAG", "+OK")?;
        replication::wait("the index", || {
            Ok(client.line("FT.SEARCH i * LIMIT 0 0")?
                == format!("*1\r\n:{SIZED}\r\n").into_bytes())
        })?;
        let expected = "*3\r\n:6000\r\n$5\r\nd:999\r\n$5\r\nd:998";
        let query = "FT.SEARCH i * SORTBY u DESC LIMIT 0 2 NOCONTENT TIMEOUT 0";
        client.expect(query, expected)?;
        // Where nobody can wait, too.
        client.line("MULTI")?;
        client.line(query)?;
        client.expect("EXEC", &format!("*1\r\n{expected}"))?;
        let script = format!("return redis.call('{}')", query.replace(' ', "','"));
        client.call(&["CONFIG", "SET", "search-timeout", "0"]).map(drop)?;
        client.expect(&format!("EVAL \"{script}\" 0"), expected)?;
        // And others are answered meanwhile.
        let mut searcher = server.client()?;
        let searches = 10;
        for _ in 0..searches {
            searcher.send(&query.split(' ').collect::<Vec<_>>())?;
        }
        let answers =
            std::thread::spawn(move || (0..searches).try_for_each(|_| searcher.reply().map(drop)));
        let mut longest = std::time::Duration::ZERO;
        let mut pings = 0;
        while !answers.is_finished() {
            let begin = std::time::Instant::now();
            client.expect("PING", "+PONG")?;
            longest = longest.max(begin.elapsed());
            pings += 1;
        }
        answers.join().map_err(|_| Failure::new("a reader panicked"))??;
        println!("{}: {pings} pings, the longest took {longest:?}", server.name());
        // Were each search one turn, so would be the pings.
        ensure(pings > searches * 10, || format!("{pings} pings, the longest took {longest:?}"))
    })
}
