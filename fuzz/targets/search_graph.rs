//! Graphs that vectors come to and go from, see [`keyspan_fuzz::search::graph`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::search::graph::check(input));
