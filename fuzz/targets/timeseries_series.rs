//! A series beside a model, see [`keyspan_fuzz::timeseries::series`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::timeseries::series::check(input));
