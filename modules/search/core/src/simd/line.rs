//! Memory in cache lines.

/// Bytes of a cache line.
pub const LINE: usize = 64;

/// One cache line of row bytes. Blocks of these are what rows are stored in, so that a row of
/// whole lines never touches one line more.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line([u8; LINE]);

impl Line {
    /// A line of zeros.
    pub const ZERO: Self = Self([0; LINE]);
}

/// The bytes of `lines`, one behind the other.
#[must_use]
pub fn bytes(lines: &[Line]) -> &[u8] {
    // SAFETY: a `Line` is `LINE` bytes without padding, any byte is valid, and the lifetime and
    // length in bytes are those of `lines`.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines)) }
}

/// The bytes of `lines`, to be written.
#[must_use]
pub fn bytes_mut(lines: &mut [Line]) -> &mut [u8] {
    let len = size_of_val(lines);
    // SAFETY: as in `bytes`; every byte written makes a valid `Line`, and `lines` is borrowed
    // alone for as long as the result.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), len) }
}
