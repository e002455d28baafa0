//! Drives the module of `examples/toy.rs` in a real server: the one named by
//! `KEYSPAN_SERVER_BIN`, else Redis 7.0 from `scripts/servers`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyspan_common::rdb::file::{Family, Magic, Reader, Record, Writer};
use keyspan_common::rdb::payload::{PayloadWriter, Strings};
use keyspan_common::rdb::{TypeId, Write as _};

const PATIENCE: Duration = Duration::from_secs(10);

/// A server with the module, ended on drop.
struct Server {
    process: Child,
    port: u16,
    folder: PathBuf,
}

/// One connection that compares raw bytes.
struct Client {
    stream: TcpStream,
}

fn module() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples").join("libtoy.so")
}

/// The server's program: the one that is named, else the oldest that `scripts/servers` has, which
/// lacks most of what is optional. A machine without one fails the test, it is not skipped.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("KEYSPAN_SERVER_BIN") {
        return named.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/servers");
    let answer = Command::new(script).args(["path", "redis-7.0"]).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap().trim().into()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a server with a module line such as `mode loud`, without waiting for it.
fn launch(folder: &Path, port: u16, arguments: &str) -> Child {
    fs::create_dir_all(folder).unwrap();
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let configuration = format!(
        "port {port}\ndir {}\nsave \"\"\nenable-debug-command yes\n\
         enable-module-command yes\n\
         loadmodule {} {arguments}\n",
        folder.display(),
        module().display()
    );
    fs::write(folder.join("conf"), configuration).unwrap();
    Command::new(program())
        .arg(folder.join("conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

impl Server {
    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("keyspan-toy-{}-{name}", std::process::id()))
    }

    fn start(name: &str, arguments: &str) -> Self {
        let folder = Self::folder(name);
        let port = free_port();
        let process = launch(&folder, port, arguments);
        Self { process, port, folder }
    }

    fn client(&self) -> Client {
        let started = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    return Client { stream };
                }
                Err(_) if started.elapsed() < PATIENCE => sleep(Duration::from_millis(20)),
                Err(error) => panic!("{error}\n{}", self.log()),
            }
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        } else {
            eprintln!("log: {}", self.folder.join("log").display());
        }
    }
}

impl Client {
    fn send(&mut self, line: &str) {
        self.send_words(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    }

    fn send_words(&mut self, words: &[&[u8]]) {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend(format!("${}\r\n", word.len()).bytes());
            bytes.extend(*word);
            bytes.extend(b"\r\n");
        }
        self.stream.write_all(&bytes).unwrap();
    }

    fn expect(&mut self, reply: &str) {
        let mut found = vec![0; reply.len()];
        let mut filled = 0;
        while filled < found.len() {
            match self.stream.read(found.get_mut(filled..).unwrap()) {
                Ok(0) | Err(_) => break,
                Ok(count) => filled += count,
            }
        }
        found.truncate(filled);
        assert_eq!(String::from_utf8_lossy(&found), reply);
    }

    fn check(&mut self, line: &str, reply: &str) {
        self.send(line);
        self.expect(&format!("{reply}\r\n"));
        // A second reply would be read here.
        self.send("ECHO end");
        self.expect("$3\r\nend\r\n");
    }

    /// A bulk reply, whatever its text.
    fn text(&mut self, line: &str) -> String {
        self.send(line);
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n") {
            self.stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let Some(len) = head.trim().strip_prefix(['$', '=']) else { return head };
        let Ok(len) = len.parse::<usize>() else { return head };
        let mut body = vec![0; len + 2];
        self.stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }
}

