//! Everything at once: writers, deleters, searchers and an operator on one server, and then every
//! search against the keys that are left.
//!
//! `KEYSPAN_STRESS_SECONDS` says how long each server is worked on (default 2), in rounds of 10
//! seconds, each with its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use keyspan_tests::{
    Client, Failure, Outcome, Server, Spec, Value, ensure, on_each_server, replication,
};

const DIMENSION: u64 = 8;
const KEYS: u64 = 1500;
const TAGS: [&str; 5] = ["a", "b", "c", "d", "e"];
const NEAREST: usize = 10;

/// How long a round of work takes.
const ROUND: Duration = Duration::from_secs(10);
/// The share of the nearest that searches of graphs have to find.
const RECALL: f64 = 0.9;
/// What may be left of the memory when all keys and indexes are gone: threads keep what they write
/// on, and servers their buffers.
const LEFT_MAX: u64 = 6 << 20;

const RELOAD: &str = "DEBUG RELOAD";

const CREATIONS: [&str; 2] = [
    "FT.CREATE i PREFIX 1 k: SCHEMA t TAG n NUMERIC SORTABLE \
     v AS h VECTOR HNSW 8 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2 M 12 \
     v AS x VECTOR FLAT 6 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2 \
     v AS q VECTOR HNSW 8 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2 QUANTIZATION SQ8",
    "FT.CREATE j PREFIX 1 k: FILTER @n>50 SCHEMA t TAG",
];

/// Replies that are no fault where anything may be gone or going on.
const EXPECTED: [&str; 16] = [
    "-SEARCH_INDEX_NOT_FOUND",
    "-SEARCH_INDEX_EXISTS",
    "-SEARCH_ALIAS_CONFLICT",
    "-SEARCH_FIELD_DUP",
    "-SEARCH_PROP_NOT_FOUND",
    "-SEARCH_SYNTAX Unknown field",
    "-ERR no such key",
    "-ERR Background save already",
    "-ERR Background append only file rewriting already",
    "-ERR Can't BGSAVE",
    "-ERR Another child process",
    "-ERR An AOF log rewriting",
    "-ERR Background saving",
    "-LOADING",
    "-ERR source and destination",
    "-WRONGTYPE",
];

/// A sequence of numbers, another one for each seed (xorshift).
struct Draws(u64);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }

    fn key(&mut self) -> Vec<u8> {
        format!("k:{}", self.below(KEYS)).into_bytes()
    }

    /// Small whole numbers, so that distances are exact in any order of addition.
    fn vector(&mut self) -> Vec<u8> {
        (0..DIMENSION).flat_map(|_| (self.below(33) as f32 - 16.0).to_le_bytes()).collect()
    }

    fn tag(&mut self) -> &'static str {
        let place = self.below(TAGS.len() as u64);
        TAGS.into_iter().nth(usize::try_from(place).unwrap_or(0)).unwrap_or_default()
    }
}

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn line(line: &str) -> Vec<Vec<u8>> {
    line.split_whitespace().map(|word| word.as_bytes().to_vec()).collect()
}

fn write(draws: &mut Draws) -> Vec<Vec<u8>> {
    let (key, n) = (draws.key(), draws.below(100).to_string().into_bytes());
    let other = if draws.below(4) == 0 { b"e:1".to_vec() } else { draws.key() };
    let name = |name: &str| name.as_bytes().to_vec();
    match draws.below(20) {
        0 => vec![name("HDEL"), key, name("v")],
        1 => vec![name("HDEL"), key, name("t"), name("n")],
        2 => vec![name("RENAME"), key, other],
        3 => vec![name("COPY"), key, other, name("REPLACE")],
        4 => vec![name("PEXPIRE"), key, (1 + draws.below(50)).to_string().into_bytes()],
        5 => vec![name("SET"), key, n],
        6 => vec![name("HINCRBY"), key, name("n"), n],
        // Not of the vector's size: the document is left out.
        7 => vec![name("HSET"), key, name("v"), name("xx")],
        8..=12 => {
            let tags = format!("{},{}", draws.tag(), draws.tag()).into_bytes();
            vec![name("HSET"), key, name("t"), tags, name("n"), n]
        }
        _ => {
            let (vector, tag) = (draws.vector(), draws.tag().as_bytes().to_vec());
            vec![name("HSET"), key, name("v"), vector, name("t"), tag, name("n"), n]
        }
    }
}

