//! JSON texts and edits, see [`keyspan_fuzz::json_text`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyspan_fuzz::json::text::check(input));
