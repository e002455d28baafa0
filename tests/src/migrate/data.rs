//! One of everything, and a look at all of it.

use std::collections::BTreeMap;

use crate::{Client, Failure, Outcome, Server, Spec, bloom, ensure, replication};

/// What a server holds, by question: values as digests, and replies that depend on several keys.
pub type View = BTreeMap<String, String>;

/// The databases that have something in them.
const DATABASES: [u8; 2] = [0, 3];

const DATA: [&str; 31] = [
    "SET plain:string text",
    "HSET plain:hash a 1 b 2",
    "RPUSH plain:list a b c",
    "SADD plain:set 1 2 3",
    "ZADD plain:zset 1 a 2.5 b",
    r##"FUNCTION LOAD "#!lua name=lib\nredis.register_function('title', function(keys) return redis.call('JSON.GET', keys[1], '$.title') end)""##,
    r#"JSON.SET doc:1 $ '{"title":"one","n":0,"list":[1,2.5,"x",null,true],"big":9223372036854775807}'"#,
    r#"JSON.SET doc:2 $ '{"title":"two","n":-1}'"#,
    "PEXPIREAT doc:2 4102444800000",
    "BF.RESERVE grown 0.01 5",
    "BF.MADD grown a b c d e f g h i j k l m n o p",
    "CF.RESERVE grown:cuckoo 8",
    "CF.INSERT grown:cuckoo ITEMS a b c d e f g h i j k l m n o p",
    "TS.CREATE ts:raw LABELS kind raw",
    "TS.CREATE ts:avg LABELS kind compacted",
    "TS.CREATE ts:max LABELS kind compacted",
    "TS.CREATERULE ts:raw ts:avg AGGREGATION avg 1000",
    "TS.CREATERULE ts:raw ts:max AGGREGATION max 1000 7",
    "TS.MADD ts:raw 1 1 ts:raw 500 3 ts:raw 1500 2.5 ts:raw 2600 8",
    "TS.CREATE ts:plain ENCODING UNCOMPRESSED DUPLICATE_POLICY SUM LABELS kind plain",
    "TS.MADD ts:plain 1 1 ts:plain 1 2 ts:plain 9 -0.5",
    "FT.CREATE places PREFIX 1 place: SCHEMA name TAG SEPARATOR ; n NUMERIC SORTABLE at GEO \
     v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    "FT.ALIASADD there places",
    "FT.CREATE docs ON JSON PREFIX 1 doc: SCHEMA $.title AS title TAG $.n AS n NUMERIC",
    r#"HSET place:a name "x;y" n -3 at 2.1,48.2 v "\x00\x00\x80\xbf\x00\x00\x00\x00""#,
    r#"HSET place:b name y n -2 at 2.2,48.3 v "\x00\x00\x00\xc0\x00\x00\x00\x00""#,
    "SELECT 3",
    r#"JSON.SET elsewhere $ '[{"three":3}]'"#,
    "BF.ADD elsewhere:filter x",
    "TS.ADD elsewhere:series 5 5",
    "SELECT 0",
];

/// Replies that depend on more than a value: indexes, rules, labels, functions.
const QUESTIONS: [&str; 12] = [
    "FT._LIST",
    "FT.SEARCH there '@n:[-inf inf]' SORTBY n NOCONTENT LIMIT 0 1000",
    "FT.SEARCH places '@name:{y} @at:[2.1 48.2 30 km]' SORTBY n NOCONTENT LIMIT 0 1000",
    r#"FT.SEARCH places '*=>[KNN 3 @v $q AS s]' PARAMS 2 q "\x9a\x99\x99\xbf\x00\x00\x00\x00" SORTBY s RETURN 1 s DIALECT 2"#,
    "FT.SEARCH docs '@n:[-inf inf]' SORTBY n NOCONTENT LIMIT 0 1000",
    "FT.SEARCH docs @title:{two} NOCONTENT",
    "TS.MGET FILTER kind=raw",
    "TS.MRANGE - + FILTER kind=compacted GROUPBY kind REDUCE sum",
    "BF.INFO grown",
    "CF.INFO grown:cuckoo",
    "TDIGEST.QUANTILE d 0 0.5 1",
    "FUNCTION LIST WITHCODE",
];

/// A server with all modules.
#[must_use]
pub fn spec(spec: Spec) -> Spec {
    let modules = ["json", "bloom", "search", "timeseries"];
    modules.iter().fold(spec, |spec, module| spec.module(module, &[]))
}

/// Keys of all types of the modules, with what belongs to them, and some of the server's own.
pub fn fill(client: &mut Client) -> Outcome<()> {
    bloom::fill(client)?;
    DATA.iter().try_for_each(|line| bloom::succeeds(client, line))?;
    settled(client)
}

