//! The table and its readers once more, with the model checker's atomics.
