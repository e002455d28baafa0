//! Command lines on a keyspace, see [`keyspan_fuzz::commands`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::json::commands::check(input));
