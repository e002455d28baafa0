//! Nothing acknowledged is ever lost, and replicas hold what their primary holds, with compaction
//! going on all the while: killed servers, cut replicas, rewritten logs, settings that differ.

use std::{collections::BTreeMap, thread, time::Duration};

use keyspan_tests::{
    Client, Failure, Outcome, Server, Spec, Value, crash, ensure, on_each_server,
    persistence::{self, Base},
    replication, same,
};

fn timeseries(spec: Spec) -> Spec {
    spec.module("timeseries", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

fn durable(spec: Spec) -> Spec {
    timeseries(spec).options(&["--appendonly", "yes", "--appendfsync", "always"])
}

/// How many rounds of killing or cutting each server sees: the whole 50 are split over the servers
/// in one run, and all of them on one server where only one is chosen.
fn rounds() -> Outcome<usize> {
    Ok(50_usize.div_ceil(keyspan_tests::servers()?.len()))
}

fn succeeds(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))
}

/// The moments and values of a series, each as text.
fn samples(client: &mut Client, key: &str) -> Outcome<BTreeMap<i64, String>> {
    let reply = client.value(&format!("TS.RANGE {key} - +"))?;
    let sample = |sample: &Value| {
        let [moment, value] = sample.elements()? else { return Err(Failure::new("no sample")) };
        Ok((moment.integer()?, String::from_utf8_lossy(value.bytes()?).into_owned()))
    };
    reply.elements()?.iter().map(sample).collect()
}

/// Milliseconds from one in-order sample to the next.
const STEP: u64 = 7;

/// Every third sample comes late: between two that are there.
fn moment(number: u64) -> u64 {
    if number.is_multiple_of(3) && number > 60 { (number - 60) * STEP + 3 } else { number * STEP }
}

