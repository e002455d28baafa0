//! All modules in one server, and numbered writes to all of them whose trace can be looked for.
//!
//! Every name has the writer's tag in braces: in a cluster all of a tag is in one slot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use crate::replication::wait;
use crate::{Client, Failure, Outcome, Spec, Value, ensure};

/// Every module.
pub const MODULES: [&str; 4] = ["bloom", "json", "search", "timeseries"];

/// Writes of one number after the other, a kind each.
const KINDS: u32 = 8;

/// How many milliseconds the rule adds up; ten samples.
const BUCKET: u64 = 10 * KINDS as u64;

/// The indexes over the documents and hashes of all writers.
const INDEXES: [&str; 2] = [
    "FT.CREATE docs ON JSON PREFIX 1 doc: SCHEMA $.g AS g TAG $.n AS n NUMERIC",
    "FT.CREATE items PREFIX 1 item: SCHEMA g TAG n NUMERIC \
     v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
];

/// A server with all modules.
#[must_use]
pub fn spec(spec: Spec) -> Spec {
    MODULES.iter().fold(spec, |spec, module| spec.module(module, &[]))
}

/// Makes the indexes.
pub fn index(client: &mut Client) -> Outcome<()> {
    INDEXES.iter().try_for_each(|line| client.expect(line, "+OK"))
}

/// The lines that make what a writer's numbers go into.
#[must_use]
pub fn beginnings(tag: &str) -> Vec<String> {
    vec![
        format!("JSON.SET log:{{{tag}}} $ '{{\"e\":[]}}'"),
        format!("BF.RESERVE bf:{{{tag}}} 0.0001 1000"),
        format!("CF.RESERVE cf:{{{tag}}} 1000"),
        format!("CMS.INITBYDIM cms:{{{tag}}} 100 4"),
        format!("TDIGEST.CREATE td:{{{tag}}}"),
        format!("TS.CREATE ts:{{{tag}}} LABELS g {tag} kind raw"),
        format!("TS.CREATE sum:{{{tag}}} LABELS g {tag} kind sum"),
        format!("TS.CREATERULE ts:{{{tag}}} sum:{{{tag}}} AGGREGATION sum {BUCKET}"),
    ]
}

/// Makes what the numbers of these tags go into.
pub fn begin(client: &mut Client, tags: &[&str]) -> Outcome<()> {
    for line in tags.iter().flat_map(|tag| beginnings(tag)) {
        let reply = client.line(&line)?;
        ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))?;
    }
    Ok(())
}

/// The write of a number.
#[must_use]
pub fn write(tag: &str, number: u64) -> Vec<Vec<u8>> {
    let n = number.to_string();
    let key = |kind: &str| format!("{kind}:{{{tag}}}");
    let one = |kind: &str| format!("{kind}:{{{tag}}}:{number}");
    let document = format!("{{\"g\":\"{tag}\",\"n\":{number}}}");
    // Eight digits are two numbers as well.
    let vector = format!("{number:08}");
    let words: Vec<String> = match number % u64::from(KINDS) {
        0 => ["JSON.ARRAPPEND", &key("log"), "$.e", &n].map(str::to_owned).into(),
        1 => ["JSON.SET", &one("doc"), "$", &document].map(str::to_owned).into(),
        2 => ["HSET", &one("item"), "g", tag, "n", &n, "v", &vector].map(str::to_owned).into(),
        3 => ["BF.ADD", &key("bf"), &n].map(str::to_owned).into(),
        4 => ["CF.ADD", &key("cf"), &n].map(str::to_owned).into(),
        5 => ["CMS.INCRBY", &key("cms"), "x", "1"].map(str::to_owned).into(),
        6 => ["TDIGEST.ADD", &key("td"), &n].map(str::to_owned).into(),
        _ => ["TS.ADD", &key("ts"), &n, &n].map(str::to_owned).into(),
    };
    words.into_iter().map(String::into_bytes).collect()
}

/// The numbers below `end` of a kind.
fn of_kind(kind: u64, end: u64) -> impl Iterator<Item = u64> {
    (kind..end).filter(move |number| number % u64::from(KINDS) == kind)
}

/// What is to be said of the rule of a tag's series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: RESTORE makes series without rules.
    Any,
    /// It has added up everything.
    Kept,
}

