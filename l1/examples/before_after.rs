//! What reads cost without the cache and with it, as a table.
//!
//! `cargo run --release -p keyspan-l1 --example before_after -- [redis://127.0.0.1:6379] [READS]`

use std::env;
use std::hint::black_box;
use std::time::{Duration, Instant};

use keyspan_l1::{Error, KeyHandle, L1};

const BYTES: [usize; 3] = [100, 5_000, 50_000];

/// The mean time of one of `reads` reads.
fn mean(reads: u32, mut read: impl FnMut() -> Result<(), Error>) -> Result<Duration, Error> {
    let start = Instant::now();
    for _ in 0..reads {
        read()?;
    }
    Ok(start.elapsed() / reads.max(1))
}

fn look(value: Option<&[u8]>) {
    black_box(value.and_then(<[u8]>::first));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = env::args().skip(1);
    let server = words.next().unwrap_or("redis://127.0.0.1:6379".into());
    let reads: u32 = words.next().map_or(Ok(5000), |word| word.parse())?;
    // One that keeps nothing asks the server each time.
    let before = L1::builder(&server).capacity_bytes(0).build()?;
    let after = L1::builder(&server).build()?;
    println!("| value | server | `with` | `get` | by `KeyHandle` | times faster |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for bytes in BYTES {
        let key = format!("keyspan:before_after:{bytes}");
        let handle = KeyHandle::new(&key);
        after.set_for(&key, vec![b'x'; bytes], Duration::from_secs(60))?;
        after.get(&key)?;
        let asked = mean(reads, || before.with(&key, look))?;
        let many = reads.saturating_mul(100);
        let with = mean(many, || after.with(&key, look))?;
        let get = mean(many, || after.get(&key).map(|value| drop(black_box(value))))?;
        let by_handle = mean(many, || after.with(&handle, look))?;
        let times = asked.as_nanos() / with.as_nanos().max(1);
        println!(
            "| {bytes} B | {asked:.1?} | {with:.0?} | {get:.0?} | {by_handle:.0?} | {times} |"
        );
        after.del(&[&key])?;
    }
    Ok(())
}
