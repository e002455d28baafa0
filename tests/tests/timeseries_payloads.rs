//! Payloads and files that lie: RESTORE refuses them, or makes a series that every command answers
//! for; a server that starts from them has no rule that leads in a circle.

use keyspan_common::rdb::{Field, PayloadWriter, TypeId, dump};
use keyspan_tests::{
    Client, Failure, Outcome, Spec, ensure, fixture, on_each_server,
    refusal::{refused, refused_line, within_patience},
    same, servers,
};

fn timeseries(spec: Spec) -> Spec {
    spec.module("timeseries", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

/// The version that peers of today read.
const VERSION: u32 = 8;

fn payload(version: u32, fields: &[Field]) -> Outcome<Vec<u8>> {
    let id = TypeId::new("TSDB-TYPE", version).map_err(|_| Failure::new("TSDB-TYPE"))?;
    let fill = |writer: &mut PayloadWriter| fields.iter().for_each(|field| writer.field(field));
    Ok(dump::write(id, 9, fill))
}

fn u(value: u64) -> Field {
    Field::Unsigned(value)
}

fn d(value: f64) -> Field {
    Field::Double(value)
}

fn b(text: &str) -> Field {
    Field::Bytes(text.as_bytes().to_vec())
}

fn zeros(length: usize) -> Field {
    Field::Bytes(vec![0; length])
}

/// Everything before the labels: chunk size 128, last sample (3, 1.0), three samples.
fn head(options: u64) -> Vec<Field> {
    let none = [u(1), u(0), u(0), d(0.0)];
    [&[b("c"), u(0), u(128), u(options), u(3), d(1.0), u(3)][..], &none].concat()
}

/// A label, no rules, one chunk.
fn label() -> Vec<Field> {
    vec![u(1), b("kind"), b("lie"), u(0), u(1)]
}

/// Samples at 1, 2 and 3, all 1.0: three bits, one of them of the first difference.
fn gorilla() -> Vec<Field> {
    let one = 1.0_f64.to_bits();
    // From the lowest: '10' and five bits of 1 for the first step, '0' for its value; two zeros.
    let bits = 0b101_u64;
    let data = [bits.to_le_bytes().to_vec(), vec![0; 120]].concat();
    let state = [u(one), u(1), u(3), u(1), u(one), u(32), u(32)];
    [&[u(128), u(3), u(10)][..], &state, &[Field::Bytes(data)]].concat()
}

/// The same, not compressed.
fn uncompressed() -> Vec<Field> {
    let sample = |at: u64| [at.to_le_bytes(), 1.0_f64.to_bits().to_le_bytes()].concat();
    let data: Vec<u8> = (1..=3).flat_map(sample).chain(vec![0; 80]).collect();
    vec![u(1), u(3), u(128), Field::Bytes(data)]
}

fn whole(options: u64, chunk: &[Field]) -> Vec<Field> {
    [head(options), label(), chunk.to_vec()].concat()
}

/// The payload with one field in the place of another.
fn with(fields: &[Field], place: usize, field: Field) -> Outcome<Vec<u8>> {
    let mut fields = fields.to_vec();
    let old = fields.get_mut(place).ok_or_else(|| Failure::new("no such field"))?;
    *old = field;
    payload(VERSION, &fields)
}

fn refuses(client: &mut Client, what: &str, payload: &[u8]) -> Outcome<()> {
    let outcome = refused(client, &[b"RESTORE", b"c", b"0", payload], "ERR Bad data format");
    outcome.map_err(|failure| failure.during(what))
}

/// Places of the fields in [`whole`].
const CHUNK_SIZE: usize = 2;
const LABELS: usize = 11;
const RULES: usize = 14;
const CHUNKS: usize = 15;
const CHUNK: usize = 16;

const HONEST: &str = "*3\r\n*2\r\n:1\r\n+1\r\n*2\r\n:2\r\n+1\r\n*2\r\n:3\r\n+1";

#[test]
fn honest_payloads_load() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        for fields in [whole(2, &gorilla()), whole(1, &uncompressed())] {
            let payload = payload(VERSION, &fields)?;
            let reply = client.call(&[b"RESTORE".as_slice(), b"c", b"0", &payload, b"REPLACE"])?;
            same(&reply, b"+OK\r\n", "RESTORE")?;
            client.expect("TS.RANGE c - +", HONEST)?;
            client.expect("TS.QUERYINDEX kind=lie", "*1\r\n$1\r\nc")?;
            answers_all(&mut client)?;
        }
        Ok(())
    })
}