/// Fails unless every write of a number below `end` is there, and in the indexes. There may be more.
pub fn check(client: &mut Client, tag: &str, end: u64, rule: Rule) -> Outcome<()> {
    let outcome = kept(client, tag, end)
        .and_then(|()| found(client, tag, end))
        .and_then(|()| if rule == Rule::Kept { added_up(client, tag, end) } else { Ok(()) });
    outcome.map_err(|failure| failure.during(&format!("{tag}, to {end}")))
}

/// Fails unless nothing is lost.
fn none(name: &str, lost: &[u64], end: u64) -> Outcome<()> {
    ensure(lost.is_empty(), || format!("{name} lacks {} of {end}: {lost:?}", lost.len()))
}

fn kept(client: &mut Client, tag: &str, end: u64) -> Outcome<()> {
    let logged = client.value(&format!("JSON.GET log:{{{tag}}} $.e[*]"))?;
    let logged: BTreeSet<u64> = serde_json::from_slice(logged.bytes()?)?;
    let lost: Vec<u64> = of_kind(0, end).filter(|number| !logged.contains(number)).collect();
    none("the log", &lost, end)?;
    kept_each(client, 1, end, |number| format!("EXISTS doc:{{{tag}}}:{number}"))?;
    kept_each(client, 2, end, |number| format!("EXISTS item:{{{tag}}}:{number}"))?;
    kept_each(client, 3, end, |number| format!("BF.EXISTS bf:{{{tag}}} {number}"))?;
    kept_each(client, 4, end, |number| format!("CF.EXISTS cf:{{{tag}}} {number}"))?;
    let counted = client.value(&format!("CMS.QUERY cms:{{{tag}}} x"))?;
    let ranked = client.value(&format!("TDIGEST.RANK td:{{{tag}}} 1000000000"))?;
    for (kind, count) in [(5, counted), (6, ranked)] {
        let [Value::Integer(count)] = count.elements()? else {
            return Err(Failure::new("no count"));
        };
        let wanted = of_kind(kind, end).count();
        let enough = usize::try_from(*count).is_ok_and(|count| count >= wanted);
        // An empty digest ranks nothing.
        ensure(enough || wanted == 0, || format!("kind {kind}: {count} of {wanted} are counted"))?;
    }
    let samples = samples(client, &format!("ts:{{{tag}}}"))?;
    let lost: Vec<u64> = of_kind(7, end).filter(|number| !samples.contains_key(number)).collect();
    none("the series", &lost, end)
}

/// Fails unless all these lines answer 1.
fn kept_each(
    client: &mut Client,
    kind: u64,
    end: u64,
    line: impl Fn(u64) -> String,
) -> Outcome<()> {
    let words = |number| line(number).split(' ').map(str::to_owned).collect();
    let commands: Vec<Vec<String>> = of_kind(kind, end).map(words).collect();
    let replies = client.pipeline(&commands)?;
    let gone = of_kind(kind, end).zip(&replies).filter(|(_, reply)| *reply != b":1\r\n");
    none(&line(kind), &gone.map(|(number, _)| number).collect::<Vec<_>>(), end)
}

/// A series of whole numbers.
fn samples(client: &mut Client, key: &str) -> Outcome<BTreeMap<u64, u64>> {
    let mut samples = BTreeMap::new();
    for sample in client.value(&format!("TS.RANGE {key} - +"))?.elements()? {
        let [time, value] = sample.elements()? else { return Err(Failure::new("no sample")) };
        let number =
            |text: &str| text.parse().map_err(|_| Failure::new(format!("{key}: {sample}")));
        let time = number(&time.integer()?.to_string())?;
        samples.insert(time, number(&String::from_utf8_lossy(value.bytes()?))?);
    }
    Ok(samples)
}

fn found(client: &mut Client, tag: &str, end: u64) -> Outcome<()> {
    for (kind, index, prefix) in [(1, "docs", "doc"), (2, "items", "item")] {
        let names = keys_found(client, index, tag)?;
        let is_lost = |number: &u64| !names.contains(&format!("{prefix}:{{{tag}}}:{number}"));
        none(index, &of_kind(kind, end).filter(is_lost).collect::<Vec<_>>(), end)?;
    }
    Ok(())
}

