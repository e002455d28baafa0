//! Errors as the client sees them.

use std::borrow::Cow;

/// An error with the exact text that goes over the wire, code word included and without the
/// leading `-` or the trailing line end.
pub trait Wire {
    /// The text of the error line. Implementations are one exhaustive `match` without `_`.
    fn wire(&self) -> Cow<'_, str>;
}
