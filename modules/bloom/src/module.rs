//! What the server is told when it loads the library.

use keyspan_bloom_core::{
    bloom::{self, Filter},
    count_min::{self, CountMin},
    cuckoo::{self, Cuckoo},
    t_digest::{self, TDigest},
    top_k::{self, TopK},
    zeroed,
};
use keyspan_common::{data_type::DataType, settings::Figure, totals::Totals};

use keyspan_server::LoadArguments;

use crate::{commands::bloom_commands, memory, settings};

/// The version that clients gate on: that of the RedisBloom whose replies these are.
const VERSION: i32 = 80800;

type Line<'a> = &'a mut dyn FnMut(&str, Figure<'_>);

/// The lines of INFO; those of Bloom filters are named as valkey-bloom names them, the others alike.
fn figures(line: Line<'_>) {
    line("version", Figure::Text(env!("CARGO_PKG_VERSION")));
    figures_of::<Filter>("bloom", &bloom::TOTALS, line);
    figures_of::<Cuckoo>("cuckoo", &cuckoo::TOTALS, line);
    figures_of::<CountMin>("cms", &count_min::TOTALS, line);
    figures_of::<TopK>("topk", &top_k::TOTALS, line);
    figures_of::<TDigest>("tdigest", &t_digest::TOTALS, line);
}

fn figures_of<V: DataType>(kind: &str, totals: &Totals, line: Line<'_>) {
    let mut say = |name: &str, count| line(&format!("{kind}_{name}"), Figure::Count(count));
    say("total_memory_bytes", totals.bytes());
    say("num_objects", keyspan_server::held::<V>());
    say("num_filters_across_objects", totals.parts());
    say("num_items_across_objects", totals.items());
}

/// Tells the core how much memory the machine has, if the system says it.
fn measure(_: &LoadArguments) -> Result<(), String> {
    memory::of_machine().inspect(|&bytes| zeroed::set_memory(bytes));
    Ok(())
}

/// The encoding of RedisBloom 2.2 and later, of Bloom and Cuckoo filters.
fn filters() -> u32 {
    4
}

/// The encoding of valkey-bloom 1.0 and later.
fn filters_of_valkey() -> u32 {
    1
}

/// The only encoding of sketches.
fn sketches() -> u32 {
    0
}

macro_rules! module {
    ($($command:ty),* $(,)?) => {
        keyspan_server::module! {
            name: "bf",
            version: VERSION,
            types: [
                Filter => filters,
                Filter as 1 => filters_of_valkey,
                Cuckoo => filters,
                CountMin => sketches,
                TopK => sketches,
                TDigest => sketches,
            ],
            commands: [$($command),*],
            settings: &settings::SETTINGS,
            info: figures,
            load: measure,
        }
    };
}
bloom_commands!(module);
