//! Bad input in commands: the exact error, nothing changed or allocated, the server alive, and soon.

use std::time::{Duration, Instant};

use keyspan_tests::{
    Client, Failure, Outcome, Spec, Value, ensure, on_each_server,
    refusal::{refused, refused_line, used_memory, within_patience},
    same,
};

fn bloom(spec: Spec) -> Spec {
    spec.module("bloom", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

#[test]
fn sizes_of_two_to_the_62_are_refused() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let capacity = "ERR capacity must be in the range [1, 1073741824]";
        let buckets = "Capacity must be in the range [2 * BUCKETSIZE, 1073741824]";
        for size in ["4611686018427387904", "9223372036854775807", "1099511627776"] {
            for (line, error) in [
                (format!("BF.RESERVE k 0.01 {size}"), capacity),
                (format!("BF.INSERT k CAPACITY {size} ITEMS x"), "Bad capacity"),
                (format!("CF.RESERVE k {size}"), buckets),
                (format!("CF.RESERVE k {size} BUCKETSIZE 255"), buckets),
                (
                    format!("CF.INSERT k CAPACITY {size} ITEMS x"),
                    "Capacity must be in the range [cf-bucket-size * 2, 1073741824]",
                ),
                (format!("CMS.INITBYDIM k {size} {size}"), ""),
                (format!("CMS.INITBYDIM k {size} 8"), ""),
                (format!("CMS.INITBYDIM k 8 {size}"), ""),
                (format!("TOPK.RESERVE k {size}"), ""),
                (format!("TOPK.RESERVE k 3 {size} 8 0.9"), ""),
                (format!("TOPK.RESERVE k 3 8 {size} 0.9"), ""),
                (format!("TOPK.RESERVE k 3 {size} {size} 0.9"), ""),
                (format!("TDIGEST.CREATE k COMPRESSION {size}"), "ERR T-Digest: allocation failed"),
            ] {
                refused_line(&mut client, &line, error)?;
            }
        }
        for line in [
            "CMS.INITBYDIM k 4611686018427387904 8",
            "CMS.INITBYPROB k 0.00000000000000000000001 0.5",
        ] {
            refused_line(&mut client, line, "CMS: invalid init arguments")?;
        }
        for (line, error) in [
            ("BF.RESERVE k 0.01 18446744073709551616", "ERR bad capacity"),
            ("CF.RESERVE k 18446744073709551616", "Bad capacity"),
            ("CMS.INITBYDIM k 18446744073709551616 5", "CMS: invalid width"),
            ("CMS.INITBYDIM k 5 18446744073709551616", "CMS: invalid depth"),
            ("TOPK.RESERVE k 18446744073709551616", "TopK: invalid k"),
            ("CMS.INITBYPROB k 1e-300 0.5", ""),
            ("CMS.INITBYPROB k 0.5 1e-300", ""),
            ("CMS.INITBYPROB k 1e-18 1e-18", ""),
        ] {
            let reply = client.line(line)?;
            if reply == b"+OK\r\n" {
                // A probability beyond what a float holds makes a deep sketch, not a huge one.
                client.expect("DEL k", ":1")?;
                continue;
            }
            refused_line(&mut client, line, error)?;
        }
        client.expect("DBSIZE", ":0")
    })
}

/// RedisBloom aborts on an allocation of more than the machine has.
#[test]
fn what_the_machine_has_not_is_refused() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("CONFIG SET maxmemory 100mb", "+OK")?;
        client.expect("CONFIG SET maxmemory 0", "+OK")?;
        for line in [
            "CMS.INITBYDIM k 1152921504606846975 3",
            "CMS.INITBYDIM k 4294967295 4294967295",
            "CMS.INITBYDIM k 2305843009213693952 2",
            "CMS.INITBYDIM k 4611686018427387905 4",
            "TOPK.RESERVE k 4294967295 4294967295 4294967295 0.9",
            "TOPK.RESERVE k 3 2147483648 2147483648 0.9",
            "TOPK.RESERVE k 3 2305843009213693953 8 0.9",
            "TDIGEST.CREATE k COMPRESSION 1537228672809129302",
            "TDIGEST.CREATE k COMPRESSION 3074457345618258602",
        ] {
            refused_line(&mut client, line, "")?;
        }
        client.expect("DBSIZE", ":0")
    })
}

