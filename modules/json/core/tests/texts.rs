//! Texts that RedisJSON 8.8 was seen to accept or refuse, word for word.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use keyspan_json_core::arith::{self, Arithmetic};
use keyspan_json_core::node::Number;
use keyspan_json_core::print::{self, Style, TooLong};
use keyspan_json_core::{Document, FloatKind};

fn text(document: &Document) -> String {
    let mut out = Vec::new();
    print::compact(document.root(), &mut out, usize::MAX).unwrap();
    String::from_utf8(out).unwrap()
}

fn parsed(given: &[u8], floats: Option<FloatKind>) -> String {
    match Document::parse_as(given, floats) {
        Ok(document) => text(&document),
        Err(error) => error.to_string(),
    }
}

#[test]
fn texts() {
    for (given, shown) in [
        (&b"12345678901234567890"[..], "12345678901234567890"),
        (b"123456789012345678901234567890", "1.2345678901234568e29"),
        (b"-9223372036854775809", "-9.223372036854776e18"),
        (b"1.0", "1.0"),
        (b"1e5", "100000.0"),
        (b"100000000000000000000.5", "1e20"),
        (b"1e-7", "1e-7"),
        (b"-0", "-0.0"),
        (b"-0.0", "-0.0"),
        (b"0.0", "0.0"),
        (b"-0.05", "-0.05"),
        (b"10.0010", "10.001"),
        (b"99999999999.9999", "99999999999.9999"),
        (b"999999999999999.0", "999999999999999.0"),
        (b"1000000000000000.0", "1000000000000000.0"),
        (b"1e16", "1e16"),
        (b"0.0001", "0.0001"),
        (b"0.00001", "0.00001"),
        (b"4.35", "4.35"),
        (b"2.2250738585072011e-308", "2.225073858507201e-308"),
        (b" [ 1 , 2 ] ", "[1,2]"),
        (b"\"\\u00e9\\u0001\\/\\ud83d\\ude00\"", "\"\u{e9}\\u0001/\u{1f600}\""),
        (b"\"\\\" \\\\ \\b \\f \\n \\r \\t \x7f\"", "\"\\\" \\\\ \\b \\f \\n \\r \\t \x7f\""),
        (b"{\"\":1,\"a\\u0000\\n\":[]}", "{\"\":1,\"a\\u0000\\n\":[]}"),
        (b"1E400", "number out of range at line 1 column 5"),
        (b"NaN", "expected value at line 1 column 1"),
        (b"'x'", "expected value at line 1 column 1"),
        (b"[1,]", "trailing comma at line 1 column 4"),
        (b"01", "invalid number at line 1 column 2"),
        (b"\"\\ud800\"", "unexpected end of hex escape at line 1 column 8"),
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"\"\xff\"", "Couldn't parse as UTF-8 string"),
        (b"\xef\xbb\xbf1", "expected value at line 1 column 1"),
    ] {
        assert_eq!(parsed(given, None), shown, "{}", given.escape_ascii());
    }
}

#[test]
fn nesting() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(parsed(nested(127).as_bytes(), None), nested(127));
    let refused = "recursion limit exceeded at line 1 column 128";
    assert_eq!(parsed(nested(128).as_bytes(), None), refused);
    assert_eq!(parsed("[".repeat(1_000_000).as_bytes(), None), refused);
}

