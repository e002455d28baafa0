//! What the tests of the bloom module start from.

use crate::{Client, Outcome, Spec, ensure};

/// A server with the module, and DEBUG.
#[must_use]
pub fn spec(spec: Spec) -> Spec {
    spec.module("bloom", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

const ONE_OF_EACH: [&str; 12] = [
    "BF.MADD b x y z",
    "CONFIG SET bf.family valkey",
    "BF.MADD v x y z",
    "CONFIG SET bf.family redis",
    "CF.INSERT c ITEMS x y z",
    "CMS.INITBYDIM m 10 3",
    "CMS.INCRBY m x 5 y 6",
    "TOPK.RESERVE t 3",
    "TOPK.ADD t x y z x",
    "TDIGEST.CREATE d",
    "TDIGEST.ADD d 1 2 3",
    "TDIGEST.CREATE e",
];

/// One key of each type: `b` `v` (valkey-bloom's) `c` `m` `t` `d` with something in it, and `e`, an
/// empty t-digest.
pub fn fill(client: &mut Client) -> Outcome<()> {
    ONE_OF_EACH.iter().try_for_each(|line| succeeds(client, line))
}

/// Fails if the reply is an error.
pub fn succeeds(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(!reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))
}

/// Fails unless the reply is an error.
pub fn fails(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(reply.starts_with(b"-"), || format!("{line}: {}", reply.escape_ascii()))
}

/// The reply as text.
pub fn text(client: &mut Client, line: &str) -> Outcome<String> {
    Ok(String::from_utf8_lossy(client.value(line)?.bytes()?).into_owned())
}
