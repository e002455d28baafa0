//! Bad input in commands: the exact error, nothing changed or allocated, the server alive, and soon.

use keyspan_tests::{
    Client, Failure, Outcome, Protocol, Spec, Value, ensure, on_each_server,
    refusal::{refused, refused_line, within_patience},
    same,
};

fn timeseries(spec: Spec) -> Spec {
    spec.module("timeseries", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

/// The greatest moment that there is.
const END: &str = "9223372036854775807";

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

/// Answers, soon, whatever it says; not with so much that no client could read it.
fn answers(client: &mut Client, line: &str) -> Outcome<Value> {
    let reply = within_patience(client, &words(line)).map_err(|failure| failure.during(line))?;
    ensure(reply.len() < 64 << 20, || format!("{line}: a reply of {} bytes", reply.len()))?;
    Value::decode(&reply)
}

/// `k` with samples at both ends of time, `d` that is made of it.
fn both_ends(client: &mut Client) -> Outcome<()> {
    client.expect("TS.CREATE k DUPLICATE_POLICY LAST LABELS a b", "+OK")?;
    client.expect("TS.CREATE d", "+OK")?;
    client.expect("TS.CREATERULE k d AGGREGATION twa 1000", "+OK")?;
    client.expect("TS.ADD k 0 1", ":0")?;
    client.expect("TS.ADD k 5 2", ":5")?;
    client.expect(&format!("TS.ADD k {END} 3"), &format!(":{END}"))
}

#[test]
fn moments_that_are_none_are_refused() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.ADD k 5 1", ":5")?;
        let invalid = "ERR TSDB: invalid timestamp";
        for moment in
            ["9223372036854775808", "18446744073709551615", "1e3", "5.0", "0x5", "+5x", "nan"]
        {
            refused_line(&mut client, &format!("TS.ADD k {moment} 1"), invalid)?;
            let reply = client.value(&format!("TS.MADD k {moment} 1 k {moment} 2"))?;
            let error = Value::Error(invalid.to_owned());
            ensure(reply == Value::Array(vec![error.clone(), error]), || {
                format!("{moment}: {reply}")
            })?;
            refused_line(&mut client, &format!("TS.INCRBY k 1 TIMESTAMP {moment}"), invalid)?;
            refused_line(
                &mut client,
                &format!("TS.RANGE k {moment} +"),
                "ERR TSDB: wrong fromTimestamp",
            )?;
            refused_line(
                &mut client,
                &format!("TS.RANGE k - {moment}"),
                "ERR TSDB: wrong toTimestamp",
            )?;
            refused_line(
                &mut client,
                &format!("TS.DEL k {moment} 9"),
                "ERR TSDB: wrong fromTimestamp",
            )?;
            refused_line(
                &mut client,
                &format!("TS.DEL k 1 {moment}"),
                "ERR TSDB: wrong toTimestamp",
            )?;
        }
        let negative = "ERR TSDB: invalid timestamp, must be a nonnegative integer";
        for moment in ["-1", "-9223372036854775808"] {
            refused_line(&mut client, &format!("TS.ADD k {moment} 1"), negative)?;
        }
        client.expect("TS.RANGE k - +", "*1\r\n*2\r\n:5\r\n+1")
    })
}

#[test]
fn values_that_are_none_are_refused() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.ADD k 5 1", ":5")?;
        for value in
            ["inf", "-inf", "+Infinity", "1e400", "-1e309", "1e", "0x", "1,5", "12abc", "--1"]
        {
            refused_line(&mut client, &format!("TS.ADD k 6 {value}"), "ERR TSDB: invalid value")?;
            let reply = client.value(&format!("TS.MADD k 6 {value} none 6 {value}"))?;
            let errors = reply.elements()?.iter().all(|reply| matches!(reply, Value::Error(_)));
            ensure(errors, || format!("{value}: {reply}"))?;
            refused_line(&mut client, &format!("TS.INCRBY k {value} TIMESTAMP 9"), "")?;
        }
        for empty in
            [&["TS.ADD", "k", "6", ""][..], &["TS.ADD", "k", "", "1"], &["TS.INCRBY", "k", ""]]
        {
            let words: Vec<&[u8]> = empty.iter().map(|word| word.as_bytes()).collect();
            refused(&mut client, &words, "")?;
        }
        refused(&mut client, &[b"TS.ADD", b"k", b"6", b"1\0"], "ERR TSDB: invalid value")?;
        client.expect("TS.RANGE k - +", "*1\r\n*2\r\n:5\r\n+1")
    })
}

