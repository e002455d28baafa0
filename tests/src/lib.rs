//! Real servers, raw RESP: starts them, plays transcripts, compares bytes.
//!
//! A test names servers ([`Name`]), says how one is started ([`Spec`]), and talks to it in bytes
//! ([`Client`]). What a person would write by hand (commands and their exact replies) is a
//! [`Transcript`]. Everything here returns an [`Outcome`]; nothing panics, so that a server's log
//! is kept and named whenever something fails.
//!
//! | environment | meaning | default |
//! |---|---|---|
//! | `KEYSPAN_SERVERS` | servers to test, by name, parted by spaces or commas | all six |
//! | `KEYSPAN_SERVER_KIND` | `process` or `docker` | `process` |
//! | `KEYSPAN_MODULES_DIR` | folder of `libkeyspan_*.so` | `target/modules` |
//! | `KEYSPAN_CACHE` | folder of unpacked servers (see `scripts/servers`) | `.cache` |
//! | `KEYSPAN_L1_CHECKS` | keys looked at for each fault of the client-side cache | 512 |
//! | `KEYSPAN_L1_KEYS` | how many keys are contended at once there | 256 |
//! | `KEYSPAN_KEEP` | `1` keeps every server's folder, not just those of failures | unset |

pub mod acl;
pub mod bloom;
mod built;
pub mod cluster;
pub mod crash;
pub mod docker;
pub mod example;
mod failure;
pub mod fixture;
pub mod l1;
pub mod migrate;
mod name;
pub mod pages;
pub mod persistence;
pub mod pubsub;
pub mod refusal;
pub mod replication;
mod resp;
mod server;
pub mod session;
pub mod timeseries;
pub mod tls;
pub mod together;
pub mod transcript;
mod value;
pub mod words;

pub use built::with_example;
pub use failure::{Failure, Outcome, ensure, same};
pub use name::{Kind, Name, SERVERS, TOO_OLD, servers};
pub use resp::{Client, Protocol, frame_length};
pub use server::{
    A_FREE_PORT, Server, Spec, free_port, modules_folder, on_each_of, on_each_server, workspace,
};
pub use transcript::Transcript;
pub use value::Value;
