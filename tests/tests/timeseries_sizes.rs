//! Commands of millions of words and of megabytes: answered in a time that grows no faster than they
//! do, and nothing of them is left.

use std::time::Duration;

use keyspan_tests::{
    Client, Failure, Outcome, Server, Spec, ensure, on_each_server,
    refusal::{used_memory, within_patience},
    same, servers,
};

fn timeseries(spec: Spec) -> Spec {
    spec.module("timeseries", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

/// Seconds of a processor that the server has had.
fn cpu_seconds(client: &mut Client) -> Outcome<f64> {
    let field = |client: &mut Client, name: &str| {
        let text = client.info(name)?;
        text.parse::<f64>().map_err(|_| Failure::new(text))
    };
    Ok(field(client, "used_cpu_user")? + field(client, "used_cpu_sys")?)
}

/// Runs a command of millions of bytes or words. What is measured is not how long that takes, which is
/// the machine's and the client's affair too, but how long the server works on it: a second is what
/// such commands take, and anything squared is far beyond.
fn large(client: &mut Client, words: &[Vec<u8>]) -> Outcome<Vec<u8>> {
    client.set_patience(Duration::from_secs(600));
    let before = cpu_seconds(client)?;
    let reply = client.call(words)?;
    let took = cpu_seconds(client)? - before;
    let shown = words.first().map(|word| word.escape_ascii().to_string()).unwrap_or_default();
    ensure(took < 12.0, || format!("{shown} of {} words took {took} s", words.len()))?;
    Ok(reply)
}

/// Runs a command whose reply is as large, and has the server keep that to itself.
fn unread(client: &mut Client, line: &str) -> Outcome<()> {
    let before = cpu_seconds(client)?;
    client.send(&["CLIENT", "REPLY", "SKIP"])?;
    client.send(&line.split(' ').collect::<Vec<_>>())?;
    client.expect("PING", "+PONG")?;
    let took = cpu_seconds(client)? - before;
    ensure(took < 12.0, || format!("{line} took {took} s"))
}

/// The whole number of things on one server, a twentieth of them on the others: the client takes longer
/// for them than the server.
fn whole_on_one(server: &Server, count: usize) -> Outcome<usize> {
    let is_first = servers()?.first() == Some(&server.name());
    Ok(if is_first { count } else { count / 20 })
}

fn many(head: &[&str], count: usize, word: impl Fn(usize) -> Vec<u8>) -> Vec<Vec<u8>> {
    let head = head.iter().map(|word| word.as_bytes().to_vec());
    head.chain((0..count).map(word)).collect()
}

#[test]
fn a_million_labels() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        let label = |place: usize| {
            let kind = if place.is_multiple_of(2) { "l" } else { "v" };
            format!("{kind}{}", place / 2).into_bytes()
        };
        let count = whole_on_one(server, 2_000_000)?;
        let create = many(&["TS.CREATE", "k", "LABELS"], count, label);
        let reply = large(&mut client, &create)?;
        if reply == b"+OK\r\n" {
            let last = count / 2 - 1;
            let found = format!("TS.QUERYINDEX l{last}=v{last} l5=v5 l6!= l7!=x");
            client.expect(&found, "*1\r\n$1\r\nk")?;
            for line in ["TS.INFO k", "TS.MGET WITHLABELS FILTER l5=v5", "TS.QUERYLABELS LABELS"] {
                unread(&mut client, line)?;
            }
            client.expect("COPY k c", ":1")?;
            client.expect("RENAME c r", "+OK")?;
            client.expect("TS.ALTER r LABELS one 1", "+OK")?;
            client.expect("DEBUG RELOAD", "+OK")?;
            client.expect("TS.QUERYINDEX l5=v5", "*1\r\n$1\r\nk")?;
            client.expect("DEL k r", ":2")?;
        }
        // As many times the same one.
        let same = many(&["TS.CREATE", "k", "LABELS"], count, |place| label(place % 2));
        large(&mut client, &same)?;
        client.line("DEL k")?;
        client.expect("TS.QUERYINDEX l5=v5", "*0")?;
        client.expect("TS.QUERYLABELS LABELS", "*0")
    })
}

