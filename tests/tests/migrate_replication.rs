//! REPLICAOF from each server to each, with writes before, during and after the copy: docs/migrate.md
//! says which pairs go, and what a replica says to the rest.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use keyspan_tests::{
    Client, Failure, Name, Outcome, Server, Spec, ensure,
    migrate::{self, Cell, Road},
    replication::{self, wait},
    servers,
};

/// A load that goes on until it is told to stop.
#[derive(Default)]
struct Load {
    written: AtomicU64,
    stop: AtomicBool,
}

impl Load {
    /// Writes in small bunches; fails at the first error reply.
    fn run(&self, client: &mut Client) -> Outcome<()> {
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let commands: Vec<_> = (number..).take(22).map(migrate::write).collect();
            for (reply, words) in client.pipeline(&commands)?.iter().zip(&commands) {
                ensure(!reply.starts_with(b"-"), || {
                    let line = words.join(&b' ');
                    format!("{}: {}", line.escape_ascii(), reply.escape_ascii())
                })?;
            }
            number += 22;
            self.written.store(number, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits until this many more are written; how many there are then.
    fn more(&self, count: u64) -> Outcome<u64> {
        let wanted = self.written.load(Ordering::Relaxed) + count;
        wait("writes", || Ok(self.written.load(Ordering::Relaxed) >= wanted))?;
        Ok(self.written.load(Ordering::Relaxed))
    }
}

/// Waits until the replica has said why it does not follow.
fn refuses(replica: &Server, primary: &Server, said: &str) -> Outcome<()> {
    let mut client = replica.client()?;
    client.expect("SET own 1", "+OK")?;
    client.expect(&format!("REPLICAOF 127.0.0.1 {}", primary.port()), "+OK")?;
    wait(&format!("{said:?} in the log"), || Ok(replica.log()?.contains(said)))?;
    let status = client.info("master_link_status")?;
    ensure(status == "down", || format!("the link is {status}"))?;
    // As the page says: all but this one have given up their own data by then.
    if replica.name().as_str() == "valkey-9.1" {
        return client.expect("EXISTS own", ":1");
    }
    wait("the replica's own data to go", || Ok(client.line("EXISTS own")? == b":0\r\n"))
}

/// Takes the replica to where the cell says; whether it follows now.
fn check(replica: &Server, primary: &Server, road: &Road, load: &Load) -> Outcome<bool> {
    load.more(44)?;
    match road {
        Road::Yes => replication::attach(replica, primary)?,
        Road::Relaxed(said) => {
            refuses(replica, primary, said)?;
            let mut client = replica.client()?;
            client.expect("CONFIG SET rdb-version-check relaxed", "+OK")?;
            wait("the first copy", || Ok(client.info("master_link_status")? == "up"))?;
        }
        Road::No(said) | Road::Rewritten(said) => {
            refuses(replica, primary, said)?;
            replica.client()?.expect("REPLICAOF NO ONE", "+OK")?;
            return Ok(false);
        }
    }
    load.more(220)?;
    Ok(true)
}

/// Waits for the replica and fails unless it holds what the primary holds.
fn agree(replica: &Server, primary: &Server) -> Outcome<()> {
    replication::wait_for_sync(replica, primary)?;
    for server in [replica, primary] {
        migrate::settled(&mut server.client()?)?;
    }
    migrate::equal(&migrate::view(replica)?, &migrate::view(primary)?)
}

/// Runs `body` while the primary is written to.
fn under_load<T>(primary: &Server, body: impl FnOnce(&Load) -> Outcome<T>) -> Outcome<T> {
    let load = Load::default();
    let mut client = primary.client()?;
    thread::scope(|scope| {
        let writing = scope.spawn(|| load.run(&mut client));
        let outcome = body(&load);
        load.stop.store(true, Ordering::Relaxed);
        writing.join().map_err(|_| Failure::new("the writing thread died"))??;
        outcome
    })
}

/// Every replica of one primary, all at once.
fn check_primary(name: Name, cells: &[&Cell]) -> Outcome<()> {
    let primary = migrate::spec(Spec::new(name)?).start()?;
    migrate::fill(&mut primary.client()?)?;
    let mut replicas: Vec<(Server, &Road)> = Vec::new();
    for cell in cells {
        replicas.push((migrate::spec(Spec::new(cell.to)?).start()?, &cell.road));
    }
    let outcomes = under_load(&primary, |load| {
        Ok(thread::scope(|scope| {
            let (primary, replicas) = (&primary, &replicas);
            let check = |(replica, road)| scope.spawn(move || check(replica, primary, road, load));
            let checks: Vec<_> =
                replicas.iter().map(|(replica, road)| check((replica, *road))).collect();
            checks.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        }))
    })?;
    let mut failures = Vec::new();
    for ((replica, _), outcome) in replicas.iter_mut().zip(outcomes) {
        let outcome = outcome.map_err(|_| Failure::new("a thread died")).flatten();
        let outcome =
            outcome.and_then(|follows| if follows { agree(replica, &primary) } else { Ok(()) });
        failures.extend(outcome.err().map(|failure| replica.explain(&failure).to_string()));
    }
    ensure(failures.is_empty(), || format!("primary {name}: {}", failures.join("\n")))
}

#[test]
fn replicas_follow_or_refuse_as_the_page_says() -> Outcome<()> {
    let (cells, chosen) = (migrate::cells("Replication")?, servers()?);
    let (mut shown, mut failures) = (0, Vec::new());
    for name in &chosen {
        let of = |cell: &&Cell| cell.from == name.as_str() && chosen.contains(&cell.to);
        let cells: Vec<&Cell> = cells.iter().filter(of).collect();
        shown += cells.len();
        failures.extend(check_primary(*name, &cells).err().map(|failure| failure.to_string()));
    }
    ensure(failures.is_empty(), || failures.join("\n"))?;
    ensure(shown == 36 || chosen.len() < 6, || format!("{shown} of 36 cells were shown"))
}

/// From Redis 8 to Valkey 8 by way of Valkey 9.1, which writes what its own replicas read.
#[test]
fn a_valkey_between_brings_redis_8_to_valkey_8() -> Outcome<()> {
    let [first, between, last] = ["redis-8.6", "valkey-9.1", "valkey-8.0"].map(Name::parse);
    let (first, between, last) = (first?, between?, last?);
    if !(first.is_chosen()? && between.is_chosen()? && last.is_chosen()?) {
        return Ok(());
    }
    let relaxed = ["--rdb-version-check", "relaxed"];
    let first = migrate::spec(Spec::new(first)?).start()?;
    let between = migrate::spec(Spec::new(between)?).options(&relaxed).start()?;
    let mut last = migrate::spec(Spec::new(last)?).start()?;
    migrate::fill(&mut first.client()?)?;
    under_load(&first, |load| {
        load.more(44)?;
        replication::attach(&between, &first)?;
        replication::attach(&last, &between)?;
        load.more(220)
    })?;
    agree(&between, &first)?;
    replication::wait_for_sync(&last, &between)?;
    agree(&last, &first).map_err(|failure| last.explain(&failure))
}

/// Starts a primary and, behind it, a replica that is as lenient as it can be.
fn pair(primary: Name, replica: Name) -> Outcome<(Server, Server)> {
    let relaxed: &[&str] =
        if replica.as_str() == "valkey-9.1" { &["--rdb-version-check", "relaxed"] } else { &[] };
    Ok((Spec::new(primary)?.start()?, Spec::new(replica)?.options(relaxed).start()?))
}

/// Values of the server's own that the replica cannot be sent.
#[test]
fn values_stop_a_replica_as_the_page_says() -> Outcome<()> {
    for row in migrate::rows("Values that stop a replica")?.iter().skip(1) {
        let [value, primaries, replicas, said, whose] = row.as_slice() else {
            return Err(Failure::new(format!("{row:?}")));
        };
        for name in migrate::names(primaries)? {
            for to in migrate::names(replicas)? {
                if !(name.is_chosen()? && to.is_chosen()?) {
                    continue;
                }
                let (primary, replica) = pair(name, to)?;
                migrate::make(&mut primary.client()?, value)?;
                let mut client = replica.client()?;
                client.expect(&format!("REPLICAOF 127.0.0.1 {}", primary.port()), "+OK")?;
                let log = if whose == "primary" { &primary } else { &replica };
                let said = said.trim_matches('`');
                wait(&format!("{said:?} of {name} and {to}"), || Ok(log.log()?.contains(said)))?;
                let status = client.info("master_link_status")?;
                ensure(status == "down", || format!("{value} of {name} at {to}: {status}"))?;
            }
        }
    }
    Ok(())
}

/// What a replica has no command for is missing there from then on, and its log says so.
#[test]
fn commands_that_a_replica_lacks_are_in_its_log() -> Outcome<()> {
    let (primary, replica) = (Name::parse("valkey-9.1")?, Name::parse("valkey-8.1")?);
    if !(primary.is_chosen()? && replica.is_chosen()?) {
        return Ok(());
    }
    let (primary, replica) = pair(primary, replica)?;
    replication::attach(&replica, &primary)?;
    migrate::make(&mut primary.client()?, "hash with fields that expire")?;
    replication::wait_for_sync(&replica, &primary)?;
    wait("the log", || Ok(replica.log()?.contains("unknown command 'HPEXPIREAT'")))?;
    replica.client()?.expect("HGET k a", "$1\r\n1")
}
