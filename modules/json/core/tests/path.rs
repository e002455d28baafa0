//! The path engine over `serde_json::Value`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "path/attack.rs"]
mod attack;
#[path = "path/differential.rs"]
mod differential;
#[path = "path/oracle.rs"]
mod oracle;
#[path = "path/redis.rs"]
mod redis;
#[path = "path/suite.rs"]
mod suite;
