//! The module's settings. The server shows them as `ReJSON.<name>`.

use keyspan_common::settings::{Kind, Setting};
use keyspan_json_core::path::{Budget, Dialect};

const MEMORY_MAX: i64 = 1 << 50;
const NESTING_MAX: i64 = 128;
const COUNT_MAX: i64 = i64::MAX;

/// Greatest size of one document in bytes of memory; 0 = no limit.
pub static MAX_DOCUMENT_SIZE: Setting = Setting::new(
    "max-document-size",
    "Greatest size of a document in bytes of memory, 0 for no limit",
    Kind::Memory { max: MEMORY_MAX },
    0,
);

/// Greatest nesting of one document.
pub static MAX_PATH_LIMIT: Setting = Setting::new(
    "max-path-limit",
    "Greatest nesting of a document",
    Kind::Integer { min: 1, max: NESTING_MAX },
    NESTING_MAX,
);

/// How paths are read.
pub static PATH_DIALECT: Setting = Setting::new(
    "path-dialect",
    "redis: as RedisJSON reads paths; strict: RFC 9535 to the letter",
    Kind::Choice(&["redis", "strict"]),
    0,
);

/// Encoding of documents in RDB files and DUMP payloads.
pub static RDB_ENCODING: Setting = Setting::new(
    "rdb-encoding",
    "Encoding of saved documents: 3 is read by every RedisJSON 2+ and valkey-json, 4 by RedisJSON 8.8+",
    Kind::Choice(&["3", "4"]),
    0,
)
.fixed();

/// Values that one path may look at.
pub static MAX_PATH_STEPS: Setting = Setting::new(
    "max-path-steps",
    "Values that the evaluation of one path may look at",
    Kind::Integer { min: 1, max: COUNT_MAX },
    20_000_000,
);

/// Matches that one path may have.
pub static MAX_PATH_MATCHES: Setting = Setting::new(
    "max-path-matches",
    "Matches that one path may have",
    Kind::Integer { min: 1, max: COUNT_MAX },
    10_000_000,
);

/// Bytes that one reply may have.
pub static MAX_REPLY_SIZE: Setting = Setting::new(
    "max-reply-size",
    "Bytes of JSON text that one reply may have",
    Kind::Memory { max: MEMORY_MAX },
    512 << 20,
);

/// The table, in the order of the documents.
pub static SETTINGS: [&Setting; 7] = [
    &MAX_DOCUMENT_SIZE,
    &MAX_PATH_LIMIT,
    &PATH_DIALECT,
    &RDB_ENCODING,
    &MAX_PATH_STEPS,
    &MAX_PATH_MATCHES,
    &MAX_REPLY_SIZE,
];

/// The dialect in force.
pub fn dialect() -> Dialect {
    if PATH_DIALECT.get() == 0 { Dialect::Redis } else { Dialect::Strict }
}

/// The encoding version that documents are saved in.
pub fn rdb_encoding() -> u32 {
    if RDB_ENCODING.get() == 0 { 3 } else { 4 }
}

/// What one path may cost.
pub fn budget() -> Budget {
    Budget::new(MAX_PATH_STEPS.get().unsigned_abs(), MAX_PATH_MATCHES.get().unsigned_abs())
}

/// Bytes that one reply may have.
pub fn reply_max() -> usize {
    usize::try_from(MAX_REPLY_SIZE.get()).unwrap_or(usize::MAX)
}

/// Levels of arrays and objects that a document may have; text deeper than 127 does not parse.
pub fn nesting_max() -> usize {
    usize::try_from(MAX_PATH_LIMIT.get()).unwrap_or(0).min(127)
}

/// Bytes of memory that a document may have.
pub fn document_max() -> usize {
    match MAX_DOCUMENT_SIZE.get() {
        0 => usize::MAX,
        max => usize::try_from(max).unwrap_or(usize::MAX),
    }
}
