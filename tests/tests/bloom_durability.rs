//! Nothing acknowledged is ever lost, and replicas hold what their primary holds: killed servers,
//! cut replicas, rewritten logs, settings that differ.

use std::{thread, time::Duration};

use keyspan_tests::{
    Client, Outcome, Server, Spec, Value, crash, ensure, on_each_server,
    persistence::{self, Base},
    replication, same,
};

fn bloom(spec: Spec) -> Spec {
    spec.module("bloom", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

fn durable(spec: Spec) -> Spec {
    bloom(spec).options(&["--appendonly", "yes", "--appendfsync", "always"])
}

fn succeeds(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))
}

/// How many rounds of killing or cutting each server sees: the whole 50 are split over the servers
/// in one run, and all of them on one server where only one is chosen.
fn rounds() -> Outcome<usize> {
    Ok(50_usize.div_ceil(keyspan_tests::servers()?.len()))
}

/// The write number `number`: each type in turn.
fn write(number: u64) -> Vec<Vec<u8>> {
    let line = match number % 6 {
        0 => format!("BF.ADD b item{number}"),
        1 => format!("CF.ADD c item{number}"),
        2 => "CMS.INCRBY m counted 1".to_owned(),
        3 => "TOPK.ADD t top".to_owned(),
        4 => format!("TDIGEST.ADD d {number}"),
        _ => format!("BF.ADD v item{number}"),
    };
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// How many of the writes of each type that counts are in: CMS, Top-K, t-digest.
fn counted(client: &mut Client) -> Outcome<[i64; 3]> {
    let first = |value: Value| value.elements()?.first().map_or(Ok(0), Value::integer);
    let sketch = first(client.value("CMS.QUERY m counted")?)?;
    let top = first(client.value("TOPK.COUNT t top")?)?;
    let digest = client.value("TDIGEST.INFO d")?;
    let mut fields = digest.elements()?.iter();
    fields.find(|field| field.bytes().is_ok_and(|name| name == b"Observations"));
    Ok([sketch, top, fields.next().map_or(Ok(0), Value::integer)?])
}

#[test]
fn acknowledged_writes_survive_a_kill() -> Outcome<()> {
    let rounds = rounds()?;
    on_each_server(durable, |server| {
        let mut client = server.client()?;
        for line in [
            "CMS.INITBYDIM m 100 5",
            "TOPK.RESERVE t 3",
            "TDIGEST.CREATE d",
            "CONFIG SET bf.family valkey",
            "BF.RESERVE v 0.01 100",
        ] {
            client.expect(line, "+OK")?;
        }
        let (mut next, mut acknowledged) = (0, [0_i64; 3]);
        for round in 0..rounds {
            let wait = Duration::from_millis(20 + u64::try_from(round % 7).unwrap_or(0) * 10);
            let done = crash::kill_under_writes(server, next, &write, wait)?;
            let mut client = server.client()?;
            for number in done.clone() {
                let line = match number % 6 {
                    0 => format!("BF.EXISTS b item{number}"),
                    1 => format!("CF.EXISTS c item{number}"),
                    5 => format!("BF.EXISTS v item{number}"),
                    _ => continue,
                };
                same(&client.line(&line)?, b":1\r\n", &format!("round {round}: {line}"))?;
            }
            let counts = counted(&mut client)?;
            for (kind, (count, total)) in (2..).zip(counts.iter().zip(&mut acknowledged)) {
                let more = done.clone().filter(|number| number % 6 == kind).count();
                *total += i64::try_from(more).unwrap_or(0);
                // The one write of a round whose reply did not come may or may not be there.
                let most = *total + i64::try_from(round).unwrap_or(0) + 1;
                ensure((*total..=most).contains(count), || {
                    format!("round {round}, kind {kind}: {count} of {total} writes")
                })?;
            }
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

/// Values that the load starts from: small ones, so that filters grow, counters meet and Top-K
/// decays.
const START: [&str; 14] = [
    "BF.RESERVE b 0.01 20",
    "BF.RESERVE fixed 0.1 30 NONSCALING",
    "CF.RESERVE c 32 EXPANSION 2",
    "CF.RESERVE tight 8 EXPANSION 1 MAXITERATIONS 3",
    "CMS.INITBYDIM m1 20 3",
    "CMS.INITBYDIM m2 20 3",
    "CMS.INITBYPROB m3 0.01 0.01",
    "TOPK.RESERVE t1 5 4 2 0.9",
    "TOPK.RESERVE t2 10 8 7 0.5",
    "TOPK.RESERVE t3 3 2 1 0.99",
    "TDIGEST.CREATE d1",
    "TDIGEST.CREATE d2 COMPRESSION 20",
    "TDIGEST.CREATE d3 COMPRESSION 500",
    "MSET plain 1 other 2",
];

/// One step of a load over all types; every reply is allowed, also errors (a full filter).
fn step(draw: &mut Draw) -> String {
    let item = draw.below(400);
    let other = draw.below(400);
    match draw.below(26) {
        0 => format!("BF.ADD b {item}"),
        1 => format!("BF.MADD b {item} {other}"),
        2 => format!("BF.INSERT auto{} ITEMS {item} {other}", item % 5),
        3 => format!("BF.INSERT made{} CAPACITY 10 ERROR 0.05 EXPANSION 3 ITEMS {item}", item % 5),
        4 => format!("BF.ADD auto{} {other}", item % 5),
        5 => format!("BF.ADD fixed {item}"),
        6 => format!("CF.ADD c {item}"),
        7 => format!("CF.ADDNX c {item}"),
        8 => format!("CF.INSERT cauto{} ITEMS {item} {other}", item % 3),
        9 => format!("CF.INSERTNX cmade{} CAPACITY 64 ITEMS {item} {other}", item % 3),
        10 => format!("CF.DEL c {item}"),
        11 => format!("CF.ADD tight {item}"),
        12 if item < 40 => "CF.COMPACT c".to_owned(),
        12 => format!("CF.DEL tight {item}"),
        13 => format!("CMS.INCRBY m1 {item} {other} {other} 1"),
        14 => format!("CMS.INCRBY m{} {item} 4294967200", item % 2 + 2),
        15 => format!("CMS.MERGE m2 2 m1 m2 WEIGHTS {} 1", item % 3),
        16..=18 => format!("TOPK.ADD t{} {item} {other} {item}", item % 3 + 1),
        19 => format!("TOPK.INCRBY t{} {item} {other}", other % 3 + 1),
        20..=21 => format!("TDIGEST.ADD d{} {item} {other} {item}.5", item % 3 + 1),
        22 => format!("TDIGEST.MERGE d1 2 d2 d3 COMPRESSION {}", item + 1),
        23 if item < 100 => "TDIGEST.RESET d2".to_owned(),
        23 => "TDIGEST.QUANTILE d3 0.5".to_owned(),
        24 => format!("COPY b copy{} REPLACE", item % 2),
        _ => format!(
            "EVAL \"redis.call('TOPK.ADD', 't1', ARGV[1]) redis.call('BF.ADD', 'b', ARGV[1]) return 1\" 2 t1 b {item}"
        ),
    }
}

fn load(client: &mut Client, draw: &mut Draw, steps: usize) -> Outcome<()> {
    for _ in 0..steps {
        client.line(&step(draw))?;
    }
    Ok(())
}

/// Waits for the replica; fails, naming the keys, unless it then holds what the primary holds.
fn agree(replica: &Server, primary: &Server) -> Outcome<()> {
    replication::converge(replica, primary).map_err(|failure| {
        let differing = differing(replica, primary).unwrap_or_default();
        failure.during(&format!("keys that differ: {differing:?}"))
    })
}

fn differing(replica: &Server, primary: &Server) -> Outcome<Vec<String>> {
    let (mut ours, mut theirs) = (primary.client()?, replica.client()?);
    let mut keys = Vec::new();
    for key in ours.value("KEYS *")?.elements()? {
        let words = [b"DEBUG".as_slice(), b"DIGEST-VALUE", key.bytes()?];
        if ours.call(&words)? != theirs.call(&words)? {
            keys.push(String::from_utf8_lossy(key.bytes()?).into_owned());
        }
    }
    Ok(keys)
}

/// Sets one of RedisBloom's settings, which only some servers let a module have by its bare name.
fn set(client: &mut Client, name: &str, value: &str) -> Outcome<()> {
    let bare = client.call(&["CONFIG", "SET", name, value])?;
    if bare == b"+OK\r\n" {
        return Ok(());
    }
    client.expect(&format!("CONFIG SET bf.{name} {value}"), "+OK")
}

/// Makes a server decide everything else than others do.
fn decide_otherwise(server: &Server) -> Outcome<()> {
    let mut client = server.client()?;
    client.expect("CONFIG SET bf.family valkey", "+OK")?;
    for (name, value) in [
        ("bf-error-rate", "0.2"),
        ("bf-initial-size", "7"),
        ("bf-expansion-factor", "9"),
        ("cf-bucket-size", "5"),
        ("cf-initial-size", "33"),
        ("cf-max-iterations", "1"),
        ("cf-expansion-factor", "8"),
        ("cf-max-expansions", "2"),
    ] {
        set(&mut client, name, value)?;
    }
    client.expect("CONFIG SET bf.bloom-memory-usage-limit 1kb", "+OK")
}

#[test]
fn replicas_agree_whatever_their_settings() -> Outcome<()> {
    on_each_server(bloom, |primary| {
        let name = primary.name();
        let mut client = primary.client()?;
        for line in START {
            client.expect(line, "+OK")?;
        }
        let early = bloom(Spec::new(name)?).start()?;
        decide_otherwise(&early)?;
        replication::attach(&early, primary)?;
        let mut draw = Draw(88_172_645_463_325_252);
        load(&mut client, &mut draw, 1_500)?;
        agree(&early, primary).map_err(|failure| failure.during("from the start"))?;
        // One that joins in the middle has its values from an RDB file, the other from commands.
        let late = bloom(Spec::new(name)?).start()?;
        replication::attach(&late, primary)?;
        decide_otherwise(&late)?;
        load(&mut client, &mut draw, 500)?;
        // New filters of the other family, from a primary that changed its mind.
        client.expect("CONFIG SET bf.family valkey", "+OK")?;
        for line in [
            "BF.ADD vauto x",
            "BF.RESERVE vmade 0.01 10",
            "BF.INSERT vinsert CAPACITY 10 TIGHTENING 0.7 ITEMS x y",
            "BF.INSERT vempty CAPACITY 10 NONSCALING",
        ] {
            succeeds(&mut client, line)?;
        }
        for number in 0..200 {
            succeeds(&mut client, &format!("BF.MADD vmade {number} {}", number * 7))?;
            succeeds(&mut client, &format!("BF.ADD vauto {number}"))?;
        }
        agree(&late, primary).map_err(|failure| failure.during("from the middle"))?;
        agree(&early, primary).map_err(|failure| failure.during("from the start, at the end"))?;
        client.expect("TYPE vauto", "+bloomfltr")?;
        early.client()?.expect("TYPE auto1", "+MBbloom--")
    })
}

#[test]
fn a_replica_cut_off_again_and_again_ends_equal() -> Outcome<()> {
    let rounds = rounds()?;
    on_each_server(bloom, |primary| {
        let replica = bloom(Spec::new(primary.name())?).start()?;
        let mut clients = [primary.client()?, primary.client()?];
        let [first, _] = &mut clients;
        for line in START {
            first.expect(line, "+OK")?;
        }
        replication::attach(&replica, primary)?;
        let mut draw = Draw(2_463_534_242);
        for _ in 0..rounds {
            replication::cut(primary)?;
            for client in &mut clients {
                load(client, &mut draw, 20)?;
            }
            thread::sleep(Duration::from_millis(5));
        }
        agree(&replica, primary)?;
        // The replica becomes primary: both go on alike from the same state.
        replica.client()?.expect("REPLICAOF NO ONE", "+OK")?;
        let (mut left, mut right) = (Draw(7), Draw(7));
        load(&mut replica.client()?, &mut left, 300)?;
        load(&mut primary.client()?, &mut right, 300)?;
        let differing = differing(&replica, primary)?;
        ensure(differing.is_empty(), || format!("after the same commands: {differing:?}"))
    })
}

/// The log holds what settings decided, not what they say when it is read.
#[test]
fn a_log_is_read_with_other_settings_than_it_was_written_with() -> Outcome<()> {
    on_each_server(durable, |server| {
        let mut client = server.client()?;
        for line in START {
            client.expect(line, "+OK")?;
        }
        let mut draw = Draw(41);
        load(&mut client, &mut draw, 200)?;
        decide_otherwise(server)?;
        client.expect("CONFIG SET bf.bloom-memory-usage-limit 10mb", "+OK")?;
        load(&mut client, &mut draw, 200)?;
        succeeds(&mut client, "BF.ADD vauto x")?;
        succeeds(&mut client, "CF.ADD cnew x")?;
        let before = replication::digest(server)?;
        server.kill()?;
        server.start_again()?;
        let after = replication::digest(server)?;
        ensure(before == after, || format!("digest {before} before, {after} after"))?;
        for base in Base::BOTH {
            persistence::survives_rewrite(server, base)
                .map_err(|f| f.during(&format!("{base:?}")))?;
        }
        // What is only in the rewritten log goes on as if nothing had been.
        load(&mut server.client()?, &mut draw, 100)?;
        let before = replication::digest(server)?;
        server.restart()?;
        let after = replication::digest(server)?;
        ensure(before == after, || format!("digest {before} before, {after} after"))
    })
}

/// Values of several chunks of 16 MB each, of several filters, of every type.
#[test]
fn large_values_survive_both_kinds_of_log() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for line in [
            "BF.RESERVE b 0.01 15000000",
            "CF.RESERVE c 17000000",
            "CMS.INITBYDIM m 500000 5",
            "TOPK.RESERVE t 2000 2000 7 0.9",
            "TDIGEST.CREATE d COMPRESSION 5000",
            "BF.RESERVE grown 0.01 100",
            "CF.RESERVE cgrown 100 EXPANSION 2",
            "CONFIG SET bf.family valkey",
            "BF.RESERVE v 0.01 15000000",
            "BF.RESERVE vgrown 0.01 100",
        ] {
            client.expect(line, "+OK")?;
        }
        let numbers: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        for head in [
            &["BF.MADD", "b"][..],
            &["CF.INSERT", "c", "ITEMS"],
            &["TOPK.ADD", "t"],
            &["TDIGEST.ADD", "d"],
            &["BF.MADD", "grown"],
            &["CF.INSERT", "cgrown", "ITEMS"],
            &["BF.MADD", "v"],
            &["BF.MADD", "vgrown"],
        ] {
            let reply = client.call(&[head, &numbers].concat())?;
            ensure(!reply.starts_with(b"-"), || format!("{head:?}: {}", reply.escape_ascii()))?;
        }
        let pairs: Vec<&str> = numbers.iter().flat_map(|&number| [number, "3"]).collect();
        client.call(&[&["CMS.INCRBY", "m"], pairs.as_slice()].concat())?;
        for base in Base::BOTH {
            persistence::survives_rewrite(server, base)
                .map_err(|f| f.during(&format!("{base:?}")))?;
        }
        let mut client = server.client()?;
        for line in ["BF.EXISTS b 777", "CF.EXISTS c 777", "BF.EXISTS vgrown 777", "BF.EXISTS v 7"]
        {
            client.expect(line, ":1")?;
        }
        let replica = bloom(Spec::new(server.name())?).start()?;
        replication::attach(&replica, server)?;
        agree(&replica, server)
    })
}