/// Counts and sizes from which a loader must not allocate, nor read beyond what there is.
#[test]
fn counts_that_lie() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        for (options, fields) in [(2, whole(2, &gorilla())), (1, whole(1, &uncompressed()))] {
            let samples = CHUNK + 1;
            for count in
                [1 << 24, u64::from(u32::MAX), 1 << 40, 1 << 60, 1 << 61, 1 << 63, u64::MAX]
            {
                for (what, place) in [
                    ("labels", LABELS),
                    ("rules", RULES),
                    ("chunks", CHUNKS),
                    ("samples of a chunk", samples),
                ] {
                    let what = format!("{count} {what}, options {options}");
                    refuses(&mut client, &what, &with(&fields, place, u(count))?)?;
                }
            }
            for count in [2, 3, 100] {
                let what = format!("{count} chunks of one");
                refuses(&mut client, &what, &with(&fields, CHUNKS, u(count))?)?;
            }
            for options in [0, 3, 4, 1 << 32, u64::MAX] {
                survives(&mut client, "options", &with(&fields, 3, u(options))?)?;
            }
            for size in [0, 1, 7, 47, 49, 1 << 20, (1 << 20) + 8, 1 << 40, u64::MAX - 7, u64::MAX] {
                survives(&mut client, "chunk size", &with(&fields, CHUNK_SIZE, u(size))?)?;
            }
        }
        Ok(())
    })
}

/// Each field of both kinds of payload is, in turn, one of many numbers, or missing, or there twice.
#[test]
fn every_field_in_turn_lies() -> Outcome<()> {
    const NUMBERS: [u64; 12] =
        [0, 1, 2, 31, 63, 64, 65, 255, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX];
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        for fields in [whole(2, &gorilla()), whole(1, &uncompressed())] {
            for (place, field) in fields.iter().enumerate() {
                let lies: Vec<Field> = match field {
                    Field::Unsigned(_) => NUMBERS.into_iter().map(u).collect(),
                    Field::Double(_) => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 5e-324]
                        .into_iter()
                        .map(d)
                        .collect(),
                    Field::Float(_) | Field::Bytes(_) => {
                        [0, 1, 7, 8, 127, 129, 4096].into_iter().map(zeros).collect()
                    }
                };
                for lie in lies {
                    let what = format!("field {place} {lie:?}");
                    survives(&mut client, &what, &with(&fields, place, lie)?)?;
                }
                let (before, after) = fields.split_at(place);
                let missing = [before, after.get(1..).unwrap_or_default()].concat();
                survives(
                    &mut client,
                    &format!("without field {place}"),
                    &payload(VERSION, &missing)?,
                )?;
                let twice = [before, std::slice::from_ref(field), after].concat();
                survives(&mut client, &format!("field {place} twice"), &payload(VERSION, &twice)?)?;
            }
        }
        Ok(())
    })
}

