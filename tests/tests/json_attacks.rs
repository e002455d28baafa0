//! Bad input: the exact error, nothing changed, the server alive.

#![expect(clippy::indexing_slicing, reason = "a test may panic; that is how it fails")]

use std::time::{Duration, Instant};

use keyspan_tests::{Client, Outcome, Spec, Value, ensure, on_each_server, replication};

fn json(spec: Spec) -> Spec {
    spec.module("json", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

/// An error that starts like this; nothing may have changed.
fn refused(client: &mut Client, words: &[&[u8]], start: &str) -> Outcome<()> {
    let before = client.call(&["DEBUG", "DIGEST"])?;
    let reply = client.call(words)?;
    let shown: Vec<u8> = reply.iter().take(200).copied().collect();
    ensure(reply.starts_with(start.as_bytes()), || {
        format!("{}: expected {start}, got {}", words[0].escape_ascii(), shown.escape_ascii())
    })?;
    keyspan_tests::same(&client.call(&["DEBUG", "DIGEST"])?, &before, "the data changed")
}

#[test]
fn values_that_are_no_values() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        client.expect("JSON.SET k $ '{\"n\":1,\"s\":\"x\",\"a\":[1]}'", "+OK")?;
        let deep = nested(128);
        for (value, error) in [
            (deep.as_bytes(), "-recursion limit exceeded at line 1 column 128\r\n"),
            (nested(100_000).as_bytes(), "-recursion limit exceeded at line 1 column 128\r\n"),
            (b"1e400", "-number out of range at line 1 column 5\r\n"),
            (b"\"\xff\"", "-Couldn't parse as UTF-8 string\r\n"),
            (b"\"\xed\xa0\x80\"", "-Couldn't parse as UTF-8 string\r\n"),
            (
                b"\"a\0b\"",
                "-control character (\\u0000-\\u001F) found while parsing a string at line 1 column 3\r\n",
            ),
            (b"\"\\ud800\"", "-unexpected end of hex escape at line 1 column 8\r\n"),
            (b"NaN", "-expected value at line 1 column 1\r\n"),
            (b"", "-EOF while parsing a value at line 1 column 0\r\n"),
            (b"\xef\xbb\xbf1", "-expected value at line 1 column 1\r\n"),
            (b"[1,]", "-trailing comma at line 1 column 4\r\n"),
            (b"{\"a\":1}}", "-trailing characters at line 1 column 8\r\n"),
        ] {
            for command in [&b"JSON.SET"[..], b"JSON.MERGE"] {
                refused(&mut client, &[command, b"k", b"$", value], error)?;
            }
            refused(&mut client, &[b"JSON.SET", b"k", b"$.n", value], error)?;
            refused(&mut client, &[b"JSON.MSET", b"new", b"$", b"1", b"k", b"$", value], error)?;
            refused(&mut client, &[b"JSON.ARRAPPEND", b"k", b"$.a", b"1", value], error)?;
            refused(&mut client, &[b"JSON.ARRINSERT", b"k", b"$.a", b"0", b"1", value], error)?;
        }
        let deep = nested(127);
        client.expect(&format!("JSON.SET deep $ {deep}"), "+OK")?;
        let place = format!("${}", "[0]".repeat(126));
        refused(
            &mut client,
            &[b"JSON.ARRAPPEND", b"deep", place.as_bytes(), b"[]"],
            "-ERR nesting",
        )?;
        refused(
            &mut client,
            &[b"JSON.MERGE", b"deep", b"$", nested(128).as_bytes()],
            "-recursion",
        )?;
        client.expect(&format!("JSON.SET k $.n {}", nested(126)), "+OK")?;
        refused(&mut client, &[b"JSON.SET", b"k", b"$.n", nested(127).as_bytes()], "-ERR nesting")?;
        client.expect("JSON.DEBUG DEPTH k", ":127")?;
        keyspan_tests::persistence::survives_restore(server, "k")
    })
}