fn delete(draws: &mut Draws) -> Vec<Vec<u8>> {
    let name = if draws.below(2) == 0 { "DEL" } else { "UNLINK" };
    vec![name.into(), draws.key(), draws.key()]
}

fn search(draws: &mut Draws) -> Vec<Vec<u8>> {
    let query = match draws.below(8) {
        0 => "*=>[KNN 10 @h $b]",
        1 => "*=>[KNN 10 @q $b AS s]",
        2 => "@t:{a|b}=>[KNN 5 @h $b]",
        3 => "(@n:[10 60] @t:{c})=>[KNN 20 @x $b]",
        4 => "@x:[VECTOR_RANGE 300 $b]",
        5 => "@h:[VECTOR_RANGE 300 $b] -@t:{a}",
        6 => "@n:[20 40]",
        _ => "@t:{a} | @t:{e}",
    };
    let command = if draws.below(10) == 0 { "FT.PROFILE" } else { "FT.SEARCH" };
    let mut all = words(&[command, if draws.below(8) == 0 { "al" } else { "i" }]);
    if command == "FT.PROFILE" {
        all.extend(words(&["SEARCH", "QUERY"]));
    }
    all.extend(words(&[query, "DIALECT", "2", "PARAMS", "2", "b"]));
    all.push(draws.vector());
    if draws.below(3) == 0 {
        all.extend(words(&["SORTBY", "n"]));
    }
    all
}

fn operate(draws: &mut Draws) -> Vec<Vec<u8>> {
    match draws.below(40) {
        // Valkey 8.1.1 ends itself now and then when it frees a database in the background, without any
        // module too: `kvstore.c:322 'kvs->overhead_hashtable_lut == 0' is not true`.
        0 | 1 => line("FLUSHALL SYNC"),
        2..=4 => line("BGSAVE"),
        5 => line("BGREWRITEAOF"),
        6 => line("FT.DROPINDEX i"),
        7 => line("FT.DROPINDEX j"),
        8 => line("FT.DROPINDEX i DD"),
        9 => line("SWAPDB 0 1"),
        10 => line(RELOAD),
        11..=13 => line("FT.ALTER i SCHEMA ADD extra TAG"),
        14 => line("FT.ALIASUPDATE al i"),
        15 => line("FT.ALIASDEL al"),
        16..=18 => line("FT.TAGVALS i t"),
        19..=22 => line("FT.INFO i"),
        23..=25 => line("INFO modules"),
        26..=30 => line(CREATIONS[1]),
        _ => line(CREATIONS[0]),
    }
}

/// What one kind of client does, how many commands at a time, and the milliseconds between.
type Work = (fn(&mut Draws) -> Vec<Vec<u8>>, usize, u64);

const WORKS: [Work; 6] = [
    (write, 40, 2),
    (write, 1, 0),
    (delete, 8, 5),
    (search, 1, 0),
    (search, 4, 0),
    (operate, 1, 20),
];

/// Errors, by what they say, that no client should see.
type Faults = Mutex<BTreeSet<String>>;

fn work(client: &mut Client, work: Work, draws: &mut Draws, faults: &Faults) -> Outcome<()> {
    let (draw, count, pause_ms) = work;
    let commands: Vec<_> = (0..count).map(|_| draw(draws)).collect();
    for (reply, command) in client.pipeline(&commands)?.iter().zip(&commands) {
        let text = String::from_utf8_lossy(reply);
        let is_expected = EXPECTED.iter().any(|expected| text.starts_with(expected));
        if text.starts_with('-') && !is_expected {
            let command = command.first().map(|name| String::from_utf8_lossy(name).into_owned());
            faults
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(format!("{command:?}: {text}"));
        }
    }
    thread::sleep(Duration::from_millis(pause_ms));
    Ok(())
}

