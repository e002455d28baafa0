//! The module's settings: RedisTimeSeries' own, under their bare names where the server allows that, as
//! `timeseries.<name>` elsewhere, and under their old names among load arguments.

use std::sync::{Arc, PoisonError, RwLock};

use keyspan_common::number::parse_f64;
use keyspan_common::settings::{Kind, Setting, Text};
use keyspan_timeseries_core::chunk::{ChunkSize, Encoding};
use keyspan_timeseries_core::rdb;
use keyspan_timeseries_core::request::options::parse_encoding;
use keyspan_timeseries_core::series::{DuplicatePolicy, Ignore, Options};

use crate::policy::{self, Compaction};

/// What the settings that are texts say.
struct Texts {
    policy: String,
    compactions: Arc<[Compaction]>,
    duplicate_policy: DuplicatePolicy,
    encoding: Encoding,
    ignore: String,
    value_max: f64,
    protocol: String,
}

/// How nodes of RedisTimeSeries talk to each other unless told otherwise.
const PROTOCOL: &str = "INTERNAL";

static TEXTS: RwLock<Option<Texts>> = RwLock::new(None);

impl Texts {
    fn new() -> Self {
        Self {
            policy: String::new(),
            compactions: Arc::new([]),
            duplicate_policy: DuplicatePolicy::Block,
            encoding: Encoding::Compressed,
            ignore: "0".to_owned(),
            value_max: 0.0,
            protocol: PROTOCOL.to_owned(),
        }
    }
}

fn read<T>(body: impl FnOnce(&Texts) -> T) -> T {
    let texts = TEXTS.read().unwrap_or_else(PoisonError::into_inner);
    match &*texts {
        Some(texts) => body(texts),
        None => body(&Texts::new()),
    }
}

fn write(body: impl FnOnce(&mut Texts)) {
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    body(texts.get_or_insert_with(Texts::new));
}

fn accept_policy(text: &str) -> Result<(), String> {
    let compactions = policy::parse(text);
    let compactions = compactions.ok_or_else(|| format!("Invalid compaction policy: {text}"))?;
    write(|texts| {
        text.clone_into(&mut texts.policy);
        texts.compactions = compactions.into();
    });
    Ok(())
}

fn accept_duplicate_policy(text: &str) -> Result<(), String> {
    let policy = DuplicatePolicy::parse(text.as_bytes());
    let policy = policy.ok_or_else(|| format!("Invalid duplicate policy: {text}"))?;
    write(|texts| texts.duplicate_policy = policy);
    Ok(())
}

fn accept_encoding(text: &str) -> Result<(), String> {
    let encoding = parse_encoding(text.as_bytes());
    let encoding = encoding.ok_or_else(|| format!("Invalid encoding: {text}"))?;
    write(|texts| texts.encoding = encoding);
    Ok(())
}

fn accept_ignore(text: &str) -> Result<(), String> {
    let value = parse_f64(text.as_bytes()).filter(|value| value.is_finite() && *value >= 0.0);
    let value_max = value.ok_or_else(|| format!("Invalid ignore max value difference: {text}"))?;
    write(|texts| {
        text.clone_into(&mut texts.ignore);
        texts.value_max = value_max;
    });
    Ok(())
}

/// Which protocols RedisTimeSeries knows was not observed; any word will do where none is spoken.
fn accept_protocol(text: &str) -> Result<(), String> {
    write(|texts| text.clone_into(&mut texts.protocol));
    Ok(())
}

/// Takes a secret and does not keep it.
fn forget(_secret: &str) -> Result<(), String> {
    Ok(())
}

/// The name of an encoding.
pub(crate) const fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Compressed => "compressed",
        Encoding::Uncompressed => "uncompressed",
    }
}

/// Rules of series that a sample makes.
pub static COMPACTION_POLICY: Setting = Setting::of_text(
    "ts-compaction-policy",
    "Rules that a series gets which TS.ADD, TS.INCRBY or TS.DECRBY makes: `aggregator:bucket:retention[:alignment]`, parted by `;`, times with a unit of m (milliseconds), s, M (minutes), h or d",
    Text { default: "", accept: accept_policy, shown: || read(|texts| texts.policy.clone()) },
)
.unprefixed()
.load_name("COMPACTION_POLICY");

/// Threads.
pub static NUM_THREADS: Setting = Setting::new(
    "ts-num-threads",
    "Threads that answer large queries over many series",
    Kind::Integer { min: 1, max: 16 },
    3,
)
.unprefixed()
.load_name("NUM_THREADS");

/// Retention of series that are made without one.
pub static RETENTION_POLICY: Setting = Setting::new(
    "ts-retention-policy",
    "Milliseconds that samples are kept in series made without RETENTION; 0 for ever",
    Kind::Integer { min: 0, max: i64::MAX },
    0,
)
.unprefixed()
.load_name("RETENTION_POLICY");

/// Policy of series that are made without one.
pub static DUPLICATE_POLICY: Setting = Setting::of_text(
    "ts-duplicate-policy",
    "What becomes of a sample at a time that has one, in series made without DUPLICATE_POLICY: block, first, last, min, max or sum",
    Text {
        default: "block",
        accept: accept_duplicate_policy,
        shown: || read(|texts| texts.duplicate_policy.name().to_owned()),
    },
)
.unprefixed()
.load_name("DUPLICATE_POLICY");

