//! What servers tell of changes, and what they do not: the facts that the client-side cache is
//! built on. Each is numbered as in `docs/l1.md`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use keyspan_tests::l1::on_each_server;
use keyspan_tests::{Client, Outcome, Protocol, Server, Spec, Value, ensure, same};

/// A connection that tracks, and another one that changes things.
struct Pair {
    me: Client,
    other: Client,
}

impl Pair {
    /// Starts on an empty server; `options` are those of `CLIENT TRACKING ON`.
    fn new(server: &Server, options: &str) -> Outcome<Self> {
        let mut other = server.client()?;
        other.expect("FLUSHALL", "+OK")?;
        let mut me = server.client_in(Protocol::Resp3)?;
        me.expect(&format!("CLIENT TRACKING ON {options}"), "+OK")?;
        Ok(Self { me, other })
    }

    /// Each line by the tracking connection.
    fn read(&mut self, lines: &[&str]) -> Outcome<()> {
        lines.iter().try_for_each(|line| self.me.line(line).map(drop))
    }

    /// Each line by the other connection.
    fn write(&mut self, lines: &[&str]) -> Outcome<()> {
        lines.iter().try_for_each(|line| self.other.line(line).map(drop))
    }

    /// The keys of each push since the last call, joined by commas; `*` for a flush. What the other's
    /// finished command caused came before the reply to a PING.
    fn pushes(&mut self) -> Outcome<Vec<String>> {
        self.me.line("PING")?;
        let mut pushes = Vec::new();
        while let Some(push) = self.me.push(Duration::ZERO)? {
            pushes.push(keys(&Value::decode(&push)?)?);
        }
        Ok(pushes)
    }

    fn expect(&mut self, what: &str, expected: &[&str]) -> Outcome<()> {
        let mut pushes = self.pushes()?;
        pushes.sort();
        ensure(pushes == expected, || format!("{what}: {expected:?} due, {pushes:?} came"))
    }
}

fn keys(push: &Value) -> Outcome<String> {
    let [_, what] = push.elements()? else { return Ok(format!("{push:?}")) };
    let Value::Array(keys) = what else { return Ok("*".into()) };
    let keys: Outcome<Vec<_>> =
        keys.iter().map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned())).collect();
    Ok(keys?.join(","))
}

/// A change of `k` that another makes after `read` is told of as `expected`.
fn told(
    server: &Server,
    setup: &[&str],
    read: &str,
    change: &str,
    expected: &[&str],
) -> Outcome<()> {
    let mut pair = Pair::new(server, "")?;
    pair.write(setup)?;
    pair.read(&[read])?;
    pair.write(&[change])?;
    pair.expect(&format!("{read}; {change}"), expected)
}

/// T1, T2, T3, T5, T9
#[test]
fn every_change_of_a_key_is_told_once() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut pair = Pair::new(server, "")?;
            pair.read(&["GET k"])?;
            pair.write(&["SET k 1"])?;
            pair.expect("a null is tracked", &["k"])?;
            pair.write(&["SET k 2"])?;
            pair.expect("a second write before the next read", &[])?;
            let set = ["SET k v"];
            let mortal = ["SET k v PX 100000"];
            for change in [
                "SET k 1",
                "DEL k",
                "UNLINK k",
                "EXPIRE k 100",
                "GETEX k EX 9",
                "MOVE k 1",
                "COPY x k REPLACE",
                "EVAL \"return redis.call('SET', KEYS[1], 1)\" 1 k",
                "APPEND k 1",
            ] {
                told(server, &["SET x 1", "SET k v"], "GET k", change, &["k"])?;
            }
            told(server, &mortal, "GET k", "PERSIST k", &["k"])?;
            told(server, &["HSET h a 1 b 2"], "HGET h a", "HSET h b 3", &["h"])?;
            told(server, &set, "GET k", "TOUCH k", &[])?;
            let mut pair = Pair::new(server, "")?;
            pair.write(&["SET k 1"])?;
            pair.read(&["GET k", "GET new"])?;
            pair.write(&["RENAME k new"])?;
            pair.expect("RENAME", &["k", "new"])?;
            pair.read(&["GET k"])?;
            pair.write(&["SELECT 1", "SET k of-another-database"])?;
            pair.expect("a name carries no database", &["k"])
        },
    )
}