fn work_together(server: &Server, time: Duration, seed: u64) -> Outcome<()> {
    let (stop, faults) = (Arc::new(AtomicBool::new(false)), Arc::new(Faults::default()));
    let begin = |(place, one): (u64, Work)| -> Outcome<thread::JoinHandle<Outcome<()>>> {
        let (mut client, stop, faults) = (server.client()?, Arc::clone(&stop), Arc::clone(&faults));
        client.set_patience(Duration::from_secs(60));
        Ok(thread::spawn(move || {
            let mut draws = Draws::new(seed.wrapping_mul(100).wrapping_add(place));
            while !stop.load(Ordering::Relaxed) {
                work(&mut client, one, &mut draws, &faults)?;
            }
            Ok(())
        }))
    };
    let threads = (1..).zip(WORKS).map(begin).collect::<Outcome<Vec<_>>>()?;
    thread::sleep(time);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().map_err(|_| Failure::new("a client panicked"))??;
    }
    let faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
    ensure(faults.is_empty(), || format!("unexpected errors: {faults:#?}"))
}

/// A document as its key has it.
#[derive(Debug)]
struct Document {
    vector: Option<Vec<f32>>,
    tags: BTreeSet<String>,
    number: Option<f64>,
}

type Documents = BTreeMap<String, Document>;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The hashes that are documents: those whose vector, if there is one, has the right size.
fn documents(client: &mut Client) -> Outcome<Documents> {
    let keys = client.value("KEYS k:*")?;
    let keys: Vec<Vec<u8>> =
        keys.elements()?.iter().map(|key| Ok(key.bytes()?.to_vec())).collect::<Outcome<_>>()?;
    let commands: Vec<_> = keys.iter().map(|key| vec![b"HGETALL".to_vec(), key.clone()]).collect();
    let mut documents = Documents::new();
    for (key, reply) in keys.iter().zip(client.pipeline(&commands)?) {
        // Other types are no documents.
        let Ok(Value::Array(pairs)) = Value::decode(&reply) else { continue };
        let mut document = Document { vector: None, tags: BTreeSet::new(), number: None };
        let mut is_right = true;
        for pair in pairs.chunks(2) {
            let [name, value] = pair else { continue };
            let value = value.bytes()?;
            match name.bytes()? {
                b"t" => document.tags = text(value).split(',').map(str::to_owned).collect(),
                b"n" => document.number = text(value).parse().ok(),
                _ => {
                    is_right = value.len() == 32;
                    document.vector = Some(floats(value));
                }
            }
        }
        if is_right && !pairs.is_empty() {
            documents.insert(text(key), document);
        }
    }
    Ok(documents)
}

fn call(client: &mut Client, all: &[Vec<u8>]) -> Outcome<Vec<Value>> {
    let reply = Value::decode(&client.call(all)?)?;
    let items = reply.elements().map(<[Value]>::to_vec);
    items
        .map_err(|failure| failure.during(&all.get(2).map(|query| text(query)).unwrap_or_default()))
}

/// The keys that a query finds.
fn keys(client: &mut Client, index: &str, query: &str, blob: &[u8]) -> Outcome<BTreeSet<String>> {
    let mut all = words(&["FT.SEARCH", index, query, "NOCONTENT", "LIMIT", "0", "100000"]);
    all.extend(words(&["TIMEOUT", "0", "DIALECT", "2", "PARAMS", "2", "b"]));
    all.push(blob.to_vec());
    let found = call(client, &all)?;
    found.iter().skip(1).map(|key| key.bytes().map(text)).collect()
}

/// The distances of the nearest, in order.
fn distances(client: &mut Client, query: &str, blob: &[u8]) -> Outcome<Vec<f64>> {
    let mut all = words(&["FT.SEARCH", "i", query, "SORTBY", "s", "RETURN", "1", "s"]);
    all.extend(words(&[
        "TIMEOUT", "0", "DIALECT", "2", "LIMIT", "0", "100000", "PARAMS", "2", "b",
    ]));
    all.push(blob.to_vec());
    let found = call(client, &all)?;
    let pairs = found.iter().skip(2).step_by(2);
    pairs
        .map(|pair| {
            let value = pair.elements()?.get(1).map(|value| value.bytes().map(text));
            let value = value.transpose()?.and_then(|value| value.parse().ok());
            value.ok_or_else(|| Failure::new("a result without a distance"))
        })
        .collect()
}