/// The write number `number`: samples in order and out of it, counters with and without a clock.
fn write(number: u64) -> Vec<Vec<u8>> {
    let (at, value) = (moment(number), number % 97);
    let line = match number % 4 {
        0 => format!("TS.ADD raw {at} {value}"),
        1 => format!("TS.MADD raw {at} {value} plain {at} {value}"),
        2 => format!("TS.INCRBY counter 1 TIMESTAMP {number}"),
        _ => "TS.INCRBY clock 1".to_owned(),
    };
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// What is lost of the samples that were acknowledged.
fn lost(client: &mut Client, done: impl Iterator<Item = u64>) -> Outcome<Vec<u64>> {
    let (raw, plain) = (samples(client, "raw")?, samples(client, "plain")?);
    let holds = |series: &BTreeMap<i64, String>, number: u64| {
        let at = i64::try_from(moment(number)).unwrap_or_default();
        series.get(&at) == Some(&(number % 97).to_string())
    };
    let is_lost = |number: &u64| match number % 4 {
        0 => !holds(&raw, *number),
        1 => !holds(&raw, *number) || !holds(&plain, *number),
        _ => false,
    };
    Ok(done.filter(is_lost).collect())
}

/// Each rule's series must hold what the raw one gives now, but for the bucket that is open.
fn compacted(client: &mut Client) -> Outcome<()> {
    for (aggregator, length) in RULES {
        let line = format!("TS.RANGE raw - + AGGREGATION {aggregator} {length}");
        let whole = client.value(&line)?;
        let closed = whole.elements()?.split_last().map_or(&[][..], |(_, closed)| closed);
        let made = client.value(&format!("TS.RANGE raw:{aggregator} - +"))?;
        ensure(made.elements()? == closed, || {
            let [made, wanted] = [made.elements().map_or(0, <[_]>::len), closed.len()];
            format!("{aggregator}: {made} buckets that are not the {wanted} of the raw series")
        })?;
    }
    Ok(())
}

/// None of whose results depends on the order in which samples came.
const RULES: [(&str, u64); 5] =
    [("sum", 100), ("max", 250), ("count", 70), ("first", 300), ("range", 1_000)];

/// How much a counter has been increased by.
fn count(client: &mut Client, key: &str) -> Outcome<i64> {
    let reply = client.value(&format!("TS.GET {key}"))?;
    let Some(value) = reply.elements()?.last() else { return Ok(0) };
    let text = String::from_utf8_lossy(value.bytes()?).into_owned();
    text.parse().map_err(|_| Failure::new(text))
}

#[test]
fn acknowledged_samples_survive_a_kill() -> Outcome<()> {
    let rounds = rounds()?;
    on_each_server(durable, |server| {
        let mut client = server.client()?;
        client.expect("TS.CREATE raw CHUNK_SIZE 128 LABELS kind raw", "+OK")?;
        client.expect("TS.CREATE plain ENCODING UNCOMPRESSED CHUNK_SIZE 128", "+OK")?;
        client.expect("TS.CREATE counter", "+OK")?;
        client.expect("TS.CREATE clock", "+OK")?;
        for (aggregator, length) in RULES {
            client.expect(&format!("TS.CREATE raw:{aggregator} LABELS kind made"), "+OK")?;
            let rule =
                format!("TS.CREATERULE raw raw:{aggregator} AGGREGATION {aggregator} {length}");
            client.expect(&rule, "+OK")?;
        }
        // Moments that come again and again are nothing new.
        let (mut next, mut counted) = (0, [0_i64; 2]);
        for round in 0..rounds {
            let wait = Duration::from_millis(20 + u64::try_from(round % 7).unwrap_or(0) * 10);
            let done = crash::kill_under_writes(server, next, &write, wait)?;
            let mut client = server.client()?;
            let lost = lost(&mut client, done.clone())?;
            ensure(lost.is_empty(), || format!("round {round}: writes {lost:?} are lost"))?;
            compacted(&mut client).map_err(|failure| failure.during(&format!("round {round}")))?;
            for (kind, key) in [(2, "counter"), (3, "clock")] {
                let total = counted.get_mut(kind - 2).ok_or_else(|| Failure::new("no total"))?;
                let more = done.clone().filter(|number| number % 4 == kind as u64).count();
                *total += i64::try_from(more).unwrap_or(0);
                // The one write of a round whose reply did not come may or may not be there.
                let most = *total + i64::try_from(round).unwrap_or(0) + 1;
                let count = count(&mut client, key)?;
                ensure((*total..=most).contains(&count), || {
                    format!("round {round}, {key}: {count} of {total}")
                })?;
            }
            client.expect("TS.QUERYINDEX kind=raw", "*1\r\n$3\r\nraw")?;
            next = done.end + 1;
        }
        ensure(next > u64::try_from(rounds).unwrap_or(0), || format!("only {next} writes"))
    })
}

/// A small generator, so that every run sees the same load.
struct Draw(u64);

impl Draw {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What the load starts from: small chunks, so that they split; rules of all kinds of contexts.
const START: [&str; 24] = [
    "TS.CREATE s0 CHUNK_SIZE 48 DUPLICATE_POLICY LAST LABELS kind source n 0",
    "TS.CREATE s1 CHUNK_SIZE 64 DUPLICATE_POLICY SUM LABELS kind source n 1",
    "TS.CREATE s2 CHUNK_SIZE 128 ENCODING UNCOMPRESSED DUPLICATE_POLICY MAX LABELS kind source n 2",
    "TS.CREATE bare",
    "TS.CREATE brief RETENTION 500 CHUNK_SIZE 64 DUPLICATE_POLICY LAST",
    "TS.CREATE calm DUPLICATE_POLICY LAST IGNORE 20 5",
    "TS.CREATE r0 LABELS kind made",
    "TS.CREATE r1",
    "TS.CREATE r2",
    "TS.CREATE r3",
    "TS.CREATE r4",
    "TS.CREATE r5 RETENTION 2000 CHUNK_SIZE 48",
    "TS.CREATE r6",
    "TS.CREATE r7",
    "TS.CREATERULE s0 r0 AGGREGATION avg 50",
    "TS.CREATERULE s0 r1 AGGREGATION std.p 100 7",
    "TS.CREATERULE s0 r2 AGGREGATION twa 60",
    "TS.CREATERULE s1 r3 AGGREGATION first 30",
    "TS.CREATERULE s1 r4 AGGREGATION range 333",
    "TS.CREATERULE s2 r5 AGGREGATION last 40",
    "TS.CREATERULE s2 r6 AGGREGATION countNaN 90",
    "TS.CREATERULE brief r7 AGGREGATION sum 25",
    "MSET plain 1 other 2",
    "CONFIG SET ts-duplicate-policy block",
];

/// One step of a load over everything that changes a series; every reply is allowed, also errors.
fn step(draw: &mut Draw, clock: &mut u64) -> String {
    *clock += draw.below(6);
    let (now, then) = (*clock, 1 + draw.below(*clock));
    let (key, value) = (draw.below(3), draw.below(400));
    let other = match key {
        0 => "bare",
        1 => "brief",
        _ => "calm",
    };
    match draw.below(39) {
        0..=5 => format!("TS.ADD s{key} {now} {value}.5"),
        6..=8 => format!("TS.ADD s{key} {then} -{value}"),
        9 => format!("TS.ADD s{key} {then} {value} ON_DUPLICATE MIN"),
        10 => format!("TS.ADD s{key} {now} nan"),
        11..=13 => {
            format!("TS.MADD s0 {now} {value} s1 {now} 1 {other} {now} 2 gone {now} 3 s2 {then} 4")
        }
        14 => format!("TS.ADD {other} {now} {value}"),
        15 => format!("TS.ADD {other} {then} {value}"),
        // Moments of the server's clock, and series that are made by the way.
        16 => format!("TS.ADD clock{key} * {value}"),
        17 => format!("TS.MADD clock0 * {value} clock1 * 2"),
        18 => format!("TS.INCRBY ticks{key} {value}"),
        19 => format!("TS.DECRBY ticks{key} 1.25"),
        20 => format!("TS.ADD auto{} {now} {value}", value % 6),
        21 => format!(
            "TS.ADD made{} {then} {value} CHUNK_SIZE 48 LABELS kind auto n {key}",
            value % 6
        ),
        22 => format!("TS.INCRBY up{key} {value} TIMESTAMP {now} LABELS kind up"),
        23 => format!("TS.CREATE new{}", value % 9),
        24 => format!("TS.DEL s{key} {then} {}", then + 40),
        25 if value < 200 => format!("TS.DEL {other} {then} {now}"),
        25 => format!("TS.DEL auto{key} {then} {}", then + value),
        26 => format!("TS.ALTER auto{} LABELS kind altered n {key}", value % 6),
        27 => format!("TS.ALTER made{} RETENTION {value}00 DUPLICATE_POLICY FIRST", value % 6),
        28 if value < 100 => "TS.DELETERULE s0 r2".to_owned(),
        28 => "TS.CREATERULE s0 r2 AGGREGATION twa 60".to_owned(),
        29 if value < 50 => "DEL r3".to_owned(),
        29 if value < 100 => "TS.CREATE r3".to_owned(),
        29 => "TS.CREATERULE s1 r3 AGGREGATION var.s 30".to_owned(),
        30 if value < 100 => format!("RENAME auto{key} auto{}", key + 1),
        30 => format!("COPY made{key} copy{key} REPLACE"),
        31 if value < 60 => format!("SET auto{key} plain"),
        31 => format!("TS.ADD bare {now} {value} ON_DUPLICATE LAST"),
        32 => format!("TS.ADD bare {} {value}", now - now % 20),
        33 if value < 100 => "RENAME s1 away".to_owned(),
        33 => "RENAME away s1".to_owned(),
        34 if value < 40 => format!("DEL auto{key} made{key}"),
        // Keys and labels that are called as options are.
        35 => format!("TS.ADD {} {now} {value}", option(value)),
        36 => format!("TS.INCRBY {} 5", option(value)),
        37 => format!("TS.CREATE odd{} LABELS RETENTION 9 {} 48", value % 9, option(value)),
        34 => format!("TS.CREATERULE made{key} auto{key} AGGREGATION min 15"),
        _ => format!(
            "EVAL \"redis.call('TS.ADD', 's0', ARGV[1], 1) redis.call('TS.ADD', 'calm', ARGV[1], 2) return 1\" \
             2 s0 calm {now}"
        ),
    }
}

/// A word that names an option, in some cases of it.
fn option(value: u64) -> &'static str {
    match value % 9 {
        0 => "LABELS",
        1 => "labels",
        2 => "RETENTION",
        3 => "CHUNK_SIZE",
        4 => "ENCODING",
        5 => "DUPLICATE_POLICY",
        6 => "IGNORE",
        7 => "TIMESTAMP",
        _ => "ON_DUPLICATE",
    }
}

/// Whether the server's clock decides about a step: no two tell the same time.
fn reads_clock(line: &str) -> bool {
    let increases = line.starts_with("TS.INCRBY") || line.starts_with("TS.DECRBY");
    line.contains('*') || (increases && !line.contains(" LABELS kind up"))
}

/// A load that goes on where it stopped.
struct Load {
    draw: Draw,
    clock: u64,
}

impl Load {
    fn new(seed: u64) -> Self {
        Self { draw: Draw(seed), clock: 1 }
    }

    fn run(&mut self, client: &mut Client, steps: usize) -> Outcome<()> {
        for _ in 0..steps {
            client.line(&step(&mut self.draw, &mut self.clock))?;
        }
        Ok(())
    }
}

/// Waits for the replica; fails, naming what differs, unless it then holds what the primary holds.
fn agree(replica: &Server, primary: &Server) -> Outcome<()> {
    let digests = replication::converge(replica, primary);
    let differing = differing(&mut primary.client()?, &mut replica.client()?)?;
    ensure(differing.is_empty(), || differing.join("\n"))?;
    digests
}

/// How two servers differ: in what keys there are, their values, what TS.INFO says, their digests,
/// and what is found by labels.
fn differing(ours: &mut Client, theirs: &mut Client) -> Outcome<Vec<String>> {
    let mut differing = Vec::new();
    for kind in ["source", "made", "auto", "altered", "up"] {
        let line = format!("TS.QUERYINDEX kind={kind}");
        compare(&mut differing, &line, sorted(ours, &line)?, sorted(theirs, &line)?);
    }
    let keys = sorted(ours, "KEYS *")?;
    compare(&mut differing, "KEYS *", keys.clone(), sorted(theirs, "KEYS *")?);
    for key in keys {
        for line in [format!("TS.RANGE {key} - +"), format!("DEBUG DIGEST-VALUE {key}")] {
            let [left, right] =
                [ours.value(&line)?, theirs.value(&line)?].map(|value| value.to_string());
            compare(&mut differing, &line, left, right);
        }
        let [left, right] = [info(ours, &key)?, info(theirs, &key)?];
        compare(&mut differing, &format!("TS.INFO {key}"), left, right);
    }
    Ok(differing)
}

fn compare<T: PartialEq + std::fmt::Debug>(
    differing: &mut Vec<String>,
    what: &str,
    ours: T,
    theirs: T,
) {
    if ours != theirs {
        let cut = |text: String| text.chars().take(1_500).collect::<String>();
        let [ours, theirs] = [ours, theirs].map(|side| cut(format!("{side:?}")));
        differing.push(format!("{what}\n  here  {ours}\n  there {theirs}"));
    }
}

fn sorted(client: &mut Client, line: &str) -> Outcome<Vec<String>> {
    let reply = client.value(line)?;
    let names =
        reply.elements()?.iter().map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()));
    let mut names = names.collect::<Outcome<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// TS.INFO but for the memory, which depends on how the value came about.