#[test]
fn floats_of_a_type() {
    for (given, floats, shown) in [
        ("[1.5,2.5]", FloatKind::F32, "[1.5,2.5]"),
        (r#"[1.1,"x"]"#, FloatKind::F16, r#"[1.099609375,"x"]"#),
        ("[1.1,70000]", FloatKind::F16, "value out of range for F16 at line 1 column 11"),
        ("[1e39]", FloatKind::F32, "value out of range for F32 at line 1 column 6"),
        ("[1e39]", FloatKind::F64, "[1e39]"),
        ("[3.14159]", FloatKind::Bf16, "[3.140625]"),
        (r#"{"a":1.1,"b":[1.1,2]}"#, FloatKind::F16, r#"{"a":1.1,"b":[1.099609375,2.0]}"#),
    ] {
        assert_eq!(parsed(given.as_bytes(), Some(floats)), shown, "{given}");
    }
}

#[test]
fn bson() {
    let shown = |bytes: &[u8]| match Document::from_bson(bytes) {
        Ok(document) => text(&document),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown(b"{\"a\":1}"), "malformed value: \"document length incorrect\"");
    assert_eq!(shown(b"\x05\0\0\0\0"), "null");
    assert_eq!(shown(b"\x0c\0\0\0\x10a\0\x07\0\0\0\0"), "7");
    assert_eq!(shown(b"\x0e\0\0\0\x02a\0\x02\0\0\0b\0\0"), "\"b\"");
}

#[test]
fn deep_bson_is_refused() {
    let mut bytes = b"\x05\0\0\0\0".to_vec();
    for _ in 0..200_000 {
        if bytes.len() > 1_500_000 {
            break;
        }
        let len = u32::try_from(bytes.len() + 8).unwrap();
        bytes = [&len.to_le_bytes()[..], b"\x03a\0", &bytes, b"\0"].concat();
        if bytes.len() > 40_000 {
            break;
        }
    }
    assert!(Document::from_bson(&bytes).is_err());
}

#[test]
fn pretty() {
    let document = Document::parse(br#"[{"x":99,"y":[],"z":{}},[1,"a"]]"#).unwrap();
    let style = Style { indent: b"  ", newline: b"\n", space: b" " };
    let mut out = Vec::new();
    print::pretty(document.root(), &style, 0, &mut out, usize::MAX).unwrap();
    let expected = "[\n  {\n    \"x\": 99,\n    \"y\": [],\n    \"z\": {}\n  },\n  [\n    1,\n    \"a\"\n  ]\n]";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn output_is_limited() {
    let document = Document::parse(format!("[{}1]", "1,".repeat(1000)).as_bytes()).unwrap();
    for limit in [0, 1, 100, 2002, 2003] {
        let expected = if limit < 2003 { Err(TooLong) } else { Ok(()) };
        let mut out = Vec::new();
        assert_eq!(print::compact(document.root(), &mut out, limit), expected);
        assert!(out.len() < limit + 100);
        out.clear();
        assert_eq!(print::pretty(document.root(), &Style::default(), 0, &mut out, limit), expected);
    }
}

#[test]
fn arithmetic() {
    type Operation = fn(Number, Number) -> Result<Number, Arithmetic>;
    let int = Number::Int;
    let double = Number::Double;
    let cases: [(Operation, Number, Number, Result<Number, Arithmetic>); 14] = [
        (arith::add, int(1), int(2), Ok(int(3))),
        (arith::add, int(9_007_199_254_740_993), int(1), Ok(int(9_007_199_254_740_994))),
        (arith::add, int(i64::MAX), int(1), Err(Arithmetic::Overflow)),
        (arith::add, double(1.5), double(0.5), Ok(double(2.0))),
        (arith::add, int(1), double(0.1), Ok(double(1.1))),
        (arith::add, double(f64::MAX), double(f64::MAX), Err(Arithmetic::NotANumber)),
        (arith::multiply, int(8), int(2), Ok(int(16))),
        (arith::multiply, int(i64::MIN), int(-1), Err(Arithmetic::Overflow)),
        (arith::power, int(32), int(2), Ok(int(1024))),
        (arith::power, int(2), int(63), Err(Arithmetic::Overflow)),
        (arith::power, int(2), int(-1), Ok(double(0.5))),
        (arith::power, int(0), int(-1), Err(Arithmetic::NotANumber)),
        (arith::power, int(-1), int(i64::MAX), Ok(int(-1))),
        (arith::power, double(-1.0), double(0.5), Err(Arithmetic::NotANumber)),
    ];
    for (operation, a, b, expected) in cases {
        assert_eq!(operation(a, b), expected, "{a:?} {b:?}");
    }
}
