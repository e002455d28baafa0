//! Command lines on a keyspace, see [`keyspan_fuzz::timeseries::commands`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::timeseries::commands::check(input));