#[test]
fn replies_are_whole_in_both_protocols() {
    let server = Server::start("replies", "");
    let mut client = server.client();
    let internal = "-ERR internal error, please report it";
    client.check("TOY.GET a", "$-1");
    client.check("TOY.SET a 1", "+OK");
    client.check("TOY.GET a", "$1\r\n1");
    client.check("TOY.GET", "-ERR wrong number of arguments for 'TOY.GET' command");
    client.check("TOY.WRONG", "-ERR a b");
    client.check("TOY.PANIC", internal);
    client.check("TOY.HALF", &format!("*3\r\n:1\r\n{internal}\r\n$-1"));
    client.check("TOY.TOOMUCH", ":1");
    client.check(
        "TOY.SHAPES",
        "*9\r\n*2\r\n+k\r\n:-5\r\n*1\r\n$3\r\na\0b\r\n:1\r\n$3\r\n1.5\r\n\
         $30\r\n123456789012345678901234567890\r\n$-1\r\n*-1\r\n*0\r\n:0",
    );
    client.check("SET s 1", "+OK");
    client.check("TOY.GET s", "-WRONGTYPE not a text");
    client.check("TOY.DEL s", "-WRONGTYPE not a text");
    client.check("TOY.DEL none", ":0");
    let many = vec!["x"; 40].join(" ");
    client.check(&format!("TOY.SET a {many} end"), "+OK");
    client.check("TOY.GET a", "$3\r\nend");
    client.text("HELLO 3");
    let mut client = server.client();
    client.send("HELLO 3");
    client.send("TOY.SHAPES");
    sleep(Duration::from_millis(200));
    let mut bytes = [0; 4096];
    let count = client.stream.read(&mut bytes).unwrap();
    assert!(String::from_utf8_lossy(&bytes[..count]).ends_with(
        "*9\r\n%1\r\n+k\r\n:-5\r\n~1\r\n$3\r\na\0b\r\n#t\r\n,1.5\r\n\
         (123456789012345678901234567890\r\n_\r\n_\r\n*0\r\n:1\r\n"
    ));
    assert_eq!(server.log().matches("toy: internal error in TOY.PANIC: panicked at").count(), 1);
    assert!(!server.log().contains("not in used_memory"));
}

#[test]
fn a_job_leaves_the_server_free() {
    let server = Server::start("job", "");
    let (mut waiting, mut other) = (server.client(), server.client());
    let started = Instant::now();
    waiting.send("TOY.SLEEP 600");
    sleep(Duration::from_millis(100));
    other.check("PING", "+PONG");
    assert!(started.elapsed() < Duration::from_millis(500));
    waiting.expect("*2\r\n+slept\r\n:600\r\n");
    assert!(started.elapsed() >= Duration::from_millis(600));
    waiting.check("TOY.SLEEP 0", "-ERR internal error, please report it");
    waiting.check("TOY.SLEEP x", "-ERR syntax error");
    let mut scripted = server.client();
    scripted.send("MULTI");
    scripted.send("TOY.SLEEP 5");
    scripted.send("EXEC");
    scripted.expect("+OK\r\n+QUEUED\r\n*1\r\n*2\r\n+slept\r\n:5\r\n");
    // More jobs than threads, and a client that leaves before its answer.
    let mut many: Vec<Client> = (0..12).map(|_| server.client()).collect();
    many.iter_mut().for_each(|client| client.send("TOY.SLEEP 50"));
    many.truncate(8);
    many.iter_mut().for_each(|client| client.expect("*2\r\n+slept\r\n:50\r\n"));
    other.check("PING", "+PONG");
}

#[test]
fn a_value_lives_through_dump_copy_rewrite_and_reload() {
    let server = Server::start("value", "encoding 2");
    let mut client = server.client();
    let long = "y".repeat(100_500);
    client.check("TOY.SET a hello", "+OK");
    client.check("TOY.SET many many", "+OK");
    client.check(&format!("TOY.SET long {long}"), "+OK");
    client.check("COPY a b", ":1");
    client.check("TOY.SET a other", "+OK");
    client.check("TOY.GET b", "$5\r\nhello");
    let digest = client.text("DEBUG DIGEST");
    assert!(client.text("INFO toy").contains("toy_record:7\r\n"), "a record came from nowhere");
    client.check("DEBUG RELOAD", "+OK");
    assert!(client.text("INFO toy").contains("toy_record:8\r\n"), "the type's record was not read");
    client.check("TOY.GET b", "$5\r\nhello");
    assert_eq!(client.text("DEBUG DIGEST"), digest);
    client.check("CONFIG SET aof-use-rdb-preamble no", "+OK");
    client.check("CONFIG SET appendonly yes", "+OK");
    let started = Instant::now();
    while !client.text("INFO persistence").contains("aof_rewrite_in_progress:0") {
        assert!(started.elapsed() < PATIENCE, "{}", server.log());
        sleep(Duration::from_millis(50));
    }
    client.check("DEBUG LOADAOF", "+OK");
    assert_eq!(client.text("DEBUG DIGEST"), digest);
    let usage: usize =
        client.text("MEMORY USAGE long").trim_matches([':', '\r', '\n']).parse().unwrap();
    assert!((100_500..140_000).contains(&usage), "{usage}");
    client.check("UNLINK long", ":1");
    client.check("TOY.GET long", "$-1");
    let memory = client.text("INFO memory");
    let on_main = "lazyfree_pending_objects:0\r\nlazyfreed_objects:0\r\n";
    assert!(!memory.contains(on_main), "{memory}");
    client.check("FLUSHALL ASYNC", "+OK");
    client.check("DBSIZE", ":0");
    client.check("RESTORE x 0 broken", "-ERR DUMP payload version or checksum are wrong");
}

