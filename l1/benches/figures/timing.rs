//! The least of many rounds, in which subjects take turns.

use std::hint::black_box;

use cpu_time::ThreadTime;

/// A subject: runs one round and gives the nanoseconds of thread CPU time of one operation.
pub(crate) type Round<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// A round of hits each of which depends on the one before: `hit` gives the first byte of the
/// value of a key, which is 0.
pub(crate) fn dependent<'a>(draws: &'a [u32], hit: impl Fn(usize) -> u8 + 'a) -> Round<'a> {
    Box::new(move || {
        let (start, mut last) = (ThreadTime::now(), 0);
        for &draw in draws {
            last = hit(draw as usize + usize::from(last));
        }
        black_box(last);
        start.elapsed().as_nanos() as f64 / draws.len() as f64
    })
}

/// The least of each, in `rounds` of all of them; said as `figure`.
pub(crate) fn interleave(figure: &str, rounds: usize, mut subjects: Vec<(&str, Round<'_>)>) {
    let mut least = vec![f64::MAX; subjects.len()];
    for _ in 0..rounds {
        for ((_, round), least) in subjects.iter_mut().zip(&mut least) {
            // What the others have left in the processor's caches is not their fault.
            let _warm = round();
            *least = least.min(round());
        }
    }
    for ((subject, _), least) in subjects.iter().zip(least) {
        crate::say(figure, subject, least);
    }
}