#[test]
fn numbers_at_the_edges_come_back() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        for (sent, got) in [
            ("-0", "-0.0"),
            ("-0.0", "-0.0"),
            ("123456789012345678901234567890", "1.2345678901234568e29"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e19"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("-9223372036854775809", "-9.223372036854776e18"),
            ("2.2250738585072011e-308", "2.225073858507201e-308"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
            ("0.1", "0.1"),
            ("1e5", "100000.0"),
            ("9007199254740993", "9007199254740993"),
        ] {
            client.expect(&format!("JSON.SET n $ {sent}"), "+OK")?;
            client.expect("JSON.GET n", &format!("${}\r\n{got}", got.len()))?;
            client.expect("JSON.GET n $", &format!("${}\r\n[{got}]", got.len() + 2))?;
            keyspan_tests::persistence::survives_restore(server, "n")?;
        }
        for (start, line, error) in [
            ("9223372036854775807", "JSON.NUMINCRBY n $ 1", "-ERR numeric overflow"),
            ("-9223372036854775808", "JSON.NUMINCRBY n $ -1", "-ERR numeric overflow"),
            ("9223372036854775807", "JSON.NUMMULTBY n $ 2", "-ERR numeric overflow"),
            ("10", "JSON.NUMPOWBY n $ 100", "-ERR numeric overflow"),
            ("1e308", "JSON.NUMMULTBY n $ 10.0", "-ERR result is not a number"),
            ("-1.5", "JSON.NUMPOWBY n $ 0.5", "-ERR result is not a number"),
            ("1", "JSON.NUMINCRBY n $ NaN", "-ERR expected value at line 1 column 1"),
            ("1", "JSON.NUMINCRBY n $ 1e999", "-ERR number out of range at line 1 column 5"),
        ] {
            client.expect(&format!("JSON.SET n $ {start}"), "+OK")?;
            let before = client.line("JSON.GET n")?;
            client.expect(line, error)?;
            keyspan_tests::same(&client.line("JSON.GET n")?, &before, line)?;
        }
        Ok(())
    })
}

#[test]
fn paths_that_would_hang_or_crash() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        client.expect("JSON.SET k $ '{\"a\":[{\"b\":1},{\"b\":2}],\"s\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}'", "+OK")?;
        let parentheses = format!("$[?({}@.b{})]", "(".repeat(20_000), ")".repeat(20_000));
        let filters = format!("${}1{}", "[?(@".repeat(200), ")]".repeat(200));
        let segments = format!("${}", ".a".repeat(10_000));
        let long = format!("$.{}", "x".repeat(2_000_000));
        for path in [&parentheses, &filters, &segments, &long] {
            for command in [
                &["JSON.GET", "k", path.as_str()][..],
                &["JSON.DEL", "k", path],
                &["JSON.SET", "k", path, "1"],
            ] {
                let reply = client.call(command)?;
                ensure(reply.len() < 500, || format!("{} bytes of reply", reply.len()))?;
            }
        }
        for pattern in
            ["(a+)+$", "((((a{100}){100}){100}){100})", "[a-z]{1000}{1000}", "(?:a?){64}a{64}"]
        {
            let reply = client.call(&["JSON.GET", "k", &format!("$[?(@=~\"{pattern}\")]")])?;
            ensure(reply.len() < 500, || format!("{pattern}: {} bytes", reply.len()))?;
        }
        let chain = format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120));
        client.expect(&format!("JSON.SET chain $ '{chain}'"), "+OK")?;
        let reply = client.line("JSON.GET chain $..*..*..*..*")?;
        ensure(reply.starts_with(b"-ERR") && reply.windows(9).any(|w| w == b"ReJSON.ma"), || {
            format!("{} bytes: {}", reply.len(), reply[..reply.len().min(100)].escape_ascii())
        })?;
        client.expect("CONFIG SET ReJSON.max-path-steps 10", "+OK")?;
        client.expect(
            "JSON.GET chain $..*",
            "-ERR path exceeds the limit of ReJSON.max-path-steps",
        )?;
        client.expect("CONFIG SET ReJSON.max-path-steps 100000", "+OK")?;
        client.expect("CONFIG SET ReJSON.max-path-matches 10", "+OK")?;
        client.expect(
            "JSON.GET chain $..*",
            "-ERR path exceeds the limit of ReJSON.max-path-matches",
        )?;
        client.expect("CONFIG SET ReJSON.max-path-matches 1000", "+OK")?;
        client.expect("CONFIG SET ReJSON.max-reply-size 1000", "+OK")?;
        for line in ["JSON.GET chain $..*", "JSON.MGET chain chain $..*", "JSON.RESP chain $..*"] {
            client.expect(line, "-ERR reply exceeds the limit of ReJSON.max-reply-size")?;
        }
        client.expect("PING", "+PONG")
    })
}

