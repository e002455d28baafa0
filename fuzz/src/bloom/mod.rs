//! Probabilistic types: payloads, filters in chunks, command lines.

pub mod chunks;
pub mod commands;
pub mod dump;
mod probes;
mod values;

use keyspan_bloom_core::{
    bloom::Filter, count_min::CountMin, cuckoo::Cuckoo, t_digest::TDigest, top_k::TopK, zeroed,
};

/// The memory of the machine, as far as a target knows: enough for any payload it makes, and little
/// to save and compare.
const MEMORY_MAX: u64 = 1 << 20;

/// Lets no value be larger.
fn bound_memory() {
    zeroed::set_memory(MEMORY_MAX);
}

/// Calls a macro with the types of all values.
macro_rules! types {
    ($visit:ident) => {
        $visit! { Filter Cuckoo CountMin TopK TDigest }
    };
}
use types;
