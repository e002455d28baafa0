//! redis-rs (`redis` on crates.io) does real work on every server, in both protocols.
//!
//! It has calls for JSON (`json`), Bloom filters (`bloom`) and FT.CREATE (`search_unfinished`). For the
//! other commands of search, other sketches and series it has none: those go through `redis::cmd`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic; that is how it fails"
)]

mod clients_story;

use std::collections::HashMap;

use clients_story::{MINUTE, Story, each, key, names};
use keyspan_tests::Outcome;
use redis::bloom::BloomFilterInfoType;
use redis::search::{
    CreateOptions, DistanceMetric, IndexDataType, SchemaGeoField, SchemaNumericField,
    SchemaTagField, SearchSchema, Sortable, VectorField, VectorType,
};
use redis::{Connection, JsonCommands, TypedCommands, Value, cmd};
use serde_json::{Value as Json, json};

/// Tells the story on every server in RESP2 and RESP3.
fn tell(body: impl Fn(&Story, &mut Connection)) -> Outcome<()> {
    each(|story, server| {
        for protocol in ["resp2", "resp3"] {
            let url = format!("redis://127.0.0.1:{}/?protocol={protocol}", server.port());
            let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
            cmd("FLUSHALL").exec(&mut connection).unwrap();
            body(story, &mut connection);
        }
        Ok(())
    })
}

fn schema() -> SearchSchema {
    redis::schema! {
        "$.kind" => SchemaTagField::new().alias("kind"),
        "$.town" => SchemaTagField::new().alias("town"),
        "$.labels[*]" => SchemaTagField::new().alias("labels"),
        "$.floor" => SchemaNumericField::new().alias("floor").sortable(Sortable::Yes),
        "$.readings" => SchemaNumericField::new().alias("readings"),
        "$.place" => SchemaGeoField::new().alias("place"),
        "$.signature" => VectorField::hnsw(VectorType::Float32, 8, DistanceMetric::L2).m(8).build()
            .alias("signature"),
    }
}

/// The documents of all sensors, and an index over them.
fn fill(story: &Story, connection: &mut Connection) {
    let options = CreateOptions::new().on(IndexDataType::Json).prefix("sensor:");
    assert_eq!(connection.ft_create("sensors", &options, &schema()).unwrap(), "OK");
    let mut pipe = redis::pipe();
    for (sensor, document) in &story.sensors {
        pipe.json_set(key(sensor), "$", document).unwrap();
    }
    pipe.exec(connection).unwrap();
}

/// A map of RESP3 by the names of its fields.
fn fields(value: Value) -> HashMap<String, Value> {
    redis::from_redis_value(value).unwrap()
}

/// The keys that FT.SEARCH found with the fields it returned.
fn found(reply: Value) -> Vec<(String, HashMap<String, String>)> {
    if let Value::Map(_) = reply {
        let results: Vec<Value> =
            redis::from_redis_value(fields(reply).remove("results").unwrap()).unwrap();
        let row = |one: Value| {
            let mut one = fields(one);
            let text = |value| redis::from_redis_value(value).unwrap();
            let more = redis::from_redis_value(one.remove("extra_attributes").unwrap()).unwrap();
            (text(one.remove("id").unwrap()), more)
        };
        return results.into_iter().map(row).collect();
    }
    let rows: Vec<Value> = redis::from_redis_value(reply).unwrap();
    let row = |pair: &[Value]| {
        let key = redis::from_redis_value(pair[0].clone()).unwrap();
        (key, redis::from_redis_value(pair[1].clone()).unwrap())
    };
    rows[1..].chunks_exact(2).map(row).collect()
}

fn search(
    connection: &mut Connection,
    query: &str,
    more: &[&[u8]],
) -> Vec<(String, HashMap<String, String>)> {
    let mut command = cmd("FT.SEARCH");
    command.arg("sensors").arg(query).arg(more).arg(&["LIMIT", "0", "20", "DIALECT", "2"]);
    found(command.query(connection).unwrap())
}