/// `CF.RESERVE` of few items in large buckets used to end the server in an assertion.
#[test]
fn cf_reserve_of_few_items_in_large_buckets() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for (capacity, bucket) in [(1, 255), (254, 255), (3, 2), (509, 255)] {
            refused_line(
                &mut client,
                &format!("CF.RESERVE k {capacity} BUCKETSIZE {bucket}"),
                "Capacity must be in the range [2 * BUCKETSIZE, 1073741824]",
            )?;
        }
        for (capacity, bucket) in [(510, 255), (4, 2), (2, 1), (600, 255), (1_000, 3)] {
            client.expect(&format!("CF.RESERVE k {capacity} BUCKETSIZE {bucket}"), "+OK")?;
            for number in 0..capacity * 2 {
                let reply = client.line(&format!("CF.ADD k {number}"))?;
                ensure(reply == b":1\r\n", || format!("{number}: {}", reply.escape_ascii()))?;
            }
            client.expect("DEL k", ":1")?;
        }
        Ok(())
    })
}

/// With EXPANSION 32768 the second filter is 32768 times the first, the third would be 2^30 times.
#[test]
fn growth_that_multiplies_stays_within_the_limits() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("CF.RESERVE c 4 EXPANSION 32768 MAXITERATIONS 1", "+OK")?;
        client.expect("BF.RESERVE b 0.01 1 EXPANSION 32768", "+OK")?;
        for key in ["c", "b"] {
            let command = if key == "c" { "CF.ADD" } else { "BF.ADD" };
            let words: Vec<Vec<String>> = (0..20_000)
                .map(|number| [command, key, &number.to_string()].map(str::to_owned).to_vec())
                .collect();
            client.pipeline(&words)?;
            let used = used_memory(&mut client)?;
            ensure(used < 8 << 30, || format!("{used} bytes"))?;
            client.expect(&format!("UNLINK {key}"), ":1")?;
        }
        client.expect("PING", "+PONG")
    })
}

/// One filter that cannot grow at all: 2^30 items at the lowest rate a double holds.
#[test]
fn rates_near_nothing_are_refused_or_small() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for rate in ["1e-300", "5e-324", "1e-17", "0.9999999999999999", "1e-7"] {
            let reply = client.line(&format!("BF.RESERVE k {rate} 10"))?;
            if reply == b"+OK\r\n" {
                for number in 0..200 {
                    client.line(&format!("BF.ADD k {number}"))?;
                }
                client.expect("BF.EXISTS k 7", ":1")?;
                client.expect("DEL k", ":1")?;
            }
        }
        // At 2^30 items of 1e-300 each has 1437 bits: 193 GB in all.
        let error = "ERR Insufficient memory to create filter";
        refused_line(&mut client, "BF.RESERVE k 1e-300 1073741824", error)?;
        client.expect("DBSIZE", ":0")
    })
}

/// A header of BF.SCANDUMP: items, links, options, growth; bytes, bits, size, error, bits per
/// item, hashes, entries, n2.
fn bloom_header(links: u32, link: (u64, u64, u64, f64, u32, u64, u8)) -> Vec<u8> {
    let (bytes, bits, size, error, hashes, entries, n2) = link;
    let mut header = size.to_le_bytes().to_vec();
    for word in [links, 5, 2] {
        header.extend(word.to_le_bytes());
    }
    for word in [bytes, bits, size] {
        header.extend(word.to_le_bytes());
    }
    header.extend(error.to_le_bytes());
    header.extend(9.585_058_377_367_439_f64.to_le_bytes());
    header.extend(hashes.to_le_bytes());
    header.extend(entries.to_le_bytes());
    header.push(n2);
    header
}