fn info(client: &mut Client, key: &str) -> Outcome<String> {
    let reply = client.value(&format!("TS.INFO {key}"))?;
    let Ok(fields) = reply.elements() else { return Ok(reply.to_string()) };
    let is_memory = |pair: &&[Value]| {
        pair.first().is_some_and(|name| name.bytes().is_ok_and(|name| name == b"memoryUsage"))
    };
    let pairs = fields.chunks(2).filter(|pair| !is_memory(pair));
    Ok(pairs.flatten().map(|field| format!("{field} ")).collect())
}

/// Sets one of the settings, which only some servers let a module have by its bare name.
fn set(client: &mut Client, name: &str, value: &str) -> Outcome<()> {
    let bare = client.call(&["CONFIG", "SET", name, value])?;
    if bare == b"+OK\r\n" {
        return Ok(());
    }
    let prefixed = format!("timeseries.{name}");
    same(&client.call(&["CONFIG", "SET", &prefixed, value])?, b"+OK\r\n", &prefixed)
}

/// Makes a server decide everything else than others do.
fn decide_otherwise(server: &Server) -> Outcome<()> {
    decide(
        server,
        &[
            ("ts-compaction-policy", "min:3s:1h;avg:7m:0"),
            ("ts-duplicate-policy", "sum"),
            ("ts-retention-policy", "90"),
            ("ts-chunk-size-bytes", "56"),
            ("ts-encoding", "uncompressed"),
            ("ts-ignore-max-time-diff", "1000000"),
            ("ts-ignore-max-val-diff", "1000000"),
        ],
    )
}