#[test]
fn documents() -> Outcome<()> {
    tell(|story, connection| {
        let parsed = |text: String| serde_json::from_str::<Json>(&text).unwrap();
        let one = &story.sensors["s01"];
        let () = connection.json_set("one", "$", one).unwrap();
        assert_eq!(parsed(connection.json_get("one", "$").unwrap()), json!([one]));
        let several: String = connection.json_get("one", &["$.kind", "$.limits.high"]).unwrap();
        assert_eq!(parsed(several), json!({"$.kind": ["rain"], "$.limits.high": [1.5]}));
        let () = connection.json_num_incr_by("one", "$.readings", 3).unwrap();
        let lengths: Vec<i64> = connection.json_arr_append("one", "$.labels", &"new").unwrap();
        assert_eq!(lengths, [3]);
        let places: Vec<i64> = connection.json_arr_index("one", "$.labels", &"new").unwrap();
        assert_eq!(places, [2]);
        let popped: Vec<String> = connection.json_arr_pop("one", "$.labels", 0).unwrap();
        assert_eq!(popped, ["\"garden\""]);
        let toggled: Vec<i64> = connection.json_toggle("one", "$.active").unwrap();
        assert_eq!(toggled, [0]);
        let keys: Vec<Vec<String>> = connection.json_obj_keys("one", "$.limits").unwrap();
        assert_eq!(keys, [["low", "high"]]);
        let deleted: i64 = connection.json_del("one", "$.signature").unwrap();
        assert_eq!(deleted, 1);
        let () = connection.json_mset(&[("two", "$", &story.sensors["s02"])]).unwrap();
        let kinds: Vec<Option<String>> =
            connection.json_mget(&["one", "two", "no"], "$.kind").unwrap();
        assert_eq!(kinds, [Some("[\"rain\"]".into()), Some("[\"heat\"]".into()), None]);
        let expected = json!([{
            "name": "sensor 1", "kind": "rain", "town": "berlin", "floor": 1, "place": "13.4,52.52",
            "labels": ["roof", "new"], "readings": 3, "limits": {"low": -1, "high": 1.5},
            "active": false,
        }]);
        assert_eq!(parsed(connection.json_get("one", "$").unwrap()), expected);
    })
}

#[test]
fn messages_are_counted_once() -> Outcome<()> {
    tell(|story, connection| {
        fill(story, connection);
        connection.bf_reserve("seen", 0.0001, 1000).unwrap();
        let mut repeated = Vec::new();
        for message in &story.messages {
            if !connection.bf_add("seen", &message.id).unwrap() {
                repeated.push(message.id.clone());
                continue;
            }
            let mut pipe = redis::pipe();
            pipe.atomic().json_num_incr_by(key(&message.sensor), "$.readings", 1).unwrap().ignore();
            pipe.cmd("TS.ADD").arg(format!("value:{}", message.sensor));
            pipe.arg(message.time).arg(message.value);
            let (time,): (i64,) = pipe.query(connection).unwrap();
            assert_eq!(time, message.time);
        }
        assert_eq!(repeated, story.expected.repeated);
        assert_eq!(connection.bf_card("seen").unwrap(), story.distinct());
        assert_eq!(connection.bf_mexists("seen", &["m001", "m049"]).unwrap(), [true, false]);
        let items = connection.bf_info_type("seen", BloomFilterInfoType::Items).unwrap();
        assert_eq!(*items, 48.0);
        for (sensor, readings) in &story.expected.readings {
            let counted: String = connection.json_get(key(sensor), "$.readings").unwrap();
            assert_eq!(counted, format!("[{readings}]"));
        }
        let full = search(connection, "@readings:[16 16]", &[]);
        assert_eq!(names(full.into_iter().map(|one| one.0)), ["s01", "s02", "s03"]);
        let samples: Vec<(i64, f64)> =
            cmd("TS.RANGE").arg("value:s01").arg("-").arg("+").query(connection).unwrap();
        assert_eq!(samples, story.samples("s01"));
    })
}

#[test]
fn a_filter_is_copied_by_its_chunks() -> Outcome<()> {
    tell(|_, connection| {
        assert_eq!(connection.bf_insert("seen", &["a", "b", "a"]).unwrap(), [true, true, false]);
        let mut place = 0;
        loop {
            let chunk = connection.bf_scandump("seen", place).unwrap();
            place = chunk.iterator;
            if place == 0 {
                break;
            }
            connection.bf_loadchunk("copy", chunk).unwrap();
        }
        assert_eq!(connection.bf_mexists("copy", &["a", "b", "c"]).unwrap(), [true, true, false]);
    })
}

