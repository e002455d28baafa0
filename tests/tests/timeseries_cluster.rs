//! Nodes of a cluster: a query over many series answers for the keys of the node that it is sent to, and
//! a key that moves is found where it is.

use keyspan_tests::{Client, Outcome, Spec, ensure, on_each_server, replication, timeseries};

/// A node that serves its slots whatever becomes of the others, none of which it knows.
fn node(spec: Spec) -> Spec {
    let alone = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"];
    timeseries::spec(spec).options(&alone)
}

/// Makes a node serve these slots, and series of these keys on it.
fn serve(client: &mut Client, slots: &str, keys: [&str; 2]) -> Outcome<()> {
    client.expect(&format!("CLUSTER ADDSLOTSRANGE {slots}"), "+OK")?;
    replication::wait("the node", || Ok(client.info_of("CLUSTER INFO", "cluster_state")? == "ok"))?;
    for key in keys {
        client.expect(&format!("TS.CREATE {key} LABELS l v of {key}"), "+OK")?;
        client.expect(&format!("TS.ADD {key} 1 5"), ":1")?;
    }
    Ok(())
}

/// Fails unless every query over many series answers for these keys, alone and in MULTI.
fn answers_for(client: &mut Client, keys: &[&str]) -> Outcome<()> {
    let many = |one: &dyn Fn(&str) -> String| {
        let all: String = keys.iter().map(|key| one(key)).collect();
        format!("*{}\r\n{all}", keys.len()).trim_end().to_owned()
    };
    let bulk = |key: &str| format!("${}\r\n{key}\r\n", key.len());
    let names = many(&bulk);
    let ranges = many(&|key| format!("*3\r\n{}*0\r\n*1\r\n*2\r\n:1\r\n+5\r\n", bulk(key)));
    let lasts = many(&|key| format!("*3\r\n{}*0\r\n*2\r\n:1\r\n+5\r\n", bulk(key)));
    let lines = [
        ("TS.QUERYINDEX l=v", &names),
        ("TS.QUERYLABELS VALUES of", &names),
        ("TS.MRANGE - + FILTER l=v", &ranges),
        ("TS.MREVRANGE - + FILTER l=v", &ranges),
        ("TS.MGET FILTER l=v", &lasts),
    ];
    for (line, expected) in lines {
        client.expect(line, expected)?;
        client.expect("MULTI", "+OK")?;
        client.expect(line, "+QUEUED")?;
        client.expect("EXEC", &format!("*1\r\n{expected}"))?;
    }
    Ok(())
}

#[test]
fn a_node_answers_for_its_own_keys() -> Outcome<()> {
    on_each_server(node, |server| {
        let other = node(Spec::new(server.name())?).start()?;
        let (mut low, mut high) = (server.client()?, other.client()?);
        serve(&mut low, "0 8191", ["b", "c"])?;
        serve(&mut high, "8192 16383", ["a", "x"])?;
        let refused = low.line("TS.ADD a 1 1")?;
        ensure(refused.starts_with(b"-CLUSTERDOWN"), || refused.escape_ascii().to_string())?;
        answers_for(&mut low, &["b", "c"])?;
        answers_for(&mut high, &["a", "x"])?;
        // As a slot moves, its keys do, one by one.
        let slot = String::from_utf8_lossy(&low.line("CLUSTER KEYSLOT b")?).trim().replace(':', "");
        high.expect(&format!("CLUSTER ADDSLOTS {slot}"), "+OK")?;
        low.expect(&format!("MIGRATE 127.0.0.1 {} b 0 5000", other.port()), "+OK")?;
        answers_for(&mut low, &["c"])?;
        answers_for(&mut high, &["a", "b", "x"])?;
        for line in ["TS.CREATERULE a x AGGREGATION avg 10", "TS.NRANGE 2 a x - +"] {
            let reply = high.line(line)?;
            ensure(reply.starts_with(b"-CROSSSLOT"), || {
                format!("{line}: {}", reply.escape_ascii())
            })?;
        }
        Ok(())
    })
}