/// Bits that name no sample, samples that go back in time, values that no sample can have.
#[test]
fn bits_that_lie() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        let fields = whole(2, &gorilla());
        let bits = CHUNK + 10;
        for pattern in 0..=255_u8 {
            for length in [0_usize, 8, 128] {
                let data = Field::Bytes(vec![pattern; length]);
                for used in [10, 63, 64, 65, 1_024] {
                    let mut lie = fields.clone();
                    for (place, field) in
                        [(bits, data.clone()), (CHUNK + 2, u(used)), (CHUNK + 1, u(used / 2 + 1))]
                    {
                        lie.get_mut(place).into_iter().for_each(|old| *old = field.clone());
                    }
                    survives(
                        &mut client,
                        &format!("bits {pattern:#x}, {used} of {length}"),
                        &payload(VERSION, &lie)?,
                    )?;
                }
            }
        }
        let values =
            [f64::INFINITY, f64::NEG_INFINITY, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001)];
        for value in values {
            survives(&mut client, "a first value", &with(&fields, CHUNK + 3, u(value.to_bits()))?)?;
            let mut sample = [1_u64.to_le_bytes(), value.to_bits().to_le_bytes()].concat();
            sample.extend([0; 112]);
            let plain = whole(1, &uncompressed());
            survives(&mut client, "a value", &with(&plain, CHUNK + 3, Field::Bytes(sample))?)?;
        }
        Ok(())
    })
}

/// RESTORE refuses the payload, or every command answers for what it makes.
fn survives(client: &mut Client, what: &str, payload: &[u8]) -> Outcome<()> {
    let outcome = restored_answers(client, payload);
    outcome.map_err(|failure| failure.during(what))
}

fn restored_answers(client: &mut Client, payload: &[u8]) -> Outcome<()> {
    let reply = within_patience(client, &[b"RESTORE", b"c", b"0", payload, b"REPLACE"])?;
    if reply.starts_with(b"-") {
        client.line("DEL c")?;
        return same(&reply, b"-ERR Bad data format\r\n", "RESTORE");
    }
    answers_all(client)
}

/// Commands about the series `c`, those that change it last.
const QUESTIONS: [&str; 32] = [
    "TS.INFO c",
    "TS.INFO c DEBUG",
    "TS.GET c",
    "TS.GET c LATEST",
    "TS.RANGE c - +",
    "TS.REVRANGE c - + COUNT 5",
    "TS.RANGE c - + LATEST FILTER_BY_VALUE -1 1",
    "TS.RANGE c 5 9223372036854775807 FILTER_BY_TS 1 2 3",
    "TS.RANGE c - + AGGREGATION avg,sum,min,max,range,count,first,last,std.p,std.s,var.p,var.s,twa 100",
    "TS.REVRANGE c - + ALIGN 3 AGGREGATION countNaN,countAll 9223372036854775807",
    "TS.RANGE c 0 1000 AGGREGATION twa 10 EMPTY",
    "TS.MRANGE - + WITHLABELS FILTER kind=lie",
    "TS.MREVRANGE - + AGGREGATION twa 100 FILTER kind=lie GROUPBY kind REDUCE std.s",
    "TS.MGET WITHLABELS FILTER kind=lie",
    "TS.QUERYINDEX kind=lie",
    "TS.QUERYLABELS VALUES kind",
    "TS.NRANGE 2 c c - + COUNT 10",
    "TS.READ c - MAX_COUNT 10",
    "MEMORY USAGE c",
    "OBJECT ENCODING c",
    "TS.ADD c 2 5 ON_DUPLICATE LAST",
    "TS.ADD c 1 5 ON_DUPLICATE SUM",
    "TS.ADD c 4 5",
    "TS.INCRBY c 5",
    "TS.ADD c 9223372036854775807 1",
    "TS.MADD c 7 1 c 6 2 c 5 nan",
    "TS.ALTER c RETENTION 10 CHUNK_SIZE 48 LABELS kind lie",
    "TS.CREATERULE c rule AGGREGATION avg 10",
    "TS.ADD c 5 9 ON_DUPLICATE LAST",
    "TS.DEL c 2 9",
    "TS.DELETERULE c rule",
    "TS.DEL c 0 9223372036854775807",
];

