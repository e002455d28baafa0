//! What the server is told when it loads the library.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use keyspan_common::rdb::suggestions::{self, Suggestions};
use keyspan_common::settings::Figure;
use keyspan_server::LoadArguments;

use crate::commands::search_commands;
use crate::persist::{Graphs, OfValkey, Passed, Saved};
use crate::registry::Entry;
use crate::{follow, persist, registry, settings};

/// The version that clients gate on: that of the RediSearch whose replies these are.
const VERSION: i32 = 80800;

/// Figures that take a walk over all documents.
#[derive(Clone, Copy, Default)]
struct Walked {
    memory: u64,
    vector_memory: u64,
    failures: u64,
}

/// How old these figures may be: INFO is asked every second by some.
const AGE_MAX: Duration = Duration::from_secs(10);

fn walked() -> Walked {
    static LAST: Mutex<Option<(Instant, Walked)>> = Mutex::new(None);
    let mut last = registry::lock(&LAST);
    if let Some((_, walked)) = last.filter(|(when, _)| when.elapsed() < AGE_MAX) {
        return walked;
    }
    let mut all = Walked::default();
    for entry in registry::all() {
        let info = entry.index.info();
        all.memory = all.memory.saturating_add(info.memory);
        all.vector_memory = all.vector_memory.saturating_add(info.vector_memory);
        all.failures = all.failures.saturating_add(info.errors.count);
    }
    *last = Some((Instant::now(), all));
    all
}

/// The lines of INFO, named as RediSearch names them where they mean the same.
fn figures(line: &mut dyn FnMut(&str, Figure<'_>)) {
    let entries = registry::all();
    let sum = |of: fn(&Entry) -> u64| entries.iter().map(|entry| of(entry)).sum::<u64>();
    let Walked { memory, vector_memory, failures } = walked();
    line("version", Figure::Text(env!("CARGO_PKG_VERSION")));
    line("number_of_indexes", Figure::Count(entries.len() as u64));
    line("number_of_documents", Figure::Count(sum(|entry| entry.index.len())));
    line("backlog", Figure::Count(sum(|entry| entry.index.backlog())));
    line("used_memory_indexes", Figure::Count(memory));
    line("used_memory_vector_index", Figure::Count(vector_memory));
    line("indexing_failures", Figure::Count(failures));
}

/// The encoding that suggestion dictionaries of RediSearch are saved in.
fn suggestions() -> u32 {
    suggestions::VERSION
}

fn ready(_: &LoadArguments) -> Result<(), String> {
    persist::remember_process();
    if !keyspan_server::guard_forks() {
        return Err("the system refuses to tell of forks".to_owned());
    }
    keyspan_server::set_threads(settings::size(&settings::WORKERS));
    Ok(())
}

macro_rules! module {
    ($($call:ty),* $(,)?) => {
        keyspan_server::module! {
            name: "search",
            version: VERSION,
            types: [Suggestions => suggestions],
            commands: [],
            calls: [$($call),*],
            settings: &settings::SETTINGS,
            info: figures,
            load: ready,
            records: [Saved, Graphs, OfValkey, Passed],
            events: follow::EVENTS,
        }
    };
}
search_commands!(module);