#[test]
fn bloom_chunks_that_lie() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let good = bloom_header(1, (120, 960, 0, 0.01, 7, 100, 0));
        let load = |client: &mut Client, position: &str, chunk: &[u8]| {
            client.call(&[b"BF.LOADCHUNK".as_slice(), b"good", position.as_bytes(), chunk])
        };
        same(&load(&mut client, "1", &good)?, b"+OK\r\n", "an honest header")?;
        same(&load(&mut client, "121", &[0xff; 120])?, b"+OK\r\n", "an honest chunk")?;
        client.expect("BF.EXISTS good anything", ":1")?;
        for (what, header) in [
            ("empty", Vec::new()),
            ("cut off", good[..good.len() - 1].to_vec()),
            ("one byte more", [good.as_slice(), b"x"].concat()),
            ("no links", bloom_header(0, (120, 960, 0, 0.01, 7, 100, 0))),
            ("two links, one told", bloom_header(2, (120, 960, 0, 0.01, 7, 100, 0))),
            ("2^32 - 1 links", bloom_header(u32::MAX, (120, 960, 0, 0.01, 7, 100, 0))),
            ("2^62 bytes", bloom_header(1, (1 << 62, 960, 0, 0.01, 7, 100, 0))),
            ("2^62 bytes and bits", bloom_header(1, (1 << 62, u64::MAX, 0, 0.01, 7, 100, 0))),
            ("bits that wrap", bloom_header(1, (1 << 61, 0, 0, 0.01, 7, 100, 0))),
            ("more bits than bytes", bloom_header(1, (120, 961, 0, 0.01, 7, 100, 0))),
            ("no bits", bloom_header(1, (0, 0, 0, 0.01, 7, 100, 0))),
            ("n2 of 63", bloom_header(1, (120, 960, 0, 0.01, 7, 100, 63))),
            ("n2 of 255", bloom_header(1, (120, 960, 0, 0.01, 7, 100, 255))),
            ("k of 2^32 - 1", bloom_header(1, (120, 960, 0, 0.01, u32::MAX, 100, 0))),
            ("rate of 2", bloom_header(1, (120, 960, 0, 2.0, 7, 100, 0))),
            ("rate that is none", bloom_header(1, (120, 960, 0, f64::NAN, 7, 100, 0))),
            // Bits that the header does not bring: memory nobody sent.
            ("10 TB", bloom_header(1, (10 << 40, 80 << 40, 0, 0.01, 7, 1 << 43, 0))),
        ] {
            let outcome = refused(&mut client, &[b"BF.LOADCHUNK", b"k", b"1", &header], "");
            outcome.map_err(|failure| failure.during(what))?;
        }
        for (position, length) in [
            ("0", 1),
            ("-1", 1),
            ("2", 200),
            ("122", 120),
            ("9223372036854775807", 1),
            ("120", 121),
        ] {
            let chunk = vec![0xff; length];
            let words: [&[u8]; 4] = [b"BF.LOADCHUNK", b"good", position.as_bytes(), &chunk];
            refused(&mut client, &words, "").map_err(|failure| failure.during(position))?;
        }
        client.expect("BF.EXISTS good anything", ":1")
    })
}

/// A header of CF.SCANDUMP: items, buckets, deletes, filters; bucket size, iterations, expansion.
fn cuckoo_header(words: [u64; 4], shorts: [u16; 3]) -> Vec<u8> {
    let mut header = Vec::new();
    words.iter().for_each(|word| header.extend(word.to_le_bytes()));
    shorts.iter().for_each(|short| header.extend(short.to_le_bytes()));
    header
}

#[test]
fn cuckoo_chunks_that_lie() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let good = cuckoo_header([0, 8, 0, 1], [2, 20, 1]);
        let load = |client: &mut Client, position: &str, chunk: &[u8]| {
            client.call(&[b"CF.LOADCHUNK".as_slice(), b"good", position.as_bytes(), chunk])
        };
        same(&load(&mut client, "1", &good)?, b"+OK\r\n", "an honest header")?;
        same(&load(&mut client, "17", &[0; 16])?, b"+OK\r\n", "an honest chunk")?;
        client.expect("CF.ADD good x", ":1")?;
        for (what, header) in [
            ("empty", Vec::new()),
            ("cut off", good[..37].to_vec()),
            ("one byte more", [good.as_slice(), b"x"].concat()),
            ("no buckets", cuckoo_header([0, 0, 0, 1], [2, 20, 1])),
            ("no filters", cuckoo_header([0, 8, 0, 0], [2, 20, 1])),
            ("bucket size 0", cuckoo_header([0, 8, 0, 1], [0, 20, 1])),
            ("2^62 buckets", cuckoo_header([0, 1 << 62, 0, 1], [2, 20, 1])),
            ("2^63 buckets of 2", cuckoo_header([0, 1 << 63, 0, 1], [2, 20, 1])),
            ("all ones", cuckoo_header([u64::MAX; 4], [u16::MAX; 3])),
            ("2^64 - 1 filters", cuckoo_header([0, 8, 0, u64::MAX], [2, 20, 1])),
            ("2^32 filters", cuckoo_header([0, 8, 0, 1 << 32], [2, 20, 1])),
            ("filters that grow beyond all", cuckoo_header([0, 8, 0, 32], [2, 20, 32_768])),
            ("8 TB", cuckoo_header([0, 1 << 42, 0, 1], [2, 20, 1])),
        ] {
            let outcome = refused(&mut client, &[b"CF.LOADCHUNK", b"k", b"1", &header], "");
            outcome.map_err(|failure| failure.during(what))?;
        }
        // RedisBloom takes a chunk of any position that is none of its filters', and ignores it.
        for (position, length) in
            [("0", 1), ("-1", 1), ("2", 17), ("18", 16), ("9223372036854775807", 1), ("16", 400)]
        {
            let digest = client.line("DEBUG DIGEST-VALUE good")?;
            load(&mut client, position, &vec![0xff; length])?;
            same(&client.line("DEBUG DIGEST-VALUE good")?, &digest, position)?;
        }
        client.expect("CF.EXISTS good x", ":1")?;
        client.expect("CF.INFO none", "-ERR not found")
    })
}

