//! Misses and invalidations: what the server is asked, and what the I/O thread spends.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use keyspan_l1::L1;
use mio::{Events, Interest, Poll, Token};

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

/// Nanoseconds of CPU that threads of this name have spent. A thread may end while they are listed.
fn spent_ns(thread: &str) -> f64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let is_named = |task: &PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim_end() == thread)
    };
    let ns = |text: String| text.split(' ').next().unwrap().parse::<f64>().unwrap();
    tasks.filter(is_named).map(|task| ns(fs::read_to_string(task.join("schedstat")).unwrap())).sum()
}

/// The cache's I/O thread, and one that does nothing but wait for pushes and read them.
const PILOT: &str = "keyspan-l1";
const BARE: &str = "bare";

pub(crate) fn run(url: &str) {
    let cache = L1::builder(url).build().unwrap();
    let mut other = Plain::new(url);
    misses(&cache, &mut other);
    invalidations(url, &cache, &mut other);
    together(&cache, &mut other);
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

/// Starts a thread that is told of all changes as the cache is, and only reads them: what the kernel
/// takes for itself. The number of its reads.
fn bare(url: &str) -> Arc<AtomicU64> {
    let mut plain = Plain::new(url);
    plain.0.write_all(b"HELLO 3\r\nCLIENT TRACKING ON BCAST PREFIX push:\r\n").unwrap();
    let count = Arc::<AtomicU64>::default();
    let reads = Arc::clone(&count);
    plain.0.set_nonblocking(true).unwrap();
    let (mut poll, mut stream) = (Poll::new().unwrap(), mio::net::TcpStream::from_std(plain.0));
    poll.registry().register(&mut stream, Token(0), Interest::READABLE).unwrap();
    let follow = move || {
        let (mut events, mut bytes) = (Events::with_capacity(16), vec![0; 1 << 13]);
        loop {
            // Ends with the process; an interruption is no news.
            let _ = poll.poll(&mut events, None);
            if let Ok(0) = stream.read(&mut bytes) {
                break;
            }
            reads.fetch_add(1, Ordering::Release);
        }
    };
    std::thread::Builder::new().name(BARE.into()).spawn(follow).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    count
}

/// What the I/O thread spends on one push: to be woken, to read, to parse and to apply it, and to
/// sleep again; and what a thread spends that does not parse and apply.
fn invalidations(url: &str, cache: &L1, other: &mut Plain) {
    let reads = bare(url);
    let (mut least, mut floor) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        let (mut spent, mut bare) = (0.0, 0.0);
        for step in 0..WRITES {
            let key = format!("push:{step}");
            cache.get(&key).unwrap();
            let (before, before_bare) = (spent_ns(PILOT), spent_ns(BARE));
            let (seen, read) = (cache.stats().invalidations, reads.load(Ordering::Acquire));
            other.ask(&format!("SET {key} {step}"));
            while cache.stats().invalidations == seen || reads.load(Ordering::Acquire) == read {
                std::thread::sleep(Duration::from_micros(20));
            }
            // Until they sleep again.
            std::thread::sleep(Duration::from_micros(50));
            spent += spent_ns(PILOT) - before;
            bare += spent_ns(BARE) - before_bare;
        }
        least = least.min(spent / WRITES as f64);
        floor = floor.min(bare / WRITES as f64);
    }
    crate::say("invalidation cpu us", "l1", least / 1000.0);
    crate::say("invalidation cpu us", "epoll_wait and read alone", floor / 1000.0);
    crate::say("invalidation cpu us", "l1, beyond these", (least - floor) / 1000.0);
}

/// What a push costs among many that come at once: read, parsed and applied, with little to wake for.
fn together(cache: &L1, other: &mut Plain) {
    let mut least = f64::MAX;
    let names: Vec<String> = (0..WRITES).map(|step| format!("many:{step}")).collect();
    for _ in 0..20 {
        cache.get_many(&names).unwrap();
        let (before, seen) = (spent_ns(PILOT), cache.stats().invalidations);
        let pairs: Vec<String> = names.iter().map(|name| format!("{name} 1")).collect();
        other.ask(&format!("MSET {}", pairs.join(" ")));
        while cache.stats().invalidations < seen + WRITES as u64 {
            std::thread::sleep(Duration::from_micros(20));
        }
        std::thread::sleep(Duration::from_micros(50));
        least = least.min((spent_ns(PILOT) - before) / WRITES as f64);
    }
    crate::say("invalidation cpu us", "l1, of 300 at once", least / 1000.0);
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
