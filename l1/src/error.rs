//! What can go wrong.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why there is no answer. Clones share what they hold: all who wait for one reply get the same.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server is part of a cluster, but the address is one of a server that is alone: see
    /// [`L1::builder`](crate::L1::builder).
    Cluster,
    /// The keys of one command belong to different slots of a cluster, so that no one node has them
    /// all. Keys with the same text in `{` `}` share a slot.
    CrossSlot,
    /// A reply was not what the decoder takes.
    Decode(Arc<str>),
    /// There is no connection, and none came about in time; why the last one ended or failed.
    Down(Arc<str>),
    /// The loader of [`get_or_load`](crate::L1::get_or_load) failed.
    Load(Arc<dyn std::error::Error + Send + Sync>),
    /// The connection ended after the command was sent: it may have been run, or not.
    Lost(Arc<str>),
    /// The server does not speak RESP3, on which pushes need; what it said.
    NoResp3(Arc<str>),
    /// A command that would change what the shared connection is: its name.
    Refused(Arc<str>),
    /// The server's error reply, such as `WRONGTYPE Operation against ...`.
    Server(Arc<str>),
    /// A setting that cannot be: which, and why.
    Setting(Arc<str>),
    /// No reply came within the timeout; the connection was given up.
    Timeout(Duration),
    /// The address cannot be understood: why.
    Url(Arc<str>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str(
                "the server is part of a cluster, whose slots must be followed: \
                 use redis+cluster://host:port",
            ),
            Self::CrossSlot => f.write_str(
                "the keys belong to different slots of the cluster: \
                 run a command for each, or name them alike in {...}",
            ),
            Self::Decode(why) => write!(f, "the reply cannot be decoded: {why}"),
            Self::Down(why) => write!(f, "not connected: {why}"),
            Self::Load(error) => write!(f, "the loader failed: {error}"),
            Self::Lost(why) => write!(f, "the connection was lost after sending: {why}"),
            Self::NoResp3(said) => write!(
                f,
                "the server does not speak RESP3 (Redis 6 and Valkey 7 and later do), \
                 without which it cannot tell what has changed: {said}"
            ),
            Self::Refused(name) => write!(
                f,
                "{name} would block or change the connection that all callers share; \
                 use a connection of your own for it"
            ),
            Self::Server(said) => write!(f, "the server replied: {said}"),
            Self::Setting(why) => write!(f, "a setting is wrong: {why}"),
            Self::Timeout(limit) => write!(f, "no reply within {limit:?}"),
            Self::Url(why) => write!(f, "the address cannot be used: {why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Load(error) = self { Some(&**error) } else { None }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Down(error.to_string().into())
    }
}