#[test]
fn searches() -> Outcome<()> {
    tell(|story, connection| {
        fill(story, connection);
        for (query, expected) in &story.expected.searches {
            let rows = search(connection, query, &[]);
            for (key, fields) in &rows {
                let document: Json = serde_json::from_str(&fields["$"]).unwrap();
                assert_eq!(document, story.sensors[key.trim_start_matches("sensor:")]);
            }
            assert_eq!(names(rows.into_iter().map(|one| one.0)), *expected, "{query}");
        }
        let (query, near) = (story.query(), &story.expected);
        for (filter, expected) in [("*", &near.nearest), ("@kind:{rain}", &near.nearest_rain)] {
            let knn = format!("({filter})=>[KNN {} @signature $v AS d]", expected.len());
            let more: [&[u8]; 9] =
                [b"PARAMS", b"2", b"v", &query, b"SORTBY", b"d", b"RETURN", b"1", b"d"];
            let rows = search(connection, &knn, &more);
            let row = |(key, fields): (String, HashMap<String, String>)| {
                (key.trim_start_matches("sensor:").to_owned(), fields["d"].parse().unwrap())
            };
            assert_eq!(rows.into_iter().map(row).collect::<Vec<_>>(), *expected);
        }
    })
}

/// The samples of the only series of TS.MRANGE, which come last in either protocol.
fn samples_of_one(reply: Value) -> Vec<(i64, f64)> {
    let one = if let Value::Map(mut pairs) = reply {
        pairs.pop().unwrap().1
    } else {
        redis::from_redis_value::<Vec<Value>>(reply).unwrap().pop().unwrap()
    };
    let mut parts: Vec<Value> = redis::from_redis_value(one).unwrap();
    redis::from_redis_value(parts.pop().unwrap()).unwrap()
}

#[test]
fn series() -> Outcome<()> {
    tell(|story, connection| {
        for sensor in story.expected.minutes.keys() {
            let (value, minute) = (format!("value:{sensor}"), format!("minute:{sensor}"));
            let mut pipe = redis::pipe();
            pipe.cmd("TS.CREATE").arg(&value).arg(&["LABELS", "per", "message"]);
            pipe.cmd("TS.CREATE").arg(&minute).arg(&["LABELS", "per", "minute"]);
            pipe.cmd("TS.CREATERULE").arg(&value).arg(&minute).arg("AGGREGATION");
            pipe.arg("avg").arg(MINUTE);
            pipe.exec(connection).unwrap();
            let mut madd = cmd("TS.MADD");
            for (time, value_) in story.samples(sensor) {
                madd.arg(&value).arg(time).arg(value_);
            }
            let times: Vec<i64> = madd.query(connection).unwrap();
            assert_eq!(times.len(), story.samples(sensor).len());
            let mut range = cmd("TS.RANGE");
            range.arg(&minute).arg("-").arg("+");
            let closed: Vec<(i64, f64)> = range.query(connection).unwrap();
            assert_eq!(closed, story.closed(sensor));
            let mut range = cmd("TS.RANGE");
            range.arg(&value).arg("-").arg("+").arg("AGGREGATION").arg("avg").arg(MINUTE);
            let minutes: Vec<(i64, f64)> = range.query(connection).unwrap();
            assert_eq!(minutes, story.expected.minutes[sensor]);
        }
        let mut highest = cmd("TS.MRANGE");
        highest.arg(&["-", "+", "AGGREGATION", "max"]).arg(MINUTE);
        highest.arg(&["FILTER", "per=message", "GROUPBY", "per", "REDUCE", "max"]);
        assert_eq!(samples_of_one(highest.query(connection).unwrap()), story.expected.highest);
        let keys: std::collections::BTreeSet<String> =
            cmd("TS.QUERYINDEX").arg("per=minute").query(connection).unwrap();
        assert_eq!(
            keys.into_iter().collect::<Vec<_>>(),
            ["minute:s01", "minute:s02", "minute:s03"]
        );
    })
}

/// The connection that many tasks share, with answers in the order of its own bookkeeping.
#[test]
fn the_multiplexed_connection() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    each(|story, server| {
        let url = format!("redis://127.0.0.1:{}/?protocol=resp3", server.port());
        runtime.block_on(async {
            use redis::{AsyncTypedCommands, JsonAsyncCommands};
            let client = redis::Client::open(url).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            let tasks = story.sensors.iter().map(|(sensor, document)| {
                let (mut connection, sensor) = (connection.clone(), sensor.clone());
                let document = document.clone();
                tokio::spawn(async move {
                    let () = connection.json_set(key(&sensor), "$", &document).await.unwrap();
                    assert!(connection.bf_add("seen", &sensor).await.unwrap());
                    let read: String = connection.json_get(key(&sensor), ".").await.unwrap();
                    assert_eq!(serde_json::from_str::<Json>(&read).unwrap(), document);
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
            assert_eq!(connection.bf_card("seen").await.unwrap(), story.sensors.len());
        });
        Ok(())
    })
}
