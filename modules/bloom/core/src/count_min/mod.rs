//! Count-Min sketch.
