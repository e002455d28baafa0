//! RDB payloads and files, see [`keyspan_fuzz::bloom::dump`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::bloom::dump::check(input));
