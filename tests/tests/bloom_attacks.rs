//! Bad input: the exact error, nothing changed or allocated, the server alive.

use std::time::{Duration, Instant};

use keyspan_common::rdb::{Field, PayloadWriter, TypeId, dump};
use keyspan_tests::{Client, Failure, Outcome, Spec, Value, ensure, on_each_server, same};

fn bloom(spec: Spec) -> Spec {
    spec.module("bloom", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

fn used_memory(client: &mut Client) -> Outcome<i64> {
    let text = client.info("used_memory")?;
    text.parse().map_err(|_| Failure::new(text))
}

/// Most that a refused command may leave allocated: buffers of connections come and go.
const SLACK: i64 = 1 << 20;

/// An error (this one, unless `error` is empty); nothing may have changed or been allocated.
fn refused(client: &mut Client, words: &[&[u8]], error: &str) -> Outcome<()> {
    let shown = words.iter().map(|word| word.get(..60).unwrap_or(word).escape_ascii().to_string());
    let shown = shown.collect::<Vec<_>>().join(" ");
    let (digest, used) = (client.call(&["DEBUG", "DIGEST"])?, used_memory(client)?);
    let started = Instant::now();
    let reply = client.call(words).map_err(|failure| failure.during(&shown))?;
    let took = started.elapsed();
    if error.is_empty() {
        ensure(reply.starts_with(b"-"), || format!("{shown}: {}", reply.escape_ascii()))?;
    } else {
        same(&reply, format!("-{error}\r\n").as_bytes(), &shown)?;
    }
    same(&client.call(&["DEBUG", "DIGEST"])?, &digest, &format!("{shown} changed the data"))?;
    let left = used_memory(client)? - used;
    ensure(left < SLACK, || format!("{shown} left {left} bytes allocated"))?;
    ensure(took < Duration::from_secs(2), || format!("{shown} took {took:?}"))
}

fn refused_line(client: &mut Client, line: &str, error: &str) -> Outcome<()> {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    refused(client, &words, error)
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
        refused_line(&mut client, "BF.RESERVE k 1e-300 1073741824", "")?;
        client.expect("DBSIZE", ":0")
    })
}

fn payload(name: &str, version: u32, fields: &[Field]) -> Outcome<Vec<u8>> {
    let id = TypeId::new(name, version).map_err(|_| Failure::new(name))?;
    let fill = |writer: &mut PayloadWriter| fields.iter().for_each(|field| writer.field(field));
    Ok(dump::write(id, 9, fill))
}

fn u(value: u64) -> Field {
    Field::Unsigned(value)
}

fn d(value: f64) -> Field {
    Field::Double(value)
}

fn b(length: usize) -> Field {
    Field::Bytes(vec![0; length])
}

fn refuses(client: &mut Client, what: &str, payload: &[u8]) -> Outcome<()> {
    let outcome = refused(client, &[b"RESTORE", b"k", b"0", payload], "ERR Bad data format");
    outcome.map_err(|failure| failure.during(what))
}

/// A Bloom filter of one link: `entries error hashes bpe bits n2 data size`.
fn link(fields: [Field; 8], links: u64) -> Outcome<Vec<u8>> {
    let mut all = vec![u(0), u(links), u(5), u(2)];
    all.extend(fields);
    payload("MBbloom--", 4, &all)
}

