//! What a hit costs while another thread hits too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::draws::Zipf;
use crate::hits::{dash, filled, names, quick};
use crate::timing::{dependent, mean};

const ROUNDS: usize = 150;

/// The least time of a hit alone, and beside a thread that does the same, in turns.
fn beside(subject: &str, hit: impl Fn(usize) -> u8 + Sync) {
    let draws = Zipf::new(1000).scattered(1 << 13);
    let (mut alone, mut together) = (f64::MAX, f64::MAX);
    let (busy, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = dependent(&draws, &hit);
            while !done.load(Ordering::Relaxed) {
                if busy.load(Ordering::Relaxed) {
                    let _busy = round();
                } else {
                    std::thread::yield_now();
                }
            }
        });
        let mut round = dependent(&draws, &hit);
        let mut round = || mean(&round());
        for turn in 0..ROUNDS {
            busy.store(turn % 2 == 0, Ordering::Relaxed);
            // The other has begun by the second of these.
            let least = round().min(round()).min(round());
            let figure = if turn % 2 == 0 { &mut together } else { &mut alone };
            *figure = figure.min(if turn % 2 == 0 { round() } else { least });
        }
        done.store(true, Ordering::Relaxed);
    });
    crate::say("two threads", subject, together / alone);
}

pub(crate) fn run(url: &str) {
    let names = names(1000, 64);
    let cache = filled(url, &names, &[0; 100]);
    let value = || Arc::from([0; 100]);
    let (quick, dash) = (quick(&names, value), dash(&names, value));
    beside("with", |key| cache.with(&names[key], |value| value.unwrap()[0]).unwrap());
    beside("get", |key| cache.get(&names[key]).unwrap().unwrap()[0]);
    beside("quick_cache", |key| quick.get(&names[key]).unwrap()[0]);
    beside("dashmap", |key| dash.get(&names[key]).unwrap()[0]);
}
