//! Paths over documents, see [`keyspan_fuzz::path`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::json::path::check(input));
