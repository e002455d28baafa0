//! Killing a server in the middle of its work.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use crate::{Client, Failure, Outcome, Server};

/// Writes the commands number `first`, `first + 1`, ... one after the other, kills the server with
/// SIGKILL after the given time, and starts it again.
///
/// Returns the numbers whose commands were acknowledged: what a server with `appendfsync always`
/// must still have. One more command may have been carried out without its reply coming through.
/// An error reply is a failure, not an acknowledgement.
pub fn kill_under_writes(
    server: &mut Server,
    first: u64,
    command: &(dyn Fn(u64) -> Vec<Vec<u8>> + Sync),
    after: Duration,
) -> Outcome<Range<u64>> {
    let mut client = server.client()?;
    let end = thread::scope(|scope| {
        let writing = scope.spawn(move || write_until_cut(&mut client, first, command));
        thread::sleep(after);
        server.kill()?;
        writing.join().map_err(|_| Failure::new("the writing thread died"))?
    })?;
    server.start_again()?;
    Ok(first..end)
}

/// The first number that was not acknowledged.
fn write_until_cut(
    client: &mut Client,
    first: u64,
    command: &(dyn Fn(u64) -> Vec<Vec<u8>> + Sync),
) -> Outcome<u64> {
    for number in first.. {
        match client.call(&command(number)) {
            Ok(reply) if reply.starts_with(b"-") => {
                let text = String::from_utf8_lossy(&reply).into_owned();
                return Err(Failure::new(text).during("a write"));
            }
            Ok(_) => {}
            Err(_) => return Ok(number),
        }
    }
    Ok(u64::MAX)
}