fn decide(server: &Server, settings: &[(&str, &str)]) -> Outcome<()> {
    let mut client = server.client()?;
    settings.iter().try_for_each(|(name, value)| set(&mut client, name, value))
}

/// Settings of a primary that makes series of its own with each new one.
const BUSY: [(&str, &str); 4] = [
    ("ts-compaction-policy", "max:25m:1h;count:100m:0:10m"),
    ("ts-duplicate-policy", "last"),
    ("ts-retention-policy", "3000"),
    ("ts-chunk-size-bytes", "72"),
];

fn start(client: &mut Client) -> Outcome<()> {
    START
        .iter()
        .filter(|line| !line.starts_with("CONFIG"))
        .try_for_each(|line| succeeds(client, line))
}

#[test]
fn replicas_agree_whatever_their_settings() -> Outcome<()> {
    on_each_server(timeseries, |primary| {
        let name = primary.name();
        let mut client = primary.client()?;
        start(&mut client)?;
        let early = timeseries(Spec::new(name)?).start()?;
        decide_otherwise(&early)?;
        replication::attach(&early, primary)?;
        let mut load = Load::new(88_172_645_463_325_252);
        load.run(&mut client, 700)?;
        agree(&early, primary).map_err(|failure| failure.during("from the start"))?;
        // The primary makes more of what it is told than the replica would.
        decide(primary, &BUSY)?;
        load.run(&mut client, 500)?;
        agree(&early, primary).map_err(|failure| failure.during("with a busy primary"))?;
        // One that joins in the middle has its values from an RDB file, the other from commands.
        let late = timeseries(Spec::new(name)?).start()?;
        replication::attach(&late, primary)?;
        decide_otherwise(&late)?;
        load.run(&mut client, 500)?;
        agree(&late, primary).map_err(|failure| failure.during("from the middle"))?;
        agree(&early, primary).map_err(|failure| failure.during("from the start, at the end"))
    })
}

