//! An in-process cache in front of Valkey and Redis that is never stale by accident.
//!
//! ```no_run
//! use keyspan_l1::L1;
//! use std::time::Duration;
//!
//! let cache = L1::builder("redis://127.0.0.1:6379").build()?;
//! cache.set("greeting", "hello")?;
//! assert_eq!(cache.get("greeting")?.unwrap(), b"hello"); // asked for
//! assert_eq!(cache.get("greeting")?.unwrap(), b"hello"); // from memory
//!
//! // Memory, then the server, then your database; one loader runs, however many ask.
//! let user = cache.get_or_load("user:1", Some(Duration::from_secs(600)), || {
//!     std::fs::read("user-1.json").map(Some)
//! })?;
//! # Ok::<(), keyspan_l1::Error>(())
//! ```
//!
//! Every reply that is read from the server is kept until the server says that a key of it has
//! changed (`CLIENT TRACKING`), its life there ends, or it has to go for others. A hit takes no lock,
//! waits for nobody, copies nothing and writes no word that other threads write: it is a lookup in a
//! table, a coarse clock, and two words to compare. About 25 ns, whatever the size of the value.
//!
//! # Reads
//!
//! | call | gives |
//! |---|---|
//! | [`get`](L1::get), [`with`](L1::with), [`get_many`](L1::get_many) | bytes, shared with the cache |
//! | [`decode`](L1::decode), [`json`](L1::json) | an object, decoded once for each change and shared by all |
//! | [`command`](L1::command) | the reply of any command; cached if it only reads, under all its keys |
//! | [`hget`](L1::hget), [`json_mget`](L1::json_mget), [`bf_exists`](L1::bf_exists), ... | the same, parsed |
//! | [`get_or_load`](L1::get_or_load) | bytes, from a loader at last |
//!
//! The fastest is [`with`](L1::with), which neither copies nor counts references; then `get`, whose
//! [`Payload`] shares the bytes and may be kept. A [`KeyHandle`] in place of a key saves the hash. [`AsyncL1`] has the same calls as futures, of
//! any runtime: [`Builder::build_async`].
//!
//! # What is promised
//!
//! * A read is never older than another read of the same key in this process that ended before it
//!   started. What one read has seen replaced, no later read serves.
//! * A read that starts after a write through this cache has returned sees that write, or a later one.
//! * A hit is never older than [`Builder::max_staleness`] (2 s) and one tick of
//!   the clock ([`clock::TICK`]): a write of anybody that was acknowledged longer ago is seen. In fair
//!   weather a change is seen as soon as its push has come, a round trip after the write. When the
//!   connection stalls, hits become misses by then, which wait for the server; heartbeats every
//!   third of the bound prove that it has not.
//! * When the connection is lost, nothing that was kept is served again. Reads wait for the next
//!   connection for up to [`Builder::timeout`] and ask again once; writes that were sent fail with
//!   [`Error::Lost`], because they may have been run.
//! * A value is not served after its life on the server has ended, even if the server does not
//!   notice: `PTTL` is asked with every read, in one transaction.
//!
//! Not promised: that two processes see a change at the same moment.
//!
//! # What it cannot know
//!
//! * `SWAPDB` by others: no server tells of it. Call [`forget_all`](L1::forget_all), or have it
//!   noticed by a key of your choice: [`Builder::guard_swapdb`].
//! * The clock does not advance while the machine is suspended: after it wakes, hits may be as old as
//!   the sleep, until the bound has passed.
//! * Commands whose replies change while no key does (`TTL`, `OBJECT`, `SRANDMEMBER`, scans,
//!   scripts) are sent each time. Commands that would change or block the shared connection are
//!   refused: use another client for transactions, subscriptions and blocking reads.
//!
//! # Clusters and sentinels
//!
//! `redis+cluster://host:port,host:port` is a cluster, which any of its nodes leads to. Each primary has
//! its own tracking connection, with its own proof. No server tells that a slot has left it, so each
//! heartbeat (`CLUSTER NODES`) asks a node for all that it serves, and nothing else proves it; what
//! is cached of a slot is invisible from when a reply says that it has moved or is being moved
//! (`MOVED`, `ASK`, a node's own word, or that of another one with a greater configuration epoch).
//! What is read by `ASK` is not kept. The keys of one command must share a slot:
//! [`Error::CrossSlot`]; [`get_many`](L1::get_many) asks each node for its part. To the bound add what
//! the nodes take to tell each other (usually a heartbeat of theirs), as a node that has been replaced
//! goes on to answer until it is told; one that sees only a minority of them proves nothing.
//!
//! `redis+sentinel://host:port,host:port/service` is the primary that sentinels name. One of them is
//! asked at each heartbeat; when it names another primary, with a greater epoch, or the server says
//! that it is none (`ROLE`), the connection is given up with all that was cached of it.
//!
//! Servers may lose writes in a failover that they have acknowledged. Then reads go back in time, as
//! the data does.
//!
//! # When something fails
//!
//! | what happens | reads | writes |
//! |---|---|---|
//! | the connection ends | miss, wait for the next one, ask once more | [`Error::Lost`] if they were sent; else they wait |
//! | no connection within [`Builder::timeout`] | [`Error::Down`] | [`Error::Down`] |
//! | the server does not answer | hits until the bound has passed, then [`Error::Timeout`] | [`Error::Timeout`] |
//! | the key holds another type | [`Error::Server`], not kept | [`Error::Server`] |
//! | a decoder fails | [`Error::Decode`], not kept | |
//! | a loader fails | [`Error::Load`] for all who wait, not kept | |
//! | a loader panics, a future is dropped | the next who waits loads | |
//!
//! # Figures
//!
//! [`Stats`] has them as numbers, as Prometheus' text ([`Stats::prometheus`]), and, with the feature
//! `metrics`, for that crate's recorder. With the feature `tracing` there are spans at the level
//! debug: `keyspan_l1.miss`, `keyspan_l1.miss_command`, `keyspan_l1.command`, `keyspan_l1.set`,
//! `keyspan_l1.del` and `keyspan_l1.load`. Hits have none: it would cost more than the hit. Both
//! features are off by default.
//!
//! # Memory
//!
//! [`Builder::capacity_bytes`] (64 MiB) bounds what is allocated for replies, their names and the
//! table: see [`Bounded`](store::bounded::Bounded). Decoded objects are not counted.
//! A `GET` reply takes 72 bytes, name and value in whole words, and 56 to 112 bytes in tables: a value of
//! 100 bytes under a name of 24 about 270.
//! The server keeps about 100 bytes for each key that was read (not in [`Mode::Broadcast`]).

mod address;
mod async_handle;
mod back;
mod builder;
pub mod clock;
mod cluster;
mod core;
mod decode;
pub mod entry;
mod error;
mod handle;
pub mod id;
mod key;
mod link;
mod load;
mod payload;
mod reads;
mod reply;
mod request;
mod sentinel;
mod settings;
mod shape;
mod socket;
mod stats;
pub mod store;
mod tls;
pub mod tracking;

pub use async_handle::AsyncL1;
pub use builder::Builder;
pub use error::Error;
pub use handle::L1;
pub use key::{CacheKey, KeyHandle};
pub use payload::Payload;
pub use reads::{Document, Found};
pub use redis::{FromRedisValue, Value};
pub use reply::Reply;
pub use rustls;
pub use settings::Mode;
pub use stats::Stats;
