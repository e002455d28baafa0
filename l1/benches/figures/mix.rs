//! A realistic mix of reads, traced: first without the cache, then with it, from cold to warm.
//!
//! The server is a round trip of a network away (a thread that holds what comes), the database
//! likewise. Of the reads, 5 % are of keys that only the database has; the others are drawn by
//! Zipf's law from keys that the server has, of which the cache holds a tenth.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keyspan_l1::L1;

use crate::draws::Zipf;
use crate::hits::names;

const KEYS: usize = 20_000;
/// One of so many reads is of a key that only the database has.
const NEW: u64 = 20;
const WINDOW: usize = 500;
const WITHOUT: u64 = 10_000;
const WITH: u64 = 60_000;
/// What the network holds each way, and the database. Both look at the clock instead of sleeping,
/// which takes longer than it is asked to by more than this.
const HELD: Duration = Duration::from_micros(40);
const DATABASE: Duration = Duration::from_micros(50);

/// One direction of a connection, late.
struct Way {
    from: TcpStream,
    to: TcpStream,
    held: VecDeque<(Instant, Vec<u8>)>,
}

impl Way {
    fn new(from: &TcpStream, to: &TcpStream) -> Self {
        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        Self { from, to, held: VecDeque::new() }
    }

    /// Takes what has come and lets go what was held for long enough; false at the end.
    fn turn(&mut self, bytes: &mut [u8]) -> bool {
        match self.from.read(bytes) {
            Ok(0) => return false,
            Ok(length) => self.held.push_back((Instant::now() + HELD, bytes[..length].to_vec())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
        while self.held.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            let (_, bytes) = self.held.pop_front().unwrap();
            let mut left = bytes.as_slice();
            while !left.is_empty() {
                match self.to.write(left) {
                    Ok(written) => left = &left[written..],
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return false,
                }
            }
        }
        true
    }
}

/// A network before the server: one thread that never sleeps, so that waking it costs nothing.
struct Network {
    url: String,
    done: Arc<AtomicBool>,
}

impl Network {
    fn new(url: &str) -> Self {
        let server = url.strip_prefix("redis://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (url, done) = (format!("redis://{}", listener.local_addr().unwrap()), Arc::default());
        let end = Arc::clone(&done);
        std::thread::spawn(move || carry(&listener, &server, &end));
        Self { url, done }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
    }
}

fn carry(listener: &TcpListener, server: &str, end: &AtomicBool) {
    let (mut ways, mut bytes) = (Vec::new(), vec![0; 1 << 16]);
    while !end.load(Ordering::Relaxed) {
        if let Ok((caller, _)) = listener.accept() {
            let callee = TcpStream::connect(server).unwrap();
            for end in [&caller, &callee] {
                end.set_nodelay(true).unwrap();
                end.set_nonblocking(true).unwrap();
            }
            ways.extend([Way::new(&caller, &callee), Way::new(&callee, &caller)]);
        }
        for _ in 0..64 {
            ways.retain_mut(|way| way.turn(&mut bytes));
        }
    }
}

fn database() -> Result<Option<Vec<u8>>, std::io::Error> {
    let start = Instant::now();
    while start.elapsed() < DATABASE {
        std::hint::spin_loop();
    }
    Ok(Some(vec![b'd'; 100]))
}

/// Latencies of the reads, one after the other.
#[derive(Default)]
struct Trace {
    windows: Vec<f64>,
    sum: f64,
    count: usize,
}

impl Trace {
    fn note(&mut self, phase: &str, took: Duration) {
        self.sum += took.as_nanos() as f64 / 1000.0;
        self.count += 1;
        if self.count == WINDOW {
            let mean = self.sum / WINDOW as f64;
            crate::say(&format!("mix {phase}"), &self.windows.len().to_string(), mean);
            self.windows.push(mean);
            (self.sum, self.count) = (0.0, 0);
        }
    }
}

/// The mean microseconds of these reads.
fn mean(took: &[Duration]) -> f64 {
    took.iter().sum::<Duration>().as_nanos() as f64 / 1000.0 / took.len().max(1) as f64
}

/// How many bytes hold a tenth of the keys.
const CAPACITY: u64 = KEYS as u64 / 10 * 330;

pub(crate) fn run(url: &str) {
    let near = L1::builder(url).build().unwrap();
    near.command(&["FLUSHALL"]).unwrap();
    let names = names(KEYS, 24);
    for part in names.chunks(500) {
        let words = part.iter().flat_map(|name| [name.as_str(), "0123456789"]);
        near.command(&["MSET"].into_iter().chain(words).collect::<Vec<_>>()).unwrap();
    }
    let far = Network::new(url);
    let mut zipf = Zipf::new(KEYS);
    let mut without = Trace::default();
    let bare = L1::builder(&far.url).capacity_bytes(0).build().unwrap();
    let (mut asked, mut loaded) = (Vec::new(), Vec::new());
    for read in 0..WITHOUT {
        let start = Instant::now();
        if read % NEW == 0 {
            bare.get_or_load(format!("new:{read}"), None, database).unwrap();
            loaded.push(start.elapsed());
        } else {
            bare.get(&names[zipf.rank()]).unwrap();
            asked.push(start.elapsed());
        }
        without.note("without", start.elapsed());
    }
    let cache = L1::builder(&far.url).capacity_bytes(CAPACITY).build().unwrap();
    let mut with = Trace::default();
    let mut warm = None;
    for read in 0..WITH {
        if read == WITH / 2 {
            warm = Some(cache.stats());
        }
        let start = Instant::now();
        if read % NEW == 0 {
            cache.get_or_load(format!("newer:{read}"), None, database).unwrap();
        } else {
            cache.get(&names[zipf.rank()]).unwrap();
        }
        with.note("with", start.elapsed());
    }
    let (before, after) = (warm.unwrap(), cache.stats());
    let part = (after.hits - before.hits) as f64 / (WITH / 2) as f64;
    let later = &with.windows[with.windows.len() / 2..];
    let (server, database) = (mean(&asked), mean(&loaded));
    let share = 1.0 / NEW as f64;
    crate::say("mix share", "l1", part);
    crate::say("mix share", "server", 1.0 - part - share);
    crate::say("mix share", "database", share);
    crate::say("mix us", "server", server);
    crate::say("mix us", "database", database);
    crate::say(
        "mix us",
        "without",
        without.windows.iter().sum::<f64>() / without.windows.len() as f64,
    );
    crate::say("mix us", "predicted", (1.0 - part - share) * server + share * database);
    crate::say("mix us", "with", later.iter().sum::<f64>() / later.len() as f64);
}