/// Bytes of chunks of series that are made without a number.
pub static CHUNK_SIZE_BYTES: Setting = Setting::new(
    "ts-chunk-size-bytes",
    "Bytes of a chunk in series made without CHUNK_SIZE, a multiple of 8",
    Kind::Integer { min: 48, max: 1 << 20 },
    4096,
)
.refusing(|bytes| bytes % 8 != 0)
.unprefixed()
.load_name("CHUNK_SIZE_BYTES");

/// Encoding of series that are made without one.
pub static ENCODING: Setting = Setting::of_text(
    "ts-encoding",
    "How samples are stored in series made without ENCODING: compressed or uncompressed",
    Text {
        default: "compressed",
        accept: accept_encoding,
        shown: || read(|texts| encoding_name(texts.encoding).to_owned()),
    },
)
.unprefixed()
.load_name("ENCODING")
.load_name("CHUNK_TYPE");

/// Time within which samples are ignored.
pub static IGNORE_MAX_TIME_DIFF: Setting = Setting::new(
    "ts-ignore-max-time-diff",
    "Milliseconds behind the last sample within which one of nearly its value is dropped, in series made without IGNORE",
    Kind::Integer { min: 0, max: i64::MAX },
    0,
)
.unprefixed()
.load_name("IGNORE_MAX_TIME_DIFF");

/// Difference within which samples are ignored.
pub static IGNORE_MAX_VAL_DIFF: Setting = Setting::of_text(
    "ts-ignore-max-val-diff",
    "How far a value may be from the last sample's to be nearly the same, in series made without IGNORE",
    Text { default: "0", accept: accept_ignore, shown: || read(|texts| texts.ignore.clone()) },
)
.unprefixed()
.load_name("IGNORE_MAX_VAL_DIFF");

/// How nodes talk to each other, which ours do not.
pub static LIBMR_PROTOCOL: Setting = Setting::of_text(
    "ts-libmr-protocol",
    "Kept and shown; without effect, as no command asks other nodes",
    Text {
        default: PROTOCOL,
        accept: accept_protocol,
        shown: || read(|texts| texts.protocol.clone()),
    },
)
.unprefixed()
.load_name("LIBMR_PROTOCOL");

/// Whether nodes are told of each other.
pub static TOPOLOGY_EVENTS: Setting = Setting::new(
    "ts-topology-events",
    "Kept and shown; without effect, as no command asks other nodes",
    Kind::Bool,
    1,
)
.unprefixed();

/// The password that nodes of RedisTimeSeries had for each other, and since 8.0 ignore.
pub static GLOBAL_PASSWORD: Setting = Setting::of_text(
    "OSS_GLOBAL_PASSWORD",
    "Taken and forgotten, neither logged nor shown by the module (MODULE LIST tells all load arguments); without effect, as in RedisTimeSeries from 8.0 on",
    Text { default: "", accept: forget, shown: String::new },
)
.load_only();

/// Encoding of series in RDB files and DUMP payloads.
pub static RDB_ENCODING: Setting = Setting::new(
    "rdb-encoding",
    "Encoding of saved series: 8 is read by RedisTimeSeries 1.12+, 9 by 8.6+, which alone know rules of countnan and countall",
    Kind::Choice(&["8", "9"]),
    0,
)
.fixed();

/// The table, in the order of the documents.
pub static SETTINGS: [&Setting; 12] = [
    &COMPACTION_POLICY,
    &NUM_THREADS,
    &RETENTION_POLICY,
    &DUPLICATE_POLICY,
    &CHUNK_SIZE_BYTES,
    &ENCODING,
    &IGNORE_MAX_TIME_DIFF,
    &IGNORE_MAX_VAL_DIFF,
    &LIBMR_PROTOCOL,
    &TOPOLOGY_EVENTS,
    &GLOBAL_PASSWORD,
    &RDB_ENCODING,
];

/// The policy of series that have none of their own.
pub(crate) fn duplicate_policy() -> DuplicatePolicy {
    read(|texts| texts.duplicate_policy)
}

/// The rules of series that a sample makes.
pub(crate) fn compactions() -> Arc<[Compaction]> {
    read(|texts| Arc::clone(&texts.compactions))
}

/// What series are made with where nothing is said.
pub(crate) fn options() -> Options {
    let chunk_size = ChunkSize::new(CHUNK_SIZE_BYTES.get().unsigned_abs());
    let time_ms_max = IGNORE_MAX_TIME_DIFF.get().unsigned_abs();
    read(|texts| Options {
        retention_ms: RETENTION_POLICY.get().unsigned_abs(),
        chunk_size: chunk_size.unwrap_or_default(),
        encoding: texts.encoding,
        duplicate_policy: Some(texts.duplicate_policy),
        ignore: Ignore { time_ms_max, value_max: texts.value_max },
        labels: Vec::new(),
    })
}

/// The version that series are saved in.
pub(crate) fn rdb_encoding() -> u32 {
    if RDB_ENCODING.get() == 0 { rdb::DUMP_VERSION } else { rdb::NAN_VERSION }
}

/// Has queries take as many threads as the setting says.
pub(crate) fn apply_threads() {
    keyspan_server::set_threads(usize::try_from(NUM_THREADS.get()).unwrap_or(1));
}
