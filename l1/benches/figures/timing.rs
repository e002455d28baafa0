//! The least of many rounds, in which subjects take turns.

use std::hint::black_box;

use cpu_time::ThreadTime;

/// A subject: runs one round and gives, for each part of it, the nanoseconds of thread CPU time of
/// one operation.
pub(crate) type Round<'a> = Box<dyn FnMut() -> Vec<f64> + 'a>;

/// Operations of a part: less than a millisecond, so that most parts of most rounds are not
/// interrupted.
const PART: usize = 1 << 13;

/// Rounds before each one that counts. With one or three, what comes second of two subjects that read one
/// cache was a third faster than the first: it takes the processor's last cache that long to settle.
const WARMING: usize = 10;

/// A round of hits each of which depends on the one before: `hit` gives the first byte of the
/// value of a key, which is 0.
pub(crate) fn dependent<'a>(draws: &'a [u32], hit: impl Fn(usize) -> u8 + 'a) -> Round<'a> {
    Box::new(move || {
        let parts = draws.chunks(PART).map(|part| {
            let (start, mut last) = (ThreadTime::now(), 0);
            for &draw in part {
                last = hit(draw as usize + usize::from(last));
            }
            black_box(last);
            start.elapsed().as_nanos() as f64 / part.len() as f64
        });
        parts.collect()
    })
}

/// The mean of the parts.
pub(crate) fn mean(parts: &[f64]) -> f64 {
    parts.iter().sum::<f64>() / parts.len() as f64
}

/// Keeps of each part the lesser.
fn keep_least(least: &mut Vec<f64>, round: Vec<f64>) {
    if least.is_empty() {
        *least = round;
        return;
    }
    least.iter_mut().zip(round).for_each(|(least, part)| *least = least.min(part));
}

/// Of each subject the mean of its parts, each the least of `rounds`; said as `figure`.
pub(crate) fn interleave(figure: &str, rounds: usize, mut subjects: Vec<(&str, Round<'_>)>) {
    let mut least = vec![Vec::new(); subjects.len()];
    for _ in 0..rounds {
        for ((_, round), least) in subjects.iter_mut().zip(&mut least) {
            // What the others have left in the processor's caches is not its fault.
            (0..WARMING).for_each(|_| drop(round()));
            keep_least(least, round());
        }
    }
    for ((subject, _), least) in subjects.iter().zip(least) {
        crate::say(figure, subject, mean(&least));
    }
}
