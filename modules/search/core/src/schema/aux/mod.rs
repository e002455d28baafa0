//! Definitions of indexes beside the keys of RDB files.