/// Doubles at their limits come back as they went in, however they are stored.
#[test]
fn values_at_the_limits_come_back() -> Outcome<()> {
    const VALUES: [f64; 13] = [
        0.0,
        -0.0,
        5e-324,
        -5e-324,
        1e-320,
        2.225_073_858_507_201_4e-308,
        f64::MIN_POSITIVE,
        1e308,
        f64::MAX,
        f64::MIN,
        f64::EPSILON,
        0.1,
        9_007_199_254_740_993.0,
    ];
    on_each_server(timeseries, |server| {
        for (key, encoding) in [("c", "COMPRESSED"), ("u", "UNCOMPRESSED")] {
            let mut client = server.client_in(Protocol::Resp3)?;
            client.expect(&format!("TS.CREATE {key} ENCODING {encoding} CHUNK_SIZE 48"), "+OK")?;
            for (at, value) in VALUES.iter().enumerate() {
                client.expect(&format!("TS.ADD {key} {at} {value:e}"), &format!(":{at}"))?;
            }
            client.expect("DEBUG RELOAD", "+OK")?;
            let mut client = server.client_in(Protocol::Resp3)?;
            for (at, value) in VALUES.iter().enumerate() {
                let reply = client.value(&format!("TS.RANGE {key} {at} {at}"))?;
                let [sample] = reply.elements()? else {
                    return Err(Failure::new(reply.to_string()));
                };
                let Some(Value::Double(text)) = sample.elements()?.last() else {
                    return Err(Failure::new(reply.to_string()));
                };
                let got: f64 = text.parse().map_err(|_| Failure::new(text.as_str()))?;
                ensure(got.to_bits() == value.to_bits(), || {
                    format!("{value:e} came back as {text}")
                })?;
            }
            // Sums beyond what a double holds are values too.
            for line in [
                format!("TS.RANGE {key} - + AGGREGATION sum,avg,range,var.p,std.s,twa 100"),
                format!("TS.RANGE {key} - + AGGREGATION avg,sum,min,max,first,last 1 EMPTY"),
            ] {
                answers(&mut client, &line)?;
            }
        }
        Ok(())
    })
}

/// A counter at its limit must not become a value that no sample can have.
#[test]
fn increases_beyond_all_doubles_are_refused_or_finite() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.ADD k 1 1.7e308 DUPLICATE_POLICY SUM", ":1")?;
        for line in [
            "TS.INCRBY k 1.7e308 TIMESTAMP 2",
            "TS.ADD k 1 1.7e308",
            "TS.DECRBY k -1.7e308 TIMESTAMP 3",
        ] {
            answers(&mut client, line)?;
        }
        // Whatever they did, it is kept as it is.
        let before = client.line("TS.RANGE k - +")?;
        client.expect("DEBUG RELOAD", "+OK")?;
        same(&client.line("TS.RANGE k - +")?, &before, "after DEBUG RELOAD")
    })
}