/// T4, T23
#[test]
fn which_reads_are_tracked() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let redis_7 = server.name().as_str() == "redis-7.0";
            for (read, tracked) in [
                ("EXISTS k", true),
                ("PTTL k", true),
                ("STRLEN k", true),
                ("EVAL \"return redis.call('GET', KEYS[1])\" 1 k", true),
                ("EVAL_RO \"return redis.call('GET', KEYS[1])\" 1 k", true),
                ("EVAL \"return redis.call('GET', 'k')\" 0", !redis_7),
                ("SCAN 0", false),
                ("KEYS *", false),
                ("GETEX k", false),
                ("APPEND k x", false),
            ] {
                let expected: &[&str] = if tracked { &["k"] } else { &[] };
                told(server, &["SET k v"], read, "SET k w", expected)?;
            }
            let mut pair = Pair::new(server, "")?;
            pair.read(&["MULTI", "PTTL k", "GET k", "EXEC"])?;
            pair.write(&["SET k 1"])?;
            pair.expect("a read within a transaction", &["k"])
        },
    )
}

/// T6, T7, T8, T19
#[test]
fn many_keys_at_once() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut pair = Pair::new(server, "")?;
            pair.read(&["MGET a b c"])?;
            pair.write(&["MSET a 1 b 2"])?;
            pair.expect("MSET", &["a", "b"])?;
            for flush in ["FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC"] {
                pair.read(&["GET a"])?;
                pair.write(&[flush])?;
                pair.expect(flush, &["*"])?;
            }
            pair.write(&["SELECT 1", "FLUSHDB"])?;
            pair.expect("FLUSHDB of another database", &["*"])?;
            pair.read(&["GET a"])?;
            pair.write(&["SET a 1", "SELECT 0", "SWAPDB 0 1"])?;
            pair.expect("SWAPDB, after a SET in the other database", &["a"])?;
            pair.read(&["GET a"])?;
            pair.write(&["SWAPDB 0 1"])?;
            pair.expect("SWAPDB alone", &[])?;
            let mut pair = Pair::new(server, "BCAST PREFIX user:")?;
            pair.write(&[
                "MULTI",
                "SET user:2 1",
                "SET user:3 1",
                "SET user:3 2",
                "SET x 1",
                "EXEC",
            ])?;
            let mut told =
                pair.pushes()?.concat().split(',').map(str::to_owned).collect::<Vec<_>>();
            told.sort();
            ensure(told == ["user:2", "user:3"], || format!("one push of two keys: {told:?}"))?;
            let mut fresh = server.client_in(Protocol::Resp3)?;
            let reply = fresh.line("CLIENT TRACKING ON BCAST PREFIX a PREFIX ab")?;
            ensure(reply.starts_with(b"-ERR"), || "overlapping prefixes".into())
        },
    )
}

/// T10
#[test]
fn an_expiry_that_nobody_notices_is_not_told() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut pair = Pair::new(server, "")?;
            pair.write(&["DEBUG SET-ACTIVE-EXPIRE 0", "SET k v PX 300"])?;
            pair.read(&["GET k"])?;
            std::thread::sleep(Duration::from_millis(400));
            pair.expect("nobody looks", &[])?;
            pair.write(&["GET k"])?;
            pair.expect("another has looked", &["k"])?;
            pair.write(&["SET k v PX 300"])?;
            pair.read(&["GET k"])?;
            pair.write(&["DEBUG SET-ACTIVE-EXPIRE 1"])?;
            std::thread::sleep(Duration::from_millis(800));
            pair.expect("the server looks by itself", &["k"])
        },
    )
}