#[test]
fn positions_of_scandump_that_are_nowhere() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("BF.ADD b x", ":1")?;
        client.expect("CF.ADD c x", ":1")?;
        for position in
            ["9223372036854775807", "-9223372036854775808", "-1", "1000000", "4611686018427387904"]
        {
            for command in ["BF.SCANDUMP b", "CF.SCANDUMP c"] {
                let reply = client.value(&format!("{command} {position}"))?;
                let ends =
                    reply.elements().is_ok_and(|parts| parts.first() == Some(&Value::Integer(0)));
                let fits = ends || matches!(reply, Value::Error(_));
                ensure(fits, || format!("{command} {position}: {reply}"))?;
            }
        }
        Ok(())
    })
}

/// Whatever is dumped in chunks is the same filter after being loaded in chunks.
#[test]
fn dumps_in_chunks_load_in_chunks() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let many: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
        let many = many.join(" ");
        client.expect("BF.RESERVE BF 0.001 300 EXPANSION 3", "+OK")?;
        client.expect("CF.RESERVE CF 300 EXPANSION 2 BUCKETSIZE 4", "+OK")?;
        client.line(&format!("BF.MADD BF {many}"))?;
        client.line(&format!("CF.INSERT CF ITEMS {many}"))?;
        client.expect("BF.RESERVE empty 0.01 50000000", "+OK")?;
        client.expect("CF.RESERVE hollow 1000", "+OK")?;
        for (family, key) in [("BF", "BF"), ("CF", "CF"), ("BF", "empty")] {
            chunk_wise(&mut client, family, key)?;
            let digest = client.line(&format!("DEBUG DIGEST-VALUE {key}"))?;
            same(&client.line("DEBUG DIGEST-VALUE copy")?, &digest, key)?;
            client.expect("DEL copy", ":1")?;
        }
        client.expect("CF.SCANDUMP hollow 0", "*2\r\n:0\r\n$-1")
    })
}

fn chunk_wise(client: &mut Client, family: &str, key: &str) -> Outcome<()> {
    let mut position = b"0".to_vec();
    loop {
        let scan = format!("{family}.SCANDUMP");
        let reply = Value::decode(&client.call(&[
            scan.as_bytes(),
            key.as_bytes(),
            position.as_slice(),
        ])?)?;
        let [next, chunk] = reply.elements()? else { return Err(Failure::new("no pair")) };
        if next.integer()? == 0 {
            return Ok(());
        }
        position = next.integer()?.to_string().into_bytes();
        let load = format!("{family}.LOADCHUNK");
        let reply = client.call(&[load.as_bytes(), b"copy", &position, chunk.bytes()?])?;
        same(&reply, b"+OK\r\n", &load)?;
    }
}

#[test]
fn many_items_take_no_squared_time() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let started = Instant::now();
        let items: Vec<String> = (0..200_000).map(|number| number.to_string()).collect();
        client.expect("CMS.INITBYDIM m 1000 5", "+OK")?;
        client.expect("TOPK.RESERVE t 100", "+OK")?;
        client.expect("TDIGEST.CREATE d", "+OK")?;
        for head in [
            &["BF.MADD", "b"][..],
            &["CF.INSERT", "c", "ITEMS"],
            &["TOPK.ADD", "t"],
            &["TDIGEST.ADD", "d"],
        ] {
            let words = [head, &items.iter().map(String::as_str).collect::<Vec<_>>()].concat();
            let reply = client.call(&words)?;
            ensure(!reply.starts_with(b"-"), || {
                reply[..100.min(reply.len())].escape_ascii().to_string()
            })?;
        }
        let took = started.elapsed();
        ensure(took < Duration::from_secs(20), || format!("{took:?}"))
    })
}

