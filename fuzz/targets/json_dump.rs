//! RDB payloads and files, see [`keyspan_fuzz::dump`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::json::dump::check(input));
