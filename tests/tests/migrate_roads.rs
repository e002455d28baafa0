//! Files and payloads from each server to each: docs/migrate.md says which go, how, and what a server
//! says to the rest.

use std::collections::{BTreeMap, BTreeSet};

use keyspan_common::rdb::dump;
use keyspan_tests::{
    Client, Failure, Name, Outcome, Server, Spec, Value, ensure, fixture,
    migrate::{self, Cell, Road, View},
    servers,
};

/// A file, who wrote it, and what is in it.
struct Saved {
    writer: Name,
    file: Vec<u8>,
    view: View,
}

impl Saved {
    /// What the server of this name writes for one of everything.
    fn by(writer: Name) -> Outcome<Self> {
        let server = migrate::spec(Spec::new(writer)?).start()?;
        let mut client = server.client()?;
        migrate::fill(&mut client)?;
        let (view, file) = (migrate::view(&server)?, saved(&server)?);
        Ok(Self { writer, file, view })
    }

    /// The first nine bytes.
    fn magic(&self) -> String {
        String::from_utf8_lossy(self.file.get(..9).unwrap_or_default()).into_owned()
    }

    /// Fails unless a server that starts from the file holds what is in it.
    fn opens(&self, spec: &Spec) -> Outcome<()> {
        let mut server = spec.start()?;
        let opened = migrate::view(&server).and_then(|view| migrate::equal(&view, &self.view));
        opened.map_err(|failure| server.explain(&failure))
    }

    /// Shows one cell for this file.
    fn check(&self, cell: &Cell) -> Outcome<()> {
        let spec = migrate::spec(Spec::new(cell.to)?);
        if let Road::No(said) | Road::Relaxed(said) | Road::Rewritten(said) = &cell.road {
            refused(&spec.clone().file("dump.rdb", &self.file), said)?;
        }
        self.opens(&migrate::on_road(spec, &self.file, cell)?)
    }
}

fn saved(server: &Server) -> Outcome<Vec<u8>> {
    server.client()?.expect("SAVE", "+OK")?;
    Ok(std::fs::read(server.folder().join("dump.rdb"))?)
}

/// Fails unless the server says this and does not start.
fn refused(spec: &Spec, said: &str) -> Outcome<()> {
    let log = spec.start_refused()?;
    ensure(log.contains(said), || format!("the log does not say {said:?}: {log}"))
}

/// All that failed, in one failure.
fn all(failures: Vec<String>) -> Outcome<()> {
    ensure(failures.is_empty(), || failures.join("\n"))
}

#[test]
fn files_open_as_the_page_says() -> Outcome<()> {
    let (cells, chosen) = (migrate::cells("Files")?, servers()?);
    let (mut shown, mut failures) = (BTreeSet::new(), Vec::new());
    for writer in &chosen {
        let saved = Saved::by(*writer)?;
        for cell in cells.iter().filter(|cell| cell.from == saved.magic()) {
            if !chosen.contains(&cell.to) {
                continue;
            }
            shown.insert((cell.from.clone(), cell.to));
            let outcome = saved.check(cell);
            let step = format!("{} by {} on {}", cell.from, saved.writer, cell.to);
            failures.extend(outcome.err().map(|failure| failure.during(&step).to_string()));
        }
    }
    all(failures)?;
    // Those of Redis 6 are in migrate_peers.rs.
    let wanted = cells.len().saturating_sub(6);
    ensure(shown.len() == wanted || chosen.len() < 6, || {
        format!("{} of {wanted} cells were shown", shown.len())
    })
}