fn answers_all(client: &mut Client) -> Outcome<()> {
    same(&client.call(&["COPY", "c", "d", "REPLACE"])?, b":1\r\n", "COPY")?;
    let values = client.call(&["DEBUG", "DIGEST-VALUE", "c"])?;
    same(&client.call(&["DEBUG", "DIGEST-VALUE", "d"])?, &values, "a copy")?;
    let dump = keyspan_tests::Value::decode(&client.call(&["DUMP", "c"])?)?;
    fixture::restore(client, b"d", dump.bytes()?)
        .map_err(|failure| failure.during("its own dump"))?;
    same(&client.call(&["DEBUG", "DIGEST-VALUE", "d"])?, &values, "what was dumped")?;
    client.line("TS.CREATE rule")?;
    for line in QUESTIONS {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        within_patience(client, &words).map_err(|failure| failure.during(line))?;
    }
    client.expect("DEL c d rule", ":3")
}

/// Every damaged payload that was recorded with a peer.
#[test]
fn damaged_payloads_are_refused_or_answer() -> Outcome<()> {
    let rows = fixture::rows("corrupt.jsonl")?;
    let is_series = |row: &&serde_json::Value| fixture::text(&row["type"]) == "TSDB-TYPE";
    let damaged: Vec<_> = rows.iter().filter(is_series).collect();
    ensure(damaged.len() >= 123, || format!("only {} payloads", damaged.len()))?;
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        damaged.iter().try_for_each(|row| {
            survives(&mut client, &row["mutation"].to_string(), &fixture::bytes(&row["dump_hex"])?)
        })
    })
}

/// A rule to `target`: average of buckets of 10, with one open.
fn rule(target: &str) -> Vec<Field> {
    let open = [u(10), u(0), u(4), u(0), d(3.0), d(3.0), u(0)];
    [&[b(target)][..], &open].concat()
}

/// A series as a whole file has it, with a source and rules.
fn member(key: &str, source: Option<&str>, rules: &[Vec<Field>]) -> Vec<Field> {
    let count = u64::try_from(rules.len()).unwrap_or(u64::MAX);
    let mut fields = vec![b(key), u(0), u(128), u(2), u(3), d(1.0), u(3), u(1)];
    fields.push(u(u64::from(source.is_some())));
    fields.extend(source.map(b));
    fields.extend([u(0), d(0.0), u(1), b("kind"), b("lie"), u(count)]);
    fields.extend(rules.iter().flatten().cloned());
    fields.push(u(1));
    [fields, gorilla()].concat()
}

/// An RDB file without a checksum.
fn file(members: &[(&str, Vec<Field>)]) -> Outcome<Vec<u8>> {
    let mut file = b"REDIS0009\xfe\0".to_vec();
    for (key, fields) in members {
        let payload = payload(VERSION, fields)?;
        let body = payload.get(1..payload.len() - 10).unwrap_or_default();
        file.push(7);
        file.extend(u8::try_from(key.len()));
        file.extend(key.bytes());
        file.extend(body);
    }
    file.push(0xff);
    file.extend([0; 8]);
    Ok(file)
}

/// A server starts with the file, and samples run through its rules; or, where the file may be refused,
/// it says so and ends.
fn starts(what: &str, file: &[u8], may_refuse: bool) -> Outcome<()> {
    for name in servers()? {
        match timeseries(Spec::new(name)?).file("dump.rdb", file).start() {
            Ok(server) => ends(&mut server.client()?).map_err(|failure| failure.during(what))?,
            Err(failure) => {
                let text = failure.to_string();
                let crashes = ["signal", "panicked", "STACK TRACE"];
                let crashed = crashes.iter().any(|word| text.contains(word));
                ensure(may_refuse && !crashed, || format!("{what}: {text}"))?;
            }
        }
    }
    Ok(())
}