/// All of time in buckets of a second is more than any reply holds.
#[test]
fn both_ends_of_time_in_one_series() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        both_ends(&mut client)?;
        for aggregator in ["avg", "count", "last", "twa", "std.s", "countAll", "min,max,sum"] {
            for tail in [
                "",
                " EMPTY",
                " EMPTY COUNT 10",
                " BUCKETTIMESTAMP end",
                " BUCKETTIMESTAMP ~ EMPTY",
            ] {
                for length in ["1", "1000", "4611686018427387904", END] {
                    let query = format!("AGGREGATION {aggregator} {length}{tail}");
                    // COUNT stands before AGGREGATION as well as behind it.
                    for line in [
                        format!("TS.RANGE k - + {query}"),
                        format!("TS.REVRANGE k - + {query}"),
                        format!("TS.RANGE k 0 {END} ALIGN + {query}"),
                        format!("TS.RANGE k 0 {END} ALIGN {END} {query}"),
                        format!("TS.MRANGE - + {query} FILTER a=b"),
                        format!("TS.MREVRANGE - + {query} FILTER a=b GROUPBY a REDUCE max"),
                    ] {
                        answers(&mut client, &line)?;
                    }
                }
            }
        }
        for line in [
            "TS.RANGE d - + LATEST",
            "TS.GET d LATEST",
            "TS.INFO k DEBUG",
            "TS.DEL k 1 9",
            "TS.READ k -",
        ] {
            answers(&mut client, line)?;
        }
        client.expect(&format!("TS.RANGE k {END} +"), &format!("*1\r\n*2\r\n:{END}\r\n+3"))?;
        client.expect("DEBUG RELOAD", "+OK")?;
        client.expect("TS.GET k", &format!("*2\r\n:{END}\r\n+3"))
    })
}

#[test]
fn buckets_and_counts_at_their_limits() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.CREATE k LABELS a b", "+OK")?;
        client.expect("TS.CREATE d", "+OK")?;
        client.expect("TS.MADD k 10 1 k 20 2 k 30 4", "*3\r\n:10\r\n:20\r\n:30")?;
        let aggregation = "ERR TSDB: Couldn't parse AGGREGATION";
        let zero = "ERR TSDB: bucketDuration must be greater than zero";
        for (length, error) in [
            ("0", zero),
            ("9223372036854775808", aggregation),
            ("18446744073709551616", aggregation),
            ("1e3", aggregation),
        ] {
            for line in [
                format!("TS.RANGE k - + AGGREGATION avg {length}"),
                format!("TS.MRANGE - + AGGREGATION avg {length} FILTER a=b"),
                format!("TS.CREATERULE k d AGGREGATION avg {length}"),
            ] {
                refused_line(&mut client, &line, error)?;
            }
        }
        refused_line(&mut client, "TS.RANGE k - + AGGREGATION avg -5", "")?;
        client.expect(&format!("TS.RANGE k - + AGGREGATION sum {END}"), "*1\r\n*2\r\n:0\r\n+7")?;
        for (count, error) in [
            ("0", "ERR TSDB: Invalid COUNT value"),
            ("-1", ""),
            ("9223372036854775808", "ERR TSDB: Couldn't parse COUNT"),
            ("18446744073709551617", "ERR TSDB: Couldn't parse COUNT"),
        ] {
            refused_line(&mut client, &format!("TS.RANGE k - + COUNT {count}"), error)?;
            refused_line(
                &mut client,
                &format!("TS.MREVRANGE - + COUNT {count} FILTER a=b"),
                error,
            )?;
        }
        let all = client.line("TS.RANGE k - +")?;
        same(&client.line(&format!("TS.RANGE k - + COUNT {END}"))?, &all, "COUNT 2^63 - 1")?;
        for line in [
            "TS.NRANGE 9223372036854775807 k - +",
            "TS.NRANGE 4294967297 k - +",
            "TS.NRANGE 2147483648 k - +",
            "TS.NRANGE -1 k - +",
            "TS.NREVRANGE 18446744073709551616 k - +",
            "TS.READ k - MAX_COUNT 9223372036854775808",
            "TS.READ k $ BLOCK 9223372036854775808 1",
            "TS.READ k $ BLOCK -1 1",
        ] {
            refused_line(&mut client, line, "")?;
        }
        Ok(())
    })
}

