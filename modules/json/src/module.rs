//! What the server is told when it loads the library.

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
            types: [Document => crate::settings::rdb_encoding],
            commands: [$($command),*],
            settings: &crate::settings::SETTINGS,
            info: figures,
            documents: crate::shared::Shared,
            foreign: "skip-search-aux" => [Indexes, Dictionaries], [Suggestions => kept_encoding],
        }
    };
}
crate::commands::json_commands!(module);