/// Every sample comes to an end, however the rules lead.
fn ends(client: &mut Client) -> Outcome<()> {
    for at in 4..60 {
        for key in ["c", "e", "f"] {
            let line = format!("TS.ADD {key} {at} {at} ON_DUPLICATE LAST");
            within_patience(client, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>())?;
        }
    }
    for line in [
        "TS.DEL c 5 9",
        "TS.RANGE c - + LATEST",
        "TS.RANGE e - + LATEST",
        "TS.INFO c",
        "TS.INFO e",
        "DEL c",
        "DEL e",
    ] {
        within_patience(client, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>())?;
    }
    client.expect("DEBUG RELOAD", "+OK")
}

#[test]
fn files_with_rules_that_lead_in_circles() -> Outcome<()> {
    let none: &[Vec<Field>] = &[];
    let mut endless = rule("e");
    endless.splice(1..2, [u(u64::MAX)]);
    let mut no_bucket = rule("e");
    no_bucket.splice(1..2, [u(0)]);
    let mut unknown = rule("e");
    unknown.splice(3..4, [u(99)]);
    let target = || member("e", Some("c"), none);
    for (what, members) in [
        ("honest", vec![("c", member("c", None, &[rule("e")])), ("e", target())]),
        ("to itself", vec![("c", member("c", None, &[rule("c")]))]),
        ("to itself, from itself", vec![("c", member("c", Some("c"), &[rule("c")]))]),
        (
            "to each other",
            vec![
                ("c", member("c", Some("e"), &[rule("e")])),
                ("e", member("e", Some("c"), &[rule("c")])),
            ],
        ),
        (
            "three in a circle",
            vec![
                ("c", member("c", Some("f"), &[rule("e")])),
                ("e", member("e", Some("c"), &[rule("f")])),
                ("f", member("f", Some("e"), &[rule("c")])),
            ],
        ),
        (
            "one that does not know",
            vec![("c", member("c", None, &[rule("e")])), ("e", member("e", None, none))],
        ),
        (
            "two to one",
            vec![
                ("c", member("c", None, &[rule("e")])),
                ("f", member("f", None, &[rule("e")])),
                ("e", target()),
            ],
        ),
        (
            "the same twice",
            vec![("c", member("c", None, &[rule("e"), rule("e")])), ("e", target())],
        ),
        ("a target that is not there", vec![("c", member("c", None, &[rule("gone")]))]),
        ("a source that is not there", vec![("c", member("c", Some("gone"), none))]),
        ("a bucket of 2^64 - 1", vec![("c", member("c", None, &[endless])), ("e", target())]),
        ("a bucket of 0", vec![("c", member("c", None, &[no_bucket])), ("e", target())]),
        ("aggregator 99", vec![("c", member("c", None, &[unknown])), ("e", target())]),
    ] {
        // No rule of those is one at all.
        let may_refuse =
            what.contains("itself") || what.ends_with("bucket of 0") || what.contains("99");
        starts(what, &file(&members)?, may_refuse)?;
    }
    Ok(())
}

/// Heap overflow by numbers in TS.QUERYINDEX, TS.MGET, TS.MRANGE and TS.MREVRANGE that wrap.
#[test]
fn flaw_overflow_in_mrange_and_queryindex() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.ADD k 1 1 LABELS a b", ":1")?;
        let values = vec!["v"; 70_000].join(",");
        let matchers = ["a=b"; 300].join(" ");
        for filter in [
            format!("a=({values})"),
            format!("a=({values},b)"),
            matchers,
            "a=()".into(),
            "a=(,)".into(),
        ] {
            for head in [
                "TS.QUERYINDEX",
                "TS.MGET FILTER",
                "TS.MRANGE - + FILTER",
                "TS.MREVRANGE - + FILTER",
            ] {
                let line = format!("{head} {filter}");
                within_patience(
                    &mut client,
                    &line.split(' ').map(str::as_bytes).collect::<Vec<_>>(),
                )?;
            }
        }
        for count in [51, 70_000] {
            let labels = vec!["x"; count].join(" ");
            let line = format!("TS.MRANGE - + SELECTED_LABELS {labels} FILTER a=b");
            refused_line(&mut client, &line, "ERR TSDB: reached max size for SELECT_LABELS")?;
        }
        for number in ["4294967296", "2147483648", "9223372036854775807"] {
            let line =
                format!("TS.MRANGE - + COUNT {number} AGGREGATION sum {number} EMPTY FILTER a=b");
            within_patience(&mut client, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>())?;
        }
        client.expect("TS.QUERYINDEX a=b", "*1\r\n$1\r\nk")
    })
}

