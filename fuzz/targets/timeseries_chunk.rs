//! Chunks of samples, see [`keyspan_fuzz::timeseries::chunk`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::timeseries::chunk::check(input));
