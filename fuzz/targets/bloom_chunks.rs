//! Filters in chunks, see [`keyspan_fuzz::bloom::chunks`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::bloom::chunks::check(input));