/// A chunk whose size is not that of its bytes was read and written behind them.
#[test]
fn flaw_chunk_size_against_buffer() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        for (fields, size) in
            [(whole(2, &gorilla()), CHUNK), (whole(1, &uncompressed()), CHUNK + 2)]
        {
            for lie in [0, 8, 120, 136, 4_096, 1 << 32, u64::MAX - 7] {
                refuses(&mut client, &format!("size {lie}"), &with(&fields, size, u(lie))?)?;
            }
            let data = fields.len() - 1;
            for lie in [0, 8, 120, 136, 4_096] {
                refuses(&mut client, &format!("{lie} bytes"), &with(&fields, data, zeros(lie))?)?;
            }
        }
        // More bits than bytes, and more samples than bits.
        let fields = whole(2, &gorilla());
        for (place, lie) in
            [(CHUNK + 2, 1_025), (CHUNK + 2, u64::MAX), (CHUNK + 1, 7), (CHUNK + 1, 1 << 32)]
        {
            refuses(&mut client, &format!("field {place} {lie}"), &with(&fields, place, u(lie))?)?;
        }
        Ok(())
    })
}

/// Words were read where a chunk had no whole ones.
#[test]
fn flaw_misaligned_chunks() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        for size in [1_usize, 7, 9, 15, 127, 129] {
            let mut fields = whole(2, &gorilla());
            let last = fields.len() - 1;
            for (place, field) in
                [(CHUNK, u(u64::try_from(size).unwrap_or(0))), (last, zeros(size))]
            {
                fields.get_mut(place).into_iter().for_each(|old| *old = field.clone());
            }
            refuses(&mut client, &format!("{size} bytes"), &payload(VERSION, &fields)?)?;
        }
        for size in ["41", "47", "49", "50", "127", "1048575"] {
            let error =
                "ERR TSDB: CHUNK_SIZE value must be a multiple of 8 in the range [48 .. 1048576]";
            refused_line(&mut client, &format!("TS.CREATE k CHUNK_SIZE {size}"), error)?;
        }
        Ok(())
    })
}

/// Chunks that hold nothing were made without end.
#[test]
fn flaw_chunk_size_bytes_0() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        let error =
            "ERR TSDB: CHUNK_SIZE value must be a multiple of 8 in the range [48 .. 1048576]";
        refused_line(&mut client, "TS.CREATE k CHUNK_SIZE 0", error)?;
        refused_line(&mut client, "TS.ADD k 1 1 CHUNK_SIZE 0", error)?;
        for name in ["ts-chunk-size-bytes", "timeseries.ts-chunk-size-bytes"] {
            refused_line(&mut client, &format!("CONFIG SET {name} 0"), "")?;
        }
        for fields in [whole(2, &gorilla()), whole(1, &uncompressed())] {
            survives(&mut client, "chunk size 0", &with(&fields, CHUNK_SIZE, u(0))?)?;
        }
        let name = server.name();
        let spec = Spec::new(name)?.module("timeseries", &["CHUNK_SIZE_BYTES", "0"]);
        let Err(failure) = spec.start() else {
            return Err(Failure::new("CHUNK_SIZE_BYTES 0 is taken"));
        };
        let text = failure.to_string();
        ensure(!text.contains("signal") && !text.contains("panicked"), || text)
    })
}
