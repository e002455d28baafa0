//! fred does real work on every server, in both protocols.
//!
//! It has calls for JSON, search and series. For filters and sketches it has none, and its FT.SEARCH
//! counts PARAMS by pairs where the command wants words: those go through `custom`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic; that is how it fails"
)]

mod clients_story;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clients_story::{MINUTE, Story, each, key, names};
use fred::prelude::*;
use fred::types::redisearch::{
    FtCreateOptions, FtSearchOptions, IndexKind, SearchField, SearchSchema, SearchSchemaKind,
    SearchSortBy,
};
use fred::types::timeseries::{
    Aggregator, DuplicatePolicy, GetLabels, Reducer, Resp2TimeSeriesValues, Resp3TimeSeriesValues,
    Timestamp,
};
use fred::types::{ClusterHash, CustomCommand, RespVersion, SortOrder};
use keyspan_tests::Outcome;
use serde_json::{Value as Json, json};

const NONE: Option<String> = None;

/// Tells the story on every server in RESP2 and RESP3.
fn tell(body: impl AsyncFn(&Story, &Client)) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    each(|story, server| {
        for version in [RespVersion::RESP2, RespVersion::RESP3] {
            let mut config =
                Config::from_url(&format!("redis://127.0.0.1:{}", server.port())).unwrap();
            config.version = version;
            runtime.block_on(async {
                let client = Builder::from_config(config).build().unwrap();
                client.init().await.unwrap();
                let () = ask(&client, "FLUSHALL", vec![]).await;
                body(story, &client).await;
                client.quit().await.unwrap();
            });
        }
        Ok(())
    })
}

/// A command that fred has no call for.
async fn ask<R: FromValue>(client: &Client, command: &'static str, words: Vec<Value>) -> R {
    let command = CustomCommand::new_static(command, ClusterHash::FirstKey, false);
    client.custom(command, words).await.unwrap()
}

fn schema() -> Vec<SearchSchema> {
    let field = |path: &str, alias: &str, kind| SearchSchema {
        field_name: path.into(),
        alias: Some(alias.into()),
        kind,
    };
    let tag = || SearchSchemaKind::Tag {
        sortable: false,
        unf: false,
        separator: None,
        casesensitive: false,
        withsuffixtrie: false,
        noindex: false,
    };
    let number = |sortable| SearchSchemaKind::Numeric { sortable, unf: false, noindex: false };
    let words = ["HNSW", "6", "TYPE", "FLOAT32", "DIM", "8", "DISTANCE_METRIC", "L2"];
    let arguments = words.into_iter().map(Value::from).collect();
    vec![
        field("$.kind", "kind", tag()),
        field("$.town", "town", tag()),
        field("$.labels[*]", "labels", tag()),
        field("$.floor", "floor", number(true)),
        field("$.readings", "readings", number(false)),
        field(
            "$.place",
            "place",
            SearchSchemaKind::Geo { sortable: false, unf: false, noindex: false },
        ),
        field(
            "$.signature",
            "signature",
            SearchSchemaKind::Custom { name: "VECTOR".into(), arguments },
        ),
    ]
}

/// The documents of all sensors, and an index over them.
async fn fill(story: &Story, client: &Client) {
    let options = FtCreateOptions {
        on: Some(IndexKind::JSON),
        prefixes: vec!["sensor:".into()],
        ..FtCreateOptions::default()
    };
    let () = client.ft_create("sensors", options, schema()).await.unwrap();
    let pipeline = client.pipeline();
    for (sensor, document) in &story.sensors {
        let () = pipeline.json_set(key(sensor), "$", document.clone(), None).await.unwrap();
    }
    let replies: Vec<String> = pipeline.all().await.unwrap();
    assert!(replies.iter().all(|reply| reply == "OK"));
}

/// The keys that FT.SEARCH found with the fields it returned.
fn found(client: &Client, reply: Value) -> Vec<(String, HashMap<String, String>)> {
    if client.protocol_version() == RespVersion::RESP3 {
        let mut reply: HashMap<String, Value> = reply.convert().unwrap();
        let results: Vec<HashMap<String, Value>> =
            reply.remove("results").unwrap().convert().unwrap();
        let row = |mut one: HashMap<String, Value>| {
            let fields = one.remove("extra_attributes").unwrap().convert().unwrap();
            (one.remove("id").unwrap().convert().unwrap(), fields)
        };
        return results.into_iter().map(row).collect();
    }
    let rows = reply.into_array();
    let row =
        |pair: &[Value]| (pair[0].clone().convert().unwrap(), pair[1].clone().convert().unwrap());
    rows[1..].chunks_exact(2).map(row).collect()
}