/// Makes a value of the server's own at `k`, by its name on the page.
pub fn make(client: &mut Client, value: &str) -> Outcome<()> {
    let lines: &[&str] = match value {
        "hash with fields that expire" => {
            &["HSET k a 1 b 2", "HPEXPIREAT k 4102444800000 FIELDS 1 a"]
        }
        "set of words" => &["SADD k a b c"],
        "stream" => &["XADD k 1-1 a 1", "XGROUP CREATE k g 0", "XREADGROUP GROUP g me STREAMS k >"],
        "vector set" => &["VADD k VALUES 2 1 0 a"],
        other => return Err(Failure::new(format!("how is a {other} made?"))),
    };
    lines.iter().try_for_each(|line| bloom::succeeds(client, line))
}

/// Waits until no vector is left to be linked.
pub fn settled(client: &mut Client) -> Outcome<()> {
    replication::wait("the graphs", || Ok(client.info("search_backlog")? == "0"))
}

/// The write number `number` of a load on all types, for a data set that [`fill`] made.
#[must_use]
pub fn write(number: u64) -> Vec<Vec<u8>> {
    let n = number / 11;
    let line = match number % 11 {
        0 => "JSON.NUMINCRBY doc:1 $.n 1".to_owned(),
        1 => format!("JSON.SET doc:w{} $ {{\"title\":\"w\",\"n\":{}}}", n % 40, 10_000_000 + n),
        2 => format!("BF.ADD b item:{n}"),
        3 => format!("BF.ADD v item:{n}"),
        4 => format!("CF.ADD c item:{n}"),
        5 => "CMS.INCRBY m x 1".to_owned(),
        6 => format!("TOPK.ADD t item:{}", n * n % 7),
        7 => format!("TDIGEST.ADD d {}", n * 7919 % 1000),
        8 => format!("TS.ADD ts:raw {} {}", 10_000 + n * 130, n % 17),
        9 => "TS.INCRBY ts:count 1 LABELS kind count".to_owned(),
        _ => return place(n),
    };
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// A document with a vector of its own.
fn place(n: u64) -> Vec<Vec<u8>> {
    let n = u16::try_from(n % 1000).unwrap_or_default();
    let vector: Vec<u8> = [f32::from(n), 0.0].map(f32::to_le_bytes).concat();
    let words = format!("HSET place:{n} name w n {n} at 2.0,48.0 v");
    let words = words.split(' ').map(|word| word.as_bytes().to_vec());
    words.chain([vector]).collect()
}

/// What the server holds.
pub fn view(server: &Server) -> Outcome<View> {
    let mut client = server.client()?;
    let mut view = View::new();
    for database in DATABASES {
        client.expect(&format!("SELECT {database}"), "+OK")?;
        values(&mut client, database, &mut view)?;
    }
    client.expect("SELECT 0", "+OK")?;
    for line in QUESTIONS {
        view.insert(line.to_owned(), shortest(&client.value(line)?.to_string()));
    }
    for index in ["places", "docs"] {
        // What else it tells is of this server.
        let info = client.value(&format!("FT.INFO {index}"))?;
        let attributes = info.elements().ok().and_then(|fields| fields.get(7));
        view.insert(format!("FT.INFO {index}"), format!("{attributes:?}"));
    }
    let series = client.value("TS.INFO ts:raw")?.to_string();
    let rules = series.split_once("rules").map(|(_, rules)| rules.to_owned());
    view.insert("rules".to_owned(), format!("{rules:?}"));
    Ok(view)
}

/// The text with the fewest digits that tell each fraction: Redis 7.0 prints 17 of them.
fn shortest(text: &str) -> String {
    let fraction = |word: &str| word.contains('.').then(|| word.parse::<f64>().ok()).flatten();
    let shorter = |word: &str| fraction(word).map_or(word.to_owned(), |number| number.to_string());
    text.split('"').map(shorter).collect::<Vec<_>>().join("\"")
}

/// Adds each key of the database: its type, when it expires, and its value's digest.
fn values(client: &mut Client, database: u8, view: &mut View) -> Outcome<()> {
    let keys = client.value("KEYS *")?;
    for key in keys.elements()? {
        let key = key.bytes()?;
        let questions = [
            vec![b"TYPE".as_slice(), key],
            vec![b"PEXPIRETIME".as_slice(), key],
            vec![b"DEBUG".as_slice(), b"DIGEST-VALUE", key],
        ];
        let replies = client.pipeline(&questions)?.concat();
        let name = format!("{database} {}", key.escape_ascii());
        view.insert(name, replies.escape_ascii().to_string());
    }
    Ok(())
}

/// Fails, naming what differs, unless both hold the same.
pub fn equal(got: &View, wanted: &View) -> Outcome<()> {
    let questions = got.keys().chain(wanted.keys());
    let mut differing: Vec<&String> = questions.filter(|q| got.get(*q) != wanted.get(*q)).collect();
    differing.sort_unstable();
    differing.dedup();
    ensure(differing.is_empty(), || {
        let shown = differing.iter().take(4);
        let lines = shown.map(|question| {
            format!("{question}: {:?}, not {:?}", got.get(*question), wanted.get(*question))
        });
        format!("{} answers differ:\n  {}", differing.len(), lines.collect::<Vec<_>>().join("\n  "))
    })
}
