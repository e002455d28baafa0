//! Records beside the keys of RDB files, see [`keyspan_fuzz::search::aux`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::search::aux::check(input));