/// A GiB that nobody touches costs nothing, neither to take nor to give back.
#[test]
fn a_large_filter_is_made_at_once() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            // 2^30 items of 8 bits and some.
            client.expect("BF.RESERVE k 0.02 1073741824", "+OK")?;
            fastest = fastest.min(started.elapsed());
            client.expect("UNLINK k", ":1")?;
        }
        ensure(fastest < Duration::from_millis(1), || format!("{fastest:?}"))
    })
}

/// CF.COMPACT looked at all 65,000 tables for each of a million fingerprints: 3 minutes.
#[test]
fn many_full_tables_are_compacted_soon() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let header = cuckoo_header([1 << 20, 8, 0, 65_288], [2, 20, 1]);
        let load = |position: usize, chunk: &[u8]| {
            let position = position.to_string();
            let words = [b"CF.LOADCHUNK", b"c".as_slice(), position.as_bytes(), chunk];
            words.map(<[u8]>::to_vec).to_vec()
        };
        let chunks = (1..=65_288).map(|table| load(table * 16 + 1, &[7; 16]));
        let commands: Vec<_> = std::iter::once(load(1, &header)).chain(chunks).collect();
        client.pipeline(&commands)?;
        same(&within_patience(&mut client, &[b"CF.COMPACT", b"c"])?, b"+OK\r\n", "CF.COMPACT")?;
        client.expect("CF.DEL c x", ":0")
    })
}

/// Each item that finds no slot made 65,535 moves forth and back: 10 ms, and that in one command.
#[test]
fn items_without_a_slot_are_refused_soon() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for size in ["2", "255"] {
            client.expect(
                &format!("CF.RESERVE k 10000 BUCKETSIZE {size} MAXITERATIONS 65535 EXPANSION 0"),
                "+OK",
            )?;
            let items = vec![b"same".as_slice(); 5_000];
            let words = [&[b"CF.INSERT".as_slice(), b"k", b"ITEMS"], items.as_slice()].concat();
            let reply = within_patience(&mut client, &words)?;
            let refused = reply.ends_with(b":-1\r\n:-1\r\n");
            ensure(refused, || reply.escape_ascii().to_string())?;
            client.expect("DEL k", ":1")?;
        }
        Ok(())
    })
}

/// Rows and slots that no useful value has took a second and more for each item.
#[test]
fn values_that_take_seconds_for_an_item_are_refused() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let top_k = "ERR Insufficient memory to create topk data structure";
        for (line, error) in [
            ("CMS.INITBYDIM k 1 2147483648", "CMS: invalid init arguments"),
            ("CMS.INITBYDIM k 1 65537", "CMS: invalid init arguments"),
            ("TOPK.RESERVE k 3 1 65537 0.9", top_k),
            ("TOPK.RESERVE k 16777217", top_k),
            ("TDIGEST.CREATE k COMPRESSION 1000000000", "ERR T-Digest: allocation failed"),
        ] {
            refused_line(&mut client, line, error)?;
        }
        for line in ["CMS.INITBYDIM m 1 65536", "TOPK.RESERVE t 16777216 1 65536 0.9"] {
            client.expect(line, "+OK")?;
        }
        within_patience(&mut client, &[b"CMS.INCRBY", b"m", b"x", b"1", b"y", b"1"])?;
        within_patience(&mut client, &[b"TOPK.ADD", b"t", b"x", b"y"])?;
        Ok(())
    })
}

/// Adding up a sketch that nobody used wrote every counter of it, three times its size.
#[test]
fn sums_of_nothing_take_no_memory() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        client.expect("CMS.INITBYDIM a 33554432 2", "+OK")?;
        client.expect("CMS.INITBYDIM b 33554432 2", "+OK")?;
        client.expect("CMS.INCRBY b x 3", "*1\r\n:3")?;
        client.expect("CMS.MERGE a 1 b", "+OK")?;
        client.expect("CMS.QUERY a x y", "*2\r\n:3\r\n:0")?;
        // The server measures it ten times a second.
        std::thread::sleep(Duration::from_millis(300));
        let resident = client.info("used_memory_rss")?;
        let resident: u64 = resident.parse().map_err(|_| Failure::new(resident))?;
        ensure(resident < 128 << 20, || format!("{resident} bytes of 256 MiB are touched"))
    })
}
