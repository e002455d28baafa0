//! Several databases with all modules loaded: what goes from one to another stays where it went, for the
//! client, its replica and its log. (Valkey 8.1 leaves clients astray when a module follows keys, which
//! the modules make good.)

use keyspan_tests::replication::{attach, converge, wait};
use keyspan_tests::{Client, Failure, Outcome, Server, Spec, ensure, on_each_server, together};

/// What a client types in database 0, and how many keys databases 0, 1 and 2 then have more.
const LINES: [(&str, [i64; 3]); 12] = [
    ("HSET h f v", [1, 0, 0]),
    ("COPY h h DB 1", [0, 1, 0]),
    ("MOVE h 2", [-1, 0, 1]),
    ("SET s v", [1, 0, 0]),
    ("COPY s t DB 2", [0, 0, 1]),
    ("JSON.SET j $ 1", [1, 0, 0]),
    ("MOVE j 1", [-1, 1, 0]),
    ("TS.ADD ts 1 1 LABELS a b", [1, 0, 0]),
    ("COPY ts ts DB 1", [0, 1, 0]),
    ("MOVE s 1", [-1, 1, 0]),
    ("COPY ts ts2", [1, 0, 0]),
    ("DEBUG RELOAD", [0, 0, 0]),
];

/// The same in scripts and transactions, and what is then in each database.
const INSIDE: [&str; 14] = [
    "EVAL \"redis.call('SET', 'e', 1) redis.call('COPY', 'e', 'e', 'DB', 1) \
     redis.call('SET', 'e2', 1)\" 0",
    "EVAL \"redis.call('SELECT', 2) redis.call('SET', 'x', 1) \
     redis.call('COPY', 'x', 'y', 'DB', 1) redis.call('SET', 'z', 1)\" 0",
    "MULTI",
    "SET m 1",
    "COPY m m DB 2",
    "SET m2 1",
    "MOVE m 1",
    "SET m3 1",
    "EXEC",
    "SELECT 1",
    "COPY h q DB 2",
    "MOVE ts 2",
    "SET one 1",
    "SELECT 0",
];
const AFTER_INSIDE: [(&str, &str); 3] =
    [("0", "e e2 m2 m3"), ("1", "h j e y m one"), ("2", "m x z q ts")];

/// What two clients write so that the log goes from database to database, and every copy comes first.
/// The other one is in database 1.
const LOGGED: [(&str, &str); 16] = [
    ("SET a 1", "SET b 1"),
    ("SET dead 1", "FLUSHDB"),
    ("COPY a c", "SET b 2"),
    ("SET after 1", "JSON.SET j $ 1"),
    ("COPY a c DB 2 REPLACE", "FLUSHDB"),
    ("SET after2 1", "SET b 1 PX 1"),
    ("DEBUG SLEEP 0.01", "DBSIZE"),
    ("COPY a b DB 1", "APPEND b x"),
    ("SET after3 1", "SET k 1"),
    ("MULTI", "SET k 2"),
    ("SELECT 2", "SET k 3"),
    ("COPY c d DB 3", "SET k 4"),
    ("COPY c e", "SET k 5"),
    ("SET after4 1", "SET k 6"),
    ("EXEC", "COPY k l DB 0"),
    ("SET after5 1", "SET m 1"),
];
const AFTER_LOGGED: [(&str, &str); 4] = [
    ("0", "a dead c after after2 after3 l"),
    ("1", "b k m"),
    ("2", "c e after4 after5"),
    ("3", "d"),
];

/// Transactions that go to another database themselves.
const SELECTING: [&str; 15] = [
    "MSET a 1 b 1",
    "MULTI",
    "COPY a u DB 1",
    "COPY none u DB 1",
    "SELECT 2",
    "SET x 1",
    "COPY x u DB 3",
    "SET after 1",
    "EXEC",
    "SET after2 1",
    "SELECT 0",
    "MULTI",
    "COPY none v DB 1",
    "DISCARD",
    "COPY b v DB 2",
];
const AFTER_SELECTING: [(&str, &str); 4] =
    [("0", "a b"), ("1", "u"), ("2", "x after after2 v"), ("3", "u")];

fn spec(spec: Spec) -> Spec {
    together::spec(spec).options(&["--appendonly", "yes", "--enable-debug-command", "yes"])
}

