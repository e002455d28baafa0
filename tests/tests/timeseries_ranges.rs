//! Long ranges, of which many lines are handed to the server at once: the same bytes, whoever asks.

use std::fmt::Write as _;

use keyspan_tests::{
    Client, Outcome, Protocol, Value,
    bloom::{fails, succeeds},
    ensure, on_each_server, same, timeseries,
};

/// Samples of each series: several parts, and more than is read on the main thread.
const SAMPLES: u64 = 25_000;
const START: u64 = 1_699_999_990_000;

/// The text of each sample's value.
fn text(index: u64) -> String {
    match index % 4 {
        0 => format!("{}", index / 4),
        1 => format!("-{}.5", index),
        2 => format!("{}.123456789", 1 + index % 90),
        _ => format!("1.{:03}E-1", 1 + 2 * (index % 400)),
    }
}

fn fill(client: &mut Client) -> Outcome<()> {
    for key in ["p", "q"] {
        client.expect(&format!("TS.CREATE {key} LABELS l v"), "+OK")?;
        for batch in 0..SAMPLES / 1000 {
            let mut line = "TS.MADD".to_owned();
            for index in batch * 1000..(batch + 1) * 1000 {
                let _ = write!(line, " {key} {} {}", START + index, text(index).replace('E', "e"));
            }
            succeeds(client, &line)?;
        }
    }
    Ok(())
}

/// The rows of the first samples, line by line.
fn rows(count: u64) -> String {
    let row = |index: u64| format!("*2\r\n:{}\r\n+{}\r\n", START + index, text(index));
    format!("*{count}\r\n{}", (0..count).map(row).collect::<String>())
}

#[test]
fn long_ranges_are_the_same_bytes_for_everybody() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        // The first one in a script: the server is then asked from there what it does.
        for count in [2, 1, 100, 1000, SAMPLES] {
            let (range, expected) = (format!("TS.RANGE p - + COUNT {count}"), rows(count));
            let script = range.replace(' ', "','");
            let line = format!("EVAL \"return redis.call('{script}')\" 0");
            same(&client.line(&line)?, expected.as_bytes(), &line)?;
            same(&client.line(&range)?, expected.as_bytes(), &range)?;
            client.expect("MULTI", "+OK")?;
            client.expect(&range, "+QUEUED")?;
            client.expect("PING", "+QUEUED")?;
            let both = format!("*2\r\n{expected}+PONG\r\n");
            same(&client.line("EXEC")?, both.as_bytes(), "EXEC")?;
        }
        // From another thread.
        let expected = rows(SAMPLES);
        let many =
            format!("*2\r\n*3\r\n$1\r\np\r\n*0\r\n{expected}*3\r\n$1\r\nq\r\n*0\r\n{expected}");
        same(&client.line("TS.MRANGE - + FILTER l=v")?, many.as_bytes(), "TS.MRANGE")?;
        let pairs = client.line("TS.NRANGE 2 p q - + COUNT 2")?;
        let (first, second) = (format!(":{START}"), format!(":{}", START + 1));
        let nested = format!(
            "*2\r\n*2\r\n{first}\r\n*2\r\n+0\r\n+0\r\n*2\r\n{second}\r\n*2\r\n+-1.5\r\n+-1.5\r\n"
        );
        same(&pairs, nested.as_bytes(), "TS.NRANGE")?;
        let mut newer = server.client_in(Protocol::Resp3)?;
        let reply = newer.value("TS.RANGE p - + COUNT 2")?;
        let is_double = |row: &Value| Ok(matches!(row.elements()?, [_, Value::Double(_)]));
        let all: Outcome<Vec<bool>> = reply.elements()?.iter().map(is_double).collect();
        ensure(all? == [true, true], || format!("RESP3: {reply}"))
    })
}

#[test]
fn limits_of_replies_hold_for_long_ranges() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        client.expect("CONFIG SET client-output-buffer-limit \"normal 100000 0 0\"", "+OK")?;
        let mut greedy = server.client()?;
        ensure(greedy.line("TS.RANGE p - +").is_err(), || "a reply beyond the limit".into())?;
        let mut silent = server.client()?;
        silent.send(&["CLIENT", "REPLY", "SKIP"])?;
        silent.send(&["TS.RANGE", "p", "-", "+", "COUNT", "1000"])?;
        silent.expect("PING", "+PONG")?;
        same(&client.line("TS.RANGE p - + COUNT 1000")?, rows(1000).as_bytes(), "TS.RANGE")?;
        fails(&mut client, "TS.RANGE p")
    })
}
