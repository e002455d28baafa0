//! The module's settings. RediSearch's stand under their bare names where the server allows that,
//! as `search.<name>` elsewhere, and under their old names among load arguments and in FT.CONFIG;
//! this module's own are `search.<name>` everywhere.

use keyspan_common::settings::{Kind, Setting};
use keyspan_search_core::{
    engine, index::tag::Expansion, request::Defaults as RequestDefaults, schema::Limits,
};

const RESULTS_MAX: i64 = 1_000_000;
const COUNT_MAX: i64 = 1 << 32;

/// Threads that search and link.
pub static WORKERS: Setting = Setting::new(
    "search-workers",
    "Threads that search and that link vectors into graphs; 0 to do all of it in the main thread",
    Kind::Integer { min: 0, max: 16 },
    4,
)
.unprefixed()
.load_name("WORKERS");

/// How long a search may take.
pub static TIMEOUT: Setting = Setting::new(
    "search-timeout",
    "Milliseconds a search may take that names no TIMEOUT; 0 for no limit",
    Kind::Integer { min: 0, max: COUNT_MAX },
    500,
)
.unprefixed()
.load_name("TIMEOUT");

/// What a search answers whose time is up.
pub static ON_TIMEOUT: Setting = Setting::new(
    "search-on-timeout",
    "What a search answers whose time is up: what it has found (with a warning in RESP3), or an error",
    Kind::Choice(&["return", "fail"]),
    0,
)
.unprefixed()
.load_name("ON_TIMEOUT");

/// The dialect of queries that name none.
pub static DEFAULT_DIALECT: Setting = Setting::new(
    "search-default-dialect",
    "Dialect of queries that name none",
    Kind::Integer { min: 1, max: 4 },
    1,
)
.unprefixed()
.load_name("DEFAULT_DIALECT");

/// The greatest `LIMIT`.
pub static MAX_SEARCH_RESULTS: Setting = Setting::new(
    "search-max-search-results",
    "Greatest offset and number of results of LIMIT",
    Kind::Integer { min: 0, max: RESULTS_MAX },
    RESULTS_MAX,
)
.unprefixed()
.load_name("MAXSEARCHRESULTS");

/// How many tags a pattern may stand for.
pub static MAX_PREFIX_EXPANSIONS: Setting = Setting::new(
    "search-max-prefix-expansions",
    "Tags that one pattern of a query may stand for; for an index, those of its creation",
    Kind::Integer { min: 1, max: COUNT_MAX },
    200,
)
.unprefixed()
.load_name("MAXPREFIXEXPANSIONS");

/// The shortest pattern.
pub static MIN_PREFIX: Setting = Setting::new(
    "search-min-prefix",
    "Letters that a pattern of a query needs at least; for an index, those of its creation",
    Kind::Integer { min: 1, max: COUNT_MAX },
    2,
)
.unprefixed()
.load_name("MINPREFIX");

/// What a search may take in the main thread.
pub static INLINE_US: Setting = Setting::new(
    "inline-us",
    "Microseconds: a search that is expected to take less is done in the main thread, as handing it to another one takes longer; 0 for none",
    Kind::Integer { min: 0, max: 1_000_000 },
    35,
);

/// Indexes there may be.
pub static MAX_INDEXES: Setting = Setting::new(
    "max-indexes",
    "Indexes there may be; those of a primary are obeyed beyond it",
    Kind::Integer { min: 0, max: COUNT_MAX },
    1000,
);

/// Dimensions a vector may have.
pub static MAX_VECTOR_DIMENSIONS: Setting = Setting::new(
    "max-vector-dimensions",
    "Elements a vector field may declare",
    Kind::Integer { min: 1, max: 1 << 20 },
    1 << 16,
);

/// `M` a graph may have.
pub static MAX_VECTOR_M: Setting = Setting::new(
    "max-vector-m",
    "M a vector field may declare",
    Kind::Integer { min: 2, max: 512 },
    512,
);

/// Whether graphs are written to RDB files.
pub static RDB_GRAPH: Setting = Setting::new(
    "rdb-graph",
    "Whether the vectors' graphs are saved in RDB files; without them only definitions are, which RediSearch reads too, and indexes are built again from the keys",
    Kind::Bool,
    1,
);

/// Whose shape replies have in RESP3.
pub static RESP3_FAMILY: Setting = Setting::new(
    "resp3-family",
    "What FT.SEARCH, FT.INFO and FT._LIST answer in RESP3: RediSearch's maps and sets (redis), or the lists of RESP2, as valkey-search does (valkey); valkey-glide reads no others",
    Kind::Choice(&["redis", "valkey"]),
    0,
);

/// The table, in the order of the documents.
pub static SETTINGS: [&Setting; 13] = [
    &WORKERS,
    &TIMEOUT,
    &ON_TIMEOUT,
    &DEFAULT_DIALECT,
    &MAX_SEARCH_RESULTS,
    &MAX_PREFIX_EXPANSIONS,
    &MIN_PREFIX,
    &INLINE_US,
    &MAX_INDEXES,
    &MAX_VECTOR_DIMENSIONS,
    &MAX_VECTOR_M,
    &RDB_GRAPH,
    &RESP3_FAMILY,
];

/// Whether replies are lists, whatever the protocol.
pub(crate) fn is_resp3_family_valkey() -> bool {
    RESP3_FAMILY.get() == 1
}

/// A setting whose range has no negative number.
pub fn count(setting: &Setting) -> u64 {
    setting.get().unsigned_abs()
}

/// The same as a size in memory.
pub(crate) fn size(setting: &Setting) -> usize {
    usize::try_from(count(setting)).unwrap_or(usize::MAX)
}

/// What schemas may not exceed; `is_obeyed` for those of a primary, which were accepted there.
pub(crate) fn limits(is_obeyed: bool) -> Limits {
    if is_obeyed {
        return Limits { dimension: 1 << 20, ..Limits::default() };
    }
    let (dimension, m) = (count(&MAX_VECTOR_DIMENSIONS), count(&MAX_VECTOR_M));
    Limits { dimension, m, ..Limits::default() }
}

/// What requests are read with.
pub(crate) fn request_defaults() -> RequestDefaults {
    RequestDefaults {
        dialect: u8::try_from(count(&DEFAULT_DIALECT)).unwrap_or(1),
        results_max: count(&MAX_SEARCH_RESULTS),
    }
}

/// What indexes are made with.
pub(crate) fn engine() -> engine::Settings {
    let (length_min, tags_max) = (size(&MIN_PREFIX), size(&MAX_PREFIX_EXPANSIONS));
    engine::Settings {
        expansion: Expansion { length_min, tags_max },
        ..engine::Settings::default()
    }
}
