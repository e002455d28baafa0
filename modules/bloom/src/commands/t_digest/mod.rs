//! TDIGEST.*
