//! A module that does to keys what modules may do, and nothing else: for what servers tell of it.
//!
//! Built with the bindings' own macro, apart from the crate that our modules are built on: that one
//! does not let a module do most of this.

#![expect(missing_docs, reason = "the macro's functions")]

use std::time::Duration;

use redis_module::alloc::RedisAlloc;
use redis_module::{
    Context, ModuleOptions, NextArg, RedisResult, RedisString, RedisValue, redis_module,
};

/// The key that is named.
fn key(words: Vec<RedisString>) -> Result<RedisString, redis_module::RedisError> {
    words.into_iter().skip(1).next_arg()
}

/// Opens the key for reading, and closes it.
fn read(server: &Context, words: Vec<RedisString>) -> RedisResult {
    drop(server.open_key(&key(words)?));
    Ok(RedisValue::SimpleStringStatic("OK"))
}

/// Opens the key for writing, and closes it as it was.
fn open(server: &Context, words: Vec<RedisString>) -> RedisResult {
    drop(server.open_key_writable(&key(words)?));
    Ok(RedisValue::SimpleStringStatic("OK"))
}

/// As [`open`], but later, when no command runs.
fn later(server: &Context, words: Vec<RedisString>) -> RedisResult {
    // A copy that does not refer to this call.
    let key = RedisString::create(None, key(words)?.as_slice());
    let open = |server: &Context, key: RedisString| drop(server.open_key_writable(&key));
    server.create_timer(Duration::from_millis(1), open, key);
    Ok(RedisValue::SimpleStringStatic("OK"))
}

/// Has the server run `GET`.
fn inner(server: &Context, words: Vec<RedisString>) -> RedisResult {
    server.call("GET", &[&key(words)?])
}

/// From now on the module says itself what has changed.
fn quiet(server: &Context, _words: Vec<RedisString>) -> RedisResult {
    server.set_module_options(ModuleOptions::NO_IMPLICIT_SIGNAL_MODIFIED);
    Ok(RedisValue::SimpleStringStatic("OK"))
}

redis_module! {
    name: "probe",
    version: 1,
    allocator: (RedisAlloc, RedisAlloc),
    data_types: [],
    commands: [
        ["probe.read", read, "readonly", 1, 1, 1, ""],
        ["probe.read-unflagged", read, "", 1, 1, 1, ""],
        ["probe.read-undeclared", read, "readonly", 0, 0, 0, ""],
        ["probe.open", open, "write", 1, 1, 1, ""],
        ["probe.open-undeclared", open, "write", 0, 0, 0, ""],
        ["probe.open-later", later, "write", 0, 0, 0, ""],
        ["probe.inner", inner, "readonly", 0, 0, 0, ""],
        ["probe.quiet", quiet, "", 0, 0, 0, ""],
    ],
}