/// Alignments, retentions and settings whose sums with moments have no place in 64 bits.
#[test]
fn sums_of_moments_that_wrap() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        for line in [
            format!(
                "TS.CREATE k RETENTION {END} DUPLICATE_POLICY LAST IGNORE {END} 1.7e308 LABELS a b"
            ),
            "TS.CREATE far".to_owned(),
            "TS.CREATE near".to_owned(),
            format!("TS.CREATERULE k far AGGREGATION twa {END} {END}"),
            format!("TS.CREATERULE k near AGGREGATION last 1 {END}"),
            "TS.ALTER k IGNORE 0 0".to_owned(),
        ] {
            client.expect(&line, "+OK")?;
        }
        for at in ["0", "1", "2", "9223372036854775805", "9223372036854775806", END, "4", "1"] {
            answers(&mut client, &format!("TS.ADD k {at} {at}"))?;
            answers(&mut client, &format!("TS.INCRBY k 1 TIMESTAMP {at}"))?;
        }
        for key in ["k", "far", "near"] {
            for line in [
                format!("TS.RANGE {key} - + LATEST"),
                format!(
                    "TS.REVRANGE {key} - + LATEST ALIGN {END} AGGREGATION twa {END} BUCKETTIMESTAMP end EMPTY"
                ),
                format!("TS.RANGE {key} - {END} ALIGN end AGGREGATION avg 3 BUCKETTIMESTAMP mid"),
                format!("TS.GET {key} LATEST"),
                format!("TS.INFO {key} DEBUG"),
            ] {
                answers(&mut client, &line)?;
            }
        }
        answers(&mut client, &format!("TS.DEL k 0 {END}"))?;
        for line in ["TS.RANGE far - + LATEST", "TS.RANGE near - +", "TS.GET k", "TS.ADD k 7 7"] {
            answers(&mut client, line)?;
        }
        client.expect("DEBUG RELOAD", "+OK")
    })
}

/// Keys, labels and filters of bytes that are no text, and of nothing.
#[test]
fn names_of_any_bytes() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        let odd: [&[u8]; 6] = [b"\xff\xfe", b"a\0b", b"\xc3\xff", b" ", b"\r\n", b"%s%n"];
        for key in odd {
            for label in odd {
                let create = [b"TS.CREATE".as_slice(), key, b"LABELS", label, key, b"all", b"yes"];
                let reply = client.call(&create)?;
                ensure(reply == b"+OK\r\n", || format!("{create:?}: {}", reply.escape_ascii()))?;
                let filter = [label, b"=", key].concat();
                let reply = Value::decode(&client.call(&[b"TS.QUERYINDEX".as_slice(), &filter])?)?;
                ensure(reply == Value::Array(vec![Value::Bulk(key.to_vec())]), || {
                    format!("{}: {reply}", filter.escape_ascii())
                })?;
                for words in [
                    &[b"TS.MGET".as_slice(), b"WITHLABELS", b"FILTER", &filter][..],
                    &[b"TS.MGET", b"SELECTED_LABELS", label, b"FILTER", &filter],
                    &[
                        b"TS.MRANGE",
                        b"-",
                        b"+",
                        b"FILTER",
                        &filter,
                        b"GROUPBY",
                        label,
                        b"REDUCE",
                        b"max",
                    ],
                    &[b"TS.QUERYLABELS", b"VALUES", label],
                    &[b"TS.INFO", key],
                ] {
                    let reply = within_patience(&mut client, words)?;
                    ensure(!reply.starts_with(b"-"), || reply.escape_ascii().to_string())?;
                }
                client.expect("DEBUG RELOAD", "+OK")?;
                same(&client.call(&[b"DEL".as_slice(), key])?, b":1\r\n", "DEL")?;
            }
        }
        client.expect("TS.QUERYINDEX all=yes", "*0")?;
        // An empty key is a key, an empty label no label.
        same(&client.call(&["TS.CREATE", ""])?, b"+OK\r\n", "an empty key")?;
        same(&client.call(&["TS.ADD", "", "1", "1"])?, b":1\r\n", "an empty key")?;
        refused(
            &mut client,
            &[b"TS.CREATE", b"k", b"LABELS", b"l", b""],
            "ERR TSDB: Couldn't parse LABELS",
        )?;
        within_patience(&mut client, &[b"TS.CREATE", b"k", b"LABELS", b"", b"v"])?;
        within_patience(&mut client, &[b"TS.QUERYINDEX", b"=v"])?;
        refused(&mut client, &[b"TS.QUERYINDEX", b""], "ERR TSDB: failed parsing labels")
    })
}