/// Keys of a tag that an index has: all of them, as time does not cut the search short.
pub fn keys_found(client: &mut Client, index: &str, tag: &str) -> Outcome<BTreeSet<String>> {
    let line = format!("FT.SEARCH {index} @g:{{{tag}}} NOCONTENT LIMIT 0 100000 TIMEOUT 60000");
    let found = client.value(&line)?;
    let names = found.elements()?.iter().skip(1);
    names.map(|name| Ok(String::from_utf8_lossy(name.bytes()?).into_owned())).collect()
}

fn added_up(client: &mut Client, tag: &str, end: u64) -> Outcome<()> {
    let samples = samples(client, &format!("ts:{{{tag}}}"))?;
    let mut wanted: BTreeMap<u64, u64> = BTreeMap::new();
    for (time, value) in samples {
        *wanted.entry(time / BUCKET * BUCKET).or_default() += value;
    }
    // The last bucket is open.
    wanted.pop_last();
    let sums = self::samples(client, &format!("sum:{{{tag}}}"))?;
    ensure(sums == wanted, || format!("the rule to {end}: {sums:?}, not {wanted:?}"))
}

/// Waits until no index has anything to do.
pub fn settled(client: &mut Client) -> Outcome<()> {
    wait("the indexes", || Ok(client.info("search_backlog")? == "0"))?;
    for index in ["docs", "items"] {
        wait("the scan", || {
            let told = client.value(&format!("FT.INFO {index}"))?.to_string();
            Ok(told.contains(" indexing, 0,"))
        })?;
    }
    Ok(())
}

/// Who writes the numbers of a tag.
pub trait Writer {
    /// Sends the words; the reply's bytes.
    fn call(&mut self, tag: &str, words: &[Vec<u8>]) -> Outcome<Vec<u8>>;
}

impl Writer for Client {
    fn call(&mut self, _: &str, words: &[Vec<u8>]) -> Outcome<Vec<u8>> {
        Self::call(self, words)
    }
}

impl Writer for crate::cluster::Walker {
    fn call(&mut self, tag: &str, words: &[Vec<u8>]) -> Outcome<Vec<u8>> {
        Self::call(self, tag, words)
    }
}

/// Numbers acknowledged so far, of each writer.
pub type Counts = [AtomicU64];

/// Runs `body` while each tag is written to by its writer, from the number `first` on. Gives what `body`
/// gives, and for each tag the first number that was not acknowledged.
///
/// A writer whose server is gone has ended well; an error reply is a failure.
pub fn under_writes<W: Writer + Send, T>(
    writers: Vec<(&str, W)>,
    first: u64,
    body: impl FnOnce(&Counts) -> Outcome<T>,
) -> Outcome<(T, Vec<u64>)> {
    let counts: Vec<AtomicU64> = writers.iter().map(|_| AtomicU64::new(first)).collect();
    let stop = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        let (stop, counts) = (&stop, &counts);
        let begin = |(count, (tag, mut writer)): (_, (_, W))| {
            scope.spawn(move || write_until(&mut writer, tag, count, stop))
        };
        let writing: Vec<_> = counts.iter().zip(writers).map(begin).collect();
        let outcome = body(counts);
        stop.store(true, Relaxed);
        let lost = |_| Err(Failure::new("a writing thread died"));
        let ended = writing.into_iter().map(|thread| thread.join().unwrap_or_else(lost));
        let ended = ended.collect::<Vec<Outcome<()>>>();
        outcome.and_then(|outcome| ended.into_iter().collect::<Outcome<()>>().map(|()| outcome))
    })?;
    Ok((outcome, counts.into_iter().map(AtomicU64::into_inner).collect()))
}

fn write_until(
    writer: &mut impl Writer,
    tag: &str,
    next: &AtomicU64,
    stop: &AtomicBool,
) -> Outcome<()> {
    while !stop.load(Relaxed) {
        let number = next.load(Relaxed);
        let words = write(tag, number);
        match writer.call(tag, &words) {
            Ok(reply) if reply.starts_with(b"-") => {
                let line = words.join(&b' ').escape_ascii().to_string();
                return Err(Failure::new(reply.escape_ascii().to_string()).during(&line));
            }
            Ok(_) => next.store(number + 1, Relaxed),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}
