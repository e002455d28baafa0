//! What FT.CREATE declares.