/// T11, T12
#[test]
fn what_the_server_forgets_is_told() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut pair = Pair::new(server, "")?;
            pair.write(&["SET k v"])?;
            pair.read(&["GET k"])?;
            pair.write(&[
                "CONFIG SET maxmemory-policy allkeys-random",
                "CONFIG SET maxmemory 1",
                "SET x 1",
            ])?;
            let pushes = pair.pushes()?;
            ensure(pushes.iter().any(|push| push == "k"), || format!("evicted: {pushes:?}"))?;
            pair.write(&["CONFIG SET maxmemory 0", "CONFIG SET tracking-table-max-keys 10"])?;
            for number in 0..100 {
                pair.read(&[&format!("GET {number}")])?;
            }
            let mut told = 0;
            for _ in 0..30 {
                told += pair.pushes()?.len();
                std::thread::sleep(Duration::from_millis(10));
            }
            ensure(told == 90, || format!("{told} of 90 keys beyond the table"))
        },
    )
}

/// T13, T14, T15, T17
#[test]
fn options_of_tracking() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut pair = Pair::new(server, "OPTIN")?;
            pair.read(&["GET a", "CLIENT CACHING YES", "GET b", "GET c"])?;
            pair.read(&["CLIENT CACHING YES", "MULTI", "GET d", "GET e", "EXEC", "GET f"])?;
            pair.write(&["MSET a 1 b 1 c 1 d 1 e 1 f 1"])?;
            pair.expect("OPTIN covers the next command or transaction", &["b", "d", "e"])?;
            pair.read(&["CLIENT CACHING YES", "PTTL k", "GET k", "GET l"])?;
            pair.write(&["SET k 1", "SET l 1"])?;
            pair.expect("the read after the next command is not covered", &["k"])?;
            let mut pair = Pair::new(server, "OPTOUT")?;
            pair.read(&["GET a", "CLIENT CACHING NO", "GET b", "GET c"])?;
            pair.write(&["MSET a 1 b 1 c 1"])?;
            pair.expect("OPTOUT", &["a", "c"])?;
            let mut pair = Pair::new(server, "NOLOOP")?;
            pair.read(&["GET k", "SET k own"])?;
            pair.write(&["SET k foreign"])?;
            pair.expect("an own write uses the entry up, in silence", &[])?;
            let mut pair = Pair::new(server, "")?;
            pair.read(&["GET k", "CLIENT TRACKING OFF", "CLIENT TRACKING ON"])?;
            pair.write(&["SET k 1"])?;
            pair.expect("what was read before OFF", &["k"])
        },
    )
}

/// T16
#[test]
fn a_push_comes_before_later_replies_and_after_the_own_one() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut pair = Pair::new(server, "")?;
            // Written at once, so that all frames come in one piece.
            let (get, set) = (vec!["GET", "k"], vec!["SET", "k", "own"]);
            let replies = pair.me.pipeline(&[get.clone(), set, get])?;
            same(&replies.concat(), b"_\r\n+OK\r\n$3\r\nown\r\n", "replies")?;
            pair.expect("the own write", &["k"])?;
            // The order between the two kinds: only the bytes of the socket tell.
            let mut raw = TcpStream::connect(("127.0.0.1", server.port()))?;
            let lines = "HELLO 3\r\nCLIENT TRACKING ON\r\nGET none\r\nSET none own\r\nPING\r\n";
            raw.write_all(lines.as_bytes())?;
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"+PONG\r\n") {
                let mut byte = [0];
                raw.read_exact(&mut byte)?;
                bytes.extend(byte);
            }
            let due = "_\r\n+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\nnone\r\n+PONG\r\n";
            let came = String::from_utf8_lossy(&bytes);
            ensure(came.ends_with(due), || came.escape_debug().to_string())
        },
    )
}

