//! A realistic mix of reads, traced: first without the cache, then with it, from cold to warm.
//!
//! The server is a round trip of a network away (a proxy that holds what comes), the database
//! likewise. Of the reads, 5 % are of keys that only the database has; the others are drawn by
//! Zipf's law from keys that the server has, of which the cache holds a tenth.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
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
/// What the network holds each way, and the database.
const HELD: Duration = Duration::from_micros(25);
const DATABASE: Duration = Duration::from_micros(100);

/// Forwards what comes, late.
fn forward(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length) = from.read(&mut bytes) {
        std::thread::sleep(HELD);
        if length == 0 || to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
}

/// The address of a proxy before the server.
fn proxy(url: &str) -> String {
    let server = url.strip_prefix("redis://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let (caller, callee) = (caller.unwrap(), TcpStream::connect(&server).unwrap());
            caller.set_nodelay(true).unwrap();
            callee.set_nodelay(true).unwrap();
            let (from, to) = (caller.try_clone().unwrap(), callee.try_clone().unwrap());
            std::thread::spawn(move || forward(from, to));
            std::thread::spawn(move || forward(callee, caller));
        }
    });
    format!("redis://{address}")
}

fn database() -> Result<Option<Vec<u8>>, std::io::Error> {
    std::thread::sleep(DATABASE);
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
    let far = proxy(url);
    let mut zipf = Zipf::new(KEYS);
    let mut without = Trace::default();
    let bare = L1::builder(&far).capacity_bytes(0).build().unwrap();
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
    let cache = L1::builder(&far).capacity_bytes(CAPACITY).build().unwrap();
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
