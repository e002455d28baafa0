//! Probabilistic types: payloads, filters in chunks, command lines.

pub mod chunks;
pub mod commands;
pub mod dump;
mod probes;
mod values;

use keyspan_bloom_core::{
    bloom::Filter, count_min::CountMin, cuckoo::Cuckoo, t_digest::TDigest, top_k::TopK,
};

/// Calls a macro with the types of all values.
macro_rules! types {
    ($visit:ident) => {
        $visit! { Filter Cuckoo CountMin TopK TDigest }
    };
}
use types;