fn same(found: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) -> Outcome<()> {
    ensure(found == expected, || {
        let more: Vec<_> = found.difference(expected).collect();
        let less: Vec<_> = expected.difference(found).collect();
        format!("{what}: {} keys, found besides {more:?}, not found {less:?}", expected.len())
    })
}

fn names(documents: &Documents, is: impl Fn(&Document) -> bool) -> BTreeSet<String> {
    let some = documents.iter().filter(|(_, document)| is(document));
    some.map(|(key, _)| key.clone()).collect()
}

fn distance(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(one, other)| f64::from(one - other).powi(2)).sum()
}

/// What FT.INFO says of `name`.
fn info(client: &mut Client, index: &str, name: &str) -> Outcome<String> {
    let info = client.value(&format!("FT.INFO {index}"))?;
    let mut items = info.elements()?.iter();
    let found = items.find(|item| item.bytes().is_ok_and(|item| item == name.as_bytes()));
    found.ok_or_else(|| Failure::new(format!("no {name}")))?;
    Ok(items.next().map(|item| item.to_string().replace('"', "")).unwrap_or_default())
}

/// Every search finds what the keys that are left say.
fn check(client: &mut Client, draws: &mut Draws) -> Outcome<()> {
    for creation in CREATIONS {
        client.line(creation)?;
    }
    replication::wait("expiry", || {
        let keyspace = text(&client.line("INFO keyspace")?);
        let of_database = keyspace.lines().find(|line| line.starts_with("db0:"));
        Ok(of_database.is_none_or(|line| line.contains("expires=0")))
    })?;
    for index in ["i", "j"] {
        replication::wait("the scan", || Ok(info(client, index, "indexing")? == "0"))?;
    }
    replication::wait("the graphs", || Ok(client.info("search_backlog")? == "0"))?;
    let documents = documents(client)?;
    let count = info(client, "i", "num_docs")?;
    let there = (client.value("DBSIZE")?.to_string(), keys(client, "i", "*", b"")?.len());
    ensure(count == documents.len().to_string(), || {
        format!("num_docs {count}, but {} documents; keys, found: {there:?}", documents.len())
    })?;
    same(&keys(client, "i", "*", b"")?, &names(&documents, |_| true), "*")?;
    let over = names(&documents, |one| one.number.is_some_and(|number| number > 50.0));
    // Its schema has no vector, so that no document is left out for one.
    ensure(keys(client, "j", "*", b"")?.is_superset(&over), || "FILTER".to_owned())?;
    let mut seen = BTreeSet::new();
    for tag in TAGS {
        let expected = names(&documents, |one| one.tags.contains(tag));
        same(&keys(client, "i", &format!("@t:{{{tag}}}"), b"")?, &expected, tag)?;
        let rest = names(&documents, |one| !one.tags.contains(tag));
        same(&keys(client, "i", &format!("-@t:{{{tag}}}"), b"")?, &rest, tag)?;
        if !expected.is_empty() {
            seen.insert(tag.to_owned());
        }
    }
    let values = client.value("FT.TAGVALS i t")?;
    let values = values.elements()?.iter().map(|tag| tag.bytes().map(text));
    same(&values.collect::<Outcome<_>>()?, &seen, "FT.TAGVALS")?;
    let between = |one: &Document| one.number.is_some_and(|number| (20.0..=70.0).contains(&number));
    same(&keys(client, "i", "@n:[20 70]", b"")?, &names(&documents, between), "a range")?;
    vectors(client, draws, &documents)
}