/// A rule to itself, to one that has a source, from one that has one; and what DEL and RENAME leave.
#[test]
fn rules_in_circles() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        for key in ["a", "b", "c"] {
            client.expect(&format!("TS.CREATE {key}"), "+OK")?;
        }
        client.expect("TS.CREATERULE a b AGGREGATION avg 10", "+OK")?;
        for (line, error) in [
            (
                "TS.CREATERULE a a AGGREGATION avg 10",
                "the source key and destination key should be different",
            ),
            ("TS.CREATERULE b a AGGREGATION avg 10", "the source key already has a source rule"),
            ("TS.CREATERULE b c AGGREGATION avg 10", "the source key already has a source rule"),
            ("TS.CREATERULE c a AGGREGATION avg 10", "the destination key already has a dst rule"),
            ("TS.CREATERULE c b AGGREGATION avg 10", "the destination key already has a src rule"),
        ] {
            refused_line(&mut client, line, &format!("ERR TSDB: {error}"))?;
        }
        // The key of the rule's series becomes another series, none, and one of another type.
        for (round, line) in [
            "DEL b",
            "RENAME c b",
            "RENAME a b",
            "COPY c b REPLACE",
            "SET b x",
            "FLUSHALL",
            "SWAPDB 0 1",
            "MOVE b 1",
        ]
        .into_iter()
        .enumerate()
        {
            client.line("FLUSHALL")?;
            for key in ["a", "b", "c"] {
                client.expect(&format!("TS.CREATE {key}"), "+OK")?;
            }
            client.expect("TS.CREATERULE a b AGGREGATION avg 10", "+OK")?;
            client.expect("TS.CREATERULE a c AGGREGATION twa 7", "+OK")?;
            client.line(line)?;
            for at in 0..40 {
                answers(&mut client, &format!("TS.ADD a {} {round}", at * 3))?;
                answers(&mut client, &format!("TS.ADD b {} {round}", at * 3))?;
            }
            for line in [
                "TS.DEL a 5 50",
                "TS.RANGE b - + LATEST",
                "TS.GET c LATEST",
                "TS.INFO a",
                "TS.INFO b",
                "TS.CREATERULE b a AGGREGATION sum 3",
                "TS.DELETERULE a b",
                "TS.DELETERULE a c",
            ] {
                answers(&mut client, line)?;
            }
            client.expect("DEBUG RELOAD", "+OK").map_err(|failure| failure.during(line))?;
        }
        Ok(())
    })
}

/// A series of a thousand rules: each sample goes to all of them, and each DEL makes them anew.
#[test]
fn a_thousand_rules() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.CREATE k DUPLICATE_POLICY LAST", "+OK")?;
        for number in 0..1_000 {
            client.expect(&format!("TS.CREATE d{number}"), "+OK")?;
            let line = format!("TS.CREATERULE k d{number} AGGREGATION std.p {}", number + 1);
            client.expect(&line, "+OK")?;
        }
        for at in 0..50 {
            answers(&mut client, &format!("TS.ADD k {} {at}", at * 100))?;
        }
        for line in
            ["TS.ADD k 5 5", "TS.DEL k 1000 2000", "TS.INFO k", "RENAME k other", "DEL other"]
        {
            answers(&mut client, line)?;
        }
        let info = answers(&mut client, "TS.INFO d5")?.to_string();
        ensure(info.contains("sourceKey, (nil)"), || info)
    })
}
