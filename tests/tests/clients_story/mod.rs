//! The story that every client tells (`tests/clients/story.json`), for clients in Rust.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use keyspan_tests::{Outcome, Server, on_each_server, workspace};
use serde::Deserialize;
use serde_json::Value as Json;

/// Length of the buckets of the rule, in milliseconds.
pub(crate) const MINUTE: u64 = 60_000;

/// Sensors, messages that may come twice, and what is to be found.
#[derive(Deserialize)]
pub(crate) struct Story {
    /// Documents by the name of their sensor.
    pub(crate) sensors: BTreeMap<String, Json>,
    query: Vec<f32>,
    /// In the order in which they come.
    pub(crate) messages: Vec<Message>,
    /// What is to be found.
    pub(crate) expected: Expected,
}

/// A reading, which may come twice.
#[derive(Clone, Deserialize)]
pub(crate) struct Message {
    /// What tells whether it came before.
    pub(crate) id: String,
    /// The name of its sensor.
    pub(crate) sensor: String,
    /// In milliseconds.
    pub(crate) time: i64,
    /// What was read.
    pub(crate) value: f64,
}

/// What is to be found.
#[derive(Deserialize)]
pub(crate) struct Expected {
    /// Sensors by query.
    pub(crate) searches: BTreeMap<String, Vec<String>>,
    /// The nearest to the query with their distances.
    pub(crate) nearest: Vec<(String, f64)>,
    /// The nearest of kind `rain`.
    pub(crate) nearest_rain: Vec<(String, f64)>,
    /// Messages that came before.
    pub(crate) repeated: Vec<String>,
    /// How many messages each sensor sent.
    pub(crate) readings: BTreeMap<String, u64>,
    /// Averages of each minute, by sensor.
    pub(crate) minutes: BTreeMap<String, Vec<(i64, f64)>>,
    /// The highest value of each minute.
    pub(crate) highest: Vec<(i64, f64)>,
}

impl Story {
    /// The file.
    pub(crate) fn read() -> Outcome<Self> {
        let text = fs::read_to_string(workspace().join("tests/clients/story.json"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// What the series of a sensor holds: each message once, in the order of time.
    pub(crate) fn samples(&self, sensor: &str) -> Vec<(i64, f64)> {
        let mine = self.messages.iter().filter(|one| one.sensor == sensor);
        let once: BTreeMap<&str, _> =
            mine.map(|one| (one.id.as_str(), (one.time, one.value))).collect();
        once.into_values().collect()
    }

    /// What a rule has written: every minute but the last, which may still grow.
    pub(crate) fn closed(&self, sensor: &str) -> Vec<(i64, f64)> {
        let minutes = &self.expected.minutes[sensor];
        minutes[..minutes.len() - 1].to_vec()
    }

    /// How many messages there are, each counted once.
    pub(crate) fn distinct(&self) -> usize {
        self.messages.iter().map(|one| &one.id).collect::<BTreeSet<_>>().len()
    }

    /// The query as a parameter: little-endian singles.
    pub(crate) fn query(&self) -> Vec<u8> {
        self.query.iter().flat_map(|number| number.to_le_bytes()).collect()
    }
}

/// The key of a sensor's document.
pub(crate) fn key(sensor: &str) -> String {
    format!("sensor:{sensor}")
}

/// The sensors of keys, sorted.
pub(crate) fn names(keys: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> =
        keys.into_iter().map(|key| key.trim_start_matches("sensor:").to_owned()).collect();
    names.sort();
    names
}

/// Runs a test on each server with all modules.
pub(crate) fn each(body: impl Fn(&Story, &mut Server) -> Outcome<()>) -> Outcome<()> {
    let story = Story::read()?;
    let spec = |spec: keyspan_tests::Spec| {
        ["json", "bloom", "search", "timeseries"]
            .iter()
            .fold(spec, |spec, one| spec.module(one, &[]))
    };
    on_each_server(spec, |server| body(&story, server))
}
