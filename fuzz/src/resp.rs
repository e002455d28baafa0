//! Whether bytes are a reply, and what is in it.

use keyspan_common::resp::Protocol;

/// Panics unless `bytes` are one reply of `protocol`, whole and with nothing behind it.
pub(crate) fn assert_reply(bytes: &[u8], protocol: Protocol) {
    let mut rest = bytes;
    let mut missing = 1;
    while missing > 0 {
        let (line, tail) = line(rest).unwrap_or_else(|| panic!("no line in {rest:?}"));
        rest = tail;
        missing -= 1;
        let (kind, argument) = line.split_first().expect("an empty line");
        assert!(protocol == Protocol::Resp3 || b"+-:$*".contains(kind), "{line:?} is not RESP2");
        match kind {
            b'+' | b'-' => assert!(!argument.contains(&b'\n')),
            b':' => drop(number::<i64>(argument)),
            b',' => drop(number::<f64>(argument)),
            b'#' => assert!(matches!(argument, b"t" | b"f")),
            b'_' => assert_eq!(argument, b""),
            b'(' => assert!(!argument.is_empty() && argument.iter().all(u8::is_ascii_digit)),
            b'$' | b'*' if argument == b"-1" => assert_eq!(protocol, Protocol::Resp2),
            b'$' => rest = bulk(rest, number(argument)),
            b'*' | b'~' => missing += number::<usize>(argument),
            b'%' => missing += 2 * number::<usize>(argument),
            _ => panic!("{line:?} is no reply"),
        }
    }
    assert_eq!(rest, b"", "behind the reply");
}

/// A position and the bytes that go with it: the reply of SCANDUMP in RESP2.
pub(crate) fn chunk(reply: &[u8]) -> (u64, &[u8]) {
    let (head, rest) = line(reply).expect("an array");
    assert_eq!(head, b"*2");
    let (position, rest) = line(rest).expect("a position");
    let (length, rest) = line(rest).expect("a string");
    let bytes = match length {
        b"$-1" => rest,
        _ => &rest[..number::<usize>(length.strip_prefix(b"$").expect("a string"))],
    };
    (number(position.strip_prefix(b":").expect("an integer")), bytes)
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\r')?;
    assert_eq!(bytes.get(end + 1), Some(&b'\n'), "a carriage return in {bytes:?}");
    Some((&bytes[..end], &bytes[end + 2..]))
}

fn bulk(bytes: &[u8], len: usize) -> &[u8] {
    assert_eq!(bytes.get(len..len + 2), Some(b"\r\n".as_slice()), "the end of a bulk string");
    &bytes[len + 2..]
}

fn number<T: std::str::FromStr>(text: &[u8]) -> T {
    let text = std::str::from_utf8(text).expect("a number");
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}