#[test]
fn settings_info_and_documents_are_the_servers_own() {
    let server = Server::start("settings", "MODE loud limit 3mb");
    let mut client = server.client();
    client.check("CONFIG GET toy.mode", "*2\r\n$8\r\ntoy.mode\r\n$4\r\nloud");
    client.check("CONFIG GET toy.limit", "*2\r\n$9\r\ntoy.limit\r\n$7\r\n3145728");
    client.check("CONFIG SET toy.limit 2mb", "+OK");
    client.check("CONFIG SET toy.strict yes", "+OK");
    client.check("CONFIG SET toy.mode plain", "+OK");
    client.check("CONFIG GET toy.mode", "*2\r\n$8\r\ntoy.mode\r\n$5\r\nplain");
    assert!(client.text("CONFIG SET toy.mode shy").starts_with('-'));
    assert!(client.text("CONFIG SET toy.encoding 2").starts_with('-'));
    let info = client.text("INFO everything");
    assert!(info.contains("toy_limit:2097152\r\ntoy_greeting:hello"), "{info}");
    let again = client.text(&format!("MODULE LOAD {} mode loud", module().display()));
    assert!(again.starts_with('-') && server.log().contains("is already loaded"), "{again}");
    client.check("CONFIG GET toy.mode", "*2\r\n$8\r\ntoy.mode\r\n$5\r\nplain");
    client.check("COMMAND GETKEYS TOY.SET k v", "*1\r\n$1\r\nk");
    client.check("ACL DRYRUN default TOY.SET k v", "+OK");
    client.send("COMMAND DOCS TOY.SET");
    sleep(Duration::from_millis(200));
    let mut bytes = vec![0; 8192];
    let count = client.stream.read(&mut bytes).unwrap();
    let docs = String::from_utf8_lossy(&bytes[..count]).into_owned();
    for word in ["Does what the test needs", "condition", "oneof", "pure-token", "NX", "multiple"] {
        assert!(docs.contains(word), "{word} not in {docs}");
    }
    let mut client = server.client();
    // Redis 7.0 has no categories of modules.
    if !client.text("INFO server").contains("redis_version:7.0.") {
        client.check("ACL SETUSER u reset on nopass ~* +@toy -@write", "+OK");
        client.text("AUTH u any");
        assert_eq!(client.text("TOY.GET a"), "$-1\r\n");
        assert!(client.text("TOY.SET a 1").starts_with("-NOPERM"));
    }
}

#[test]
fn events_and_watchers_see_changes_only() {
    let server = Server::start("events", "");
    let (mut client, mut listener) = (server.client(), server.client());
    client.check("CONFIG SET notify-keyspace-events KEA", "+OK");
    client.check("CONFIG SET notify-keyspace-events KEAd", "+OK");
    listener.send("PSUBSCRIBE __keyspace@0__:*");
    listener.expect("*3\r\n$10\r\npsubscribe\r\n$16\r\n__keyspace@0__:*\r\n:1\r\n");
    client.check("TOY.GET k", "$-1");
    client.check("TOY.DEL k", ":0");
    client.check("TOY.SET k v", "+OK");
    listener.expect("*4\r\n$8\r\npmessage\r\n$16\r\n__keyspace@0__:*\r\n$16\r\n__keyspace@0__:k\r\n$7\r\ntoy.set\r\n");
    let mut watcher = server.client();
    watcher.check("WATCH k none", "+OK");
    client.check("TOY.DEL none", ":0");
    client.check("TOY.GET k", "$1\r\nv");
    watcher.send("MULTI");
    watcher.send("TOY.GET k");
    watcher.send("EXEC");
    watcher.expect("+OK\r\n+QUEUED\r\n*1\r\n$1\r\nv\r\n");
    watcher.check("WATCH k", "+OK");
    client.check("TOY.SET k w", "+OK");
    watcher.send("MULTI");
    watcher.send("EXEC");
    watcher.expect("+OK\r\n*-1\r\n");
}

