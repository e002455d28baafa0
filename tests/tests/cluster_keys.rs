//! Clusters with all modules: keys of one slot, of several, and of another node.

use keyspan_tests::cluster::{Shape, on_each_cluster_of};
use keyspan_tests::{Client, Failure, Outcome, ensure, servers, together};

const SHAPE: Shape = Shape { primaries: 3, replicas: false, node: together::spec };

/// Keys of one tag: what makes them, then what uses several at once.
const ONE_SLOT: [&str; 22] = [
    "JSON.MSET {s}j1 $ 1 {s}j2 $ 2",
    "JSON.MGET {s}j1 {s}j2 $",
    "CMS.INITBYDIM {s}c1 10 3",
    "CMS.INITBYDIM {s}c2 10 3",
    "CMS.MERGE {s}c1 2 {s}c1 {s}c2",
    "TDIGEST.CREATE {s}d1",
    "TDIGEST.CREATE {s}d2",
    "TDIGEST.MERGE {s}d3 2 {s}d1 {s}d2",
    "TS.CREATE {s}t1 LABELS k x",
    "TS.CREATE {s}t2 LABELS k x",
    "TS.CREATE {s}t3",
    "TS.CREATERULE {s}t1 {s}t3 AGGREGATION sum 10",
    "TS.MADD {s}t1 1 1 {s}t2 1 1 {s}t1 20 1",
    "TS.NRANGE 2 {s}t1 {s}t2 - +",
    "TS.DELETERULE {s}t1 {s}t3",
    "COPY {s}t1 {s}t4",
    "BF.ADD {s}b1 x",
    "RENAME {s}b1 {s}b2",
    "CF.ADD {s}f1 x",
    "COPY {s}f1 {s}f2",
    "TOPK.RESERVE {s}k1 3",
    "RENAME {s}k1 {s}k2",
];

/// Commands of several keys, of two slots each: as MGET and RENAME of such keys.
const TWO_SLOTS: [&str; 12] = [
    "JSON.MSET a $ 1 b $ 2",
    "JSON.MGET a b $",
    "CMS.MERGE a 1 b",
    "CMS.MERGE a 2 a b WEIGHTS 1 1",
    "TDIGEST.MERGE a 1 b",
    "TDIGEST.MERGE a 2 a b COMPRESSION 100 OVERRIDE",
    "TS.CREATERULE a b AGGREGATION sum 10",
    "TS.DELETERULE a b",
    "TS.MADD a 1 1 b 1 1",
    "TS.NRANGE 2 a b - +",
    "MGET a b",
    "RENAME a b",
];

/// Commands of one key, each type of them.
const ONE_KEY: [&str; 14] = [
    "JSON.SET KEY $ 1",
    "JSON.GET KEY",
    "BF.ADD KEY x",
    "BF.EXISTS KEY x",
    "CF.ADD KEY x",
    "CMS.INITBYDIM KEY 10 3",
    "TOPK.RESERVE KEY 3",
    "TDIGEST.CREATE KEY",
    "TS.CREATE KEY",
    "TS.ADD KEY 1 1",
    "TS.RANGE KEY - +",
    "BF.LOADCHUNK KEY 1 x",
    "JSON.NUMINCRBY KEY $ 1",
    "GET KEY",
];

/// The reply as text.
fn reply(client: &mut Client, line: &str) -> Outcome<String> {
    Ok(String::from_utf8_lossy(&client.line(line)?).trim_end().to_owned())
}

#[test]
fn keys_are_where_they_belong() -> Outcome<()> {
    on_each_cluster_of(&servers()?, SHAPE, |_, cluster| {
        let owner = cluster.owner(cluster.slot("{s}")?)?;
        let other = (owner + 1) % cluster.nodes.len();
        let (mut here, mut there) = (cluster.client(owner)?, cluster.client(other)?);
        for line in ONE_SLOT {
            let reply = reply(&mut here, line)?;
            ensure(!reply.starts_with('-'), || format!("{line}: {reply}"))?;
        }
        let native = reply(&mut here, "MGET a b")?;
        for line in TWO_SLOTS {
            let reply = reply(&mut here, line)?;
            ensure(reply == native && reply.starts_with("-CROSSSLOT"), || {
                format!("{line}: {reply}, and MGET: {native}")
            })?;
        }
        let moved = reply(&mut there, "GET {s}x")?;
        ensure(moved.starts_with("-MOVED"), || moved.clone())?;
        for line in ONE_KEY
            .map(|line| line.replace("KEY", "{s}x"))
            .iter()
            .map(String::as_str)
            .chain(ONE_SLOT)
        {
            let reply = reply(&mut there, line)?;
            ensure(reply == moved, || format!("{line}: {reply}, and GET: {moved}"))?;
        }
        Ok(())
    })
}

#[test]
fn scripts_and_transactions_stay_in_their_slot() -> Outcome<()> {
    on_each_cluster_of(&servers()?, SHAPE, |_, cluster| {
        let owner = cluster.owner(cluster.slot("{s}")?)?;
        let mut client = cluster.client(owner)?;
        let foreign = foreign_key(&mut client)?;
        client.expect("MULTI", "+OK")?;
        client.expect("JSON.SET {s}1 $ 1", "+QUEUED")?;
        let refused = reply(&mut client, &format!("BF.ADD {foreign} x"))?;
        ensure(refused.starts_with("-MOVED"), || refused.clone())?;
        let aborted = reply(&mut client, "EXEC")?;
        ensure(aborted.starts_with("-EXECABORT"), || aborted.clone())?;
        client.expect("EXISTS {s}1", ":0")?;
        let script = "EVAL \"return redis.call('TS.ADD', KEYS[1], 1, 1)\" 1 {s}t";
        client.expect(script, ":1")?;
        let script =
            format!("EVAL \"return redis.call('TS.ADD', ARGV[1], 1, 1)\" 1 {{s}}t {foreign}");
        let refused = reply(&mut client, &script)?;
        ensure(refused.starts_with('-') && refused.contains("non local"), || refused.clone())
    })
}

/// A key of another node.
fn foreign_key(client: &mut Client) -> Outcome<String> {
    for number in 0..100 {
        let key = format!("k{number}");
        if reply(client, &format!("GET {key}"))?.starts_with("-MOVED") {
            return Ok(key);
        }
    }
    Err(Failure::new("all keys are here"))
}