fn vectors(client: &mut Client, draws: &mut Draws, documents: &Documents) -> Outcome<()> {
    let (mut found, mut wanted) = ([0_usize; 2], 0_usize);
    for _ in 0..10 {
        let blob = draws.vector();
        let query = floats(&blob);
        let far = |one: &Document| one.vector.as_ref().map(|vector| distance(vector, &query));
        let mut all: Vec<f64> = documents.values().filter_map(far).collect();
        all.sort_by(f64::total_cmp);
        let total = distances(client, &format!("*=>[KNN {} @h $b AS s]", KEYS * 2), &blob)?;
        ensure(total == all, || format!("all by the graph: {} of {}", total.len(), all.len()))?;
        all.truncate(NEAREST);
        let exact = distances(client, "*=>[KNN 10 @x $b AS s]", &blob)?;
        ensure(exact == all, || format!("flat: {exact:?}, not {all:?}"))?;
        wanted += all.len();
        let last = all.last().copied().unwrap_or(0.0);
        for (field, found) in ["h", "q"].into_iter().zip(&mut found) {
            let some =
                distances(client, &format!("*=>[KNN 10 @{field} $b EF_RUNTIME 100 AS s]"), &blob)?;
            ensure(some.len() == all.len(), || format!("{field}: {} found", some.len()))?;
            ensure(some.iter().zip(&all).all(|(one, best)| one >= best), || format!("{some:?}"))?;
            *found += some.iter().filter(|one| **one <= last).count();
        }
        let near = |one: &Document| far(one).is_some_and(|far| far <= 400.0);
        let within = keys(client, "i", "@x:[VECTOR_RANGE 400 $b]", &blob)?;
        same(&within, &names(documents, near), "VECTOR_RANGE")?;
        let filtered = names(documents, |one| one.vector.is_some() && one.tags.contains("a"));
        let some = keys(client, "i", "@t:{a}=>[KNN 10 @h $b]", &blob)?;
        let is_right = some.is_subset(&filtered) && some.len() == filtered.len().min(NEAREST);
        ensure(is_right, || format!("filtered: {some:?} of {filtered:?}"))?;
    }
    let least = wanted as f64 * RECALL;
    ensure(found.iter().all(|found| *found as f64 >= least), || format!("{found:?} of {wanted}"))
}

/// What is saved at rest is read as it is: while everything changes, too many of a graph's vectors may
/// be gone when it comes back, and it is built again.
fn reload(server: &Server, client: &mut Client) -> Outcome<()> {
    let before = server.log()?.len();
    client.expect(RELOAD, "+OK")?;
    let log = server.log()?;
    let log = log.get(before..).unwrap_or_default();
    ensure(log.contains("'i' are read, 0 vectors to be linked"), || log.to_owned())
}

/// The memory that is in use when everything is gone.
fn emptied(client: &mut Client) -> Outcome<u64> {
    client.expect("FLUSHALL SYNC", "+OK")?;
    // Threads free what was large.
    let mut last = u64::MAX;
    replication::wait("the memory to be freed", || {
        thread::sleep(Duration::from_millis(100));
        let now = client.info("used_memory")?.parse().unwrap_or(u64::MAX);
        let is_steady = now >= last.saturating_sub(1 << 16);
        last = now;
        Ok(is_steady)
    })?;
    Ok(last)
}

#[test]
fn everything_at_once() -> Outcome<()> {
    let seconds = std::env::var("KEYSPAN_STRESS_SECONDS").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(2);
    let spec = |spec: Spec| spec.module("search", &[]).options(&["--save", ""]);
    on_each_server(spec, |server| {
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut base = None;
        for round in 1.. {
            let left = end.saturating_duration_since(Instant::now());
            work_together(server, left.min(ROUND), round)?;
            let mut client = server.client()?;
            client.set_patience(Duration::from_secs(60));
            check(&mut client, &mut Draws::new(round))?;
            reload(server, &mut client)?;
            check(&mut client, &mut Draws::new(round))?;
            let empty = emptied(&mut client)?;
            let first = *base.get_or_insert(empty);
            ensure(empty < first + LEFT_MAX, || {
                format!("round {round}: {empty} bytes in use when empty, {first} at first")
            })?;
            if Instant::now() >= end {
                break;
            }
        }
        let log = server.log()?;
        ensure(!log.contains("panicked"), || log.clone())
    })
}
