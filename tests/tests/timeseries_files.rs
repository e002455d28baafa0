//! Files of both encodings, read by servers that write the one and the other.

use keyspan_tests::{
    Client, Outcome, Server, Value,
    bloom::succeeds,
    ensure, on_each_server,
    persistence::{self, Base},
    timeseries::{self, fill},
};

/// What series with rules of each kind answer now, and when their buckets are closed.
fn answers(client: &mut Client) -> Outcome<String> {
    let mut all = String::new();
    for key in ["a", "b", "avg", "twa", "nan", "all"] {
        for line in [format!("TS.RANGE {key} - +"), format!("TS.GET {key} LATEST")] {
            all += &format!("{line}: {}\n", client.value(&line)?);
        }
    }
    Ok(all)
}

/// The version that DUMP names.
fn version(client: &mut Client) -> Outcome<u8> {
    let dump = Value::decode(&client.line("DUMP a")?)?;
    // The type's byte, that of the length of an id, and the eight of the id.
    let last = dump.bytes()?.get(9).copied();
    Ok(last.unwrap_or_default())
}

/// Writes files, ends the server and starts it with this encoding.
fn restart(server: &mut Server, encoding: &str) -> Outcome<()> {
    server.client()?.expect("SAVE", "+OK")?;
    server.set_options(&["--timeseries.rdb-encoding", encoding]);
    server.restart()?;
    let mut client = server.client()?;
    let found = version(&mut client)?;
    ensure(found.to_string() == encoding, || format!("{found}, not {encoding}"))?;
    let set = client.line("CONFIG SET timeseries.rdb-encoding 9")?;
    ensure(set.starts_with(b"-"), || "the encoding of a running server was changed".to_owned())
}

#[test]
fn files_of_both_encodings_are_read_by_both() -> Outcome<()> {
    on_each_server(timeseries::spec, |server| {
        let mut client = server.client()?;
        fill(&mut client)?;
        for line in [
            "TS.CREATE nan",
            "TS.CREATE all",
            "TS.CREATERULE a nan AGGREGATION countnan 10",
            "TS.CREATERULE a all AGGREGATION countall 100 7",
            "TS.MADD a 51 nan a 52 nan",
        ] {
            succeeds(&mut client, line)?;
        }
        ensure(version(&mut client)? == 8, || "the default is 8".to_owned())?;
        let before = answers(&mut client)?;
        let open = "TS.GET nan LATEST: [50, 2]";
        ensure(before.contains(open), || format!("{open} is not in {before}"))?;
        drop(client);
        for encoding in ["9", "8", "9"] {
            restart(server, encoding)?;
            let after = answers(&mut server.client()?)?;
            ensure(after == before, || format!("{encoding}: {after}\nbefore: {before}"))?;
        }
        for base in Base::BOTH {
            persistence::survives_rewrite(server, base)?;
            let after = answers(&mut server.client()?)?;
            ensure(after == before, || format!("{base:?}: {after}\nbefore: {before}"))?;
        }
        let mut client = server.client()?;
        succeeds(&mut client, "TS.ADD a 60 1")?;
        client.expect("TS.GET nan", "*2\r\n:50\r\n+2")
    })
}