#[test]
fn a_bad_load_line_is_refused_with_its_reason() {
    for (arguments, reason) in [
        ("colour red", "unknown load argument 'colour'"),
        ("limit", "'limit' lacks its value"),
        ("mode shy", "'shy' is no value of 'mode'"),
        ("encoding 3", "'3' is no value of 'encoding'"),
    ] {
        let mut server = Server::start("refused", arguments);
        let status = server.process.wait().unwrap();
        assert!(!status.success(), "{arguments}");
        let line = format!("toy: not loaded: {reason}");
        assert!(server.log().contains(&line), "{}", server.log());
        let _ = fs::remove_dir_all(&server.folder);
    }
}

/// RediSearch's records of a real file, and one key.
fn file_with_aux() -> Vec<u8> {
    let file = "../../tests/fixtures/rdb/redisearch-2.10.32-valkey8.0.rdb";
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let mut out = Writer::new(Magic { family: Family::Redis, version: 9 });
    for record in Reader::new(&file).unwrap() {
        if let Record::ModuleAux { type_id, when, body } = record.unwrap() {
            out.module_aux(type_id, when, body);
        }
    }
    let mut body = PayloadWriter::new(Strings::Plain);
    body.unsigned(2);
    body.bytes(b"hi");
    out.module(b"k", None, TypeId::new("toy-text0", 2).unwrap(), &body.into_body());
    out.finish()
}

#[test]
fn aux_records_of_redisearch_are_skipped_when_told() {
    let folder = Server::folder("aux");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("dump.rdb"), file_with_aux()).unwrap();
    let server = Server::start("aux", "skip-search-aux");
    let mut client = server.client();
    let started = Instant::now();
    while client.text("DBSIZE").starts_with('-') && started.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20));
    }
    client.check("TOY.GET k", "$2\r\nhi");
    for line in ["skipped 2 entries of 'ft_index0'", "skipped 1 entries of 'scdtype00'"] {
        assert!(server.log().contains(line), "{line} not in {}", server.log());
    }
    drop(server);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("dump.rdb"), file_with_aux()).unwrap();
    let mut server = Server::start("aux", "");
    assert!(!server.process.wait().unwrap().success());
}

#[test]
fn hostile_payloads_are_refused() {
    let server = Server::start("hostile", "");
    let mut client = server.client();
    // A length that is not the text's, a panic, too few fields, a field of another kind, a version.
    type Fill = fn(&mut PayloadWriter);
    let bodies: [(u32, Fill); 5] = [
        (2, |out| {
            out.unsigned(3);
            out.bytes(b"hi");
        }),
        (2, |out| out.unsigned(u64::MAX)),
        (2, |out| out.unsigned(2)),
        (1, |out| out.unsigned(2)),
        (3, |out| out.bytes(b"hi")),
    ];
    for (version, fill) in bodies {
        let id = TypeId::new("toy-text0", version).unwrap();
        let dump = keyspan_common::rdb::dump::write(id, 9, fill);
        client.send_words(&[b"RESTORE", b"k", b"0", &dump]);
        client.expect("-ERR Bad data format\r\n");
        client.check("PING", "+PONG");
    }
    let id = TypeId::new("toy-text0", 1).unwrap();
    let dump = keyspan_common::rdb::dump::write(id, 9, |out| out.bytes(b"hi"));
    client.send_words(&[b"RESTORE", b"k", b"0", &dump]);
    client.expect("+OK\r\n");
    client.check("TOY.GET k", "$2\r\nhi");
}