#[test]
fn documents() -> Outcome<()> {
    tell(async |story, client| {
        let one = &story.sensors["s01"];
        let () = client.json_set("one", "$", one.clone(), None).await.unwrap();
        let whole: Json = client.json_get("one", NONE, NONE, NONE, "$").await.unwrap();
        assert_eq!(whole, json!([one]));
        let () = client.json_numincrby("one", "$.readings", 3).await.unwrap();
        let labels = vec![json!("\"new\"")];
        let length: i64 = client.json_arrappend("one", "$.labels", labels).await.unwrap();
        assert_eq!(length, 3);
        let popped: Json = client.json_arrpop("one", Some("$.labels"), Some(0)).await.unwrap();
        assert_eq!(popped, json!(["garden"]));
        let toggled: i64 = client.json_toggle("one", "$.active").await.unwrap();
        assert_eq!(toggled, 0);
        let () =
            client.json_merge("one", "$", json!({"limits": null, "owner": "Ann"})).await.unwrap();
        let deleted: i64 = client.json_del("one", "$.signature").await.unwrap();
        assert_eq!(deleted, 1);
        let kinds: Vec<Option<String>> =
            client.json_mget(vec!["one", "no"], "$.kind").await.unwrap();
        assert_eq!(kinds, [Some("[\"rain\"]".into()), None]);
        let whole: Json = client.json_get("one", NONE, NONE, NONE, "$").await.unwrap();
        let expected = json!([{
            "name": "sensor 1", "kind": "rain", "town": "berlin", "floor": 1, "place": "13.4,52.52",
            "labels": ["roof", "new"], "readings": 3, "active": false, "owner": "Ann",
        }]);
        assert_eq!(whole, expected);
    })
}

#[test]
fn messages_are_counted_once() -> Outcome<()> {
    tell(async |story, client| {
        fill(story, client).await;
        let () = ask(client, "BF.RESERVE", vec!["seen".into(), "0.0001".into(), 1000.into()]).await;
        let mut repeated = Vec::new();
        for message in &story.messages {
            let words = vec!["seen".into(), message.id.clone().into()];
            if !ask::<bool>(client, "BF.ADD", words).await {
                repeated.push(message.id.clone());
                continue;
            }
            let both = client.multi();
            let () = both.json_numincrby(key(&message.sensor), "$.readings", 1).await.unwrap();
            let series = format!("value:{}", message.sensor);
            let labels = ("sensor", message.sensor.as_str());
            let () = both
                .ts_add(series, message.time, message.value, None, None, None, None, labels)
                .await
                .unwrap();
            let (_, time): (Value, i64) = both.exec(true).await.unwrap();
            assert_eq!(time, message.time);
        }
        assert_eq!(repeated, story.expected.repeated);
        let counted: usize = ask(client, "BF.CARD", vec!["seen".into()]).await;
        assert_eq!(counted, story.distinct());
        for (sensor, readings) in &story.expected.readings {
            let path = "$.readings";
            let counted: Json = client.json_get(key(sensor), NONE, NONE, NONE, path).await.unwrap();
            assert_eq!(counted, json!([readings]));
        }
        let options = FtSearchOptions::default();
        let reply: Value = client.ft_search("sensors", "@readings:[16 16]", options).await.unwrap();
        let full = names(found(client, reply).into_iter().map(|one| one.0));
        assert_eq!(full, ["s01", "s02", "s03"]);
    })
}

#[test]
fn searches() -> Outcome<()> {
    tell(async |story, client| {
        fill(story, client).await;
        for (query, expected) in &story.expected.searches {
            let options = FtSearchOptions {
                limit: Some((0, 20)),
                dialect: Some(2),
                ..FtSearchOptions::default()
            };
            let reply: Value = client.ft_search("sensors", query.as_str(), options).await.unwrap();
            let rows = found(client, reply);
            for (key, fields) in &rows {
                let document: Json = serde_json::from_str(&fields["$"]).unwrap();
                assert_eq!(document, story.sensors[key.trim_start_matches("sensor:")]);
            }
            assert_eq!(names(rows.into_iter().map(|one| one.0)), *expected, "{query}");
        }
        let options = FtSearchOptions {
            sortby: Some(SearchSortBy {
                attribute: "floor".into(),
                order: Some(SortOrder::Desc),
                withcount: false,
            }),
            limit: Some((0, 2)),
            r#return: vec![SearchField { identifier: "floor".into(), property: None }],
            ..FtSearchOptions::default()
        };
        let reply: Value = client.ft_search("sensors", "@floor:[4 +inf]", options).await.unwrap();
        let floors = found(client, reply).into_iter().map(|(_, mut one)| one.remove("floor"));
        assert_eq!(floors.flatten().collect::<Vec<_>>(), ["5", "5"]);
        let indexes: BTreeSet<String> = client.ft_list().await.unwrap();
        assert_eq!(indexes, BTreeSet::from(["sensors".into()]));
        let towns: BTreeSet<String> = client.ft_tagvals("sensors", "town").await.unwrap();
        assert_eq!(towns, BTreeSet::from(["berlin".into(), "paris".into(), "potsdam".into()]));
    })
}

