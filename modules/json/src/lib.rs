//! JSON.* for Valkey and Redis: translation only. Values and paths are `keyspan-json-core`'s, the
//! module API is `keyspan-server`'s.

mod access;
mod answer;
pub mod commands;
pub mod error;
mod expand;
mod length;
pub mod settings;

use keyspan_common::{
    rdb::{
        search_aux::{Dictionaries, Indexes},
        suggestions::{self, Suggestions},
    },
    settings::Figure,
};
use keyspan_json_core::Document;

/// The version that clients gate on: that of the RedisJSON whose replies these are.
const VERSION: i32 = 80800;

/// The lines of INFO.
fn figures(line: &mut dyn FnMut(&str, Figure<'_>)) {
    line("version", Figure::Text(env!("CARGO_PKG_VERSION")));
    line("documents", Figure::Count(keyspan_server::held::<Document>()));
    let (shapes, shape_sets) = keyspan_json_core::document::table_sizes();
    line("shapes", Figure::Count(shapes as u64));
    line("shape_sets", Figure::Count(shape_sets as u64));
}

/// The encoding that foreign suggestion dictionaries are saved in.
fn kept_encoding() -> u32 {
    suggestions::VERSION
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
            foreign: "skip-search-aux" => [Indexes, Dictionaries], [Suggestions => kept_encoding],
        }
    };
}
commands::json_commands!(module);
