//! The compression the servers apply to long strings.
//!
//! The `lzf` crate is marked deprecated, yet it is kept: the format is frozen, its decoder checks
//! every index before it uses it, and only tests and tools come here, since a running server
//! decodes its own strings. What it lacks is added here: it would allocate the declared length
//! unseen, count past `i32::MAX`, and accept an output shorter than declared.

use super::Error;

/// The most bytes one compressed byte can stand for: a back reference takes 3 bytes and copies at
/// most 264; shorter references and literals copy less per byte.
const EXPANSION_MAX: u64 = 264 / 3;

/// The crate counts offsets in an `i32`.
const LEN_MAX: u64 = i32::MAX as u64;

/// Restores the `len` bytes that were compressed; O(len).
///
/// # Errors
/// [`Error::Invalid`] if the stream is damaged or does not hold exactly `len` bytes; nothing is
/// allocated if it cannot.
pub fn decompress(compressed: &[u8], len: u64) -> Result<Vec<u8>, Error> {
    let reachable = u64::try_from(compressed.len()).map_or(0, |n| n.saturating_mul(EXPANSION_MAX));
    if len > reachable.min(LEN_MAX) {
        return Err(Error::Invalid);
    }
    let len = usize::try_from(len).map_err(|_| Error::Invalid)?;
    let plain = lzf::decompress(compressed, len).map_err(|_| Error::Invalid)?;
    if plain.len() == len { Ok(plain) } else { Err(Error::Invalid) }
}

/// Compresses `plain`; `None` if that would not make it shorter; O(n), 512 KiB of scratch.
#[must_use]
pub fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    if u64::try_from(plain.len()).ok()? > LEN_MAX {
        return None;
    }
    lzf::compress(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::{compress, decompress};
    use crate::rdb::Error;

    #[test]
    fn refuses_what_a_stream_cannot_hold() {
        let check = |compressed: &[u8], len: u64, expected: Result<&[u8], Error>| {
            let found = decompress(compressed, len);
            assert_eq!(found.as_deref().map_err(|&e| e), expected, "{compressed:?} as {len}");
        };
        check(b"\x02abc", 3, Ok(b"abc"));
        check(b"\x00a\x20\x00", 4, Ok(b"aaaa"));
        // The best ratio there is: 264 bytes out of 3, after one literal.
        check(b"\x00a\xe0\xff\x00", 265, Ok(&[b'a'; 265]));
        let references = [b"\x00a".as_slice(), &b"\xe0\xff\x00".repeat(100)].concat();
        check(&references, 26_401, Ok(&[b'a'; 26_401]));
        check(b"\x02abc", 2, Err(Error::Invalid));
        check(b"\x02abc", 4, Err(Error::Invalid));
        check(b"\x02ab", 3, Err(Error::Invalid));
        check(b"\x20\x00", 3, Err(Error::Invalid));
        check(b"\x00a\x20\x01", 4, Err(Error::Invalid));
        check(b"\x00a\xe0", 10, Err(Error::Invalid));
        check(b"\x00a\xe0\x00", 10, Err(Error::Invalid));
        check(b"", 0, Err(Error::Invalid));
        check(b"\x00a", u64::MAX, Err(Error::Invalid));
        check(b"\x00a", 177, Err(Error::Invalid));
    }

    #[test]
    fn leaves_what_does_not_shrink() {
        assert_eq!(compress(b""), None);
        assert_eq!(compress(b"a"), None);
        assert_eq!(compress(b"abcdefghijklmnop"), None);
        assert!(compress(&[b'a'; 100]).is_some_and(|found| found.len() < 10));
    }
}
