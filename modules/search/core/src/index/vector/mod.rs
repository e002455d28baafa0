//! Vector indexes: distances, FLAT, HNSW.
