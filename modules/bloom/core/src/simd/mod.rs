//! What needs an instruction set's own functions: the only `unsafe` of this crate.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "the functions of an instruction set are unsafe to name")
)]

mod prefetch;

pub use prefetch::prefetch;
