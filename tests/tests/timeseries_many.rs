//! Queries over many series: in order, held to rules and limits, however many they are.

use std::time::Duration;

use keyspan_tests::{
    Client, Outcome, Value, acl, ensure, on_each_server, same, servers, timeseries,
};

/// Series `k0` to `k<count>`, made from the last to the first, each with one sample.
fn make(client: &mut Client, count: usize) -> Outcome<()> {
    let keys: Vec<String> = (0..count).rev().map(|index| format!("k{index}")).collect();
    for batch in keys.chunks(500) {
        for key in batch {
            let number = key.get(1..).unwrap_or_default();
            let line = format!("TS.ADD {key} {number} {number} LABELS all x number {number}");
            client.send(&line.split(' ').collect::<Vec<_>>())?;
        }
        for key in batch {
            let expected = format!(":{}\r\n", key.get(1..).unwrap_or_default());
            same(&client.reply()?, expected.as_bytes(), "TS.ADD")?;
        }
    }
    Ok(())
}

/// What queries over all series reply, with no key, label or sample in the wrong place.
fn check(client: &mut Client, count: usize) -> Outcome<()> {
    let mut keys: Vec<String> = (0..count).map(|index| format!("k{index}")).collect();
    keys.sort();
    let all = |one: &dyn Fn(&str, &str) -> String| {
        let replies = keys.iter().map(|key| one(key, key.get(1..).unwrap_or_default()));
        format!("*{count}\r\n{}", replies.collect::<String>())
    };
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let sample = |number: &str| format!("*2\r\n:{number}\r\n+{number}\r\n");
    let names = all(&|key, _| bulk(key));
    let bare = all(&|key, number| format!("*3\r\n{}*0\r\n{}", bulk(key), sample(number)));
    let selected = all(&|key, number| {
        let labels =
            format!("*2\r\n*2\r\n$1\r\nz\r\n$-1\r\n*2\r\n$6\r\nnumber\r\n{}", bulk(number));
        format!("*3\r\n{}{labels}{}", bulk(key), sample(number))
    });
    let labelled = all(&|key, number| {
        let first = "*2\r\n$3\r\nall\r\n$1\r\nx\r\n";
        let labels = format!("*2\r\n{first}*2\r\n$6\r\nnumber\r\n{}", bulk(number));
        format!("*3\r\n{}{labels}*1\r\n{}", bulk(key), sample(number))
    });
    let lines = [
        ("TS.QUERYINDEX all=x", names),
        ("TS.MGET FILTER all=x", bare.clone()),
        ("TS.MGET LATEST FILTER all=x", bare),
        ("TS.MGET SELECTED_LABELS z number FILTER all=x", selected),
        ("TS.MRANGE - + WITHLABELS FILTER all=x", labelled),
    ];
    for (line, expected) in lines {
        let reply = client.line(line)?;
        ensure(reply == expected.as_bytes(), || {
            format!("{line} of {count}: {:.300}", reply.escape_ascii().to_string())
        })?;
        client.expect("MULTI", "+OK")?;
        client.expect(line, "+QUEUED")?;
        let reply = client.line("EXEC")?;
        ensure(reply.ends_with(expected.as_bytes()), || format!("{line} of {count} in MULTI"))?;
    }
    Ok(())
}

/// On both sides of the number from which other threads put keys in order.
#[test]
fn many_series_are_told_in_order() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        for count in [1_999, 2_001, 11_000] {
            client.expect("FLUSHALL", "+OK")?;
            make(&mut client, count)?;
            check(&mut client, count)?;
        }
        client.expect("EVAL \"return #redis.call('TS.MGET', 'FILTER', 'all=x')\" 0", ":11000")?;
        let mut reader = acl::user(server, "reader", "~k* +ts.mget +ts.mrange")?;
        acl::allowed(&mut reader, "TS.MGET FILTER all=x")?;
        let mut other = acl::user(server, "other", "~k1* +ts.mget +ts.mrange")?;
        for line in ["TS.MGET FILTER all=x", "TS.MRANGE - + FILTER all=x"] {
            acl::refused(&mut other, line)?;
        }
        acl::allowed(&mut other, "TS.MGET FILTER all=x number=(1,10,100)")
    })
}

/// One series may have some tens of millions of buckets of nothing, and so may a thousand together. On
/// one server: it is the module that counts, and takes a second for each of these.
#[test]
fn empty_buckets_of_all_series_have_a_limit() -> Outcome<()> {
    const TOO_MANY: &str = "-ERR TSDB: EMPTY asks for too many buckets";
    on_each_server(timeseries::spec, |server| {
        if servers()?.first() != Some(&server.name()) {
            return Ok(());
        }
        let mut client = server.client()?;
        client.set_patience(Duration::from_secs(600));
        for key in 0..3 {
            let last = 1 << 24;
            client.expect(&format!("TS.CREATE s{key} LABELS l v"), "+OK")?;
            client.expect(
                &format!("TS.MADD s{key} 1 1 s{key} {last} 1"),
                &format!("*2\r\n:1\r\n:{last}"),
            )?;
        }
        for line in [
            "TS.MRANGE - + AGGREGATION sum 1 EMPTY FILTER l=v",
            "TS.RANGE s0 - + AGGREGATION sum,min,max 1 EMPTY",
            "TS.NRANGE 3 s0 s1 s2 - + AGGREGATION sum sum sum 1 EMPTY",
        ] {
            client.expect(line, TOO_MANY)?;
        }
        let few = client.value("TS.MRANGE - + COUNT 5 AGGREGATION sum 1 EMPTY FILTER l=v")?;
        let rows = few.elements()?.iter().map(|one| {
            Ok(one.elements()?.last().map(Value::elements).transpose()?.map_or(0, <[Value]>::len))
        });
        let rows: Vec<usize> = rows.collect::<Outcome<_>>()?;
        ensure(rows == [5; 3], || format!("{rows:?}"))?;
        client.expect("PING", "+PONG")
    })
}
