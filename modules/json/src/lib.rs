//! JSON.* for Valkey and Redis: translation only. Values and paths are `keyspan-json-core`'s, the
//! module API is `keyspan-server`'s.

mod access;
mod answer;
pub mod commands;
pub mod error;
mod expand;
pub mod settings;

use keyspan_common::{
    rdb::search_aux::{Dictionaries, Indexes},
    settings::Figure,
};
use keyspan_json_core::Document;

/// The version that clients gate on: that of the RedisJSON whose replies these are.
const VERSION: i32 = 80800;

/// The lines of INFO.
fn figures(line: &mut dyn FnMut(&str, Figure<'_>)) {
    line("version", Figure::Text(env!("CARGO_PKG_VERSION")));
}

macro_rules! module {
    ($($command:ty),* $(,)?) => {
        keyspan_server::module! {
            name: "ReJSON",
            version: VERSION,
            types: [Document => settings::rdb_encoding],
            commands: [$($command),*],
            settings: &settings::SETTINGS,
            info: figures,
            skipped_aux: "skip-search-aux" => [Indexes, Dictionaries],
        }
    };
}
commands::json_commands!(module);
