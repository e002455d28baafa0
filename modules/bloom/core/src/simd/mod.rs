<<<<<<< HEAD
//! What needs an instruction set's own functions: the only `unsafe` of this crate.
#![expect(unsafe_code, reason = "the functions of an instruction set are unsafe to name")]

mod prefetch;

pub use prefetch::prefetch;
=======
//! The only unsafe code of this crate: instructions that have no safe name.

pub(crate) mod prefetch;
>>>>>>> bloom
