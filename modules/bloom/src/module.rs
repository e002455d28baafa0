//! What the server is told when it loads the library.

use keyspan_common::settings::Figure;

use crate::{commands::bloom_commands, settings};

/// The version that clients gate on: that of the RedisBloom whose replies these are.
const VERSION: i32 = 80800;

/// The lines of INFO.
fn figures(line: &mut dyn FnMut(&str, Figure<'_>)) {
    line("version", Figure::Text(env!("CARGO_PKG_VERSION")));
}

macro_rules! module {
    ($($command:ty),* $(,)?) => {
        keyspan_server::module! {
            name: "bf",
            version: VERSION,
            types: [],
            commands: [$($command),*],
            settings: &settings::SETTINGS,
            info: figures,
        }
    };
}
bloom_commands!(module);