/// Integer overflow in the Bloom loader that led to writes out of bounds.
#[test]
fn bloom_payloads_that_lie_about_their_size() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let bpe = 9.585_058_377_367_439;
        let honest = [u(100), d(0.01), u(7), d(bpe), u(960), u(0), b(120), u(0)];
        let good = link(honest.clone(), 1)?;
        same(&client.call(&[b"RESTORE".as_slice(), b"good", b"0", &good])?, b"+OK\r\n", "honest")?;
        client.expect("BF.ADD good x", ":1")?;
        let with = |place: usize, field: Field| {
            let mut fields = honest.clone();
            fields[place] = field;
            link(fields, 1)
        };
        for (what, payload) in [
            ("links of 2^32 - 1", link(honest.clone(), u64::from(u32::MAX))?),
            ("links of 2^64 - 1", link(honest.clone(), u64::MAX)?),
            ("no link", link(honest.clone(), 0)?),
            ("bits of 2^64 - 1", with(4, u(u64::MAX))?),
            ("bits that wrap in bytes", with(4, u(u64::MAX - 6))?),
            ("one bit more than data", with(4, u(961))?),
            ("no bit", with(4, u(0))?),
            ("n2 of 64", with(5, u(64))?),
            ("n2 of 63", with(5, u(63))?),
            ("n2 of 255", with(5, u(255))?),
            ("n2 larger than the data", with(5, u(10))?),
            ("k of 2^32 - 1", with(2, u(u64::from(u32::MAX)))?),
            ("k of 2^64 - 1", with(2, u(u64::MAX))?),
            ("no data", with(6, b(0))?),
            ("short data", with(6, b(119))?),
            ("error rate of 2.0", with(1, d(2.0))?),
            ("error rate that is none", with(1, d(f64::NAN))?),
            ("bits per item without end", with(3, d(f64::INFINITY))?),
        ] {
            refuses(&mut client, what, &payload)?;
        }
        client.expect("BF.EXISTS good x", ":1")
    })
}

/// Bucket size 0 divided by nothing; lengths that disagree ended the server in an assertion.
#[test]
fn cuckoo_payloads_that_lie_about_their_size() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        // filters, buckets, items, deletes, bucket size, iterations, expansion; buckets, data.
        let honest = [u(1), u(8), u(0), u(0), u(2), u(20), u(1), u(8), b(16)];
        let good = payload("MBbloomCF", 4, &honest)?;
        same(&client.call(&[b"RESTORE".as_slice(), b"good", b"0", &good])?, b"+OK\r\n", "honest")?;
        client.expect("CF.ADD good x", ":1")?;
        let with = |places: &[(usize, Field)]| {
            let mut fields = honest.clone();
            for (place, field) in places {
                fields[*place] = field.clone();
            }
            payload("MBbloomCF", 4, &fields)
        };
        for (what, payload) in [
            ("bucket size 0", with(&[(4, u(0))])?),
            ("bucket size 0, no data", with(&[(4, u(0)), (8, b(0))])?),
            ("bucket size 256", with(&[(4, u(256)), (8, b(2048))])?),
            ("bucket size 2^16 + 2", with(&[(4, u(65_538))])?),
            ("bucket size 2^64 - 1", with(&[(4, u(u64::MAX))])?),
            ("a product that wraps", with(&[(7, u(1 << 63)), (8, b(0))])?),
            ("a product that wraps to the length", with(&[(7, u((1 << 63) + 8))])?),
            ("no buckets", with(&[(1, u(0)), (7, u(0)), (8, b(0))])?),
            ("no filters", payload("MBbloomCF", 4, &honest[..7])?),
            ("filters of 2^32 - 1", with(&[(0, u(u64::from(u32::MAX)))])?),
            ("filters of 2^64 - 1", with(&[(0, u(u64::MAX))])?),
            ("short data", with(&[(8, b(15))])?),
            ("long data", with(&[(8, b(17))])?),
        ] {
            refuses(&mut client, what, &payload)?;
        }
        client.expect("CF.EXISTS good x", ":1")
    })
}

/// Width times depth that overflows to a small product.
#[test]
fn count_min_payloads_that_lie_about_their_size() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for (what, width, depth, length) in [
            ("a product of 2^64", 1 << 32, 1 << 32, 0),
            ("a product of bytes of 2^64", 1 << 31, 1 << 31, 0),
            ("a product that wraps to 16", (1 << 62) + 4, 4, 64),
            ("no width", 0, 5, 0),
            ("no depth", 5, 0, 0),
            ("short", 4, 4, 63),
            ("long", 4, 4, 65),
            ("all ones", u64::MAX, u64::MAX, 4),
        ] {
            let fields = [u(width), u(depth), u(0), b(length)];
            refuses(&mut client, what, &payload("CMSk-TYPE", 0, &fields)?)?;
        }
        Ok(())
    })
}

