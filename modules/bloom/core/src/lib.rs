//! Probabilistic structures, bit for bit as RedisBloom and valkey-bloom keep them: Bloom and Cuckoo
//! filters, Count-Min sketch, Top-K, t-digest. No server: values, their formats, their hashes.

pub mod bloom;
pub mod count_min;
pub mod cuckoo;
mod grid;
pub mod hash;
pub mod simd;
pub mod t_digest;
pub mod top_k;
pub mod zeroed;
