//! Keys that were there before an index was: read in slices of the main thread's time.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use keyspan_server::{Scan, Server};

use crate::registry::{Entry, lock};
use crate::{follow, work};

/// What one slice may take.
const SLICE: Duration = Duration::from_millis(1);
/// Milliseconds between two slices: the main thread is at least half its time the clients'.
const PAUSE_MS: u32 = 1;
/// Keys between two looks at the clock.
const STEPS: u32 = 16;

/// How far an index has read the keys.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    scan: Option<Scan>,
    /// Keys seen, some of them more than once.
    seen: u64,
    /// Keys there were when it began.
    total: u64,
}

impl Progress {
    /// Whether there are keys to read.
    pub(crate) const fn is_running(&self) -> bool {
        self.scan.is_some()
    }

    /// The share of the keys that is read, 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        if self.is_running() {
            (self.seen as f64 / self.total.max(1) as f64).min(0.99)
        } else {
            1.0
        }
    }
}

/// Reads all keys into the index. The first slice is read at once, so that an index over few keys is
/// whole when it is made.
pub(crate) fn start(entry: &Arc<Entry>, server: &Server<'_>) {
    server.in_database(0, |server| {
        let (scan, total) = (Some(Scan::new(server)), server.key_count());
        let mut progress = lock(&entry.scan);
        let was_running = progress.is_running();
        *progress = Progress { scan, seen: 0, total };
        drop(progress);
        if !was_running {
            slice(entry, server);
        }
    });
}

/// Reads on until the slice is over, then again after a pause.
fn slice(entry: &Arc<Entry>, server: &Server<'_>) {
    if entry.dropped.load(Relaxed) {
        return;
    }
    if run(entry, server) {
        let entry = Arc::clone(entry);
        server.after(PAUSE_MS, move |server| {
            server.in_database(0, |server| slice(&entry, server));
        });
    }
    work::settle(entry);
}

/// Whether there is more.
fn run(entry: &Entry, server: &Server<'_>) -> bool {
    // Out of its place: the index is followed meanwhile, which looks at the progress.
    let taken = std::mem::take(&mut *lock(&entry.scan));
    let Progress { scan, mut seen, total } = taken;
    let Some(mut scan) = scan else { return false };
    let begin = Instant::now();
    let mut read = |server: &Server<'_>, key: &[u8]| {
        seen += 1;
        if entry.covers(key) {
            follow::read(entry, server, key);
        }
    };
    let mut steps = 0_u32;
    let more = loop {
        if !scan.step(server, &mut read) {
            break false;
        }
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(STEPS) && begin.elapsed() > SLICE {
            break true;
        }
    };
    if more {
        *lock(&entry.scan) = Progress { scan: Some(scan), seen, total };
    }
    more
}
