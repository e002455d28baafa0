//! The module's settings. RedisBloom's stand under their bare names where the server allows that,
//! as `bf.<name>` elsewhere; valkey-bloom's and this module's own are `bf.<name>` everywhere.

use keyspan_bloom_core::bloom;
use keyspan_common::settings::{Kind, Setting};

const EXPANSION_MAX: i64 = 1 << 15;
const CAPACITY_MAX: i64 = 1 << 30;
const MEMORY_MAX: i64 = 1 << 50;

/// The greatest error rate that RedisBloom grants; above it the rate is this one.
const ERROR_RATE_MAX: f64 = 0.25;

/// Error rate of Bloom filters that are created without one.
pub static BF_ERROR_RATE: Setting = Setting::of_ratio(
    "bf-error-rate",
    "Error rate of Bloom filters created without one; at most 0.25 is granted",
    0.01,
)
.unprefixed()
.aliases(&["bloom-fp-rate"])
.load_name("ERROR_RATE");

/// Capacity of Bloom filters that are created without one.
pub static BF_INITIAL_SIZE: Setting = Setting::new(
    "bf-initial-size",
    "Capacity of Bloom filters created without one",
    Kind::Integer { min: 1, max: CAPACITY_MAX },
    100,
)
.unprefixed()
.aliases(&["bloom-capacity"])
.load_name("INITIAL_SIZE");

/// Growth of Bloom filters that are created without one.
pub static BF_EXPANSION_FACTOR: Setting = Setting::new(
    "bf-expansion-factor",
    "Growth of Bloom filters created without one: each sub-filter is so many times larger than the last; 0 for filters that do not grow",
    Kind::Integer { min: 0, max: EXPANSION_MAX },
    2,
)
.unprefixed()
.aliases(&["bloom-expansion"]);

/// Items in a bucket of Cuckoo filters that are created without a number.
pub static CF_BUCKET_SIZE: Setting = Setting::new(
    "cf-bucket-size",
    "Items in a bucket of Cuckoo filters created without a number",
    Kind::Integer { min: 1, max: 255 },
    2,
)
.unprefixed();

/// Capacity of Cuckoo filters that are created without one.
pub static CF_INITIAL_SIZE: Setting = Setting::new(
    "cf-initial-size",
    "Capacity of Cuckoo filters created without one, at least twice the bucket size",
    Kind::Integer { min: 2, max: CAPACITY_MAX },
    1024,
)
.unprefixed();

/// Moves an insertion may make in Cuckoo filters that are created without a number.
pub static CF_MAX_ITERATIONS: Setting = Setting::new(
    "cf-max-iterations",
    "Items an insertion may move before a Cuckoo filter created without a number counts as full",
    Kind::Integer { min: 1, max: 65535 },
    20,
)
.unprefixed();

/// Growth of Cuckoo filters that are created without one.
pub static CF_EXPANSION_FACTOR: Setting = Setting::new(
    "cf-expansion-factor",
    "Growth of Cuckoo filters created without one; 0 for filters that do not grow",
    Kind::Integer { min: 0, max: EXPANSION_MAX },
    1,
)
.unprefixed();

/// Sub-filters that a Cuckoo filter may have.
pub static CF_MAX_EXPANSIONS: Setting = Setting::new(
    "cf-max-expansions",
    "Sub-filters that a Cuckoo filter may have",
    Kind::Integer { min: 1, max: 65536 },
    32,
)
.unprefixed()
.load_name("CF_MAX_EXPANSIONS");

/// Whose layout new Bloom filters have.
pub static FAMILY: Setting = Setting::new(
    "family",
    "Whose layout new Bloom filters have: RedisBloom's (redis) or valkey-bloom's (valkey); a filter created with SEED or TIGHTENING is valkey-bloom's either way",
    Kind::Choice(&["redis", "valkey"]),
    0,
);

/// Tightening of valkey-bloom's filters that are created without one.
pub static BLOOM_TIGHTENING_RATIO: Setting = Setting::of_ratio(
    "bloom-tightening-ratio",
    "By how much the error rate of each further sub-filter of a valkey-bloom filter is less than the last's",
    0.5,
);

/// Whether valkey-bloom's filters get a seed of their own.
pub static BLOOM_USE_RANDOM_SEED: Setting = Setting::new(
    "bloom-use-random-seed",
    "Whether each new valkey-bloom filter draws its own seed",
    Kind::Bool,
    1,
);

/// Memory that one valkey-bloom filter may take.
pub static BLOOM_MEMORY_USAGE_LIMIT: Setting = Setting::new(
    "bloom-memory-usage-limit",
    "Memory that one valkey-bloom filter may take; commands of a primary are obeyed beyond it",
    Kind::Memory { max: MEMORY_MAX },
    128 << 20,
);

/// The table, in the order of the documents.
pub static SETTINGS: [&Setting; 13] = [
    &BF_ERROR_RATE,
    &BF_INITIAL_SIZE,
    &BF_EXPANSION_FACTOR,
    &CF_BUCKET_SIZE,
    &CF_INITIAL_SIZE,
    &CF_MAX_ITERATIONS,
    &CF_EXPANSION_FACTOR,
    &CF_MAX_EXPANSIONS,
    &FAMILY,
    &BLOOM_TIGHTENING_RATIO,
    &BLOOM_USE_RANDOM_SEED,
    &BLOOM_MEMORY_USAGE_LIMIT,
    &bloom::DEFRAG_ENABLED,
];

/// Error rate of a Bloom filter that is created without one.
pub fn error_rate() -> f64 {
    BF_ERROR_RATE.ratio().min(ERROR_RATE_MAX)
}

/// A setting whose range has no negative number.
pub fn count(setting: &Setting) -> u64 {
    setting.get().unsigned_abs()
}

/// Whether new Bloom filters are valkey-bloom's.
pub fn is_family_valkey() -> bool {
    FAMILY.get() == 1
}
