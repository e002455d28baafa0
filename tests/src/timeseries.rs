//! What the tests of the timeseries module start from.

use crate::{Client, Name, Outcome, Spec};

/// A server with the module, and DEBUG.
#[must_use]
pub fn spec(spec: Spec) -> Spec {
    spec.module("timeseries", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

/// The name of a setting: only Redis from 8.0 on lets a module have it bare.
#[must_use]
pub fn setting(server: Name, name: &str) -> String {
    let bare = ["redis-8.0", "redis-8.6"].contains(&server.as_str());
    if bare { name.to_owned() } else { format!("timeseries.{name}") }
}

const SERIES: [&str; 9] = [
    "TS.CREATE a LABELS kind x room 1",
    "TS.CREATE b LABELS kind x room 2 ENCODING UNCOMPRESSED",
    "TS.CREATE c RETENTION 100000 LABELS kind y DUPLICATE_POLICY SUM",
    "TS.CREATE avg LABELS of a",
    "TS.CREATE twa LABELS of a",
    "TS.CREATERULE a avg AGGREGATION avg 10",
    "TS.CREATERULE a twa AGGREGATION twa 10 3",
    "TS.MADD a 1 1 a 5 2 a 12 3.5 a 25 nan a 40 -1 b 1 1 b 2 2 c 7 7",
    "TS.ADD a 30 8",
];

/// Series with samples: `a` with destinations `avg` and `twa`, and `b` and `c`.
pub fn fill(client: &mut Client) -> Outcome<()> {
    SERIES.iter().try_for_each(|line| crate::bloom::succeeds(client, line))
}
