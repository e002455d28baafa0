//! What the server is told when it loads the library.

use keyspan_common::settings::Figure;
use keyspan_server::LoadArguments;
use keyspan_timeseries_core::series::{Series, TOTALS};

use crate::{commands::timeseries_commands, follow, settings};

/// The version that clients gate on: that of the RedisTimeSeries whose replies these are.
const VERSION: i32 = 80800;

/// The lines of INFO.
fn figures(line: &mut dyn FnMut(&str, Figure<'_>)) {
    line("version", Figure::Text(env!("CARGO_PKG_VERSION")));
    line("total_memory_bytes", Figure::Count(TOTALS.bytes()));
    line("num_series", Figure::Count(keyspan_server::held::<Series>()));
    line("num_samples", Figure::Count(TOTALS.items()));
}

fn ready(_: &LoadArguments) -> Result<(), String> {
    settings::apply_threads();
    Ok(())
}

macro_rules! module {
    ($($command:ty),* $(,)?) => {
        keyspan_server::module! {
            name: "timeseries",
            version: VERSION,
            types: [Series => settings::rdb_encoding],
            commands: [$($command),*],
            settings: &settings::SETTINGS,
            info: figures,
            load: ready,
            events: follow::EVENTS,
        }
    };
}
timeseries_commands!(module);