fn with_replica(server: &Server) -> Outcome<(Server, Client)> {
    let replica = together::spec(Spec::new(server.name())?).start()?;
    attach(&replica, server)?;
    Ok((replica, server.client()?))
}

fn sizes(client: &mut Client) -> Outcome<[i64; 3]> {
    let mut sizes = [0; 3];
    for (number, size) in sizes.iter_mut().enumerate() {
        client.expect(&format!("SELECT {number}"), "+OK")?;
        *size = client.value("DBSIZE")?.integer()?;
    }
    Ok(sizes)
}

fn succeed(client: &mut Client, lines: &[&str]) -> Outcome<()> {
    for line in lines {
        let reply = client.line(line)?;
        let text = || format!("{line}: {}", String::from_utf8_lossy(&reply));
        ensure(!reply.starts_with(b"-"), text)?;
    }
    Ok(())
}

fn hold(client: &mut Client, wanted: &[(&str, &str)]) -> Outcome<()> {
    for (database, keys) in wanted {
        client.expect(&format!("SELECT {database}"), "+OK")?;
        let count = keys.split(' ').count();
        client.expect(&format!("EXISTS {keys}"), &format!(":{count}"))?;
    }
    Ok(())
}

#[test]
fn clients_replicas_and_logs_stay_in_their_database() -> Outcome<()> {
    on_each_server(spec, |server| {
        let (replica, mut client) = with_replica(server)?;
        let (mut other, mut wanted) = (server.client()?, [0; 3]);
        for (line, more) in LINES {
            succeed(&mut client, &[line])?;
            wanted.iter_mut().zip(more).for_each(|(size, more)| *size += more);
            let got = sizes(&mut other)?;
            ensure(got == wanted, || format!("{line}: {got:?}, not {wanted:?}"))?;
        }
        succeed(&mut client, &INSIDE)?;
        hold(&mut other, &AFTER_INSIDE)?;
        converge(&replica, server)?;
        let before = sizes(&mut client)?;
        client.expect("DEBUG LOADAOF", "+OK")?;
        let after = sizes(&mut other)?;
        ensure(before == after, || format!("{before:?}, and from the log {after:?}"))
    })
}

#[test]
fn transactions_go_to_the_database_they_name() -> Outcome<()> {
    on_each_server(spec, |server| {
        let (replica, mut client) = with_replica(server)?;
        succeed(&mut client, &SELECTING)?;
        hold(&mut client, &AFTER_SELECTING)?;
        converge(&replica, server)
    })
}

#[test]
fn logs_are_read_where_they_were_written() -> Outcome<()> {
    on_each_server(spec, |server| {
        let replica = spec(Spec::new(server.name())?).start()?;
        attach(&replica, server)?;
        let is_idle = |field| Ok(replica.client()?.info(field)? == "0");
        wait("the replica's log", || is_idle("aof_rewrite_scheduled"))?;
        wait("the replica's log", || is_idle("aof_rewrite_in_progress"))?;
        let (mut client, mut other) = (server.client()?, server.client()?);
        // Keys that have expired stay until a command meets them, so that one is deleted by a copy.
        succeed(&mut client, &["DEBUG SET-ACTIVE-EXPIRE 0"])?;
        succeed(&mut other, &["SELECT 1"])?;
        for (line, of_other) in LOGGED {
            succeed(&mut client, &[line])?;
            succeed(&mut other, &[of_other])?;
        }
        converge(&replica, server)?;
        for (whose, node) in [("its", &*server), ("the replica's", &replica)] {
            let mut client = node.client()?;
            held_exactly(&mut client).map_err(|failure| failure.during(whose))?;
            client.expect("DEBUG LOADAOF", "+OK")?;
            let during = |failure: Failure| failure.during(&format!("from {whose} log"));
            held_exactly(&mut node.client()?).map_err(during)?;
        }
        Ok(())
    })
}

/// The keys of [`AFTER_LOGGED`] and no others.
fn held_exactly(client: &mut Client) -> Outcome<()> {
    hold(client, &AFTER_LOGGED)?;
    let wanted = AFTER_LOGGED.map(|(_, keys)| keys.split(' ').count());
    let got = sizes(client)?;
    let is_equal = got.iter().zip(wanted).all(|(got, wanted)| Ok(*got) == i64::try_from(wanted));
    ensure(is_equal, || format!("{got:?}, not {wanted:?}"))
}
