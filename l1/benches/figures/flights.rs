//! Misses and invalidations: what the server is asked, and what the I/O thread spends.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use keyspan_l1::L1;

const CALLERS: usize = 100;
const WRITES: usize = 300;

/// A connection of its own, for questions and writes of others.
struct Plain(TcpStream);

impl Plain {
    fn new(url: &str) -> Self {
        let place = url.strip_prefix("redis://").unwrap();
        let stream = TcpStream::connect(place).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn ask(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let (mut reply, mut piece) = (Vec::new(), [0; 1 << 12]);
        while reply.is_empty() || !is_whole(&reply) {
            let length = self.0.read(&mut piece).unwrap();
            reply.extend_from_slice(&piece[..length]);
        }
        String::from_utf8(reply).unwrap()
    }

    /// How many GETs the server has run.
    fn gets(&mut self) -> f64 {
        let stats = self.ask("INFO commandstats");
        let calls = stats.split("cmdstat_get:calls=").nth(1).unwrap_or("0,");
        calls.split(',').next().unwrap().parse().unwrap()
    }
}

/// Whether this is all of a reply that is one line or one string.
fn is_whole(reply: &[u8]) -> bool {
    let text = std::str::from_utf8(reply).unwrap();
    let Some((head, rest)) = text.split_once("\r\n") else { return false };
    match head.strip_prefix('$') {
        Some(length) => length == "-1" || rest.len() >= length.parse::<usize>().unwrap() + 2,
        None => true,
    }
}

/// Nanoseconds of CPU that the cache's I/O thread has spent. A thread may end while they are listed.
fn pilot_ns() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let is_pilot = |task: &PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "keyspan-l1\n")
    };
    let ns = |text: String| text.split(' ').next().unwrap().parse::<f64>().unwrap();
    tasks.filter(is_pilot).map(|task| ns(fs::read_to_string(task.join("schedstat")).unwrap())).sum()
}

pub(crate) fn run(url: &str) {
    let cache = L1::builder(url).build().unwrap();
    let mut other = Plain::new(url);
    misses(&cache, &mut other);
    invalidations(&cache, &mut other);
    loopback(&mut other);
}

/// Many threads miss one key at once.
fn misses(cache: &L1, other: &mut Plain) {
    let mut most = 0.0_f64;
    for round in 0..20 {
        let (key, start) = (format!("miss:{round}"), Barrier::new(CALLERS));
        other.ask(&format!("SET {key} 1"));
        let before = other.gets();
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    start.wait();
                    cache.get(&key).unwrap();
                });
            }
        });
        most = most.max(other.gets() - before);
    }
    crate::say("gets of 100 misses", "l1", most);
}

/// What the I/O thread spends on one push: to be woken, to read, to parse and to apply it.
fn invalidations(cache: &L1, other: &mut Plain) {
    let mut least = f64::MAX;
    for _ in 0..5 {
        let mut spent = 0.0;
        for step in 0..WRITES {
            let key = format!("push:{step}");
            cache.get(&key).unwrap();
            let (before, seen) = (pilot_ns(), cache.stats().invalidations);
            other.ask(&format!("SET {key} {step}"));
            while cache.stats().invalidations == seen {
                std::thread::sleep(Duration::from_micros(20));
            }
            // Until it sleeps again.
            std::thread::sleep(Duration::from_micros(50));
            spent += pilot_ns() - before;
        }
        least = least.min(spent / WRITES as f64);
    }
    crate::say("invalidation cpu us", "l1", least / 1000.0);
}

/// A GET over loopback, of a client that does nothing else.
fn loopback(other: &mut Plain) {
    other.ask("SET loopback 1");
    let mut times: Vec<f64> = (0..20_000)
        .map(|_| {
            let start = Instant::now();
            other.ask("GET loopback");
            start.elapsed().as_nanos() as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    crate::say("loopback get ns", "median", times[times.len() / 2]);
    crate::say("loopback get ns", "least tenth", times[times.len() / 10]);
}
