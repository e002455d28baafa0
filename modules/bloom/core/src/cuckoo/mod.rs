//! Cuckoo filters.