/// A running server, and what it holds.
struct Running {
    server: Server,
    payloads: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Running {
    fn start(name: Name) -> Outcome<Self> {
        let server = migrate::spec(Spec::new(name)?).start()?;
        let mut client = server.client()?;
        migrate::fill(&mut client)?;
        // The digest of a value has its expiry in it, which is no part of a payload.
        client.expect("PERSIST doc:2", ":1")?;
        let keys = client.value("KEYS *")?;
        let keys = keys.elements()?.iter().map(|key| Ok(key.bytes()?.to_vec()));
        let mut payloads = Vec::new();
        for key in keys.collect::<Outcome<Vec<_>>>()? {
            let payload = Value::decode(&client.call(&[b"DUMP".as_slice(), &key])?)?;
            payloads.push((key, payload.bytes()?.to_vec()));
        }
        Ok(Self { server, payloads })
    }

    /// The version in the footers of its payloads.
    fn version(&self) -> u16 {
        let payload = self.payloads.first().map(|(_, payload)| payload.as_slice());
        footer(payload.unwrap_or_default())
    }
}

/// The version that a payload's last ten bytes tell.
fn footer(payload: &[u8]) -> u16 {
    let place = payload.len().saturating_sub(10);
    payload.get(place..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn restore(client: &mut Client, key: &[u8], payload: &[u8]) -> Outcome<Vec<u8>> {
    client
        .call(&[b"RESTORE".as_slice(), b"there", b"0", payload, b"REPLACE"])
        .map_err(|failure| failure.during(&key.escape_ascii().to_string()))
}

/// Restores a payload on `target`, as the cell says; the value is the one it was.
fn check_payload(from: &Running, to: &Running, road: &Road, at: usize) -> Outcome<()> {
    let (mut source, mut target) = (from.server.client()?, to.server.client()?);
    let (key, payload) = from.payloads.get(at).ok_or_else(|| Failure::new("no such key"))?;
    let wanted = digest(&mut source, key)?;
    let arrives = |target: &mut Client, payload: &[u8]| {
        let reply = restore(target, key, payload)?;
        keyspan_tests::same(&reply, b"+OK\r\n", &format!("RESTORE {}", key.escape_ascii()))?;
        let got = digest(target, b"there")?;
        keyspan_tests::same(&got, &wanted, &format!("value of {}", key.escape_ascii()))
    };
    let bounces = |target: &mut Client, said: &str| {
        let reply = restore(target, key, payload)?;
        keyspan_tests::same(&reply, format!("-{said}\r\n").as_bytes(), "RESTORE")
    };
    match road {
        Road::Yes => arrives(&mut target, payload)?,
        Road::No(said) | Road::Rewritten(said) => bounces(&mut target, said)?,
        Road::Relaxed(said) => {
            bounces(&mut target, said)?;
            target.expect("CONFIG SET rdb-version-check relaxed", "+OK")?;
            arrives(&mut target, payload)?;
            target.expect("CONFIG SET rdb-version-check strict", "+OK")?;
        }
    }
    arrives(&mut target, &dump::resign(payload, 9))?;
    target.expect("DEL there", ":1")
}

fn digest(client: &mut Client, key: &[u8]) -> Outcome<Vec<u8>> {
    client.call(&[b"DEBUG".as_slice(), b"DIGEST-VALUE", key])
}

#[test]
fn payloads_are_restored_as_the_page_says() -> Outcome<()> {
    let cells = migrate::cells("Payloads")?;
    let running = servers()?.into_iter().map(Running::start).collect::<Outcome<Vec<_>>>()?;
    let (mut shown, mut values, mut failures) = (BTreeSet::new(), 0, Vec::new());
    for from in &running {
        let version = from.version().to_string();
        for to in &running {
            let fits = |cell: &&Cell| cell.from == version && cell.to == to.server.name();
            let Some(cell) = cells.iter().find(fits) else { continue };
            shown.insert((version.clone(), cell.to));
            for at in 0..from.payloads.len() {
                let outcome = check_payload(from, to, &cell.road, at);
                let step = format!("{} to {}", from.server.name(), cell.to);
                failures.extend(outcome.err().map(|failure| failure.during(&step).to_string()));
                values += 1;
            }
        }
    }
    all(failures)?;
    let wanted = cells.len().saturating_sub(6);
    ensure((shown.len() == wanted && values >= 792) || running.len() < 6, || {
        format!("{} of {wanted} cells were shown, with {values} values", shown.len())
    })
}

/// What peers on Redis 6 wrote: their footer is read everywhere.
#[test]
fn payloads_of_redis_6_are_restored_as_the_page_says() -> Outcome<()> {
    let cells = migrate::cells("Payloads")?;
    let files = ["rejson-1.0.8", "redisbloom-1.0.3", "redisbloom-2.0.3", "redistimeseries-1.4.14"];
    for cell in cells.iter().filter(|cell| cell.from == "9") {
        ensure(cell.road == Road::Yes, || format!("{}: what else?", cell.to))?;
        if !cell.to.is_chosen()? {
            continue;
        }
        let server = migrate::spec(Spec::new(cell.to)?).start()?;
        let mut client = server.client()?;
        let mut restored = 0;
        for file in files {
            for row in fixture::rows(&format!("{file}-redis6.0.jsonl"))? {
                let hex = row.get("dump_hex").or_else(|| row.get("dump_hex_footer9"));
                let Some(hex) = hex else { continue };
                let payload = fixture::bytes(hex)?;
                ensure(footer(&payload) == 9, || format!("{file}: {}", footer(&payload)))?;
                fixture::restore(&mut client, b"k", &payload)?;
                restored += 1;
            }
        }
        ensure(restored > 30, || format!("only {restored}"))?;
    }
    Ok(())
}

/// For a value, who makes it, and what each server that cannot read it says: at start-up, to RESTORE.
type Unread = BTreeMap<(String, Name), BTreeMap<Name, [String; 2]>>;

fn unread() -> Outcome<Unread> {
    let mut unread = Unread::new();
    for row in migrate::rows("Values of the server itself")?.iter().skip(1) {
        let [value, made_by, unread_by, starting, restoring] = row.as_slice() else {
            return Err(Failure::new(format!("{row:?}")));
        };
        let said = [starting, restoring].map(|said| said.trim_matches('`').to_owned());
        for maker in migrate::names(made_by)? {
            let by = unread.entry((value.clone(), maker)).or_default();
            by.extend(migrate::names(unread_by)?.into_iter().map(|name| (name, said.clone())));
        }
    }
    Ok(unread)
}

/// The server's own values that a target cannot read, whatever the version says.
#[test]
fn values_that_stay_behind_are_those_of_the_page() -> Outcome<()> {
    let (cells, mut failures) = (migrate::cells("Files")?, Vec::new());
    for ((value, maker), unread) in unread()? {
        if maker.is_chosen()? {
            let outcome = check_value(&value, maker, &unread, &cells);
            let step = format!("{value} of {maker}");
            failures.extend(outcome.err().map(|failure| failure.during(&step).to_string()));
        }
    }
    all(failures)
}

fn check_value(
    value: &str,
    maker: Name,
    unread: &BTreeMap<Name, [String; 2]>,
    cells: &[Cell],
) -> Outcome<()> {
    let server = Spec::new(maker)?.start()?;
    let mut client = server.client()?;
    migrate::make(&mut client, value)?;
    let payload = Value::decode(&client.line("DUMP k")?)?.bytes()?.to_vec();
    let (file, wanted) = (saved(&server)?, digest(&mut client, b"k")?);
    for cell in cells.iter().filter(|cell| file.starts_with(cell.from.as_bytes())) {
        if !cell.to.is_chosen()? {
            continue;
        }
        let spec = migrate::on_road(Spec::new(cell.to)?, &file, cell)?;
        let outcome = match unread.get(&cell.to) {
            Some([starting, restoring]) => {
                refused(&spec, starting).and_then(|()| bounces(cell.to, &payload, restoring))
            }
            None => arrives(&spec, &payload, &wanted),
        };
        outcome.map_err(|failure| failure.during(&format!("on {}", cell.to)))?;
    }
    Ok(())
}

/// Fails unless the file's value is there, and can be restored.
fn arrives(spec: &Spec, payload: &[u8], wanted: &[u8]) -> Outcome<()> {
    let opened = spec.start()?;
    let mut client = opened.client()?;
    keyspan_tests::same(&digest(&mut client, b"k")?, wanted, "value")?;
    let reply = restore(&mut client, b"k", &dump::resign(payload, footer_of(opened.name())))?;
    keyspan_tests::same(&reply, b"+OK\r\n", "RESTORE")
}

/// Fails unless the payload is refused with this, whatever its footer.
fn bounces(to: Name, payload: &[u8], said: &str) -> Outcome<()> {
    let empty = Spec::new(to)?.start()?;
    let reply = restore(&mut empty.client()?, b"k", &dump::resign(payload, footer_of(to)))?;
    keyspan_tests::same(&reply, format!("-{said}\r\n").as_bytes(), "RESTORE")
}

/// A footer that the server reads.
fn footer_of(server: Name) -> u16 {
    if server.as_str() == "redis-7.0" { 10 } else { 11 }
}
