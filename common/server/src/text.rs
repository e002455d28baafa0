//! Rust text as the NUL-terminated text C wants, without an allocation while it is short.

use std::ffi::c_char;

/// Longest text that is copied to the stack.
const SHORT: usize = 128;

/// Calls `body` with a copy of `text` that ends in NUL. A NUL within becomes a space: it would
/// cut the text short.
#[inline]
pub(crate) fn with_c_str<T>(text: &str, body: impl FnOnce(*const c_char) -> T) -> T {
    let bytes = text.as_bytes();
    let mut short = [0_u8; SHORT];
    match short.get_mut(..bytes.len()) {
        Some(place) if bytes.len() < SHORT => {
            copy(place, bytes);
            body(short.as_ptr().cast())
        }
        _ => with_long(bytes, body),
    }
}

/// As [`with_c_str`], and what would end a line becomes a space too.
#[inline]
pub(crate) fn with_line<T>(bytes: &[u8], body: impl FnOnce(*const c_char) -> T) -> T {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let mut short = [0_u8; SHORT];
    match short.get_mut(..bytes.len()) {
        Some(place) if bytes.len() < SHORT && !bytes.iter().any(is_end) => {
            copy(place, bytes);
            body(short.as_ptr().cast())
        }
        _ => {
            let plain = |byte: &u8| if is_end(byte) { b' ' } else { *byte };
            with_long(&bytes.iter().map(plain).collect::<Vec<u8>>(), body)
        }
    }
}

#[cold]
fn with_long<T>(bytes: &[u8], body: impl FnOnce(*const c_char) -> T) -> T {
    let mut long = vec![0_u8; bytes.len() + 1];
    copy(&mut long, bytes);
    body(long.as_ptr().cast())
}

#[inline]
fn copy(place: &mut [u8], bytes: &[u8]) {
    for (to, from) in place.iter_mut().zip(bytes) {
        *to = if *from == 0 { b' ' } else { *from };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn check(text: &str, expected: &str) {
        // SAFETY: the pointer is to a text that ends in NUL.
        let copy = with_c_str(text, |text| unsafe { CStr::from_ptr(text) }.to_owned());
        assert_eq!(copy.to_str(), Ok(expected));
    }

    #[test]
    fn lines_have_no_end_within() {
        for (text, expected) in [("1.5", "1.5"), ("a\r\nb", "a  b"), ("", "")] {
            // SAFETY: the pointer is to a text that ends in NUL.
            let copy =
                with_line(text.as_bytes(), |line| unsafe { CStr::from_ptr(line) }.to_owned());
            assert_eq!(copy.to_str(), Ok(expected));
        }
    }

    #[test]
    fn texts_of_any_length_end_in_nul() {
        check("", "");
        check("OK", "OK");
        check("a\0b", "a b");
        for len in [SHORT - 1, SHORT, SHORT + 1, 1000] {
            check(&"x".repeat(len), &"x".repeat(len));
        }
    }
}