/// T18
#[test]
fn without_resp3_nothing_is_told() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let mut old = server.client()?;
            old.expect("CLIENT TRACKING ON", "+OK")?;
            old.line("GET k")?;
            server.client()?.line("SET k 1")?;
            old.line("PING")?;
            ensure(old.push(Duration::ZERO)?.is_none(), || "a push in RESP2".into())?;
            let (mut target, mut source) = (server.client()?, server.client_in(Protocol::Resp3)?);
            let id = target.value("CLIENT ID")?.integer()?;
            source.expect(&format!("CLIENT TRACKING ON REDIRECT {id}"), "+OK")?;
            source.line("GET k")?;
            target.line("QUIT")?;
            drop(target);
            std::thread::sleep(Duration::from_millis(50));
            server.client()?.line("SET k 2")?;
            source.line("PING")?;
            let push = source.push(Duration::ZERO)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&push).into_owned();
            ensure(text.contains("tracking-redir-broken"), || text)?;
            let (mut target, mut source) = (server.client()?, server.client()?);
            let id = target.value("CLIENT ID")?.integer()?;
            source.expect(&format!("CLIENT TRACKING ON REDIRECT {id}"), "+OK")?;
            source.line("GET k")?;
            target.line("QUIT")?;
            drop(target);
            std::thread::sleep(Duration::from_millis(50));
            server.client()?.line("SET k 3")?;
            source.expect("PING", "+PONG")?;
            ensure(source.push(Duration::ZERO)?.is_none(), || "a push in RESP2".into())?;
            let info = String::from_utf8_lossy(&source.line("CLIENT TRACKINGINFO")?).into_owned();
            ensure(info.contains("broken_redirect"), || info)
        },
    )
}

/// T20, T21
#[test]
fn replicas_and_slots() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let replica = Spec::new(server.name())?.start()?;
            keyspan_tests::replication::attach(&replica, server)?;
            let mut me = replica.client_in(Protocol::Resp3)?;
            me.expect("CLIENT TRACKING ON", "+OK")?;
            me.line("GET k")?;
            server.client()?.line("SET k 1")?;
            keyspan_tests::replication::converge(&replica, server)?;
            me.line("PING")?;
            ensure(me.push(Duration::ZERO)?.is_some(), || "no push of a replicated write".into())?;
            let cluster = keyspan_tests::l1::cluster::Cluster::start(server.name(), 1, false)?;
            let mut other = cluster.client(0)?;
            let Some(node) = cluster.nodes.first() else { return Ok(()) };
            let mut pair = Pair::new(node, "")?;
            pair.read(&["GET k"])?;
            let slot = other.value("CLUSTER KEYSLOT k")?.integer()?;
            pair.write(&[&format!("CLUSTER DELSLOTS {slot}")])?;
            pair.expect("a slot that is lost", &[])
        },
    )
}

/// T22: no server cuts a client off that reads too slowly, unless it is told to.
#[test]
fn slow_clients_are_borne_by_default() -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            let limits = server.client()?.line("CONFIG GET client-output-buffer-limit")?;
            let text = String::from_utf8_lossy(&limits).into_owned();
            ensure(text.contains("normal 0 0 0"), || text)
        },
    )
}

/// M6, M7
#[test]
fn modules_and_built_in_modules() -> Outcome<()> {
    on_each_server(
        |spec| spec.module("json", &[]),
        |server| {
            let mut pair = Pair::new(server, "BCAST PREFIX doc:")?;
            pair.write(&["JSON.SET doc:1 $ 1", "JSON.SET x $ 1"])?;
            pair.expect("a module's write below a prefix", &["doc:1"])?;
            told(server, &["JSON.SET k $ 1"], "JSON.GET k $", "JSON.SET k $ 2", &["k"])?;
            if server.name().as_str() == "redis-8.6" {
                let vectors = ["VADD k VALUES 2 1 0 a"];
                told(server, &vectors, "VSIM k ELE a", "VADD k VALUES 2 0 1 b", &["k"])?;
                told(server, &vectors, "VSIM k ELE a", "VSETATTR k a {}", &["k"])?;
            }
            Ok(())
        },
    )
}