/// k huge, a heap that is short, items that are not there.
#[test]
fn top_k_payloads_that_lie_about_their_size() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let make = |k: u64,
                    width: u64,
                    depth: u64,
                    decay: f64,
                    cells: usize,
                    heap: usize,
                    items: usize| {
            let mut fields = vec![u(k), u(width), u(depth), d(decay), b(cells), b(heap)];
            fields.extend((0..items).map(|_| b(1)));
            payload("TopK-TYPE", 0, &fields)
        };
        let good = make(2, 4, 2, 0.9, 64, 48, 2)?;
        same(&client.call(&[b"RESTORE".as_slice(), b"good", b"0", &good])?, b"+OK\r\n", "honest")?;
        client.expect("TOPK.ADD good x", "*1\r\n$-1")?;
        for (what, payload) in [
            ("k of 2^24", make(1 << 24, 4, 2, 0.9, 64, 48, 2)?),
            ("k of 2^32 - 1", make(u64::from(u32::MAX), 4, 2, 0.9, 64, 48, 2)?),
            ("k of 2^64 - 1", make(u64::MAX, 4, 2, 0.9, 64, 48, 2)?),
            ("k that wraps to the heap", make((1 << 61) + 2, 4, 2, 0.9, 64, 48, 2)?),
            ("no k", make(0, 4, 2, 0.9, 64, 0, 0)?),
            ("heap short", make(2, 4, 2, 0.9, 64, 47, 2)?),
            ("no heap", make(2, 4, 2, 0.9, 64, 0, 2)?),
            ("an item missing", make(2, 4, 2, 0.9, 64, 48, 1)?),
            ("all items missing", make(2, 4, 2, 0.9, 64, 48, 0)?),
            ("cells short", make(2, 4, 2, 0.9, 63, 48, 2)?),
            ("a product of 2^64", make(2, 1 << 32, 1 << 32, 0.9, 0, 48, 2)?),
            ("a product that wraps to the cells", make(2, (1 << 61) + 4, 2, 0.9, 64, 48, 2)?),
            ("decay that is none", make(2, 4, 2, f64::NAN, 64, 48, 2)?),
            ("decay below 0", make(2, 4, 2, -1.0, 64, 48, 2)?),
            ("decay without end", make(2, 4, 2, f64::INFINITY, 64, 48, 2)?),
        ] {
            refuses(&mut client, what, &payload)?;
        }
        client.expect("TOPK.QUERY good x", "*1\r\n:1")
    })
}

#[test]
fn t_digest_payloads_that_lie_about_their_size() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let make = |compression: f64, cap: u64, merged: u64, unmerged: u64, nodes: usize| {
            let mut fields = vec![d(compression), d(1.0), d(1.0), u(cap), u(merged), u(unmerged)];
            fields.extend([u(0), d(1.0), d(0.0)]);
            fields.extend((0..nodes * 2).map(|_| d(1.0)));
            payload("TDIS-TYPE", 0, &fields)
        };
        let good = make(100.0, 610, 1, 0, 1)?;
        same(&client.call(&[b"RESTORE".as_slice(), b"good", b"0", &good])?, b"+OK\r\n", "honest")?;
        for (what, payload) in [
            ("compression that is none", make(f64::NAN, 610, 1, 0, 1)?),
            ("compression below 0", make(-1.0, 610, 1, 0, 1)?),
            ("compression of 0", make(0.0, 610, 1, 0, 1)?),
            ("compression without end", make(f64::INFINITY, 610, 1, 0, 1)?),
            ("compression of 1e300", make(1e300, 610, 1, 0, 1)?),
            ("more nodes than there is place", make(100.0, 610, 611, 0, 611)?),
            ("nodes of 2^64 - 1", make(100.0, 610, u64::MAX, 0, 1)?),
            ("unmerged of 2^64 - 1", make(100.0, 610, 1, u64::MAX, 1)?),
            ("place for 2^62", make(100.0, 1 << 62, 1, 0, 1)?),
            ("place for 2^62 by compression", make(7.686e17, (1 << 62) - 2, 1, 0, 1)?),
            ("a node missing", make(100.0, 610, 2, 0, 1)?),
        ] {
            refuses(&mut client, what, &payload)?;
        }
        client.expect("TDIGEST.MAX good", "$1\r\n1")
    })
}

