//! Query texts, see [`keyspan_fuzz::search::query`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::search::query::check(input));
