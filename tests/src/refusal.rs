//! Bad input: an error, and nothing else.

use std::time::{Duration, Instant};

use crate::{Client, Failure, Outcome, ensure, same};

/// Most that a refused command may leave allocated: buffers of connections come and go.
const SLACK: i64 = 1 << 20;

/// Longest that a command may hold the server up.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The server's `used_memory`.
pub fn used_memory(client: &mut Client) -> Outcome<i64> {
    let text = client.info("used_memory")?;
    text.parse().map_err(|_| Failure::new(text))
}

/// The reply to a command that may not hold the server up; the server answers afterwards.
pub fn within_patience(client: &mut Client, words: &[&[u8]]) -> Outcome<Vec<u8>> {
    let shown = words.iter().take(8).map(|word| word.get(..60).unwrap_or(word).escape_ascii());
    let shown = shown.map(|word| word.to_string()).collect::<Vec<_>>().join(" ");
    let started = Instant::now();
    let reply = client.call(words).map_err(|failure| failure.during(&shown))?;
    let took = started.elapsed();
    ensure(took < PATIENCE, || format!("{shown} took {took:?}"))?;
    client.expect("PING", "+PONG").map_err(|failure| failure.during(&shown))?;
    Ok(reply)
}

/// Refused: an error (this one, unless `error` is empty), soon, and nothing changed or left
/// allocated.
pub fn refused(client: &mut Client, words: &[&[u8]], error: &str) -> Outcome<()> {
    let (digest, used) = (client.call(&["DEBUG", "DIGEST"])?, used_memory(client)?);
    let reply = within_patience(client, words)?;
    let shown = words.first().map(|word| word.escape_ascii().to_string()).unwrap_or_default();
    if error.is_empty() {
        ensure(reply.starts_with(b"-"), || format!("{shown}: {}", reply.escape_ascii()))?;
    } else {
        same(&reply, format!("-{error}\r\n").as_bytes(), &shown)?;
    }
    same(&client.call(&["DEBUG", "DIGEST"])?, &digest, &format!("{shown} changed the data"))?;
    let left = used_memory(client)? - used;
    ensure(left < SLACK, || format!("{shown} left {left} bytes allocated"))
}

/// The same of a line of words.
pub fn refused_line(client: &mut Client, line: &str, error: &str) -> Outcome<()> {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    refused(client, &words, error).map_err(|failure| failure.during(line))
}