/// A tightening ratio of 2.0 made each further filter worse until its error rate was over 1.
#[test]
fn filters_of_valkey_bloom_that_lie() -> Outcome<()> {
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        let blob = |bytes: u64, k: u32, data: usize| {
            let mut blob = vec![1];
            blob.extend(bytes.to_le_bytes());
            blob.extend(k.to_le_bytes());
            blob.extend([7; 32]);
            blob.extend(vec![0; data]);
            blob
        };
        let make =
            |filters: u64, expansion: u64, rate: f64, ratio: f64, blob: Vec<u8>, items: u64| {
                let mut fields = vec![u(filters), u(expansion), d(rate), d(ratio), u(1)];
                fields.extend([Field::Bytes(blob), u(100), u(items)]);
                payload("bloomfltr", 1, &fields)
            };
        let good = make(1, 2, 0.01, 0.5, blob(120, 7, 120), 0)?;
        same(&client.call(&[b"RESTORE".as_slice(), b"good", b"0", &good])?, b"+OK\r\n", "honest")?;
        client.expect("BF.ADD good x", ":1")?;
        for (what, payload) in [
            ("tightening of 2.0", make(1, 2, 0.01, 2.0, blob(120, 7, 120), 0)?),
            ("tightening of 1.0", make(1, 2, 0.01, 1.0, blob(120, 7, 120), 0)?),
            ("tightening of 0", make(1, 2, 0.01, 0.0, blob(120, 7, 120), 0)?),
            ("tightening that is none", make(1, 2, 0.01, f64::NAN, blob(120, 7, 120), 0)?),
            ("rate of 1", make(1, 2, 1.0, 0.5, blob(120, 7, 120), 0)?),
            ("rate of 0", make(1, 2, 0.0, 0.5, blob(120, 7, 120), 0)?),
            ("k of 0", make(1, 2, 0.01, 0.5, blob(120, 0, 120), 0)?),
            ("k of 2^32 - 1", make(1, 2, 0.01, 0.5, blob(120, u32::MAX, 120), 0)?),
            ("length of 2^64 - 1", make(1, 2, 0.01, 0.5, blob(u64::MAX, 7, 120), 0)?),
            ("length that wraps in bits", make(1, 2, 0.01, 0.5, blob(1 << 61, 7, 120), 0)?),
            ("length of another", make(1, 2, 0.01, 0.5, blob(121, 7, 120), 0)?),
            ("no bits", make(1, 2, 0.01, 0.5, blob(0, 7, 0), 0)?),
            ("an empty blob", make(1, 2, 0.01, 0.5, Vec::new(), 0)?),
            ("no filters", make(0, 2, 0.01, 0.5, blob(120, 7, 120), 0)?),
            ("filters of 2^64 - 1", make(u64::MAX, 2, 0.01, 0.5, blob(120, 7, 120), 0)?),
        ] {
            refuses(&mut client, what, &payload)?;
        }
        client.expect("CONFIG SET bf.family valkey", "+OK")?;
        for (line, error) in [
            ("BF.INSERT k TIGHTENING 2.0 ITEMS x", ""),
            ("BF.INSERT k TIGHTENING 1.0 ITEMS x", ""),
            ("BF.INSERT k TIGHTENING 0 ITEMS x", ""),
            ("BF.INSERT k TIGHTENING nan ITEMS x", ""),
            ("BF.INSERT k SEED abc ITEMS x", ""),
            (
                "BF.INSERT k NONSCALING VALIDATESCALETO 100",
                "ERR cannot use NONSCALING and VALIDATESCALETO options together",
            ),
            (
                "BF.INSERT k CAPACITY 100 VALIDATESCALETO 9223372036854775807",
                "ERR provided VALIDATESCALETO causes bloom object to exceed memory limit",
            ),
            ("BF.LOAD k x", ""),
        ] {
            refused_line(&mut client, line, error)?;
        }
        client.expect("BF.EXISTS good x", ":1")
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
            // Bits for 2^60 entries that the header does not bring: memory nobody sent.
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