#[test]
fn a_replica_cut_off_again_and_again_ends_equal() -> Outcome<()> {
    let rounds = rounds()?;
    on_each_server(timeseries, |primary| {
        let replica = timeseries(Spec::new(primary.name())?).start()?;
        let mut clients = [primary.client()?, primary.client()?];
        let [first, _] = &mut clients;
        start(first)?;
        replication::attach(&replica, primary)?;
        let mut load = Load::new(2_463_534_242);
        for _ in 0..rounds {
            replication::cut(primary)?;
            for client in &mut clients {
                load.run(client, 20)?;
            }
            thread::sleep(Duration::from_millis(5));
        }
        agree(&replica, primary)?;
        // The replica becomes primary: both go on alike from the same state, rules and open buckets
        // included.
        let (mut ours, mut theirs) = (primary.client()?, replica.client()?);
        theirs.expect("REPLICAOF NO ONE", "+OK")?;
        let [mut left, mut right] = [(), ()].map(|()| Load { draw: Draw(7), clock: load.clock });
        for _ in 0..300 {
            let line = step(&mut left.draw, &mut left.clock);
            let again = step(&mut right.draw, &mut right.clock);
            if !reads_clock(&line) {
                ours.line(&line)?;
                theirs.line(&again)?;
            }
        }
        let differing = differing(&mut ours, &mut theirs)?;
        ensure(differing.is_empty(), || {
            format!("after the same commands: {}", differing.join("\n"))
        })
    })
}

/// The log holds what settings and clocks decided, not what they say when it is read.
#[test]
fn a_log_is_read_with_other_settings_than_it_was_written_with() -> Outcome<()> {
    on_each_server(durable, |server| {
        let mut client = server.client()?;
        start(&mut client)?;
        let mut load = Load::new(41);
        load.run(&mut client, 250)?;
        decide(server, &BUSY)?;
        load.run(&mut client, 250)?;
        decide_otherwise(server)?;
        load.run(&mut client, 100)?;
        // Its settings are the defaults again when it reads the log.
        survives(server, "the log", Server::kill)?;
        for base in Base::BOTH {
            decide(server, &BUSY)?;
            persistence::rewrite_log(server, base)?;
            survives(server, &format!("{base:?}"), |server| server.shut_down("NOSAVE"))?;
            // What is only in the rewritten log goes on as if nothing had been.
            load.run(&mut server.client()?, 150)?;
            survives(server, &format!("{base:?} and more"), Server::kill)?;
        }
        Ok(())
    })
}

/// Ends the server in this way and starts it again; fails unless everything is as before.
fn survives(
    server: &mut Server,
    what: &str,
    end: impl Fn(&mut Server) -> Outcome<()>,
) -> Outcome<()> {
    let (digest, before) = (replication::digest(server)?, all(&mut server.client()?)?);
    end(server)?;
    server.start_again()?;
    let after = all(&mut server.client()?)?;
    for (key, text) in &before {
        ensure(after.get(key) == Some(text), || {
            format!(
                "{what}: {key}\n  before {text}\n  after  {}",
                after.get(key).map_or("", String::as_str)
            )
        })?;
    }
    ensure(before.len() == after.len(), || format!("{what}: other keys: {:?}", after.keys()))?;
    ensure(replication::digest(server)? == digest, || format!("{what}: the digest differs"))
}

/// What all series hold and say of themselves, by key.
fn all(client: &mut Client) -> Outcome<BTreeMap<String, String>> {
    let keys = sorted(client, "KEYS *")?.into_iter();
    let text = |key: String| {
        let range = client.value(&format!("TS.RANGE {key} - +"))?;
        Ok((key.clone(), format!("{} {range}", info(client, &key)?)))
    };
    keys.map(text).collect()
}
