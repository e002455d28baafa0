//! What the server may ask of a series, beside loading and saving it.
