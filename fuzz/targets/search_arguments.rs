//! Argument lists of FT.CREATE, FT.ALTER and FT.SEARCH, see [`keyspan_fuzz::search::arguments`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::search::arguments::check(input));
