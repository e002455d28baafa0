//! RDB payloads and files, see [`keyspan_fuzz::timeseries::dump`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::timeseries::dump::check(input));