#[test]
fn the_nearest() -> Outcome<()> {
    tell(async |story, client| {
        fill(story, client).await;
        let near = &story.expected;
        for (filter, expected) in [("*", &near.nearest), ("@kind:{rain}", &near.nearest_rain)] {
            let knn = format!("({filter})=>[KNN {} @signature $v AS d]", expected.len());
            let mut words: Vec<Value> = vec!["sensors".into(), knn.into()];
            words.extend(["PARAMS", "2", "v"].map(Value::from));
            words.push(Value::Bytes(story.query().into()));
            words.extend(["SORTBY", "d", "RETURN", "1", "d", "DIALECT", "2"].map(Value::from));
            let rows = found(client, ask(client, "FT.SEARCH", words).await);
            let row = |(key, fields): (String, HashMap<String, String>)| {
                (key.trim_start_matches("sensor:").to_owned(), fields["d"].parse().unwrap())
            };
            assert_eq!(rows.into_iter().map(row).collect::<Vec<_>>(), *expected);
        }
    })
}

/// Several series by key, whichever the protocol.
fn several(client: &Client, reply: Value) -> BTreeMap<String, Vec<(i64, f64)>> {
    if client.protocol_version() == RespVersion::RESP2 {
        let list: Resp2TimeSeriesValues<String, String, String> = reply.convert().unwrap();
        return list.into_iter().map(|(key, _, samples)| (key, samples)).collect();
    }
    let map: BTreeMap<String, Vec<Value>> = reply.convert().unwrap();
    let samples = |mut parts: Vec<Value>| parts.pop().unwrap().convert().unwrap();
    map.into_iter().map(|(key, parts)| (key, samples(parts))).collect()
}

#[test]
fn series() -> Outcome<()> {
    tell(async |story, client| {
        for sensor in story.expected.minutes.keys() {
            let (value, minute) = (format!("value:{sensor}"), format!("minute:{sensor}"));
            let last = Some(DuplicatePolicy::Last);
            let labels = |per| vec![("per", per), ("sensor", sensor.as_str())];
            let () =
                client.ts_create(&value, None, None, None, last, labels("message")).await.unwrap();
            let () =
                client.ts_create(&minute, None, None, None, None, labels("minute")).await.unwrap();
            let rule = (Aggregator::Avg, MINUTE);
            let () = client.ts_createrule(&value, &minute, rule.clone(), None).await.unwrap();
            let samples = story.samples(sensor);
            let rows: Vec<_> = samples
                .iter()
                .map(|&(time, one)| (value.clone(), Timestamp::Custom(time), one))
                .collect();
            let times: Vec<i64> = client.ts_madd(rows).await.unwrap();
            assert_eq!(times, samples.iter().map(|one| one.0).collect::<Vec<_>>());
            let closed: Vec<(i64, f64)> =
                client.ts_range(&minute, "-", "+", false, [], None, None, None).await.unwrap();
            assert_eq!(closed, story.closed(sensor));
            let minutes: Vec<(i64, f64)> = client
                .ts_range(&value, "-", "+", false, [], None, None, Some(rule.into()))
                .await
                .unwrap();
            assert_eq!(minutes, story.expected.minutes[sensor]);
        }
        let per_minute = several(
            client,
            client
                .ts_mrange("-", "+", false, [], None, None, None, None, ["per=minute"], None)
                .await
                .unwrap(),
        );
        let sensors = story.expected.minutes.keys();
        let expected = sensors.map(|one| (format!("minute:{one}"), story.closed(one))).collect();
        assert_eq!(per_minute, expected);
        let bucket = Some((Aggregator::Max, MINUTE).into());
        let group = Some(("per", Reducer::Max).into());
        let highest = client
            .ts_mrange("-", "+", false, [], None, None, None, bucket, ["per=message"], group)
            .await
            .unwrap();
        let highest = several(client, highest);
        assert_eq!(highest["per=message"], story.expected.highest);
        let last: Value = client
            .ts_mget(false, Some(GetLabels::WithLabels), ["sensor=s02", "per=message"])
            .await
            .unwrap();
        assert_last(story, client, last);
        let keys: BTreeSet<String> = client.ts_queryindex(["per=minute"]).await.unwrap();
        assert_eq!(keys.len(), 3);
        let (first, _) = story.samples("s01")[0];
        let deleted: i64 = client.ts_del("value:s01", first, first).await.unwrap();
        assert_eq!(deleted, 1);
    })
}

/// The last sample of `s02`, in the types that fred has for each protocol.
fn assert_last(story: &Story, client: &Client, reply: Value) {
    let expected = *story.samples("s02").last().unwrap();
    if client.protocol_version() == RespVersion::RESP3 {
        let map: Resp3TimeSeriesValues<String, String, String> = reply.convert().unwrap();
        assert_eq!(map["value:s02"].1, [expected]);
    } else {
        let list: Resp2TimeSeriesValues<String, String, String> = reply.convert().unwrap();
        assert_eq!(list[0].0, "value:s02");
        assert_eq!(list[0].2, [expected]);
    }
}
