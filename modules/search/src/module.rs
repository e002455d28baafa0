//! What the server is told when it loads the library.

use keyspan_common::rdb::suggestions::{self, Suggestions};
use keyspan_common::settings::Figure;
use keyspan_server::LoadArguments;

use crate::commands::search_commands;
use crate::persist::{Graphs, OfValkey, Passed, Saved};
use crate::{follow, persist, registry, settings};

/// The version that clients gate on: that of the RediSearch whose replies these are.
const VERSION: i32 = 80800;

/// The lines of INFO, named as RediSearch names them where they mean the same.
fn figures(line: &mut dyn FnMut(&str, Figure<'_>)) {
    let entries = registry::all();
    let mut totals = [0_u64; 5];
    for entry in &entries {
        let info = entry.index.info();
        let values =
            [info.memory, info.vector_memory, info.documents, info.backlog, info.errors.count];
        for (total, value) in totals.iter_mut().zip(values) {
            *total = total.saturating_add(value);
        }
    }
    let names = [
        "used_memory_indexes",
        "used_memory_vector_index",
        "number_of_documents",
        "backlog",
        "indexing_failures",
    ];
    line("version", Figure::Text(env!("CARGO_PKG_VERSION")));
    line("number_of_indexes", Figure::Count(entries.len() as u64));
    for (name, total) in names.iter().zip(totals) {
        line(name, Figure::Count(total));
    }
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
