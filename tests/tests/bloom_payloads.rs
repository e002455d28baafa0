//! Payloads that lie: RESTORE refuses them, or makes a value that every command answers for.

use keyspan_common::rdb::{Field, PayloadWriter, TypeId, dump};
use keyspan_tests::{
    Client, Failure, Outcome, Spec, ensure, fixture, on_each_server,
    refusal::{refused, refused_line, within_patience},
    same,
};

fn bloom(spec: Spec) -> Spec {
    spec.module("bloom", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
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

/// The flaws of this family's loaders that were published, one payload each.
fn check_flaw(name: &str, version: u32, fields: &[Field]) -> Outcome<()> {
    let lie = payload(name, version, fields)?;
    on_each_server(bloom, |server| refuses(&mut server.client()?, name, &lie))
}

/// `MBbloom--`: bytes counted as bits * 8 / 8 in 64 bits, and written behind the block.
#[test]
fn flaw_integer_overflow_to_a_write_out_of_bounds() -> Outcome<()> {
    let bpe = d(9.585_058_377_367_439);
    let link = [u(100), d(0.01), u(7), bpe, u(u64::MAX - 6), u(0), b(120), u(0)];
    check_flaw("MBbloom--", 4, &[&[u(0), u(1), u(5), u(2)][..], &link].concat())
}

/// `MBbloomCF`: a place in a bucket is a remainder by its size.
#[test]
fn flaw_bucket_size_0() -> Outcome<()> {
    check_flaw("MBbloomCF", 4, &[u(1), u(8), u(0), u(0), u(0), u(20), u(1), u(8), b(16)])
}

/// `TopK-TYPE`: more slots than the heap has bytes for.
#[test]
fn flaw_truncated_heap() -> Outcome<()> {
    check_flaw("TopK-TYPE", 0, &[u(2), u(4), u(2), d(0.9), b(64), b(24), b(1), b(1)])
}

/// `TopK-TYPE`: slots allocated by a number that nothing else confirms.
#[test]
fn flaw_k_huge() -> Outcome<()> {
    let k = u(u64::from(u32::MAX));
    check_flaw("TopK-TYPE", 0, &[k, u(4), u(2), d(0.9), b(64), b(48), b(1), b(1)])
}

/// `MBbloom--`: so many hashes for each item.
#[test]
fn flaw_hashes_without_end() -> Outcome<()> {
    let (hashes, bpe) = (u(u64::from(u32::MAX)), d(9.585_058_377_367_439));
    let link = [u(100), d(0.01), hashes, bpe, u(960), u(0), b(120), u(0)];
    check_flaw("MBbloom--", 4, &[&[u(0), u(1), u(5), u(2)][..], &link].concat())
}

/// `bloomfltr`: each further filter has a larger rate, until no rate is one.
#[test]
fn flaw_tightening_of_2() -> Outcome<()> {
    let head = 120_u64.to_le_bytes().into_iter().chain(7_u32.to_le_bytes());
    let block: Vec<u8> = [1].into_iter().chain(head).chain([7; 32]).chain([0; 120]).collect();
    let fields = [u(1), u(2), d(0.01), d(2.0), u(1), Field::Bytes(block), u(100), u(0)];
    check_flaw("bloomfltr", 1, &fields)
}

/// Commands for a value of any type at `c`: the others' say WRONGTYPE.
const QUESTIONS: [&str; 33] = [
    "BF.INFO c",
    "BF.DEBUG c",
    "BF.CARD c",
    "BF.EXISTS c x",
    "BF.MADD c x y z",
    "BF.SCANDUMP c 0",
    "BF.SCANDUMP c 1",
    "CF.INFO c",
    "CF.DEBUG c",
    "CF.EXISTS c x",
    "CF.COUNT c x",
    "CF.INSERT c ITEMS x x y z",
    "CF.SCANDUMP c 0",
    "CF.SCANDUMP c 1",
    "CF.DEL c x",
    "CF.COMPACT c",
    "CMS.INFO c",
    "CMS.QUERY c x",
    "CMS.INCRBY c x 5",
    "CMS.MERGE c 1 c WEIGHTS 2",
    "TOPK.INFO c",
    "TOPK.QUERY c x",
    "TOPK.COUNT c x",
    "TOPK.LIST c WITHCOUNT",
    "TOPK.INCRBY c x 5 y 100000 z 1",
    "TDIGEST.INFO c",
    "TDIGEST.QUANTILE c 0 0.5 1",
    "TDIGEST.CDF c 0 1",
    "TDIGEST.RANK c 0 1",
    "TDIGEST.BYRANK c 0 1000",
    "TDIGEST.TRIMMED_MEAN c 0.1 0.9",
    "TDIGEST.ADD c 1 2 3",
    "MEMORY USAGE c",
];

/// Every damaged payload is refused, or makes a value that answers, soon, and can be copied.
#[test]
fn damaged_payloads_are_refused_or_answer() -> Outcome<()> {
    let others = ["ReJSON-RL", "vectorset", "TSDB-TYPE"];
    let rows = fixture::rows("corrupt.jsonl")?;
    let damaged: Vec<_> =
        rows.iter().filter(|row| !others.contains(&fixture::text(&row["type"]))).collect();
    ensure(damaged.len() >= 221, || format!("only {} payloads", damaged.len()))?;
    on_each_server(bloom, |server| {
        let mut client = server.client()?;
        for row in &damaged {
            let outcome = damaged_answers(&mut client, &fixture::bytes(&row["dump_hex"])?);
            outcome.map_err(|failure| failure.during(&row["mutation"].to_string()))?;
        }
        Ok(())
    })
}

fn damaged_answers(client: &mut Client, dump: &[u8]) -> Outcome<()> {
    let reply = within_patience(client, &[b"RESTORE", b"c", b"0", dump, b"REPLACE"])?;
    if reply.starts_with(b"-") {
        return same(&reply, b"-ERR Bad data format\r\n", "RESTORE");
    }
    for line in QUESTIONS {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        within_patience(client, &words).map_err(|failure| failure.during(line))?;
    }
    same(&client.call(&["COPY", "c", "d", "REPLACE"])?, b":1\r\n", "COPY")?;
    let values = client.call(&["DEBUG", "DIGEST-VALUE", "c"])?;
    same(&client.call(&["DEBUG", "DIGEST-VALUE", "d"])?, &values, "a copy")?;
    client.expect("DEL c d", ":2")
}