#[test]
fn many_members_and_paths_take_no_squared_time() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        let started = Instant::now();
        let members: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\":{n}")).collect();
        let object = format!("{{{}}}", members.join(","));
        client.expect(&format!("JSON.SET k $ '{object}'"), "+OK")?;
        client.expect("JSON.DEL k $[?(@>=10)]", ":99990")?;
        client.expect("JSON.GET k $.k9", "$3\r\n[9]")?;
        let paths: Vec<String> = (0..100_000).map(|n| format!("$.k{n}")).collect();
        let mut words = vec!["JSON.GET", "k"];
        words.extend(paths.iter().map(String::as_str));
        let reply = client.call(&words)?;
        ensure(reply.len() > 1_000_000, || format!("{} bytes", reply.len()))?;
        let took = started.elapsed();
        ensure(took < Duration::from_secs(20), || format!("{took:?}"))
    })
}

#[test]
fn odd_bytes_in_keys_and_paths() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        for key in [&b""[..], b"a\0b", b"\xff\xfe", b"\r\n", &[b'k'; 100_000]] {
            keyspan_tests::same(
                &client.call(&[b"JSON.SET", key, b"$", b"{\"a\\u0000b\":\"\\u0000\"}"])?,
                b"+OK\r\n",
                "set",
            )?;
            keyspan_tests::same(
                &client.call(&[b"JSON.GET", key, b"$[\"a\\u0000b\"]"])?,
                b"$10\r\n[\"\\u0000\"]\r\n",
                "get",
            )?;
            keyspan_tests::same(&client.call(&[b"JSON.DEL", key])?, b":1\r\n", "del")?;
        }
        client.expect("JSON.SET k $ '{\"\":{\"\":1}}'", "+OK")?;
        client.expect("JSON.GET k '$[\"\"][\"\"]'", "$3\r\n[1]")?;
        for path in [&b"$.\xff"[..], b"\xff", b"$[\"\xc3\"]"] {
            refused(
                &mut client,
                &[b"JSON.GET", b"k", path],
                "-Couldn't parse as UTF-8 string\r\n",
            )?;
            refused(
                &mut client,
                &[b"JSON.SET", b"k", path, b"1"],
                "-Couldn't parse as UTF-8 string\r\n",
            )?;
        }
        refused(&mut client, &[b"JSON.GET", b"k", b"$.\0"], "-Error occurred at position 2")?;
        refused(
            &mut client,
            &[b"JSON.SET", b"k", b"$", b"1", b"FORMAT", b"BSON"],
            "-failed to fill whole buffer",
        )?;
        refused(
            &mut client,
            &[b"JSON.SET", b"k", b"$", b"{\"a\":1}", b"FORMAT", b"BSON"],
            "-malformed",
        )?;
        client.expect("PING", "+PONG")
    })
}

#[test]
fn arguments_of_hundreds_of_megabytes() -> Outcome<()> {
    on_each_server(json, |server| {
        let mut client = server.client()?;
        // The longest argument a server takes is 512 MB.
        let mut text = vec![b'x'; 512 << 20];
        text[0] = b'"';
        if let Some(last) = text.last_mut() {
            *last = b'"';
        }
        keyspan_tests::same(
            &client.call(&[b"JSON.SET".as_slice(), b"k", b"$", &text])?,
            b"+OK\r\n",
            "512 MB",
        )?;
        drop(text);
        client.expect("JSON.STRLEN k $", &format!("*1\r\n:{}", (512 << 20) - 2))?;
        client.expect("JSON.STRAPPEND k $ '\"y\"'", &format!("*1\r\n:{}", (512 << 20) - 1))?;
        let reply = client.value("JSON.GET k $")?;
        ensure(matches!(&reply, Value::Error(text) if text.contains("max-reply-size")), || {
            "a reply longer than the limit".into()
        })?;
        client.expect("UNLINK k", ":1")?;
        let numbers = format!("[{}0]", "0,".repeat(20 << 20));
        keyspan_tests::same(
            &client.call(&["JSON.SET", "k", "$", &numbers])?,
            b"+OK\r\n",
            "20M numbers",
        )?;
        client.expect("JSON.ARRLEN k $", &format!("*1\r\n:{}", (20 << 20) + 1))?;
        client.expect("JSON.GET k $[20000000]", "$3\r\n[0]")?;
        client.expect("FLUSHALL ASYNC", "+OK")?;
        replication::wait("the memory", || {
            Ok(client.info("used_memory")?.parse::<u64>().unwrap_or(0) < 64 << 20)
        })
    })
}