#[test]
fn filters_of_a_megabyte() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.CREATE k LABELS a v7 b x", "+OK")?;
        let values: Vec<String> = (0..200_000).map(|value| format!("v{value}")).collect();
        let list = values.join(",");
        let query = |client: &mut Client, filter: &str| {
            within_patience(client, &[b"TS.QUERYINDEX", filter.as_bytes()])
        };
        same(
            &query(&mut client, &format!("a=({list})"))?,
            b"*1\r\n$1\r\nk\r\n",
            "a list of values",
        )?;
        let other = [b"TS.QUERYINDEX".as_slice(), b"b=x", &format!("a!=({list})").into_bytes()]
            .map(<[u8]>::to_vec);
        same(&large(&mut client, &other)?, b"*0\r\n", "a list of other values")?;
        let long = "x".repeat(1 << 20);
        for filter in [
            format!("a={long}"),
            format!("{long}=a"),
            format!("a=({}", ",".repeat(1 << 20)),
            format!("a=({})", ",".repeat(1 << 20)),
            format!("a={}", "(".repeat(1 << 20)),
            format!("a=({})", "\"".repeat(1 << 20)),
            format!("a{}", "=".repeat(1 << 20)),
            format!("a{}=b", "!".repeat(1 << 20)),
            format!("a=({long}"),
            long.clone(),
        ] {
            let reply = query(&mut client, &filter)?;
            let plain = reply == b"*0\r\n" || reply.starts_with(b"-");
            ensure(plain, || format!("{:.20}: {}", filter, reply.escape_ascii()))?;
        }
        // Many matchers, each of which finds everything or nothing.
        let matchers = many(&["TS.QUERYINDEX", "b=x"], 200_000, |place| {
            (if place.is_multiple_of(2) { "a!=" } else { "c=" }).into()
        });
        same(&large(&mut client, &matchers)?, b"*1\r\n$1\r\nk\r\n", "many matchers")
    })
}

#[test]
fn a_million_moments_to_filter_by() -> Outcome<()> {
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        let samples = many(&["TS.MADD"], 30_000, |place| match place % 3 {
            0 => b"k".to_vec(),
            1 => (place / 3 * 10).to_string().into_bytes(),
            _ => b"1.5".to_vec(),
        });
        client.expect("TS.CREATE k LABELS a b", "+OK")?;
        large(&mut client, &samples)?;
        let count = whole_on_one(server, 1_000_000)?;
        let moment = |place: usize| ((count - place) / 2).to_string().into_bytes();
        for head in [
            &["TS.RANGE", "k", "-", "+", "FILTER_BY_TS"][..],
            &["TS.REVRANGE", "k", "5000", "50000", "COUNT", "5", "FILTER_BY_TS"],
            &["TS.RANGE", "k", "-", "+", "AGGREGATION", "avg", "7", "EMPTY", "FILTER_BY_TS"],
        ] {
            large(&mut client, &many(head, count, moment))?;
            client.expect("PING", "+PONG")?;
        }
        let mut line = many(&["TS.MRANGE", "-", "+", "FILTER_BY_TS"], count, moment);
        line.extend([b"FILTER".to_vec(), b"a=b".to_vec()]);
        large(&mut client, &line)?;
        client.expect("PING", "+PONG")
    })
}

/// An argument of 100 MB in each place of each command; of 5 MB on all servers but one.
#[test]
fn arguments_of_100_megabytes() -> Outcome<()> {
    const LINES: [&str; 14] = [
        "TS.ADD k @ 1",
        "TS.ADD k 5 @",
        "TS.ADD k 5 1 ON_DUPLICATE @",
        "TS.CREATE @",
        "TS.CREATE n LABELS @ v",
        "TS.CREATE m LABELS l @",
        "TS.INCRBY k @",
        "TS.RANGE k - @",
        "TS.RANGE k - + AGGREGATION @ 5",
        "TS.QUERYINDEX @",
        "TS.MRANGE - + FILTER a=b GROUPBY @ REDUCE max",
        "TS.MGET SELECTED_LABELS @ FILTER a=b",
        "TS.QUERYLABELS VALUES @",
        "TS.CREATERULE k d AGGREGATION avg @",
    ];
    on_each_server(timeseries, |server| {
        let mut client = server.client()?;
        client.expect("TS.CREATE k LABELS a b", "+OK")?;
        client.expect("TS.CREATE d", "+OK")?;
        let used = used_memory(&mut client)?;
        let length = whole_on_one(server, 100 << 20)?;
        for byte in [b"1", b"x"] {
            let long = byte.repeat(length);
            for line in LINES {
                let words = line
                    .split(' ')
                    .map(|word| if word == "@" { long.clone() } else { word.into() });
                large(&mut client, &words.collect::<Vec<_>>())
                    .map_err(|failure| failure.during(line))?;
                client.expect("PING", "+PONG")?;
                // Labels and keys of that size are allowed; they go again.
                same(
                    &client.call(&[b"DEL".as_slice(), &long, b"n", b"m"])?.split_off(2),
                    b"\r\n",
                    "DEL",
                )?;
            }
        }
        client = server.client()?;
        let left = used_memory(&mut client)? - used;
        ensure(left < 8 << 20, || format!("{left} bytes are left"))
    })
}
