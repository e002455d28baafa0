//! Random command lines against the plainest model: each reply is what the model answers, and the
//! data stay so through restarts.
//!
//! | environment | meaning | default |
//! |---|---|---|
//! | `KEYSPAN_MODEL_STEPS` | commands on each server | 3000 |
//! | `KEYSPAN_MODEL_SEED` | which sequence of commands | 1 |

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic; that is how it fails"
)]

mod aggregate;
mod draw;
mod model;
mod query;
mod world;

use keyspan_tests::{Outcome, Spec, on_each_server};

fn timeseries(spec: Spec) -> Spec {
    spec.module("timeseries", &[]).options(&["--save", "", "--enable-debug-command", "yes"])
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn commands_answer_as_the_model_does() -> Outcome<()> {
    let (steps, seed) = (number("KEYSPAN_MODEL_STEPS", 3_000), number("KEYSPAN_MODEL_SEED", 1));
    on_each_server(timeseries, |server| {
        let mut world = world::World::new(server.client()?, seed)?;
        for step in 0..steps {
            world.step().map_err(|failure| failure.during(&format!("seed {seed}, step {step}")))?;
        }
        world.compare_all()
    })
}
